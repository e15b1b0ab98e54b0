//! DisassociateKmsKey: what is put into a group from now on is sealed under no KMS key. What is there stays as it is sealed.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DisassociateKmsKey.html>

use super::{associate_kms_key::parse, shapes::NoOutput};
use crate::{LogsError, access::On, seal, table};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DisassociateKmsKey;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    log_group_name: Option<String>,
    resource_identifier: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("logGroupName", self.log_group_name.as_deref())
            .maybe_text("resourceIdentifier", self.resource_identifier.as_deref())
    }
}

impl Operation for DisassociateKmsKey {
    const NAME: &'static str = "DisassociateKmsKey";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "query results";
    type Input = Json<Input>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        let named = parse(
            ctx,
            input.log_group_name.as_deref(),
            input.resource_identifier.as_deref(),
        )?;
        Ok(named.demand(view, "logs:DisassociateKmsKey", On::Group).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let named = parse(
            ctx,
            input.log_group_name.as_deref(),
            input.resource_identifier.as_deref(),
        )?;
        let before = named.group(&txn.view()).await?;
        if before.kms_key.is_some() {
            let mut group = before.clone();
            let number = before.key.saturating_add(1);
            seal::new_key(ctx, txn, &mut group, number, None).await?;
            table::put_group(txn, &group, Some(&before));
        }
        Ok(NoOutput)
    }
}

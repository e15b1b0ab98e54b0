//! AssociateKmsKey: what is put into a group from now on is sealed under a KMS key. What is there stays as it is sealed.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html>

use super::shapes::{NoOutput, check_kms_key};
use crate::{
    LogsError,
    access::{self, Named, On},
    seal, table,
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct AssociateKmsKey;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    log_group_name: Option<String>,
    kms_key_id: String,
    resource_identifier: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("logGroupName", self.log_group_name.as_deref())
            .text("kmsKeyId", &self.kms_key_id)
            .maybe_text("resourceIdentifier", self.resource_identifier.as_deref())
    }
}

/// The group that a name or an ARN means. The ARN of all query results, which AWS takes too, is refused.
pub(super) fn parse(ctx: &Ctx, name: Option<&str>, identifier: Option<&str>) -> Result<Named, LogsError> {
    let mut violations = Violations::new();
    if let Some(identifier) = identifier {
        violations.length("resourceIdentifier", identifier, 1..=2048);
    }
    violations.finish()?;
    match (name, identifier) {
        (Some(name), None) => {
            access::check_group_name(name)?;
            Ok(Named::here(ctx, name))
        }
        (None, Some(identifier)) if identifier.contains(":query-result:") => {
            Err(LogsError::NotImplemented("A key for query results"))
        }
        (None, Some(identifier)) => Named::parse_identifier(ctx, "resourceIdentifier", identifier),
        _ => Err(LogsError::invalid(
            "Exactly one of logGroupName and resourceIdentifier must be specified.",
        )),
    }
}

impl Operation for AssociateKmsKey {
    const NAME: &'static str = "AssociateKmsKey";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "query results";
    type Input = Json<Input>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        check_kms_key(&input.kms_key_id)?;
        let named = parse(
            ctx,
            input.log_group_name.as_deref(),
            input.resource_identifier.as_deref(),
        )?;
        Ok(named.demand(view, "logs:AssociateKmsKey", On::Group).await?.into())
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
        let mut group = before.clone();
        let number = before.key.saturating_add(1);
        seal::new_key(ctx, txn, &mut group, number, Some(&input.kms_key_id)).await?;
        table::put_group(txn, &group, Some(&before));
        Ok(NoOutput)
    }
}

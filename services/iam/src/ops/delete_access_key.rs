//! DeleteAccessKey: the key signs nothing any more.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html>

use super::{find, shapes::Done};
use crate::{IamError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteAccessKey;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    user_name: Option<String>,
    access_key_id: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("userName", self.user_name.as_deref())
            .text("accessKeyId", &self.access_key_id)
    }
}

impl Operation for DeleteAccessKey {
    const NAME: &'static str = "DeleteAccessKey";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:DeleteAccessKey", input.user_name.as_deref()).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let owner = find::subject(ctx, &view, input.user_name.as_deref()).await?.owner();
        let key = find::access_key(ctx, &view, &owner, &input.access_key_id).await?;
        table::delete_access_key(txn, &key).await?;
        Ok(Done)
    }
}

//! UpdateAccessKey: puts a key out of use, or back into it.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html>

use super::{find, shapes::Done};
use crate::{IamError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UpdateAccessKey;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    user_name: Option<String>,
    access_key_id: String,
    status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Status {
    Active,
    Inactive,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let status = match self.status {
            Status::Active => "Active",
            Status::Inactive => "Inactive",
        };
        Params::new()
            .maybe_text("userName", self.user_name.as_deref())
            .text("accessKeyId", &self.access_key_id)
            .text("status", status)
    }
}

impl Operation for UpdateAccessKey {
    const NAME: &'static str = "UpdateAccessKey";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:UpdateAccessKey", input.user_name.as_deref()).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let owner = find::subject(ctx, &view, input.user_name.as_deref()).await?.owner();
        let mut key = find::access_key(ctx, &view, &owner, &input.access_key_id).await?;
        key.active = input.status == Status::Active;
        table::put_access_key(txn, &key);
        Ok(Done)
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, shown};
    use super::*;

    #[test]
    fn the_form_is_read() {
        let form = "Action=UpdateAccessKey&Version=2010-05-08&AccessKeyId=AKIA&Status=Inactive&UserName=Bob";
        let input: Input = read(form);
        assert_eq!(
            shown(&input),
            r#"{"userName":"Bob","accessKeyId":"AKIA","status":"Inactive"}"#
        );
    }
}

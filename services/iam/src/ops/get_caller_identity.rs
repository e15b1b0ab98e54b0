//! STS GetCallerIdentity: who signed. Needs no permission and cannot be denied.
//!
//! SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>

use crate::IamError;
use base::Fault;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::{Authorized, Exemption, Principal};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetCallerIdentity;

#[derive(Deserialize)]
pub(super) struct Input {}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
    }
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    arn: String,
    user_id: String,
    account: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Output {
    /// Who a signature can be of; nobody else gets as far as an STS call.
    fn of(principal: &Principal) -> Option<Output> {
        let user_id = match principal {
            Principal::Root { account } => account.as_str().to_owned(),
            Principal::User { id, .. } => id.clone(),
            Principal::Session {
                role_id, session_name, ..
            } => format!("{role_id}:{session_name}"),
            Principal::Anonymous | Principal::Service { .. } => return None,
        };
        Some(Output {
            arn: principal.arn()?,
            user_id,
            account: principal.account()?.as_str().to_owned(),
        })
    }
}

impl Operation for GetCallerIdentity {
    const NAME: &'static str = "GetCallerIdentity";
    const SERVICE: ServiceName = ServiceName::Sts;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, IamError> {
        Ok(Demands::Exempt(Exemption::NeedsNoPermission))
    }

    async fn run(ctx: &Ctx, _: &mut Txn, _: &Authorized<Self::Input>, _: &Staged) -> Result<Self::Output, IamError> {
        Output::of(&ctx.caller.principal())
            .map(QueryResult)
            .ok_or(IamError::Fault(Fault::Bug("STS was called by one who cannot sign")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{bob, read, result};
    use super::*;
    use crate::model::user::Owner;
    use base::AccountId;

    #[test]
    fn callers_are_named() {
        let _: Input = read("Action=GetCallerIdentity&Version=2011-06-15");
        let check = |owner: Owner, expected: &str| {
            let output = Output::of(&owner.principal(AccountId::FIRST)).unwrap();
            assert_eq!(result("GetCallerIdentity", &output), expected);
        };
        check(
            Owner::Root,
            "<Arn>arn:aws:iam::000000000000:root</Arn><UserId>000000000000</UserId><Account>000000000000</Account>",
        );
        check(
            Owner::user(&bob()),
            "<Arn>arn:aws:iam::000000000000:user/a/Bob</Arn><UserId>AIDAX</UserId><Account>000000000000</Account>",
        );
        let role = crate::model::role::session_principal(AccountId::FIRST, "/a/", "R", "AROAX", "s");
        assert_eq!(
            result("GetCallerIdentity", &Output::of(&role).unwrap()),
            "<Arn>arn:aws:sts::000000000000:assumed-role/R/s</Arn><UserId>AROAX:s</UserId><Account>000000000000</Account>"
        );
        assert_eq!(Output::of(&Principal::Anonymous), None);
    }
}

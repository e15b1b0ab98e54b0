//! PutUserPolicy: an inline policy, in the place of one of the same name.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html>

use super::{find, holder::Held, shapes::Done};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutUserPolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    user_name: String,
    policy_name: String,
    policy_document: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("userName", &self.user_name)
            .text("policyName", &self.policy_name)
            .text("policyDocument", &self.policy_document)
    }
}

impl Operation for PutUserPolicy {
    const NAME: &'static str = "PutUserPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let demand = find::bounded_demand(ctx, view, "iam:PutUserPolicy", &input.user_name).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let user = find::user(ctx, &txn.view(), &input.user_name).await?;
        let held = Held::from(&user);
        held.put_policy(txn, &input.policy_name, &input.policy_document).await?;
        Ok(Done)
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, shown};
    use super::*;

    #[test]
    fn the_form_is_read() {
        let form =
            "Action=PutUserPolicy&Version=2010-05-08&UserName=Bob&PolicyName=p&PolicyDocument=%7B%22a%22%3A+1%7D";
        let input: Input = read(form);
        assert_eq!(
            shown(&input),
            r#"{"userName":"Bob","policyName":"p","policyDocument":"{\"a\": 1}"}"#
        );
    }
}

//! PutRolePolicy: an inline policy, in the place of one of the same name.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>

use super::{role, shapes::Done};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutRolePolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("roleName", &self.role_name)
            .text("policyName", &self.policy_name)
            .text("policyDocument", &self.policy_document)
    }
}

impl Operation for PutRolePolicy {
    const NAME: &'static str = "PutRolePolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        role::bounded_demand(ctx, view, "iam:PutRolePolicy", &input.role_name, None).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let role = role::existing(ctx, &txn.view(), &input.role_name).await?;
        let held = role::held(&role);
        held.put_policy(txn, &input.policy_name, &input.policy_document).await?;
        Ok(Done)
    }
}

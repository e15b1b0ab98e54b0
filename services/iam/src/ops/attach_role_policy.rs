//! AttachRolePolicy: a managed policy for a role.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html>

use super::{
    role::{self, RoleAndPolicy},
    shapes::Done,
};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct AttachRolePolicy;

impl Operation for AttachRolePolicy {
    const NAME: &'static str = "AttachRolePolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<RoleAndPolicy>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let policy = input.parse_arn()?;
        role::bounded_demand(ctx, view, "iam:AttachRolePolicy", &input.role_name, Some(&policy)).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let role = role::existing(ctx, &txn.view(), &input.role_name).await?;
        role::held(&role).attach(txn, &input.policy_arn).await?;
        Ok(Done)
    }
}

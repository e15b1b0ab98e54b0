//! DeleteRolePolicy: an inline policy goes.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePolicy.html>

use super::{
    role::{self, NamedRolePolicy},
    shapes::Done,
};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteRolePolicy;

impl Operation for DeleteRolePolicy {
    const NAME: &'static str = "DeleteRolePolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedRolePolicy>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        role::bounded_demand(ctx, view, "iam:DeleteRolePolicy", &input.role_name, None).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let role = role::existing(ctx, &txn.view(), &input.role_name).await?;
        role::held(&role).delete_policy(txn, &input.policy_name).await?;
        Ok(Done)
    }
}

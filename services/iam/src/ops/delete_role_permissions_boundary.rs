//! DeleteRolePermissionsBoundary: a role without a boundary.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePermissionsBoundary.html>

use super::{
    role::{self, NamedRole},
    shapes::Done,
};
use crate::{IamError, table::roles};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteRolePermissionsBoundary;

impl Operation for DeleteRolePermissionsBoundary {
    const NAME: &'static str = "DeleteRolePermissionsBoundary";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedRole>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let action = "iam:DeleteRolePermissionsBoundary";
        role::bounded_demand(ctx, view, action, &input.role_name, None).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let mut role = role::existing(ctx, &txn.view(), &input.role_name).await?;
        role::held(&role).unbound(txn, role.boundary.as_deref()).await?;
        role.boundary = None;
        roles::put_role(txn, &role);
        Ok(Done)
    }
}

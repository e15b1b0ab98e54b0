//! DeleteRole: a role that has no policies left.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>

use super::{
    role::{self, NamedRole},
    shapes::Done,
};
use crate::{
    IamError,
    error::Attached,
    table::{holdings, roles},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteRole;

impl Operation for DeleteRole {
    const NAME: &'static str = "DeleteRole";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedRole>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        Ok(role::demand(ctx, view, "iam:DeleteRole", &input.role_name)
            .await?
            .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let role = role::existing(ctx, &view, &input.role_name).await?;
        if !holdings::attached(&view, ctx.account, &role.id).await?.is_empty() {
            return Err(IamError::DeleteConflict(Attached::ManagedPolicies));
        }
        if !holdings::inline(&view, ctx.account, &role.id)
            .await?
            .policies
            .is_empty()
        {
            return Err(IamError::DeleteConflict(Attached::Policies));
        }
        roles::delete_role(txn, &role).await?;
        Ok(Done)
    }
}

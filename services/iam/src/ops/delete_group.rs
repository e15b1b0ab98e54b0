//! DeleteGroup: a group that has neither users nor policies left.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroup.html>

use super::{
    group::{self, NamedGroup},
    shapes::Done,
};
use crate::{
    IamError,
    error::Attached,
    table::{groups, holdings},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteGroup;

impl Operation for DeleteGroup {
    const NAME: &'static str = "DeleteGroup";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedGroup>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        group::demand_on(ctx, view, "iam:DeleteGroup", &input.group_name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let group = group::find(ctx, &view, &input.group_name).await?;
        if !groups::member_ids(&view, &group).await?.is_empty() {
            return Err(IamError::DeleteConflict(Attached::Membership));
        }
        if !holdings::attached(&view, ctx.account, &group.id).await?.is_empty() {
            return Err(IamError::DeleteConflict(Attached::ManagedPolicies));
        }
        if !holdings::inline(&view, ctx.account, &group.id)
            .await?
            .policies
            .is_empty()
        {
            return Err(IamError::DeleteConflict(Attached::Policies));
        }
        groups::delete_group(txn, &group);
        Ok(Done)
    }
}

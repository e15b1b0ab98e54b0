//! ListAttachedRolePolicies: a role's managed policies.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedRolePolicies.html>

use super::{
    holder::AttachedPolicies,
    role::{self, RoleListing},
};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListAttachedRolePolicies;

impl Operation for ListAttachedRolePolicies {
    const NAME: &'static str = "ListAttachedRolePolicies";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<RoleListing>;
    type Output = QueryResult<AttachedPolicies>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let demand = role::demand(ctx, view, "iam:ListAttachedRolePolicies", &input.role_name).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let role = role::existing(ctx, &view, &input.role_name).await?;
        let (prefix, marker) = (input.path_prefix.as_deref(), input.marker.as_deref());
        let held = role::held(&role);
        let attached = held.attached(&view, prefix, input.max_items, marker).await?;
        Ok(QueryResult(attached))
    }
}

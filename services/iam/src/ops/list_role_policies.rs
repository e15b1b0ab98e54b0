//! ListRolePolicies: the names of a role's inline policies.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRolePolicies.html>

use super::{
    holder::PolicyNames,
    role::{self, RoleListing},
};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListRolePolicies;

impl Operation for ListRolePolicies {
    const NAME: &'static str = "ListRolePolicies";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<RoleListing>;
    type Output = QueryResult<PolicyNames>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let demand = role::demand(ctx, view, "iam:ListRolePolicies", &input.role_name).await?;
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
        let (held, marker) = (role::held(&role), input.marker.as_deref());
        Ok(QueryResult(held.policy_names(&view, input.max_items, marker).await?))
    }
}

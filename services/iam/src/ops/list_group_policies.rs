//! ListGroupPolicies: the names of a group's inline policies.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupPolicies.html>

use super::{
    group,
    holder::{Held, PolicyNames},
};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListGroupPolicies;

impl Operation for ListGroupPolicies {
    const NAME: &'static str = "ListGroupPolicies";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<group::Listing>;
    type Output = QueryResult<PolicyNames>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        group::demand_on(ctx, view, "iam:ListGroupPolicies", &input.group_name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let group = group::find(ctx, &view, &input.group_name).await?;
        let (max_items, marker) = (input.max_items, input.marker.as_deref());
        let names = Held::from(&group).policy_names(&view, max_items, marker).await?;
        Ok(QueryResult(names))
    }
}

//! ListUserPolicies: the names of a user's inline policies.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html>

use super::{
    find,
    holder::{Held, PolicyNames},
    shapes::UserListing,
};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListUserPolicies;

impl Operation for ListUserPolicies {
    const NAME: &'static str = "ListUserPolicies";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<UserListing>;
    type Output = QueryResult<PolicyNames>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:ListUserPolicies", Some(&input.user_name)).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let user = find::user(ctx, &view, &input.user_name).await?;
        let (max_items, marker) = (input.max_items, input.marker.as_deref());
        let names = Held::from(&user).policy_names(&view, max_items, marker).await?;
        Ok(QueryResult(names))
    }
}

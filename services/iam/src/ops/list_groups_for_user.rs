//! ListGroupsForUser: the groups that a user is in, by name.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupsForUser.html>

use super::{find, group::Groups, page::page, shapes::UserListing};
use crate::{IamError, table::groups};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListGroupsForUser;

impl Operation for ListGroupsForUser {
    const NAME: &'static str = "ListGroupsForUser";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<UserListing>;
    type Output = QueryResult<Groups>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:ListGroupsForUser", Some(&input.user_name)).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let user = find::user(ctx, &view, &input.user_name).await?;
        let all = groups::groups_of(&view, &user).await?;
        let page = page(all, |group| &group.name, input.max_items, input.marker.as_deref())?;
        Ok(QueryResult(Groups::from(page)))
    }
}

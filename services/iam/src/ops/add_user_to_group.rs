//! AddUserToGroup: a user has a group's rights too.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html>

use super::{
    find,
    group::{self, Member},
    shapes::Done,
};
use crate::{IamError, error::Quota, model::group::GROUPS_PER_USER_MAX, table::groups};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct AddUserToGroup;

impl Operation for AddUserToGroup {
    const NAME: &'static str = "AddUserToGroup";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Member>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        group::demand_on(ctx, view, "iam:AddUserToGroup", &input.group_name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let group = group::find(ctx, &view, &input.group_name).await?;
        let user = find::user(ctx, &view, &input.user_name).await?;
        let others = groups::groups_of(&view, &user).await?;
        if others.len() >= GROUPS_PER_USER_MAX && !others.iter().any(|other| other.id == group.id) {
            return Err(IamError::LimitExceeded(Quota::GroupsPerUser));
        }
        groups::add_member(txn, &group, &user).await?;
        Ok(Done)
    }
}

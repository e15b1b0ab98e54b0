//! RemoveUserFromGroup: a user has a group's rights no more.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveUserFromGroup.html>

use super::{
    find,
    group::{self, Member},
    shapes::Done,
};
use crate::{IamError, error::Entity, table::groups};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct RemoveUserFromGroup;

impl Operation for RemoveUserFromGroup {
    const NAME: &'static str = "RemoveUserFromGroup";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Member>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        group::demand_on(ctx, view, "iam:RemoveUserFromGroup", &input.group_name).await
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
        match groups::remove_member(txn, &group, &user).await? {
            true => Ok(Done),
            false => Err(IamError::NoSuchEntity(Entity::Member {
                user: user.name,
                group: group.name,
            })),
        }
    }
}

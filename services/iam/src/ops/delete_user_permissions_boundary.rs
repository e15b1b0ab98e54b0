//! DeleteUserPermissionsBoundary: nothing limits what a user's policies allow any more.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPermissionsBoundary.html>

use super::{
    find,
    holder::Held,
    shapes::{Done, NamedUser},
};
use crate::{IamError, model::user::User, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteUserPermissionsBoundary;

impl Operation for DeleteUserPermissionsBoundary {
    const NAME: &'static str = "DeleteUserPermissionsBoundary";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedUser>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let action = "iam:DeleteUserPermissionsBoundary";
        Ok(find::bounded_demand(ctx, view, action, &input.user_name).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let user = find::user(ctx, &txn.view(), &input.user_name).await?;
        Held::from(&user).unbound(txn, user.boundary.as_deref()).await?;
        let user = User { boundary: None, ..user };
        table::put_user(txn, &user);
        Ok(Done)
    }
}

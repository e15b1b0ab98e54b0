//! DeleteUser: a user that has neither keys nor policies nor groups left.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>

use super::{
    find,
    shapes::{Done, NamedUser},
};
use crate::{
    IamError,
    error::Attached,
    model::user::Owner,
    table::{self, groups, holdings},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteUser;

impl Operation for DeleteUser {
    const NAME: &'static str = "DeleteUser";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedUser>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:DeleteUser", Some(&input.user_name)).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let user = find::user(ctx, &view, &input.user_name).await?;
        let keys = table::access_keys(&view, ctx.account, &Owner::user(&user)).await?;
        if !keys.is_empty() {
            return Err(IamError::DeleteConflict(Attached::AccessKeys));
        }
        if !table::policies(&view, &user).await?.policies.is_empty() {
            return Err(IamError::DeleteConflict(Attached::Policies));
        }
        if !holdings::attached(&view, ctx.account, &user.id).await?.is_empty() {
            return Err(IamError::DeleteConflict(Attached::ManagedPolicies));
        }
        if !groups::groups_of(&view, &user).await?.is_empty() {
            return Err(IamError::DeleteConflict(Attached::Membership));
        }
        table::delete_user(txn, &user).await?;
        Ok(Done)
    }
}

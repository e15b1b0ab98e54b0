//! DeleteUserPolicy: an inline policy goes.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPolicy.html>

use super::{
    find,
    shapes::{Done, NamedPolicy},
};
use crate::{IamError, error::Entity, model::name, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteUserPolicy;

impl Operation for DeleteUserPolicy {
    const NAME: &'static str = "DeleteUserPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedPolicy>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:DeleteUserPolicy", Some(&input.user_name)).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let policy_name = name::parse_policy_name(&input.policy_name)?;
        let view = txn.view();
        let user = find::user(ctx, &view, &input.user_name).await?;
        let mut row = table::policies(&view, &user).await?;
        if row.policies.remove(&policy_name).is_none() {
            return Err(IamError::NoSuchEntity(Entity::UserPolicy(policy_name)));
        }
        table::put_policies(txn, &user, &row);
        Ok(Done)
    }
}

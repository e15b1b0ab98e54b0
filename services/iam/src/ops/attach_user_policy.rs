//! AttachUserPolicy: a managed policy becomes one of a user's.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html>

use super::{
    find,
    holder::Held,
    shapes::{Done, UserAttachment},
};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct AttachUserPolicy;

impl Operation for AttachUserPolicy {
    const NAME: &'static str = "AttachUserPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<UserAttachment>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let demand = find::bounded_demand(ctx, view, "iam:AttachUserPolicy", &input.user_name).await?;
        Ok(demand.with("iam:PolicyARN", input.policy_arn.as_str()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let user = find::user(ctx, &txn.view(), &input.user_name).await?;
        Held::from(&user).attach(txn, &input.policy_arn).await?;
        Ok(Done)
    }
}

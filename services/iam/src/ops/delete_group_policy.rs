//! DeleteGroupPolicy: an inline policy goes.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroupPolicy.html>

use super::{
    group::{self, GroupPolicy},
    holder::Held,
    shapes::Done,
};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteGroupPolicy;

impl Operation for DeleteGroupPolicy {
    const NAME: &'static str = "DeleteGroupPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<GroupPolicy>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        group::demand_on(ctx, view, "iam:DeleteGroupPolicy", &input.group_name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let group = group::find(ctx, &txn.view(), &input.group_name).await?;
        Held::from(&group).delete_policy(txn, &input.policy_name).await?;
        Ok(Done)
    }
}

//! AttachGroupPolicy: a managed policy becomes one of a group's.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachGroupPolicy.html>

use super::{
    group::{self, GroupAttachment},
    holder::Held,
    shapes::Done,
};
use crate::{IamError, model::name, table::groups};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct AttachGroupPolicy;

impl Operation for AttachGroupPolicy {
    const NAME: &'static str = "AttachGroupPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<GroupAttachment>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let name = name::parse_group_name(&input.group_name)?;
        let found = groups::group(view, ctx.account, &name).await?;
        let demand = group::demand(ctx, "iam:AttachGroupPolicy", &name, found.as_ref());
        Ok(demand.with("iam:PolicyARN", input.policy_arn.as_str()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let group = group::find(ctx, &txn.view(), &input.group_name).await?;
        Held::from(&group).attach(txn, &input.policy_arn).await?;
        Ok(Done)
    }
}

//! GetResourcePolicy: who else may put events into a channel.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetResourcePolicy.html>

use super::resource_policy::{GuardedResource, NamedResource, demand_on, find, shown};
use crate::ChannelError;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetResourcePolicy;

impl Operation for GetResourcePolicy {
    const NAME: &'static str = "GetResourcePolicy";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<NamedResource>;
    type Output = Json<GuardedResource>;
    type Error = ChannelError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, ChannelError> {
        demand_on(ctx, view, "cloudtrail:GetResourcePolicy", &input.resource_arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ChannelError> {
        let channel = find(ctx, &txn.view(), &input.resource_arn).await?;
        Ok(Json(shown(ctx, &txn.view(), &channel).await?))
    }
}

//! DeleteResourcePolicy: from now on the channel is for its own account alone.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DeleteResourcePolicy.html>

use super::{
    resource_policy::{NamedResource, demand_on, find},
    shapes::Nothing,
};
use crate::{ChannelError, table::channels};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteResourcePolicy;

impl Operation for DeleteResourcePolicy {
    const NAME: &'static str = "DeleteResourcePolicy";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<NamedResource>;
    type Output = Json<Nothing>;
    type Error = ChannelError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, ChannelError> {
        demand_on(ctx, view, "cloudtrail:DeleteResourcePolicy", &input.resource_arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ChannelError> {
        let mut channel = find(ctx, &txn.view(), &input.resource_arn).await?;
        if channel.policy.take().is_none() {
            return Err(ChannelError::ResourcePolicyNotFound(input.resource_arn.clone()));
        }
        channels::put(txn, &channel);
        Ok(Json(Nothing {}))
    }
}

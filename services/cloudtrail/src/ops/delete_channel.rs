//! DeleteChannel: no more events from there. What came in is delivered.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DeleteChannel.html>

use super::{
    channel_shapes::{NamedChannel, demand_on, find},
    shapes::Nothing,
};
use crate::{ChannelError, table::channels};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteChannel;

impl Operation for DeleteChannel {
    const NAME: &'static str = "DeleteChannel";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<NamedChannel>;
    type Output = Json<Nothing>;
    type Error = ChannelError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, ChannelError> {
        demand_on(ctx, view, "cloudtrail:DeleteChannel", &input.channel).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ChannelError> {
        let channel = find(ctx, &txn.view(), &input.channel).await?;
        channels::delete(txn, &channel);
        Ok(Json(Nothing {}))
    }
}

//! GetChannel: a channel, and what came in last.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetChannel.html>

use super::channel_shapes::{Destination, NamedChannel, demand_on, destinations_of, find};
use crate::{ChannelError, model::channel::Ingestion, table::channels};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

/// The operation.
pub(super) struct GetChannel;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    channel_arn: String,
    name: String,
    source: String,
    destinations: Vec<Destination>,
    ingestion_status: IngestionStatus,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IngestionStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_ingestion_success_time: Option<EpochSeconds>,
    #[serde(rename = "LatestIngestionSuccessEventID", skip_serializing_if = "Option::is_none")]
    latest_ingestion_success_event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_ingestion_error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_ingestion_attempt_time: Option<EpochSeconds>,
    #[serde(rename = "LatestIngestionAttemptEventID", skip_serializing_if = "Option::is_none")]
    latest_ingestion_attempt_event_id: Option<String>,
}

impl From<Ingestion> for IngestionStatus {
    fn from(row: Ingestion) -> Self {
        let (succeeded, success_id) = row.succeeded.unzip();
        let (attempted, attempt_id) = row.attempted.unzip();
        IngestionStatus {
            latest_ingestion_success_time: succeeded.map(EpochSeconds),
            latest_ingestion_success_event_id: success_id,
            latest_ingestion_error_code: row.error,
            latest_ingestion_attempt_time: attempted.map(EpochSeconds),
            latest_ingestion_attempt_event_id: attempt_id,
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetChannel {
    const NAME: &'static str = "GetChannel";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<NamedChannel>;
    type Output = Json<Output>;
    type Error = ChannelError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, ChannelError> {
        demand_on(ctx, view, "cloudtrail:GetChannel", &input.channel).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ChannelError> {
        let channel = find(ctx, &txn.view(), &input.channel).await?;
        let ingestion = channels::ingestion(&txn.view(), &channel.id).await?;
        Ok(Json(Output {
            channel_arn: channel.arn().as_str().to_owned(),
            destinations: destinations_of(&channel),
            name: channel.name,
            source: channel.source,
            ingestion_status: ingestion.into(),
        }))
    }
}

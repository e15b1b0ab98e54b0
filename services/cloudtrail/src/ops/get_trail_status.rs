//! GetTrailStatus: whether a trail logs, and how delivery stands in the Region that is called.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html>

use super::{find, shapes::NamedTrail};
use crate::{
    CloudTrailError,
    model::trail::Trail,
    table::{self, ChainRow, DeliveryRow, DigestedRow, LogsRow},
};
use base::Timestamp;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

/// The operation.
pub(super) struct GetTrailStatus;

/// Times are epoch seconds; the older members beside them are text, empty when there is nothing to say.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    is_logging: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_delivery_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_delivery_time: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_logging_time: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_logging_time: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_notification_time: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_notification_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_cloud_watch_logs_delivery_time: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_cloud_watch_logs_delivery_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_digest_delivery_time: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_digest_delivery_error: Option<String>,
    latest_delivery_attempt_time: String,
    latest_notification_attempt_time: String,
    latest_notification_attempt_succeeded: String,
    latest_delivery_attempt_succeeded: String,
    time_logging_started: String,
    time_logging_stopped: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// What is lost is told beside the last error, and for good: no later delivery brings it back.
fn delivery_error(error: Option<String>, lost: u64) -> Option<String> {
    if lost == 0 {
        return error;
    }
    let lost = format!("{lost} events could not be delivered for 30 days and are lost");
    Some(error.map_or(lost.clone(), |error| format!("{error}; {lost}")))
}

/// Log files that no digest will name are told beside the last error.
fn digest_error(error: Option<String>, unproven: u64) -> Option<String> {
    if unproven == 0 {
        return error;
    }
    let unproven = format!("{unproven} log files are in no digest, for none could be delivered for 30 days");
    Some(error.map_or(unproven.clone(), |error| format!("{error}; {unproven}")))
}

fn status(
    trail: &Trail,
    delivery: DeliveryRow,
    digested: DigestedRow,
    chain: Option<ChainRow>,
    logs: LogsRow,
) -> Output {
    let text = |time: Option<Timestamp>| time.map(Timestamp::iso8601).unwrap_or_default();
    Output {
        is_logging: trail.logging,
        latest_delivery_time: delivery.delivered.map(EpochSeconds),
        latest_delivery_attempt_time: text(delivery.attempted),
        latest_delivery_attempt_succeeded: text(delivery.delivered),
        latest_delivery_error: delivery_error(delivery.error, delivery.lost),
        start_logging_time: trail.started.map(EpochSeconds),
        stop_logging_time: trail.stopped.map(EpochSeconds),
        latest_digest_delivery_time: digested
            .delivered
            .or(chain.and_then(|chain| chain.delivered))
            .map(EpochSeconds),
        latest_digest_delivery_error: digest_error(digested.error, digested.unproven),
        latest_cloud_watch_logs_delivery_time: logs.delivered.map(EpochSeconds),
        latest_cloud_watch_logs_delivery_error: delivery_error(logs.error, logs.lost),
        latest_notification_time: delivery.notice.delivered.map(EpochSeconds),
        latest_notification_attempt_time: text(delivery.notice.attempted),
        latest_notification_attempt_succeeded: text(delivery.notice.delivered),
        latest_notification_error: delivery.notice.error,
        time_logging_started: text(trail.started),
        time_logging_stopped: text(trail.stopped),
    }
}

impl Operation for GetTrailStatus {
    const NAME: &'static str = "GetTrailStatus";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<NamedTrail>;
    type Output = Json<Output>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        find::demand_on(ctx, view, "cloudtrail:GetTrailStatus", &input.name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let view = txn.view();
        let trail = find::find_visible(ctx, &view, &input.name).await?;
        let delivery = table::delivery(&view, &trail.id, &ctx.region).await?;
        let digested = table::digested(&view, &trail.id, &ctx.region).await?;
        let chain = table::chain(&view, &trail.id, &ctx.region).await?;
        let logs = table::logs(&view, &trail.id).await?.unwrap_or_default();
        Ok(Json(status(&trail, delivery, digested, chain, logs)))
    }
}

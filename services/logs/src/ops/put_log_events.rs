//! PutLogEvents. AWS records none of these calls.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>

use crate::{
    LogsError,
    access::{self, Named, On},
    append::append,
    model::{
        chunk::{EVENT_OVERHEAD_BYTES, Event},
        position::Millis,
        put::{self, BATCH_BYTES_MAX, EVENTS_MAX, PutFault},
        stream::LogStream,
    },
    violations::Violations,
};
use gateway::{BodyUse, Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The longest body: the largest batch in JSON, whose texts are escaped.
const BODY_BYTES_MAX: usize = 4 << 20;

/// The operation. Sequence tokens have had no effect since 2023, and nothing here asks for entities: both are let be.
pub(crate) struct PutLogEvents;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    pub(crate) log_group_name: String,
    pub(crate) log_stream_name: String,
    pub(crate) log_events: Vec<InputLogEvent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InputLogEvent {
    pub(crate) timestamp: Millis,
    pub(crate) message: String,
}

/// Never recorded; the events are nobody's business but their readers'.
impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("logGroupName", &self.log_group_name)
            .text("logStreamName", &self.log_stream_name)
    }
}

impl Input {
    fn check(&self) -> Result<(), LogsError> {
        access::check_names(&self.log_group_name, &self.log_stream_name)?;
        let mut violations = Violations::new().count_first("logEvents", self.log_events.len(), 1..=EVENTS_MAX)?;
        for (n, event) in (1..).zip(&self.log_events) {
            if violations.is_full() {
                break;
            }
            if event.timestamp < 0 {
                violations.moment(&format!("logEvents.{n}.member.timestamp"), Some(event.timestamp));
            }
            if event.message.is_empty() {
                violations.length(&format!("logEvents.{n}.member.message"), "", 1..=usize::MAX);
            }
        }
        violations.finish()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Output {
    next_sequence_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_log_events_info: Option<Rejected>,
    #[serde(skip)]
    pub(crate) taken: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rejected {
    #[serde(skip_serializing_if = "Option::is_none")]
    too_new_log_event_start_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    too_old_log_event_end_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired_log_event_end_index: Option<usize>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// A token of AWS's form, which says nothing and is asked for nothing.
pub(super) fn sequence_token(stream: &LogStream) -> String {
    format!(
        "496{:053}",
        u128::from(stream.bytes) << 32 | u128::from(stream.next_chunk)
    )
}

fn refused(fault: PutFault, largest: u64) -> LogsError {
    match fault {
        PutFault::TooLarge(_) if largest > BATCH_BYTES_MAX => LogsError::invalid(format!(
            "Log event too large: {largest} bytes exceeds limit of {BATCH_BYTES_MAX}"
        )),
        PutFault::TooLarge(bytes) => LogsError::invalid(format!(
            "Upload too large: {bytes} bytes exceeds limit of {BATCH_BYTES_MAX}"
        )),
        PutFault::Disordered => {
            LogsError::invalid("Log events in a single PutLogEvents request must be in chronological order.")
        }
        PutFault::SpansTooLong => LogsError::invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ),
    }
}

impl Operation for PutLogEvents {
    const NAME: &'static str = "PutLogEvents";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::None;
    const MISSING: &'static str = "entities are taken and not kept";
    const BODY: BodyUse = BodyUse::Whole {
        bytes_max: BODY_BYTES_MAX,
    };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        input.check()?;
        let named = Named::here(ctx, &input.log_group_name);
        let on = On::Stream(&input.log_stream_name);
        Ok(named.demand(view, "logs:PutLogEvents", on).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = Named::here(ctx, &input.log_group_name).group(&txn.view()).await?;
        let stream = access::stream(&txn.view(), &group, &input.log_stream_name).await?;
        let now = ctx.now();
        let sizes: Vec<(Millis, usize)> = input
            .log_events
            .iter()
            .map(|event| (event.timestamp, event.message.len()))
            .collect();
        let largest = sizes
            .iter()
            .map(|(_, length)| *length as u64 + EVENT_OVERHEAD_BYTES)
            .max()
            .unwrap_or(0);
        let taken = put::judge(&sizes, group.kept_since(now), now.as_millis());
        let taken = taken.map_err(|fault| refused(fault, largest))?;
        let events = input.log_events.get(taken.range.clone()).unwrap_or_default();
        let event = |event: &InputLogEvent| Event {
            time: event.timestamp,
            ingested: now.as_millis(),
            message: event.message.clone(),
        };
        let stream = append(ctx, txn, &group, &stream, events.iter().map(event).collect()).await?;
        let rejected = Rejected {
            too_new_log_event_start_index: taken.too_new_start,
            too_old_log_event_end_index: taken.too_old_end,
            expired_log_event_end_index: taken.expired_end,
        };
        let is_whole = taken.range.len() == input.log_events.len();
        Ok(Json(Output {
            next_sequence_token: sequence_token(&stream),
            rejected_log_events_info: (!is_whole).then_some(rejected),
            taken: taken.range.len(),
        }))
    }
}

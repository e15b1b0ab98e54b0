//! GetLogEvents: a stream's events, from either end, with tokens that go on both ways and stand still at the ends.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>

use super::shapes::{EVENTS_MAX, Room};
use crate::{
    LogsError,
    access::{self, Named, On},
    model::{
        chunk::Event,
        position::{Millis, Position},
        token::{self, Way},
    },
    read::{Between, Next, Opener, Order, Run},
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetLogEvents;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: String,
    start_time: Option<Millis>,
    end_time: Option<Millis>,
    next_token: Option<String>,
    limit: Option<i64>,
    start_from_head: Option<bool>,
    unmask: Option<bool>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("logGroupName", self.log_group_name.as_deref())
            .maybe_text("logGroupIdentifier", self.log_group_identifier.as_deref())
            .text("logStreamName", &self.log_stream_name)
            .maybe_number("startTime", self.start_time)
            .maybe_number("endTime", self.end_time)
            .maybe_text("nextToken", self.next_token.as_deref())
            .maybe_number("limit", self.limit)
            .maybe_flag("startFromHead", self.start_from_head)
            .maybe_flag("unmask", self.unmask)
    }
}

impl Input {
    fn named(&self, ctx: &Ctx) -> Result<Named, LogsError> {
        let mut violations = Violations::new();
        violations.stream("logStreamName", &self.log_stream_name);
        violations.moment("startTime", self.start_time);
        violations.moment("endTime", self.end_time);
        violations.range("limit", self.limit, 1..=EVENTS_MAX);
        violations.finish()?;
        Named::parse(
            ctx,
            self.log_group_name.as_deref(),
            self.log_group_identifier.as_deref(),
        )
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    events: Vec<Shown>,
    next_forward_token: String,
    next_backward_token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    timestamp: Millis,
    message: String,
    ingestion_time: Millis,
}

impl From<Event> for Shown {
    fn from(event: Event) -> Shown {
        Shown {
            timestamp: event.time,
            message: event.message,
            ingestion_time: event.ingested,
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetLogEvents {
    const NAME: &'static str = "GetLogEvents";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        let named = input.named(ctx)?;
        let on = On::Stream(&input.log_stream_name);
        Ok(named.demand(view, "logs:GetLogEvents", on).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = input.named(ctx)?.group(&txn.view()).await?;
        let stream = access::stream(&txn.view(), &group, &input.log_stream_name).await?;
        let parse = |text: &String| token::parse_event_token(&stream.id, text).ok_or_else(LogsError::bad_token);
        let given = input.next_token.as_ref().map(parse).transpose()?;
        let from_head = match input.start_from_head {
            Some(true) => Way::Forward,
            _ => Way::Backward,
        };
        let way = given.map_or(from_head, |(way, _)| way);
        let start = input.start_time.unwrap_or(0).max(group.kept_since(ctx.now()));
        let mut between = Between {
            from: Position::before(start),
            to: Position::before(input.end_time.unwrap_or(Millis::MAX)),
        };
        match given {
            Some((Way::Forward, gap)) => between.from = between.from.max(gap),
            Some((Way::Backward, gap)) => between.to = between.to.min(gap),
            None => {}
        }
        let page = read(ctx, txn, (&group, stream.id), way, between, input.limit).await?;
        // Where nothing was found both tokens stay where the given one was; without one they begin where reading did.
        let here = given.map_or(between.from, |(_, gap)| gap);
        let forward = page.last().map_or(here, |(position, _)| position.gap_after());
        let backward = page.first().map_or(here, |(position, _)| position.gap_before());
        Ok(Json(Output {
            next_forward_token: token::event_token(Way::Forward, &stream.id, forward),
            next_backward_token: token::event_token(Way::Backward, &stream.id, backward),
            events: page.into_iter().map(|(_, event)| Shown::from(event)).collect(),
        }))
    }
}

/// A page of events in the order of time, read either way.
async fn read(
    ctx: &Ctx,
    txn: &mut Txn,
    (group, stream): (&crate::model::group::LogGroup, [u8; 16]),
    way: Way,
    between: Between,
    limit: Option<i64>,
) -> Result<Vec<(Position, Event)>, LogsError> {
    let mut page = Vec::new();
    if between.from >= between.to {
        return Ok(page);
    }
    let (mut opener, mut room) = (Opener::new(ctx, group), Room::new(limit));
    let mut run = Run::new(stream, way, between);
    while !room.is_full() {
        let Next::Event(_) = run.next(&mut opener, txn, Order::MAX).await? else {
            break;
        };
        opener.found();
        if !run
            .event()
            .is_some_and(|event| room.takes(&event.message, page.is_empty()))
        {
            break;
        }
        page.extend(run.take());
    }
    if way == Way::Backward {
        page.reverse();
    }
    Ok(page)
}

//! FilterLogEvents: the events of a group's streams in one order of time, those that a pattern means.
//!
//! A call looks at a bounded amount of events; what it has not looked at is for the next, so that a page may be short or empty
//! and have a token all the same.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>

use super::shapes::{EVENTS_MAX, Room};
use crate::{
    LogsError,
    access::{self, Named, On},
    model::{
        chunk::Event,
        group::LogGroup,
        pattern::{PATTERN_CHARS_MAX, Pattern, PatternFault},
        position::{Millis, Position},
        stream::LogStream,
        token::{self, Way},
    },
    read::{Between, HELD_BYTES_MAX, Next, Opener, Order, Run},
    table::{self, ROWS_AT_ONCE},
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, collections::BinaryHeap};
use store::ReadView;
use wire::ServiceName;

/// After so many bytes others have their turn: a pattern is asked of each event on a thread of the runtime.
const BYTES_BETWEEN_TURNS: usize = 1 << 20;

/// The operation.
pub(super) struct FilterLogEvents;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<Millis>,
    end_time: Option<Millis>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
    start_from_head: Option<bool>,
    /// Of no effect since 2019: events are always interleaved.
    interleaved: Option<bool>,
    unmask: Option<bool>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .maybe_text("logGroupName", self.log_group_name.as_deref())
            .maybe_text("logGroupIdentifier", self.log_group_identifier.as_deref());
        let params = match &self.log_stream_names {
            Some(names) => params.texts("logStreamNames", names),
            None => params,
        };
        params
            .maybe_text("logStreamNamePrefix", self.log_stream_name_prefix.as_deref())
            .maybe_number("startTime", self.start_time)
            .maybe_number("endTime", self.end_time)
            .maybe_text("filterPattern", self.filter_pattern.as_deref())
            .maybe_text("nextToken", self.next_token.as_deref())
            .maybe_number("limit", self.limit)
            .maybe_flag("startFromHead", self.start_from_head)
            .maybe_flag("interleaved", self.interleaved)
            .maybe_flag("unmask", self.unmask)
    }
}

impl Input {
    fn named(&self, ctx: &Ctx) -> Result<Named, LogsError> {
        let mut violations = Violations::new();
        if let Some(names) = &self.log_stream_names {
            violations.count_unseen("logStreamNames", names.len(), 1..=100);
            names.iter().for_each(|name| violations.stream("logStreamNames", name));
        }
        if let Some(prefix) = &self.log_stream_name_prefix {
            violations.stream("logStreamNamePrefix", prefix);
        }
        if let Some(pattern) = &self.filter_pattern {
            violations.length("filterPattern", pattern, 0..=PATTERN_CHARS_MAX);
        }
        violations.moment("startTime", self.start_time);
        violations.moment("endTime", self.end_time);
        violations.range("limit", self.limit, 1..=EVENTS_MAX);
        violations.finish()?;
        if self.log_stream_names.is_some() && self.log_stream_name_prefix.is_some() {
            return Err(LogsError::invalid(
                "LogStream names and LogStream name prefix are mutually exclusive parameters.",
            ));
        }
        if self.start_from_head == Some(false) {
            return Err(LogsError::NotImplemented("startFromHead false in FilterLogEvents"));
        }
        Named::parse(
            ctx,
            self.log_group_name.as_deref(),
            self.log_group_identifier.as_deref(),
        )
    }

    fn pattern(&self) -> Result<Pattern, LogsError> {
        let text = self.filter_pattern.as_deref().unwrap_or("");
        Pattern::parse(text).map_err(|fault| match fault {
            PatternFault::Invalid => LogsError::invalid("Invalid filter pattern"),
            PatternFault::Regex => LogsError::NotImplemented("A regular expression in a filter pattern"),
        })
    }

    /// What a token of this call belongs to.
    fn checksum(&self, group: &LogGroup) -> u64 {
        let number = |number: Option<Millis>| number.unwrap_or(-1).to_be_bytes();
        let (start, end) = (number(self.start_time), number(self.end_time));
        let fixed = [
            b"search".as_slice(),
            &group.id,
            self.log_stream_name_prefix.as_deref().unwrap_or("").as_bytes(),
            self.filter_pattern.as_deref().unwrap_or("").as_bytes(),
            &start,
            &end,
        ];
        let names = self.log_stream_names.iter().flatten().map(String::as_bytes);
        token::checksum(fixed.into_iter().chain(names))
    }

    /// Gives a search the streams that are asked for.
    async fn add_streams(&self, view: &ReadView<'_>, group: &LogGroup, search: &mut Search) -> Result<(), LogsError> {
        if let Some(names) = &self.log_stream_names {
            let mut found = Vec::with_capacity(names.len());
            for name in names {
                found.push(access::stream(view, group, name).await?);
            }
            found.sort_by_key(|stream| stream.id);
            found.dedup_by_key(|stream| stream.id);
            found.into_iter().for_each(|stream| search.add(stream));
            return Ok(());
        }
        let prefix = self.log_stream_name_prefix.as_deref().unwrap_or("");
        let mut after = None;
        loop {
            let page = table::streams(view, &group.id, prefix, after.as_deref(), (ROWS_AT_ONCE, false)).await?;
            let is_last = page.len() < ROWS_AT_ONCE;
            after = page.last().map(|stream| stream.name.clone());
            page.into_iter().for_each(|stream| search.add(stream));
            if is_last {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    events: Vec<Shown>,
    /// AWS has answered nothing here since 2020.
    searched_log_streams: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    log_stream_name: String,
    timestamp: Millis,
    message: String,
    ingestion_time: Millis,
    event_id: String,
}

impl Shown {
    fn of(stream: &LogStream, position: Position, event: Event) -> Shown {
        Shown {
            log_stream_name: stream.name.clone(),
            timestamp: event.time,
            message: event.message,
            ingestion_time: event.ingested,
            event_id: token::event_id(&stream.id, position),
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for FilterLogEvents {
    const NAME: &'static str = "FilterLogEvents";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "regular expressions in patterns, startFromHead false";
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        let named = input.named(ctx)?;
        input.pattern()?;
        Ok(named.demand(view, "logs:FilterLogEvents", On::Group).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = input.named(ctx)?.group(&txn.view()).await?;
        let pattern = input.pattern()?;
        let checksum = input.checksum(&group);
        let parse = |text: &String| token::parse_search_token(checksum, text).ok_or_else(LogsError::bad_token);
        let after = input.next_token.as_ref().map(parse).transpose()?;
        let start = input.start_time.unwrap_or(0).max(group.kept_since(ctx.now()));
        let between = Between {
            from: Position::before(start),
            to: Position::after(input.end_time.unwrap_or(Millis::MAX)),
        };
        let mut search = Search::new(between, after);
        input.add_streams(&txn.view(), &group, &mut search).await?;
        let mut room = Room::new(input.limit);
        let mut opener = Opener::new(ctx, &group);
        let mut events: Vec<Shown> = Vec::new();
        let mut seen = after;
        let mut asked = 0_usize;
        let is_left = loop {
            let (stream, position, event) = match search.peek(&mut opener, txn).await? {
                Peeked::Event(stream, position, event) => (stream, position, event),
                Peeked::Spent => break true,
                Peeked::End => break false,
            };
            opener.found();
            asked += event.message.len();
            let is_meant = pattern.matches(&event.message);
            if is_meant && !room.takes(&event.message, events.is_empty()) {
                break true;
            }
            seen = Some((stream, position));
            if let Some((stream, position, event)) = search.take()
                && is_meant
            {
                events.push(Shown::of(stream, position, event));
            }
            if asked >= BYTES_BETWEEN_TURNS {
                asked = 0;
                tokio::task::yield_now().await;
            }
        };
        let next_token = seen
            .filter(|_| is_left)
            .map(|(stream, position)| token::search_token(checksum, &stream, position));
        Ok(Json(Output {
            events,
            searched_log_streams: [],
            next_token,
        }))
    }
}

/// The events of several streams in one order: by time, then by stream.
struct Search {
    streams: Vec<Searched>,
    /// Which stream is next: by the place of its next event if that is known, else by one before it.
    next: BinaryHeap<Reverse<Place>>,
    between: Between,
    after: Option<([u8; 16], Position)>,
    /// What all runs hold in memory.
    held_bytes: u64,
}

/// A stream that is searched.
struct Searched {
    stream: LogStream,
    /// How far it is read; `None` when nothing of it is held, before and after.
    run: Option<Run>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time: Millis,
    stream: [u8; 16],
    position: Position,
    is_known: bool,
    index: usize,
}

impl Place {
    fn at(self, position: Position, is_known: bool) -> Reverse<Place> {
        Reverse(Place {
            time: position.time(),
            position,
            is_known,
            ..self
        })
    }
}

/// What a search comes to next.
enum Peeked<'a> {
    /// An event of a stream, which [`Search::take`] takes.
    Event([u8; 16], Position, &'a Event),
    /// The call has opened as much as it may.
    Spent,
    End,
}

impl Search {
    /// Of the events that lie between two gaps and, if given, after an event of a stream.
    fn new(between: Between, after: Option<([u8; 16], Position)>) -> Search {
        Search {
            streams: Vec::new(),
            next: BinaryHeap::new(),
            between,
            after,
            held_bytes: 0,
        }
    }

    /// Searches a stream too, unless all its events lie elsewhere.
    fn add(&mut self, stream: LogStream) {
        let (Some(first), Some(last)) = (stream.first_event, stream.last_event) else {
            return;
        };
        let from = self.from(&stream.id);
        if last < from.time() || Position::before(first) >= self.between.to {
            return;
        }
        let position = from.max(Position::before(first));
        self.next.push(Reverse(Place {
            time: position.time(),
            stream: stream.id,
            position,
            is_known: false,
            index: self.streams.len(),
        }));
        self.streams.push(Searched { stream, run: None });
    }

    /// The gap after which a stream is read.
    fn from(&self, stream: &[u8; 16]) -> Position {
        let Some((last, position)) = &self.after else {
            return self.between.from;
        };
        let after = match stream.cmp(last) {
            std::cmp::Ordering::Less => Position::after(position.time()),
            std::cmp::Ordering::Equal => position.gap_after(),
            std::cmp::Ordering::Greater => Position::before(position.time()),
        };
        self.between.from.max(after)
    }

    /// What is next.
    async fn peek(&mut self, opener: &mut Opener<'_>, txn: &mut Txn) -> Result<Peeked<'_>, LogsError> {
        while let Some(Reverse(place)) = self.next.peek().copied() {
            let between = Between {
                from: self.from(&place.stream).max(place.position.gap_before()),
                to: self.between.to,
            };
            let Some(searched) = self.streams.get_mut(place.index) else {
                break;
            };
            let new = || Run::new(place.stream, Way::Forward, between);
            let run = searched.run.get_or_insert_with(new);
            let before = run.held_bytes();
            let upto: Order = place.position.0;
            let next = run.next(opener, txn, upto).await?;
            self.held_bytes = (self.held_bytes + run.held_bytes()).saturating_sub(before);
            match next {
                Next::Event(position) if place.is_known => {
                    let event = self
                        .streams
                        .get(place.index)
                        .and_then(|searched| searched.run.as_ref()?.event());
                    return Ok(event.map_or(Peeked::End, |event| Peeked::Event(place.stream, position, event)));
                }
                Next::Event(position) => {
                    self.next.pop();
                    self.next.push(place.at(position, true));
                }
                Next::NotBefore(order) => {
                    self.next.pop();
                    self.next.push(place.at(Position(order), false));
                }
                Next::Spent => return Ok(Peeked::Spent),
                Next::End => {
                    self.next.pop();
                    self.close(place.index);
                }
            }
            if self.held_bytes > HELD_BYTES_MAX {
                self.shed();
            }
        }
        Ok(Peeked::End)
    }

    /// Holds nothing of a stream any more. Its place says where to go on.
    fn close(&mut self, index: usize) {
        if let Some(run) = self.streams.get_mut(index).and_then(|searched| searched.run.take()) {
            self.held_bytes = self.held_bytes.saturating_sub(run.held_bytes());
        }
    }

    /// Holds nothing any more of the streams that come last, so that the others hold half of what all may.
    fn shed(&mut self) {
        let mut places: Vec<Place> = self.next.iter().map(|Reverse(place)| *place).collect();
        places.sort_unstable();
        while self.held_bytes > HELD_BYTES_MAX / 2
            && places.len() > 1
            && let Some(last) = places.pop()
        {
            self.close(last.index);
        }
    }

    /// Takes the event that was peeked at, with its stream.
    fn take(&mut self) -> Option<(&LogStream, Position, Event)> {
        let Reverse(place) = self.next.pop()?;
        let searched = self.streams.get_mut(place.index)?;
        let run = searched.run.as_mut()?;
        let before = run.held_bytes();
        let (position, event) = run.take()?;
        self.held_bytes = (self.held_bytes + run.held_bytes()).saturating_sub(before);
        self.next.push(place.at(position.gap_after(), false));
        Some((&searched.stream, position, event))
    }
}

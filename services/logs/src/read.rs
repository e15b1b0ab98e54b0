//! Reading the events of a stream in the order of time, from either end, chunk by chunk.
//!
//! Chunks may overlap. One is opened only when its events are next, and an event is given only when no chunk that is not
//! opened could hold one before it. Of the chunks that are open those whose events come last are closed again when they
//! hold too much together, so that the memory of a call does not grow with the number of chunks that overlap.

use crate::{
    LogsError,
    model::{
        chunk::{self, Event, SPAN_MAX, Span},
        group::LogGroup,
        position::Position,
        token::Way,
    },
    seal,
    table::{self, At, ROWS_AT_ONCE},
};
use envelope::Key256;
use gateway::{Ctx, Txn};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque},
    sync::Arc,
};

/// How many bytes of events one call opens after the first that it finds.
const OPENED_BYTES_MAX: u64 = 32 << 20;
/// How many bytes of events one call holds open, beyond one chunk; a stream holds half of it.
pub(crate) const HELD_BYTES_MAX: u64 = 16 << 20;
/// What a chunk that is known of takes, about.
const SPAN_BYTES: u64 = 160;

/// Opens chunks of a group for one call, and counts what that takes.
pub(crate) struct Opener<'a> {
    ctx: &'a Ctx,
    group: &'a LogGroup,
    keys: HashMap<u32, Arc<Key256>>,
    /// Bytes of the events of all chunks that were opened.
    opened_bytes: u64,
    /// Up to where that may go.
    opened_max: Option<u64>,
}

impl<'a> Opener<'a> {
    pub(crate) fn new(ctx: &'a Ctx, group: &'a LogGroup) -> Opener<'a> {
        Opener {
            ctx,
            group,
            keys: HashMap::new(),
            opened_bytes: 0,
            opened_max: None,
        }
    }

    /// The first event was found: from here on the call opens a bounded amount.
    pub(crate) fn found(&mut self) {
        let max = self.opened_bytes.saturating_add(OPENED_BYTES_MAX);
        self.opened_max.get_or_insert(max);
    }

    fn is_spent(&self) -> bool {
        self.opened_max.is_some_and(|max| self.opened_bytes > max)
    }

    async fn open(
        &mut self,
        txn: &mut Txn,
        stream: &[u8; 16],
        number: u64,
        span: &Span,
    ) -> Result<Vec<Event>, LogsError> {
        let key = match self.keys.get(&span.key) {
            Some(key) => Arc::clone(key),
            None => {
                let key = seal::open_key(self.ctx, txn, self.group, span.key).await?;
                self.keys.insert(span.key, Arc::clone(&key));
                key
            }
        };
        let sealed = table::chunk(&txn.view(), &self.group.id, stream, number).await?;
        self.opened_bytes = self.opened_bytes.saturating_add(span.bytes);
        // To open one takes a while on a thread of the runtime: others have their turn in between.
        tokio::task::yield_now().await;
        Ok(chunk::unpack(&seal::open(&key, stream, number, &sealed)?)?)
    }
}

/// From where to where a stream is read: the events between two gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Between {
    pub(crate) from: Position,
    pub(crate) to: Position,
}

/// A stream as it is read, one way.
pub(crate) struct Run {
    stream: [u8; 16],
    way: Way,
    between: Between,
    /// After which chunk the next spans are read.
    after: Option<At>,
    is_listed: bool,
    /// Chunks that are not opened, by the order before which none of their events that are to be given stands.
    waiting: BinaryHeap<Reverse<(Order, At)>>,
    spans: BTreeMap<At, Span>,
    /// Chunks that are open, by the order of their next event.
    open: BTreeMap<(Order, At), Opened>,
    /// Bytes of the events that are open.
    open_bytes: u64,
}

/// A position as the way orders it: what comes first is least.
pub(crate) type Order = u128;

/// A chunk that is open: its events that were not given yet, in the order of the way.
struct Opened {
    span: Span,
    events: VecDeque<(Position, Event)>,
}

/// What is next.
pub(crate) enum Next {
    /// An event, which [`Run::event`] shows and [`Run::take`] takes.
    Event(Position),
    /// Nothing before this order, which is after the one asked about; to know more a chunk has to be opened.
    NotBefore(Order),
    /// The call has opened as much as it may, and would have to open more.
    Spent,
    /// Nothing.
    End,
}

impl Run {
    pub(crate) fn new(stream: [u8; 16], way: Way, between: Between) -> Run {
        Run {
            stream,
            way,
            between,
            after: None,
            is_listed: false,
            waiting: BinaryHeap::new(),
            spans: BTreeMap::new(),
            open: BTreeMap::new(),
            open_bytes: 0,
        }
    }

    fn order(&self, position: Position) -> Order {
        match self.way {
            Way::Forward => position.0,
            Way::Backward => !position.0,
        }
    }

    /// The order before which no event of a chunk stands: that of its first.
    fn edge(&self, at: At, span: &Span) -> Order {
        let last = usize::try_from(span.count.saturating_sub(1)).unwrap_or(usize::MAX);
        self.order(match self.way {
            Way::Forward => Position::of(at.oldest, at.number, 0),
            Way::Backward => Position::of(span.newest, at.number, last),
        })
    }

    /// The order before which no event of a chunk that is not listed yet can stand.
    fn horizon(&self) -> Option<Order> {
        let last = self.after?;
        Some(self.order(match self.way {
            Way::Forward => Position::of(last.oldest, last.number, 0),
            Way::Backward => Position::after(last.oldest.saturating_add(SPAN_MAX)),
        }))
    }

    /// What the run holds in memory, about.
    pub(crate) fn held_bytes(&self) -> u64 {
        let spans = self.spans.len() as u64;
        self.open_bytes.saturating_add(spans.saturating_mul(SPAN_BYTES))
    }

    /// What is next. Opens no chunk whose events all come after the order `upto`.
    pub(crate) async fn next(
        &mut self,
        opener: &mut Opener<'_>,
        txn: &mut Txn,
        upto: Order,
    ) -> Result<Next, LogsError> {
        loop {
            let open = self.open.keys().next().map(|(order, _)| *order);
            let waiting = self.waiting.peek().map(|Reverse((edge, _))| *edge);
            let next = open.into_iter().chain(waiting).min();
            let unlisted =
                !self.is_listed && next.is_none_or(|next| self.horizon().is_none_or(|horizon| horizon <= next));
            if unlisted {
                self.list(opener, txn).await?;
                continue;
            }
            match (open, waiting) {
                (None, None) => return Ok(Next::End),
                (Some(open), waiting) if waiting.is_none_or(|edge| open < edge) => {
                    let event = self.open.values().next().and_then(|opened| opened.events.front());
                    return Ok(event.map_or(Next::End, |(position, _)| Next::Event(*position)));
                }
                (_, Some(edge)) if edge > upto => return Ok(Next::NotBefore(edge)),
                _ if opener.is_spent() => return Ok(Next::Spent),
                _ => self.open(opener, txn).await?,
            }
        }
    }

    /// The event that is next.
    pub(crate) fn event(&self) -> Option<&Event> {
        let opened = self.open.values().next()?;
        opened.events.front().map(|(_, event)| event)
    }

    /// Takes the event that is next.
    pub(crate) fn take(&mut self) -> Option<(Position, Event)> {
        let ((_, at), mut opened) = self.open.pop_first()?;
        let taken = opened.events.pop_front()?;
        self.open_bytes = self.open_bytes.saturating_sub(taken.1.bytes());
        self.keep_open(at, opened);
        Some(taken)
    }

    fn keep_open(&mut self, at: At, opened: Opened) {
        if let Some((position, _)) = opened.events.front() {
            self.open.insert((self.order(*position), at), opened);
        }
    }

    /// Reads more spans.
    async fn list(&mut self, opener: &Opener<'_>, txn: &Txn) -> Result<(), LogsError> {
        let Between { from, to } = self.between;
        let bounds = (from.time().saturating_sub(SPAN_MAX).max(0), to.time());
        let found = table::spans(
            &txn.view(),
            (&opener.group.id, &self.stream),
            bounds,
            self.after,
            self.way == Way::Backward,
        )
        .await?;
        self.is_listed = found.len() < ROWS_AT_ONCE;
        self.after = found.last().map(|(at, _)| *at).or(self.after);
        for (at, span) in found {
            if span.newest >= from.time() {
                self.waiting.push(Reverse((self.edge(at, &span), at)));
                self.spans.insert(at, span);
            }
        }
        Ok(())
    }

    /// Opens the chunk that is next, and closes those whose events come last while too much is open.
    async fn open(&mut self, opener: &mut Opener<'_>, txn: &mut Txn) -> Result<(), LogsError> {
        let Some(Reverse((edge, at))) = self.waiting.pop() else {
            return Ok(());
        };
        let Some(span) = self.spans.remove(&at) else {
            return Ok(());
        };
        let events = opener.open(txn, &self.stream, at.number, &span).await?;
        let placed = events.into_iter().enumerate();
        let placed = placed.map(|(index, event)| (Position::of(event.time, at.number, index), event));
        // What stands before the edge was given before the chunk was closed.
        let mut events: VecDeque<(Position, Event)> = placed
            .filter(|(position, _)| {
                self.between.from < *position && *position < self.between.to && self.order(*position) >= edge
            })
            .collect();
        if self.way == Way::Backward {
            events.make_contiguous().reverse();
        }
        self.open_bytes = self.open_bytes.saturating_add(bytes_of(&events));
        self.keep_open(at, Opened { span, events });
        while self.open_bytes > HELD_BYTES_MAX / 2 && self.open.len() > 1 {
            let Some(((order, at), opened)) = self.open.pop_last() else {
                break;
            };
            self.open_bytes = self.open_bytes.saturating_sub(bytes_of(&opened.events));
            self.waiting.push(Reverse((order, at)));
            self.spans.insert(at, opened.span);
        }
        Ok(())
    }
}

fn bytes_of(events: &VecDeque<(Position, Event)>) -> u64 {
    events.iter().map(|(_, event)| event.bytes()).sum()
}

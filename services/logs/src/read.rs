//! Reading the events of a stream in the order of time, from either end, chunk by chunk.
//!
//! Chunks may overlap. One is opened only when its events are next, and an event is given only when no chunk that is not
//! opened could hold one before it.

use crate::{
    LogsError,
    model::{
        chunk::{self, Event, SPAN_MAX, Span},
        group::LogGroup,
        position::{Millis, Position},
        token::Way,
    },
    seal,
    table::{self, At, ROWS_AT_ONCE},
};
use envelope::Key256;
use gateway::{Ctx, Txn};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    sync::Arc,
};

/// Opens chunks of a group for one call, and counts what that takes.
pub(crate) struct Opener<'a> {
    ctx: &'a Ctx,
    group: &'a LogGroup,
    keys: HashMap<u32, Arc<Key256>>,
    /// Bytes of the events of all chunks that were opened.
    pub(crate) opened_bytes: u64,
}

impl<'a> Opener<'a> {
    pub(crate) fn new(ctx: &'a Ctx, group: &'a LogGroup) -> Opener<'a> {
        Opener {
            ctx,
            group,
            keys: HashMap::new(),
            opened_bytes: 0,
        }
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
    /// Chunks that are not opened, by the order of their first event.
    waiting: BinaryHeap<Reverse<(Order, At)>>,
    spans: BTreeMap<At, Span>,
    /// Events that were opened, by their order.
    ready: BinaryHeap<Reverse<(Order, ByOrder)>>,
}

/// A position as the way orders it: what comes first is least.
type Order = u128;

/// An event that compares equal to every other: its order is beside it.
struct ByOrder(Position, Event);

impl PartialEq for ByOrder {
    fn eq(&self, _: &ByOrder) -> bool {
        true
    }
}

impl Eq for ByOrder {}

impl PartialOrd for ByOrder {
    fn partial_cmp(&self, other: &ByOrder) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByOrder {
    fn cmp(&self, _: &ByOrder) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
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
            ready: BinaryHeap::new(),
        }
    }

    fn order(&self, position: Position) -> Order {
        match self.way {
            Way::Forward => position.0,
            Way::Backward => !position.0,
        }
    }

    /// The order before which no event of a chunk can stand.
    fn edge(&self, oldest: Millis, newest: Millis) -> Order {
        match self.way {
            Way::Forward => self.order(Position::before(oldest)),
            Way::Backward => self.order(Position::after(newest)),
        }
    }

    /// The order before which no event of a chunk that is not listed yet can stand.
    fn horizon(&self) -> Option<Order> {
        let last = self.after?;
        Some(self.edge(last.oldest, last.oldest.saturating_add(SPAN_MAX)))
    }

    /// The next event with its position, which [`Run::take`] takes.
    pub(crate) async fn peek(
        &mut self,
        opener: &mut Opener<'_>,
        txn: &mut Txn,
    ) -> Result<Option<(Position, &Event)>, LogsError> {
        loop {
            let ready = self.ready.peek().map(|Reverse((order, _))| *order);
            let waiting = self.waiting.peek().map(|Reverse((edge, _))| *edge);
            let next = ready.into_iter().chain(waiting).min();
            let unlisted =
                !self.is_listed && next.is_none_or(|next| self.horizon().is_none_or(|horizon| horizon <= next));
            if unlisted {
                self.list(opener, txn).await?;
                continue;
            }
            match (ready, waiting) {
                (None, None) => return Ok(None),
                (Some(ready), waiting) if waiting.is_none_or(|edge| ready < edge) => break,
                _ => self.open(opener, txn).await?,
            }
        }
        Ok(self
            .ready
            .peek()
            .map(|Reverse((_, ByOrder(position, event)))| (*position, event)))
    }

    /// Takes the event that was peeked at.
    pub(crate) fn take(&mut self) -> Option<(Position, Event)> {
        self.ready
            .pop()
            .map(|Reverse((_, ByOrder(position, event)))| (position, event))
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
                self.waiting.push(Reverse((self.edge(at.oldest, span.newest), at)));
                self.spans.insert(at, span);
            }
        }
        Ok(())
    }

    /// Opens the chunk that is next.
    async fn open(&mut self, opener: &mut Opener<'_>, txn: &mut Txn) -> Result<(), LogsError> {
        let Some(Reverse((_, at))) = self.waiting.pop() else {
            return Ok(());
        };
        let Some(span) = self.spans.remove(&at) else {
            return Ok(());
        };
        let events = opener.open(txn, &self.stream, at.number, &span).await?;
        for (index, event) in events.into_iter().enumerate() {
            let position = Position::of(event.time, at.number, index);
            if self.between.from < position && position < self.between.to {
                self.ready
                    .push(Reverse((self.order(position), ByOrder(position, event))));
            }
        }
        Ok(())
    }
}

//! Chunks: the events of a stream as they are stored, many in one compressed piece.
//!
//! A chunk holds events in the order of time that lie within a day. What comes later than its newest event is added to it
//! while it is small; what does not follow makes a chunk of its own, so that chunks of a stream may overlap.

use super::position::Millis;
use base::Fault;
use serde::{Deserialize, Serialize};
use store::{NoAncestor, Stored};

/// AWS counts so many bytes for each event beside its text.
pub(crate) const EVENT_OVERHEAD_BYTES: u64 = 26;
/// The longest span of a chunk: that of one PutLogEvents.
pub(crate) const SPAN_MAX: Millis = 86_400_000;
/// A chunk is added to up to here, and a put is cut into chunks of at most this much text (or of one event).
pub(crate) const CHUNK_BYTES_MAX: u64 = 256 * 1024;
/// A larger chunk is not opened any more to be added to: it would be written anew with each put.
pub(crate) const GROWING_BYTES_MAX: u64 = 64 * 1024;
/// What a chunk can be at most when it is opened: some events of the largest size.
const PLAIN_BYTES_MAX: u32 = 8 << 20;
const ZSTD_LEVEL: i32 = 1;

/// A log event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// When it happened.
    pub(crate) time: Millis,
    /// When it was put.
    pub(crate) ingested: Millis,
    /// The text.
    pub(crate) message: String,
}

impl Event {
    /// What it counts for in limits and in storedBytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.message.len() as u64 + EVENT_OVERHEAD_BYTES
    }
}

/// What is known of a chunk without opening it; the moment of its oldest event and its number are in the row's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    /// The moment of the newest event.
    pub(crate) newest: Millis,
    /// How many events.
    pub(crate) count: u32,
    /// What they count for.
    pub(crate) bytes: u64,
    /// Which of the group's keys seals it.
    pub(crate) key: u32,
}

impl Stored for Span {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// Events in one piece, compressed and not yet sealed.
///
/// `length of the plain form (4, little endian) | zstd`. The plain form is postcard.
pub(crate) fn pack(events: &[Event]) -> Result<Vec<u8>, Fault> {
    let plain = postcard::to_stdvec(events).map_err(|e| Fault::io("encoding log events", e))?;
    let length = u32::try_from(plain.len()).map_err(|_| Fault::Bug("a chunk of log events has more than 4 GiB"))?;
    let packed = zstd::bulk::compress(&plain, ZSTD_LEVEL).map_err(|e| Fault::io("compressing log events", e))?;
    Ok([&length.to_le_bytes()[..], &packed].concat())
}

/// The events of a piece.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<Event>, Fault> {
    let corrupt = || Fault::corrupt("a chunk of log events");
    let (length, packed) = packed.split_first_chunk::<4>().ok_or_else(corrupt)?;
    let length = u32::from_le_bytes(*length);
    if length > PLAIN_BYTES_MAX {
        return Err(corrupt());
    }
    let plain =
        zstd::bulk::decompress(packed, length as usize).map_err(|e| Fault::corrupt_by("a chunk of log events", e))?;
    postcard::from_bytes(&plain).map_err(|e| Fault::corrupt_by("a chunk of log events", e))
}

/// Cuts events in the order of time into pieces for one chunk each.
pub(crate) fn cut(mut events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut pieces = Vec::new();
    while !events.is_empty() {
        let rest = events.split_off(fitting(&events, CHUNK_BYTES_MAX).max(1));
        pieces.push(std::mem::replace(&mut events, rest));
    }
    pieces
}

/// How many of the events, from the first, fit into so many bytes and one chunk's span.
pub(crate) fn fitting(events: &[Event], bytes_max: u64) -> usize {
    let Some(oldest) = events.first().map(|event| event.time) else {
        return 0;
    };
    let mut bytes = 0_u64;
    let fits = |event: &&Event| {
        bytes = bytes.saturating_add(event.bytes());
        bytes <= bytes_max && event.time.saturating_sub(oldest) <= SPAN_MAX
    };
    events.iter().take_while(fits).count()
}

/// What is known of some events of one chunk; `None` of none.
pub(crate) fn span_of(events: &[Event], key: u32) -> Option<Span> {
    Some(Span {
        newest: events.iter().map(|event| event.time).max()?,
        count: u32::try_from(events.len()).ok()?,
        bytes: events.iter().map(Event::bytes).sum(),
        key,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = (0..400_000_000_i64, 0..5_i64, ".{0,40}");
        proptest::collection::vec(event, 0..60).prop_map(|all| {
            let mut events: Vec<Event> = all
                .into_iter()
                .map(|(time, later, message)| Event {
                    time,
                    ingested: time + later,
                    message,
                })
                .collect();
            events.sort_by_key(|event| event.time);
            events
        })
    }

    proptest! {
        #[test]
        fn a_chunk_gives_back_what_it_was_given(events in events()) {
            prop_assert_eq!(unpack(&pack(&events).unwrap()).unwrap(), events);
        }

        #[test]
        fn pieces_are_all_events_in_order_each_within_a_chunk(events in events()) {
            let pieces = cut(events.clone());
            prop_assert_eq!(pieces.concat(), events);
            for piece in pieces {
                let span = span_of(&piece, 0).unwrap();
                prop_assert!(span.newest - piece[0].time <= SPAN_MAX);
                prop_assert!(span.bytes <= CHUNK_BYTES_MAX || piece.len() == 1);
                prop_assert_eq!(span.count as usize, piece.len());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = unpack(&bytes);
        }
    }

    #[test]
    fn a_large_event_is_a_piece_of_its_own() {
        let event = |time, length| Event {
            time,
            ingested: 0,
            message: "x".repeat(length),
        };
        let pieces = cut(vec![event(1, 10), event(2, 1_000_000), event(3, 10)]);
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(unpack(&pack(&pieces[1]).unwrap()).unwrap(), pieces[1]);
    }
}

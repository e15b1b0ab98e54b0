//! Where an event stands in its stream: by time, then by when it came.
//!
//! A position is one number, so that boundaries between events are numbers too: an event has an odd one, and the even ones
//! beside it are the gaps before and after it.

/// Milliseconds since the epoch, as Logs counts time.
pub(crate) type Millis = i64;

const INDEX_BITS: u32 = 24;
const CHUNK_BITS: u32 = 40;
const TIME_SHIFT: u32 = INDEX_BITS + CHUNK_BITS;
const INDEX_MASK: u128 = (1 << INDEX_BITS) - 1;
const CHUNK_MASK: u128 = (1 << CHUNK_BITS) - 1;

/// A place in a stream's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(pub(crate) u128);

impl Position {
    /// Of the event with this number in a chunk.
    pub(crate) fn of(time: Millis, chunk: u64, index: usize) -> Position {
        let index = (u128::try_from(index).unwrap_or(INDEX_MASK) * 2 + 1) & INDEX_MASK;
        Position(time_part(time) | ((u128::from(chunk) & CHUNK_MASK) << INDEX_BITS) | index)
    }

    /// Before all events of a moment.
    pub(crate) fn before(time: Millis) -> Position {
        Position(time_part(time))
    }

    /// After all events of a moment.
    pub(crate) fn after(time: Millis) -> Position {
        Position(time_part(time) | ((1 << TIME_SHIFT) - 1))
    }

    /// The gap before an event.
    pub(crate) fn gap_before(self) -> Position {
        Position(self.0.saturating_sub(1))
    }

    /// The gap after an event.
    pub(crate) fn gap_after(self) -> Position {
        Position(self.0.saturating_add(1))
    }

    /// When.
    pub(crate) fn time(self) -> Millis {
        Millis::try_from(self.0 >> TIME_SHIFT).unwrap_or(Millis::MAX)
    }
}

fn time_part(time: Millis) -> u128 {
    u128::try_from(time).unwrap_or(0) << TIME_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// More than the events of any chunk.
    const INDEX_MAX: usize = (1 << (INDEX_BITS - 1)) - 1;

    proptest! {
        #[test]
        fn positions_are_in_the_order_of_time_chunk_and_index(
            one in (0..1_i64 << 47, 0..1_u64 << 39, 0..INDEX_MAX),
            other in (0..1_i64 << 47, 0..1_u64 << 39, 0..INDEX_MAX),
        ) {
            let of = |(time, chunk, index)| Position::of(time, chunk, index);
            prop_assert_eq!(of(one).cmp(&of(other)), one.cmp(&other));
            let position = of(one);
            prop_assert_eq!(position.time(), one.0);
            prop_assert!(Position::before(one.0) < position && position < Position::after(one.0));
            prop_assert!(position.gap_before() < position && position < position.gap_after());
            if one < other {
                prop_assert!(position.gap_after() <= of(other).gap_before());
            }
        }
    }
}

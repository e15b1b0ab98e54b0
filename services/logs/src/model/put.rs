//! What of a put is taken.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>

use super::{
    chunk::{EVENT_OVERHEAD_BYTES, SPAN_MAX},
    position::Millis,
};
use std::ops::Range;

/// The most events of one put.
pub(crate) const EVENTS_MAX: usize = 10_000;
/// The most bytes of one put, each event counted with its overhead.
pub(crate) const BATCH_BYTES_MAX: u64 = 1_048_576;
const AHEAD_MAX: Millis = 2 * 3_600_000;
const BEHIND_MAX: Millis = 14 * 86_400_000;

/// Why a put is refused whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PutFault {
    /// With the bytes that were sent.
    TooLarge(u64),
    Disordered,
    SpansTooLong,
}

/// Of a put, the events that are taken, and where those that are not begin and end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) range: Range<usize>,
    /// The first that is too far ahead.
    pub(crate) too_new_start: Option<usize>,
    /// The end of those that are more than 14 days old.
    pub(crate) too_old_end: Option<usize>,
    /// The end of those that the group does not keep any more.
    pub(crate) expired_end: Option<usize>,
}

/// Judges events, each a moment and the length of its text in bytes.
pub(crate) fn judge(events: &[(Millis, usize)], kept_since: Millis, now: Millis) -> Result<Taken, PutFault> {
    let bytes = events
        .iter()
        .map(|(_, length)| *length as u64 + EVENT_OVERHEAD_BYTES)
        .sum();
    if bytes > BATCH_BYTES_MAX {
        return Err(PutFault::TooLarge(bytes));
    }
    if !events.is_sorted_by_key(|(time, _)| *time) {
        return Err(PutFault::Disordered);
    }
    if let (Some((first, _)), Some((last, _))) = (events.first(), events.last())
        && last.saturating_sub(*first) > SPAN_MAX
    {
        return Err(PutFault::SpansTooLong);
    }
    // In the order of time, so each kind is one run.
    let before = |moment: Millis| events.partition_point(|(time, _)| *time < moment);
    let too_old = before(now.saturating_sub(BEHIND_MAX));
    let expired = before(kept_since);
    let end = events.partition_point(|(time, _)| *time <= now.saturating_add(AHEAD_MAX));
    let some = |end: usize| (end > 0).then_some(end);
    Ok(Taken {
        range: too_old.max(expired).min(end)..end,
        too_new_start: (end < events.len()).then_some(end),
        too_old_end: some(too_old),
        expired_end: some(expired),
    })
}

/// Cuts events into puts that the limits allow. An event that alone is too large is a put of its own, which is refused.
pub(crate) fn batches(events: &[(Millis, usize)]) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0_u64);
    let mut first = events.first().map_or(0, |(time, _)| *time);
    for (at, (time, length)) in events.iter().enumerate() {
        let more = *length as u64 + EVENT_OVERHEAD_BYTES;
        let full = at - start >= EVENTS_MAX || bytes + more > BATCH_BYTES_MAX || time.saturating_sub(first) > SPAN_MAX;
        if full && at > start {
            batches.push(start..at);
            (start, bytes, first) = (at, 0, *time);
        }
        bytes += more;
    }
    if start < events.len() {
        batches.push(start..events.len());
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: Millis = SPAN_MAX;
    const NOW: Millis = 1_000 * DAY;

    #[test]
    fn limits_are_awss() {
        let exact = (BATCH_BYTES_MAX - EVENT_OVERHEAD_BYTES) as usize;
        assert_eq!(judge(&[(NOW, exact)], 0, NOW).unwrap().range, 0..1);
        assert_eq!(
            judge(&[(NOW, exact + 1)], 0, NOW),
            Err(PutFault::TooLarge(BATCH_BYTES_MAX + 1))
        );
        assert_eq!(judge(&[(NOW, 1), (NOW - 1, 1)], 0, NOW), Err(PutFault::Disordered));
        assert_eq!(judge(&[(NOW - DAY, 1), (NOW, 1)], 0, NOW).unwrap().range, 0..2);
        assert_eq!(
            judge(&[(NOW - DAY - 1, 1), (NOW, 1)], 0, NOW),
            Err(PutFault::SpansTooLong)
        );
    }

    #[test]
    fn what_is_too_old_or_too_new_is_left_out_and_told() {
        let ahead = NOW + AHEAD_MAX;
        let taken = judge(&[(NOW, 1), (ahead, 1), (ahead + 1, 1)], 0, NOW).unwrap();
        assert_eq!((taken.range, taken.too_new_start), (0..2, Some(2)));
        let old = NOW - BEHIND_MAX;
        let taken = judge(&[(old - 1, 1), (old, 1)], 0, NOW).unwrap();
        assert_eq!(
            (taken.range, taken.too_old_end, taken.expired_end),
            (1..2, Some(1), None)
        );
        let taken = judge(&[(old - 1, 1), (old, 1), (old + 9, 1)], old + 5, NOW).unwrap();
        assert_eq!(
            (taken.range, taken.too_old_end, taken.expired_end),
            (2..3, Some(1), Some(2))
        );
        let taken = judge(&[(ahead + 1, 1)], 0, NOW).unwrap();
        assert!(taken.range.is_empty() && taken.too_new_start == Some(0));
    }

    proptest! {
        #[test]
        fn batches_are_all_events_in_order_each_within_the_limits(
            mut events in proptest::collection::vec((0..4 * DAY, 0_usize..400_000), 0..40),
        ) {
            events.sort_unstable();
            let batches = batches(&events);
            prop_assert_eq!(batches.iter().cloned().flatten().collect::<Vec<_>>(), (0..events.len()).collect::<Vec<_>>());
            for batch in batches {
                prop_assert!(judge(&events[batch], 0, 4 * DAY).is_ok());
            }
        }
    }

    #[test]
    fn a_batch_has_no_more_than_ten_thousand_events() {
        let sizes: Vec<usize> = batches(&vec![(NOW, 1); 25_000]).into_iter().map(|b| b.len()).collect();
        assert_eq!(sizes, [10_000, 10_000, 5_000]);
    }
}

//! What is made of finds: lines, the first or last of them by time, numbers over time, numbers by a field.

use super::{engine::Fold, event::Event, once::Once};
use base::Timestamp;
use serde::Serialize;
use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap, HashMap},
    sync::Arc,
    time::Duration,
};

/// A part of lines is given on when it is so long.
const LINES_BYTES: usize = 1 << 20;
/// More values of a field are not counted.
const GROUPS_MAX: usize = 1_000_000;
/// More times than these are counted together by coarser steps.
const STEPS_MAX: usize = 20_000;

/// How many there are.
pub struct Count;

impl Fold for Count {
    type Part = u64;

    fn add(&self, part: &mut u64, _event: &Event<'_>, _record: &str) {
        *part += 1;
    }
}

/// Finds as text, one after the other, in the order of the files. With `once`, each part says what its events are called there: only
/// whoever takes the parts in order knows which was the first.
pub struct Written<W> {
    /// Writes a find.
    pub write: W,
    /// Names events.
    pub once: Option<Arc<Once>>,
}

/// Texts of finds and where each ends.
#[derive(Debug, Default)]
pub struct Lines {
    /// All texts.
    pub text: String,
    /// Where each ends.
    pub ends: Vec<usize>,
    /// What each is called, if that is asked for.
    names: Vec<Option<u128>>,
}

impl Lines {
    /// Leaves out what was found before.
    pub fn leave_out_what_was_found(&mut self, once: &Once) {
        let first: Vec<bool> = self.names.iter().map(|name| once.is_first(*name)).collect();
        if first.iter().all(|first| *first) {
            return;
        }
        let all = std::mem::take(self);
        let mut start = 0;
        for (end, is_first) in all.ends.into_iter().zip(first) {
            if is_first {
                self.text.push_str(all.text.get(start..end).unwrap_or_default());
                self.ends.push(self.text.len());
            }
            start = end;
        }
    }
}

impl<W: Fn(&Event<'_>, &str, &mut String) + Sync> Fold for Written<W> {
    type Part = Lines;

    fn add(&self, part: &mut Lines, event: &Event<'_>, record: &str) {
        (self.write)(event, record, &mut part.text);
        part.ends.push(part.text.len());
        if let Some(once) = &self.once {
            part.names.push(once.name(event));
        }
    }

    fn is_full(&self, part: &Lines) -> bool {
        part.text.len() >= LINES_BYTES
    }
}

/// By which end of time finds are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The oldest first.
    Oldest,
    /// The newest first.
    Newest,
}

/// So many finds at most, the first of the order.
pub struct Sorted {
    /// The order.
    pub order: Order,
    /// How many.
    pub limit: usize,
}

/// A find that is kept. Of two of the same time the id decides, so that the order is always the same.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    time: i64,
    id: String,
    record: String,
}

impl Ord for Kept {
    fn cmp(&self, other: &Kept) -> Ordering {
        (self.time, &self.id, &self.record).cmp(&(other.time, &other.id, &other.record))
    }
}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Kept) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Kept finds; the next to be given up is on top.
#[derive(Debug, Default)]
pub struct Heap {
    oldest: BinaryHeap<Kept>,
    newest: BinaryHeap<Reverse<Kept>>,
}

impl Sorted {
    fn put(&self, heap: &mut Heap, kept: Kept) {
        match self.order {
            Order::Oldest => {
                heap.oldest.push(kept);
                if heap.oldest.len() > self.limit {
                    heap.oldest.pop();
                }
            }
            Order::Newest => {
                heap.newest.push(Reverse(kept));
                if heap.newest.len() > self.limit {
                    heap.newest.pop();
                }
            }
        }
    }

    /// Whether a find of this time would be given up at once.
    fn is_beyond(&self, heap: &Heap, time: i64) -> bool {
        match self.order {
            Order::Oldest => heap.oldest.len() >= self.limit && heap.oldest.peek().is_none_or(|last| last.time < time),
            Order::Newest => {
                heap.newest.len() >= self.limit && heap.newest.peek().is_none_or(|last| last.0.time > time)
            }
        }
    }

    /// Puts one into another.
    pub fn merge(&self, all: &mut Heap, part: Heap) {
        let newest = part.newest.into_iter().map(|Reverse(kept)| kept);
        part.oldest
            .into_iter()
            .chain(newest)
            .for_each(|kept| self.put(all, kept));
    }

    /// The records in order.
    pub fn records(&self, heap: Heap) -> Vec<String> {
        let oldest = heap.oldest.into_sorted_vec().into_iter();
        let newest = heap.newest.into_sorted_vec().into_iter().map(|Reverse(kept)| kept);
        oldest.chain(newest).map(|kept| kept.record).collect()
    }
}

impl Fold for Sorted {
    type Part = Heap;

    fn add(&self, part: &mut Heap, event: &Event<'_>, record: &str) {
        // What does not say when it was counts as before all else.
        let time = event.time().map_or(i64::MIN, Timestamp::as_micros);
        if !self.is_beyond(part, time) {
            let id = event.id().into_owned();
            let record = record.to_owned();
            self.put(part, Kept { time, id, record });
        }
    }
}

/// How many at which times.
pub struct OverTime;

/// Numbers of finds, by the second at which a step of so many seconds begins.
#[derive(Debug, Default)]
pub struct Times {
    step: u64,
    counts: BTreeMap<i64, u64>,
    undated: u64,
}

impl Times {
    fn put(&mut self, second: i64, count: u64) {
        let step = self.step.max(60);
        *self.counts.entry(floor(second, step)).or_default() += count;
        if self.counts.len() > STEPS_MAX {
            self.coarsen(STEPS.into_iter().find(|next| *next > step).unwrap_or(step * 2));
        }
    }

    fn coarsen(&mut self, step: u64) {
        self.step = step;
        for (second, count) in std::mem::take(&mut self.counts) {
            *self.counts.entry(floor(second, step)).or_default() += count;
        }
    }

    /// Adds another.
    pub fn merge(&mut self, other: Times) {
        if other.step > self.step {
            self.coarsen(other.step);
        }
        self.undated += other.undated;
        other
            .counts
            .into_iter()
            .for_each(|(second, count)| self.put(second, count));
    }

    /// Bars of one width over the whole span, empty ones too: at most so many, or of this width.
    pub fn histogram(mut self, bars: usize, width: Option<Duration>) -> Histogram {
        let (first, last) = match (self.counts.first_key_value(), self.counts.last_key_value()) {
            (Some((first, _)), Some((last, _))) => (*first, *last),
            _ => (0, 0),
        };
        let fits = |step: u64| (floor(last, step) - floor(first, step)) / step.cast_signed() < bars as i64;
        let mut steps = STEPS.into_iter().filter(|step| *step >= self.step);
        let chosen = steps
            .clone()
            .find(|step| fits(*step))
            .or(steps.next_back())
            .unwrap_or(self.step);
        let mut step = width.map_or(chosen, |width| width.as_secs().max(self.step).max(60));
        // Wider than asked for rather than without the last of them.
        let number = |step: u64| (floor(last, step) - floor(first, step)) / step.cast_signed();
        while number(step) >= STEPS_MAX as i64 {
            step = STEPS
                .into_iter()
                .find(|next| *next > step)
                .unwrap_or(step.saturating_mul(2));
        }
        self.coarsen(step);
        let mut bars = Vec::new();
        let mut at = floor(first, step);
        while !self.counts.is_empty() && at <= last && bars.len() < STEPS_MAX {
            let count = self.counts.get(&at).copied().unwrap_or(0);
            bars.push(Bar {
                from: Timestamp::from_secs(at).iso8601(),
                count,
            });
            at += step.cast_signed();
        }
        Histogram {
            step_seconds: step,
            bars,
            undated: self.undated,
        }
    }
}

/// Widths of bars in seconds.
const STEPS: [u64; 12] = [
    60,
    300,
    900,
    1800,
    3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    86_400,
    7 * 86_400,
    28 * 86_400,
    364 * 86_400,
];

fn floor(second: i64, step: u64) -> i64 {
    second - second.rem_euclid(step.cast_signed().max(1))
}

/// How many at which times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Histogram {
    /// The width of a bar.
    pub step_seconds: u64,
    /// The bars, without a gap from the first to the last find.
    pub bars: Vec<Bar>,
    /// Finds without a time.
    pub undated: u64,
}

/// A bar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bar {
    /// Where it begins.
    pub from: String,
    /// How many.
    pub count: u64,
}

impl Fold for OverTime {
    type Part = Times;

    fn add(&self, part: &mut Times, event: &Event<'_>, _record: &str) {
        match event.time() {
            Some(time) => part.put(time.as_secs(), 1),
            None => part.undated += 1,
        }
    }
}

/// By what finds are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `eventName`.
    Event,
    /// `eventSource`.
    Source,
    /// The caller.
    Principal,
    /// `errorCode`.
    Error,
    /// `sourceIPAddress`.
    SourceIp,
    /// `awsRegion`.
    Region,
    /// The account.
    Account,
    /// What the call was about.
    Resource,
    /// `userAgent`.
    UserAgent,
    /// The day of UTC.
    Day,
}

/// How many of each value of a field.
pub struct Grouped(pub Field);

/// Numbers of finds by value; an empty value is that of finds without the field.
#[derive(Debug, Default)]
pub struct Groups {
    counts: HashMap<String, u64>,
    beyond: u64,
}

/// A value and how many have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The value; empty where a record does not have the field.
    pub value: String,
    /// How many.
    pub count: u64,
}

impl Groups {
    fn put(&mut self, value: &str, count: u64) {
        let is_full = self.counts.len() >= GROUPS_MAX;
        match self.counts.get_mut(value) {
            Some(there) => *there += count,
            None if is_full => self.beyond += count,
            None => {
                self.counts.insert(value.to_owned(), count);
            }
        }
    }

    /// Adds others.
    pub fn merge(&mut self, other: Groups) {
        self.beyond += other.beyond;
        for (value, count) in other.counts {
            self.put(&value, count);
        }
    }

    /// The groups, the largest first, and how many finds are in none because there were too many values.
    pub fn sorted(self) -> (Vec<Group>, u64) {
        let groups = self.counts.into_iter().map(|(value, count)| Group { value, count });
        let mut groups: Vec<Group> = groups.collect();
        groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        (groups, self.beyond)
    }
}

impl Fold for Grouped {
    type Part = Groups;

    fn add(&self, part: &mut Groups, event: &Event<'_>, _record: &str) {
        let value = match self.0 {
            Field::Event => event.name(),
            Field::Source => event.source(),
            Field::Principal => event.principal(),
            Field::Error => event.error_code().unwrap_or_default(),
            Field::SourceIp => event.source_ip(),
            Field::Region => event.region(),
            Field::Account => event.account(),
            Field::Resource => event.resource(),
            Field::UserAgent => event.user_agent(),
            Field::Day => event
                .time_text()
                .chars()
                .take("2026-11-22".len())
                .collect::<String>()
                .into(),
        };
        part.put(&value, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(minute: u32, id: &str) -> String {
        let time = Timestamp::from_secs(1_700_000_000 + i64::from(minute) * 60).iso8601();
        format!(
            "{{\"eventTime\":\"{time}\",\"eventID\":\"{id}\",\"eventName\":\"E{}\"}}",
            minute % 3
        )
    }

    /// The parts of every file, put together.
    fn folded<F: Fold>(fold: &F, files: &[Vec<String>]) -> Vec<F::Part> {
        let part = |file: &Vec<String>| {
            let mut part = F::Part::default();
            file.iter()
                .for_each(|record| fold.add(&mut part, &Event::of(record), record));
            part
        };
        files.iter().map(part).collect()
    }

    proptest! {
        #[test]
        fn the_limited_are_the_first_of_all(
            files in prop::collection::vec(prop::collection::vec((0_u32..50, "[a-c]{2}"), 0..12), 0..5),
            limit in 0_usize..20, newest in any::<bool>(),
        ) {
            let files: Vec<Vec<String>> =
                files.iter().map(|file| file.iter().map(|(minute, id)| record(*minute, id)).collect()).collect();
            let order = if newest { Order::Newest } else { Order::Oldest };
            let sorted = Sorted { order, limit };
            let mut all = Heap::default();
            folded(&sorted, &files).into_iter().for_each(|part| sorted.merge(&mut all, part));
            let mut expected: Vec<String> = files.concat();
            // Time and id stand first in these records.
            expected.sort();
            if newest {
                expected.reverse();
            }
            expected.truncate(limit);
            prop_assert_eq!(sorted.records(all), expected);
        }

        #[test]
        fn nothing_is_lost_over_time(minutes in prop::collection::vec(0_u32..500_000, 0..60), bars in 1_usize..40) {
            let files: Vec<Vec<String>> = minutes.chunks(7).map(|some| some.iter().map(|m| record(*m, "")).collect()).collect();
            let mut all = Times::default();
            folded(&OverTime, &files).into_iter().for_each(|part| all.merge(part));
            let histogram = all.histogram(bars, None);
            prop_assert!(histogram.bars.len() <= bars.max(2), "{histogram:?}");
            prop_assert_eq!(histogram.bars.iter().map(|bar| bar.count).sum::<u64>(), minutes.len() as u64);
        }
    }

    #[test]
    fn lines_that_were_written_are_left_out() {
        let once = Arc::new(Once::default());
        let written = Written {
            write: |_: &Event<'_>, record: &str, out: &mut String| {
                out.push_str(record);
                out.push('\n');
            },
            once: Some(Arc::clone(&once)),
        };
        let file = |minutes: &[u32]| minutes.iter().map(|minute| record(*minute, "id")).collect::<Vec<_>>();
        let parts = folded(&written, &[file(&[1, 2, 1]), file(&[]), file(&[2, 3])]);
        let mut lines = Vec::new();
        for mut part in parts {
            part.leave_out_what_was_found(&once);
            assert_eq!(part.ends.last().copied().unwrap_or(0), part.text.len());
            lines.extend(part.text.lines().map(str::to_owned).collect::<Vec<_>>());
        }
        assert_eq!(lines, file(&[1, 2, 3]));
        assert_eq!(once.again(), 2);
    }

    #[test]
    fn more_times_than_fit_are_counted_by_coarser_steps() {
        let mut times = Times::default();
        (0..STEPS_MAX as i64 + 10).for_each(|minute| times.put(minute * 60, 1));
        let histogram = times.histogram(5000, Some(Duration::from_secs(60)));
        assert_eq!(histogram.step_seconds, 300, "not finer than what was counted");
        assert_eq!(
            histogram.bars.iter().map(|bar| bar.count).sum::<u64>(),
            STEPS_MAX as u64 + 10
        );
        assert_eq!(Times::default().histogram(10, None).bars, []);
        // Two finds half a year apart: a bar a minute would be more than are made, and the last find must not be lost.
        let mut apart = Times::default();
        [0, 180 * 86_400].into_iter().for_each(|second| apart.put(second, 1));
        let histogram = apart.histogram(10, Some(Duration::from_secs(60)));
        assert_eq!(histogram.bars.iter().map(|bar| bar.count).sum::<u64>(), 2);
        assert_eq!(histogram.step_seconds, 900);
    }

    #[test]
    fn groups_are_the_largest_first() {
        let files = [
            vec![record(0, "a"), record(1, "b")],
            vec![record(3, "c"), "{}".to_owned()],
        ];
        let mut all = Groups::default();
        folded(&Grouped(Field::Event), &files)
            .into_iter()
            .for_each(|part| all.merge(part));
        let (groups, beyond) = all.sorted();
        let groups: Vec<_> = groups.iter().map(|group| (group.value.as_str(), group.count)).collect();
        assert_eq!((groups.as_slice(), beyond), (&[("E0", 2), ("", 1), ("E1", 1)][..], 0));
    }
}

//! Whether a transaction may still commit: what it saw against what has been written since.
//!
//! A transaction remembers each key it read or wrote by a 64-bit hash, and each range it scanned by its bounds. The
//! committer remembers the keys of recent batches. A transaction conflicts when a key of its own, or any key in a range
//! of its own, was written by a batch after its snapshot: then what it decided may rest on what is no longer so.
//! Two keys with one hash conflict for no reason, which costs a repetition and nothing else.

use crate::engine::{KeyRange, is_empty};
use bytes::Bytes;
use std::{
    collections::{BTreeSet, HashMap, VecDeque, hash_map::RandomState},
    hash::{BuildHasher, BuildHasherDefault, Hasher},
    ops::Bound,
};

/// Keys that the window remembers; a batch above it is remembered alone.
const WINDOW_KEYS_MAX: usize = 1 << 17;
/// Batches that the window remembers.
const WINDOW_BATCHES_MAX: usize = 1 << 15;

/// Hashes keys. Keyed at random, so that nobody can choose keys that conflict.
#[derive(Clone, Default)]
pub(crate) struct KeyHash(RandomState);

impl KeyHash {
    pub(crate) fn of(&self, key: &[u8]) -> u64 {
        self.0.hash_one(key)
    }

    /// Stands for the history, so that of two changes of it that began at one moment only one commits.
    pub(crate) fn of_history(&self) -> u64 {
        self.0.hash_one("history")
    }
}

/// What a transaction has seen.
#[derive(Default)]
pub(crate) struct ReadSet {
    points: Vec<u64>,
    ranges: Vec<(Bound<Bytes>, Bound<Bytes>)>,
    /// Those of the points that entries rest on.
    firm: Vec<u64>,
}

impl ReadSet {
    pub(crate) fn add_key(&mut self, hash: u64) {
        self.points.push(hash);
    }

    /// A key that the transaction's entries rest on.
    pub(crate) fn add_firm(&mut self, hash: u64) {
        if !self.firm.contains(&hash) {
            self.firm.push(hash);
            self.points.push(hash);
        }
    }

    pub(crate) fn add_range(&mut self, start: Bound<Bytes>, end: Bound<Bytes>) {
        self.ranges.push((start, end));
    }
}

/// The keys written by recent batches.
#[derive(Default)]
pub(crate) struct Window {
    /// The last batch that wrote a key.
    last: HashMap<u64, u64, BuildHasherDefault<AlreadyHashed>>,
    batches: VecDeque<Written>,
    keys: usize,
    /// The last batch that was forgotten. A snapshot before it cannot be judged.
    floor: u64,
    /// The keys that entries have rested on: when they were written last is never forgotten, so that entries are judged
    /// whatever the age of their snapshot. Each with the batch up to which nothing is known of it.
    firm: HashMap<u64, u64, BuildHasherDefault<AlreadyHashed>>,
}

struct Written {
    seq: u64,
    hashes: Vec<u64>,
    keys: BTreeSet<Bytes>,
}

impl Window {
    /// A window that knows nothing of batches up to `seq`.
    pub(crate) fn after(seq: u64) -> Window {
        Window {
            floor: seq,
            ..Window::default()
        }
    }

    /// Whether all that a transaction read, and all that it writes, is as it was at its snapshot.
    pub(crate) fn allows(&self, snapshot_seq: u64, reads: &ReadSet, writes: &[u64]) -> bool {
        let unwritten = |hash: &u64| self.last.get(hash).is_none_or(|&seq| seq <= snapshot_seq);
        snapshot_seq >= self.floor
            && reads.points.iter().all(unwritten)
            && writes.iter().all(unwritten)
            && (reads.ranges.is_empty() || self.ranges_unwritten(snapshot_seq, reads))
    }

    /// The same for a transaction that writes nothing but entries: it is held to what they rest on, and to nothing else.
    pub(crate) fn allows_entries(&mut self, snapshot_seq: u64, reads: &ReadSet) -> bool {
        reads.firm.iter().all(|hash| {
            let unknown = *self.firm.entry(*hash).or_insert(self.floor);
            snapshot_seq >= unknown && self.last.get(hash).is_none_or(|&seq| seq <= snapshot_seq)
        })
    }

    /// Remembers that `seq` writes these keys. Called once per transaction, with a sequence that never falls.
    pub(crate) fn record(&mut self, seq: u64, hashes: &[u64], keys: impl Iterator<Item = Bytes>) {
        if self.batches.back().is_none_or(|batch| batch.seq != seq) {
            self.batches.push_back(Written {
                seq,
                hashes: Vec::new(),
                keys: BTreeSet::new(),
            });
        }
        if let Some(batch) = self.batches.back_mut() {
            batch.hashes.extend_from_slice(hashes);
            batch.keys.extend(keys);
        }
        self.last.extend(hashes.iter().map(|&hash| (hash, seq)));
        self.keys += hashes.len();
        self.trim();
    }

    fn ranges_unwritten(&self, snapshot_seq: u64, reads: &ReadSet) -> bool {
        let later = self.batches.iter().rev().take_while(|batch| batch.seq > snapshot_seq);
        later.into_iter().all(|batch| {
            reads.ranges.iter().all(|(start, end)| {
                let range: KeyRange<'_> = (start.as_ref().map(|b| &**b), end.as_ref().map(|b| &**b));
                is_empty(range) || batch.keys.range::<[u8], _>(range).next().is_none()
            })
        })
    }

    fn trim(&mut self) {
        while self.batches.len() > 1 && (self.keys > WINDOW_KEYS_MAX || self.batches.len() > WINDOW_BATCHES_MAX) {
            let Some(oldest) = self.batches.pop_front() else { return };
            self.floor = oldest.seq;
            self.keys -= oldest.hashes.len();
            for hash in oldest.hashes {
                if self.last.get(&hash) == Some(&oldest.seq) && !self.firm.contains_key(&hash) {
                    self.last.remove(&hash);
                }
            }
        }
    }
}

/// Hashes a hash by leaving it alone.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window small in keys forgets its oldest batches, and then refuses the snapshots it can no longer judge.
    #[test]
    fn what_is_forgotten_conflicts() {
        let mut window = Window::after(10);
        assert!(!window.allows(9, &ReadSet::default(), &[]));
        assert!(window.allows(10, &ReadSet::default(), &[1]));
        for seq in 11..=11 + WINDOW_BATCHES_MAX as u64 {
            window.record(seq, &[seq], std::iter::once(Bytes::copy_from_slice(&seq.to_be_bytes())));
        }
        assert!(!window.allows(10, &ReadSet::default(), &[999_999]), "before the window");
        assert!(window.allows(11, &ReadSet::default(), &[999_999]), "at its edge");
        assert!(!window.allows(11, &ReadSet::default(), &[12]), "written since");
        assert_eq!(window.last.len(), window.keys);
        assert_eq!(window.batches.len(), WINDOW_BATCHES_MAX);
    }

    /// What entries rest on is judged for every snapshot since it was first asked for, however long the window.
    #[test]
    fn what_entries_rest_on_is_never_forgotten() {
        let mut window = Window::after(10);
        let mut reads = ReadSet::default();
        reads.add_key(2);
        assert!(window.allows_entries(9, &reads), "they rest on nothing");
        reads.add_firm(1);
        assert!(!window.allows_entries(9, &reads), "before the window");
        assert!(window.allows_entries(10, &reads));
        let write = |window: &mut Window, seq: u64, hash: u64| {
            window.record(
                seq,
                &[hash],
                std::iter::once(Bytes::copy_from_slice(&hash.to_be_bytes())),
            );
        };
        write(&mut window, 11, 2);
        write(&mut window, 12, 1);
        for seq in 13..=20 + WINDOW_BATCHES_MAX as u64 {
            write(&mut window, seq, seq);
        }
        assert!(window.floor > 12);
        assert!(!window.allows_entries(11, &reads), "written since");
        assert!(
            window.allows_entries(12, &reads),
            "older than the window, and not written since"
        );
        assert!(!window.allows(12, &reads, &[]), "rows are not spared");
        reads.add_firm(3);
        assert!(!window.allows_entries(12, &reads), "nothing was known of this one then");
    }
}

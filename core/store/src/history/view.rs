//! Reading the history, and the part of the journal that it does not hold yet, at one moment.

use super::{ABOUT, About, HEADS, LATES, Lengths, NUMBER_END, OpenedBlock, Partition, SUMMARY, TERMS, Term};
use super::{about_key, about_row, late_key, parse_about, reached, section_key, term_key};
use super::{identity, number_of};
use crate::{
    engine::Space,
    journal::{Journal, Page},
    open::{Core, Handle, Published},
    view::prefix_range,
};
use base::{Fault, Timestamp};
use bytes::Bytes;
use envelope::small;
use std::{ops::Bound, sync::Arc};

/// Journal and history at one durable moment, so that an entry on its way from the one into the other is seen in exactly
/// one of them. Cheap to make. While it lives, what it can still see is not freed. Its reads block the thread.
pub struct HistoryView {
    handle: Arc<Handle>,
    at: Arc<Published>,
}

/// A block that was found. Its sections are opened by [`HistoryView::heads`] and [`HistoryView::part`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlock {
    /// Whose it is.
    pub partition: Partition,
    /// Its number.
    pub number: u64,
    /// Where and when its entries were.
    pub about: About,
    /// The lengths of its sections.
    lengths: Lengths,
}

impl StoredBlock {
    /// How many parts its bodies have.
    pub fn parts(&self) -> usize {
        self.lengths.sections.len().saturating_sub(1)
    }

    /// Whether it has a summary.
    pub fn is_summarised(&self) -> bool {
        self.lengths.summary.is_some()
    }
}

impl HistoryView {
    pub(super) fn new(handle: Arc<Handle>) -> HistoryView {
        let at = handle.core.published();
        HistoryView { handle, at }
    }

    pub(super) fn core(&self) -> &Core {
        &self.handle.core
    }

    pub(super) fn at(&self) -> &Published {
        &self.at
    }

    /// The sequence of the last durable batch.
    pub fn head(&self) -> u64 {
        self.at.seq
    }

    /// The sequence of the journal through which the history reaches: what came later is in the journal alone.
    pub fn through(&self) -> Result<u64, Fault> {
        Ok(reached(&self.core().engine, &self.at.snapshot)?.through)
    }

    /// The number that a new block gets; those after it follow.
    pub fn next_number(&self) -> Result<u64, Fault> {
        Ok(reached(&self.core().engine, &self.at.snapshot)?.next)
    }

    /// Entries of the journal's blocks `from_seq` to `to_seq`, as [`Journal::read`].
    pub fn journal(&self, from_seq: u64, to_seq: u64, limit_bytes: usize) -> Result<Page, Fault> {
        Journal::new(self.handle.clone()).page_at(&self.at, (from_seq, to_seq), limit_bytes, false)
    }

    /// Entries of the journal's blocks `to_seq` back to `from_seq`, as [`Journal::read_back`].
    pub fn journal_back(&self, from_seq: u64, to_seq: u64, limit_bytes: usize) -> Result<Page, Fault> {
        Journal::new(self.handle.clone()).page_at(&self.at, (from_seq, to_seq), limit_bytes, true)
    }

    /// A block by its number.
    pub fn block(&self, partition: Partition, number: u64) -> Result<Option<StoredBlock>, Fault> {
        let row = self.core().engine.get(
            &self.at.snapshot,
            Space::HistoryIndex,
            &about_key(partition, number.min(NUMBER_END - 1)),
        )?;
        row.map(|row| stored(partition, number, &row)).transpose()
    }

    /// The blocks of a partition, forward from the number `from`.
    pub fn blocks(&self, partition: Partition, from: u64) -> impl Iterator<Item = Result<StoredBlock, Fault>> + use<> {
        self.blocks_between(partition, from, NUMBER_END - 1, false)
    }

    /// The blocks of a partition, back from the number `to`.
    pub fn blocks_back(
        &self,
        partition: Partition,
        to: u64,
    ) -> impl Iterator<Item = Result<StoredBlock, Fault>> + use<> {
        self.blocks_between(partition, 0, to, true)
    }

    /// The numbers of the blocks, back from `to`, that hold an entry with the term; seldom one that does not.
    pub fn with_term_back(
        &self,
        partition: Partition,
        term: Term,
        to: u64,
    ) -> impl Iterator<Item = Result<u64, Fault>> + use<> {
        let (from, to) = (
            term_key(partition, term, 0),
            term_key(partition, term, to.min(NUMBER_END - 1)),
        );
        self.index_keys(&from, &to, true)
            .map(|key| key.and_then(|key| trailing_number(&key)))
    }

    /// Whether a block is told to hold an entry with the term.
    pub fn has_term(&self, partition: Partition, term: Term, number: u64) -> Result<bool, Fault> {
        let key = term_key(partition, term, number);
        let row = self.core().engine.get(&self.at.snapshot, Space::HistoryIndex, &key)?;
        Ok(row.is_some())
    }

    /// The numbers from `from` on, falling, of blocks with an event much older than its commit that happened at `end` or
    /// before.
    pub fn late_blocks(&self, partition: Partition, from: u64, end: Timestamp) -> Result<Vec<u64>, Fault> {
        let (from, to) = (late_key(partition, from), late_key(partition, NUMBER_END - 1));
        let range = (Bound::Included(from.as_slice()), Bound::Included(to.as_slice()));
        let rows = self
            .core()
            .engine
            .scan(&self.at.snapshot, Space::HistoryIndex, range, true);
        let mut numbers = Vec::new();
        for row in rows {
            let (key, oldest) = row?;
            let oldest = oldest.as_ref().try_into().map(i64::from_be_bytes);
            let oldest = oldest.map_err(|e| Fault::corrupt_by("a late row of the history", e))?;
            if Timestamp::from_micros(oldest) <= end {
                numbers.push(trailing_number(&key)?);
            }
        }
        Ok(numbers)
    }

    /// The last block for which `holds`, which must hold of no block after one of which it does not.
    pub fn last_where(
        &self,
        partition: Partition,
        holds: impl Fn(&About) -> bool,
    ) -> Result<Option<StoredBlock>, Fault> {
        // INVARIANT: it holds of every block below `low`, the last of which is `found`, and of none from `high` on.
        let (mut low, mut high, mut found) = (0, self.next_number()?, None);
        while low < high {
            let middle = low + (high - low) / 2;
            match self
                .blocks_between(partition, middle, high - 1, false)
                .next()
                .transpose()?
            {
                Some(block) if holds(&block.about) => {
                    low = block.number + 1;
                    found = Some(block);
                }
                _ => high = middle,
            }
        }
        Ok(found)
    }

    /// Every partition that has a block.
    pub fn partitions(&self) -> impl Iterator<Item = Result<Partition, Fault>> + '_ {
        let mut from = vec![ABOUT];
        std::iter::from_fn(move || {
            let end = [ABOUT + 1];
            let key = self.index_keys(&from, &end, false).next()?;
            let partition = key.and_then(|key| {
                let bytes = key.get(1..9).and_then(|bytes| bytes.try_into().ok());
                bytes.map(Partition).ok_or_else(|| odd_key(&key))
            });
            if let Ok(partition) = &partition {
                from = about_key(*partition, NUMBER_END - 1);
                from.push(0);
            } else {
                from = vec![ABOUT + 1];
            }
            Some(partition)
        })
    }

    /// Opens a block's heads.
    pub fn heads(&self, block: &StoredBlock) -> Result<Bytes, Fault> {
        self.open(block, HEADS)
    }

    /// Opens a part of a block's bodies.
    pub fn part(&self, block: &StoredBlock, part: usize) -> Result<Bytes, Fault> {
        self.open(block, u8::try_from(part + 1).unwrap_or(u8::MAX))
    }

    /// Opens all parts of a block's bodies.
    pub fn bodies(&self, block: &StoredBlock) -> Result<Vec<Bytes>, Fault> {
        (0..block.parts()).map(|part| self.part(block, part)).collect()
    }

    /// Opens a block's summary; `None` of a block that has none.
    pub fn summary(&self, block: &StoredBlock) -> Result<Option<Bytes>, Fault> {
        block.is_summarised().then(|| self.open(block, SUMMARY)).transpose()
    }

    /// Opens all of a block.
    pub fn opened(&self, block: &StoredBlock) -> Result<OpenedBlock, Fault> {
        Ok(OpenedBlock {
            heads: self.heads(block)?,
            bodies: self.bodies(block)?,
            summary: self.summary(block)?,
        })
    }

    fn open(&self, block: &StoredBlock, section: u8) -> Result<Bytes, Fault> {
        let core = self.core();
        let what = || format!("history block {}", block.number);
        let key = section_key(block.number, section);
        let sealed = core.engine.get(&self.at.snapshot, Space::HistoryBlocks, &key)?;
        let sealed = sealed.ok_or_else(|| Fault::corrupt(format!("{} is not there", what())))?;
        let length = block.lengths.of(section);
        let length = length.ok_or_else(|| Fault::corrupt(format!("{} has no section {section}", what())))?;
        let about = about_row(&block.about, &block.lengths);
        let identity = identity(block.partition, block.number, &about, section);
        let compressed = small::open(&core.block_key, &identity, &sealed).map_err(|e| Fault::corrupt_by(what(), e))?;
        // The length is authentic, so it is no lever for making us allocate.
        let plain = zstd::bulk::decompress(&compressed, length as usize).map_err(|e| Fault::corrupt_by(what(), e))?;
        Ok(plain.into())
    }

    fn blocks_between(
        &self,
        partition: Partition,
        from: u64,
        to: u64,
        reverse: bool,
    ) -> impl Iterator<Item = Result<StoredBlock, Fault>> + use<> {
        let (from, to) = (
            about_key(partition, from.min(NUMBER_END - 1)),
            about_key(partition, to.min(NUMBER_END - 1)),
        );
        let range = (Bound::Included(from.as_slice()), Bound::Included(to.as_slice()));
        let rows = self
            .core()
            .engine
            .scan(&self.at.snapshot, Space::HistoryIndex, range, reverse);
        rows.map(move |row| {
            let (key, row) = row?;
            stored(partition, trailing_number(&key)?, &row)
        })
    }

    /// The keys of the index from `from` to `to`, both included.
    fn index_keys(&self, from: &[u8], to: &[u8], reverse: bool) -> impl Iterator<Item = Result<Bytes, Fault>> + use<> {
        let range = (Bound::Included(from), Bound::Included(to));
        self.core()
            .engine
            .keys(&self.at.snapshot, Space::HistoryIndex, range, reverse)
    }

    /// How many rows of a kind the index has: `about`, `late` and `term` rows.
    pub(super) fn count(&self) -> Result<[u64; 3], Fault> {
        let mut counts = [0; 3];
        for (count, kind) in counts.iter_mut().zip([ABOUT, LATES, TERMS]) {
            let (start, end) = prefix_range(&[kind]);
            let range = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
            let keys = self
                .core()
                .engine
                .keys(&self.at.snapshot, Space::HistoryIndex, range, false);
            for key in keys {
                key?;
                *count += 1;
            }
        }
        Ok(counts)
    }
}

fn stored(partition: Partition, number: u64, row: &[u8]) -> Result<StoredBlock, Fault> {
    let (about, lengths) =
        parse_about(row).ok_or_else(|| Fault::corrupt(format!("the row about history block {number}")))?;
    Ok(StoredBlock {
        partition,
        number,
        about,
        lengths,
    })
}

fn trailing_number(key: &[u8]) -> Result<u64, Fault> {
    let number = key.last_chunk::<5>().ok_or_else(|| odd_key(key))?;
    Ok(number_of(*number))
}

fn odd_key(key: &[u8]) -> Fault {
    Fault::corrupt(format!("a key of the history's index: {}", hex::encode(key)))
}

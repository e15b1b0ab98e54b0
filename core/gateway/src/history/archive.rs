//! The archive: management events from the journal into blocks of the history, and blocks that are too old out of it.
//!
//! A block is good when it is full: it compresses well, and the index has one row in it for what many entries share. But
//! the journal's rest must be short. So a partition's last block, while it is small or no larger than what is added to
//! it, is written again with more: each entry is written a few times, however slowly events come.

use super::{
    pack::{Packed, entries_of, sections, terms},
    partition_of, summary,
};
use crate::journal;
use base::{Fault, Timestamp};
use record::AHEAD_MAX;
use std::{collections::BTreeMap, time::Duration};
use store::{
    About, DroppedBlock, EntryPos, History, HistoryChange, HistoryView, Partition, PlainBlock, SealedBlock, StoredBlock,
};

/// A block has at most this many entries, and about this many bytes of records.
const BLOCK_ENTRIES_MAX: usize = 256;
const BLOCK_BYTES_MAX: usize = 512 << 10;
/// A last block with fewer entries is always written again with more.
const BLOCK_ENTRIES_SMALL: u32 = 32;
/// A block that was begun longer ago than this is left as it is, so that it can go soon after its oldest entry may.
const BLOCK_OPEN: Duration = Duration::from_secs(86_400);
/// The journal is read in pieces of about this size, each of which is one transaction.
const PIECE_BYTES: usize = 8 << 20;

/// One step of the archive.
#[derive(Debug)]
pub struct Archived {
    /// What changes in the history.
    pub change: HistoryChange,
    /// It will hold what the journal holds for it through this sequence.
    pub through: u64,
}

/// An entry with the time of its commit.
struct Waiting {
    packed: Packed,
    committed: Timestamp,
}

/// What waits in the next piece of the journal, as blocks; `None` when nothing was committed since. Blocks its thread.
///
/// Commit it as [`store::Maintenance::Archive`] before the next step.
pub fn archive(history: &History) -> Result<Option<Archived>, Fault> {
    archive_as(history, true)
}

/// The same, also as releases did before blocks had summaries.
pub(super) fn archive_as(history: &History, summarised: bool) -> Result<Option<Archived>, Fault> {
    let view = history.view();
    let (from, to) = (view.through()? + 1, view.head());
    if from > to {
        return Ok(None);
    }
    let page = view.journal(from, to, PIECE_BYTES)?;
    let through = page.next.map_or(to, |next| next.saturating_sub(1));
    let mut waiting: BTreeMap<(String, String), Vec<Waiting>> = BTreeMap::new();
    for placed in page.entries {
        if !placed.entry.management {
            continue;
        }
        let journal::Entry { index, json } = journal::decode(&placed.entry.payload)?;
        let entry = Waiting {
            packed: Packed {
                pos: placed.pos,
                index,
                json,
            },
            committed: placed.time,
        };
        let partition = (placed.entry.account, placed.entry.region);
        waiting.entry(partition).or_default().push(entry);
    }
    let mut blocks = Blocks {
        history,
        summarised,
        next: view.next_number()?,
        made: Vec::new(),
    };
    for ((account, region), entries) in waiting {
        let partition = partition_of(history, &account, &region);
        blocks.add(&view, partition, entries)?;
    }
    let change = HistoryChange {
        put: blocks.made,
        drop: Vec::new(),
        through: Some(through),
    };
    Ok(Some(Archived { change, through }))
}

struct Blocks<'h> {
    history: &'h History,
    summarised: bool,
    next: u64,
    made: Vec<SealedBlock>,
}

impl Blocks<'_> {
    fn add(&mut self, view: &HistoryView, partition: Partition, entries: Vec<Waiting>) -> Result<(), Fault> {
        let mut open = Open::default();
        let mut number = None;
        if let Some(last) = view.blocks_back(partition, u64::MAX).next().transpose()?
            && is_open(&last, &entries)
            && let Some(again) = reopened(view, &last)?
        {
            (open, number) = (again, Some(last.number));
        }
        for entry in entries {
            if open.is_full(&entry) {
                self.finish(partition, number.take(), std::mem::take(&mut open))?;
            }
            open.push(entry);
        }
        self.finish(partition, number, open)
    }

    fn finish(&mut self, partition: Partition, number: Option<u64>, open: Open) -> Result<(), Fault> {
        let Some(about) = open.about() else { return Ok(()) };
        let number = number.unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        let (heads, bodies) = sections(&open.entries)?;
        self.made.push(self.history.seal(PlainBlock {
            partition,
            number,
            about,
            heads,
            bodies,
            summary: self.summarised.then(|| summary::encode(&open.entries)).transpose()?,
            terms: terms(self.history, open.entries.iter().map(|entry| &entry.index)),
        })?);
        Ok(())
    }
}

/// Whether a partition's last block is to be written again, now that these entries come after it.
fn is_open(last: &StoredBlock, added: &[Waiting]) -> bool {
    let begun = last.about.committed.0;
    let is_old = added
        .first()
        .is_none_or(|entry| begun.plus(BLOCK_OPEN) < entry.committed);
    let (entries, added) = (last.about.entries, u32::try_from(added.len()).unwrap_or(u32::MAX));
    !is_old && (entries as usize) < BLOCK_ENTRIES_MAX && (entries < BLOCK_ENTRIES_SMALL || entries <= added)
}

/// The entries of a stored block, to be added to; `None` when they cannot be read, and then the block stays as it is.
fn reopened(view: &HistoryView, last: &StoredBlock) -> Result<Option<Open>, Fault> {
    let read = || {
        let (heads, bodies) = (view.heads(last)?, view.bodies(last)?);
        entries_of(&heads, &bodies)
    };
    match read() {
        Ok(entries) => Ok(Some(Open {
            bytes: entries.iter().map(|entry| entry.json.len()).sum(),
            committed: Some(last.about.committed),
            entries,
        })),
        Err(Fault::Corrupt { .. }) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// A block in the making.
#[derive(Default)]
struct Open {
    entries: Vec<Packed>,
    bytes: usize,
    committed: Option<(Timestamp, Timestamp)>,
}

impl Open {
    fn is_full(&self, next: &Waiting) -> bool {
        self.entries.len() >= BLOCK_ENTRIES_MAX
            || (self.bytes > 0 && self.bytes.saturating_add(next.packed.json.len()) > BLOCK_BYTES_MAX)
    }

    fn push(&mut self, entry: Waiting) {
        let since = self.committed.map_or(entry.committed, |(first, _)| first);
        self.committed = Some((since, entry.committed));
        self.bytes += entry.packed.json.len();
        self.entries.push(entry.packed);
    }

    fn about(&self) -> Option<About> {
        let times = || self.entries.iter().map(|entry| entry.index.event_time);
        let pos = |entry: &Packed| -> EntryPos { entry.pos };
        Some(About {
            first: self.entries.first().map(pos)?,
            last: self.entries.last().map(pos)?,
            committed: self.committed?,
            happened: (times().min()?, times().max()?),
            entries: u32::try_from(self.entries.len()).unwrap_or(u32::MAX),
        })
    }
}

/// Up to `limit` blocks in which nothing can have happened at the time or later, as a change that drops them; `None` when there are
/// none. Blocks its thread.
///
/// Commit it as [`store::Maintenance::Retention`].
pub fn expired(history: &History, before: Timestamp, limit: usize) -> Result<Option<HistoryChange>, Fault> {
    let view = history.view();
    let mut drop = Vec::new();
    'all: for partition in view.partitions() {
        for block in view.blocks(partition?, 0) {
            let block = block?;
            if drop.len() >= limit {
                break 'all;
            }
            if block.about.committed.1.plus(AHEAD_MAX) >= before {
                break;
            }
            drop.push(DroppedBlock {
                partition: block.partition,
                number: block.number,
                parts: block.parts(),
                terms: terms_to_drop(history, &view, &block)?.into(),
            });
        }
    }
    Ok((!drop.is_empty()).then_some(HistoryChange {
        drop,
        ..HistoryChange::default()
    }))
}

/// What a block can be looked up by. What of it cannot be read leaves terms behind that find nothing.
fn terms_to_drop(history: &History, view: &HistoryView, block: &StoredBlock) -> Result<Vec<store::Term>, Fault> {
    let read = || super::pack::Heads::parse(&view.heads(block)?);
    match read() {
        Ok(heads) => Ok(terms(history, heads.entries.iter().map(|head| &head.index))),
        Err(fault @ Fault::Corrupt { .. }) => {
            let number = block.number;
            tracing::warn!(number, error = %crate::error::Chain(&fault), "a damaged block of the event history expired");
            Ok(Vec::new())
        }
        Err(fault) => Err(fault),
    }
}

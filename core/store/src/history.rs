//! The event history: what happened, kept long after the journal has let go of it, in sealed blocks with an index.
//!
//! A *partition* (an account in a Region) has its blocks in the order of commit. A block holds some hundreds of entries
//! in sections, each compressed and sealed by itself: *heads*, small, by which entries are chosen, *bodies* in a few
//! parts, and a *summary*, smaller still, from which entries are counted; blocks of releases before summaries have none. What the sections say is the callers' affair. Beside a block lie a row that tells where and when its entries were, and one
//! row for each *term* that its entries can be looked up by, so that whoever looks for a term opens the blocks that hold
//! it and no other. Partitions and terms are keyed hashes: nothing on the disk can be read without the block key.
//!
//! | space | key | value |
//! |---|---|---|
//! | index | `0` | the sequence of the journal through which the history reaches (8), the next block's number (8) |
//! | index | `1`, partition (8), number (5) | [`About`] the block |
//! | index | `2`, partition (8), number (5) | the oldest event's time (8), of a block that holds one from long before its commit |
//! | index | `3`, partition (8), term (5), number (5) | nothing |
//! | blocks | number (5), section (1) | the sealed section: 0 the heads, from 1 on the bodies, 255 the summary |
//!
//! Numbers rise, so blocks are appended, and within a partition they rise with position and time of commit. The last
//! block of a partition may be written again with more entries; it keeps its number.

mod check;
mod view;

pub use check::HistoryCheck;
pub use view::{HistoryView, StoredBlock};

use crate::{
    engine::{Engine, Snapshot, Space},
    journal::EntryPos,
    open::{Core, Handle},
};
use base::{Fault, Timestamp};
use bytes::Bytes;
use envelope::{Key256, KeyedHash, small};
use std::{sync::Arc, time::Duration};

const IDENTITY: &[u8] = b"shoseki history block\0";
/// The row about a block without a summary.
const ABOUT_VERSION: u8 = 1;
/// The row about a block with one, whose length stands at the end.
const ABOUT_SUMMARISED: u8 = 2;
const ABOUT_BYTES: usize = 66;
/// A block has at most this many parts of bodies.
const PARTS_MAX: usize = 64;
/// Written in the background and kept for months: worth more than the fastest level.
const ZSTD_LEVEL: i32 = 3;
/// Numbers have five bytes.
const NUMBER_END: u64 = 1 << 40;
/// An event is committed at once, or it came from elsewhere: one that is older than this at its commit is *late*, and its
/// block is listed apart, so that whoever looks before a time need not look into every block after it.
pub const PROMPT: Duration = Duration::from_secs(3600);

/// An account in a Region, as a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition([u8; 8]);

/// What entries can be looked up by, as a keyed hash. Two terms with one hash cost a look into a block in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term([u8; 5]);

/// Where and when the entries of a block were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// The first entry's position.
    pub first: EntryPos,
    /// The last entry's position.
    pub last: EntryPos,
    /// When the first and the last were committed.
    pub committed: (Timestamp, Timestamp),
    /// The oldest and the newest event time.
    pub happened: (Timestamp, Timestamp),
    /// How many there are.
    pub entries: u32,
}

/// A block as its maker has it.
#[derive(Clone, Debug)]
pub struct PlainBlock {
    /// Whose it is.
    pub partition: Partition,
    /// Its number: [`HistoryView::next_number`] and those that follow it, or that of the partition's last block, which it
    /// then replaces.
    pub number: u64,
    /// Where and when its entries were.
    pub about: About,
    /// By what entries are chosen.
    pub heads: Vec<u8>,
    /// The entries, in at most 64 parts that are opened one by one.
    pub bodies: Vec<Vec<u8>>,
    /// From what entries are counted; `None` of a block as releases before summaries wrote it.
    pub summary: Option<Vec<u8>>,
    /// What its entries can be looked up by.
    pub terms: Vec<Term>,
}

/// A block as it is stored; see [`History::seal`].
#[derive(Clone, Debug)]
pub struct SealedBlock {
    partition: Partition,
    number: u64,
    about: About,
    about_row: Bytes,
    sections: Vec<(u8, Bytes)>,
    terms: Arc<[Term]>,
}

/// A block that goes, with its terms.
#[derive(Clone, Debug)]
pub struct DroppedBlock {
    /// Whose it is.
    pub partition: Partition,
    /// Its number.
    pub number: u64,
    /// How many parts its bodies have.
    pub parts: usize,
    /// All that its entries can be looked up by.
    pub terms: Arc<[Term]>,
}

/// What a transaction changes in the history. The default changes nothing.
#[derive(Clone, Debug, Default)]
pub struct HistoryChange {
    /// Blocks that are new or replace a partition's last one.
    pub put: Vec<SealedBlock>,
    /// Blocks that go.
    pub drop: Vec<DroppedBlock>,
    /// The history now holds what it is to hold of the journal's blocks through this sequence.
    pub through: Option<u64>,
}

/// The event history. Reads by [`History::view`]; is written by [`crate::Maintenance::Archive`] and
/// [`crate::Maintenance::Retention`].
#[derive(Clone)]
pub struct History(Arc<Handle>);

impl History {
    pub(crate) fn new(handle: Arc<Handle>) -> History {
        History(handle)
    }

    /// Journal and history at one durable moment.
    pub fn view(&self) -> HistoryView {
        HistoryView::new(self.0.clone())
    }

    /// The partition of a name.
    pub fn partition(&self, name: &[u8]) -> Partition {
        Partition(self.0.core.history_hash.of(&[b"partition\0", name]))
    }

    /// The term of an attribute, told by one byte, and its value.
    pub fn term(&self, attribute: u8, value: &[u8]) -> Term {
        let [a, b, c, d, e, ..] = self.0.core.history_hash.of(&[b"term\0", &[attribute], value]);
        Term([a, b, c, d, e])
    }

    /// Compresses and seals a block. Takes the thread for some milliseconds a megabyte.
    pub fn seal(&self, block: PlainBlock) -> Result<SealedBlock, Fault> {
        if block.number >= NUMBER_END {
            return Err(Fault::Bug("the history has run out of block numbers"));
        }
        if block.bodies.len() > PARTS_MAX {
            return Err(Fault::Bug("a block of the history has too many parts"));
        }
        let plain = || std::iter::once(&block.heads).chain(&block.bodies);
        let lengths = Lengths {
            sections: plain()
                .map(|plain| length(plain))
                .collect::<Result<Vec<u32>, Fault>>()?,
            summary: block.summary.as_deref().map(length).transpose()?,
        };
        let about_row = about_row(&block.about, &lengths);
        let seal = |(section, plain): (u8, &Vec<u8>)| -> Result<(u8, Bytes), Fault> {
            let compressed =
                zstd::bulk::compress(plain, ZSTD_LEVEL).map_err(|e| Fault::io("compressing a history block", e))?;
            let identity = identity(block.partition, block.number, &about_row, section);
            let core = &self.0.core;
            let sealed = small::seal(&core.block_key, &identity, &compressed, &core.random);
            Ok((section, sealed.into()))
        };
        let summary = block.summary.iter().map(|summary| (SUMMARY, summary));
        Ok(SealedBlock {
            partition: block.partition,
            number: block.number,
            about: block.about,
            sections: (HEADS..)
                .zip(plain())
                .chain(summary)
                .map(seal)
                .collect::<Result<_, Fault>>()?,
            about_row: about_row.into(),
            terms: block.terms.into(),
        })
    }

    /// Opens every block, in the order of partitions and numbers, and holds its rows against it. `terms_of` says what a
    /// block with these sections can be looked up by, or why they cannot be read. Blocks the thread.
    pub fn check(
        &self,
        terms_of: impl FnMut(&About, &OpenedBlock) -> Result<Vec<Term>, Fault>,
        each: impl FnMut(Result<CheckedHistoryBlock, (String, Fault)>),
    ) -> Result<(), Fault> {
        HistoryCheck::new(self.view(), terms_of, each).run()
    }
}

/// All sections of a block, opened.
#[derive(Clone, Debug)]
pub struct OpenedBlock {
    /// By what entries are chosen.
    pub heads: Bytes,
    /// The entries.
    pub bodies: Vec<Bytes>,
    /// From what entries are counted; `None` of a block that has none.
    pub summary: Option<Bytes>,
}

/// What a block of the history was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedHistoryBlock {
    /// How many entries.
    pub entries: u32,
    /// How many terms.
    pub terms: usize,
}

/// The hash of partitions and terms, under a key of its own.
pub(crate) fn hash_under(block_key: &Key256) -> KeyedHash {
    KeyedHash::new(&block_key.derive(b"", "shoseki history terms 1"))
}

/// A write that is no row of the callers'.
pub(crate) type OwnWrite = (Space, Bytes, Option<Bytes>);

impl Core {
    /// The writes of a change.
    pub(crate) fn history_writes(&self, at: &Snapshot, change: HistoryChange) -> Result<Vec<OwnWrite>, Fault> {
        if change.put.is_empty() && change.drop.is_empty() && change.through.is_none() {
            return Ok(Vec::new());
        }
        let mut writes = Vec::new();
        let mut reached = reached(&self.engine, at)?;
        for block in change.put {
            reached.next = reached.next.max(block.number + 1);
            block.writes(&mut writes);
        }
        for block in change.drop {
            block.writes(&mut writes);
        }
        reached.through = change.through.unwrap_or(reached.through);
        let row = [reached.through.to_be_bytes(), reached.next.to_be_bytes()].concat();
        writes.push((Space::HistoryIndex, Bytes::from_static(REACHED), Some(row.into())));
        Ok(writes)
    }
}

impl SealedBlock {
    fn writes(self, writes: &mut Vec<OwnWrite>) {
        let (partition, number) = (self.partition, self.number);
        let mut index = |key: Vec<u8>, value: Bytes| writes.push((Space::HistoryIndex, key.into(), Some(value)));
        index(about_key(partition, number), self.about_row);
        if self.about.is_late() {
            let oldest = self.about.happened.0.as_micros().to_be_bytes();
            index(late_key(partition, number), Bytes::copy_from_slice(&oldest));
        }
        for term in self.terms.iter() {
            index(term_key(partition, *term, number), Bytes::new());
        }
        if !self.sections.iter().any(|(section, _)| *section == SUMMARY) {
            writes.push((Space::HistoryBlocks, section_key(number, SUMMARY), None));
        }
        for (section, sealed) in self.sections {
            writes.push((Space::HistoryBlocks, section_key(number, section), Some(sealed)));
        }
    }
}

impl DroppedBlock {
    fn writes(self, writes: &mut Vec<OwnWrite>) {
        let (partition, number) = (self.partition, self.number);
        let mut index = |key: Vec<u8>| writes.push((Space::HistoryIndex, key.into(), None));
        index(about_key(partition, number));
        index(late_key(partition, number));
        for term in self.terms.iter() {
            index(term_key(partition, *term, number));
        }
        // Of a block without a summary there is nothing to delete in its place, and nothing is.
        for section in (HEADS..=u8::try_from(self.parts).unwrap_or(u8::MAX)).chain([SUMMARY]) {
            writes.push((Space::HistoryBlocks, section_key(number, section), None));
        }
    }
}

impl About {
    /// Whether an event is much older than its commit.
    fn is_late(&self) -> bool {
        self.happened.0.plus(PROMPT) < self.committed.0
    }
}

/// The section of the heads; parts of the bodies follow it.
const HEADS: u8 = 0;
/// The section of the summary.
const SUMMARY: u8 = u8::MAX;

/// The lengths of a block's sections.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lengths {
    /// Of the heads and the parts of the bodies.
    sections: Vec<u32>,
    /// Of the summary, if there is one.
    summary: Option<u32>,
}

impl Lengths {
    fn of(&self, section: u8) -> Option<u32> {
        match section {
            SUMMARY => self.summary,
            section => self.sections.get(usize::from(section)).copied(),
        }
    }
}

/// How far the history has come.
#[derive(Clone, Copy, Default)]
struct Reached {
    through: u64,
    next: u64,
}

const REACHED: &[u8] = &[0];
const ABOUT: u8 = 1;
const LATES: u8 = 2;
const TERMS: u8 = 3;

fn reached(engine: &Engine, at: &Snapshot) -> Result<Reached, Fault> {
    let Some(row) = engine.get(at, Space::HistoryIndex, REACHED)? else {
        return Ok(Reached::default());
    };
    let parse = || -> Option<Reached> {
        let (through, rest) = row.split_first_chunk()?;
        Some(Reached {
            through: u64::from_be_bytes(*through),
            next: u64::from_be_bytes(rest.try_into().ok()?),
        })
    };
    parse().ok_or_else(|| Fault::corrupt("the row of how far the history reaches"))
}

fn length(plain: &[u8]) -> Result<u32, Fault> {
    u32::try_from(plain.len()).map_err(|e| Fault::io("measuring a history block", e))
}

fn number_bytes(number: u64) -> [u8; 5] {
    let [_, _, _, a, b, c, d, e] = number.to_be_bytes();
    [a, b, c, d, e]
}

fn number_of(bytes: [u8; 5]) -> u64 {
    let [a, b, c, d, e] = bytes;
    u64::from_be_bytes([0, 0, 0, a, b, c, d, e])
}

fn about_key(partition: Partition, number: u64) -> Vec<u8> {
    [&[ABOUT], partition.0.as_slice(), &number_bytes(number)].concat()
}

fn late_key(partition: Partition, number: u64) -> Vec<u8> {
    [&[LATES], partition.0.as_slice(), &number_bytes(number)].concat()
}

fn term_key(partition: Partition, term: Term, number: u64) -> Vec<u8> {
    [&[TERMS], partition.0.as_slice(), &term.0, &number_bytes(number)].concat()
}

fn section_key(number: u64, section: u8) -> Bytes {
    [number_bytes(number).as_slice(), &[section]].concat().into()
}

/// What a section is sealed as. The row about its block is part of it, so that none of them can be altered alone.
fn identity(partition: Partition, number: u64, about: &[u8], section: u8) -> Vec<u8> {
    [IDENTITY, &partition.0, &number.to_be_bytes(), about, &[section]].concat()
}

fn about_row(about: &About, lengths: &Lengths) -> Vec<u8> {
    let mut row = Vec::with_capacity(ABOUT_BYTES + 4 * lengths.sections.len());
    row.push(match lengths.summary {
        None => ABOUT_VERSION,
        Some(_) => ABOUT_SUMMARISED,
    });
    for pos in [about.first, about.last] {
        row.extend_from_slice(&pos.seq.to_be_bytes());
        row.extend_from_slice(&pos.index.to_be_bytes());
    }
    let times = [about.committed.0, about.committed.1, about.happened.0, about.happened.1];
    for time in times {
        row.extend_from_slice(&time.as_micros().to_be_bytes());
    }
    row.extend_from_slice(&about.entries.to_be_bytes());
    row.push(u8::try_from(lengths.sections.len()).unwrap_or(u8::MAX));
    for length in lengths.sections.iter().chain(&lengths.summary) {
        row.extend_from_slice(&length.to_be_bytes());
    }
    row
}

/// The row about a block, and the lengths of its sections.
fn parse_about(row: &[u8]) -> Option<(About, Lengths)> {
    let (&version, mut rest) = row.split_first()?;
    let summarised = match version {
        ABOUT_VERSION => false,
        ABOUT_SUMMARISED => true,
        _ => return None,
    };
    let mut number = |bytes: usize| -> Option<u64> {
        let (head, tail) = rest.split_at_checked(bytes)?;
        rest = tail;
        Some(head.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let mut pos = || -> Option<EntryPos> {
        Some(EntryPos {
            seq: number(8)?,
            index: u32::try_from(number(4)?).ok()?,
        })
    };
    let (first, last) = (pos()?, pos()?);
    let mut time = || number(8).map(|micros| Timestamp::from_micros(micros.cast_signed()));
    let (committed, happened) = ((time()?, time()?), (time()?, time()?));
    let entries = u32::try_from(number(4)?).ok()?;
    let about = About {
        first,
        last,
        committed,
        happened,
        entries,
    };
    let count = number(1)?;
    let sections = (0..count).map(|_| u32::try_from(number(4)?).ok());
    let lengths = Lengths {
        sections: sections.collect::<Option<_>>()?,
        summary: match summarised {
            true => Some(u32::try_from(number(4)?).ok()?),
            false => None,
        },
    };
    (!lengths.sections.is_empty() && rest.is_empty()).then_some((about, lengths))
}

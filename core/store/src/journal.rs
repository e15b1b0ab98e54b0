//! The journal: what happened, in the order of its effects, in sealed blocks of one batch each.
//!
//! A block is stored under its batch's sequence, big-endian, as `version 1 | method | time (8) | length (4) | sealed`.
//! The sealed part is the postcard of `(index, entry)` pairs, compressed when that pays; sequence and head are its
//! identity, so a block that was altered or lies under another sequence does not open. The time stands outside so that
//! a block can be found by it; times never fall from one block to the next.

use crate::{
    commit::Request,
    engine::{Engine, Space},
    history::OwnWrite,
    maintenance::JournalCut,
    open::{Core, Handle, Published},
};
use base::{Fault, Random, Timestamp};
use bytes::Bytes;
use envelope::{Key256, small};
use serde::{Deserialize, Serialize, Serializer};
use std::{
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::watch;

const VERSION: u8 = 1;
const RAW: u8 = 0;
pub(crate) const ZSTD: u8 = 1;
const HEAD_BYTES: usize = 14;
const IDENTITY: &[u8] = b"shoseki journal block\0";
/// Blocks shorter than this stay as they are: there is little to gain.
const COMPRESS_BYTES_MIN: usize = 2 * 1024;
/// The fastest level; sealed blocks are written on the path of every answer.
const ZSTD_LEVEL: i32 = 1;

/// One event as the journal keeps it. What it says is opaque here; what readers choose by stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JournalEntry {
    /// The trails that selected it at commit. Delivery goes by nothing else.
    pub selected: Vec<Selection>,
    /// Whether it is a management event, and so part of the event history.
    pub management: bool,
    /// The account whose event it is.
    pub account: String,
    /// The Region that it is of.
    pub region: String,
    /// The event.
    #[serde(serialize_with = "as_bytes")]
    pub payload: Bytes,
}

/// An entry as it is read, in the order of [`JournalEntry`]; its payload lies in its block.
#[derive(Deserialize)]
struct EntryRef<'b> {
    selected: Vec<Selection>,
    management: bool,
    account: String,
    region: String,
    #[serde(borrow)]
    payload: &'b [u8],
}

impl EntryRef<'_> {
    fn within(self, block: &Bytes) -> JournalEntry {
        JournalEntry {
            selected: self.selected,
            management: self.management,
            account: self.account,
            region: self.region,
            payload: block.slice_ref(self.payload),
        }
    }
}

/// A trail that selected an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Selection {
    /// The trail's id.
    pub trail: String,
    /// Which making of the trail: one deleted and made again under its old name is another.
    pub generation: u64,
}

/// Where an entry stands: a serial order of everything that was committed. Never changes, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryPos {
    /// The sequence of its batch.
    pub seq: u64,
    /// Its place in the batch.
    pub index: u32,
}

/// An entry that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Where it stands.
    pub pos: EntryPos,
    /// When its batch was committed, in domain time.
    pub time: Timestamp,
    /// The entry.
    pub entry: JournalEntry,
}

/// The entries of some whole blocks, in the order of reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Placed>,
    /// The sequence to read on from, when the limit ended the page before the range did.
    pub next: Option<u64>,
}

/// What a block was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedBlock {
    /// When it was committed. Does not fall from block to block.
    pub time: Timestamp,
    /// How many entries.
    pub entries: usize,
}

/// The reading side of the journal. Sees what is durable, and nothing else.
///
/// Reads block the thread for as long as the disk and the cipher take: about a millisecond for each megabyte.
#[derive(Clone)]
pub struct Journal(Arc<Handle>);

impl JournalEntry {
    /// About what it takes in memory and, before compression, in its block.
    pub(crate) fn size(&self) -> usize {
        let selected: usize = self.selected.iter().map(|s| s.trail.len() + 8).sum();
        self.payload.len() + self.account.len() + self.region.len() + selected + 8
    }
}

impl Journal {
    pub(crate) fn new(handle: Arc<Handle>) -> Journal {
        Journal(handle)
    }

    /// The sequence of the last durable batch; zero before the first. Everything committed later stands after it.
    pub fn head(&self) -> u64 {
        self.core().published().seq
    }

    /// The head, and a notice each time it moves.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.core().head.subscribe()
    }

    /// The sequence of the oldest block that is still there.
    pub fn first(&self) -> Result<Option<u64>, Fault> {
        Ok(self.block_from(&self.core().published(), 0)?.map(|(seq, _)| seq))
    }

    /// The sequence of the first block at `from_seq` or later, and when it was committed. Opens no block, so it is cheap
    /// enough to be asked every second.
    pub fn next_block(&self, from_seq: u64) -> Result<Option<(u64, Timestamp)>, Fault> {
        self.block_from(&self.core().published(), from_seq)
    }

    /// Entries of the blocks `from_seq` to `to_seq`, both included, forward. Blocks are given whole, and at least one is
    /// given if there is one; the page ends with the block that reaches `limit_bytes`.
    pub fn read(&self, from_seq: u64, to_seq: u64, limit_bytes: usize) -> Result<Page, Fault> {
        self.page_at(&self.core().published(), (from_seq, to_seq), limit_bytes, false)
    }

    /// As [`Journal::read`], from the last entry of `to_seq` back to the first of `from_seq`. Read on with `next` as
    /// `to_seq`.
    pub fn read_back(&self, from_seq: u64, to_seq: u64, limit_bytes: usize) -> Result<Page, Fault> {
        self.page_at(&self.core().published(), (from_seq, to_seq), limit_bytes, true)
    }

    /// How many management entries, and how many bytes of entries, were committed since the store was opened.
    pub fn committed(&self) -> (u64, u64) {
        let volume = &self.core().committed;
        (
            volume.management.load(Ordering::Relaxed),
            volume.bytes.load(Ordering::Relaxed),
        )
    }

    /// Opens every block, in order, and tells of each what it holds or why it does not open. Blocks the thread.
    pub fn check(&self, mut each: impl FnMut(u64, Result<CheckedBlock, Fault>)) -> Result<(), Fault> {
        let core = self.core();
        let at = core.published();
        let all = (Bound::Unbounded, Bound::Unbounded);
        let mut inflate = inflater()?;
        for block in core.engine.scan(&at.snapshot, Space::Journal, all, false) {
            let (key, block) = block?;
            let seq = seq_of(&key)?;
            let opened = open_block(&mut inflate, &core.block_key, seq, &block).and_then(|(time, entries)| {
                let in_order = entries.is_sorted_by(|(a, _), (b, _)| a < b);
                match in_order && seq <= at.seq {
                    true => Ok(CheckedBlock {
                        time,
                        entries: entries.len(),
                    }),
                    false => Err(Fault::corrupt(format!("the order of journal block {seq}"))),
                }
            });
            each(seq, opened);
        }
        Ok(())
    }

    /// The sequence of the first block committed at `time` or later.
    pub fn seq_at(&self, time: Timestamp) -> Result<Option<u64>, Fault> {
        let at = self.core().published();
        // INVARIANT: every block before `low` is earlier than `time`; `found` is not, if there is any such block.
        let (mut low, mut high, mut found) = (0, at.seq.saturating_add(1), None);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.block_from(&at, middle)? {
                Some((seq, block_time)) if seq < high && block_time < time => low = seq + 1,
                Some((seq, block_time)) if block_time >= time => {
                    found = Some(seq);
                    high = middle;
                }
                _ => high = middle,
            }
        }
        Ok(found)
    }

    pub(crate) fn core(&self) -> &Core {
        &self.0.core
    }

    fn block_from(&self, at: &Published, seq: u64) -> Result<Option<(u64, Timestamp)>, Fault> {
        let range = (seq.to_be_bytes(), Bound::Unbounded);
        let range = (Bound::Included(range.0.as_slice()), range.1);
        let block = self
            .core()
            .engine
            .scan(&at.snapshot, Space::Journal, range, false)
            .next();
        block
            .transpose()?
            .map(|(key, block)| {
                let seq = seq_of(&key)?;
                Ok((seq, Head::parse(&block).ok_or_else(|| damaged(seq))?.0.time))
            })
            .transpose()
    }

    pub(crate) fn page_at(
        &self,
        at: &Published,
        (from_seq, to_seq): (u64, u64),
        limit_bytes: usize,
        reverse: bool,
    ) -> Result<Page, Fault> {
        let core = self.core();
        let (from, to) = (from_seq.to_be_bytes(), to_seq.min(at.seq).to_be_bytes());
        let range = (Bound::Included(from.as_slice()), Bound::Included(to.as_slice()));
        let (mut page, mut bytes) = (Page::default(), 0);
        let mut inflate = inflater()?;
        for block in core.engine.scan(&at.snapshot, Space::Journal, range, reverse) {
            let (key, block) = block?;
            let seq = seq_of(&key)?;
            if bytes >= limit_bytes.max(1) {
                page.next = Some(seq);
                break;
            }
            let (time, mut entries) = open_block(&mut inflate, &core.block_key, seq, &block)?;
            if reverse {
                entries.reverse();
            }
            page.entries.extend(entries.into_iter().map(|(index, entry)| {
                bytes += entry.size();
                Placed {
                    pos: EntryPos { seq, index },
                    time,
                    entry,
                }
            }));
        }
        Ok(page)
    }
}

impl Core {
    /// The writes of a cut.
    pub(crate) fn cut_blocks(&self, at: &Published, cut: JournalCut) -> Result<Vec<OwnWrite>, Fault> {
        let (from, before) = (cut.from.to_be_bytes(), cut.before.to_be_bytes());
        let range = (Bound::Included(from.as_slice()), Bound::Excluded(before.as_slice()));
        let keys = self.engine.keys(&at.snapshot, Space::Journal, range, false);
        keys.take(JournalCut::BLOCKS_MAX)
            .map(|key| Ok((Space::Journal, key?, None)))
            .collect()
    }
}

/// How much was committed since the store was opened.
#[derive(Default)]
pub(crate) struct Volume {
    management: AtomicU64,
    bytes: AtomicU64,
}

impl Volume {
    /// Counts the entries of a batch.
    pub(crate) fn count(&self, batch: &[Request]) {
        let entries = || batch.iter().flat_map(|request| &request.entries);
        let management = entries().filter(|entry| entry.management).count() as u64;
        let bytes = entries().map(JournalEntry::size).sum::<usize>() as u64;
        self.management.fetch_add(management, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Makes blocks; keeps the compressor between them.
pub(crate) struct BlockSealer {
    compressor: zstd::bulk::Compressor<'static>,
    /// Where blocks are put together, kept from one to the next: memory that is fresh each time is cleared each time.
    plain: Vec<u8>,
}

/// About what stands in a block before an entry's texts.
const ENTRY_HEAD_BYTES: usize = 16;
/// A larger one is given back.
const PLAIN_KEPT_MAX: usize = 4 << 20;

impl BlockSealer {
    pub(crate) fn new() -> Result<BlockSealer, Fault> {
        let compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL);
        Ok(BlockSealer {
            compressor: compressor.map_err(|e| Fault::io("starting the compressor", e))?,
            plain: Vec::new(),
        })
    }

    pub(crate) fn seal(
        &mut self,
        key: &Key256,
        seq: u64,
        time: Timestamp,
        entries: &[(u32, &JournalEntry)],
        random: &Random,
    ) -> Result<Vec<u8>, Fault> {
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        plain.reserve(entries.iter().map(|(_, entry)| entry.size() + ENTRY_HEAD_BYTES).sum());
        let plain = postcard::to_extend(entries, plain).map_err(|e| Fault::io("encoding a journal block", e))?;
        let mut head = Head {
            method: RAW,
            time,
            length: u32::try_from(plain.len()).map_err(|e| Fault::io("measuring a journal block", e))?,
        };
        let packed = if plain.len() >= COMPRESS_BYTES_MIN {
            head.method = ZSTD;
            let packed = self.compressor.compress(&plain);
            Some(packed.map_err(|e| Fault::io("compressing a journal block", e))?)
        } else {
            None
        };
        let body = packed.as_deref().unwrap_or(&plain);
        let mut block = head.bytes().to_vec();
        block.extend_from_slice(&small::seal(key, &head.identity(seq), body, random));
        if plain.capacity() <= PLAIN_KEPT_MAX {
            self.plain = plain;
        }
        Ok(block)
    }
}

type Block = (Timestamp, Vec<(u32, JournalEntry)>);

/// A decompressor, to be kept for many blocks: to make one takes as long as to open a short block.
pub(crate) fn inflater() -> Result<zstd::bulk::Decompressor<'static>, Fault> {
    zstd::bulk::Decompressor::new().map_err(|e| Fault::io("starting the decompressor", e))
}

fn open_block(
    inflate: &mut zstd::bulk::Decompressor<'_>,
    key: &Key256,
    seq: u64,
    block: &[u8],
) -> Result<Block, Fault> {
    let (head, sealed) = Head::parse(block).ok_or_else(|| damaged(seq))?;
    let what = || format!("journal block {seq}");
    let body = small::open(key, &head.identity(seq), sealed).map_err(|e| Fault::corrupt_by(what(), e))?;
    let plain = match head.method {
        // The length is authentic, so it is no lever for making us allocate.
        ZSTD => inflate
            .decompress(&body, head.length as usize)
            .map_err(|e| Fault::corrupt_by(what(), e))?,
        _ => body,
    };
    let plain = Bytes::from(plain);
    let entries: Vec<(u32, EntryRef<'_>)> = postcard::from_bytes(&plain).map_err(|e| Fault::corrupt_by(what(), e))?;
    let owned = entries.into_iter().map(|(index, entry)| (index, entry.within(&plain)));
    Ok((head.time, owned.collect()))
}

/// What stands before the sealed part of a block.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) method: u8,
    pub(crate) time: Timestamp,
    pub(crate) length: u32,
}

impl Head {
    fn bytes(&self) -> [u8; HEAD_BYTES] {
        let [a, b, c, d, e, f, g, h] = self.time.as_micros().to_be_bytes();
        let [i, j, k, l] = self.length.to_be_bytes();
        [VERSION, self.method, a, b, c, d, e, f, g, h, i, j, k, l]
    }

    pub(crate) fn parse(block: &[u8]) -> Option<(Head, &[u8])> {
        let ([VERSION, method @ (RAW | ZSTD)], rest) = block.split_first_chunk()? else {
            return None;
        };
        let (time, rest) = rest.split_first_chunk()?;
        let (length, sealed) = rest.split_first_chunk()?;
        let head = Head {
            method: *method,
            time: Timestamp::from_micros(i64::from_be_bytes(*time)),
            length: u32::from_be_bytes(*length),
        };
        Some((head, sealed))
    }

    pub(crate) fn identity(&self, seq: u64) -> Vec<u8> {
        [IDENTITY, &seq.to_be_bytes(), &self.bytes()].concat()
    }
}

pub(crate) fn damaged(seq: u64) -> Fault {
    Fault::corrupt(format!("journal block {seq} has no known head"))
}

pub(crate) fn seq_of(key: &[u8]) -> Result<u64, Fault> {
    let key = key
        .try_into()
        .map_err(|e| Fault::corrupt_by("the key of a journal block", e))?;
    Ok(u64::from_be_bytes(key))
}

/// Stores bytes as bytes, not as a list of numbers.
fn as_bytes<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// The row that remembers how far the store has come, also when the journal's last blocks are gone.
pub(crate) mod progress {
    use super::{Engine, Fault, Space, Timestamp};
    use crate::engine::{Batch, Snapshot};

    const KEY: &[u8] = b"progress";

    pub(crate) fn put(batch: &mut Batch<'_>, seq: u64, time: Timestamp) {
        let row = [seq.to_be_bytes(), time.as_micros().to_be_bytes()].concat();
        batch.put(Space::Meta, KEY, &row);
    }

    pub(crate) fn read(engine: &Engine, at: &Snapshot) -> Result<Option<(u64, Timestamp)>, Fault> {
        let Some(row) = engine.get(at, Space::Meta, KEY)? else {
            return Ok(None);
        };
        let parse = || -> Option<(u64, Timestamp)> {
            let (seq, rest) = row.split_first_chunk()?;
            let time = i64::from_be_bytes(rest.try_into().ok()?);
            Some((u64::from_be_bytes(*seq), Timestamp::from_micros(time)))
        };
        parse().map(Some).ok_or_else(|| Fault::corrupt("the progress row"))
    }
}

//! The storage engine: ordered maps that are written together. The only file that names `fjall`.
//!
//! What is relied on, and was read in the engine's source:
//! - A batch is appended to the engine's log with a start mark, a checksum and an end mark, synced, and only then put
//!   into the maps; recovery drops a batch without its end. So a batch is in all maps or in none, also after a crash.
//! - When the append or the sync fails the engine refuses every later write ("poisoned"). The failed batch is not in the
//!   maps, but part of it may be buffered and still reach the disk when the file is closed: after the next open it is
//!   there whole or not at all. To its callers its outcome is unknown.
//! - A snapshot sees the batches that were applied before it was taken, and nothing later.

use base::Fault;
use bytes::Bytes;
use fjall::{
    AbstractTree, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, Readable,
    config::{BlockSizePolicy, FilterPolicy, HashRatioPolicy, PinningPolicy, RestartIntervalPolicy},
};
use std::{ops::Bound, path::Path, thread, time::Duration};

/// Longest key that the engine takes.
pub(crate) const KEY_BYTES_MAX: usize = u16::MAX as usize;

/// Full buffers waiting for the disk, and unmerged runs, at which a writer waits. Both lie below the counts at which the
/// engine itself would wait without looking whether its workers are still alive.
const SEALED_BUFFERS_MAX: usize = 3;
const UNMERGED_RUNS_MAX: usize = 28;
/// What of the history is gathered in memory before it is written out in order.
const HISTORY_BUFFER_BYTES: u64 = 16 << 20;
/// The engine's own log is read whole at every open, so it is kept short: maps whose buffers it still needs are written
/// out when it is longer.
const LOG_BYTES_MAX: u64 = 64 << 20;
/// What a buffer may hold when the engine is closed, and so is read from the log at the next open.
const CLOSED_BUFFER_BYTES: u64 = 2 << 20;
const ROOM_POLL: Duration = Duration::from_millis(2);

/// The ordered maps.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Space {
    /// The sections of the history's blocks by number.
    HistoryBlocks,
    /// What tells of the history's blocks, and their terms.
    HistoryIndex,
    /// Journal blocks by big-endian sequence.
    Journal,
    /// A handful of rows of the store's own.
    Meta,
    /// The callers' rows.
    Rows,
}

/// A range of keys.
pub(crate) type KeyRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// A key and its value.
pub(crate) type Row = (Bytes, Bytes);

pub(crate) struct Engine {
    history_blocks: Keyspace,
    history_index: Keyspace,
    journal: Keyspace,
    meta: Keyspace,
    rows: Keyspace,
    db: Database,
}

/// A moment of all maps.
pub(crate) struct Snapshot(fjall::Snapshot);

/// Writes that become durable together.
pub(crate) struct Batch<'e> {
    engine: &'e Engine,
    writes: OwnedWriteBatch,
}

impl Engine {
    pub(crate) fn open(dir: &Path, cache_bytes: u64) -> Result<Engine, Fault> {
        let fault = |e| Fault::io(format!("opening the rows in `{}`", dir.display()), e);
        let db = Database::builder(dir)
            .cache_size(cache_bytes)
            .max_journaling_size(LOG_BYTES_MAX)
            .open()
            .map_err(fault)?;
        Ok(Engine {
            history_blocks: db.keyspace("history-blocks", history_blocks_options).map_err(fault)?,
            history_index: db.keyspace("history-index", history_index_options).map_err(fault)?,
            journal: db.keyspace("journal", journal_options).map_err(fault)?,
            meta: db.keyspace("meta", rows_options).map_err(fault)?,
            rows: db.keyspace("rows", rows_options).map_err(fault)?,
            db,
        })
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot(self.db.snapshot())
    }

    pub(crate) fn get(&self, at: &Snapshot, space: Space, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Ok(None);
        }
        let value = at.0.get(self.space(space), key).map_err(read_fault)?;
        Ok(value.map(|v| Bytes::copy_from_slice(&v)))
    }

    /// The rows of a range, from its end when `reverse`. An inverted range is empty.
    pub(crate) fn scan(
        &self,
        at: &Snapshot,
        space: Space,
        range: KeyRange<'_>,
        reverse: bool,
    ) -> impl Iterator<Item = Result<Row, Fault>> + use<> {
        self.guards(at, space, range, reverse).map(|guard| {
            let (key, value) = guard.into_inner().map_err(read_fault)?;
            Ok((Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value)))
        })
    }

    /// The keys of a range, in order, or from its end when `reverse`.
    pub(crate) fn keys(
        &self,
        at: &Snapshot,
        space: Space,
        range: KeyRange<'_>,
        reverse: bool,
    ) -> impl Iterator<Item = Result<Bytes, Fault>> + use<> {
        self.guards(at, space, range, reverse).map(|guard| {
            let key = guard.key().map_err(read_fault)?;
            Ok(Bytes::copy_from_slice(&key))
        })
    }

    fn guards(
        &self,
        at: &Snapshot,
        space: Space,
        range: KeyRange<'_>,
        reverse: bool,
    ) -> Box<dyn Iterator<Item = fjall::Guard>> {
        if is_empty(range) {
            return Box::new(std::iter::empty());
        }
        let rows = at.0.range::<&[u8], _>(self.space(space), fit(range));
        if reverse { Box::new(rows.rev()) } else { Box::new(rows) }
    }

    pub(crate) fn batch(&self, capacity: usize) -> Batch<'_> {
        Batch {
            engine: self,
            writes: OwnedWriteBatch::with_capacity(self.db.clone(), capacity),
        }
    }

    /// Waits until the engine can take a batch without falling behind, or finds that it never will.
    pub(crate) fn make_room(&self) -> Result<(), Fault> {
        let crowded = |space: &Keyspace| {
            space.tree.sealed_memtable_count() >= SEALED_BUFFERS_MAX || space.tree.l0_run_count() >= UNMERGED_RUNS_MAX
        };
        while self.spaces().into_iter().any(crowded) {
            self.is_alive()?;
            thread::sleep(ROOM_POLL);
        }
        Ok(())
    }

    /// An error once a background writer of the engine has failed.
    fn is_alive(&self) -> Result<(), Fault> {
        self.db.persist(PersistMode::Buffer).map_err(write_fault)
    }

    /// Makes everything written so far durable.
    pub(crate) fn sync(&self) -> Result<(), Fault> {
        self.db.persist(PersistMode::SyncAll).map_err(write_fault)
    }

    /// Writes buffers out that hold much, so that the next open is quick, and makes everything durable.
    pub(crate) fn settle(&self) -> Result<(), Fault> {
        for space in self.spaces() {
            if space.tree.active_memtable().size() > CLOSED_BUFFER_BYTES {
                space.rotate_memtable().map_err(write_fault)?;
            }
        }
        while self
            .spaces()
            .into_iter()
            .any(|space| space.tree.sealed_memtable_count() > 0)
        {
            self.is_alive()?;
            thread::sleep(ROOM_POLL);
        }
        self.sync()
    }

    fn spaces(&self) -> [&Keyspace; 5] {
        [
            &self.rows,
            &self.journal,
            &self.meta,
            &self.history_blocks,
            &self.history_index,
        ]
    }

    fn space(&self, space: Space) -> &Keyspace {
        match space {
            Space::HistoryBlocks => &self.history_blocks,
            Space::HistoryIndex => &self.history_index,
            Space::Journal => &self.journal,
            Space::Meta => &self.meta,
            Space::Rows => &self.rows,
        }
    }
}

impl Batch<'_> {
    pub(crate) fn put(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.writes.insert(self.engine.space(space), key, value);
    }

    pub(crate) fn delete(&mut self, space: Space, key: &[u8]) {
        self.writes.remove(self.engine.space(space), key);
    }

    /// Writes and syncs once. When this returns `Ok` the batch survives a crash; when it returns an error the outcome is
    /// unknown and the engine takes no more writes.
    pub(crate) fn commit(self) -> Result<(), Fault> {
        // `fdatasync` is enough: it also writes the length and block map without which the data could not be read back.
        self.writes
            .durability(Some(PersistMode::SyncData))
            .commit()
            .map_err(write_fault)
    }
}

/// Small rows, read by key far more often than scanned, from a cache.
fn rows_options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .data_block_size_policy(BlockSizePolicy::all(4 * 1024))
        .data_block_hash_ratio_policy(HashRatioPolicy::all(8.0))
        .filter_block_pinning_policy(PinningPolicy::all(true))
        .index_block_pinning_policy(PinningPolicy::all(true))
}

/// Large values in key order, appended, read in runs, dropped from the front; already compressed and sealed. A reader
/// takes keys from a scan, so there is nothing for a filter to rule out.
fn journal_options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .data_block_size_policy(BlockSizePolicy::all(64 * 1024))
        .filter_policy(FilterPolicy::disabled())
}

/// Sealed sections, appended under rising keys: each is a block of its own, so that one can be read without its
/// neighbours. Read by key, and the key is there.
fn history_blocks_options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(HISTORY_BUFFER_BYTES)
        .data_block_size_policy(BlockSizePolicy::all(4 * 1024))
        .filter_policy(FilterPolicy::disabled())
}

/// Very many rows that are nothing but a key and are only scanned. Neighbours share most of their keys.
fn history_index_options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(HISTORY_BUFFER_BYTES)
        .data_block_size_policy(BlockSizePolicy::all(8 * 1024))
        .data_block_restart_interval_policy(RestartIntervalPolicy::all(16))
        .filter_policy(FilterPolicy::disabled())
}

/// Whether no key can lie in the range. Ordered maps may panic on these.
pub(crate) fn is_empty((start, end): KeyRange<'_>) -> bool {
    match (start, end) {
        (Bound::Included(s), Bound::Included(e)) => s > e,
        (Bound::Included(s) | Bound::Excluded(s), Bound::Included(e) | Bound::Excluded(e)) => s >= e,
        _ => false,
    }
}

/// The same keys between bounds that the engine takes: it panics on a longer key, also where it is only compared with. No
/// stored key is longer, so a key lies beyond a longer bound just when it lies beyond the part of it that fits.
fn fit((start, end): KeyRange<'_>) -> KeyRange<'_> {
    fn cut(bound: Bound<&[u8]>) -> Option<&[u8]> {
        match bound {
            Bound::Included(key) | Bound::Excluded(key) if key.len() > KEY_BYTES_MAX => key.get(..KEY_BYTES_MAX),
            _ => None,
        }
    }
    (
        cut(start).map_or(start, Bound::Excluded),
        cut(end).map_or(end, Bound::Included),
    )
}

fn read_fault(e: fjall::Error) -> Fault {
    Fault::io("reading rows", e)
}

fn write_fault(e: fjall::Error) -> Fault {
    Fault::io("writing rows", e)
}

//! A transaction: a snapshot, the writes on top of it, and what it has read.

use crate::{
    blobs::BlobId,
    commit::Request,
    conflict::ReadSet,
    engine::KEY_BYTES_MAX,
    history::HistoryChange,
    journal::{EntryPos, JournalEntry},
    maintenance::{JournalCut, Maintenance},
    open::{Core, Handle, Published},
    stored::Stored,
    view::ReadView,
};
use base::Fault;
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// The most that one transaction may write, keys, values and entries together.
const TXN_BYTES_MAX: usize = 64 << 20;

/// A transaction in the making. Reads by [`Txn::view`], writes into memory, and has no commit: it becomes durable only as
/// the [`RecordedTxn`] that [`Txn::record`] makes of it together with its events. Dropped, it leaves nothing behind.
///
/// Keep it short: while it lives, what it can still see is not freed, and the longer it lives the likelier it conflicts.
pub struct Txn {
    pub(crate) handle: Arc<Handle>,
    pub(crate) at: Arc<Published>,
    pub(crate) writes: BTreeMap<Bytes, Option<Bytes>>,
    reads: Mutex<ReadSet>,
    /// What each write replaced, so that a savepoint can be returned to.
    undo: Vec<(Bytes, Option<Option<Bytes>>)>,
    effects: Vec<Effect>,
    /// A write that no engine takes. The commit answers with it.
    broken: Option<Fault>,
}

/// A moment of a transaction to which it can go back.
#[derive(Clone, Copy, Debug)]
pub struct Savepoint {
    undo: usize,
    effects: usize,
}

/// What is done once, after the commit is durable. A crash in between loses it; each kind says who then does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Unlink a blob that no row names any more. If lost, the next sweep does it.
    RemoveBlob(BlobId),
}

/// A transaction with its events, or with the reason why it needs none: what can be committed.
#[must_use = "a recorded transaction has no effect until it is committed"]
pub struct RecordedTxn {
    txn: Txn,
    entries: Vec<JournalEntry>,
    history: HistoryChange,
    cut: JournalCut,
}

/// Where a commit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The sequence of its batch. A view with this sequence or a later one sees it.
    pub seq: u64,
    /// The position of its first entry; the others follow it.
    pub first_entry: Option<EntryPos>,
}

/// Why a transaction was not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something that it read or writes was changed after its snapshot. Nothing of it was written; repeat it from the
    /// beginning on a new snapshot.
    #[error("conflict")]
    Conflict,
    /// The outcome is unknown: it was not answered as done, and after the next open it is there whole or not at all.
    #[error("the commit failed")]
    Fault(#[source] Fault),
}

impl Txn {
    pub(crate) fn new(handle: Arc<Handle>) -> Txn {
        Txn {
            at: handle.core.published(),
            handle,
            writes: BTreeMap::new(),
            reads: Mutex::default(),
            undo: Vec::new(),
            effects: Vec::new(),
            broken: None,
        }
    }

    /// The reading face.
    pub fn view(&self) -> ReadView<'_> {
        ReadView(self)
    }

    /// Sets the value of a key. A key is 1 to 65,535 bytes; any other is a bug that the commit reports.
    pub fn put(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.write(key.into(), Some(value.into()));
    }

    /// Removes a key, present or not.
    pub fn delete(&mut self, key: impl Into<Bytes>) {
        self.write(key.into(), None);
    }

    /// Sets the typed row of a key.
    pub fn put_row<T: Stored>(&mut self, key: impl Into<Bytes>, row: &T) {
        match row.encode() {
            Ok(value) => self.put(key, value),
            Err(fault) => self.broken = Some(fault),
        }
    }

    /// Marks this moment. Calls inside calls use it: the inner one's effects are undone when it fails.
    pub fn savepoint(&self) -> Savepoint {
        Savepoint {
            undo: self.undo.len(),
            effects: self.effects.len(),
        }
    }

    /// Undoes every write and effect since the savepoint. What was read meanwhile stays read.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        while self.undo.len() > savepoint.undo {
            match self.undo.pop() {
                Some((key, Some(before))) => drop(self.writes.insert(key, before)),
                Some((key, None)) => drop(self.writes.remove(&key)),
                None => return,
            }
        }
        self.effects.truncate(savepoint.effects);
    }

    /// Has something done once the commit is durable.
    pub fn after_commit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The transaction with the events that tell of it, in their order.
    pub fn record(self, entries: Vec<JournalEntry>) -> RecordedTxn {
        RecordedTxn {
            txn: self,
            entries,
            history: HistoryChange::default(),
            cut: JournalCut::default(),
        }
    }

    /// The transaction as bookkeeping, which no event tells of.
    pub fn maintain(self, maintenance: Maintenance) -> RecordedTxn {
        let (history, cut) = maintenance.into_changes();
        RecordedTxn {
            txn: self,
            entries: Vec::new(),
            history,
            cut,
        }
    }

    pub(crate) fn core(&self) -> &Core {
        &self.handle.core
    }

    pub(crate) fn reads(&self) -> MutexGuard<'_, ReadSet> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&mut self, key: Bytes, value: Option<Bytes>) {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            self.broken = Some(Fault::Bug("a key is empty or longer than the engine takes"));
            return;
        }
        let before = self.writes.insert(key.clone(), value);
        self.undo.push((key, before));
    }
}

impl RecordedTxn {
    /// Makes rows and entries durable together, and answers only then.
    ///
    /// Transactions that wait at the same time share one sync. A transaction that writes rows is checked against
    /// everything committed after its snapshot. One that only reads and appends entries stands where its snapshot stands,
    /// whatever has happened since: it is refused only when a key was written on which the entries rest
    /// ([`ReadView::rest_on`]). One with neither is answered at once.
    ///
    /// Dropping the future once it has been polled does not take the commit back.
    pub async fn commit(self) -> Result<Committed, CommitError> {
        let seq = self.txn.at.seq;
        let handle = self.txn.handle.clone();
        let Some((request, answer)) = self.prepare().map_err(CommitError::Fault)? else {
            return Ok(Committed { seq, first_entry: None });
        };
        // A queue that is closed drops the request, and with it the other end of `answer`.
        handle.core.queue.push(request);
        answer
            .await
            .map_err(|_| CommitError::Fault(handle.core.why_stopped()))?
    }

    /// What the committer needs, without the snapshot; or `None` when there is nothing to write.
    fn prepare(self) -> Result<Option<(Request, Answer)>, Fault> {
        let txn = self.txn;
        if let Some(fault) = txn.broken {
            return Err(fault);
        }
        let core = &txn.handle.core;
        let mut own = core.cut_blocks(&txn.at, self.cut)?;
        let cuts = own.len();
        own.extend(core.history_writes(&txn.at.snapshot, self.history)?);
        if txn.writes.is_empty() && self.entries.is_empty() && own.is_empty() {
            txn.effects.into_iter().for_each(|effect| core.perform(effect));
            return Ok(None);
        }
        let written = |(key, value): (&Bytes, &Option<Bytes>)| key.len() + value.as_ref().map_or(0, Bytes::len);
        let bytes = txn.writes.iter().map(written).sum::<usize>()
            + self.entries.iter().map(JournalEntry::size).sum::<usize>()
            + own.iter().map(|(_, key, value)| written((key, value))).sum::<usize>();
        if bytes > TXN_BYTES_MAX {
            return Err(Fault::Bug("a transaction writes more than 64 MiB"));
        }
        let (reply, answer) = oneshot::channel();
        let mut hashes: Vec<u64> = txn.writes.keys().map(|key| core.hash.of(key)).collect();
        if own.len() > cuts {
            hashes.push(core.hash.of_history());
        }
        let request = Request {
            snapshot_seq: txn.at.seq,
            reads: txn.reads.into_inner().unwrap_or_else(PoisonError::into_inner),
            writes: txn.writes,
            hashes,
            entries: self.entries,
            own,
            effects: txn.effects,
            bytes,
            reply,
        };
        Ok(Some((request, answer)))
    }
}

type Answer = oneshot::Receiver<Result<Committed, CommitError>>;

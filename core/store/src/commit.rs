//! The committer: one thread through which everything durable goes.
//!
//! It takes all transactions that wait, judges each against what was written after its snapshot, earlier ones of the
//! batch included, and writes the rows and the entries of those that pass as one batch with one sync. While it syncs, the
//! next batch gathers.

use crate::{
    conflict::{ReadSet, Window},
    engine::{self, Space},
    history::OwnWrite,
    journal::{BlockSealer, EntryPos, JournalEntry, progress},
    open::Core,
    queue::CloseOnDrop,
    txn::{CommitError, Committed, Effect},
};
use base::{Fault, Timestamp};
use bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::oneshot;

/// A transaction on its way to the disk.
pub(crate) struct Request {
    pub(crate) snapshot_seq: u64,
    pub(crate) reads: ReadSet,
    pub(crate) writes: BTreeMap<Bytes, Option<Bytes>>,
    /// The hashes of what it writes.
    pub(crate) hashes: Vec<u64>,
    pub(crate) entries: Vec<JournalEntry>,
    /// What it writes beside rows: the history, and journal blocks that go.
    pub(crate) own: Vec<OwnWrite>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) bytes: usize,
    pub(crate) reply: oneshot::Sender<Result<Committed, CommitError>>,
}

pub(crate) struct Committer {
    core: Arc<Core>,
    /// How many callers there were last: those answered, and those that waited meanwhile. A caller that was answered
    /// mostly comes back at once; without waiting for it, callers fall into two halves that take turns at the disk.
    expected: usize,
    window: Window,
    sealer: BlockSealer,
    seq: u64,
    time: Timestamp,
}

impl Committer {
    pub(crate) fn new(core: Arc<Core>, seq: u64, time: Timestamp) -> Result<Committer, Fault> {
        Ok(Committer {
            core,
            expected: 0,
            window: Window::after(seq),
            sealer: BlockSealer::new()?,
            seq,
            time,
        })
    }

    pub(crate) fn run(mut self) {
        let queue = self.core.queue.clone();
        // Whatever ends this thread, a panic too, nobody may wait for it afterwards.
        let _closed = CloseOnDrop(&queue);
        while let Some(batch) = queue.next(self.expected) {
            self.commit(batch);
        }
    }

    fn commit(&mut self, batch: Vec<Request>) {
        if self.core.has_failed() {
            batch.into_iter().for_each(|request| self.refuse(request));
            return;
        }
        let seq = self.seq + 1;
        self.expected = batch.len();
        let accepted = self.judge(batch, seq);
        if accepted.is_empty() {
            return;
        }
        // Domain time does not fall, also when the machine's clock was set back: blocks are found by it.
        let time = self.time.max(self.core.clock.now());
        if let Err(fault) = self.write(seq, time, &accepted) {
            // Whether the batch is on the disk is unknown. Nobody has seen it and nobody will until the next open, which
            // decides; every later write is refused, for it might build on either answer.
            self.core.fail(fault);
            accepted.into_iter().for_each(|request| self.refuse(request));
            return;
        }
        // From here the batch survives a crash. Publish first, then answer: whoever gets the answer and begins again
        // sees the effect (INVARIANT: a snapshot is published only after it is durable).
        (self.seq, self.time) = (seq, time);
        self.core.committed.count(&accepted);
        self.core.publish(seq);
        self.expected += self.core.queue.len();
        self.answer(seq, accepted);
    }

    /// Answers those that conflict, and gives the others. What these write counts against the later ones at once.
    fn judge(&mut self, batch: Vec<Request>, seq: u64) -> Vec<Request> {
        let mut accepted = Vec::with_capacity(batch.len());
        for request in batch {
            let (since, reads, hashes) = (request.snapshot_seq, &request.reads, &request.hashes);
            // One that writes nothing but entries stands where its snapshot stands; see `RecordedTxn::commit`.
            let allowed = match hashes.is_empty() {
                true => self.window.allows_entries(since, reads),
                false => self.window.allows(since, reads, hashes),
            };
            if !allowed {
                let _ = request.reply.send(Err(CommitError::Conflict));
                continue;
            }
            if !hashes.is_empty() {
                self.window.record(seq, hashes, request.writes.keys().cloned());
            }
            accepted.push(request);
        }
        accepted
    }

    fn write(&mut self, seq: u64, time: Timestamp, accepted: &[Request]) -> Result<(), Fault> {
        let core = self.core.clone();
        let rows: usize = accepted
            .iter()
            .map(|request| request.writes.len() + request.own.len())
            .sum();
        let mut batch = core.engine.batch(rows + 2);
        for request in accepted {
            for (key, value) in &request.writes {
                match value {
                    Some(value) => batch.put(Space::Rows, key, value),
                    None => batch.delete(Space::Rows, key),
                }
            }
            for (space, key, value) in &request.own {
                match value {
                    Some(value) => batch.put(*space, key, value),
                    None => batch.delete(*space, key),
                }
            }
        }
        let entries: Vec<_> = (0..)
            .zip(accepted.iter().flat_map(|request| &request.entries))
            .collect();
        if !entries.is_empty() {
            let block = self.sealer.seal(&core.block_key, seq, time, &entries, &core.random)?;
            batch.put(Space::Journal, &seq.to_be_bytes(), &block);
        }
        progress::put(&mut batch, seq, time);
        core.engine.make_room()?;
        self.sync(batch)
    }

    #[cfg(not(any(test, feature = "faults")))]
    fn sync(&self, batch: engine::Batch<'_>) -> Result<(), Fault> {
        batch.commit()
    }

    #[cfg(any(test, feature = "faults"))]
    fn sync(&self, batch: engine::Batch<'_>) -> Result<(), Fault> {
        use crate::faults::CommitFault;
        let injected = || Fault::io("writing rows", std::io::Error::other("injected"));
        match self.core.faults.take() {
            None => batch.commit(),
            Some(CommitFault::Applied) => batch.commit().and_then(|()| Err(injected())),
            Some(CommitFault::NotApplied) => Err(injected()),
        }
    }

    fn answer(&self, seq: u64, accepted: Vec<Request>) {
        let mut index = 0;
        for request in accepted {
            let entries = u32::try_from(request.entries.len()).unwrap_or(u32::MAX);
            let committed = Committed {
                seq,
                first_entry: (entries > 0).then_some(EntryPos { seq, index }),
            };
            index = index.saturating_add(entries);
            // The asker may have gone; the commit stands.
            let _ = request.reply.send(Ok(committed));
            request.effects.into_iter().for_each(|effect| self.core.perform(effect));
        }
    }

    fn refuse(&self, request: Request) {
        let _ = request.reply.send(Err(CommitError::Fault(self.core.why_stopped())));
    }
}

//! The transaction that rooms hold: the store's rows and the events of the call, in order.

use crate::{
    Ingested,
    event::{Event, OnceRecorded},
};
use std::ops::{Deref, DerefMut};

/// A transaction of one attempt at a call. Rooms read and write rows through it; port calls append their events.
///
/// INVARIANT: it has no commit. Only the pipeline and [`crate::work::Work`] turn it into a `RecordedTxn`.
pub struct Txn {
    rows: store::Txn,
    events: Vec<Event>,
    ingested: Vec<Ingested>,
    acts: Vec<OnceCommitted>,
}

/// What is done once a transaction is durable.
pub type OnceCommitted = Box<dyn FnOnce() + Send + Sync>;

impl Txn {
    pub(crate) fn new(rows: store::Txn, events: Vec<Event>) -> Txn {
        Txn {
            rows,
            events,
            ingested: Vec::new(),
            acts: Vec::new(),
        }
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Has something done once the newest event is durable: that of the port call that has just answered. It keeps to the
    /// event's fate, and so to no savepoint: what is rolled back is recorded all the same.
    pub fn once_recorded(&mut self, act: OnceRecorded) {
        if let Some(event) = self.events.last_mut() {
            event.then(act);
        }
    }

    /// Has something done once the transaction is durable, such as waking who works on what it wrote. It keeps to no savepoint:
    /// it is done, too, when what asked for it was rolled back and the rest committed. After a crash in between it is lost.
    pub fn once_committed(&mut self, act: impl FnOnce() + Send + Sync + 'static) {
        self.acts.push(Box::new(act));
    }

    pub(crate) fn take_acts(&mut self) -> Vec<OnceCommitted> {
        std::mem::take(&mut self.acts)
    }

    /// Takes in events from elsewhere, which are in the journal if the call succeeds, in the same commit as its own event.
    pub fn ingest(&mut self, events: Ingested) {
        self.ingested.push(events);
    }

    /// How often events were taken in.
    pub(crate) fn ingested(&self) -> usize {
        self.ingested.len()
    }

    /// Forgets what was taken in since.
    pub(crate) fn forget_ingested_after(&mut self, count: usize) {
        self.ingested.truncate(count);
    }

    pub(crate) fn take_ingested(&mut self) -> Vec<Ingested> {
        std::mem::take(&mut self.ingested)
    }

    /// What else there is when all that was taken in has been taken out or is to be forgotten.
    pub(crate) fn into_parts(self) -> (store::Txn, Vec<Event>) {
        (self.rows, self.events)
    }
}

impl Deref for Txn {
    type Target = store::Txn;
    fn deref(&self) -> &store::Txn {
        &self.rows
    }
}

impl DerefMut for Txn {
    fn deref_mut(&mut self) -> &mut store::Txn {
        &mut self.rows
    }
}

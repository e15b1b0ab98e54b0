//! The transaction that rooms hold: the store's rows and the events of the call, in order.

use crate::event::{Event, OnceRecorded};
use std::ops::{Deref, DerefMut};

/// A transaction of one attempt at a call. Rooms read and write rows through it; port calls append their events.
///
/// INVARIANT: it has no commit. Only the pipeline and [`crate::work::Work`] turn it into a `RecordedTxn`.
pub struct Txn {
    rows: store::Txn,
    events: Vec<Event>,
}

impl Txn {
    pub(crate) fn new(rows: store::Txn, events: Vec<Event>) -> Txn {
        Txn { rows, events }
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

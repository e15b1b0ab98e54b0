//! The transaction that rooms hold: the store's rows and the events of the call, in order.

use crate::event::Event;
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

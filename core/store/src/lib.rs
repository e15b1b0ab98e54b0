//! # Store: transactions, their commit with the events, and sealed blobs
//!
//! An ordered map of byte keys, read by snapshot and changed by optimistic transactions; a journal whose blocks become
//! durable in the same write as the rows they tell of; a history of what has left the journal, with an index; and a directory of sealed blobs that rows name. This crate knows
//! no AWS service: what a key, a row, an entry's payload or a blob means is its callers' affair.
//!
//! Start reading at [`Store`], then [`Txn`] and [`RecordedTxn`]; one commit is `commit.rs` from top to bottom.
//! `engine.rs` is the only file that knows the storage engine.
//!
//! ## Invariants
//! - Answered implies durable: [`RecordedTxn::commit`] says yes only after the batch's one sync.
//! - A snapshot is published only after it is durable, so no answer ever rests on what a crash could take back.
//! - A [`Txn`] cannot commit. Only [`Txn::record`] and [`Txn::maintain`] make the [`RecordedTxn`] that can.
//! - Entries stand in the journal in the order of their effects: [`EntryPos`] is a serial order of all writing
//!   transactions.
//! - After a failed write nothing more is written until the store is opened again. It never says yes after a failed sync.
//! - Nothing is deleted that cannot be explained, and a data directory has one process.
#![deny(missing_docs)]

mod blobs;
mod commit;
mod conflict;
mod engine;
#[cfg(any(test, feature = "faults"))]
mod faults;
mod history;
mod journal;
mod lock;
mod maintenance;
mod open;
mod queue;
mod stored;
mod txn;
mod view;
mod visit;

#[cfg(test)]
mod suite;

pub use blobs::{BlobId, BlobReader, BlobWriter, Blobs, Held, Swept};
#[cfg(any(test, feature = "faults"))]
pub use faults::{CommitFault, Faults};
pub use history::{
    About, CheckedHistoryBlock, DroppedBlock, History, HistoryChange, HistoryView, OpenedBlock, PROMPT, Partition,
    PlainBlock, SealedBlock, StoredBlock, Term,
};
pub use journal::{CheckedBlock, EntryPos, Journal, JournalEntry, Page, Placed, Selection};
pub use lock::{DirLock, OpenError, lock};
pub use maintenance::{JournalCut, Maintenance};
pub use open::{Options, Store};
pub use stored::{NoAncestor, Stored, Upgrade};
pub use txn::{CommitError, Committed, Effect, RecordedTxn, Savepoint, Txn};
pub use view::{ReadView, SCAN_ROWS_MAX, prefix_range};
pub use visit::{EntryRef, SelectedBy, Visitor};

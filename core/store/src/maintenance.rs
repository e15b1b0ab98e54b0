//! What may be committed without an event: the product's own bookkeeping, and nothing that a caller asked for.

use crate::history::HistoryChange;

/// Why a transaction of background work carries no event. The enum is closed on purpose: a new reason is a design
/// decision, and everything that a caller asked for is recorded instead.
#[derive(Clone, Debug)]
pub enum Maintenance {
    /// What the journal holds for the event history is moved there, and blocks that nothing needs any more are dropped.
    Archive(HistoryChange, JournalCut),
    /// S3 access-log records moved from their buffer into a delivered object.
    AccessLogFlush,
    /// Rows that make an empty data directory a usable one: the first account and its root, before any caller exists.
    Bootstrap,
    /// A worker remembers how far it has come: a delivery or digest cursor, its last error, its next attempt.
    Cursor,
    /// Sessions, grants and tokens whose time is over are forgotten.
    Expiry,
    /// A signing key or an account keyring is made on first need.
    KeyGeneration,
    /// Objects and uploads that a lifecycle rule ends.
    LifecycleExpiry,
    /// Log events that their group does not keep any more, and what is left of deleted log groups and streams.
    LogRetention,
    /// Keys and secrets are wrapped anew under a new root key or keyring; what they are stays the same.
    Rewrap,
    /// A check of a closed data directory puts right what can be put right without loss.
    Repair,
    /// How far a stack has come with what a recorded call asked of it: its rows and its own events.
    StackProgress,
    /// Event history older than its retention is dropped.
    Retention(HistoryChange),
}

/// What to take out of the journal: the blocks from one sequence to before another. The default takes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalCut {
    /// The first sequence of which a block may be there. Looking for blocks from further back costs time where many were
    /// dropped lately.
    pub from: u64,
    /// The first sequence that stays. At most [`JournalCut::BLOCKS_MAX`] blocks, the oldest, are dropped in one
    /// transaction, so a caller repeats until [`crate::Journal::next_block`] finds none before it.
    pub before: u64,
}

impl JournalCut {
    /// The most blocks that one transaction drops.
    pub const BLOCKS_MAX: usize = 10_000;
}

impl Maintenance {
    pub(crate) fn into_changes(self) -> (HistoryChange, JournalCut) {
        match self {
            Maintenance::Archive(change, cut) => (change, cut),
            Maintenance::Retention(change) => (change, JournalCut::default()),
            Maintenance::AccessLogFlush
            | Maintenance::Bootstrap
            | Maintenance::Cursor
            | Maintenance::Expiry
            | Maintenance::KeyGeneration
            | Maintenance::LifecycleExpiry
            | Maintenance::LogRetention
            | Maintenance::StackProgress
            | Maintenance::Repair
            | Maintenance::Rewrap => Default::default(),
        }
    }
}

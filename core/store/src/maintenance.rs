//! What may be committed without an event: the product's own bookkeeping, and nothing that a caller asked for.

/// Why a transaction of background work carries no event. The enum is closed on purpose: a new reason is a design
/// decision, and everything that a caller asked for is recorded instead.
#[derive(Clone, Debug)]
pub enum Maintenance {
    /// S3 access-log records moved from their buffer into a delivered object.
    AccessLogFlush,
    /// Rows that make an empty data directory a usable one: the first account and its root, before any caller exists.
    Bootstrap,
    /// Journal entries that nothing needs any more are taken out.
    Compaction(JournalCut),
    /// A worker remembers how far it has come: a delivery or digest cursor, its last error, its next attempt.
    Cursor,
    /// Sessions, grants and tokens whose time is over are forgotten.
    Expiry,
    /// A signing key or an account keyring is made on first need.
    KeyGeneration,
    /// Objects and uploads that a lifecycle rule ends.
    LifecycleExpiry,
    /// Keys and secrets are wrapped anew under a new root key or keyring; what they are stays the same.
    Rewrap,
    /// A check of a closed data directory puts right what can be put right without loss.
    Repair,
    /// Event history older than its retention, in rows or in the journal, is dropped.
    Retention(JournalCut),
}

/// What to take out of the journal. The default takes nothing.
#[derive(Clone, Debug, Default)]
pub struct JournalCut {
    /// Blocks before this sequence are dropped; at most [`JournalCut::BLOCKS_MAX`] of the oldest in one transaction, so
    /// a caller repeats until [`crate::Journal::first`] has reached it.
    pub drop_before: Option<u64>,
    /// Blocks to thin out: the sequence and the indexes of the entries to keep. Kept entries keep their positions; a block
    /// that keeps none is dropped.
    pub keep: Vec<(u64, Vec<u32>)>,
}

impl JournalCut {
    /// The most blocks that one transaction drops.
    pub const BLOCKS_MAX: usize = 10_000;
}

impl Maintenance {
    pub(crate) fn into_cut(self) -> JournalCut {
        match self {
            Maintenance::Compaction(cut) | Maintenance::Retention(cut) => cut,
            Maintenance::AccessLogFlush
            | Maintenance::Bootstrap
            | Maintenance::Cursor
            | Maintenance::Expiry
            | Maintenance::KeyGeneration
            | Maintenance::LifecycleExpiry
            | Maintenance::Repair
            | Maintenance::Rewrap => JournalCut::default(),
        }
    }
}

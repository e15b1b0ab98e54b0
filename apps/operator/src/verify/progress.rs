//! How far the work is.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that another thread may read at any time.
#[derive(Debug, Default)]
pub struct Progress {
    digests: AtomicU64,
    digests_total: AtomicU64,
    logs: AtomicU64,
    logs_total: AtomicU64,
    bytes: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Digests looked at.
    pub digests: u64,
    /// Digests found by listing, so far.
    pub digests_total: u64,
    /// Log files looked at.
    pub logs: u64,
    /// Log files found by listing, so far.
    pub logs_total: u64,
    /// Bytes inflated and hashed.
    pub bytes: u64,
}

impl Progress {
    /// How far the work is now.
    pub fn done(&self) -> Done {
        Done {
            digests: self.digests.load(Relaxed),
            digests_total: self.digests_total.load(Relaxed),
            logs: self.logs.load(Relaxed),
            logs_total: self.logs_total.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
        }
    }

    pub(crate) fn digest(&self) {
        self.digests.fetch_add(1, Relaxed);
    }

    pub(crate) fn log(&self, bytes: u64) {
        self.logs.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn found(&self, digests: u64, logs: u64) {
        self.digests_total.fetch_add(digests, Relaxed);
        self.logs_total.fetch_add(logs, Relaxed);
    }
}

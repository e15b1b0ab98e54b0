//! Commits that fail on demand, for tests of what must hold when the disk does not.

use std::sync::{Arc, Mutex, PoisonError};

/// How the next commit fails. The caller cannot tell the two apart; that is the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// It reaches the disk, and is reported as failed.
    Applied,
    /// It does not reach the disk.
    NotApplied,
}

/// A handle that makes commits of one store fail.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Option<CommitFault>>>);

impl Faults {
    /// The next batch fails this way. As after a real failure, the store then takes no more writes until it is opened again.
    pub fn fail_next(&self, fault: CommitFault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    pub(crate) fn take(&self) -> Option<CommitFault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

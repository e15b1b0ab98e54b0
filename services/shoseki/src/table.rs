//! The rows of this service: one, the clock's.

use base::Fault;
use gateway::{Txn, check::RowCheck};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{NoAncestor, ReadView, Stored};

const CLOCK: &[u8] = b"shoseki/clock";

/// The tables of this service, for the check of a closed data directory.
pub const CHECKS: &[RowCheck] = &[RowCheck::decodes::<ClockRow>("shoseki/clock")];

/// How far the rehearsal clock was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClockRow {
    /// Domain time less real time.
    offset_micros: u64,
}

impl ClockRow {
    pub(crate) fn new(offset: Duration) -> ClockRow {
        ClockRow {
            offset_micros: u64::try_from(offset.as_micros()).unwrap_or(u64::MAX),
        }
    }

    pub(crate) fn offset(&self) -> Duration {
        Duration::from_micros(self.offset_micros)
    }
}

impl Stored for ClockRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

pub(crate) async fn clock(view: &ReadView<'_>) -> Result<Option<ClockRow>, Fault> {
    view.get_row(CLOCK).await
}

pub(crate) fn put_clock(txn: &mut Txn, row: &ClockRow) {
    txn.put_row(CLOCK, row);
}

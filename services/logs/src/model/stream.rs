//! Log streams.

use super::position::Millis;
use base::Timestamp;
use serde::{Deserialize, Serialize};
use store::{NoAncestor, Stored};

/// A log stream of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogStream {
    /// Never used again.
    pub(crate) id: [u8; 16],
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    /// The moments of the oldest and the newest event that are kept.
    pub(crate) first_event: Option<Millis>,
    pub(crate) last_event: Option<Millis>,
    pub(crate) last_ingestion: Option<Millis>,
    /// What its events count for.
    pub(crate) bytes: u64,
    /// The number of the next chunk.
    pub(crate) next_chunk: u64,
    /// The newest chunk, while it may be added to.
    pub(crate) growing: Option<Growing>,
}

/// A chunk that may be added to: where its row is, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Growing {
    pub(crate) oldest: Millis,
    pub(crate) number: u64,
    pub(crate) newest: Millis,
    pub(crate) bytes: u64,
    pub(crate) key: u32,
}

impl Stored for LogStream {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

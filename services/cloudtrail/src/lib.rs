//! # CloudTrail: trails, log delivery, digests
//!
//! A trail selects events and has them delivered, as sealed log files, to a bucket the caller owns. Once an interval a
//! signed digest names every file delivered since the last one and the digest before it, so that a missing or altered
//! file shows. This room decides *what* is delivered and *when*; how an event looks is `record`, how bytes are sealed is
//! `envelope` and S3, who may do what is `policy`.
//!
//! Start reading at [`OPERATIONS`], then `model::trail`, then `work::deliver`.
//!
//! ## Invariants
//! - Selection happens at commit, against the trails of the same snapshot; delivery uses that list and nothing else.
//! - An event is delivered at least once to every trail that selected it, and no file is rewritten after delivery.
//! - A log file, its KMS event, the cursor and its row for the next digest are one transaction; a digest, its signature
//!   and the head of its chain are another. So no file is without a digest and no digest names a file that is not there.
//! - When the bucket or the key refuses, nothing is downgraded or dropped: delivery waits, says so, and catches up.
//! - Stopping a trail stops selection, never recording, and never the delivery of what was selected before.

mod access_port;
mod channel_error;
mod error;
mod model;
mod ops;
mod select;
mod table;
mod work;

/// What trails select, and the form in which events are matched against it.
pub mod selection {
    pub use crate::model::{
        advanced::{AdvancedEventSelector, FieldSelector, parse_advanced},
        compiled::{Compiled, LoggedTrail},
        selector::{DataResource, EventSelector, EventSelectors, ReadWriteType, parse_selectors},
    };
}

pub use channel_error::ChannelError;
pub use error::CloudTrailError;
pub use ops::OPERATIONS;
pub use select::Selectors;
pub use table::{CHECKS, SEALED};
pub use work::{archive::Archive, deliver::Deliver, digest::SignDigests, logs::DeliverLogs};

//! # CloudWatch Logs: log groups, streams and their events
//!
//! A log group has streams, a stream has events in the order of time. Events are put by their producers (CloudTrail among
//! them), kept for as long as the group says, and read by stream or searched by a pattern. This room decides *where* events
//! lie and *which* are meant; who may do what is `policy`, how bytes are sealed is `envelope`.
//!
//! Start reading at [`OPERATIONS`], then [`append`] (events into chunks), [`read`] (chunks into events), [`seal`] (under which
//! key) and `model::pattern` (which events are meant). Other rooms come in by [`port`], through the same operations.
//!
//! ## Invariants
//! - Events are sealed wherever they are stored: under the account's keyring, or under the group's KMS key, which then must
//!   be asked.
//! - Events of a stream have one order, which no later put changes, so that tokens stay where they are.
//! - A group or stream that was deleted is gone at once and for good: one of the same name is another.
//! - What retention ends nobody reads from that moment on; its space is freed within days.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html>

mod access;
mod append;
mod error;
mod model;
mod ops;
mod port;
mod read;
mod seal;
mod table;
mod violations;
mod work;

pub use error::LogsError;
pub use ops::OPERATIONS;
pub use port::LogGroups;
pub use table::{CHECKS, SEALED};
pub use work::{Forget, Reclaim, Retain};

//! # SNS: topics
//!
//! A topic takes messages and hands them to those who subscribed. So far this room knows what a topic is and says of every
//! one that it does not exist, for there is no way to make one.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/welcome.html>

mod error;
pub mod model;
mod port;

pub use error::SnsError;
pub use port::SnsTopics;

use gateway::{Route, check::RowCheck, rotation::SealedRows};

/// Every operation of this room.
pub static OPERATIONS: &[Route] = &[];

/// The tables of this room, for the check of a closed data directory.
pub const CHECKS: &[RowCheck] = &[];

/// The rows that hold what is sealed under keyrings.
pub const SEALED: &[SealedRows] = &[];

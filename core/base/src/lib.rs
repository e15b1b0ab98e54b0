//! # Base: the words that every other crate speaks in
//!
//! Account ids, Regions, ARNs, timestamps, the clock, randomness, secrets, ids and faults. Nothing here does IO
//! except [`Clock`] and [`Random`], which are the only two doors to the machine's time and entropy; everything above
//! gets them as values, so that rehearsal and simulation can replace them.
#![deny(missing_docs)]

mod account;
pub mod arn;
mod fault;
pub mod ids;
mod random;
mod region;
mod secret;
mod time;

pub use account::{AccountId, InvalidAccountId};
pub use arn::{Arn, ArnParts};
pub use fault::Fault;
pub use random::Random;
pub use region::{InvalidRegion, Region};
pub use secret::Secret;
pub use time::{Clock, Timestamp};

//! What would break if something were changed: which trails would stop and with which error, who could no longer read what, who
//! would be locked out, which objects nobody could open, what it would cost.
//!
//! A plan is made of a survey and of what is thought of ([`Wanted`]); nothing is called, but to count objects ([`count`]). It says
//! what the services would answer, for it decides by the same engine and in the same order; where a fact is missing it says
//! so and does not guess.

mod folder;
mod lockout;
mod objects;
mod outcome;
mod price;
mod readers;
mod refusal;
mod trails;
mod wanted;

pub use folder::survey_of;
pub(crate) use folder::{bucket, key};
pub use lockout::Lockout;
pub use objects::{Age, Counted, Limits, Unreadable, count};
pub use outcome::{Change, Effect, Plan, make};
pub use price::CostChange;
pub use readers::{Files, ReaderChange};
pub use refusal::Refusal;
pub use trails::{Part, TrailOutcome};
pub use wanted::{Unusable, Wanted, WantedTrail};

#[cfg(test)]
mod tests;

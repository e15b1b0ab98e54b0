//! Who may do what, decided by this product's policy engine over what a survey read.
//!
//! A [`World`] is an account as a survey found it, or as it would be after a [`Proposed`] change. Every answer is a [`Verdict`]:
//! yes, no, or unknown. Unknown is what hangs on a fact that could not be read, with the call that would have told it, or on what
//! only a real call has, such as the caller's address, with the statement that asks for it. A verdict is never a guess: each
//! question is decided with every doubt in the caller's favour and with every doubt against them, and is known only where both
//! come to the same. What control policies of an organization deny is not seen; [`World::remarks`] says so.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

mod document;
mod papers;
mod proposed;
mod query;
mod readers;
mod someone;
mod trace;
mod trail;
mod verdict;
mod world;

pub use policy::Context;
pub use proposed::{KeyState, Proposal, Proposed, TrailSettings};
pub use readers::Reader;
pub use someone::Kind;
pub use trace::Traced;
pub use trail::{CLOUDTRAIL, Moment, Right};
pub use verdict::{Allowed, Verdict};
pub use world::World;

#[cfg(test)]
mod tests;

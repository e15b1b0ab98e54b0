//! # SNS: topics, subscriptions of HTTP endpoints, signed notifications
//!
//! A topic takes messages and hands them to the endpoints that subscribed to it and confirmed that they want them. Who may do
//! what with a topic says its policy, beside the callers' own. What is accepted is sealed and queued in the transaction that
//! answers for it, and sent after it by [`deliver`]: in AWS's envelopes, signed with a key whose certificate this server
//! serves itself, and tried again as delivery policies say.
//!
//! Start reading at [`OPERATIONS`], then `ops::publish` and `ops::queue`, then `work::deliver`. Other rooms come in by `port`.
//!
//! ## Invariants
//! - A message that was accepted is durable before its answer, and sealed wherever it waits.
//! - Nothing is sent to an endpoint that has not confirmed, but the question whether it wants to.
//! - A message goes to the address that was looked at and to no other: `model::endpoint::permits` decides which may be.
//! - A token is known to the endpoint that it was sent to; kept is its hash.
//! - No record shows anything of a message.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/welcome.html>, <https://docs.aws.amazon.com/sns/latest/dg/welcome.html>

mod error;
pub mod model;
mod ops;
mod port;
mod resolve;
mod rsa_sha1;
mod signing;
mod table;
mod work;

pub use error::SnsError;
pub use ops::OPERATIONS;
pub use port::SnsTopics;
pub use signing::certificate;
pub use table::{CHECKS, SEALED};
pub use work::{Forget, deliver};

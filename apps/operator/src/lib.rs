//! # The operator's tool
//!
//! What people who run trails need beside a server: a client of the AWS APIs ([`aws`]), what a sealed trail is ([`trail`]),
//! how it is written down ([`template`]), how an account is changed and the change taken back ([`change`]), what the trails of
//! an account are ([`survey`]) and how they stand ([`status`]). Everything here works on a real account as it does on this
//! product's server: nothing in it knows the server's inside.
//!
//! ## Invariants
//! - The environment is a value that the caller gives; nothing here reads it.
//! - The same definition is always written as the same text.
#![deny(missing_docs)]

pub mod aws;
pub mod change;
pub mod check;
pub mod corpus;
pub mod cost;
pub mod delivery;
pub mod guard;
pub mod message;
pub mod plan;
pub mod policy_desk;
pub mod rights;
pub mod rollback;
pub mod search;
pub mod setup;
pub mod shoseki;
pub mod statements;
pub mod status;
pub mod survey;
pub mod template;
pub mod text;
pub mod trail;
pub mod verify;

pub use setup::encrypt;

//! # IAM and STS: users, groups, roles, their credentials and policies
//!
//! Who may call at all (access keys, sessions and whose they are) and what users, groups and roles hold. This room keeps
//! them and answers the gateway's questions about them through [`IdentityStore`]; how a signature is checked is `sigv4`,
//! what a policy means is `policy`.
//!
//! Start reading at [`OPERATIONS`], then [`IdentityStore`], then `table`.
//!
//! ## Invariants
//! - A secret access key leaves this room twice: in the answer that made it, and to the gateway to check a signature. At
//!   rest it is sealed under its account's keyring, as session tokens are, and no record shows it. Records show the tokens
//!   of new sessions, as AWS's do; without the secret they open nothing.
//! - A stored policy parses; one that does not is corruption and fails the call, so that a broken `Deny` opens no door.
//! - Who still holds something cannot be deleted, and a managed policy that somebody has cannot either, so that nothing
//!   outlives what it belongs to.
//! - Policies know users and roles by unique ids: one that is made again under an old name is nobody whom they know.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html>
//! SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>

mod bootstrap;
mod error;
mod model;
mod ops;
mod port;
mod table;
mod work;

pub use error::IamError;
pub use ops::OPERATIONS;
pub use port::IdentityStore;
pub use table::{CHECKS, SEALED};
pub use work::Housekeeping;

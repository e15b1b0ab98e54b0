//! # IAM and STS: users, access keys, identity policies
//!
//! Who may call at all (access keys and whose they are) and what a user's own policies say. This room keeps them and
//! answers the gateway's questions about them through [`IdentityStore`]; how a signature is checked is `sigv4`, what a
//! policy means is `policy`.
//!
//! Start reading at [`OPERATIONS`], then [`IdentityStore`], then `table`.
//!
//! ## Invariants
//! - A secret access key leaves this room twice: in the answer that made it, and to the gateway to check a signature. At
//!   rest it is sealed under its account's keyring, and no record shows it.
//! - A stored policy parses; one that does not is corruption and fails the call, so that a broken `Deny` opens no door.
//! - A user with keys or policies cannot be deleted, so that neither outlives whom it belongs to.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html>
//! SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>

mod bootstrap;
mod error;
mod model;
mod ops;
mod port;
mod table;

pub use bootstrap::{RootCredentials, bootstrap_root};
pub use error::IamError;
pub use ops::OPERATIONS;
pub use port::IdentityStore;

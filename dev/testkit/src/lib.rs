//! # testkit: the real binary under test, and signed clients for it
//!
//! Used by the tests of the binary and by the benches; nothing of it is in the product, and nothing here knows how the
//! server works: all goes through its command line and its wire.
//!
//! - [`Server`] starts, kills, ends and restarts the binary on a data directory and reads what it says.
//! - [`Client`] signs and sends calls of any AWS protocol and answers with a [`Reply`].
//! - [`setup`] makes the keys, buckets, policies and trails that most tests begin with.
//! - [`load`] writes, remembers what it was told, and later checks that all of it is true.
//!
//! Everything fails with an `anyhow::Error` that says what was expected; a test hands it on with `?`.

mod client;
pub mod load;
mod raw;
mod server;
pub mod setup;

pub use client::{Client, Reply};
pub use raw::{RawAnswer, exchange, write_request};
pub use server::{Server, credentials_in};
pub use sigv4::sign::{Credentials, SignPayload};

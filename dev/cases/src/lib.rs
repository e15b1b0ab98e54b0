//! # cases: authorisation cases made by hand, each with its source
//!
//! A case is policies, a request and what AWS's documentation says of it. The files lie in `cases/*.toml`; their format is
//! in README.md. [`load`] reads them all and refuses what it does not know, [`decide`] puts a case before
//! `policy::decide` and says what is not as expected. `dev/clients/test_cases.py` puts those marked `server` before the
//! real binary.
//!
//! What a case expects comes from the documentation, never from what the library answers.

mod decide;
mod expected;
mod file;

pub use decide::{Verdict, decide};
pub use expected::{Expected, Place};
pub use file::{Case, ContextValue, GrantText, Kind, PolicyText, load};

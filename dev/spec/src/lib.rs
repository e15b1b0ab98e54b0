//! # Decisions by the book
//!
//! [`decider`] answers the question that `policy::decide` answers, slowly and obviously: every rule is one function with
//! the page of AWS's documentation it is read from, documents are plain JSON values, wildcards are naive recursion. It
//! shares no code with the `policy` crate, so that a mistake in one of them is a disagreement.
//!
//! [`case::Case`] is one question with all its documents; [`generate`] makes cases from a seed (or from a fuzzer's bytes)
//! so that documents and request match often; [`compare`] asks both deciders and says where they differ; [`shrink`] makes
//! a differing case small. `cargo run --release -p spec -- --cases 10000000` compares at length.
//!
//! [`selectors`] says which events a CloudTrail trail wants, as slowly.
//!
//! [`s3`] is the same for S3: a model, sequences of operations, and their comparison with the real binary.
//!
//! [`trail`] is the same for delivery: what trails must deliver and prove, whatever happens to them, and runs that see to it.
//!
//! ## Invariants
//! - The decider reads nothing of the `policy` crate but the names of policy types.
//! - A seed makes the same case on every machine.
//! - Every generated document is one that the real parser takes.
#![deny(missing_docs)]

pub mod case;
pub mod choices;
pub mod compare;
pub mod decider;
pub mod generate;
pub mod s3;
pub mod selectors;
pub mod shrink;
pub mod trail;

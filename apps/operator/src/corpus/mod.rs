//! # The tamper corpus
//!
//! Trails that validators of log files are tested with: sound ones, forged ones, damaged ones, and odd ones that the rules
//! allow. Each case is a handful of digest and log files with their public keys, made by rule from fixed keys and times, so that
//! every run writes the same bytes; with each comes what the AWS CLI's `cloudtrail validate-logs` prints about it, and what
//! a careful validator says. docs/tamper-corpus.md describes them and the directory that [`write`] makes.
//!
//! The signing keys in `keys/` are in nobody's service: they are published here so that anyone can make more cases.

mod case;
mod cases_chain;
mod cases_digest;
mod cases_log;
mod cases_sound;
#[cfg(test)]
mod document;
mod maker;
mod write;

pub use case::{CaseInfo, cases};
pub use write::{NotWritten, write};

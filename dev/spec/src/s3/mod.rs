//! # S3 by the book
//!
//! [`model`] is S3 as its user guide tells it: a bucket is a map of keys, a key a list of versions, a listing is all items
//! sorted and cut ([`listing`]), and [`lifecycle`] is what ends at a midnight. It shares no code with the `s3` crate.
//! [`generate`] makes sequences of operations from a seed; [`drive`] runs one against the real binary, which is killed and restarted between operations and whose rehearsal clock
//! is moved, and compares every answer and, every few steps, everything that can be listed and read.
//!
//! `cargo run -p spec --bin s3-model -- --sequences 1000` compares at length.

pub mod drive;
pub mod generate;
pub mod lifecycle;
pub mod listing;
pub mod model;

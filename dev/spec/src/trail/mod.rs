//! # Trails by the book
//!
//! A trail must deliver every event that it selected when it happened, prove every file, and nothing else, whatever happens
//! in between: it is changed, stopped or deleted before delivery, its bucket or key refuses for a while, the server is
//! killed, time moves. [`generate`] makes such sequences from a seed, [`drive`] runs one against the real binary, and
//! [`audit`] reads all that was delivered and holds it against what [`model`] says of every call. They share no code with
//! the `cloudtrail` crate; chains are verified by `record`, as by every reader.
//!
//! `cargo run -p spec --bin trail-runs -- --runs 2000` is the long form.

pub mod audit;
pub mod drive;
pub mod generate;
pub mod model;

//! Searching log files: in a bucket, in files, in the event history.
//!
//! Files go through [`search`] as [`Item`]s, many at a time; a [`Query`] says which records are meant; a [`Fold`] says what
//! becomes of them. Records are given as they are written.

mod bucket;
mod engine;
mod event;
mod far;
mod file;
mod files;
mod gather;
mod lookup;
mod name;
mod once;
mod pattern;
mod query;
mod scan;
mod when;

pub use bucket::{InBucket, bucket_of_trail, in_bucket};
pub use engine::{Body, Fold, Item, Problem, ProblemKind, Progress, Tally, search};
pub use event::Event;
pub use files::in_files;
pub use gather::{
    Bar, Count, Field, Group, Grouped, Groups, Heap, Histogram, Lines, Order, OverTime, Sorted, Times, Written,
};
pub use lookup::{Lookup, RATE_OF_AWS, in_history, regions};
pub use once::{Distinct, Once};
pub use pattern::{SourceIp, Wildcard};
pub use query::{Matcher, Query};
pub use when::{End, time};

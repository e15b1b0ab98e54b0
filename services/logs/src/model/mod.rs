//! The domain, pure: names, groups, streams, chunks of events, filter patterns.

pub(crate) mod chunk;
pub(crate) mod group;
pub(crate) mod metric_filter;
pub(crate) mod name;
pub(crate) mod pattern;
pub(crate) mod position;
pub(crate) mod put;
pub(crate) mod stream;
pub(crate) mod tags;
pub(crate) mod token;

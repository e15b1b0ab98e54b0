//! One file per operation.

pub(crate) mod advance_clock;

//! The operations, one file each, and what they share.

pub mod source;

//! The domain, pure: Regions and filters on them.

pub(crate) mod filter;
pub(crate) mod region;

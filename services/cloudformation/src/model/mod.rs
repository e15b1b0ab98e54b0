//! The domain of this room, pure: what changes between two descriptions of a resource.

pub mod changes;
pub mod references;
pub mod same;

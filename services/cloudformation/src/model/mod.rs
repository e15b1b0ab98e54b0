//! The domain, pure.

pub mod changes;
pub mod held;
pub mod plan;
pub mod references;
pub mod same;
pub mod stack;

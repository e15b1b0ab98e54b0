//! The domain, pure: stacks and what is known of them, the order of steps, what changes between two descriptions of a
//! resource, and what may.

pub mod attachments;
pub mod change_set;
pub mod changes;
pub mod drift;
pub mod held;
pub mod location;
pub mod plan;
pub mod references;
pub mod same;
pub mod stack;
pub mod stack_policy;

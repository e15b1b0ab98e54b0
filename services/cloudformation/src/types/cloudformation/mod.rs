//! CloudFormation's own types.

pub mod stack;
mod wait_condition_handle;

pub use stack::TYPE as STACK;
pub use wait_condition_handle::TYPE as WAIT_CONDITION_HANDLE;

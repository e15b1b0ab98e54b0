//! The domain, pure: trails, their names, their selectors, and channels.

pub mod advanced;
pub mod channel;
pub mod channel_policy;
pub mod compiled;
pub mod kinds;
pub mod name;
pub mod selector;
pub mod tag;
pub mod trail;

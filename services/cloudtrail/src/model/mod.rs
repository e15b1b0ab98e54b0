//! The domain, pure: trails, their names, their selectors.

pub mod name;
pub mod selector;
pub mod trail;

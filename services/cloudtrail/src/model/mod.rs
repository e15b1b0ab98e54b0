//! The domain, pure: trails, their names, their selectors.

pub mod advanced;
pub mod compiled;
pub mod kinds;
pub mod name;
pub mod selector;
pub mod trail;

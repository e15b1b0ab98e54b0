//! Background work.

mod sweep;

pub use sweep::Sweep;

//! Background work.

mod forget;
mod sweep;

pub use forget::Forget;
pub use sweep::Sweep;

//! Background work.

mod access_logs;
mod forget;
mod lifecycle;
mod sweep;

pub use access_logs::DeliverAccessLogs;
pub use forget::Forget;
pub use lifecycle::Expire;
pub use sweep::Sweep;

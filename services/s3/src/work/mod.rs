//! Background work.

mod access_logs;
mod forget;
mod sweep;

pub use access_logs::DeliverAccessLogs;
pub use forget::Forget;
pub use sweep::Sweep;

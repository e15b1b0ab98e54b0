//! Background work.

mod delete;

pub use delete::DeleteKeys;

//! What a sealed trail is.

mod definition;
mod file;
mod observed;
pub mod policies;

pub use definition::{
    AccessLog, AdvancedEventSelector, Bucket, DataResource, DefaultEncryption, Definition, EventSelector,
    FieldSelector, InvalidDefinition, Key, LifecycleRule, Logs, Topic, Transition,
};
pub use file::Notation;
pub(crate) use file::parsed;
pub(crate) use observed::observe_bucket;
pub use observed::{Observed, observe};

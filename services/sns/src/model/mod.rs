//! The domain of this room: topics and what may be said of them.

pub mod topic;

pub use topic::{Topic, TopicRef};

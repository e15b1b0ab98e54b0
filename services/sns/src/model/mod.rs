//! The domain of this room: topics, subscriptions, messages and what may be said of them.

pub mod delivery_policy;
pub mod endpoint;
pub mod envelope;
pub mod filter;
pub mod message;
pub mod subscription;
pub mod tags;
pub mod topic;
pub mod topic_policy;

pub use message::{Kind, Payload};
pub use subscription::{Protocol, Subscription, SubscriptionRef};
pub use topic::{Topic, TopicRef};

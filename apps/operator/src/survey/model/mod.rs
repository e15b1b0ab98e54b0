//! What a survey holds.

mod account;
mod bucket;
mod fact;
mod iso;
mod key;
mod principals;
mod telling;
mod trail;

pub use account::{ConfigRecorder, EventDataStore, RegionFacts, Survey};
pub use bucket::{
    Acl, Bucket, Encryption, Grant, LifecycleFilter, LifecycleRule, Logging, ObjectLock, PublicAccessBlock, Transition,
    Versioning,
};
pub use fact::{Fact, Missing, MissingKind};
pub use key::{Key, KeyMetadata, Rotation};
pub use principals::{Attached, Group, ManagedPolicy, Principals, Role, User};
pub use telling::{Alarm, LogGroup, LogGroupSettings, MetricFilter, Subscription, Topic, TopicSettings};
pub use trail::{AdvancedSelector, BasicSelector, DataResource, FieldSelector, Selectors, Status, Trail};

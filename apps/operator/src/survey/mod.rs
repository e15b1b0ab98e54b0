//! What the trails of an account are, as read-only calls tell it: the trails of all Regions, where they write, what seals their
//! files, and who is who.
//!
//! Each fact is either known or named as not available, with the call that would have told it. Nothing is ever put in the place
//! of what could not be read. A survey can be saved to a file and looked at again without an account.

mod model;
mod read;

pub use model::{
    Acl, AdvancedSelector, Alarm, Attached, BasicSelector, Bucket, ConfigRecorder, DataResource, Encryption,
    EventDataStore, Fact, FieldSelector, Grant, Group, Key, KeyMetadata, LifecycleFilter, LifecycleRule, LogGroup,
    LogGroupSettings, Logging, ManagedPolicy, MetricFilter, Missing, MissingKind, ObjectLock, Principals,
    PublicAccessBlock, RegionFacts, Role, Rotation, Selectors, Status, Subscription, Survey, Topic, TopicSettings,
    Trail, Transition, User, Versioning,
};

pub use read::{read, read_bucket, read_keys};

/// How much is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// What says whether the trails work: their settings and states, their buckets' default encryption, their keys' states.
    #[default]
    Status,
    /// All settings of the trails and of what they write to, with its policies; not who is who, nor what else the Regions have.
    Settings,
    /// Everything that a [`Survey`] can hold.
    Full,
}

/// What is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct What {
    /// These Regions; without them, all that the account has.
    pub regions: Option<Vec<String>>,
    /// The trails of these names or ARNs; without them, all.
    pub trails: Option<Vec<String>>,
    /// Buckets that are read beside those of the trails.
    pub buckets: Vec<String>,
    /// Keys that are read beside those of the trails: ids, ARNs or aliases; what is no ARN is of the client's Region.
    pub keys: Vec<String>,
    /// How much is read of each.
    pub depth: Depth,
}

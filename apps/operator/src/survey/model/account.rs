//! The account as a whole.

use super::{Alarm, Bucket, Fact, Key, LogGroup, Principals, Topic, Trail, iso};
use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the trails of an account are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Survey {
    /// The account.
    pub account: String,
    /// Its partition: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The ARN of who asked.
    pub caller: String,
    /// When it was asked, by the clock of who asked.
    #[serde(with = "iso")]
    pub made_at: Option<Timestamp>,
    /// The Regions that were asked, in order.
    pub regions: Vec<String>,
    /// Whether these are all Regions that the account has enabled. When that could not be had, they are those that every account
    /// of the partition has.
    pub all_regions: Fact<bool>,
    /// What was read of each Region.
    pub by_region: BTreeMap<String, RegionFacts>,
    /// The trails, by home Region and name.
    pub trails: Vec<Trail>,
    /// Their buckets, and those that were asked for, by their names.
    pub buckets: BTreeMap<String, Bucket>,
    /// Their keys, those of their buckets, and those that were asked for, by what names them: the ARN, or what was asked for.
    pub keys: BTreeMap<String, Key>,
    /// The log groups of the trails, by their ARNs without `:*`.
    pub log_groups: BTreeMap<String, LogGroup>,
    /// The topics of the trails, and of the alarms on their log groups, by their ARNs.
    pub topics: BTreeMap<String, Topic>,
    /// Who is who.
    pub principals: Fact<Principals>,
}

/// What was read of a Region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionFacts {
    /// The ARNs of the trails that are seen there, shadows too.
    pub trails: Fact<Vec<String>>,
    /// The recorders of AWS Config.
    pub config_recorders: Fact<Vec<ConfigRecorder>>,
    /// The event data stores.
    pub event_data_stores: Fact<Vec<EventDataStore>>,
    /// The alarms on metrics; asked only where a log group of a trail has metric filters.
    pub alarms: Fact<Vec<Alarm>>,
}

/// A recorder of AWS Config.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigRecorder {
    /// Its name.
    pub name: String,
    /// The ARN of the role that it acts as.
    pub role: String,
    /// Whether it records all kinds of resources.
    pub all_supported: bool,
    /// Whether it records those without a Region, too.
    pub global_resources: bool,
    /// Whether it records now; absent when its status could not be read.
    pub recording: Option<bool>,
    /// `SUCCESS`, `FAILURE` or `PENDING`; absent when its status could not be read.
    pub last_status: Option<String>,
}

/// An event data store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventDataStore {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `ENABLED`, `PENDING_DELETION` and so on.
    pub status: String,
    /// The key that seals it.
    pub kms_key: Option<String>,
    /// Whether it takes the events of all Regions.
    pub multi_region: bool,
    /// Whether it is of an organization.
    pub organization: bool,
    /// Whether it must be unprotected before it is deleted.
    pub termination_protection: bool,
    /// Days that events are kept.
    pub retention_days: Option<u32>,
}

impl Survey {
    /// The trail of this name or ARN. A name may be of several Regions: then it is the first.
    pub fn trail(&self, name: &str) -> Option<&Trail> {
        self.trails.iter().find(|trail| trail.name == name || trail.arn == name)
    }

    /// The bucket of a trail.
    pub fn bucket_of(&self, trail: &Trail) -> Option<&Bucket> {
        self.buckets.get(&trail.bucket)
    }

    /// The key of a trail.
    pub fn key_of(&self, trail: &Trail) -> Option<&Key> {
        trail.kms_key.as_ref().and_then(|arn| self.keys.get(arn))
    }

    /// The log group of a trail.
    pub fn log_group_of(&self, trail: &Trail) -> Option<&LogGroup> {
        let arn = trail.log_group.as_deref()?;
        self.log_groups.get(arn.strip_suffix(":*").unwrap_or(arn))
    }

    /// The topic of a trail.
    pub fn topic_of(&self, trail: &Trail) -> Option<&Topic> {
        trail.topic.as_ref().and_then(|arn| self.topics.get(arn))
    }
}

//! A trail: what is logged, where to, and how it is sealed.

use super::{compiled::LoggedTrail, selector::EventSelectors};
use base::{AccountId, Arn, Region, Timestamp, arn};
use serde::{Deserialize, Serialize};
use store::Selection;

/// Trails per Region, shadows counted. A fixed quota.
pub const TRAILS_PER_REGION_MAX: usize = 5;

/// A trail as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// Unique for ever: a trail that is deleted and made again under its name is another one.
    pub id: String,
    /// The owner.
    pub account: AccountId,
    /// The name.
    pub name: String,
    /// The home Region.
    pub home: Region,
    /// The bucket that gets the files.
    pub bucket: String,
    /// The key prefix, never empty.
    pub prefix: Option<String>,
    /// The ARN of the KMS key that seals log files; without it they are SSE-S3.
    pub kms_key: Option<Arn>,
    /// Whether events of global services are wanted.
    pub include_global: bool,
    /// Whether it covers all Regions.
    pub multi_region: bool,
    /// Whether digests are signed.
    pub validation: bool,
    /// What it selects.
    pub selectors: EventSelectors,
    /// Whether CloudTrail's own deliveries, by which the trail is written, are selected as other calls are.
    pub recursive_logging: bool,
    /// Whether it logs.
    pub logging: bool,
    /// When logging was last started.
    pub started: Option<Timestamp>,
    /// When logging was last stopped.
    pub stopped: Option<Timestamp>,
    /// The request that stopped it: its own event is the last that the trail selects.
    pub stopped_by: Option<String>,
    /// How often logging was started: entries name it beside the trail.
    pub generation: u64,
    /// Tags.
    pub tags: Vec<(String, Option<String>)>,
    /// The topic that is told of log files.
    pub sns_topic: Option<Arn>,
    /// Where events go beside the bucket.
    pub logs: Option<LogsTarget>,
}

/// A log group, and the role under which it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsTarget {
    /// The group's ARN, which ends in `:*`.
    pub group: Arn,
    /// The role's ARN.
    pub role: String,
}

impl Trail {
    /// The ARN, which carries the home Region.
    pub fn arn(&self) -> Arn {
        arn::trail(&self.home, self.account, &self.name)
    }

    /// The stream of its log group: `ACCOUNT_CloudTrail_HOME`.
    pub fn log_stream(&self) -> String {
        format!("{}_CloudTrail_{}", self.account, self.home)
    }

    /// Whether it can be seen in a Region: at home, and as a shadow everywhere when it covers all Regions.
    pub fn is_in(&self, region: &Region) -> bool {
        self.multi_region || self.home == *region
    }

    /// Whether it differs from a trail that was told nothing about events.
    pub fn has_custom_selectors(&self) -> bool {
        self.selectors != EventSelectors::standard()
    }

    /// What selection needs to know of it while it logs, and of one that was stopped: AWS's final digest covers "up to and
    /// including the StopLogging event". `None` when it selects nothing.
    pub fn logged(&self) -> Option<LoggedTrail<'_>> {
        (self.logging || self.stopped_by.is_some()).then(|| LoggedTrail {
            account: self.account,
            selection: Selection {
                trail: self.id.clone(),
                generation: self.generation,
            },
            only_in: (!self.multi_region).then_some(&self.home),
            include_global: self.include_global,
            recursive: self.recursive_logging,
            stopped_by: self.stopped_by.as_deref().filter(|_| !self.logging),
            selectors: &self.selectors,
        })
    }
}

//! A trail: what is logged, where to, and how it is sealed.

use super::selector::EventSelector;
use base::{AccountId, Arn, Region, Timestamp, arn};
use gateway::ports::Candidate;
use serde::{Deserialize, Serialize};

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
    /// What it selects; never empty.
    pub selectors: Vec<EventSelector>,
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
}

impl Trail {
    /// The ARN, which carries the home Region.
    pub fn arn(&self) -> Arn {
        arn::trail(&self.home, self.account, &self.name)
    }

    /// Whether it can be seen in a Region: at home, and as a shadow everywhere when it covers all Regions.
    pub fn is_in(&self, region: &Region) -> bool {
        self.multi_region || self.home == *region
    }

    /// Whether it differs from a trail that was told nothing about events.
    pub fn has_custom_selectors(&self) -> bool {
        self.selectors != [EventSelector::standard()]
    }

    /// Whether it logs, or this is the request that stopped it. AWS's final digest covers "up to and including the
    /// StopLogging event".
    fn may_select(&self, request_id: Option<&str>) -> bool {
        self.logging || (self.stopped_by.is_some() && self.stopped_by.as_deref() == request_id)
    }

    /// Whether it wants this event, now.
    pub fn selects(&self, event: &Candidate<'_>) -> bool {
        self.may_select(event.request_id)
            && self.account == event.account
            && (!event.global || self.include_global)
            && self.is_in(event.region)
            && self.selectors.iter().any(|selector| selector.selects(event))
    }
}

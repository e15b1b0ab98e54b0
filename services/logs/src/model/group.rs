//! Log groups.

use super::{position::Millis, tags::Tags};
use base::{AccountId, Arn, Region, Timestamp};
use serde::{Deserialize, Serialize};
use store::{NoAncestor, Stored};

const DAY_MILLIS: Millis = 86_400_000;

/// The days for which events may be kept.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
pub(crate) const RETENTION_DAYS: [u16; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogGroup {
    /// Never used again: a group that is made anew under an old name is another.
    pub(crate) id: [u8; 16],
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    /// For how many days events are kept; for ever without.
    pub(crate) retention_days: Option<u16>,
    /// When events are next looked through for those whose time is over.
    pub(crate) retention_due: Option<Timestamp>,
    pub(crate) tags: Tags,
    /// The KMS key that seals what is put now.
    pub(crate) kms_key: Option<Arn>,
    /// The number of the key that seals what is put now; the group's keys are numbered from 0.
    pub(crate) key: u32,
    pub(crate) metric_filters: u32,
}

impl Stored for LogGroup {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl LogGroup {
    /// Without the `:*` with which some answers end it.
    pub(crate) fn arn(&self) -> Arn {
        base::arn::log_group(&self.region, self.account, &self.name)
    }

    /// The moment before which events are not kept any more.
    pub(crate) fn kept_since(&self, now: Timestamp) -> Millis {
        match self.retention_days {
            Some(days) => now.as_millis().saturating_sub(Millis::from(days) * DAY_MILLIS).max(0),
            None => 0,
        }
    }
}

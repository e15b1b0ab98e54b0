//! A trail, its state and what it selects.

use super::{Fact, iso};
use base::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A trail, once, whatever Regions it is seen in.
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Trail.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trail {
    /// Its name.
    pub name: String,
    /// Its ARN, which has the home Region and the account that owns it.
    pub arn: String,
    /// Where it is changed; in the other Regions of `seen_in` is its shadow.
    pub home_region: String,
    /// Whether it records the events of all Regions.
    pub multi_region: bool,
    /// Whether it is of an organization.
    pub organization: bool,
    /// Whether it records the events of services without a Region.
    pub global_events: bool,
    /// The bucket of its files.
    pub bucket: String,
    /// What their keys begin with, before `AWSLogs/`; empty when nothing.
    pub prefix: String,
    /// The ARN of the key that seals its log files.
    pub kms_key: Option<String>,
    /// Whether its files are digested and signed.
    pub validation: bool,
    /// The ARN of the log group that its events go to, too.
    pub log_group: Option<String>,
    /// The ARN of the role that writes to the log group.
    pub log_role: Option<String>,
    /// The ARN of the topic that is told of each log file.
    pub topic: Option<String>,
    /// The Regions of the survey whose DescribeTrails named it, in order.
    pub seen_in: Vec<String>,
    /// Its state, as its home Region told it.
    pub status: Fact<Status>,
    /// The events that it selects.
    pub selectors: Fact<Selectors>,
    /// The kinds of Insights that it looks for.
    pub insights: Fact<Vec<String>>,
    /// Its tags.
    pub tags: Fact<BTreeMap<String, String>>,
}

impl Trail {
    /// The account that owns it.
    pub fn account(&self) -> &str {
        base::arn::split(&self.arn).map_or("", |parts| parts.account)
    }

    /// Whether it is in this Region the shadow of a trail whose home is elsewhere.
    pub fn is_shadow_in(&self, region: &str) -> bool {
        self.home_region != region
    }

    /// What the keys of its files begin with, with the account's or organization's folder: `prefix/AWSLogs/`.
    pub fn folder(&self) -> String {
        match self.prefix.as_str() {
            "" => "AWSLogs/".to_owned(),
            prefix => format!("{}/AWSLogs/", prefix.trim_end_matches('/')),
        }
    }
}

/// The state of a trail. Times and errors that GetTrailStatus did not name are absent.
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "they are the members of GetTrailStatus")]
pub struct Status {
    pub is_logging: bool,
    #[serde(with = "iso", default)]
    pub latest_delivery_time: Option<Timestamp>,
    pub latest_delivery_error: Option<String>,
    #[serde(with = "iso", default)]
    pub latest_digest_delivery_time: Option<Timestamp>,
    pub latest_digest_delivery_error: Option<String>,
    #[serde(with = "iso", default)]
    pub latest_cloud_watch_logs_delivery_time: Option<Timestamp>,
    pub latest_cloud_watch_logs_delivery_error: Option<String>,
    #[serde(with = "iso", default)]
    pub latest_notification_time: Option<Timestamp>,
    pub latest_notification_error: Option<String>,
    #[serde(with = "iso", default)]
    pub start_logging_time: Option<Timestamp>,
    #[serde(with = "iso", default)]
    pub stop_logging_time: Option<Timestamp>,
}

/// What a trail selects: basic selectors or advanced ones, never both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selectors {
    /// The basic selectors.
    pub basic: Vec<BasicSelector>,
    /// The advanced ones.
    pub advanced: Vec<AdvancedSelector>,
    /// The answer of GetEventSelectors as it was.
    pub raw: Value,
}

/// A basic selector. SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "camelCase", deserialize = "camelCase"))]
#[allow(missing_docs, reason = "they are AWS's members")]
pub struct BasicSelector {
    #[serde(alias = "ReadWriteType")]
    pub read_write_type: String,
    #[serde(alias = "IncludeManagementEvents")]
    pub include_management_events: bool,
    #[serde(alias = "DataResources")]
    pub data_resources: Vec<DataResource>,
    #[serde(alias = "ExcludeManagementEventSources")]
    pub exclude_management_event_sources: Vec<String>,
}

impl Default for BasicSelector {
    fn default() -> BasicSelector {
        BasicSelector {
            read_write_type: "All".to_owned(),
            include_management_events: true,
            data_resources: Vec::new(),
            exclude_management_event_sources: Vec::new(),
        }
    }
}

/// Resources whose data events are selected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DataResource {
    /// `AWS::S3::Object`.
    #[serde(rename = "type", alias = "Type")]
    pub kind: String,
    /// ARNs, or what they begin with.
    #[serde(alias = "Values")]
    pub values: Vec<String>,
}

/// An advanced selector. SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "they are AWS's members")]
pub struct AdvancedSelector {
    #[serde(alias = "Name")]
    pub name: String,
    #[serde(alias = "FieldSelectors")]
    pub field_selectors: Vec<FieldSelector>,
}

/// A condition of an advanced selector. SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "they are AWS's members")]
pub struct FieldSelector {
    #[serde(alias = "Field")]
    pub field: String,
    #[serde(alias = "Equals")]
    pub equals: Vec<String>,
    #[serde(alias = "StartsWith")]
    pub starts_with: Vec<String>,
    #[serde(alias = "EndsWith")]
    pub ends_with: Vec<String>,
    #[serde(alias = "NotEquals")]
    pub not_equals: Vec<String>,
    #[serde(alias = "NotStartsWith")]
    pub not_starts_with: Vec<String>,
    #[serde(alias = "NotEndsWith")]
    pub not_ends_with: Vec<String>,
}

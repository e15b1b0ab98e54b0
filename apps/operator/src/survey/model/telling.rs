//! Whom trails tell: log groups with what looks at them, and topics.

use super::Fact;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A log group that a trail writes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogGroup {
    /// Its ARN without `:*` at the end.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its Region.
    pub region: String,
    /// Its settings; absent when there is no such group.
    pub settings: Fact<Option<LogGroupSettings>>,
    /// What counts its events.
    pub metric_filters: Fact<Vec<MetricFilter>>,
}

/// The settings of a log group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogGroupSettings {
    /// Days that its events are kept; absent when for ever.
    pub retention_days: Option<u32>,
    /// The ARN of the key that seals it.
    pub kms_key: Option<String>,
}

/// A metric filter of a log group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricFilter {
    /// Its name.
    pub name: String,
    /// The pattern of events.
    pub pattern: String,
    /// The metrics that it counts into, as namespace and name.
    pub metrics: Vec<(String, String)>,
}

/// An alarm of CloudWatch on a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// The metric's namespace; empty for an alarm over an expression.
    pub namespace: String,
    /// The metric's name.
    pub metric: String,
    /// Whether it does anything.
    pub actions_enabled: bool,
    /// The ARNs of what it does.
    pub actions: Vec<String>,
}

/// A topic that a trail or an alarm tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    /// Its ARN.
    pub arn: String,
    /// Its Region.
    pub region: String,
    /// Its settings; absent when there is no such topic.
    pub settings: Fact<Option<TopicSettings>>,
    /// Who is told by it.
    pub subscriptions: Fact<Vec<Subscription>>,
}

/// The settings of a topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicSettings {
    /// Its policy.
    pub policy: Option<Value>,
    /// The key that seals its messages: id, ARN or alias.
    pub kms_key: Option<String>,
}

/// A subscription of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its ARN, or `PendingConfirmation`.
    pub arn: String,
    /// `email`, `sqs`, `https`.
    pub protocol: String,
    /// Where to.
    pub endpoint: String,
}

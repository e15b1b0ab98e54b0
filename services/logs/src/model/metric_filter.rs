//! Metric filters: what they say is kept, checked and shown. There are no metrics here that they could feed.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html>

use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{NoAncestor, Stored};

/// The most of a group.
pub(crate) const FILTERS_MAX: u32 = 100;
/// The most dimensions of a metric.
pub(crate) const DIMENSIONS_MAX: usize = 3;

/// A metric filter of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetricFilter {
    pub(crate) name: String,
    pub(crate) pattern: String,
    pub(crate) created: Timestamp,
    pub(crate) transformation: Transformation,
}

/// What a match would count for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transformation {
    pub(crate) metric_name: String,
    pub(crate) metric_namespace: String,
    pub(crate) metric_value: String,
    pub(crate) default_value: Option<f64>,
    pub(crate) dimensions: BTreeMap<String, String>,
    pub(crate) unit: Option<String>,
}

impl Stored for MetricFilter {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// The units of a metric.
pub(crate) const UNITS: &[&str] = &[
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

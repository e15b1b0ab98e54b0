//! Server access logging: where a bucket's logs go.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>

use serde::{Deserialize, Serialize};

/// A bucket's logging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logging {
    /// The bucket that gets the logs.
    pub target_bucket: String,
    /// What their keys begin with.
    pub target_prefix: String,
    /// How their keys go on.
    pub key_format: KeyFormat,
}

/// How the key of a log object is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyFormat {
    /// `PREFIX YYYY-mm-DD-HH-MM-SS-UNIQUE`, for nothing else was said.
    #[default]
    Unsaid,
    /// The same, said.
    Simple,
    /// `PREFIX ACCOUNT/REGION/BUCKET/YYYY/mm/DD/YYYY-mm-DD-HH-MM-SS-UNIQUE`, by the time of the calls.
    PartitionedByEventTime,
    /// The same, by the time of the delivery.
    PartitionedByDeliveryTime,
}

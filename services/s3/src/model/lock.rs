//! Object lock: what keeps a version from being deleted or overwritten.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>

use base::Timestamp;
use serde::{Deserialize, Serialize};

/// How strict a retention is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetentionMode {
    /// Who has `s3:BypassGovernanceRetention` and says so may delete.
    Governance,
    /// Nobody may.
    Compliance,
}

/// Until when a version stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// How strict.
    pub mode: RetentionMode,
    /// Until when.
    pub until: Timestamp,
}

/// What protects one version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLock {
    /// Its retention.
    pub retention: Option<Retention>,
    /// Whether it is held, without an end.
    pub legal_hold: bool,
}

/// How long a bucket's new versions are kept when their put says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRetention {
    /// How strict.
    pub mode: RetentionMode,
    /// How long.
    pub period: Period,
}

/// A length of time as the configuration writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Period {
    /// In days.
    Days(u32),
    /// In years.
    Years(u32),
}

/// The object lock of a bucket. Once on, it stays on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketLock {
    /// What new versions get.
    pub default: Option<DefaultRetention>,
}

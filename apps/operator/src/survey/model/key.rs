//! A key of KMS.

use super::{Fact, MissingKind, iso};
use base::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A key. Of one that is not there, is of another account or may not be looked at, the facts are missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Its ARN; what was asked for, when that is no ARN and could not be looked up.
    pub arn: String,
    /// Its Region.
    pub region: String,
    /// What DescribeKey says.
    pub metadata: Fact<KeyMetadata>,
    /// Its key policy.
    pub policy: Fact<Value>,
    /// Whether it is rotated. Keys that cannot be rotated are not.
    pub rotation: Fact<Rotation>,
    /// Its aliases, with `alias/`.
    pub aliases: Fact<Vec<String>>,
    /// Its grants, as ListGrants has them.
    pub grants: Fact<Vec<Value>>,
    /// Its tags.
    pub tags: Fact<BTreeMap<String, String>>,
}

impl Key {
    /// Whether KMS said that there is no such key.
    pub fn is_gone(&self) -> bool {
        self.metadata
            .missing()
            .is_some_and(|missing| missing.kind() == MissingKind::Gone)
    }

    /// The account that it is of; empty when its ARN is not known.
    pub fn account(&self) -> &str {
        base::arn::split(&self.arn).map_or("", |parts| parts.account)
    }

    /// Its id, without the rest of its ARN.
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or(&self.arn)
    }
}

/// What DescribeKey says. SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyMetadata {
    /// `Enabled`, `Disabled`, `PendingDeletion`, `PendingImport`, `PendingReplicaDeletion`, `Unavailable`.
    pub state: String,
    /// `CUSTOMER` or `AWS`.
    pub manager: String,
    /// `SYMMETRIC_DEFAULT`.
    pub spec: String,
    /// `ENCRYPT_DECRYPT`.
    pub usage: String,
    /// `AWS_KMS`, `EXTERNAL`, `AWS_CLOUDHSM`, `EXTERNAL_KEY_STORE`.
    pub origin: String,
    /// What it is for.
    pub description: String,
    /// Whether it has or may have replicas in other Regions.
    pub multi_region: bool,
    /// The ARN of the primary key, when it is of a family of keys in several Regions.
    pub primary: Option<String>,
    /// The ARNs of the replicas.
    pub replicas: Vec<String>,
    /// When it was made.
    #[serde(with = "iso", default)]
    pub created: Option<Timestamp>,
    /// When it will be deleted.
    #[serde(with = "iso", default)]
    pub deletion_date: Option<Timestamp>,
    /// When its imported material ends.
    #[serde(with = "iso", default)]
    pub valid_to: Option<Timestamp>,
}

impl KeyMetadata {
    /// Whether files can be sealed and opened by it.
    pub fn is_usable(&self) -> bool {
        self.state == "Enabled"
    }
}

/// Whether a key is rotated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    /// Whether it is.
    pub enabled: bool,
    /// Days between rotations, where KMS names them.
    pub period_days: Option<u32>,
    /// When it will be rotated.
    #[serde(with = "iso", default)]
    pub next: Option<Timestamp>,
}

//! A bucket's settings.

use super::Fact;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A bucket. Of one that is not there or may not be looked at, every fact is missing, and `exists` says which it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Whether there is a bucket of this name, of whatever account.
    pub exists: Fact<bool>,
    /// Whether it is of the account of the survey.
    pub owned: Fact<bool>,
    /// Its Region.
    pub region: Fact<String>,
    /// Its policy.
    pub policy: Fact<Option<Value>>,
    /// The text of its policy as it is; empty when there is none or it is not known.
    pub policy_text: String,
    /// Whether S3 takes the policy for a public one; absent when there is no policy.
    pub policy_is_public: Fact<Option<bool>>,
    /// The default encryption of what is put into it.
    pub encryption: Fact<Option<Encryption>>,
    /// What it blocks of public access.
    pub public_access_block: Fact<Option<PublicAccessBlock>>,
    /// Who is let in by its ACL.
    pub acl: Fact<Acl>,
    /// Whether older versions of objects are kept.
    pub versioning: Fact<Versioning>,
    /// The rules of its lifecycle; none is an empty list.
    pub lifecycle: Fact<Vec<LifecycleRule>>,
    /// Where accesses to it are logged.
    pub logging: Fact<Option<Logging>>,
    /// `BucketOwnerEnforced`, `BucketOwnerPreferred` or `ObjectWriter`.
    pub ownership: Fact<Option<String>>,
    /// Whether its objects are locked for some time.
    pub object_lock: Fact<Option<ObjectLock>>,
    /// Its tags.
    pub tags: Fact<BTreeMap<String, String>>,
}

/// A bucket's default encryption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: String,
    /// The key as it was set: id, ARN or alias; absent for the account's key for S3, and for AES256.
    pub key: Option<String>,
    /// Whether S3 may use one data key for many objects.
    pub bucket_key: bool,
}

impl Encryption {
    /// Whether it seals by a key of KMS.
    pub fn is_kms(&self) -> bool {
        self.algorithm.starts_with("aws:kms")
    }
}

/// What a bucket blocks of public access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "they are AWS's members")]
pub struct PublicAccessBlock {
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    pub block_public_policy: bool,
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// Whether it blocks all of it.
    pub fn is_whole(&self) -> bool {
        self.block_public_acls && self.ignore_public_acls && self.block_public_policy && self.restrict_public_buckets
    }
}

/// A bucket's ACL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acl {
    /// The canonical id of the owner.
    pub owner: String,
    /// Who is let in.
    pub grants: Vec<Grant>,
}

/// A grant of an ACL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The canonical id, the group's URI or the email address of whom it lets in.
    pub grantee: String,
    /// `READ`, `WRITE`, `READ_ACP`, `WRITE_ACP` or `FULL_CONTROL`.
    pub permission: String,
}

impl Grant {
    /// Whether it lets in everyone, or everyone with an AWS account.
    pub fn is_public(&self) -> bool {
        self.grantee.ends_with("/groups/global/AllUsers") || self.grantee.ends_with("/groups/global/AuthenticatedUsers")
    }
}

/// Whether older versions are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Versioning {
    /// `Enabled` or `Suspended`; absent when it never was enabled.
    pub status: Option<String>,
    /// Whether versions are deleted only with a second factor.
    pub mfa_delete: bool,
}

/// A rule of a bucket's lifecycle.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleRule {
    /// Its name.
    pub id: String,
    /// Whether it does something.
    pub enabled: bool,
    /// The objects it is about.
    pub filter: LifecycleFilter,
    /// Days after which objects end.
    pub expire_days: Option<u32>,
    /// The date from which objects end, as it was set.
    pub expire_date: Option<String>,
    /// Whether delete markers end that have no version under them any more.
    pub expire_delete_markers: bool,
    /// Days after which versions end that are no longer the latest.
    pub noncurrent_expire_days: Option<u32>,
    /// So many of those versions are kept all the same.
    pub noncurrent_versions_kept: Option<u32>,
    /// Days after which uploads in parts are given up.
    pub abort_upload_days: Option<u32>,
    /// Other storage classes with age.
    pub transitions: Vec<Transition>,
    /// The same for versions that are no longer the latest.
    pub noncurrent_transitions: Vec<Transition>,
}

/// The objects that a rule is about: those that all of it fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleFilter {
    /// What their keys begin with; empty for all.
    pub prefix: String,
    /// Tags that they have.
    pub tags: BTreeMap<String, String>,
    /// They are larger than so many bytes.
    pub larger_than: Option<u64>,
    /// They are smaller than so many bytes.
    pub smaller_than: Option<u64>,
}

/// Another storage class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// After so many days.
    pub days: Option<u32>,
    /// From this date on.
    pub date: Option<String>,
    /// So many of the versions that are no longer the latest stay where they are.
    pub newer_versions: Option<u32>,
    /// `GLACIER`.
    pub storage_class: String,
}

/// Where accesses are logged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Logging {
    /// The bucket of the access logs.
    pub bucket: String,
    /// What their keys begin with.
    pub prefix: String,
}

/// Whether objects are locked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectLock {
    /// `GOVERNANCE` or `COMPLIANCE`, when new objects are locked by default.
    pub mode: Option<String>,
    /// For so many days.
    pub days: Option<u32>,
    /// For so many years.
    pub years: Option<u32>,
}

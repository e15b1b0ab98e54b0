//! Rows of buckets.

use super::{ROWS_AT_ONCE, objects_prefix, text_after};
use crate::model::{
    access_log::Logging,
    acl::{self, CannedAcl, Grant, Ownership},
    encryption::{BlockedTypes, BucketDefault},
    lock::BucketLock,
    public_access::PublicAccessBlock,
    version::Versioning,
};
use base::{AccountId, Fault, Region, Timestamp};
use bytes::Bytes;
use gateway::Txn;
use serde::{Deserialize, Serialize};
use store::{NoAncestor, ReadView, Stored};

/// A bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Whose.
    pub owner: AccountId,
    /// Where.
    pub region: Region,
    /// What GetBucketLocation answers; empty in us-east-1.
    pub location_constraint: String,
    /// Since when.
    pub created: Timestamp,
    /// The SHA-256 of its policy's text, when it has one: the name of the parsed policy in the cache.
    pub policy_sha256: Option<[u8; 32]>,
    /// What seals an object that says nothing.
    pub encryption: BucketDefault,
    /// The ACL it was made with.
    pub acl: CannedAcl,
    /// Whether ACLs count in it; without ownership controls they do, as with `ObjectWriter`.
    pub ownership: Ownership,
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Its object lock, when that is on.
    pub lock: Option<BucketLock>,
    /// Its Block Public Access; `None` after DeletePublicAccessBlock.
    pub public_access: Option<PublicAccessBlock>,
    /// Whether it has ownership controls to be shown.
    pub ownership_controls: bool,
    /// The grants of its ACL, where they are not those of the canned one.
    pub grants: Option<Vec<Grant>>,
    /// The SHA-256 of its lifecycle configuration, when it has one: the name of the parsed rules in the cache.
    pub lifecycle_sha256: Option<[u8; 32]>,
    /// Where its access logs go.
    pub logging: Option<Logging>,
    /// Whether SSE-KMS in it goes by a bucket key where a put says nothing of that.
    pub bucket_key: bool,
    /// Which kinds of encryption it refuses.
    pub blocked: BlockedTypes,
}

impl Bucket {
    /// Whether a switch of its Block Public Access is on.
    pub fn blocks(&self, switch: impl FnOnce(&PublicAccessBlock) -> bool) -> bool {
        self.public_access.as_ref().is_some_and(switch)
    }

    /// The grants of its ACL, which count only where ACLs do.
    pub fn granted(&self) -> Vec<Grant> {
        match &self.grants {
            Some(grants) => grants.clone(),
            None => acl::grants_of_bucket(self.acl, self.owner),
        }
    }
}

impl Stored for Bucket {
    const VERSION: u8 = 2;
    type Ancestor = BucketV1;
}

/// A bucket of the release before versions.
#[derive(Serialize, Deserialize)]
pub struct BucketV1 {
    owner: AccountId,
    region: Region,
    location_constraint: String,
    created: Timestamp,
    policy_sha256: Option<[u8; 32]>,
    encryption: BucketDefault,
    acl: CannedAcl,
    ownership: Ownership,
}

impl Stored for BucketV1 {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl From<BucketV1> for Bucket {
    fn from(old: BucketV1) -> Bucket {
        Bucket {
            owner: old.owner,
            region: old.region,
            location_constraint: old.location_constraint,
            created: old.created,
            policy_sha256: old.policy_sha256,
            encryption: old.encryption,
            acl: old.acl,
            ownership: old.ownership,
            versioning: Versioning::Off,
            lock: None,
            public_access: Some(PublicAccessBlock::ALL),
            ownership_controls: true,
            grants: None,
            lifecycle_sha256: None,
            logging: None,
            bucket_key: false,
            blocked: BlockedTypes::Unsaid,
        }
    }
}

/// The text of a bucket's policy, as it was put.
#[derive(Serialize, Deserialize)]
pub struct PolicyText(pub String);

impl Stored for PolicyText {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// The tags of a bucket.
#[derive(Serialize, Deserialize)]
pub(super) struct BucketTags(Vec<(String, String)>);

impl Stored for BucketTags {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

fn tags_key(name: &str) -> Vec<u8> {
    format!("s3/tags/{name}").into_bytes()
}

/// The tags of a bucket, when it was given a set.
pub async fn bucket_tags(view: &ReadView<'_>, bucket: &str) -> Result<Option<Vec<(String, String)>>, Fault> {
    Ok(view.get_row::<BucketTags>(&tags_key(bucket)).await?.map(|row| row.0))
}

/// Sets or removes the tags of a bucket.
pub fn put_bucket_tags(txn: &mut Txn, bucket: &str, tags: Option<Vec<(String, String)>>) {
    match tags {
        Some(tags) => txn.put_row(tags_key(bucket), &BucketTags(tags)),
        None => txn.delete(tags_key(bucket)),
    }
}

fn bucket_key(name: &str) -> Vec<u8> {
    format!("s3/bucket/{name}").into_bytes()
}

fn owner_prefix(account: AccountId) -> Vec<u8> {
    format!("s3/owner/{account}/").into_bytes()
}

pub(super) fn owner_key(account: AccountId, name: &str) -> Vec<u8> {
    format!("s3/owner/{account}/{name}").into_bytes()
}

fn policy_key(name: &str) -> Vec<u8> {
    format!("s3/policy/{name}").into_bytes()
}

/// A bucket by name.
pub async fn bucket(view: &ReadView<'_>, name: &str) -> Result<Option<Bucket>, Fault> {
    // A text that is no bucket's name could reach into another table.
    match crate::model::bucket_name::is_bucket_name(name) {
        true => view.get_row(&bucket_key(name)).await,
        false => Ok(None),
    }
}

/// Makes or changes a bucket.
pub fn put_bucket(txn: &mut Txn, name: &str, bucket: &Bucket) {
    txn.put_row(bucket_key(name), bucket);
    txn.put(owner_key(bucket.owner, name), Bytes::new());
}

/// Removes a bucket with its policy and what else is configured of it. That it is empty is the caller's to see.
pub fn delete_bucket(txn: &mut Txn, name: &str, owner: AccountId) {
    txn.delete(bucket_key(name));
    txn.delete(owner_key(owner, name));
    txn.delete(policy_key(name));
    txn.delete(tags_key(name));
}

/// The names of an account's buckets that begin with `prefix`, after `after`, in order.
pub async fn buckets_of(
    view: &ReadView<'_>,
    account: AccountId,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, Fault> {
    let own = owner_prefix(account);
    let within = [own.as_slice(), prefix.as_bytes()].concat();
    let after = after.map(|after| [own.as_slice(), after.as_bytes()].concat());
    let rows = view.scan_prefix(&within, after.as_deref(), limit).await?;
    rows.iter().map(|(key, _)| text_after(key, &own)).collect()
}

/// A page of all buckets with their names, by name, after `after`; for background work. Ends when a page is empty.
pub async fn buckets(view: &ReadView<'_>, after: Option<&str>) -> Result<Vec<(String, Bucket)>, Fault> {
    let prefix = bucket_key("");
    let after = after.map(bucket_key);
    let rows = view.scan_rows(&prefix, after.as_deref(), ROWS_AT_ONCE).await?;
    rows.into_iter()
        .map(|(key, bucket)| Ok((text_after(&key, &prefix)?, bucket)))
        .collect()
}

/// The text of a bucket's policy.
pub async fn policy_text(view: &ReadView<'_>, bucket: &str) -> Result<Option<String>, Fault> {
    Ok(view.get_row::<PolicyText>(&policy_key(bucket)).await?.map(|row| row.0))
}

/// Sets or removes the text of a bucket's policy. Its hash in the bucket's row is the caller's to set.
pub fn put_policy_text(txn: &mut Txn, bucket: &str, text: Option<String>) {
    match text {
        Some(text) => txn.put_row(policy_key(bucket), &PolicyText(text)),
        None => txn.delete(policy_key(bucket)),
    }
}

/// Whether a bucket has no object, no version and no delete marker.
pub async fn is_empty(view: &ReadView<'_>, bucket: &str) -> Result<bool, Fault> {
    // Whatever has versions has a latest one.
    Ok(view.scan_prefix(&objects_prefix(bucket), None, 1).await?.is_empty())
}

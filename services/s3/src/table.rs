//! The rows of S3, typed; the only file that knows how keys are laid out.
//!
//! | key | row |
//! |---|---|
//! | `s3/bucket/NAME` | [`Bucket`]; names are global |
//! | `s3/owner/ACCOUNT/NAME` | nothing: the account's buckets in order |
//! | `s3/policy/NAME` | [`PolicyText`] |
//! | `s3/object/NAME/KEY` | [`Object`]; in the order of the keys' UTF-8 bytes, for no name has a `/` |
//! | `s3/body/NAME/KEY` | the sealed bytes of an object that is small enough to live here |
//!
//! Metadata and body are two rows, so that a listing reads no bodies. They are written and deleted together, here only.

use crate::model::{
    acl::{CannedAcl, Ownership},
    encryption::BucketDefault,
    listing::{Item, Listing, Page, Step},
    metadata::UserMetadata,
};
use base::{AccountId, Arn, Fault, Region, Timestamp};
use bytes::Bytes;
use envelope::{EncryptionContext, WrappedKey};
use gateway::Txn;
use serde::{Deserialize, Serialize};
use store::{BlobId, Effect, NoAncestor, ReadView, Stored};

/// How many rows a listing reads at once.
const LISTING_ROWS: usize = 256;

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
    /// Whether ACLs count in it.
    pub ownership: Ownership,
}

impl Stored for Bucket {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// The text of a bucket's policy, as it was put.
#[derive(Serialize, Deserialize)]
pub struct PolicyText(pub String);

impl Stored for PolicyText {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// An object, without its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Random; bound into everything that is sealed for the object.
    pub id: [u8; 16],
    /// Bytes in clear.
    pub size: u64,
    /// When it was put.
    pub modified: Timestamp,
    /// Without quotes.
    pub etag: String,
    /// Its data key, sealed.
    pub seal: Seal,
    /// The header of its segments.
    pub segments_header: [u8; envelope::segments::HEADER_BYTES],
    /// Where its segments are.
    pub place: Place,
    /// What headers it was put with.
    pub headers: ObjectHeaders,
    /// The `x-amz-meta-` headers.
    pub metadata: UserMetadata,
    /// Its checksum: the algorithm's name and the value in base64.
    pub checksum: (String, String),
    /// The canned ACL it was put with.
    pub acl: Option<CannedAcl>,
}

impl Stored for Object {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// A data key that only its key's holder opens.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Seal {
    /// By KMS, under a key in the bucket's Region.
    Kms {
        /// The key.
        key_arn: Arn,
        /// What GenerateDataKey answered.
        ciphertext: Vec<u8>,
        /// The context it was made with.
        context: EncryptionContext,
    },
    /// Under the keyring of the bucket's owner.
    S3 {
        /// The wrapped key.
        wrapped: Vec<u8>,
    },
}

impl Seal {
    /// The wrapped key of SSE-S3.
    pub fn wrapped(wrapped: &WrappedKey) -> Seal {
        Seal::S3 {
            wrapped: wrapped.as_bytes().to_vec(),
        }
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Seal::Kms { key_arn, .. } => write!(f, "Kms({key_arn})"),
            Seal::S3 { .. } => f.write_str("S3"),
        }
    }
}

/// Where an object's segments are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Place {
    /// In a file.
    Blob(BlobId),
    /// In the body row.
    Row,
}

/// The headers that an object is put with and that its reads answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectHeaders {
    /// Cache-Control
    pub cache_control: Option<String>,
    /// Content-Disposition
    pub content_disposition: Option<String>,
    /// Content-Encoding, without `aws-chunked`
    pub content_encoding: Option<String>,
    /// Content-Language
    pub content_language: Option<String>,
    /// Content-Type
    pub content_type: Option<String>,
    /// Expires
    pub expires: Option<String>,
}

fn bucket_key(name: &str) -> Vec<u8> {
    format!("s3/bucket/{name}").into_bytes()
}

fn owner_prefix(account: AccountId) -> Vec<u8> {
    format!("s3/owner/{account}/").into_bytes()
}

fn owner_key(account: AccountId, name: &str) -> Vec<u8> {
    format!("s3/owner/{account}/{name}").into_bytes()
}

fn policy_key(name: &str) -> Vec<u8> {
    format!("s3/policy/{name}").into_bytes()
}

fn objects_prefix(bucket: &str) -> Vec<u8> {
    format!("s3/object/{bucket}/").into_bytes()
}

fn object_key(bucket: &str, key: &str) -> Vec<u8> {
    format!("s3/object/{bucket}/{key}").into_bytes()
}

fn body_key(bucket: &str, key: &str) -> Vec<u8> {
    format!("s3/body/{bucket}/{key}").into_bytes()
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

/// Removes a bucket with its policy. That it is empty is the caller's to see.
pub fn delete_bucket(txn: &mut Txn, name: &str, owner: AccountId) {
    txn.delete(bucket_key(name));
    txn.delete(owner_key(owner, name));
    txn.delete(policy_key(name));
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

/// An object's row.
pub async fn object(view: &ReadView<'_>, bucket: &str, key: &str) -> Result<Option<Object>, Fault> {
    view.get_row(&object_key(bucket, key)).await
}

/// Whether there is an object.
pub async fn object_exists(view: &ReadView<'_>, bucket: &str, key: &str) -> Result<bool, Fault> {
    Ok(view.get(&object_key(bucket, key)).await?.is_some())
}

/// The sealed bytes of an object that lives in its row.
pub async fn body(view: &ReadView<'_>, bucket: &str, key: &str) -> Result<Bytes, Fault> {
    let missing = || Fault::corrupt(format!("an object in bucket `{bucket}` has no body row"));
    view.get(&body_key(bucket, key)).await?.ok_or_else(missing)
}

/// Puts an object over what was there (`replaced`), whose blob goes when the commit is durable.
pub fn put_object(txn: &mut Txn, at: (&str, &str), object: &Object, body: Option<Bytes>, replaced: Option<&Object>) {
    let (bucket, key) = at;
    release(txn, replaced);
    txn.put_row(object_key(bucket, key), object);
    match body {
        Some(body) => txn.put(body_key(bucket, key), body),
        None => txn.delete(body_key(bucket, key)),
    }
}

/// Removes an object.
pub fn delete_object(txn: &mut Txn, bucket: &str, key: &str, object: &Object) {
    release(txn, Some(object));
    txn.delete(object_key(bucket, key));
    txn.delete(body_key(bucket, key));
}

fn release(txn: &mut Txn, object: Option<&Object>) {
    if let Some(Object {
        place: Place::Blob(id), ..
    }) = object
    {
        txn.after_commit(Effect::RemoveBlob(*id));
    }
}

/// Whether a bucket has no object.
pub async fn is_empty(view: &ReadView<'_>, bucket: &str) -> Result<bool, Fault> {
    Ok(view.scan_prefix(&objects_prefix(bucket), None, 1).await?.is_empty())
}

/// A page of a listing, and whether there is more behind it.
pub async fn list(view: &ReadView<'_>, bucket: &str, listing: &Listing) -> Result<(Vec<Item<Object>>, bool), Fault> {
    let prefix = objects_prefix(bucket);
    let at = |key: &[u8]| [prefix.as_slice(), key].concat();
    let end = match listing.end() {
        Some(end) => at(&end),
        // The byte after `/`: past every key of the bucket.
        None => [prefix.get(..prefix.len().saturating_sub(1)).unwrap_or_default(), b"0"].concat(),
    };
    let mut page: Page<'_, Bytes> = Page::new(listing);
    let mut from = at(&listing.start());
    'read: loop {
        let wanted = LISTING_ROWS.min(listing.max_keys.saturating_add(1));
        let rows = view.scan(from.clone()..end.clone(), wanted, false).await?;
        let complete = rows.len() < wanted;
        for (row_key, row) in &rows {
            if row_key.as_ref() < from.as_slice() {
                continue;
            }
            match page.offer(&text_after(row_key, &prefix)?, || row.clone()) {
                Step::Done => break 'read,
                Step::Next => from = [row_key.as_ref(), &[0]].concat(),
                Step::Seek(to) => from = at(&to),
            }
        }
        if complete {
            break;
        }
    }
    let (items, truncated) = page.finish();
    let items = items.into_iter().map(|item| match item {
        Item::Key(key, row) => Object::decode(&row).map(|object| Item::Key(key, object)),
        Item::Prefix(prefix) => Ok(Item::Prefix(prefix)),
    });
    Ok((items.collect::<Result<_, Fault>>()?, truncated))
}

/// The blobs that rows name, from a row key on; and where to go on.
pub async fn blobs_named(view: &ReadView<'_>, after: Option<&[u8]>) -> Result<(Vec<BlobId>, Option<Bytes>), Fault> {
    let rows = view.scan_prefix(b"s3/object/", after, LISTING_ROWS).await?;
    let next = (rows.len() == LISTING_ROWS)
        .then(|| rows.last().map(|(key, _)| key.clone()))
        .flatten();
    let mut blobs = Vec::new();
    for (_, row) in &rows {
        if let Place::Blob(id) = Object::decode(row)?.place {
            blobs.push(id);
        }
    }
    Ok((blobs, next))
}

fn text_after(key: &[u8], prefix: &[u8]) -> Result<String, Fault> {
    let rest = key.strip_prefix(prefix).and_then(|rest| std::str::from_utf8(rest).ok());
    rest.map(str::to_owned)
        .ok_or_else(|| Fault::corrupt("a key of the S3 tables"))
}

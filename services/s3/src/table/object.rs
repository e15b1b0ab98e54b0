//! Rows of objects: every version of a key, and the bytes of those that live in rows.

use super::{
    Bucket, ROWS_AT_ONCE, bytes_key, legacy_body_key, object_key,
    upload::{Upload, release_parts},
    version_key, versions_prefix,
};
use crate::{
    model::{
        acl::{self, CannedAcl, Grant},
        lock::ObjectLock,
        metadata::UserMetadata,
        version::{VersionId, Versioning},
    },
    seal,
};
use base::{AccountId, Arn, Fault, Random, Timestamp};
use bytes::Bytes;
use envelope::{EncryptionContext, WrappedKey};
use gateway::{
    Txn,
    rotation::{Renewal, SealedRows},
};
use serde::{Deserialize, Serialize};
use store::{BlobId, Effect, NoAncestor, ReadView, Stored};

/// A bucket's name and a key.
pub(super) type At<'a> = (&'a str, &'a str);

/// A version of a key: an object or a delete marker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// What it is. First in the row, so that a listing tells markers without reading on.
    pub content: Content,
    /// Its place among the versions of its key, counted upwards.
    pub order: u64,
    /// Its id.
    pub id: VersionId,
    /// Of the latest version: whether there may be older ones.
    pub has_older: bool,
    /// Of the latest version: the order of the null version, when that is an older one.
    pub null_older: Option<u64>,
    /// Of an older version: since when there is a newer one.
    pub noncurrent_since: Option<Timestamp>,
}

/// What a version is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// An object.
    Object(Box<Object>),
    /// The key was deleted.
    DeleteMarker {
        /// When.
        modified: Timestamp,
    },
}

impl Version {
    /// When it was made.
    pub fn modified(&self) -> Timestamp {
        match &self.content {
            Content::Object(object) => object.modified,
            Content::DeleteMarker { modified } => *modified,
        }
    }

    /// The object, unless it is a delete marker.
    pub fn object(&self) -> Option<&Object> {
        match &self.content {
            Content::Object(object) => Some(object),
            Content::DeleteMarker { .. } => None,
        }
    }
}

impl Stored for Version {
    const VERSION: u8 = 2;
    type Ancestor = ObjectV1;
}

/// The rows that hold what is sealed under keyrings.
pub const SEALED: &[SealedRows] = &[
    SealedRows {
        prefix: "s3/object/",
        renew: renew_version,
    },
    SealedRows {
        prefix: "s3/version/",
        renew: renew_version,
    },
    SealedRows {
        prefix: "s3/upload/",
        renew: renew_upload,
    },
];

fn renew_upload(renewal: &Renewal, _: &[u8], row: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let mut upload = Upload::decode(row)?;
    match seal::renewed(&upload.object.seal, &upload.object.id, renewal)? {
        None => Ok(None),
        Some(renewed) => {
            upload.object.seal = renewed;
            upload.encode().map(Some)
        }
    }
}

fn renew_version(renewal: &Renewal, _: &[u8], row: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    if is_marker(row) {
        return Ok(None);
    }
    let mut version = Version::decode(row)?;
    let Content::Object(object) = &mut version.content else {
        return Ok(None);
    };
    match seal::renewed(&object.seal, &object.id, renewal)? {
        None => Ok(None),
        Some(renewed) => {
            object.seal = renewed;
            version.encode().map(Some)
        }
    }
}

/// Whether a row is that of a delete marker, without decoding it.
pub(super) fn is_marker(row: &[u8]) -> bool {
    const MARKER: u8 = 1;
    row.first() == Some(&Version::VERSION) && row.get(1) == Some(&MARKER)
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
    /// Its checksum.
    pub checksum: Option<Checksum>,
    /// The canned ACL it was put with.
    pub acl: Option<CannedAcl>,
    /// Its tags, in the order they were given.
    pub tags: Vec<(String, String)>,
    /// What protects it.
    pub lock: ObjectLock,
    /// Whose it is, when not the bucket's owner's.
    pub owner: Option<AccountId>,
    /// The grants of its ACL, where they are not those of the canned one.
    pub grants: Option<Vec<Grant>>,
}

impl Object {
    /// Whose it is. Where ACLs are off, all is the bucket's owner's.
    pub fn owner(&self, bucket: &Bucket) -> AccountId {
        match self.owner {
            Some(owner) if bucket.ownership.has_acls() => owner,
            _ => bucket.owner,
        }
    }

    /// The grants of its ACL, which count only where ACLs do.
    pub fn granted(&self, bucket_owner: AccountId) -> Vec<Grant> {
        match &self.grants {
            Some(grants) => grants.clone(),
            None => {
                let acl = self.acl.unwrap_or(CannedAcl::Private);
                acl::grants_of_object(acl, self.owner.unwrap_or(bucket_owner), bucket_owner)
            }
        }
    }
}

/// A checksum of an object as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// The algorithm's name, such as `CRC64NVME`.
    pub algorithm: String,
    /// In base64; of a composite one with `-PARTS` behind it.
    pub value: String,
    /// Whether it is one of the parts' checksums rather than of the whole.
    pub composite: bool,
}

impl Checksum {
    /// As documents write it.
    pub fn kind(&self) -> &'static str {
        match self.composite {
            true => "COMPOSITE",
            false => "FULL_OBJECT",
        }
    }
}

/// An object of the release before versions: the null version of its key, and its only one.
#[derive(Serialize, Deserialize)]
pub struct ObjectV1 {
    id: [u8; 16],
    size: u64,
    modified: Timestamp,
    etag: String,
    seal: Seal,
    segments_header: [u8; envelope::segments::HEADER_BYTES],
    place: Place,
    headers: ObjectHeaders,
    metadata: UserMetadata,
    checksum: (String, String),
    acl: Option<CannedAcl>,
}

impl Stored for ObjectV1 {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

#[cfg(test)]
impl ObjectV1 {
    /// An object as that release wrote it.
    pub(super) fn of(object: Object) -> ObjectV1 {
        let checksum = object.checksum.map(|checksum| (checksum.algorithm, checksum.value));
        ObjectV1 {
            id: object.id,
            size: object.size,
            modified: object.modified,
            etag: object.etag,
            seal: object.seal,
            segments_header: object.segments_header,
            place: object.place,
            headers: object.headers,
            metadata: object.metadata,
            checksum: checksum.unwrap_or_default(),
            acl: object.acl,
        }
    }
}

impl From<ObjectV1> for Version {
    fn from(old: ObjectV1) -> Version {
        let object = Object {
            id: old.id,
            size: old.size,
            modified: old.modified,
            etag: old.etag,
            seal: old.seal,
            segments_header: old.segments_header,
            place: old.place,
            headers: old.headers,
            metadata: old.metadata,
            checksum: Some(Checksum {
                algorithm: old.checksum.0,
                value: old.checksum.1,
                composite: false,
            }),
            acl: old.acl,
            tags: Vec::new(),
            lock: ObjectLock::default(),
            owner: None,
            grants: None,
        };
        Version {
            content: Content::Object(Box::new(object)),
            order: 0,
            id: VersionId::Null,
            has_older: false,
            null_older: None,
            noncurrent_since: None,
        }
    }
}

/// A data key that only its key's holder opens. Rows of every release name these by their position: new ones go to the end.
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
    /// Under a bucket key that KMS sealed.
    BucketKey {
        /// The KMS key.
        key_arn: Arn,
        /// The bucket key, as GenerateDataKey answered it.
        ciphertext: Vec<u8>,
        /// The context it was made with.
        context: EncryptionContext,
        /// The object's own key, wrapped under the bucket key.
        wrapped: Vec<u8>,
    },
    /// Two keys for two layers, under a data key that KMS sealed.
    Dsse {
        /// The KMS key.
        key_arn: Arn,
        /// What GenerateDataKey answered.
        ciphertext: Vec<u8>,
        /// The context it was made with.
        context: EncryptionContext,
        /// The key of the inner layer, wrapped.
        inner: Vec<u8>,
        /// The key of the outer layer, wrapped.
        outer: Vec<u8>,
    },
    /// Under a key that the customer sends and that is not stored. That the wrapped key opens is the check of it.
    Customer {
        /// The MD5 of the customer's key.
        md5: [u8; 16],
        /// The object's own key, wrapped.
        wrapped: Vec<u8>,
    },
}

impl Seal {
    /// Whether KMS has to be asked to open it.
    pub fn is_of_kms(&self) -> bool {
        matches!(self, Seal::Kms { .. } | Seal::BucketKey { .. } | Seal::Dsse { .. })
    }

    /// Whether the MD5 of what is sealed may be shown: of SSE-S3 only.
    pub fn shows_md5(&self) -> bool {
        matches!(self, Seal::S3 { .. })
    }

    /// The wrapped key of SSE-S3.
    pub fn wrapped(wrapped: &WrappedKey) -> Seal {
        Seal::S3 {
            wrapped: wrapped.as_bytes().to_vec(),
        }
    }

    /// The KMS key without which it does not open, and the context.
    pub fn kms(&self) -> Option<(&Arn, &EncryptionContext)> {
        match self {
            Seal::Kms { key_arn, context, .. }
            | Seal::BucketKey { key_arn, context, .. }
            | Seal::Dsse { key_arn, context, .. } => Some((key_arn, context)),
            Seal::S3 { .. } | Seal::Customer { .. } => None,
        }
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Seal::Kms { key_arn, .. } => write!(f, "Kms({key_arn})"),
            Seal::S3 { .. } => f.write_str("S3"),
            Seal::BucketKey { key_arn, .. } => write!(f, "BucketKey({key_arn})"),
            Seal::Dsse { key_arn, .. } => write!(f, "Dsse({key_arn})"),
            Seal::Customer { .. } => f.write_str("Customer"),
        }
    }
}

/// Where an object's segments are. Rows of every release name these by their position: new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Place {
    /// In a file.
    Blob(BlobId),
    /// In the row `s3/body/NAME/KEY`: written by releases before versioning.
    Row,
    /// In the row `s3/bytes/NAME/ID`.
    Bytes,
    /// In its parts.
    Parts,
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

/// The latest version of a key, a delete marker too.
pub async fn latest(view: &ReadView<'_>, (bucket, key): At<'_>) -> Result<Option<Version>, Fault> {
    view.get_row(&object_key(bucket, key)).await
}

/// The object that a key stands for: its latest version, unless that is a delete marker.
pub async fn object(view: &ReadView<'_>, bucket: &str, key: &str) -> Result<Option<Object>, Fault> {
    let latest = latest(view, (bucket, key)).await?;
    Ok(latest.and_then(|version| match version.content {
        Content::Object(object) => Some(*object),
        Content::DeleteMarker { .. } => None,
    }))
}

/// A version of a key by its id.
pub async fn version(view: &ReadView<'_>, at: At<'_>, id: &VersionId) -> Result<Option<Version>, Fault> {
    let Some(latest) = latest(view, at).await? else {
        return Ok(None);
    };
    if latest.id == *id {
        return Ok(Some(latest));
    }
    older_of(view, at, &latest, id).await
}

async fn older_of(
    view: &ReadView<'_>,
    (bucket, key): At<'_>,
    latest: &Version,
    id: &VersionId,
) -> Result<Option<Version>, Fault> {
    let order = match id {
        VersionId::Null => latest.null_older,
        VersionId::Own { order, .. } => Some(*order),
    };
    let Some(order) = order else { return Ok(None) };
    let found: Option<Version> = view.get_row(&version_key(bucket, key, order)).await?;
    Ok(found.filter(|version| version.id == *id))
}

/// A page of the versions of a key that are older than `before`, newest first. Ends when a page is empty.
pub async fn older(view: &ReadView<'_>, (bucket, key): At<'_>, before: u64) -> Result<Vec<Version>, Fault> {
    let after = version_key(bucket, key, before);
    let rows = view
        .scan_rows(&versions_prefix(bucket, key), Some(&after), ROWS_AT_ONCE)
        .await?;
    Ok(rows.into_iter().map(|(_, version)| version).collect())
}

/// The sealed bytes of an object that lives in a row.
pub async fn bytes_of(view: &ReadView<'_>, (bucket, key): At<'_>, object: &Object) -> Result<Bytes, Fault> {
    let row = match object.place {
        Place::Row => legacy_body_key(bucket, key),
        Place::Bytes => bytes_key(bucket, &object.id),
        Place::Blob(_) | Place::Parts => return Err(Fault::Bug("the bytes of a blob were looked for in a row")),
    };
    let missing = || Fault::corrupt(format!("an object in bucket `{bucket}` has lost its bytes"));
    view.get(&row).await?.ok_or_else(missing)
}

/// Makes a version the latest of its key, as the bucket's versioning says: it is put over what was there or above it. Blobs
/// of what is replaced go when the commit is durable. `bytes` are those of an object with [`Place::Bytes`]. What was the
/// latest is noncurrent from `now`, which of an object of parts is later than when it was made.
pub async fn put_version(
    txn: &mut Txn,
    at: At<'_>,
    versioning: Versioning,
    content: Content,
    bytes: Option<Bytes>,
    (now, random): (Timestamp, &Random),
) -> Result<Version, Fault> {
    let latest = latest(&txn.view(), at).await?;
    let order = latest.as_ref().map_or(0, |latest| latest.order.saturating_add(1));
    let id = match versioning {
        Versioning::Enabled => VersionId::generate(order, random),
        Versioning::Off | Versioning::Suspended => VersionId::Null,
    };
    let mut new = Version {
        content,
        order,
        id,
        has_older: latest.as_ref().is_some_and(|latest| latest.has_older),
        null_older: latest.as_ref().and_then(|latest| latest.null_older),
        noncurrent_since: None,
    };
    match latest {
        Some(old) if old.id == VersionId::Null && new.id == VersionId::Null => release(txn, at, &old).await?,
        Some(old) => {
            if new.id == VersionId::Null
                && let Some(null) = older_of(&txn.view(), at, &old, &VersionId::Null).await?
            {
                txn.delete(version_key(at.0, at.1, null.order));
                release(txn, at, &null).await?;
                new.null_older = None;
            }
            new.has_older = true;
            if old.id == VersionId::Null {
                new.null_older = Some(old.order);
            }
            push_down(txn, at, old, now).await?;
        }
        None => {}
    }
    if let (Content::Object(object), Some(bytes)) = (&new.content, bytes) {
        txn.put(bytes_key(at.0, &object.id), bytes);
    }
    txn.put_row(object_key(at.0, at.1), &new);
    Ok(new)
}

/// Makes the latest version an older one.
async fn push_down(txn: &mut Txn, at: At<'_>, mut version: Version, now: Timestamp) -> Result<(), Fault> {
    if let Content::Object(object) = &mut version.content
        && object.place == Place::Row
    {
        let bytes = bytes_of(&txn.view(), at, object).await?;
        txn.delete(legacy_body_key(at.0, at.1));
        txn.put(bytes_key(at.0, &object.id), bytes);
        object.place = Place::Bytes;
    }
    version.has_older = false;
    version.null_older = None;
    version.noncurrent_since = Some(now);
    txn.put_row(version_key(at.0, at.1, version.order), &version);
    Ok(())
}

/// Writes a version that was changed in place: its tags, its lock, its ACL. Its id and order are as they were read.
pub async fn update_version(txn: &mut Txn, at: At<'_>, version: &Version) -> Result<(), Fault> {
    let is_latest = latest(&txn.view(), at)
        .await?
        .is_some_and(|latest| latest.order == version.order);
    match is_latest {
        true => txn.put_row(object_key(at.0, at.1), version),
        false => txn.put_row(version_key(at.0, at.1, version.order), version),
    }
    Ok(())
}

/// Removes a version for good, with its bytes, and gives back what it was. Of the latest, the next older takes the place.
pub async fn delete_version(txn: &mut Txn, at: At<'_>, id: &VersionId) -> Result<Option<Version>, Fault> {
    let Some(mut latest) = latest(&txn.view(), at).await? else {
        return Ok(None);
    };
    if latest.id == *id {
        release(txn, at, &latest).await?;
        promote(txn, at, &latest).await?;
        return Ok(Some(latest));
    }
    let Some(found) = older_of(&txn.view(), at, &latest, id).await? else {
        return Ok(None);
    };
    txn.delete(version_key(at.0, at.1, found.order));
    release(txn, at, &found).await?;
    if found.id == VersionId::Null {
        latest.null_older = None;
        txn.put_row(object_key(at.0, at.1), &latest);
    }
    Ok(Some(found))
}

/// Puts the newest of the older versions in the place of the latest, which is gone.
async fn promote(txn: &mut Txn, at: At<'_>, gone: &Version) -> Result<(), Fault> {
    let next = match gone.has_older {
        true => older(&txn.view(), at, gone.order).await?.into_iter().next(),
        false => None,
    };
    match next {
        None => txn.delete(object_key(at.0, at.1)),
        Some(mut next) => {
            txn.delete(version_key(at.0, at.1, next.order));
            next.has_older = true;
            next.noncurrent_since = None;
            next.null_older = gone.null_older.filter(|order| *order != next.order);
            txn.put_row(object_key(at.0, at.1), &next);
        }
    }
    Ok(())
}

/// Frees the bytes of a version.
async fn release(txn: &mut Txn, (bucket, key): At<'_>, version: &Version) -> Result<(), Fault> {
    let Content::Object(object) = &version.content else {
        return Ok(());
    };
    match object.place {
        Place::Blob(id) => txn.after_commit(Effect::RemoveBlob(id)),
        Place::Row => txn.delete(legacy_body_key(bucket, key)),
        Place::Bytes => txn.delete(bytes_key(bucket, &object.id)),
        Place::Parts => release_parts(txn, bucket, &object.id).await?,
    }
    Ok(())
}

//! The rows of S3, typed; the only folder that knows how keys are laid out.
//!
//! | key | row |
//! |---|---|
//! | `s3/bucket/NAME` | [`Bucket`]; names are global |
//! | `s3/owner/ACCOUNT/NAME` | nothing: the account's buckets in order |
//! | `s3/policy/NAME` | the policy's text |
//! | `s3/tags/NAME` | the bucket's tags |
//! | `s3/lifecycle/NAME` | [`Lifecycle`] |
//! | `s3/lifecycle-due/DAY/NAME` | nothing: on which day a bucket is to be looked at |
//! | `s3/object/NAME/KEY` | [`Version`], the latest of its key; in the order of the keys' UTF-8 bytes, for no name has a `/` |
//! | `s3/version/NAME/KEY'ORDER` | [`Version`], an older one; the newest of them first |
//! | `s3/bytes/NAME/ID` | the sealed bytes of an object, or of a part, that is small enough to live here |
//! | `s3/upload/NAME/KEY'UPLOAD` | [`Upload`], not completed yet; of a key the oldest first |
//! | `s3/part/NAME/ID/NUMBER` | [`Part`] of the upload or object of that id |
//! | `s3/parts/NAME/ID` | [`PartIndex`] of an object that was uploaded in parts |
//! | `s3/body/NAME/KEY` | the same, as releases before versioning wrote them |
//!
//! `KEY'` is the key with each zero byte followed by 255, and `0 1` behind it: keys keep their order and none is the
//! beginning of another. `ORDER` counts the versions of a key upwards and is stored inverted.
//!
//! INVARIANT: a key that has versions has a latest one, of the highest order. Bytes are kept apart from what describes
//! them, so that a listing reads none; both are written and deleted together, here only.

mod bucket;
mod check;
mod lifecycle;
mod listing;
mod object;
#[cfg(test)]
mod tests;
mod upload;

pub use bucket::{
    Bucket, bucket, bucket_tags, buckets, buckets_of, delete_bucket, is_empty, policy_text, put_bucket,
    put_bucket_tags, put_policy_text,
};
pub use check::CHECKS;
pub use lifecycle::{Lifecycle, latest_page, lifecycle, lifecycle_due, put_lifecycle};
pub use listing::{After, Listed, blobs_named, list, list_versions};
pub use object::{
    Checksum, Content, Object, ObjectHeaders, Place, SEALED, Seal, Version, bytes_of, delete_version, latest, object,
    older, put_version, update_version, version,
};
pub use upload::{
    Part, PartIndex, Upload, UploadId, abort_upload, complete_upload, index, list_uploads, part, part_bytes, parts,
    put_part, put_upload, upload, uploads,
};

use base::Fault;

/// How many rows are read at once.
const ROWS_AT_ONCE: usize = 256;

fn objects_prefix(bucket: &str) -> Vec<u8> {
    format!("s3/object/{bucket}/").into_bytes()
}

fn object_key(bucket: &str, key: &str) -> Vec<u8> {
    format!("s3/object/{bucket}/{key}").into_bytes()
}

fn versions_prefix(bucket: &str, key: &str) -> Vec<u8> {
    [format!("s3/version/{bucket}/").as_bytes(), &delimited(key)].concat()
}

fn version_key(bucket: &str, key: &str, order: u64) -> Vec<u8> {
    [versions_prefix(bucket, key).as_slice(), &(!order).to_be_bytes()].concat()
}

fn bytes_key(bucket: &str, id: &[u8; 16]) -> Vec<u8> {
    format!("s3/bytes/{bucket}/{}", hex::encode(id)).into_bytes()
}

fn legacy_body_key(bucket: &str, key: &str) -> Vec<u8> {
    format!("s3/body/{bucket}/{key}").into_bytes()
}

fn uploads_prefix(bucket: &str) -> Vec<u8> {
    format!("s3/upload/{bucket}/").into_bytes()
}

fn uploads_of_key_prefix(bucket: &str, key: &str) -> Vec<u8> {
    [uploads_prefix(bucket).as_slice(), &delimited(key)].concat()
}

fn upload_key((bucket, key): (&str, &str), id: &str) -> Vec<u8> {
    [uploads_of_key_prefix(bucket, key).as_slice(), id.as_bytes()].concat()
}

/// A key as the middle of a row's name: in order, and never the beginning of another.
fn delimited(key: &str) -> Vec<u8> {
    let mut out = escaped(key.as_bytes());
    out.extend_from_slice(&[0, 1]);
    out
}

/// Bytes in their order, without the end that [`delimited`] puts behind a key.
fn escaped(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len().saturating_add(2));
    for byte in key {
        out.push(*byte);
        if *byte == 0 {
            out.push(255);
        }
    }
    out
}

/// A delimited key, and what follows it.
fn unescaped(row: &[u8]) -> Option<(String, &[u8])> {
    let mut key = Vec::new();
    let mut rest = row;
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        if *byte != 0 {
            key.push(*byte);
            continue;
        }
        let (mark, after) = rest.split_first()?;
        rest = after;
        match mark {
            255 => key.push(0),
            1 => return Some((String::from_utf8(key).ok()?, rest)),
            _ => return None,
        }
    }
}

fn text_after(key: &[u8], prefix: &[u8]) -> Result<String, Fault> {
    let rest = key.strip_prefix(prefix).and_then(|rest| std::str::from_utf8(rest).ok());
    rest.map(str::to_owned)
        .ok_or_else(|| Fault::corrupt("a key of the S3 tables"))
}

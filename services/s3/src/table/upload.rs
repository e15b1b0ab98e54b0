//! Rows of multipart uploads and of parts.
//!
//! The upload's id is that of the object it becomes: what parts were sealed for stays true when the upload is completed, and
//! completing moves no bytes. A completed object has an index of its parts beside their rows, so that a range is found by
//! one read and a listing reads no part.

use super::{
    ROWS_AT_ONCE,
    object::{At, Checksum, Object, Place},
    unescaped, upload_key, uploads_of_key_prefix, uploads_prefix,
};
use crate::model::listing::{Item, Listing, Page, Step};
use base::{Fault, Random, Timestamp};
use bytes::Bytes;
use envelope::segments::HEADER_BYTES;
use gateway::Txn;
use serde::{Deserialize, Serialize};
use std::fmt;
use store::{Effect, NoAncestor, ReadView, Stored};

/// What names an upload: when it began, so that uploads of a key are in the order of their time, and its object's id. Its
/// text is 48 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UploadId {
    began: u64,
    /// The id of the object to be.
    pub object: [u8; 16],
}

impl UploadId {
    /// A new id.
    pub fn generate(now: Timestamp, random: &Random) -> UploadId {
        UploadId {
            began: u64::try_from(now.as_micros()).unwrap_or(0),
            object: random.bytes(),
        }
    }

    /// Reads an id; `None` for what can be no id of this server.
    pub fn parse(text: &str) -> Option<UploadId> {
        let mut bytes = [0; 24];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let (began, object) = bytes.split_first_chunk::<8>()?;
        let id = UploadId {
            began: u64::from_be_bytes(*began),
            object: object.try_into().ok()?,
        };
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.began, hex::encode(self.object))
    }
}

/// An upload that was begun and neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// When it was begun.
    pub began: Timestamp,
    /// Who began it: ARN, or a canonical id for the root of an account.
    pub initiator: String,
    /// What it becomes; all of it was decided when it was begun but what depends on the bytes.
    pub object: Object,
    /// The algorithm of the checksums.
    pub algorithm: String,
    /// Whether the whole's checksum is one of the parts' checksums.
    pub composite: bool,
    /// Whether the client chose the algorithm.
    pub chosen: bool,
    /// The `SSEApplied` of the records.
    pub applied: String,
}

impl Stored for Upload {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// A part, without its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Random; the salt of its key, and the name of its bytes when they are in a row.
    pub id: [u8; 16],
    /// Bytes in clear.
    pub size: u64,
    /// When it came.
    pub modified: Timestamp,
    /// Without quotes: 32 hexadecimal digits.
    pub etag: String,
    /// Its checksum, by the algorithm of the upload.
    pub checksum: Checksum,
    /// The header of its segments.
    pub segments_header: [u8; HEADER_BYTES],
    /// Where its segments are: a blob, or the row of its id.
    pub place: Place,
}

impl Stored for Part {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// The number and the size of each part of a completed object, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartIndex(pub Vec<(u16, u64)>);

impl Stored for PartIndex {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

fn index_key(bucket: &str, object: &[u8; 16]) -> Vec<u8> {
    format!("s3/parts/{bucket}/{}", hex::encode(object)).into_bytes()
}

fn parts_prefix(bucket: &str, object: &[u8; 16]) -> Vec<u8> {
    format!("s3/part/{bucket}/{}/", hex::encode(object)).into_bytes()
}

fn part_key(bucket: &str, object: &[u8; 16], number: u16) -> Vec<u8> {
    format!("s3/part/{bucket}/{}/{number:05}", hex::encode(object)).into_bytes()
}

/// An upload of a key.
pub async fn upload(view: &ReadView<'_>, at: At<'_>, id: &UploadId) -> Result<Option<Upload>, Fault> {
    view.get_row(&upload_key(at, &id.to_string())).await
}

/// Begins an upload.
pub fn put_upload(txn: &mut Txn, at: At<'_>, id: &UploadId, upload: &Upload) {
    txn.put_row(upload_key(at, &id.to_string()), upload);
}

/// Stores a part, in the place of one of the same number. `bytes` are those of one with [`Place::Bytes`].
pub async fn put_part(
    txn: &mut Txn,
    bucket: &str,
    object: &[u8; 16],
    number: u16,
    part: &Part,
    bytes: Option<Bytes>,
) -> Result<(), Fault> {
    if let Some(old) = self::part(&txn.view(), bucket, object, number).await? {
        release_bytes(txn, bucket, &old);
    }
    if let Some(bytes) = bytes {
        txn.put(super::bytes_key(bucket, &part.id), bytes);
    }
    txn.put_row(part_key(bucket, object, number), part);
    Ok(())
}

/// One part.
pub async fn part(view: &ReadView<'_>, bucket: &str, object: &[u8; 16], number: u16) -> Result<Option<Part>, Fault> {
    view.get_row(&part_key(bucket, object, number)).await
}

/// Up to `limit` parts after a number, in order, with their numbers.
pub async fn parts(
    view: &ReadView<'_>,
    bucket: &str,
    object: &[u8; 16],
    mut after: u16,
    limit: usize,
) -> Result<Vec<(u16, Part)>, Fault> {
    let prefix = parts_prefix(bucket, object);
    let mut found = Vec::new();
    while found.len() < limit {
        let wanted = ROWS_AT_ONCE.min(limit.saturating_sub(found.len()));
        let from = part_key(bucket, object, after);
        let rows = view.scan_rows::<Part>(&prefix, Some(&from), wanted).await?;
        let complete = rows.len() < wanted;
        for (key, part) in rows {
            after = number_of(&key, &prefix)?;
            found.push((after, part));
        }
        if complete {
            break;
        }
    }
    Ok(found)
}

fn number_of(key: &[u8], prefix: &[u8]) -> Result<u16, Fault> {
    let number = super::text_after(key, prefix)?;
    number.parse().map_err(|e| Fault::corrupt_by("the key of a part", e))
}

/// The sealed bytes of a part that lives in a row.
pub async fn part_bytes(view: &ReadView<'_>, bucket: &str, part: &Part) -> Result<Bytes, Fault> {
    let found = view.get(&super::bytes_key(bucket, &part.id)).await?;
    found.ok_or_else(|| Fault::corrupt(format!("a part in bucket `{bucket}` has lost its bytes")))
}

/// The parts of a completed object.
pub async fn index(view: &ReadView<'_>, bucket: &str, object: &[u8; 16]) -> Result<Option<PartIndex>, Fault> {
    view.get_row(&index_key(bucket, object)).await
}

/// Ends an upload that became an object of these parts; those not in it are freed. `all` are the upload's parts.
pub fn complete_upload(txn: &mut Txn, at: At<'_>, id: &UploadId, all: &[(u16, Part)], index: &PartIndex) {
    let bucket = at.0;
    txn.delete(upload_key(at, &id.to_string()));
    txn.put_row(index_key(bucket, &id.object), index);
    let unused = |number: &u16| index.0.binary_search_by_key(number, |(used, _)| *used).is_err();
    for (number, part) in all.iter().filter(|(number, _)| unused(number)) {
        txn.delete(part_key(bucket, &id.object, *number));
        release_bytes(txn, bucket, part);
    }
}

/// Ends an upload and frees its parts.
pub async fn abort_upload(txn: &mut Txn, at: At<'_>, id: &UploadId) -> Result<(), Fault> {
    txn.delete(upload_key(at, &id.to_string()));
    release_parts(txn, at.0, &id.object).await
}

/// Frees the parts of an upload or an object.
pub(super) async fn release_parts(txn: &mut Txn, bucket: &str, object: &[u8; 16]) -> Result<(), Fault> {
    for (number, part) in parts(&txn.view(), bucket, object, 0, usize::MAX).await? {
        txn.delete(part_key(bucket, object, number));
        release_bytes(txn, bucket, &part);
    }
    txn.delete(index_key(bucket, object));
    Ok(())
}

fn release_bytes(txn: &mut Txn, bucket: &str, part: &Part) {
    match part.place {
        Place::Blob(id) => txn.after_commit(Effect::RemoveBlob(id)),
        _ => txn.delete(super::bytes_key(bucket, &part.id)),
    }
}

/// An upload with its key and id.
pub type Named = (String, UploadId, Upload);

/// A page of the uploads of a bucket in order of key and time, after one of them; for work on all. Ends when a page is
/// empty.
pub async fn uploads(view: &ReadView<'_>, bucket: &str, after: Option<(&str, &UploadId)>) -> Result<Vec<Named>, Fault> {
    let prefix = uploads_prefix(bucket);
    let after = after.map(|(key, id)| upload_key((bucket, key), &id.to_string()));
    let rows = view.scan_rows(&prefix, after.as_deref(), ROWS_AT_ONCE).await?;
    rows.into_iter()
        .map(|(row_key, upload)| {
            let (key, id) = named(&row_key, &prefix)?;
            Ok((key, id, upload))
        })
        .collect()
}

/// A page of a listing of uploads, and whether there is more behind it. `after_id` goes on among the uploads of the key that
/// the listing is after.
pub async fn list_uploads(
    view: &ReadView<'_>,
    bucket: &str,
    listing: &Listing,
    after_id: Option<&str>,
) -> Result<(Vec<Item<(UploadId, Upload)>>, bool), Fault> {
    let prefix = uploads_prefix(bucket);
    let at = |key: &[u8]| [prefix.as_slice(), &super::escaped(key)].concat();
    let end = match listing.end() {
        Some(end) => at(&end),
        // The byte after `/`: past every key of the bucket.
        None => [prefix.get(..prefix.len().saturating_sub(1)).unwrap_or_default(), b"0"].concat(),
    };
    let mut page: Page<'_, (UploadId, Bytes)> = Page::new(listing);
    let mut from = match (&listing.after, after_id) {
        (Some(key), Some(id)) => {
            let next = [upload_key((bucket, key), id).as_slice(), &[0]].concat();
            next.max(at(listing.prefix.as_bytes()))
        }
        // Past every upload of that key, which all begin so.
        (Some(key), None) => {
            let past = [uploads_of_key_prefix(bucket, key).as_slice(), b"g"].concat();
            past.max(at(&listing.start()))
        }
        (None, _) => at(&listing.start()),
    };
    'read: loop {
        let wanted = ROWS_AT_ONCE.min(listing.max_keys.saturating_add(1));
        let rows = view.scan(from.clone()..end.clone(), wanted, false).await?;
        let complete = rows.len() < wanted;
        for (row_key, row) in &rows {
            if row_key.as_ref() < from.as_slice() {
                continue;
            }
            let (key, id) = named(row_key, &prefix)?;
            match page.offer(&key, || (id, row.clone())) {
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
        Item::Key(key, (id, row)) => Ok(Item::Key(key, (id, Upload::decode(&row)?))),
        Item::Prefix(prefix) => Ok(Item::Prefix(prefix)),
    });
    Ok((items.collect::<Result<_, Fault>>()?, truncated))
}

pub(super) fn named(row_key: &[u8], prefix: &[u8]) -> Result<(String, UploadId), Fault> {
    let corrupt = || Fault::corrupt("a key of the S3 tables");
    let rest = row_key.strip_prefix(prefix).ok_or_else(corrupt)?;
    let (key, id) = unescaped(rest).ok_or_else(corrupt)?;
    let id = std::str::from_utf8(id).ok().and_then(UploadId::parse);
    Ok((key, id.ok_or_else(corrupt)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_are_in_order_of_time() {
        let random = Random::seeded(1);
        let at = |secs| UploadId::generate(Timestamp::from_secs(secs), &random);
        let (one, two) = (at(1), at(2));
        assert!(one.to_string() < two.to_string());
        assert_eq!(UploadId::parse(&one.to_string()), Some(one));
        for wrong in ["", "x", &one.to_string().to_uppercase(), &one.to_string()[1..]] {
            assert_eq!(UploadId::parse(wrong), None, "{wrong}");
        }
    }
}

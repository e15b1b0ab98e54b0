//! What a check of a closed data directory asks of S3's rows and of the bytes that they name.

use super::{
    Bucket, Content, Object, Part, PartIndex, Place, Upload, Version, bucket, bytes_of, index, latest, object_key,
    part_bytes, parts, text_after, unescaped, upload::named, version_key,
};
use crate::seal::{self, At, OfflineKey};
use base::Fault;
use bytes::Bytes;
use envelope::segments::{HEADER_BYTES, Opener, StreamKey, sealed_len_after};
use gateway::check::{Checker, Kind, Name, Repair, RowCheck};
use store::{BlobId, Stored};

/// Sealed bytes under an id, and rows that belong to an object or an upload of an id.
const BYTES: u8 = 0;
const OF_OBJECT: u8 = 1;
/// How many parts are read at once.
const PARTS_AT_ONCE: usize = 256;
/// How many segments of a blob are in memory at once.
const SEGMENTS_AT_ONCE: u64 = 16;

/// The tables of this room.
pub const CHECKS: &[RowCheck] = &[
    RowCheck::new("s3/bucket/", |checker, key, row| {
        Box::pin(check_bucket(checker, key, row))
    }),
    RowCheck::new("s3/owner/", |checker, key, _| Box::pin(check_owner(checker, key))),
    RowCheck::new("s3/policy/", |checker, key, row| {
        Box::pin(check_policy(checker, key, row))
    }),
    RowCheck::decodes::<super::bucket::BucketTags>("s3/tags/"),
    RowCheck::decodes::<super::lifecycle::Lifecycle>("s3/lifecycle/"),
    RowCheck::new("s3/lifecycle-due/", |_, _, _| Box::pin(std::future::ready(Ok(())))),
    RowCheck::new("s3/object/", |checker, key, row| {
        Box::pin(check_latest(checker, key, row))
    })
    .naming(|_, row| version_names(row)),
    RowCheck::new("s3/version/", |checker, key, row| {
        Box::pin(check_older(checker, key, row))
    })
    .naming(|_, row| version_names(row)),
    RowCheck::new("s3/upload/", |checker, key, row| {
        Box::pin(check_upload(checker, key, row))
    })
    .naming(|_, row| Ok(vec![Name::Row(OF_OBJECT, Upload::decode(row)?.object.id)])),
    RowCheck::decodes::<Part>("s3/part/")
        .naming(|_, row| {
            let part = Part::decode(row)?;
            Ok(bytes_name(part.place, part.id).into_iter().collect())
        })
        .named(|key| id_in(key, "s3/part/").map(|id| Name::Row(OF_OBJECT, id))),
    RowCheck::decodes::<PartIndex>("s3/parts/").named(|key| id_in(key, "s3/parts/").map(|id| Name::Row(OF_OBJECT, id))),
    RowCheck::new("s3/bytes/", |_, _, _| Box::pin(std::future::ready(Ok(()))))
        .named(|key| id_in(key, "s3/bytes/").map(|id| Name::Row(BYTES, id))),
    RowCheck::new("s3/body/", |checker, key, _| Box::pin(check_body(checker, key))),
];

fn version_names(row: &[u8]) -> Result<Vec<Name>, Fault> {
    let version = Version::decode(row)?;
    let Some(object) = version.object() else {
        return Ok(Vec::new());
    };
    let mut names = vec![Name::Row(OF_OBJECT, object.id)];
    names.extend(bytes_name(object.place, object.id));
    Ok(names)
}

fn bytes_name(place: Place, id: [u8; 16]) -> Option<Name> {
    match place {
        Place::Blob(blob) => Some(Name::Blob(*blob.as_bytes())),
        Place::Bytes => Some(Name::Row(BYTES, id)),
        Place::Row | Place::Parts => None,
    }
}

/// The id in a key `TABLE/BUCKET/ID/…`.
fn id_in(key: &[u8], table: &str) -> Option<[u8; 16]> {
    let text = std::str::from_utf8(key).ok()?.strip_prefix(table)?;
    let mut id = [0; 16];
    hex::decode_to_slice(text.split('/').nth(1)?, &mut id).ok()?;
    Some(id)
}

/// The bucket in a key `TABLE/BUCKET/…`, and the rest.
fn split<'k>(key: &'k [u8], table: &str) -> Result<(&'k str, &'k [u8]), Fault> {
    let parse = || {
        let rest = key.strip_prefix(table.as_bytes())?;
        let end = rest.iter().position(|byte| *byte == b'/')?;
        let (name, rest) = rest.split_at_checked(end)?;
        Some((std::str::from_utf8(name).ok()?, rest.get(1..)?))
    };
    parse().ok_or_else(|| Fault::corrupt("the key of a row of S3"))
}

async fn check_bucket(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let found = Bucket::decode(row)?;
    checker.count("buckets", 1);
    let name = text_after(key, b"s3/bucket/")?;
    let listed = super::bucket::owner_key(found.owner, &name);
    if checker.view.get(&listed).await?.is_none() {
        let repair = Repair::Put(listed.into(), Bytes::new());
        checker.repairable(Kind::Missing, key, "its owner's list does not have it", repair);
    }
    let policy = super::policy_text(&checker.view, &name).await?;
    if policy.map(|text| sigv4::sha256(text.as_bytes())) != found.policy_sha256 {
        checker.row(Kind::Disagrees, key, "its policy is not the one that it names");
    }
    Ok(())
}

async fn check_owner(checker: &Checker<'_>, key: &[u8]) -> Result<(), Fault> {
    let (account, name) = split(key, "s3/owner/")?;
    let name = std::str::from_utf8(name).unwrap_or_default();
    let found = bucket(&checker.view, name).await?;
    if found.is_none_or(|bucket| bucket.owner.as_str() != account) {
        checker.orphan(key, "a list has a bucket that is not there");
    }
    Ok(())
}

async fn check_policy(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    super::bucket::PolicyText::decode(row)?;
    if bucket(&checker.view, &text_after(key, b"s3/policy/")?).await?.is_none() {
        checker.orphan(key, "the policy of a bucket that is not there");
    }
    Ok(())
}

async fn check_latest(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let (name, object) = split(key, "s3/object/")?;
    let object = std::str::from_utf8(object).map_err(|e| Fault::corrupt_by("the key of an object", e))?;
    check_version(checker, key, (name, object), &Version::decode(row)?).await
}

async fn check_older(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let (name, rest) = split(key, "s3/version/")?;
    let (object, _) = unescaped(rest).ok_or_else(|| Fault::corrupt("the key of a version"))?;
    let version = Version::decode(row)?;
    let at = (name, object.as_str());
    if version_key(name, &object, version.order) != key {
        checker.row(Kind::Disagrees, key, "it is the row of another version");
    }
    let newer = latest(&checker.view, at).await?;
    if newer.is_none_or(|newer| newer.order <= version.order || !newer.has_older) {
        checker.row(
            Kind::Disagrees,
            key,
            "the latest version of its key does not know of it",
        );
    }
    check_version(checker, key, at, &version).await
}

async fn check_version(checker: &Checker<'_>, key: &[u8], at: At<'_>, version: &Version) -> Result<(), Fault> {
    let Content::Object(object) = &version.content else {
        checker.count("delete markers", 1);
        return Ok(());
    };
    checker.count("objects", 1);
    let Some(bucket) = bucket(&checker.view, at.0).await? else {
        checker.row(Kind::Missing, key, "its bucket is not there");
        return Ok(());
    };
    let data_key = data_key(checker, key, &bucket, object).await?;
    match object.place {
        Place::Parts => check_parts(checker, key, at, object, data_key.as_ref()).await,
        Place::Blob(id) => {
            let opener = data_key
                .map(|data_key| object_opener(&data_key, at, object))
                .transpose()?;
            check_blob(checker, key, id, &Stream::of(object, opener)).await
        }
        Place::Row | Place::Bytes => {
            let opener = data_key
                .map(|data_key| object_opener(&data_key, at, object))
                .transpose()?;
            let bytes = bytes_of(&checker.view, at, object).await;
            check_bytes(checker, key, bytes, &Stream::of(object, opener))
        }
    }
}

/// The data key, unless nobody but the caller has it or nobody has it any more.
async fn data_key(
    checker: &Checker<'_>,
    key: &[u8],
    bucket: &Bucket,
    object: &Object,
) -> Result<Option<StreamKey>, Fault> {
    Ok(
        match seal::open_offline(checker, bucket, &object.id, &object.seal).await {
            Ok(OfflineKey::Opened(key)) => Some(key),
            Ok(OfflineKey::Customers) => {
                checker.count("objects under a customer's key", 1);
                None
            }
            Ok(OfflineKey::Gone) => {
                checker.count("objects whose KMS key is gone", 1);
                None
            }
            Err(fault @ Fault::Corrupt { .. }) => {
                checker.row(Kind::Damaged, key, gateway::check::told(&fault));
                None
            }
            Err(fault) => return Err(fault),
        },
    )
}

fn object_opener(key: &StreamKey, at: At<'_>, object: &Object) -> Result<Opener, Fault> {
    let identity = seal::identity(&object.id, at);
    Opener::new(key, &identity, &object.segments_header, object.size)
        .map_err(|e| Fault::corrupt_by("the header of an object's segments", e))
}

/// The parts of an object or upload: there, of the sizes that the index tells, and whole.
async fn check_parts(
    checker: &Checker<'_>,
    key: &[u8],
    at: At<'_>,
    object: &Object,
    data_key: Option<&StreamKey>,
) -> Result<(), Fault> {
    let Some(index) = index(&checker.view, at.0, &object.id).await? else {
        checker.row(Kind::Missing, key, "the index of its parts is not there");
        return Ok(());
    };
    let there = check_part_rows(checker, key, at, object, data_key).await?;
    if there != index.0 || there.iter().map(|(_, size)| *size).sum::<u64>() != object.size {
        checker.row(Kind::Disagrees, key, "its parts are not those of its index");
    }
    Ok(())
}

async fn check_part_rows(
    checker: &Checker<'_>,
    key: &[u8],
    at: At<'_>,
    object: &Object,
    data_key: Option<&StreamKey>,
) -> Result<Vec<(u16, u64)>, Fault> {
    let mut there = Vec::new();
    loop {
        let after = there.last().map_or(0, |(number, _)| *number);
        let page = parts(&checker.view, at.0, &object.id, after, PARTS_AT_ONCE).await?;
        for (number, part) in &page {
            checker.count("parts", 1);
            let identity = seal::part_identity(&object.id, at, *number);
            let opener = data_key
                .map(|data_key| {
                    Opener::new(
                        &seal::part_key(data_key, &part.id),
                        &identity,
                        &part.segments_header,
                        part.size,
                    )
                })
                .transpose()
                .map_err(|e| Fault::corrupt_by("the header of a part's segments", e))?;
            let stream = Stream {
                header: part.segments_header,
                size: part.size,
                opener,
            };
            match part.place {
                Place::Blob(id) => check_blob(checker, key, id, &stream).await?,
                _ => {
                    let bytes = part_bytes(&checker.view, at.0, part).await;
                    check_bytes(checker, key, bytes, &stream)?;
                }
            }
            there.push((*number, part.size));
        }
        if page.len() < PARTS_AT_ONCE {
            return Ok(there);
        }
    }
}

async fn check_upload(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let upload = Upload::decode(row)?;
    checker.count("uploads", 1);
    let (name, _) = split(key, "s3/upload/")?;
    let (object_key, id) = named(key, format!("s3/upload/{name}/").as_bytes())?;
    if id.object != upload.object.id {
        checker.row(Kind::Disagrees, key, "it is the row of another upload");
    }
    let Some(bucket) = bucket(&checker.view, name).await? else {
        checker.row(Kind::Missing, key, "its bucket is not there");
        return Ok(());
    };
    let data_key = data_key(checker, key, &bucket, &upload.object).await?;
    check_part_rows(checker, key, (name, &object_key), &upload.object, data_key.as_ref())
        .await
        .map(drop)
}

/// Bytes of a release before versions, which lie under the key of their object.
async fn check_body(checker: &Checker<'_>, key: &[u8]) -> Result<(), Fault> {
    let (name, rest) = split(key, "s3/body/")?;
    let object = std::str::from_utf8(rest).map_err(|e| Fault::corrupt_by("the key of an object", e))?;
    let row = checker.view.get(&object_key(name, object)).await?;
    let version = row.map(|row| Version::decode(&row)).transpose()?;
    let is_named = version.is_some_and(|version| version.object().is_some_and(|object| object.place == Place::Row));
    if !is_named {
        checker.orphan(key, "the bytes of an object that is not there");
    }
    Ok(())
}

/// What is known of sealed bytes by what names them; without an opener only their length can be checked.
struct Stream {
    header: [u8; HEADER_BYTES],
    size: u64,
    opener: Option<Opener>,
}

impl Stream {
    fn of(object: &Object, opener: Option<Opener>) -> Stream {
        Stream {
            header: object.segments_header,
            size: object.size,
            opener,
        }
    }

    /// Whether the bytes are as long as they should be.
    fn check_length(&self, checker: &Checker<'_>, key: &[u8], what: &str, length: u64) -> bool {
        let expected = sealed_len_after(&self.header, self.size);
        if expected != Some(length) {
            let expected = expected.map_or_else(|| "another number".to_owned(), |length| length.to_string());
            let text = format!("{what} has {length} bytes and should have {expected}");
            checker.row(Kind::Damaged, key, text);
        }
        expected == Some(length)
    }

    /// Opens neighbouring segments, beginning with the one of this index.
    fn check_segments(&self, checker: &Checker<'_>, key: &[u8], what: &str, first: u64, sealed: &mut [u8]) {
        let Some(opener) = &self.opener else { return };
        for (index, segment) in (first..).zip(sealed.chunks_mut(opener.segment_len())) {
            if opener.open_segment(index, segment).is_err() {
                checker.row(Kind::Damaged, key, format!("segment {index} of {what} does not open"));
            }
        }
    }
}

fn check_bytes(checker: &Checker<'_>, key: &[u8], bytes: Result<Bytes, Fault>, stream: &Stream) -> Result<(), Fault> {
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(Fault::Corrupt { .. }) => {
            checker.row(Kind::Missing, key, "its bytes are not there");
            return Ok(());
        }
        Err(fault) => return Err(fault),
    };
    checker.count("bytes", bytes.len() as u64);
    let what = "the row of its bytes";
    if stream.check_length(checker, key, what, bytes.len() as u64) {
        stream.check_segments(checker, key, what, 0, &mut bytes.to_vec());
    }
    Ok(())
}

/// A blob that a row names: there, of the right length, and every segment opens. Blocks the thread.
async fn check_blob(checker: &Checker<'_>, key: &[u8], id: BlobId, stream: &Stream) -> Result<(), Fault> {
    let Some(reader) = checker.world.blobs().open(id).await? else {
        checker.row(Kind::Missing, key, format!("its blob {id} is not there"));
        return Ok(());
    };
    let what = format!("its blob {id}");
    checker.count("blobs", 1);
    checker.count("bytes", reader.length());
    let (true, Some(opener)) = (
        stream.check_length(checker, key, &what, reader.length()),
        stream.opener.as_ref(),
    ) else {
        return Ok(());
    };
    let whole = opener.segments_for(0..stream.size).segments;
    let mut first = whole.start;
    while first < whole.end {
        let past = first.saturating_add(SEGMENTS_AT_ONCE).min(whole.end);
        let (start, end) = (opener.segment(first).start, opener.segment(past.saturating_sub(1)).end);
        let mut piece = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or(0)];
        reader.read_exact_at(start, &mut piece)?;
        stream.check_segments(checker, key, &what, first, &mut piece);
        first = past;
    }
    Ok(())
}

//! Sealing a whole object under a data key of its own, for PutObject and CopyObject.

use super::{NewObject, Plan, SealedBody, Source, seal_body};
use crate::{
    S3Error,
    model::etag,
    request::Declared,
    seal,
    table::{Bucket, Checksum, Object},
};
use base::{AccountId, Timestamp};
use bytes::Bytes;
use gateway::{Ctx, Txn};
use sigv4::checksum::ChecksumAlgorithm;

/// A sealed object that waits for its row.
#[derive(Clone)]
pub struct StagedObject {
    /// The object.
    pub object: Object,
    /// Its bytes, when they are to be in a row.
    pub bytes: Option<Bytes>,
    /// The `SSEApplied` of the record.
    pub applied: &'static str,
    of: (AccountId, Timestamp),
}

impl StagedObject {
    /// Refuses a bucket that was deleted and made again while the body was on its way: the key belongs to the one that was.
    pub fn is_of(&self, bucket: &Bucket) -> Result<(), S3Error> {
        match self.of == (bucket.owner, bucket.created) {
            true => Ok(()),
            false => Err(S3Error::OperationAborted),
        }
    }
}

/// Seals a body as a new object.
pub async fn seal_object(
    ctx: &Ctx,
    txn: &mut Txn,
    (at, bucket): (seal::At<'_>, &Bucket),
    new: &NewObject,
    (checksum, declared): (ChecksumAlgorithm, &Declared),
    source: Source<'_>,
) -> Result<StagedObject, S3Error> {
    let shared = new.allow_in(ctx, &txn.view(), at, bucket).await?;
    let id = ctx.random().bytes();
    let choice = new.choice(bucket);
    let key = seal::make_key(ctx, txn, bucket, at, &id, &choice).await?;
    let is_md5_seen = choice.shows_md5();
    let plan = Plan {
        key: &key.plain,
        identity: &seal::identity(&id, at),
        with_md5: is_md5_seen,
        checksum,
        declared,
    };
    let SealedBody {
        header,
        place,
        bytes,
        digests,
    } = seal_body(ctx, &plan, source).await?;
    let etag = match digests.md5.filter(|_| is_md5_seen) {
        Some(md5) => etag::of_md5(md5),
        None => etag::random(ctx.random()),
    };
    let object = Object {
        size: digests.length,
        etag,
        segments_header: header,
        place,
        checksum: Some(Checksum {
            algorithm: checksum.name().to_owned(),
            value: digests.checksum,
            composite: false,
        }),
        ..new.object(ctx, id, key.seal, shared)
    };
    Ok(StagedObject {
        object,
        bytes,
        applied: choice.applied(),
        of: (bucket.owner, bucket.created),
    })
}

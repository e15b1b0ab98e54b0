//! Making sealed bytes the object of a key: the last step of PutObject, CopyObject and CompleteMultipartUpload.

use crate::{
    S3Error, access,
    model::condition::WriteCondition,
    request::Request,
    seal,
    table::{self, Bucket, Content, Object, Version},
};
use bytes::Bytes;
use gateway::{Ctx, Txn};

/// Stores an object over or above what is there, if the condition of the write holds. `bytes` are those of one that lives in a
/// row.
pub async fn store(
    ctx: &Ctx,
    txn: &mut Txn,
    request: &Request,
    bucket: &Bucket,
    condition: Option<&WriteCondition>,
    object: Object,
    bytes: Option<Bytes>,
) -> Result<(Object, Version), S3Error> {
    let at = (request.bucket.as_str(), request.key.as_str());
    let existing = match condition {
        Some(_) => table::object(&txn.view(), at.0, at.1).await?,
        None => None,
    };
    access::allow_write(condition, at.1, existing.as_ref().map(|object| object.etag.as_str()))?;
    let object = Object {
        seal: seal::current(ctx, &txn.view(), bucket, &object.id, &object.seal).await?,
        ..object
    };
    let content = Content::Object(Box::new(object.clone()));
    let version = table::put_version(txn, at, bucket.versioning, content, bytes, (ctx.now(), ctx.random())).await?;
    Ok((object, version))
}

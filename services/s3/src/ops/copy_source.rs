//! The source of CopyObject and UploadPartCopy: which object, under which conditions, with which rights.
//!
//! It may be another account's and in another Region; its own bucket's policy decides, and KMS is asked in its Region.

use crate::{
    S3Error, access,
    model::{
        bucket_name,
        condition::{Preconditions, Verdict},
        customer_key::CustomerKey,
        key,
        version::VersionId,
    },
    opened::{self, Content},
    ops::read::{self, Pinned},
    request::{self, Request},
    seal, sse,
    table::{self, Bucket, Object},
    versions::{self, Chosen},
};
use base::Timestamp;
use gateway::{Call, Ctx, Demand, Txn};
use std::{borrow::Cow, ops::Range};
use store::ReadView;

/// The most bytes that one call copies.
pub const COPIED_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// What is copied.
pub struct CopySource {
    /// The call, as if it were on the source.
    pub request: Request,
    /// The header as sent.
    pub header: String,
    /// The version; the latest when none is named.
    pub version: Option<VersionId>,
    conditions: Preconditions,
    customer_key: Option<CustomerKey>,
}

impl CopySource {
    /// Reads the headers.
    pub fn of(call: &Call, request: &Request) -> Result<CopySource, S3Error> {
        let value = |name| request::amz(&call.head, name).map(Cow::into_owned);
        let header = value("x-amz-copy-source").unwrap_or_default();
        let date = |name| value(name).and_then(|date| Timestamp::parse_http(&date));
        let (path, version) = match header.split_once("?versionId=") {
            Some((path, version)) => (path, Some(versions::parse(version, "versionId")?)),
            None => (header.as_str(), None),
        };
        let (bucket, key) = address(path).ok_or_else(|| {
            let text = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
            S3Error::argument(text, "x-amz-copy-source", header.clone())
        })?;
        if bucket.starts_with("arn:") {
            return Err(S3Error::NotImplemented("x-amz-copy-source of an access point".into()));
        }
        if !bucket_name::is_bucket_name(&bucket) {
            return Err(S3Error::InvalidBucketName { bucket });
        }
        if !key::fits(&key) {
            return Err(S3Error::KeyTooLong { size: key.len() });
        }
        Ok(CopySource {
            request: Request {
                bucket,
                key,
                expected_owner: value("x-amz-source-expected-bucket-owner"),
                ..request.clone()
            },
            version,
            conditions: Preconditions {
                if_match: value("x-amz-copy-source-if-match"),
                if_none_match: value("x-amz-copy-source-if-none-match"),
                if_modified_since: date("x-amz-copy-source-if-modified-since"),
                if_unmodified_since: date("x-amz-copy-source-if-unmodified-since"),
            },
            customer_key: sse::customer_key(call, sse::COPY_SOURCE)?,
            header,
        })
    }

    /// The bucket's name and the key.
    pub fn at(&self) -> (&str, &str) {
        (&self.request.bucket, &self.request.key)
    }

    /// The rights to read it, and its tags when those are copied and there are some. Whether there are comes with them.
    pub async fn demands(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
        with_tags: bool,
    ) -> Result<(Vec<Demand>, bool), S3Error> {
        let bucket = access::find_anywhere(ctx, view, &self.request).await?;
        let mut found = access::found(ctx, view, &self.request.bucket, bucket).await?;
        let named = self.version.as_ref();
        let object = match named {
            None => table::object(view, &self.request.bucket, &self.request.key).await?,
            Some(id) => {
                let version = table::version(view, self.at(), id).await?;
                version.and_then(|version| version.object().cloned())
            }
        };
        if let Some(object) = &object {
            found = found.about(&self.request, object)?;
        }
        let on = |actions| versions::demand(ctx, &found, &self.request, named, actions);
        let mut demands = vec![on(("s3:GetObject", "s3:GetObjectVersion"))];
        let has_tags = with_tags && object.as_ref().is_some_and(|object| !object.tags.is_empty());
        if has_tags {
            demands.push(on(("s3:GetObjectTagging", "s3:GetObjectVersionTagging")));
        }
        if object.is_none() {
            // Who may not list may not learn from a 404 either.
            demands.push(found.on_bucket(ctx, "s3:ListBucket", &self.request));
        }
        Ok((demands, has_tags))
    }

    /// Finds it and sees to its conditions.
    pub async fn find(&self, ctx: &Ctx, view: &ReadView<'_>) -> Result<(Bucket, Pinned), S3Error> {
        let bucket = access::row(view, &self.request.bucket).await?;
        let pinned = read::pin(ctx, view, &self.request, self.version.as_ref()).await;
        let pinned = pinned.map_err(|error| match error {
            S3Error::IsDeleteMarker { .. } => S3Error::InvalidRequest(
                "The source of a copy request may not specifically refer to a delete marker by version id.".into(),
            ),
            other => other,
        })?;
        let Chosen { object, .. } = &pinned.chosen;
        match self.conditions.of_read(&object.etag, object.modified) {
            Verdict::Proceed => Ok((bucket, pinned)),
            Verdict::NotModified if self.conditions.if_none_match.is_some() => {
                Err(S3Error::PreconditionFailed("x-amz-copy-source-If-None-Match"))
            }
            Verdict::NotModified => Err(S3Error::PreconditionFailed("x-amz-copy-source-If-Modified-Since")),
            Verdict::Failed("If-Match") => Err(S3Error::PreconditionFailed("x-amz-copy-source-If-Match")),
            Verdict::Failed(_) => Err(S3Error::PreconditionFailed("x-amz-copy-source-If-Unmodified-Since")),
        }
    }

    /// Opens a range of it. What is not in memory opens as it is taken.
    pub async fn open(
        &self,
        ctx: &Ctx,
        txn: &mut Txn,
        bucket: &Bucket,
        pinned: Pinned,
        range: Range<u64>,
    ) -> Result<(Object, Content), S3Error> {
        if range.end.saturating_sub(range.start) > COPIED_BYTES_MAX {
            let text = format!(
                "The specified copy source is larger than the maximum allowable size for a copy source: {COPIED_BYTES_MAX}"
            );
            return Err(S3Error::InvalidRequest(text.into()));
        }
        let object = pinned.chosen.object;
        let key = seal::open_key(ctx, txn, bucket, &object, self.customer_key.as_ref()).await?;
        let content = opened::content(ctx, &txn.view(), self.at(), &object, &key, pinned.sealed, range).await?;
        Ok((object, content))
    }
}

/// A bucket and a key, each decoded.
fn address(path: &str) -> Option<(String, String)> {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    let path = decoded.strip_prefix('/').unwrap_or(&decoded);
    let (bucket, key) = path.split_once('/')?;
    (!bucket.is_empty() && !key.is_empty()).then(|| (bucket.to_owned(), key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;
    use wire::AwsError;

    #[test]
    fn sources_are_read() {
        let check = |header: &str, expected: Result<(&str, &str, bool), &str>| {
            let call = call(Method::PUT, "/bkt/k", &[("x-amz-copy-source", header)], b"");
            let source = CopySource::of(&call, &Request::of(&call));
            let result = source.map(|source| {
                let named = source.version.is_some();
                (source.request.bucket, source.request.key, named)
            });
            let expected = expected
                .map(|(bucket, key, named)| (bucket.to_owned(), key.to_owned(), named))
                .map_err(str::to_owned);
            assert_eq!(result.map_err(|e| e.code().into_owned()), expected, "{header}");
        };
        check("/src/a%20b/%E2%82%AC", Ok(("src", "a b/€", false)));
        check("src/k?versionId=null", Ok(("src", "k", true)));
        check("src/a%3FversionId=b", Ok(("src", "a?versionId=b", false)));
        check("src%2Fk", Ok(("src", "k", false)));
        check("src//k", Ok(("src", "/k", false)));
        for wrong in ["", "/", "src", "src/", "src/k?versionId=1"] {
            check(wrong, Err("InvalidArgument"));
        }
        check("a_b/k", Err("InvalidBucketName"));
        check("arn:aws:s3:us-east-1:1:accesspoint/p/object/k", Err("NotImplemented"));
    }
}

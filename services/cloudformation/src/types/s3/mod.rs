//! S3's types, and the calls on a bucket that they make.

mod bucket;
mod bucket_policy;

pub use bucket::BUCKET;
pub use bucket_policy::BUCKET_POLICY;

use crate::api::{Api, HandlerError};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use gateway::S3Call;
use http::Method;

/// A call on the bucket. What is put carries its checksum, without which some documents are refused.
async fn call(
    api: &mut Api,
    method: Method,
    bucket: &str,
    query: &str,
    body: Option<String>,
) -> Result<Bytes, HandlerError> {
    let checksum = body
        .as_deref()
        .map(|body| STANDARD.encode(record::sha256(body.as_bytes())));
    let headers: Vec<(&str, &str)> = checksum
        .iter()
        .map(|sum| ("x-amz-checksum-sha256", sum.as_str()))
        .collect();
    let call = S3Call {
        method,
        bucket,
        key: None,
        query,
        headers: &headers,
        body: body.unwrap_or_default(),
    };
    let (_, body) = api.s3(call).await?;
    Ok(body)
}

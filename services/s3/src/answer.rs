//! What answers have in common: documents, the headers of sealing, owners' ids.

use crate::{
    model::{
        encryption::{AES256, AWS_KMS, DSSE},
        version::VersionId,
    },
    table::{Checksum, Seal},
};
use base::AccountId;
use base64::{Engine, engine::general_purpose::STANDARD};
use gateway::Reply;
use http::HeaderName;
use record::Params;
use serde::Serialize;
use sigv4::checksum::ChecksumAlgorithm;

/// `x-amz-server-side-encryption`
pub const SSE: HeaderName = HeaderName::from_static("x-amz-server-side-encryption");
/// `x-amz-server-side-encryption-aws-kms-key-id`
pub const SSE_KEY: HeaderName = HeaderName::from_static("x-amz-server-side-encryption-aws-kms-key-id");

/// An answer with a document.
pub fn document(root: &str, value: &impl Serialize) -> Reply {
    match wire::xml::s3_document(root, value) {
        Ok(text) => Reply::with_body(200, "application/xml", text),
        Err(fault) => {
            // Our own shapes always fit XML; should one not, nothing half-written leaves.
            tracing::error!(error = %gateway::error::Chain(&fault), root, "an answer could not be written");
            Reply::empty(500)
        }
    }
}

/// `x-amz-server-side-encryption-bucket-key-enabled`
pub const SSE_BUCKET_KEY: HeaderName = HeaderName::from_static("x-amz-server-side-encryption-bucket-key-enabled");
/// `x-amz-server-side-encryption-customer-algorithm`
pub const SSE_CUSTOMER: HeaderName = HeaderName::from_static("x-amz-server-side-encryption-customer-algorithm");
/// `x-amz-server-side-encryption-customer-key-MD5`
pub const SSE_CUSTOMER_MD5: HeaderName = HeaderName::from_static("x-amz-server-side-encryption-customer-key-md5");

/// What is told of a seal, as headers.
fn told(seal: &Seal) -> Vec<(HeaderName, String)> {
    let kms = |kind: &str, key_arn: &base::Arn| vec![(SSE, kind.to_owned()), (SSE_KEY, key_arn.to_string())];
    match seal {
        Seal::Kms { key_arn, .. } => kms(AWS_KMS, key_arn),
        Seal::BucketKey { key_arn, .. } => {
            let mut told = kms(AWS_KMS, key_arn);
            told.push((SSE_BUCKET_KEY, "true".to_owned()));
            told
        }
        Seal::Dsse { key_arn, .. } => kms(DSSE, key_arn),
        Seal::S3 { .. } => vec![(SSE, AES256.to_owned())],
        Seal::Customer { md5, .. } => vec![
            (SSE_CUSTOMER, AES256.to_owned()),
            (SSE_CUSTOMER_MD5, STANDARD.encode(md5)),
        ],
    }
}

/// Adds the headers that tell how an object is sealed.
pub fn with_seal(reply: Reply, seal: &Seal) -> Reply {
    told(seal)
        .into_iter()
        .fold(reply, |reply, (name, value)| reply.header(name, &value))
}

/// The same for a record.
pub fn seal_params(seal: &Seal) -> Params {
    told(seal)
        .into_iter()
        .fold(Params::new(), |params, (name, value)| params.text(name.as_str(), value))
}

/// `x-amz-version-id`
pub const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");

/// `x-amz-delete-marker`
pub const DELETE_MARKER: HeaderName = HeaderName::from_static("x-amz-delete-marker");

/// Adds the version's id, when it is to be told.
pub fn with_version(reply: Reply, version: Option<VersionId>) -> Reply {
    match version {
        Some(version) => reply.header(VERSION_ID, &version.to_string()),
        None => reply,
    }
}

/// The same for a record.
pub fn version_params(version: Option<VersionId>) -> Params {
    Params::new().maybe_text(VERSION_ID.as_str(), version.map(|version| version.to_string()))
}

/// Adds a checksum with its kind, when there is one.
pub fn with_checksum(reply: Reply, checksum: Option<&Checksum>) -> Reply {
    let known = checksum.and_then(|checksum| Some((checksum, ChecksumAlgorithm::parse(&checksum.algorithm)?)));
    let Some((checksum, algorithm)) = known else {
        return reply;
    };
    let reply = with_header(reply, algorithm.header_name(), &checksum.value);
    with_header(reply, "x-amz-checksum-type", checksum.kind())
}

const EXPIRATION: HeaderName = HeaderName::from_static("x-amz-expiration");

/// Adds when a rule ends the object, when one does.
pub fn with_expiration(reply: Reply, expires: Option<String>) -> Reply {
    match expires {
        Some(expires) => reply.header(EXPIRATION, &expires),
        None => reply,
    }
}

/// Adds a header whose name is made at run time.
pub fn with_header(reply: Reply, name: &str, value: &str) -> Reply {
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) => reply.header(name, value),
        Err(_) => reply,
    }
}

/// The owner of a bucket or object, as documents name it.
#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub struct Owner {
    id: String,
}

impl Owner {
    /// An account's.
    pub fn of(account: AccountId) -> Owner {
        Owner {
            id: canonical_id(account),
        }
    }
}

/// The canonical user id of an account: 64 hexadecimal digits that say nothing but stay the same.
pub fn canonical_id(account: AccountId) -> String {
    hex::encode(sigv4::sha256(format!("shoseki canonical user {account}").as_bytes()))
}

//! Server access logging: where a bucket's logs go.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>

use serde::{Deserialize, Serialize};

/// A bucket's logging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logging {
    /// The bucket that gets the logs.
    pub target_bucket: String,
    /// What their keys begin with.
    pub target_prefix: String,
    /// How their keys go on.
    pub key_format: KeyFormat,
}

/// How the key of a log object is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyFormat {
    /// `PREFIX YYYY-mm-DD-HH-MM-SS-UNIQUE`, for nothing else was said.
    #[default]
    Unsaid,
    /// The same, said.
    Simple,
    /// `PREFIX ACCOUNT/REGION/BUCKET/YYYY/mm/DD/YYYY-mm-DD-HH-MM-SS-UNIQUE`, by the time of the calls.
    PartitionedByEventTime,
    /// The same, by the time of the delivery.
    PartitionedByDeliveryTime,
}

impl KeyFormat {
    /// Whether the keys are parted by account, Region, bucket and date.
    pub fn is_partitioned(self) -> bool {
        matches!(
            self,
            KeyFormat::PartitionedByEventTime | KeyFormat::PartitionedByDeliveryTime
        )
    }
}

/// One line of a log, in the order of its fields. What is not known is `-`.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html>
#[derive(Debug, Default)]
pub struct Line<'a> {
    /// The canonical id of the bucket's owner.
    pub owner: &'a str,
    /// The bucket.
    pub bucket: &'a str,
    /// `06/Feb/2019:00:00:38 +0000`
    pub time: &'a str,
    /// The caller's address.
    pub address: &'a str,
    /// The caller's ARN, or the canonical id of an account's root.
    pub requester: Option<&'a str>,
    /// The call's id.
    pub request_id: &'a str,
    /// `REST.GET.OBJECT`
    pub operation: &'a str,
    /// The key.
    pub key: Option<&'a str>,
    /// `GET /bucket/key HTTP/1.1`
    pub request_line: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The code of the error.
    pub error: Option<&'a str>,
    /// Bytes of the answer's body.
    pub bytes_sent: u64,
    /// Bytes of the object.
    pub object_size: Option<u64>,
    /// Milliseconds until the answer.
    pub millis: u128,
    /// `Referer`
    pub referer: Option<&'a str>,
    /// `User-Agent`
    pub user_agent: Option<&'a str>,
    /// The version that was asked for or made.
    pub version: Option<&'a str>,
    /// The answer's second id.
    pub host_id: &'a str,
    /// Whether the signature was in the query; `None` without one.
    pub presigned: Option<bool>,
    /// Cipher suite and version of TLS.
    pub tls: Option<(&'a str, &'a str)>,
    /// The host that was named.
    pub host: &'a str,
}

impl Line<'_> {
    /// The line with its end.
    pub fn text(&self) -> String {
        let plain = |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned();
        let quoted = |text: Option<&str>| format!("\"{}\"", plain(text).replace('"', "%22"));
        let number = |number: Option<u64>| number.filter(|n| *n > 0).map_or("-".to_owned(), |n| n.to_string());
        // A key is escaped twice over, so that a log is cut at its spaces safely.
        let key = self.key.map(super::listing::url_encoded);
        let fields = [
            plain(Some(self.owner)),
            plain(Some(self.bucket)),
            format!("[{}]", self.time),
            plain(Some(self.address)),
            plain(self.requester),
            plain(Some(self.request_id)),
            plain(Some(self.operation)),
            plain(key.as_deref()),
            quoted(Some(self.request_line)),
            self.status.to_string(),
            plain(self.error),
            number(Some(self.bytes_sent)),
            number(self.object_size),
            self.millis.to_string(),
            self.millis.to_string(),
            quoted(self.referer),
            quoted(self.user_agent),
            plain(self.version),
            plain(Some(self.host_id)),
            plain(self.presigned.map(|_| "SigV4")),
            plain(self.tls.map(|tls| tls.0)),
            plain(
                self.presigned
                    .map(|presigned| if presigned { "QueryString" } else { "AuthHeader" }),
            ),
            plain(Some(self.host)),
            plain(self.tls.map(|tls| tls.1)),
            // Neither an access point nor an ACL that was needed is told.
            "-".to_owned(),
            "-".to_owned(),
        ];
        fields.join(" ") + "\n"
    }
}

/// What a log calls an operation.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html>, field Operation.
pub fn operation(name: &str) -> String {
    let method = ["Get", "Put", "Delete", "Head", "Create", "List"]
        .into_iter()
        .find(|verb| name.starts_with(verb));
    let rest = method.map_or(name, |verb| name.trim_start_matches(verb));
    let verb = match method {
        Some("Create") => "PUT".to_owned(),
        Some("List") => "GET".to_owned(),
        Some(verb) => verb.to_ascii_uppercase(),
        None => "POST".to_owned(),
    };
    let known = match name {
        "AbortMultipartUpload" => Some("REST.DELETE.UPLOAD"),
        "CompleteMultipartUpload" => Some("REST.POST.UPLOAD"),
        "CopyObject" => Some("REST.COPY.OBJECT"),
        "CreateMultipartUpload" => Some("REST.POST.UPLOADS"),
        "DeleteObjects" => Some("REST.POST.MULTI_OBJECT_DELETE"),
        "ListMultipartUploads" => Some("REST.GET.UPLOADS"),
        "ListObjectVersions" => Some("REST.GET.BUCKETVERSIONS"),
        "ListObjects" | "ListObjectsV2" => Some("REST.GET.BUCKET"),
        "ListParts" => Some("REST.GET.UPLOAD"),
        "UploadPart" => Some("REST.PUT.PART"),
        "UploadPartCopy" => Some("REST.COPY.PART"),
        _ => None,
    };
    let resource = match rest {
        "Bucket" => "BUCKET",
        "BucketAcl" | "ObjectAcl" => "ACL",
        "BucketEncryption" => "ENCRYPTION",
        "BucketLifecycle" | "BucketLifecycleConfiguration" => "LIFECYCLE",
        "BucketLocation" => "LOCATION",
        "BucketLogging" => "LOGGING_STATUS",
        "BucketOwnershipControls" => "OWNERSHIP_CONTROLS",
        "BucketPolicy" => "BUCKETPOLICY",
        "BucketPolicyStatus" => "POLICY_STATUS",
        "BucketTagging" => "TAGGING",
        "BucketVersioning" => "VERSIONING",
        "Object" => "OBJECT",
        "ObjectAttributes" => "OBJECT_ATTRIBUTES",
        "ObjectLegalHold" => "LEGAL_HOLD",
        "ObjectLockConfiguration" => "OBJECT_LOCK",
        "ObjectRetention" => "RETENTION",
        "ObjectTagging" => "OBJECT_TAGGING",
        "PublicAccessBlock" => "PUBLIC_ACCESS_BLOCK",
        other => other,
    };
    known.map_or_else(
        || format!("REST.{verb}.{}", resource.to_ascii_uppercase()),
        str::to_owned,
    )
}

/// A query without what would let its reader call or decrypt. Names are taken as calls read them: decoded, in any case.
pub fn without_secrets(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=..."),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn is_secret(name: &str) -> bool {
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    let name = name.to_ascii_lowercase();
    // The keys of SSE-C, of an object and of the source of a copy, and what is computed of them.
    matches!(name.as_str(), "x-amz-signature" | "x-amz-security-token")
        || name.contains("server-side-encryption-customer-key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_every_field_in_its_place() {
        let line = Line {
            owner: "owner",
            bucket: "bkt",
            time: "06/Feb/2019:00:00:38 +0000",
            address: "192.0.2.3",
            requester: Some("arn:aws:iam::000000000000:user/u"),
            request_id: "3E57427F3EXAMPLE",
            operation: "REST.GET.OBJECT",
            key: Some("a b"),
            request_line: "GET /bkt/a%20b HTTP/1.1",
            status: 403,
            error: Some("AccessDenied"),
            bytes_sent: 0,
            object_size: Some(7),
            millis: 3,
            user_agent: Some("say \"hi\""),
            host_id: "second",
            presigned: Some(true),
            host: "localhost",
            ..Line::default()
        };
        assert_eq!(
            line.text(),
            "owner bkt [06/Feb/2019:00:00:38 +0000] 192.0.2.3 arn:aws:iam::000000000000:user/u 3E57427F3EXAMPLE \
             REST.GET.OBJECT a+b \"GET /bkt/a%20b HTTP/1.1\" 403 AccessDenied - 7 3 3 \"-\" \"say %22hi%22\" - second \
             SigV4 - QueryString localhost - - -\n"
        );
    }

    #[test]
    fn operations_have_awss_names() {
        let check = |name: &str, expected: &str| assert_eq!(operation(name), expected);
        check("GetObject", "REST.GET.OBJECT");
        check("PutBucketPolicy", "REST.PUT.BUCKETPOLICY");
        check("CreateBucket", "REST.PUT.BUCKET");
        check("GetBucketLogging", "REST.GET.LOGGING_STATUS");
        check("ListObjectsV2", "REST.GET.BUCKET");
        check("HeadObject", "REST.HEAD.OBJECT");
        check("CompleteMultipartUpload", "REST.POST.UPLOAD");
        check("DeleteObjectTagging", "REST.DELETE.OBJECT_TAGGING");
    }

    #[test]
    fn signatures_tokens_and_customer_keys_are_left_out() {
        let check = |query: &str, expected: &str| assert_eq!(without_secrets(query), expected);
        check("", "");
        check(
            "X-Amz-Date=d&X-Amz-Signature=s&X-Amz-Security-Token=t&versionId=v",
            "X-Amz-Date=d&X-Amz-Signature=...&X-Amz-Security-Token=...&versionId=v",
        );
        check(
            "x-amz-signature=s&X%2DAmz%2DSignature=s",
            "x-amz-signature=...&X%2DAmz%2DSignature=...",
        );
        check(
            "x-amz-server-side-encryption-customer-key=k&X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key=k",
            "x-amz-server-side-encryption-customer-key=...&\
             X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key=...",
        );
        check(
            "x-amz-server-side-encryption-customer-key-MD5=m&x-amz-server-side-encryption-customer-algorithm=AES256",
            "x-amz-server-side-encryption-customer-key-MD5=...&\
             x-amz-server-side-encryption-customer-algorithm=AES256",
        );
    }
}

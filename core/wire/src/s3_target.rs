//! Which S3 operation a request means: method, what it addresses and which sub-resource it asks for.
//!
//! All operations of S3's API are known here, also those that no room implements, so that the refusal can name them. A
//! sub-resource that does not belong to the method or to what is addressed is refused and never taken for the plain
//! object or bucket call: `PUT /bucket/key?policy` must not write an object.
//!
//! SPEC: Amazon S3 API Reference, request syntax of each operation.

use crate::{
    Head, RouteFault,
    head::{decode_percent, escapes_are_whole},
    s3_host::{S3Host, s3_host},
};
use percent_encoding::percent_decode_str;

/// What an S3 request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Target {
    /// The operation's name in the API.
    pub operation: &'static str,
    /// The bucket, decoded; its name is not checked.
    pub bucket: Option<String>,
    /// The key, decoded.
    pub key: Option<String>,
}

/// What is addressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Bucket,
    Object,
}
use Level::{Bucket, Object};

/// Sub-resources: level, query parameter, method, operation. The first row that matches rules.
const SUBRESOURCES: &[(Level, &str, &str, &str)] = &[
    (Object, "uploads", "POST", "CreateMultipartUpload"),
    (Object, "uploadId", "PUT", "UploadPart"),
    (Object, "uploadId", "POST", "CompleteMultipartUpload"),
    (Object, "uploadId", "DELETE", "AbortMultipartUpload"),
    (Object, "uploadId", "GET", "ListParts"),
    (Object, "acl", "GET", "GetObjectAcl"),
    (Object, "acl", "PUT", "PutObjectAcl"),
    (Object, "attributes", "GET", "GetObjectAttributes"),
    (Object, "encryption", "PUT", "UpdateObjectEncryption"),
    (Object, "legal-hold", "GET", "GetObjectLegalHold"),
    (Object, "legal-hold", "PUT", "PutObjectLegalHold"),
    (Object, "renameObject", "PUT", "RenameObject"),
    (Object, "restore", "POST", "RestoreObject"),
    (Object, "retention", "GET", "GetObjectRetention"),
    (Object, "retention", "PUT", "PutObjectRetention"),
    (Object, "select", "POST", "SelectObjectContent"),
    (Object, "tagging", "DELETE", "DeleteObjectTagging"),
    (Object, "tagging", "GET", "GetObjectTagging"),
    (Object, "tagging", "PUT", "PutObjectTagging"),
    (Object, "torrent", "GET", "GetObjectTorrent"),
    (Bucket, "abac", "GET", "GetBucketAbac"),
    (Bucket, "abac", "PUT", "PutBucketAbac"),
    (Bucket, "accelerate", "GET", "GetBucketAccelerateConfiguration"),
    (Bucket, "accelerate", "PUT", "PutBucketAccelerateConfiguration"),
    (Bucket, "acl", "GET", "GetBucketAcl"),
    (Bucket, "acl", "PUT", "PutBucketAcl"),
    (Bucket, "analytics", "DELETE", "DeleteBucketAnalyticsConfiguration"),
    (Bucket, "analytics", "GET", "ListBucketAnalyticsConfigurations"),
    (Bucket, "analytics", "PUT", "PutBucketAnalyticsConfiguration"),
    (Bucket, "cors", "DELETE", "DeleteBucketCors"),
    (Bucket, "cors", "GET", "GetBucketCors"),
    (Bucket, "cors", "PUT", "PutBucketCors"),
    (Bucket, "delete", "POST", "DeleteObjects"),
    (Bucket, "encryption", "DELETE", "DeleteBucketEncryption"),
    (Bucket, "encryption", "GET", "GetBucketEncryption"),
    (Bucket, "encryption", "PUT", "PutBucketEncryption"),
    (
        Bucket,
        "intelligent-tiering",
        "DELETE",
        "DeleteBucketIntelligentTieringConfiguration",
    ),
    (
        Bucket,
        "intelligent-tiering",
        "GET",
        "ListBucketIntelligentTieringConfigurations",
    ),
    (
        Bucket,
        "intelligent-tiering",
        "PUT",
        "PutBucketIntelligentTieringConfiguration",
    ),
    (Bucket, "inventory", "DELETE", "DeleteBucketInventoryConfiguration"),
    (Bucket, "inventory", "GET", "ListBucketInventoryConfigurations"),
    (Bucket, "inventory", "PUT", "PutBucketInventoryConfiguration"),
    (Bucket, "lifecycle", "DELETE", "DeleteBucketLifecycle"),
    (Bucket, "lifecycle", "GET", "GetBucketLifecycleConfiguration"),
    (Bucket, "lifecycle", "PUT", "PutBucketLifecycleConfiguration"),
    (Bucket, "location", "GET", "GetBucketLocation"),
    (Bucket, "logging", "GET", "GetBucketLogging"),
    (Bucket, "logging", "PUT", "PutBucketLogging"),
    (
        Bucket,
        "metadataConfiguration",
        "DELETE",
        "DeleteBucketMetadataConfiguration",
    ),
    (Bucket, "metadataConfiguration", "GET", "GetBucketMetadataConfiguration"),
    (
        Bucket,
        "metadataConfiguration",
        "POST",
        "CreateBucketMetadataConfiguration",
    ),
    (
        Bucket,
        "metadataInventoryTable",
        "PUT",
        "UpdateBucketMetadataInventoryTableConfiguration",
    ),
    (
        Bucket,
        "metadataJournalTable",
        "PUT",
        "UpdateBucketMetadataJournalTableConfiguration",
    ),
    (
        Bucket,
        "metadataTable",
        "DELETE",
        "DeleteBucketMetadataTableConfiguration",
    ),
    (Bucket, "metadataTable", "GET", "GetBucketMetadataTableConfiguration"),
    (
        Bucket,
        "metadataTable",
        "POST",
        "CreateBucketMetadataTableConfiguration",
    ),
    (Bucket, "metrics", "DELETE", "DeleteBucketMetricsConfiguration"),
    (Bucket, "metrics", "GET", "ListBucketMetricsConfigurations"),
    (Bucket, "metrics", "PUT", "PutBucketMetricsConfiguration"),
    (Bucket, "notification", "GET", "GetBucketNotificationConfiguration"),
    (Bucket, "notification", "PUT", "PutBucketNotificationConfiguration"),
    (Bucket, "object-lock", "GET", "GetObjectLockConfiguration"),
    (Bucket, "object-lock", "PUT", "PutObjectLockConfiguration"),
    (Bucket, "ownershipControls", "DELETE", "DeleteBucketOwnershipControls"),
    (Bucket, "ownershipControls", "GET", "GetBucketOwnershipControls"),
    (Bucket, "ownershipControls", "PUT", "PutBucketOwnershipControls"),
    (Bucket, "policy", "DELETE", "DeleteBucketPolicy"),
    (Bucket, "policy", "GET", "GetBucketPolicy"),
    (Bucket, "policy", "PUT", "PutBucketPolicy"),
    (Bucket, "policyStatus", "GET", "GetBucketPolicyStatus"),
    (Bucket, "publicAccessBlock", "DELETE", "DeletePublicAccessBlock"),
    (Bucket, "publicAccessBlock", "GET", "GetPublicAccessBlock"),
    (Bucket, "publicAccessBlock", "PUT", "PutPublicAccessBlock"),
    (Bucket, "replication", "DELETE", "DeleteBucketReplication"),
    (Bucket, "replication", "GET", "GetBucketReplication"),
    (Bucket, "replication", "PUT", "PutBucketReplication"),
    (Bucket, "requestPayment", "GET", "GetBucketRequestPayment"),
    (Bucket, "requestPayment", "PUT", "PutBucketRequestPayment"),
    (Bucket, "session", "GET", "CreateSession"),
    (Bucket, "tagging", "DELETE", "DeleteBucketTagging"),
    (Bucket, "tagging", "GET", "GetBucketTagging"),
    (Bucket, "tagging", "PUT", "PutBucketTagging"),
    (Bucket, "uploads", "GET", "ListMultipartUploads"),
    (Bucket, "versioning", "GET", "GetBucketVersioning"),
    (Bucket, "versioning", "PUT", "PutBucketVersioning"),
    (Bucket, "versions", "GET", "ListObjectVersions"),
    (Bucket, "website", "DELETE", "DeleteBucketWebsite"),
    (Bucket, "website", "GET", "GetBucketWebsite"),
    (Bucket, "website", "PUT", "PutBucketWebsite"),
];

/// Sub-resources of which `?id=` asks for one.
const BY_ID: &[(&str, &str)] = &[
    ("ListBucketAnalyticsConfigurations", "GetBucketAnalyticsConfiguration"),
    (
        "ListBucketIntelligentTieringConfigurations",
        "GetBucketIntelligentTieringConfiguration",
    ),
    ("ListBucketInventoryConfigurations", "GetBucketInventoryConfiguration"),
    ("ListBucketMetricsConfigurations", "GetBucketMetricsConfiguration"),
];

/// Operations that no sub-resource tells.
const PLAIN: &[&str] = &[
    "CopyObject",
    "CreateBucket",
    "DeleteBucket",
    "DeleteObject",
    "GetObject",
    "HeadBucket",
    "HeadObject",
    "ListBuckets",
    "ListObjects",
    "ListObjectsV2",
    "PostObject",
    "PutObject",
    "UploadPartCopy",
    "WriteGetObjectResponse",
];

/// The names of all operations of S3 that a request can mean, sorted.
pub fn s3_operation_names() -> Vec<&'static str> {
    let told = SUBRESOURCES.iter().map(|row| row.3);
    let one = BY_ID.iter().map(|(_, get)| *get);
    let mut names: Vec<_> = told.chain(one).chain(PLAIN.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What an S3 request means, by path or virtual host under `base_domain`.
pub fn s3_operation(head: &Head, base_domain: &str) -> Result<S3Target, RouteFault> {
    let queries = query_names(&head.query)?;
    if let Some(operation) = account_operation(head) {
        return Ok(S3Target {
            operation,
            bucket: None,
            key: None,
        });
    }
    let (bucket, key) = address(head, base_domain)?;
    let operation = match (&bucket, &key) {
        (None, _) => root_operation(head, &queries),
        (Some(bucket), None) => bucket_operation(head, bucket, &queries),
        (Some(_), Some(_)) => object_operation(head, &queries),
    };
    let operation = operation.ok_or_else(|| RouteFault::MethodNotAllowed {
        method: head.method.to_string(),
    })?;
    Ok(S3Target { operation, bucket, key })
}

/// Calls of S3 Control, on a whole account. They share S3's name in signatures, and no room takes them.
fn account_operation(head: &Head) -> Option<&'static str> {
    const VERSION: &str = "/v20180820/";
    let of_account = head.path.starts_with(VERSION) && head.headers.contains_key("x-amz-account-id");
    let path = head.path.strip_prefix(VERSION).filter(|_| of_account)?;
    Some(match (head.method.as_str(), path) {
        ("GET", "configuration/publicAccessBlock") => "GetPublicAccessBlock of S3 Control",
        ("PUT", "configuration/publicAccessBlock") => "PutPublicAccessBlock of S3 Control",
        ("DELETE", "configuration/publicAccessBlock") => "DeletePublicAccessBlock of S3 Control",
        _ => "S3 Control",
    })
}

fn address(head: &Head, base_domain: &str) -> Result<(Option<String>, Option<String>), RouteFault> {
    let path = head.path.strip_prefix('/').ok_or(RouteFault::InvalidUri)?;
    let present = |text: &str| match text {
        "" => Ok(None),
        text => decode_percent(text).map(Some),
    };
    match s3_host(&head.authority, base_domain) {
        S3Host::Virtual { bucket } => Ok((Some(bucket), present(path)?)),
        S3Host::Path => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            match (present(bucket)?, present(key)?) {
                (None, Some(_)) => Err(RouteFault::InvalidUri),
                address => Ok(address),
            }
        }
    }
}

/// The decoded names of the query; the values are only checked to decode.
fn query_names(query: &str) -> Result<Vec<String>, RouteFault> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !escapes_are_whole(value) || percent_decode_str(value).decode_utf8().is_err() {
                return Err(RouteFault::InvalidUri);
            }
            decode_percent(name)
        })
        .collect()
}

fn has(queries: &[String], name: &str) -> bool {
    queries.iter().any(|query| query == name)
}

/// The operation of the sub-resource asked for: `None` when none was, `Some(None)` when it does not fit.
fn subresource(level: Level, head: &Head, queries: &[String]) -> Option<Option<&'static str>> {
    let asked = |row: &&(Level, &str, &str, &str)| has(queries, row.1);
    let mut rows = SUBRESOURCES.iter().filter(asked).peekable();
    rows.peek()?;
    let fits = rows.find(|row| row.0 == level && head.method.as_str() == row.2);
    Some(fits.map(|row| row.3))
}

fn root_operation(head: &Head, queries: &[String]) -> Option<&'static str> {
    match (head.method.as_str(), subresource(Bucket, head, queries)) {
        ("GET", None) => Some("ListBuckets"),
        _ => None,
    }
}

fn bucket_operation(head: &Head, bucket: &str, queries: &[String]) -> Option<&'static str> {
    if let Some(found) = subresource(Bucket, head, queries) {
        let one = |(list, _): &&(&str, &str)| has(queries, "id") && found == Some(*list);
        return BY_ID.iter().find(one).map(|(_, get)| *get).or(found);
    }
    match head.method.as_str() {
        "DELETE" => Some("DeleteBucket"),
        "GET" if head.query_value("list-type").as_deref() == Some("2") => Some("ListObjectsV2"),
        "GET" => Some("ListObjects"),
        "HEAD" => Some("HeadBucket"),
        "POST" if bucket == "WriteGetObjectResponse" => Some("WriteGetObjectResponse"),
        "POST" if is_browser_form(head) => Some("PostObject"),
        "PUT" => Some("CreateBucket"),
        _ => None,
    }
}

fn is_browser_form(head: &Head) -> bool {
    head.header("content-type")
        .is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"))
}

fn object_operation(head: &Head, queries: &[String]) -> Option<&'static str> {
    let copies = head.headers.contains_key("x-amz-copy-source");
    match (head.method.as_str(), subresource(Object, head, queries)) {
        (_, Some(Some("UploadPart"))) if copies => Some("UploadPartCopy"),
        (_, Some(found)) => found,
        // A part without its upload must not become a whole object.
        ("PUT", None) if has(queries, "partNumber") => Some(if copies { "UploadPartCopy" } else { "UploadPart" }),
        ("DELETE", None) => Some("DeleteObject"),
        ("GET", None) => Some("GetObject"),
        ("HEAD", None) => Some("HeadObject"),
        ("PUT", None) => Some(if copies { "CopyObject" } else { "PutObject" }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::head;
    use proptest::prelude::*;

    #[test]
    fn the_names_are_complete() {
        let names = s3_operation_names();
        for plain in [
            root_operation(&head("GET", "h", "/", &[]), &[]),
            bucket_operation(&head("PUT", "h", "/b", &[]), "b", &[]),
            object_operation(&head("PUT", "h", "/b/k", &[("x-amz-copy-source", "/b/k")]), &[]),
        ] {
            assert!(names.contains(&plain.unwrap()), "{plain:?}");
        }
        assert!(names.len() > 100, "{}", names.len());
    }

    fn route(method: &str, host: &str, target: &str, headers: &[(&str, &str)]) -> Result<S3Target, RouteFault> {
        s3_operation(&head(method, host, target, headers), "localhost")
    }

    #[test]
    fn operations_by_method_address_and_subresource() {
        let check = |method: &str, target: &str, expected: &str| {
            let found = route(method, "localhost:4566", target, &[]).map(|t| t.operation);
            assert_eq!(found, Ok(expected), "{method} {target}");
        };
        check("GET", "/", "ListBuckets");
        check("GET", "/?x-id=ListBuckets&max-buckets=3", "ListBuckets");
        check("PUT", "/b", "CreateBucket");
        check("PUT", "/b/", "CreateBucket");
        check("HEAD", "/b", "HeadBucket");
        check("DELETE", "/b", "DeleteBucket");
        check("GET", "/b", "ListObjects");
        check("GET", "/b?prefix=a&list-type=2", "ListObjectsV2");
        check("GET", "/b?list-type=1", "ListObjects");
        check("GET", "/b?location", "GetBucketLocation");
        check("GET", "/b?acl=", "GetBucketAcl");
        check("GET", "/b?inventory", "ListBucketInventoryConfigurations");
        check("GET", "/b?inventory&id=1", "GetBucketInventoryConfiguration");
        check("DELETE", "/b?inventory&id=1", "DeleteBucketInventoryConfiguration");
        check("PUT", "/b?encryption", "PutBucketEncryption");
        check("PUT", "/b?%70olicy", "PutBucketPolicy");
        check("POST", "/b?delete", "DeleteObjects");
        check("POST", "/b/?delete", "DeleteObjects");
        check("GET", "/b?uploads", "ListMultipartUploads");
        check("PUT", "/b/k", "PutObject");
        check("PUT", "/b/k?x-id=PutObject", "PutObject");
        check("GET", "/b/k?versionId=1&response-content-type=a", "GetObject");
        check("GET", "/b/k?partNumber=1", "GetObject");
        check("HEAD", "/b/k?partNumber=1", "HeadObject");
        check("DELETE", "/b/k", "DeleteObject");
        check("GET", "/b/k?attributes", "GetObjectAttributes");
        check("POST", "/b/k?uploads", "CreateMultipartUpload");
        check("PUT", "/b/k?partNumber=1&uploadId=a", "UploadPart");
        check("PUT", "/b/k?partNumber=1", "UploadPart");
        check("GET", "/b/k?uploadId=a", "ListParts");
        check("POST", "/b/k?uploadId=a", "CompleteMultipartUpload");
        check("DELETE", "/b/k?uploadId=a", "AbortMultipartUpload");
        check("POST", "/b/k?select&select-type=2", "SelectObjectContent");
        check("PUT", "/b/k?legal-hold", "PutObjectLegalHold");
        check("POST", "/WriteGetObjectResponse", "WriteGetObjectResponse");
        for (level, query, method, operation) in SUBRESOURCES {
            let path = if *level == Object { "/b/k" } else { "/b" };
            check(method, &format!("{path}?{query}"), operation);
        }
    }

    #[test]
    fn accounts_have_calls_of_their_own() {
        let check = |method: &str, target: &str, headers: &[(&str, &str)], expected: &str| {
            let found = route(method, "localhost", target, headers).map(|t| t.operation);
            assert_eq!(found, Ok(expected), "{method} {target}");
        };
        let account = [("x-amz-account-id", "111122223333")];
        let block = "/v20180820/configuration/publicAccessBlock";
        check("PUT", block, &account, "PutPublicAccessBlock of S3 Control");
        check("GET", "/v20180820/jobs", &account, "S3 Control");
        check("GET", block, &[], "GetObject");
        check("GET", "/bucket/key", &account, "GetObject");
    }

    #[test]
    fn headers_tell_copies_and_browser_forms() {
        let check = |method: &str, target: &str, header, expected: &str| {
            let found = route(method, "localhost", target, &[header]).map(|t| t.operation);
            assert_eq!(found, Ok(expected), "{method} {target}");
        };
        let copy = ("x-amz-copy-source", "/a/b");
        check("PUT", "/b/k", copy, "CopyObject");
        check("PUT", "/b/k?partNumber=1&uploadId=a", copy, "UploadPartCopy");
        check("PUT", "/b/k?acl", copy, "PutObjectAcl");
        check(
            "POST",
            "/b",
            ("content-type", "multipart/form-data; boundary=x"),
            "PostObject",
        );
    }

    #[test]
    fn what_does_not_fit_is_never_taken_for_the_plain_call() {
        let check = |method: &str, target: &str| {
            let method_not_allowed = RouteFault::MethodNotAllowed {
                method: method.to_owned(),
            };
            assert_eq!(
                route(method, "localhost", target, &[]),
                Err(method_not_allowed),
                "{method} {target}"
            );
        };
        check("PUT", "/b/k?policy");
        check("DELETE", "/b/k?lifecycle");
        check("DELETE", "/b?versions");
        check("DELETE", "/b?acl");
        check("PUT", "/b?uploads");
        check("HEAD", "/b?acl");
        check("POST", "/b/k");
        check("POST", "/b");
        check("PUT", "/");
        check("PATCH", "/b/k");
        check("GET", "/?policy");
    }

    #[test]
    fn addresses() {
        let check = |host: &str, target: &str, bucket: &str, key: Option<&str>| {
            let found = route("GET", host, target, &[]).unwrap();
            assert_eq!(
                (found.bucket.as_deref(), found.key.as_deref()),
                (Some(bucket), key),
                "{host} {target}"
            );
        };
        check("localhost", "/b/a%20b+c/%E2%82%AC", "b", Some("a b+c/€"));
        check("localhost", "/b//x/../y", "b", Some("/x/../y"));
        check("localhost", "/b/k/", "b", Some("k/"));
        check("localhost", "/b/%2f", "b", Some("/"));
        check("127.0.0.1:1", "/b", "b", None);
        check("b.s3.localhost:1", "/", "b", None);
        check("b.s3.localhost:1", "/c/d", "b", Some("c/d"));
        check("b.localhost", "//c", "b", Some("/c"));
        for bad in [
            "/b/%", "/b/%zz", "/b/%ff", "/%ff", "*", "", "//k", "/b?a=%f", "/b?%zz", "/b?a=%ff",
        ] {
            assert_eq!(
                route("GET", "localhost", bad, &[]),
                Err(RouteFault::InvalidUri),
                "{bad}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_request_makes_it_panic(
            method in "GET|PUT|POST|HEAD|DELETE|OPTIONS",
            path in any::<String>(),
            query in any::<String>(),
            target in "/[a-z%/0-9.]{0,20}(\\?[a-z&=%]{0,20})?",
        ) {
            let _ = route(&method, "localhost", &target, &[]);
            let mut head = head(&method, "b.localhost", "/", &[]);
            head.path = path;
            head.query = query;
            let _ = s3_operation(&head, "localhost");
        }

        #[test]
        fn keys_come_back(key in any::<String>().prop_filter("a key", |k| !k.is_empty())) {
            let encoded = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC);
            let found = route("GET", "localhost", &format!("/b/{encoded}"), &[]).unwrap();
            prop_assert_eq!(found.key, Some(key));
        }
    }
}

//! S3's operations on buckets, from the members of their inputs to what goes over the wire.

use crate::aws::{Answer, Client, Error};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::Value;

/// How an operation goes over the wire.
struct Shape {
    operation: &'static str,
    method: Method,
    /// The setting's name in the query; empty for the bucket itself.
    setting: &'static str,
    /// The member that is the body, and the name of its element; a text goes as it is.
    body: Option<(&'static str, &'static str)>,
}

const fn put(operation: &'static str, setting: &'static str, member: &'static str, element: &'static str) -> Shape {
    Shape {
        operation,
        method: Method::PUT,
        setting,
        body: Some((member, element)),
    }
}

const fn delete(operation: &'static str, setting: &'static str) -> Shape {
    Shape {
        operation,
        method: Method::DELETE,
        setting,
        body: None,
    }
}

const fn get(operation: &'static str, setting: &'static str) -> Shape {
    Shape {
        operation,
        method: Method::GET,
        setting,
        body: None,
    }
}

static SHAPES: [Shape; 18] = [
    get("GetBucketEncryption", "encryption"),
    put(
        "CreateBucket",
        "",
        "CreateBucketConfiguration",
        "CreateBucketConfiguration",
    ),
    delete("DeleteBucket", ""),
    put("PutBucketPolicy", "policy", "Policy", ""),
    delete("DeleteBucketPolicy", "policy"),
    put(
        "PutBucketEncryption",
        "encryption",
        "ServerSideEncryptionConfiguration",
        "ServerSideEncryptionConfiguration",
    ),
    delete("DeleteBucketEncryption", "encryption"),
    put(
        "PutPublicAccessBlock",
        "publicAccessBlock",
        "PublicAccessBlockConfiguration",
        "PublicAccessBlockConfiguration",
    ),
    delete("DeletePublicAccessBlock", "publicAccessBlock"),
    put(
        "PutBucketVersioning",
        "versioning",
        "VersioningConfiguration",
        "VersioningConfiguration",
    ),
    put(
        "PutBucketLogging",
        "logging",
        "BucketLoggingStatus",
        "BucketLoggingStatus",
    ),
    put(
        "PutBucketLifecycleConfiguration",
        "lifecycle",
        "LifecycleConfiguration",
        "LifecycleConfiguration",
    ),
    delete("DeleteBucketLifecycle", "lifecycle"),
    put(
        "PutBucketOwnershipControls",
        "ownershipControls",
        "OwnershipControls",
        "OwnershipControls",
    ),
    delete("DeleteBucketOwnershipControls", "ownershipControls"),
    put("PutBucketTagging", "tagging", "Tagging", "Tagging"),
    delete("DeleteBucketTagging", "tagging"),
    // What is deleted here is an object that a change has put.
    delete("DeleteObject", ""),
];

/// A request of S3.
pub struct Request {
    /// The method.
    pub method: Method,
    /// The bucket.
    pub bucket: String,
    /// The object's key; empty for a call on the bucket.
    pub key: String,
    /// The query, encoded: `policy=`.
    pub query: String,
    content_type: &'static str,
    /// The body; may be empty.
    pub body: String,
}

impl Request {
    pub(super) async fn send(&self, client: &Client) -> Result<Answer, Error> {
        // S3 takes most settings of a bucket with a checksum only.
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.body.as_bytes());
        let checksum = STANDARD.encode(digest);
        let headers = [
            ("content-type", self.content_type),
            ("x-amz-checksum-sha256", checksum.as_str()),
        ];
        let headers = if self.body.is_empty() { &[][..] } else { &headers[..] };
        let (method, body) = (self.method.clone(), self.body.clone());
        client
            .s3(method, &self.bucket, &self.key, &self.query, headers, body)
            .await
    }
}

/// The request of an operation; nothing when the operation is not known, or its input names no bucket.
pub(super) fn request(operation: &str, input: &Value) -> Option<Request> {
    let shape = SHAPES.iter().find(|shape| shape.operation == operation)?;
    let bucket = input["Bucket"].as_str()?.to_owned();
    let key = input["Key"].as_str().unwrap_or_default().to_owned();
    let query = match shape.setting {
        "" => String::new(),
        setting => format!("{setting}="),
    };
    let body = shape.body.map(|(member, element)| match &input[member] {
        Value::String(text) => text.clone(),
        Value::Null if operation == "CreateBucket" => String::new(),
        value => {
            let mut xml = String::new();
            write(element, value, &mut xml);
            xml
        }
    });
    Some(Request {
        method: shape.method.clone(),
        bucket,
        key,
        query,
        content_type: if shape.setting == "policy" {
            "application/json"
        } else {
            "application/xml"
        },
        body: body.unwrap_or_default(),
    })
}

/// Lists whose items stand in their parent, and the name of an item.
const FLAT: [(&str, &str); 4] = [
    ("Rules", "Rule"),
    ("Transitions", "Transition"),
    ("NoncurrentVersionTransitions", "NoncurrentVersionTransition"),
    ("Tags", "Tag"),
];
/// Lists in an element of their own, and the name of an item.
const NESTED: [(&str, &str); 2] = [("TagSet", "Tag"), ("TargetGrants", "Grant")];

fn write(name: &str, value: &Value, out: &mut String) {
    let of = |lists: &[(&str, &'static str)]| lists.iter().find(|(list, _)| *list == name).map(|(_, item)| *item);
    match value {
        Value::Null => {}
        Value::Array(items) => {
            let item = of(&FLAT).or(of(&NESTED)).unwrap_or(name);
            let nested = of(&NESTED).is_some();
            if nested {
                out.push_str(&format!("<{name}>"));
            }
            for value in items {
                write(item, value, out);
            }
            if nested {
                out.push_str(&format!("</{name}>"));
            }
        }
        Value::Object(members) => {
            out.push_str(&format!("<{name}>"));
            for (member, value) in members {
                write(member, value, out);
            }
            out.push_str(&format!("</{name}>"));
        }
        Value::String(text) => out.push_str(&format!("<{name}>{}</{name}>", escaped(text))),
        scalar => out.push_str(&format!("<{name}>{scalar}</{name}>")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn inputs_become_requests() {
        let check = |operation: &str, input: Value, query: &str, body: &str| {
            let request = request(operation, &input).unwrap();
            assert_eq!(
                (request.bucket.as_str(), request.query.as_str(), request.body.as_str()),
                ("b", query, body),
                "{operation}"
            );
        };
        let encryption = json!({ "Bucket": "b", "ServerSideEncryptionConfiguration": { "Rules": [
            { "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" }, "BucketKeyEnabled": false } ] } });
        check(
            "PutBucketEncryption",
            encryption,
            "encryption=",
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
             </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>",
        );
        check(
            "PutBucketPolicy",
            json!({ "Bucket": "b", "Policy": "{}" }),
            "policy=",
            "{}",
        );
        check("CreateBucket", json!({ "Bucket": "b" }), "", "");
        check(
            "PutBucketTagging",
            json!({ "Bucket": "b", "Tagging": { "TagSet": [{ "Key": "a", "Value": "<&" }] } }),
            "tagging=",
            "<Tagging><TagSet><Tag><Key>a</Key><Value>&lt;&amp;</Value></Tag></TagSet></Tagging>",
        );
        check("DeleteBucket", json!({ "Bucket": "b" }), "", "");
        assert!(request("GetObject", &json!({ "Bucket": "b" })).is_none());
        assert!(request("DeleteBucket", &json!({})).is_none());
    }
}

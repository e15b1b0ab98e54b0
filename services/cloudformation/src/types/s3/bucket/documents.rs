//! A bucket's configurations: as a template has them, as S3's documents have them, and back.

use super::lifecycle;
use crate::{
    api::{HandlerError, HandlerErrorCode},
    types::values::{items, text},
};
use gateway::AwsBehavior;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use wire::xml::{self, ListStyle};

/// A configuration that S3 keeps of a bucket, and the property that it is.
pub(super) struct Configuration {
    /// The property.
    pub property: &'static str,
    /// The sub-resource, such as `versioning`.
    pub query: &'static str,
    /// The document's root.
    pub root: &'static str,
    /// What the document says of the property in this bucket.
    pub write: fn(&Value, &str) -> Result<Value, HandlerError>,
    /// What takes its place when the property is taken away: what a new bucket has, so that none becomes wider than that.
    /// `None` when it is deleted.
    pub without: fn(AwsBehavior) -> Option<Value>,
    /// What the property is by the document.
    pub read: fn(&[u8]) -> Option<Value>,
}

/// In the order in which they are put: versioning before the lock that needs it, ownership and the block before the ACL.
pub(super) static CONFIGURATIONS: [Configuration; 8] = [
    Configuration {
        property: "OwnershipControls",
        query: "ownershipControls",
        root: "OwnershipControls",
        write: |controls, _| Ok(json!({"Rule": items(controls, "Rules")})),
        without: |behavior| match behavior {
            AwsBehavior::Current => Some(json!({"Rule": [{"ObjectOwnership": "BucketOwnerEnforced"}]})),
            AwsBehavior::Seeds => None,
        },
        read: |body| {
            let found: Ownership = read(body)?;
            Some(json!({"Rules": [{"ObjectOwnership": found.rule.object_ownership}]}))
        },
    },
    Configuration {
        property: "PublicAccessBlockConfiguration",
        query: "publicAccessBlock",
        root: "PublicAccessBlockConfiguration",
        write: |block, _| Ok(block.clone()),
        without: |_| {
            Some(json!({
                "BlockPublicAcls": true,
                "BlockPublicPolicy": true,
                "IgnorePublicAcls": true,
                "RestrictPublicBuckets": true,
            }))
        },
        read: |body| {
            let found: Block = read(body)?;
            Some(json!({
                "BlockPublicAcls": found.block_public_acls,
                "BlockPublicPolicy": found.block_public_policy,
                "IgnorePublicAcls": found.ignore_public_acls,
                "RestrictPublicBuckets": found.restrict_public_buckets,
            }))
        },
    },
    Configuration {
        property: "VersioningConfiguration",
        query: "versioning",
        root: "VersioningConfiguration",
        write: |versioning, _| Ok(versioning.clone()),
        without: |_| Some(json!({"Status": "Suspended"})),
        read: |body| {
            let found: Versioning = read(body)?;
            Some(json!({"Status": found.status?}))
        },
    },
    Configuration {
        property: "BucketEncryption",
        query: "encryption",
        root: "ServerSideEncryptionConfiguration",
        write: |encryption, _| Ok(encryption_document(encryption)),
        without: |_| None,
        read: encryption_of,
    },
    Configuration {
        property: "LifecycleConfiguration",
        query: "lifecycle",
        root: "LifecycleConfiguration",
        write: |lifecycle, _| lifecycle::document(lifecycle),
        without: |_| None,
        read: lifecycle::read,
    },
    Configuration {
        property: "LoggingConfiguration",
        query: "logging",
        root: "BucketLoggingStatus",
        write: |logging, bucket| Ok(logging_document(logging, bucket)),
        without: |_| Some(json!({})),
        read: logging_of,
    },
    Configuration {
        property: "ObjectLockConfiguration",
        query: "object-lock",
        root: "ObjectLockConfiguration",
        write: |lock, _| Ok(lock.clone()),
        without: |_| Some(json!({"ObjectLockEnabled": "Enabled"})),
        read: lock_of,
    },
    Configuration {
        property: "Tags",
        query: "tagging",
        root: "Tagging",
        write: |tags, _| Ok(json!({"TagSet": {"Tag": tags}})),
        without: |_| None,
        read: |body| {
            let found: Tagging = read(body)?;
            let tag = |tag: &Tag| json!({"Key": tag.key, "Value": tag.value});
            Some(found.tag_set.tag.iter().map(tag).collect())
        },
    },
];

/// A document of S3's.
pub(super) fn to_xml(root: &str, document: &Value) -> Result<String, HandlerError> {
    xml::to_string(root, document, ListStyle::Flat)
        .map_err(|_| HandlerError::of(HandlerErrorCode::InvalidRequest, format!("{root} does not fit XML.")))
}

/// Reads a document of S3's; `None` when it is none.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    xml::parse(body).ok()
}

/// An object of those members that are there.
pub(super) fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let present = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<String, Value>>())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ownership {
    rule: OwnershipRule,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OwnershipRule {
    object_ownership: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Block {
    block_public_acls: bool,
    block_public_policy: bool,
    ignore_public_acls: bool,
    restrict_public_buckets: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versioning {
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagging {
    tag_set: TagSet,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct TagSet {
    tag: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encryption {
    #[serde(default)]
    rule: Vec<EncryptionRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptionRule {
    apply_server_side_encryption_by_default: Option<ByDefault>,
    bucket_key_enabled: Option<bool>,
    blocked_encryption_types: Option<Blocked>,
}

#[derive(Deserialize)]
struct ByDefault {
    #[serde(rename = "SSEAlgorithm")]
    sse_algorithm: String,
    #[serde(rename = "KMSMasterKeyID")]
    kms_master_key_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blocked {
    #[serde(default)]
    encryption_type: Vec<String>,
}

fn encryption_document(encryption: &Value) -> Value {
    let rule = |rule: &Value| {
        object([
            (
                "ApplyServerSideEncryptionByDefault",
                rule.get("ServerSideEncryptionByDefault").cloned(),
            ),
            ("BucketKeyEnabled", rule.get("BucketKeyEnabled").cloned()),
            ("BlockedEncryptionTypes", rule.get("BlockedEncryptionTypes").cloned()),
        ])
    };
    let rules: Vec<Value> = items(encryption, "ServerSideEncryptionConfiguration")
        .iter()
        .map(rule)
        .collect();
    json!({ "Rule": rules })
}

fn encryption_of(body: &[u8]) -> Option<Value> {
    let found: Encryption = read(body)?;
    let by_default = |by: ByDefault| {
        object([
            ("SSEAlgorithm", Some(by.sse_algorithm.into())),
            ("KMSMasterKeyID", by.kms_master_key_id.map(Value::from)),
        ])
    };
    let rule = |rule: EncryptionRule| {
        object([
            (
                "ServerSideEncryptionByDefault",
                rule.apply_server_side_encryption_by_default.map(by_default),
            ),
            ("BucketKeyEnabled", rule.bucket_key_enabled.map(Value::from)),
            (
                "BlockedEncryptionTypes",
                rule.blocked_encryption_types
                    .map(|blocked| json!({"EncryptionType": blocked.encryption_type})),
            ),
        ])
    };
    let rules: Vec<Value> = found.rule.into_iter().map(rule).collect();
    Some(json!({ "ServerSideEncryptionConfiguration": rules }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoggingStatus {
    logging_enabled: Option<LoggingEnabled>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoggingEnabled {
    target_bucket: String,
    #[serde(default)]
    target_prefix: String,
    target_object_key_format: Option<KeyFormat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyFormat {
    partitioned_prefix: Option<Partitioned>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Partitioned {
    partition_date_source: Option<String>,
}

/// Without a destination the bucket keeps its own logs.
fn logging_document(logging: &Value, bucket: &str) -> Value {
    let enabled = object([
        (
            "TargetBucket",
            Some(text(logging, "DestinationBucketName").unwrap_or(bucket).into()),
        ),
        (
            "TargetPrefix",
            Some(text(logging, "LogFilePrefix").unwrap_or_default().into()),
        ),
        ("TargetObjectKeyFormat", logging.get("TargetObjectKeyFormat").cloned()),
    ]);
    json!({ "LoggingEnabled": enabled })
}

fn logging_of(body: &[u8]) -> Option<Value> {
    let found: LoggingStatus = read(body)?;
    let enabled = found.logging_enabled?;
    let format = |format: KeyFormat| match format.partitioned_prefix {
        Some(partitioned) => {
            let source = partitioned.partition_date_source.map(Value::from);
            json!({ "PartitionedPrefix": object([("PartitionDateSource", source)]) })
        }
        None => json!({"SimplePrefix": {}}),
    };
    Some(object([
        ("DestinationBucketName", Some(enabled.target_bucket.into())),
        ("LogFilePrefix", Some(enabled.target_prefix.into())),
        ("TargetObjectKeyFormat", enabled.target_object_key_format.map(format)),
    ]))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lock {
    object_lock_enabled: Option<String>,
    rule: Option<LockRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LockRule {
    default_retention: Option<Retention>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retention {
    mode: Option<String>,
    days: Option<i64>,
    years: Option<i64>,
}

fn lock_of(body: &[u8]) -> Option<Value> {
    let found: Lock = read(body)?;
    let retention = |retention: Retention| {
        object([
            ("Mode", retention.mode.map(Value::from)),
            ("Days", retention.days.map(Value::from)),
            ("Years", retention.years.map(Value::from)),
        ])
    };
    let rule = |rule: LockRule| object([("DefaultRetention", rule.default_retention.map(retention))]);
    Some(object([
        ("ObjectLockEnabled", found.object_lock_enabled.map(Value::from)),
        ("Rule", found.rule.map(rule)),
    ]))
}

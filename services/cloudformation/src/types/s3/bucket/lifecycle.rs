//! Lifecycle rules: a template's flat rules and S3's nested ones.

use super::documents::{object, read as read_xml};
use crate::{
    api::{HandlerError, HandlerErrorCode},
    types::values::items,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The document of the rules.
pub(super) fn document(lifecycle: &Value) -> Result<Value, HandlerError> {
    let rules = items(lifecycle, "Rules")
        .iter()
        .map(rule_document)
        .collect::<Result<Vec<Value>, HandlerError>>()?;
    Ok(json!({ "Rule": rules }))
}

fn rule_document(rule: &Value) -> Result<Value, HandlerError> {
    let given = |name: &str| rule.get(name).cloned();
    let expiration = object([
        ("Days", given("ExpirationInDays")),
        ("Date", given("ExpirationDate")),
        ("ExpiredObjectDeleteMarker", given("ExpiredObjectDeleteMarker")),
    ]);
    let noncurrent = match (
        given("NoncurrentVersionExpiration"),
        given("NoncurrentVersionExpirationInDays"),
    ) {
        (Some(_), Some(_)) => {
            let text =
                "A lifecycle rule has NoncurrentVersionExpiration or NoncurrentVersionExpirationInDays, not both";
            return Err(HandlerError::of(HandlerErrorCode::InvalidRequest, text));
        }
        (modern, None) => modern,
        (None, Some(days)) => Some(json!({ "NoncurrentDays": days })),
    };
    Ok(object([
        ("ID", given("Id")),
        ("Status", given("Status")),
        ("Filter", Some(filter(rule))),
        ("Expiration", Some(expiration).filter(has_members)),
        ("NoncurrentVersionExpiration", noncurrent),
        (
            "AbortIncompleteMultipartUpload",
            given("AbortIncompleteMultipartUpload"),
        ),
    ]))
}

/// One condition stands by itself, several under `And`.
fn filter(rule: &Value) -> Value {
    let tags = items(rule, "TagFilters");
    let conditions = object([
        ("Prefix", rule.get("Prefix").cloned()),
        ("ObjectSizeGreaterThan", rule.get("ObjectSizeGreaterThan").cloned()),
        ("ObjectSizeLessThan", rule.get("ObjectSizeLessThan").cloned()),
        ("Tag", (!tags.is_empty()).then(|| tags.into())),
    ]);
    let others = conditions.as_object().map_or(0, |all| all.len()) - usize::from(!tags.is_empty());
    match others + tags.len() {
        0 | 1 => conditions,
        _ => json!({ "And": conditions }),
    }
}

fn has_members(value: &Value) -> bool {
    value.as_object().is_some_and(|members| !members.is_empty())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    #[serde(rename = "ID")]
    id: Option<String>,
    status: Option<String>,
    prefix: Option<String>,
    filter: Option<Filter>,
    expiration: Option<Expiration>,
    noncurrent_version_expiration: Option<Noncurrent>,
    abort_incomplete_multipart_upload: Option<Abort>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Filter {
    prefix: Option<String>,
    tag: Vec<Tag>,
    object_size_greater_than: Option<u64>,
    object_size_less_than: Option<u64>,
    and: Option<Box<Filter>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Expiration {
    days: Option<i64>,
    date: Option<String>,
    expired_object_delete_marker: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Noncurrent {
    noncurrent_days: Option<i64>,
    newer_noncurrent_versions: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Abort {
    days_after_initiation: Option<i64>,
}

/// The rules of a document.
pub(super) fn read(body: &[u8]) -> Option<Value> {
    let found: Document = read_xml(body)?;
    let rules: Vec<Value> = found.rule.into_iter().map(rule_of).collect();
    Some(json!({ "Rules": rules }))
}

fn rule_of(rule: Rule) -> Value {
    let filter = rule.filter.unwrap_or_default();
    let filter = filter.and.map_or(Filter { and: None, ..filter }, |and| *and);
    let expiration = rule.expiration.unwrap_or_default();
    let tags: Vec<Value> = filter
        .tag
        .iter()
        .map(|tag| json!({"Key": tag.key, "Value": tag.value}))
        .collect();
    let noncurrent = |ends: Noncurrent| {
        object([
            ("NoncurrentDays", ends.noncurrent_days.map(Value::from)),
            (
                "NewerNoncurrentVersions",
                ends.newer_noncurrent_versions.map(Value::from),
            ),
        ])
    };
    let bytes = |bytes: u64| Value::from(bytes.to_string());
    object([
        ("Id", rule.id.map(Value::from)),
        ("Status", rule.status.map(Value::from)),
        ("Prefix", rule.prefix.or(filter.prefix).map(Value::from)),
        ("TagFilters", (!tags.is_empty()).then(|| tags.into())),
        ("ObjectSizeGreaterThan", filter.object_size_greater_than.map(bytes)),
        ("ObjectSizeLessThan", filter.object_size_less_than.map(bytes)),
        ("ExpirationInDays", expiration.days.map(Value::from)),
        ("ExpirationDate", expiration.date.map(Value::from)),
        (
            "ExpiredObjectDeleteMarker",
            expiration.expired_object_delete_marker.map(Value::from),
        ),
        (
            "NoncurrentVersionExpiration",
            rule.noncurrent_version_expiration.map(noncurrent),
        ),
        (
            "AbortIncompleteMultipartUpload",
            rule.abort_incomplete_multipart_upload
                .map(|abort| object([("DaysAfterInitiation", abort.days_after_initiation.map(Value::from))])),
        ),
    ])
}

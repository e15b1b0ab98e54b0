//! KMS's types, and what keys and replicas of keys have in common.

mod alias;
mod key;
mod replica_key;

pub use alias::ALIAS;
pub use key::KEY;
pub use replica_key::REPLICA_KEY;

use super::{
    Existing, Kind, Made, Property, Tags,
    made::{TAG, made_of_texts},
    values::{flag, tag_changes, tags, text},
};
use crate::api::{Api, HandlerError, HandlerErrorCode};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use wire::ServiceName;

/// `Tags`
const TAGS_PROPERTY: Property = Property::new("Tags", Kind::Set(&TAG));

/// How a key has its tags; KMS takes none of AWS's own.
const TAGS: Option<Tags> = Some(Tags {
    property: "Tags",
    system: false,
});

/// What `Fn::GetAtt` gives of a key.
const ATTRIBUTES: &[&str] = &["Arn", "KeyId"];

/// A call of KMS.
async fn kms(api: &mut Api, operation: &str, input: &Value) -> Result<Value, HandlerError> {
    api.json(ServiceName::Kms, operation, input).await
}

/// The key of an answer's metadata.
fn made(metadata: &Value) -> Result<Made, HandlerError> {
    let (Some(id), Some(arn)) = (text(metadata, "KeyId"), text(metadata, "Arn")) else {
        let text = "KMS answered no key.";
        return Err(HandlerError::of(HandlerErrorCode::ServiceInternalError, text));
    };
    Ok(made_of_texts(id, &[("Arn", arn), ("KeyId", id)]))
}

/// The key's metadata. One that is going to be deleted is taken for gone.
async fn describe(api: &mut Api, key: &str) -> Result<Value, HandlerError> {
    let mut answer = kms(api, "DescribeKey", &json!({ "KeyId": key })).await?;
    let metadata = answer.get_mut("KeyMetadata").map(Value::take).unwrap_or_default();
    match text(&metadata, "KeyState") {
        Some("PendingDeletion" | "PendingReplicaDeletion") => {
            let text = format!("Key '{key}' is pending deletion");
            Err(HandlerError::of(HandlerErrorCode::NotFound, text))
        }
        _ => Ok(metadata),
    }
}

/// The tags as KMS has them.
fn tag_list(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter()
        .map(|(key, value)| json!({"TagKey": key, "TagValue": value}))
        .collect()
}

/// A policy as KMS takes it.
fn policy_text(properties: &Value) -> Option<String> {
    properties.get("KeyPolicy").map(Value::to_string)
}

/// Whether the key is to be enabled, which it is unless it is said.
fn is_enabled(properties: &Value) -> bool {
    flag(properties, "Enabled").unwrap_or(true)
}

/// Enables or disables a key.
async fn enable(api: &mut Api, key: &str, enabled: bool) -> Result<(), HandlerError> {
    let operation = if enabled { "EnableKey" } else { "DisableKey" };
    kms(api, operation, &json!({ "KeyId": key })).await.map(drop)
}

/// Changes description, policy and tags, in this order.
async fn update_common(
    api: &mut Api,
    key: &str,
    (before, after): (&Value, &Value),
    policy: Option<(String, bool)>,
) -> Result<(), HandlerError> {
    let description = |properties: &Value| text(properties, "Description").unwrap_or_default().to_owned();
    if description(before) != description(after) {
        let input = json!({"KeyId": key, "Description": description(after)});
        kms(api, "UpdateKeyDescription", &input).await?;
    }
    if let Some((policy, bypass)) = policy {
        let input = json!({
            "KeyId": key, "PolicyName": "default", "Policy": policy, "BypassPolicyLockoutSafetyCheck": bypass,
        });
        kms(api, "PutKeyPolicy", &input).await?;
    }
    let (set, gone) = tag_changes(&tags(before, "Tags"), &tags(after, "Tags"));
    if !gone.is_empty() {
        kms(api, "UntagResource", &json!({"KeyId": key, "TagKeys": gone})).await?;
    }
    if !set.is_empty() {
        kms(api, "TagResource", &json!({"KeyId": key, "Tags": tag_list(&set)})).await?;
    }
    Ok(())
}

/// Schedules the key's deletion.
async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    let key = existing.physical_id.as_str();
    describe(api, key).await?;
    let mut input = json!({ "KeyId": key });
    if let Some(days) = existing.properties.get("PendingWindowInDays") {
        input["PendingWindowInDays"] = days.clone();
    }
    kms(api, "ScheduleKeyDeletion", &input).await.map(drop)
}

/// What every key can tell, and its metadata.
async fn read_common(api: &mut Api, key: &str) -> Result<(Map<String, Value>, Value), HandlerError> {
    let metadata = describe(api, key).await?;
    let mut found = Map::new();
    for name in ["Description", "Enabled"] {
        found.insert(name.to_owned(), metadata.get(name).cloned().unwrap_or_default());
    }
    let policy = kms(api, "GetKeyPolicy", &json!({"KeyId": key, "PolicyName": "default"})).await?;
    let policy = text(&policy, "Policy").and_then(|policy| serde_json::from_str(policy).ok());
    found.insert("KeyPolicy".to_owned(), policy.unwrap_or_default());
    found.insert("Tags".to_owned(), list_tags(api, key).await?.into());
    Ok((found, metadata))
}

async fn list_tags(api: &mut Api, key: &str) -> Result<Vec<Value>, HandlerError> {
    let mut found = Vec::new();
    let mut input = json!({ "KeyId": key });
    loop {
        let page = kms(api, "ListResourceTags", &input).await?;
        let tag = |tag: &Value| json!({"Key": tag.get("TagKey"), "Value": tag.get("TagValue")});
        found.extend(
            page.get("Tags")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(tag),
        );
        match page.get("NextMarker").filter(|marker| marker.is_string()) {
            Some(marker) => input["Marker"] = marker.clone(),
            None => return Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_id_and_tells_its_arn() {
        let metadata = json!({"KeyId": "mrk-1", "Arn": "arn:aws:kms:us-east-1:1:key/mrk-1", "Enabled": true});
        let made = made(&metadata).expect("a key");
        assert_eq!(made.physical_id, "mrk-1");
        let names: Vec<&str> = made.attributes.keys().map(String::as_str).collect();
        assert_eq!(names, ATTRIBUTES);
        assert!(super::made(&json!({"KeyId": "k"})).is_err());
    }

    #[test]
    fn a_key_is_enabled_unless_it_is_said() {
        for (properties, expected) in [
            (json!({}), true),
            (json!({"Enabled": true}), true),
            (json!({"Enabled": false}), false),
        ] {
            assert_eq!(is_enabled(&properties), expected);
        }
    }
}

//! `AWS::KMS::ReplicaKey`: a replica, in the stack's Region, of a multi-Region key of another.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-replicakey.html>

use super::{ATTRIBUTES, TAGS, TAGS_PROPERTY, describe, enable, is_enabled, policy_text};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{
        Desired, Existing, Handler, Kind, Made, Property, ResourceType, made,
        values::{tags, text},
    },
};
use base::Region;
use gateway::Boxed;
use serde_json::{Value, json};
use wire::ServiceName;

/// `AWS::KMS::ReplicaKey`
pub static REPLICA_KEY: ResourceType = ResourceType {
    name: "AWS::KMS::ReplicaKey",
    properties: &[
        Property::new("Description", Kind::Text),
        Property::new("Enabled", Kind::Boolean),
        Property::new("KeyPolicy", Kind::Json).required(),
        Property::new("PendingWindowInDays", Kind::Integer).write_only(),
        Property::new("PrimaryKeyArn", Kind::Text).required().create_only(),
        TAGS_PROPERTY,
    ],
    unsupported: &[],
    attributes: ATTRIBUTES,
    secrets: &[],
    tags: TAGS,
    handler: &ReplicaKey,
};

struct ReplicaKey;

impl Handler for ReplicaKey {
    fn create<'a>(&'a self, api: &'a mut Api, desired: &'a Desired) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            let properties = &desired.properties;
            let primary = text(properties, "PrimaryKeyArn").unwrap_or_default();
            let home = region_of(primary)?;
            let input = replication(properties, api.region());
            let answer = api.json_in(home, ServiceName::Kms, "ReplicateKey", &input).await?;
            let made = super::made(answer.get("ReplicaKeyMetadata").unwrap_or(&Value::Null))?;
            if !is_enabled(properties) {
                enable(api, &made.physical_id, false).await?;
            }
            Ok(made)
        })
    }

    fn update<'a>(
        &'a self,
        api: &'a mut Api,
        existing: &'a Existing,
        desired: &'a Desired,
    ) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            let (key, before, after) = (&existing.physical_id, &existing.properties, &desired.properties);
            describe(api, key).await?;
            if is_enabled(before) != is_enabled(after) {
                enable(api, key, is_enabled(after)).await?;
            }
            let policy = policy_text(after).filter(|_| before.get("KeyPolicy") != after.get("KeyPolicy"));
            super::update_common(api, key, (before, after), policy.map(|policy| (policy, false))).await?;
            Ok(made::same(existing))
        })
    }

    fn delete<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<(), HandlerError>> {
        Box::pin(super::delete(api, existing))
    }

    fn read<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<Value, HandlerError>> {
        Box::pin(async move {
            let (mut found, metadata) = super::read_common(api, &existing.physical_id).await?;
            let primary = metadata.pointer("/MultiRegionConfiguration/PrimaryKey/Arn");
            found.insert("PrimaryKeyArn".to_owned(), primary.cloned().unwrap_or_default());
            Ok(Value::Object(found))
        })
    }
}

/// The Region of a key's ARN.
fn region_of(key: &str) -> Result<Region, HandlerError> {
    base::arn::split(key)
        .filter(|parts| parts.service == "kms")
        .and_then(|parts| Region::parse(parts.region).ok())
        .ok_or_else(|| HandlerError::of(HandlerErrorCode::InvalidRequest, format!("Invalid arn {key}")))
}

/// The input of ReplicateKey.
fn replication(properties: &Value, region: &Region) -> Value {
    let mut input = json!({
        "KeyId": text(properties, "PrimaryKeyArn"),
        "ReplicaRegion": region.as_str(),
        "Policy": policy_text(properties),
    });
    if let Some(description) = text(properties, "Description") {
        input["Description"] = description.into();
    }
    let tags = tags(properties, "Tags");
    if !tags.is_empty() {
        input["Tags"] = super::tag_list(&tags).into();
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_asked_for_where_its_primary_is() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-1";
        assert_eq!(
            region_of(arn).map(|region| region.to_string()),
            Ok("us-east-1".to_owned())
        );
        for wrong in [
            "mrk-1",
            "",
            "arn:aws:s3:::bucket",
            "arn:aws:kms::111122223333:key/mrk-1",
        ] {
            assert!(region_of(wrong).is_err(), "{wrong}");
        }
        let here = Region::parse("eu-west-1").expect("a Region");
        let properties = json!({"PrimaryKeyArn": arn, "KeyPolicy": {"Statement": []}, "Enabled": false});
        assert_eq!(
            replication(&properties, &here),
            json!({"KeyId": arn, "ReplicaRegion": "eu-west-1", "Policy": "{\"Statement\":[]}"})
        );
    }
}

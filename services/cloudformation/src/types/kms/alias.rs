//! `AWS::KMS::Alias`: a name for a key.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-alias.html>

use super::kms;
use crate::{
    api::{Api, HandlerError},
    types::{Desired, Existing, Handler, Kind, Made, Property, ResourceType, made, values::text},
};
use gateway::Boxed;
use serde_json::{Value, json};

/// `AWS::KMS::Alias`
pub static ALIAS: ResourceType = ResourceType {
    name: "AWS::KMS::Alias",
    properties: &[
        Property::new("AliasName", Kind::Text).required().create_only(),
        Property::new("TargetKeyId", Kind::Text).required(),
    ],
    unsupported: &[],
    attributes: &[],
    secrets: &[],
    tags: None,
    handler: &Alias,
};

struct Alias;

impl Handler for Alias {
    fn create<'a>(&'a self, api: &'a mut Api, desired: &'a Desired) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(put(api, "CreateAlias", desired))
    }

    fn update<'a>(
        &'a self,
        api: &'a mut Api,
        _: &'a Existing,
        desired: &'a Desired,
    ) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(put(api, "UpdateAlias", desired))
    }

    fn delete<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<(), HandlerError>> {
        Box::pin(async move {
            let input = json!({ "AliasName": existing.physical_id });
            kms(api, "DeleteAlias", &input).await.map(drop)
        })
    }

    fn read<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<Value, HandlerError>> {
        Box::pin(async move {
            let name = existing.physical_id.as_str();
            let target = find(api, name).await?;
            let given = text(&existing.properties, "TargetKeyId").unwrap_or_default();
            Ok(json!({"AliasName": name, "TargetKeyId": as_given(&target, given)}))
        })
    }
}

async fn put(api: &mut Api, operation: &str, desired: &Desired) -> Result<Made, HandlerError> {
    kms(api, operation, &desired.properties).await?;
    let name = text(&desired.properties, "AliasName").unwrap_or_default();
    Ok(made::made(name, []))
}

/// The id of the key that has this name.
async fn find(api: &mut Api, name: &str) -> Result<String, HandlerError> {
    let answer = kms(api, "DescribeKey", &json!({ "KeyId": name })).await?;
    let metadata = answer.get("KeyMetadata").unwrap_or(&Value::Null);
    Ok(text(metadata, "KeyId").unwrap_or_default().to_owned())
}

/// A key that was given by its ARN is told by it, as long as it is the same.
fn as_given<'a>(target: &'a str, given: &'a str) -> &'a str {
    match given.rsplit_once(":key/") {
        Some((_, id)) if id == target => given,
        _ => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_told_in_the_form_that_it_was_given_in() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/k1";
        assert_eq!(as_given("k1", arn), arn);
        assert_eq!(as_given("k2", arn), "k2");
        assert_eq!(as_given("k1", "k1"), "k1");
        assert_eq!(as_given("k2", "k1"), "k2");
    }
}

//! AWS::Logs::LogGroup.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html>

use super::{NAME_CHARS_MAX, ask};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, Tags, made, made::handled, values},
};
use base::arn;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The type.
pub static LOG_GROUP: ResourceType = ResourceType {
    name: "AWS::Logs::LogGroup",
    properties: &[
        Property::new("KmsKeyId", Kind::Text),
        // A class other than STANDARD is refused by Logs, by its name.
        Property::new(
            "LogGroupClass",
            Kind::OneOf(&["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"]),
        ),
        Property::new("LogGroupName", Kind::Text).create_only(),
        Property::new("RetentionInDays", Kind::Integer),
        Property::new("Tags", Kind::Set(&made::TAG)),
    ],
    unsupported: &[
        "BearerTokenAuthenticationEnabled",
        "DataProtectionPolicy",
        "DeletionProtectionEnabled",
        "FieldIndexPolicies",
        "ResourcePolicyDocument",
    ],
    attributes: &["Arn"],
    secrets: &[],
    tags: Some(Tags {
        property: "Tags",
        system: false,
    }),
    handler: &LogGroup,
};

handled!(LogGroup);

/// The group's ARN as policies and CloudTrail want it: with `:*`.
fn arn_of(api: &Api, name: &str) -> String {
    format!("{}:*", bare_arn_of(api, name))
}

fn bare_arn_of(api: &Api, name: &str) -> String {
    arn::log_group(api.region(), api.account(), name).as_str().to_owned()
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let (properties, name) = (
        &desired.properties,
        made::name_of(desired, "LogGroupName", NAME_CHARS_MAX),
    );
    let mut input = Map::new();
    input.insert("logGroupName".to_owned(), Value::from(name.as_str()));
    for (member, property) in [("kmsKeyId", "KmsKeyId"), ("logGroupClass", "LogGroupClass")] {
        if let Some(given) = properties.get(property) {
            input.insert(member.to_owned(), given.clone());
        }
    }
    let tags = values::tags(properties, "Tags");
    if !tags.is_empty() {
        input.insert("tags".to_owned(), json!(tags));
    }
    ask(api, "CreateLogGroup", &Value::Object(input))
        .await
        .map_err(|error| already_there(error, &name))?;
    change_retention(api, &name, &Value::Null, properties).await?;
    Ok(made::made_of_texts(&name, &[("Arn", &arn_of(api, &name))]))
}

fn already_there(error: HandlerError, name: &str) -> HandlerError {
    match error.code {
        HandlerErrorCode::AlreadyExists => {
            let identifier = json!({"/properties/LogGroupName": name});
            HandlerError::of(
                error.code,
                format!("Resource of type 'AWS::Logs::LogGroup' with identifier '{identifier}' already exists."),
            )
        }
        _ => error,
    }
}

async fn change_retention(api: &mut Api, name: &str, before: &Value, after: &Value) -> Result<(), HandlerError> {
    if !values::changed(before, after, "RetentionInDays") {
        return Ok(());
    }
    match after.get("RetentionInDays") {
        Some(days) => {
            let input = json!({"logGroupName": name, "retentionInDays": days});
            ask(api, "PutRetentionPolicy", &input).await?;
        }
        None => {
            ask(api, "DeleteRetentionPolicy", &json!({"logGroupName": name})).await?;
        }
    }
    Ok(())
}

async fn change_tags(api: &mut Api, name: &str, before: &Value, after: &Value) -> Result<(), HandlerError> {
    let (set, gone) = values::tag_changes(&values::tags(before, "Tags"), &values::tags(after, "Tags"));
    let arn = bare_arn_of(api, name);
    if !gone.is_empty() {
        ask(api, "UntagResource", &json!({"resourceArn": arn, "tagKeys": gone})).await?;
    }
    if !set.is_empty() {
        ask(api, "TagResource", &json!({"resourceArn": arn, "tags": set})).await?;
    }
    Ok(())
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after, name) = (&existing.properties, &desired.properties, &existing.physical_id);
    let class = |properties: &Value| {
        values::text(properties, "LogGroupClass")
            .unwrap_or("STANDARD")
            .to_owned()
    };
    if class(before) != class(after) {
        return Err(HandlerError::of(
            HandlerErrorCode::NotUpdatable,
            "The LogGroupClass of a log group cannot be changed.",
        ));
    }
    if values::changed(before, after, "KmsKeyId") {
        match values::text(after, "KmsKeyId").filter(|key| !key.is_empty()) {
            Some(key) => ask(api, "AssociateKmsKey", &json!({"logGroupName": name, "kmsKeyId": key})).await?,
            None => ask(api, "DisassociateKmsKey", &json!({"logGroupName": name})).await?,
        };
    }
    change_retention(api, name, before, after).await?;
    change_tags(api, name, before, after).await?;
    Ok(made::same(existing))
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    let input = json!({"logGroupName": existing.physical_id});
    ask(api, "DeleteLogGroup", &input).await.map(drop)
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let name = &existing.physical_id;
    let answer = ask(api, "DescribeLogGroups", &json!({"logGroupIdentifiers": [name]})).await?;
    let Some(group) = values::items(&answer, "logGroups").first() else {
        return Err(HandlerError::of(
            HandlerErrorCode::NotFound,
            "The specified log group does not exist.",
        ));
    };
    let arn = bare_arn_of(api, name);
    let told = ask(api, "ListTagsForResource", &json!({"resourceArn": arn})).await?;
    let tags: BTreeMap<String, Value> = match told.get("tags").and_then(Value::as_object) {
        Some(tags) => tags.clone().into_iter().collect(),
        None => BTreeMap::new(),
    };
    let tags = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
    let mut properties = json!({"LogGroupName": name, "Tags": tags.collect::<Vec<_>>()});
    for (member, property) in [
        ("kmsKeyId", "KmsKeyId"),
        ("logGroupClass", "LogGroupClass"),
        ("retentionInDays", "RetentionInDays"),
    ] {
        values::put(&mut properties, property, group.get(member).cloned());
    }
    Ok(properties)
}

//! AWS::SNS::TopicPolicy: one policy, on some topics.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topicpolicy.html>

use super::{tell, topic_attributes};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, made, made::handled, values},
};
use base::arn;
use serde_json::{Value, json};

/// The type.
pub static TOPIC_POLICY: ResourceType = ResourceType {
    name: "AWS::SNS::TopicPolicy",
    properties: &[
        Property::new("PolicyDocument", Kind::Json).required(),
        Property::new("Topics", Kind::Set(&Kind::Text)).required(),
    ],
    unsupported: &[],
    attributes: &["Id"],
    secrets: &[],
    tags: None,
    handler: &TopicPolicy,
};

handled!(TopicPolicy);

fn topics(properties: &Value) -> impl Iterator<Item = &str> {
    values::items(properties, "Topics").iter().filter_map(Value::as_str)
}

/// The policy that a topic has from the start: all that SNS does is for the account that owns it.
///
/// SPEC: <https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html>
fn default_policy(topic: &str) -> Value {
    let owner = arn::split(topic).map(|parts| parts.account.to_owned());
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "SNS:GetTopicAttributes",
                "SNS:SetTopicAttributes",
                "SNS:AddPermission",
                "SNS:RemovePermission",
                "SNS:DeleteTopic",
                "SNS:Subscribe",
                "SNS:ListSubscriptionsByTopic",
                "SNS:Publish",
            ],
            "Resource": topic,
            "Condition": {"StringEquals": {"AWS:SourceOwner": owner}},
        }],
    })
}

async fn set(api: &mut Api, topic: &str, policy: &Value) -> Result<(), HandlerError> {
    let input = json!({"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": policy.to_string()});
    tell(api, "SetTopicAttributes", &input).await
}

/// The policy that a topic has, unless it is its first.
async fn policy_on(api: &mut Api, topic: &str) -> Result<Option<Value>, HandlerError> {
    let attributes = topic_attributes(api, topic).await?;
    let text = attributes.get("Policy").map(String::as_str).unwrap_or_default();
    let found: Value = serde_json::from_str(text).unwrap_or_default();
    Ok(Some(found).filter(|found| *found != default_policy(topic)))
}

/// Gives a topic its policy. One that somebody else gave it would be lost, and is in the way.
async fn give(api: &mut Api, topic: &str, policy: &Value) -> Result<(), HandlerError> {
    match policy_on(api, topic).await? {
        Some(_) => Err(HandlerError::of(
            HandlerErrorCode::AlreadyExists,
            format!("The topic policy already exists on topic {topic}."),
        )),
        None => set(api, topic, policy).await,
    }
}

/// The topic has its first policy again; one that is no more needs none.
async fn unset(api: &mut Api, topic: &str) -> Result<(), HandlerError> {
    match set(api, topic, &default_policy(topic)).await {
        Err(error) if error.is_not_found() => Ok(()),
        result => result,
    }
}

fn document(properties: &Value) -> Value {
    properties.get("PolicyDocument").cloned().unwrap_or_default()
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let policy = document(&desired.properties);
    for topic in topics(&desired.properties) {
        give(api, topic, &policy).await?;
    }
    let id = &desired.generated_name;
    Ok(made::made_of_texts(id, &[("Id", id)]))
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after) = (&existing.properties, &desired.properties);
    let rewritten = values::changed(before, after, "PolicyDocument");
    for topic in topics(after) {
        if !topics(before).any(|old| old == topic) {
            give(api, topic, &document(after)).await?;
        } else if rewritten {
            set(api, topic, &document(after)).await?;
        }
    }
    for gone in topics(before).filter(|old| !topics(after).any(|topic| topic == *old)) {
        unset(api, gone).await?;
    }
    Ok(made::same(existing))
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    for topic in topics(&existing.properties) {
        unset(api, topic).await?;
    }
    Ok(())
}

/// The topics that have another policy than their first, and of those policies the first that is not the template's.
async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let expected = document(&existing.properties);
    let (mut having, mut policy) = (Vec::new(), None);
    for topic in topics(&existing.properties) {
        let found = match policy_on(api, topic).await {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        having.push(topic);
        if policy.is_none() || found != expected {
            policy = Some(found);
        }
    }
    match policy {
        Some(policy) => Ok(json!({"PolicyDocument": policy, "Topics": having})),
        None => Err(HandlerError::of(
            HandlerErrorCode::NotFound,
            "No topic has the policy any more.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_policy_names_topic_and_owner() {
        let policy = default_policy("arn:aws:sns:us-east-1:000000000001:t");
        let told = |pointer: &str| policy.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(
            told("/Statement/0/Resource").as_deref(),
            Some("arn:aws:sns:us-east-1:000000000001:t")
        );
        assert_eq!(
            told("/Statement/0/Condition/StringEquals/AWS:SourceOwner").as_deref(),
            Some("000000000001")
        );
    }
}

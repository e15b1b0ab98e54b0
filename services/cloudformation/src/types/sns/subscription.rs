//! AWS::SNS::Subscription. It is made before its endpoint has confirmed it.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html>

use super::{ask, attribute_text, entries, subscription_attributes, tell};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, made, made::handled, values},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The type.
pub static SUBSCRIPTION: ResourceType = ResourceType {
    name: "AWS::SNS::Subscription",
    properties: &[
        Property::new("DeliveryPolicy", Kind::Json),
        Property::new("Endpoint", Kind::Text).create_only(),
        Property::new("FilterPolicy", Kind::Json),
        Property::new("FilterPolicyScope", Kind::Text),
        Property::new("Protocol", Kind::Text).required().create_only(),
        Property::new("RawMessageDelivery", Kind::Boolean),
        Property::new("TopicArn", Kind::Text).required().create_only(),
    ],
    unsupported: &["RedrivePolicy", "Region", "ReplayPolicy", "SubscriptionRoleArn"],
    attributes: &["Arn"],
    secrets: &[],
    tags: None,
    handler: &Subscription,
};

handled!(Subscription);

/// What is an attribute by the same name, with what takes it away. The scope of a filter comes before the filter, which it reads.
const ATTRIBUTES: [(&str, &str); 4] = [
    ("FilterPolicyScope", "MessageAttributes"),
    ("FilterPolicy", "{}"),
    ("DeliveryPolicy", ""),
    ("RawMessageDelivery", "false"),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    subscription_arn: String,
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let properties = &desired.properties;
    let given = ATTRIBUTES.iter().filter_map(|(name, _)| {
        let value = properties.get(*name)?;
        Some((*name, attribute_text(value)))
    });
    let input = json!({
        "TopicArn": properties.get("TopicArn"),
        "Protocol": properties.get("Protocol"),
        "Endpoint": properties.get("Endpoint"),
        "Attributes": entries(&given.collect::<Vec<_>>()),
        "ReturnSubscriptionArn": true,
    });
    let Created { subscription_arn } = ask(api, "Subscribe", &input).await?;
    // Every new one waits for its endpoint; one that is confirmed was there before and is somebody else's.
    let found = subscription_attributes(api, &subscription_arn).await?;
    if found.get("PendingConfirmation").map(String::as_str) != Some("true") {
        return Err(HandlerError::of(
            HandlerErrorCode::AlreadyExists,
            format!("Resource of type 'AWS::SNS::Subscription' with identifier '{subscription_arn}' already exists."),
        ));
    }
    Ok(made::made_of_texts(&subscription_arn, &[("Arn", &subscription_arn)]))
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after) = (&existing.properties, &desired.properties);
    let set = |name: &str, value: String| json!({"SubscriptionArn": existing.physical_id, "AttributeName": name, "AttributeValue": value});
    let is_changed = |name: &str| values::changed(before, after, name);
    // A filter is read by its scope: under another one it is taken off first, so that none is read by the wrong one.
    let rescoped = is_changed("FilterPolicyScope") && before.get("FilterPolicy").is_some();
    if rescoped {
        tell(api, "SetSubscriptionAttributes", &set("FilterPolicy", "{}".to_owned())).await?;
    }
    for (name, default) in ATTRIBUTES {
        if is_changed(name) || (rescoped && name == "FilterPolicy") {
            let value = after.get(name).map_or_else(|| default.to_owned(), attribute_text);
            tell(api, "SetSubscriptionAttributes", &set(name, value)).await?;
        }
    }
    Ok(made::same(existing))
}

/// One that was never confirmed cannot be ended: it ends by itself.
async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    let arn = &existing.physical_id;
    let attributes = subscription_attributes(api, arn).await?;
    match attributes.get("PendingConfirmation").map(String::as_str) {
        Some("true") => Ok(()),
        _ => tell(api, "Unsubscribe", &json!({"SubscriptionArn": arn})).await,
    }
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let attributes = subscription_attributes(api, &existing.physical_id).await?;
    let text = |name: &str| attributes.get(name).map(String::as_str);
    let document = |name: &str| text(name).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let mut properties = json!({
        "RawMessageDelivery": text("RawMessageDelivery") == Some("true"),
    });
    for name in ["TopicArn", "Protocol", "Endpoint", "FilterPolicyScope"] {
        values::put(&mut properties, name, text(name));
    }
    for name in ["FilterPolicy", "DeliveryPolicy"] {
        values::put(&mut properties, name, document(name));
    }
    Ok(properties)
}

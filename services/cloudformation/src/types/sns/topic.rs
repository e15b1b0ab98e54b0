//! AWS::SNS::Topic, with the subscriptions that the template gives it.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html>

use super::{ask, attribute_text, entries, tell, topic_attributes};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, Tags, made, made::handled, values},
};
use base::arn;
use serde::Deserialize;
use serde_json::{Value, json};

const NAME_CHARS_MAX: usize = 256;

/// The type.
pub static TOPIC: ResourceType = ResourceType {
    name: "AWS::SNS::Topic",
    properties: &[
        Property::new("DisplayName", Kind::Text),
        Property::new("KmsMasterKeyId", Kind::Text),
        Property::new("SignatureVersion", Kind::Text),
        Property::new("Subscription", Kind::Set(&SUBSCRIBED)),
        Property::new("Tags", Kind::Set(&made::TAG)),
        Property::new("TopicName", Kind::Text).create_only(),
    ],
    unsupported: &[
        "ArchivePolicy",
        "ContentBasedDeduplication",
        "DataProtectionPolicy",
        "DeliveryStatusLogging",
        "FifoThroughputScope",
        "FifoTopic",
        "MaximumMessageSize",
        "TracingConfig",
    ],
    attributes: &["TopicArn", "TopicName"],
    secrets: &[],
    tags: Some(Tags {
        property: "Tags",
        system: false,
    }),
    handler: &Topic,
};

const SUBSCRIBED: Kind = Kind::Object(&[
    Property::new("Endpoint", Kind::Text).required(),
    Property::new("Protocol", Kind::Text).required(),
]);

handled!(Topic);

/// What is an attribute by the same name, with what it is when it is not given.
const ATTRIBUTES: [(&str, &str); 3] = [("DisplayName", ""), ("KmsMasterKeyId", ""), ("SignatureVersion", "1")];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    topic_arn: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Page {
    subscriptions: Subscriptions,
    next_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Subscriptions {
    member: Vec<Subscribed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subscribed {
    subscription_arn: String,
    protocol: String,
    endpoint: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TagPage {
    tags: TagList,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TagList {
    member: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

impl Subscribed {
    fn is(&self, wanted: &Value) -> bool {
        values::text(wanted, "Protocol") == Some(&self.protocol)
            && values::text(wanted, "Endpoint") == Some(&self.endpoint)
    }

    /// One that has not been confirmed cannot be ended: it ends by itself.
    fn is_confirmed(&self) -> bool {
        self.subscription_arn.starts_with("arn:")
    }
}

async fn subscribe(api: &mut Api, arn: &str, wanted: &Value) -> Result<(), HandlerError> {
    let input = json!({
        "TopicArn": arn,
        "Protocol": wanted.get("Protocol"),
        "Endpoint": wanted.get("Endpoint"),
    });
    tell(api, "Subscribe", &input).await
}

async fn subscriptions(api: &mut Api, arn: &str) -> Result<Vec<Subscribed>, HandlerError> {
    let (mut all, mut token) = (Vec::new(), Value::Null);
    loop {
        let input = json!({"TopicArn": arn, "NextToken": token});
        let page: Page = ask(api, "ListSubscriptionsByTopic", &input).await?;
        all.extend(page.subscriptions.member);
        match page.next_token {
            Some(next) => token = Value::from(next),
            None => return Ok(all),
        }
    }
}

/// CreateTopic answers for a topic that is there as for a new one, so a name that was chosen is looked for before.
async fn check_free(api: &mut Api, name: &str) -> Result<(), HandlerError> {
    let arn = arn::topic(api.region(), api.account(), name);
    match topic_attributes(api, arn.as_str()).await {
        Ok(_) => Err(HandlerError::of(
            HandlerErrorCode::AlreadyExists,
            format!("Resource of type 'AWS::SNS::Topic' with identifier '{arn}' already exists."),
        )),
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
    }
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let (properties, name) = (&desired.properties, made::name_of(desired, "TopicName", NAME_CHARS_MAX));
    if properties.get("TopicName").is_some() {
        check_free(api, &name).await?;
    }
    let given = ATTRIBUTES.iter().filter_map(|(name, _)| {
        let value = properties.get(*name)?;
        Some((*name, attribute_text(value)))
    });
    let input = json!({
        "Name": name,
        "Attributes": entries(&given.collect::<Vec<_>>()),
        "Tags": match values::items(properties, "Tags") {
            [] => Value::Null,
            tags => Value::from(tags),
        },
    });
    let Created { topic_arn } = ask(api, "CreateTopic", &input).await?;
    for wanted in values::items(properties, "Subscription") {
        subscribe(api, &topic_arn, wanted).await?;
    }
    Ok(made::made_of_texts(
        &topic_arn,
        &[("TopicArn", &topic_arn), ("TopicName", &name)],
    ))
}

async fn change_subscriptions(api: &mut Api, arn: &str, before: &Value, after: &Value) -> Result<(), HandlerError> {
    let (old, new) = (
        values::items(before, "Subscription"),
        values::items(after, "Subscription"),
    );
    let gone: Vec<&Value> = old.iter().filter(|wanted| !new.contains(wanted)).collect();
    if !gone.is_empty() {
        let there = subscriptions(api, arn).await?;
        let ended = there.iter().filter(|one| gone.iter().any(|wanted| one.is(wanted)));
        for one in ended.filter(|one| one.is_confirmed()) {
            tell(api, "Unsubscribe", &json!({"SubscriptionArn": one.subscription_arn})).await?;
        }
    }
    for wanted in new.iter().filter(|wanted| !old.contains(wanted)) {
        subscribe(api, arn, wanted).await?;
    }
    Ok(())
}

async fn change_tags(api: &mut Api, arn: &str, before: &Value, after: &Value) -> Result<(), HandlerError> {
    let (set, gone) = values::tag_changes(&values::tags(before, "Tags"), &values::tags(after, "Tags"));
    if !gone.is_empty() {
        tell(api, "UntagResource", &json!({"ResourceArn": arn, "TagKeys": gone})).await?;
    }
    if !set.is_empty() {
        let tags = set.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
        let input = json!({"ResourceArn": arn, "Tags": tags.collect::<Vec<_>>()});
        tell(api, "TagResource", &input).await?;
    }
    Ok(())
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after, arn) = (&existing.properties, &desired.properties, &existing.physical_id);
    for (name, default) in ATTRIBUTES
        .iter()
        .filter(|(name, _)| values::changed(before, after, name))
    {
        let value = after.get(*name).map_or_else(|| (*default).to_owned(), attribute_text);
        let input = json!({"TopicArn": arn, "AttributeName": name, "AttributeValue": value});
        tell(api, "SetTopicAttributes", &input).await?;
    }
    change_subscriptions(api, arn, before, after).await?;
    change_tags(api, arn, before, after).await?;
    Ok(made::same(existing))
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    tell(api, "DeleteTopic", &json!({"TopicArn": existing.physical_id})).await
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let arn = &existing.physical_id;
    let attributes = topic_attributes(api, arn).await?;
    // There may be very many, so they are looked at only when the template names some.
    let there = match existing.properties.get("Subscription") {
        Some(_) => subscriptions(api, arn).await?,
        None => Vec::new(),
    };
    let there = there
        .iter()
        .map(|one| json!({"Protocol": one.protocol, "Endpoint": one.endpoint}));
    let page: TagPage = ask(api, "ListTagsForResource", &json!({"ResourceArn": arn})).await?;
    let tags = page.tags.member.iter();
    let tags = tags.map(|tag| json!({"Key": tag.key, "Value": tag.value}));
    let mut properties = json!({
        "TopicName": arn.rsplit(':').next(),
        "Subscription": there.collect::<Vec<_>>(),
        "Tags": tags.collect::<Vec<_>>(),
    });
    for (name, _) in ATTRIBUTES {
        let value = attributes.get(name).filter(|value| !value.is_empty());
        values::put(&mut properties, name, value.map(String::as_str));
    }
    Ok(properties)
}

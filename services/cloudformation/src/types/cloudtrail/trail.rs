//! AWS::CloudTrail::Trail.
//!
//! What it writes to, and who lets it, must be there before it: CreateTrail asks bucket, key, topic and role as delivery will.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html>

use super::{
    NAME_CHARS_MAX, ask, change_tags, read_tags,
    selectors::{self, ADVANCED_EVENT_SELECTOR, EVENT_SELECTOR},
    tag_list,
};
use crate::{
    api::{Api, HandlerError},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, Tags, made, made::handled, values},
};
use base::{Region, arn};
use serde_json::{Map, Value, json};
use wire::ServiceName;

/// The type.
pub static TRAIL: ResourceType = ResourceType {
    name: "AWS::CloudTrail::Trail",
    properties: &[
        Property::new("AdvancedEventSelectors", Kind::Set(&ADVANCED_EVENT_SELECTOR)),
        // Aggregated events, Insights and organization trails are refused by CloudTrail, by their names; off they are taken.
        Property::new("AggregationConfigurations", Kind::Set(&AGGREGATION)),
        Property::new("CloudWatchLogsLogGroupArn", Kind::Text),
        Property::new("CloudWatchLogsRoleArn", Kind::Text),
        Property::new("EnableLogFileValidation", Kind::Boolean),
        Property::new("EventSelectors", Kind::Set(&EVENT_SELECTOR)),
        Property::new("IncludeGlobalServiceEvents", Kind::Boolean),
        Property::new("InsightSelectors", Kind::Set(&INSIGHT)),
        Property::new("IsLogging", Kind::Boolean).required(),
        Property::new("IsMultiRegionTrail", Kind::Boolean),
        Property::new("IsOrganizationTrail", Kind::Boolean),
        Property::new("KMSKeyId", Kind::Text),
        Property::new("S3BucketName", Kind::Text).required(),
        Property::new("S3KeyPrefix", Kind::Text),
        Property::new("SnsTopicName", Kind::Text),
        Property::new("Tags", Kind::Set(&made::TAG)),
        Property::new("TrailName", Kind::Text).create_only(),
    ],
    unsupported: &[],
    attributes: &["Arn", "SnsTopicArn"],
    secrets: &[],
    tags: Some(Tags {
        property: "Tags",
        system: false,
    }),
    handler: &Trail,
};

const AGGREGATION: Kind = Kind::Object(&[
    Property::new("EventCategory", Kind::Text).required(),
    Property::new("Templates", Kind::Set(&Kind::Text)).required(),
]);

const INSIGHT: Kind = Kind::Object(&[
    Property::new("EventCategories", Kind::Set(&Kind::Text)),
    Property::new("InsightType", Kind::Text),
]);

handled!(Trail);

/// A property that is a setting of CreateTrail and UpdateTrail.
struct Setting {
    property: &'static str,
    /// What the calls have it under.
    member: &'static str,
    default: Unset,
}

/// What a setting is that is not given: what UpdateTrail is told that it becomes that again.
#[derive(Clone, Copy)]
enum Unset {
    Nothing,
    Flag(bool),
}

const fn setting(property: &'static str, member: &'static str, default: Unset) -> Setting {
    Setting {
        property,
        member,
        default,
    }
}

const SETTINGS: [Setting; 10] = [
    setting("S3BucketName", "S3BucketName", Unset::Nothing),
    setting("S3KeyPrefix", "S3KeyPrefix", Unset::Nothing),
    setting("SnsTopicName", "SnsTopicName", Unset::Nothing),
    setting("CloudWatchLogsLogGroupArn", "CloudWatchLogsLogGroupArn", Unset::Nothing),
    setting("CloudWatchLogsRoleArn", "CloudWatchLogsRoleArn", Unset::Nothing),
    setting("KMSKeyId", "KmsKeyId", Unset::Nothing),
    setting("EnableLogFileValidation", "EnableLogFileValidation", Unset::Flag(false)),
    setting(
        "IncludeGlobalServiceEvents",
        "IncludeGlobalServiceEvents",
        Unset::Flag(true),
    ),
    setting("IsMultiRegionTrail", "IsMultiRegionTrail", Unset::Flag(false)),
    setting("IsOrganizationTrail", "IsOrganizationTrail", Unset::Flag(false)),
];

/// What CreateTrail is told.
fn creation(name: &str, properties: &Value) -> Value {
    let given = SETTINGS.iter().filter_map(|setting| {
        let value = properties.get(setting.property)?;
        Some((setting.member.to_owned(), value.clone()))
    });
    let mut input: Map<String, Value> = given.collect();
    input.insert("Name".to_owned(), Value::from(name));
    let tags = values::tags(properties, "Tags");
    if !tags.is_empty() {
        input.insert("TagsList".to_owned(), tag_list(&tags));
    }
    Value::Object(input)
}

/// What UpdateTrail is told that the settings of `before` become those of `after`; `None` when they are the same.
fn settings_change(name: &str, before: &Value, after: &Value) -> Option<Value> {
    let changed = SETTINGS
        .iter()
        .filter(|setting| values::changed(before, after, setting.property));
    let mut input: Map<String, Value> = changed
        .map(|setting| {
            let default = match setting.default {
                Unset::Nothing => Value::from(""),
                Unset::Flag(flag) => Value::from(flag),
            };
            let value = after.get(setting.property).cloned().unwrap_or(default);
            (setting.member.to_owned(), value)
        })
        .collect();
    if input.is_empty() {
        return None;
    }
    input.insert("Name".to_owned(), Value::from(name));
    Some(Value::Object(input))
}

/// Puts selectors of the trail: `input` holds them.
async fn put_selectors(api: &mut Api, name: &str, mut input: Value) -> Result<(), HandlerError> {
    values::put(&mut input, "TrailName", Some(name));
    ask(api, "PutEventSelectors", &input).await.map(drop)
}

/// Puts what the trail has besides its selectors, of which CloudTrail here takes nothing but that there is none.
async fn put_extras(api: &mut Api, name: &str, before: &Value, after: &Value) -> Result<(), HandlerError> {
    for (property, operation) in [
        ("InsightSelectors", "PutInsightSelectors"),
        ("AggregationConfigurations", "PutEventConfiguration"),
    ] {
        let (old, new) = (values::items(before, property), values::items(after, property));
        if old != new {
            ask(api, operation, &json!({"TrailName": name, property: new})).await?;
        }
    }
    Ok(())
}

async fn set_logging(api: &mut Api, name: &str, on: bool) -> Result<(), HandlerError> {
    let operation = if on { "StartLogging" } else { "StopLogging" };
    ask(api, operation, &json!({"Name": name})).await.map(drop)
}

/// The trail as CreateTrail and UpdateTrail answer it.
fn made_of(name: &str, answer: &Value) -> Made {
    let text = |member| values::text(answer, member);
    let attributes = [("Arn", text("TrailARN")), ("SnsTopicArn", text("SnsTopicARN"))];
    let told: Vec<(&str, &str)> = attributes
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)))
        .collect();
    made::made_of_texts(name, &told)
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let (properties, name) = (&desired.properties, made::name_of(desired, "TrailName", NAME_CHARS_MAX));
    let answer = ask(api, "CreateTrail", &creation(&name, properties)).await?;
    if let Some(input) = selectors::to_put(properties) {
        put_selectors(api, &name, input).await?;
    }
    put_extras(api, &name, &Value::Null, properties).await?;
    if values::flag(properties, "IsLogging") == Some(true) {
        set_logging(api, &name, true).await?;
    }
    Ok(made_of(&name, &answer))
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after, name) = (&existing.properties, &desired.properties, &existing.physical_id);
    let made = match settings_change(name, before, after) {
        Some(input) => made_of(name, &ask(api, "UpdateTrail", &input).await?),
        None => made::same(existing),
    };
    let arn = arn::trail(api.region(), api.account(), name);
    change_tags(api, arn.as_str(), before, after).await?;
    let (old, new) = (selectors::to_put(before), selectors::to_put(after));
    if old != new {
        put_selectors(api, name, new.unwrap_or_else(selectors::standard)).await?;
    }
    put_extras(api, name, before, after).await?;
    if values::changed(before, after, "IsLogging") {
        set_logging(api, name, values::flag(after, "IsLogging") == Some(true)).await?;
    }
    Ok(made)
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    ask(api, "DeleteTrail", &json!({"Name": existing.physical_id}))
        .await
        .map(drop)
}

/// The trail's key as the template names it, when it is that key; else its ARN.
async fn key_as_said(api: &mut Api, key_arn: &str, said: Option<&str>) -> String {
    let Some(said) = said.filter(|said| *said != key_arn) else {
        return key_arn.to_owned();
    };
    let Some(parts) = arn::split(key_arn) else {
        return key_arn.to_owned();
    };
    let is_it = match said.contains("alias/") {
        false => parts.resource.strip_prefix("key/") == Some(said),
        // An alias is one of the key's Region, where CreateTrail looked for it.
        true => match Region::parse(parts.region) {
            Ok(region) => {
                let input = json!({"KeyId": said});
                let answer = api.json_in(region, ServiceName::Kms, "DescribeKey", &input).await;
                let arn = answer
                    .as_ref()
                    .ok()
                    .and_then(|answer| answer.pointer("/KeyMetadata/Arn"));
                arn.and_then(Value::as_str) == Some(key_arn)
            }
            Err(_) => false,
        },
    };
    if is_it { said.to_owned() } else { key_arn.to_owned() }
}

/// The settings of a trail as GetTrail answers them, by the names that templates have.
fn settings_of(trail: &Value, said: &Value) -> Value {
    let mut properties = json!({});
    for (property, member) in [
        ("CloudWatchLogsLogGroupArn", "CloudWatchLogsLogGroupArn"),
        ("CloudWatchLogsRoleArn", "CloudWatchLogsRoleArn"),
        ("EnableLogFileValidation", "LogFileValidationEnabled"),
        ("IncludeGlobalServiceEvents", "IncludeGlobalServiceEvents"),
        ("IsMultiRegionTrail", "IsMultiRegionTrail"),
        ("IsOrganizationTrail", "IsOrganizationTrail"),
        ("S3BucketName", "S3BucketName"),
        ("S3KeyPrefix", "S3KeyPrefix"),
        ("TrailName", "Name"),
    ] {
        values::put(&mut properties, property, trail.get(member).cloned());
    }
    // A topic is told by its name or its ARN, as the template has it.
    let topics = [values::text(trail, "SnsTopicName"), values::text(trail, "SnsTopicARN")];
    let said = values::text(said, "SnsTopicName");
    let topic = topics.into_iter().find(|topic| *topic == said).flatten();
    values::put(&mut properties, "SnsTopicName", topic.or(topics[0]));
    properties
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let (name, said) = (&existing.physical_id, &existing.properties);
    let answer = ask(api, "GetTrail", &json!({"Name": name})).await?;
    let trail = answer.get("Trail").cloned().unwrap_or_default();
    let mut properties = settings_of(&trail, said);
    if let Some(key) = values::text(&trail, "KmsKeyId") {
        let key = key_as_said(api, key, values::text(said, "KMSKeyId")).await;
        values::put(&mut properties, "KMSKeyId", Some(key));
    }
    let status = ask(api, "GetTrailStatus", &json!({"Name": name})).await?;
    values::put(&mut properties, "IsLogging", values::flag(&status, "IsLogging"));
    let selectors = ask(api, "GetEventSelectors", &json!({"TrailName": name})).await?;
    let basic = values::items(&selectors, "EventSelectors");
    if !basic.is_empty() {
        let shown = selectors::as_said(basic, values::items(said, "EventSelectors"));
        values::put(&mut properties, "EventSelectors", Some(shown));
    }
    let advanced = selectors.get("AdvancedEventSelectors").cloned();
    values::put(&mut properties, "AdvancedEventSelectors", advanced);
    let arn = values::text(&trail, "TrailARN").unwrap_or(name);
    let tags = read_tags(api, arn).await?;
    values::put(&mut properties, "Tags", Some(tags));
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_trail_is_told_what_is_given() {
        let properties = json!({
            "IsLogging": true, "S3BucketName": "b", "KMSKeyId": "k", "EnableLogFileValidation": true,
            "Tags": [{"Key": "a", "Value": "1"}],
        });
        assert_eq!(
            creation("t", &properties),
            json!({
                "Name": "t", "S3BucketName": "b", "KmsKeyId": "k", "EnableLogFileValidation": true,
                "TagsList": [{"Key": "a", "Value": "1"}],
            })
        );
    }

    #[test]
    fn what_is_given_no_more_is_taken_away() {
        let before = json!({
            "IsLogging": true, "S3BucketName": "b", "KMSKeyId": "k", "IncludeGlobalServiceEvents": false,
            "CloudWatchLogsLogGroupArn": "g", "CloudWatchLogsRoleArn": "r", "S3KeyPrefix": "p",
        });
        let after = json!({"IsLogging": false, "S3BucketName": "b", "S3KeyPrefix": "q"});
        assert_eq!(
            settings_change("t", &before, &after),
            Some(json!({
                "Name": "t", "KmsKeyId": "", "IncludeGlobalServiceEvents": true, "S3KeyPrefix": "q",
                "CloudWatchLogsLogGroupArn": "", "CloudWatchLogsRoleArn": "",
            }))
        );
        assert_eq!(settings_change("t", &after, &after), None);
    }

    #[test]
    fn a_topic_is_told_as_the_template_has_it() {
        let trail =
            json!({"Name": "t", "SnsTopicName": "n", "SnsTopicARN": "arn:n", "LogFileValidationEnabled": false});
        for (said, told) in [("n", "n"), ("arn:n", "arn:n"), ("other", "n")] {
            let properties = settings_of(&trail, &json!({"SnsTopicName": said}));
            assert_eq!(values::text(&properties, "SnsTopicName"), Some(told), "{said}");
        }
        let none = settings_of(&json!({"Name": "t"}), &json!({}));
        assert_eq!(none, json!({"TrailName": "t"}));
    }
}

//! SNS's types, and how they read and write attributes.

mod subscription;
mod topic;
mod topic_policy;

pub use subscription::SUBSCRIPTION;
pub use topic::TOPIC;
pub use topic_policy::TOPIC_POLICY;

use crate::api::{Api, HandlerError};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use wire::ServiceName;

/// A map of the query protocol.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entries {
    entry: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    #[serde(default)]
    attributes: Entries,
}

async fn ask<T: DeserializeOwned>(api: &mut Api, operation: &str, input: &Value) -> Result<T, HandlerError> {
    api.query(ServiceName::Sns, operation, input).await
}

async fn tell(api: &mut Api, operation: &str, input: &Value) -> Result<(), HandlerError> {
    api.query_done(ServiceName::Sns, operation, input).await
}

/// The attributes of a topic.
async fn topic_attributes(api: &mut Api, arn: &str) -> Result<BTreeMap<String, String>, HandlerError> {
    let answer: Attributes = ask(api, "GetTopicAttributes", &json!({"TopicArn": arn})).await?;
    Ok(by_name(answer))
}

/// The attributes of a subscription.
async fn subscription_attributes(api: &mut Api, arn: &str) -> Result<BTreeMap<String, String>, HandlerError> {
    let input = json!({"SubscriptionArn": arn});
    let answer: Attributes = ask(api, "GetSubscriptionAttributes", &input).await?;
    Ok(by_name(answer))
}

fn by_name(answer: Attributes) -> BTreeMap<String, String> {
    let pairs = answer.attributes.entry.into_iter();
    pairs.map(|pair| (pair.key, pair.value)).collect()
}

/// A map as an input: `Attributes.entry.1.key`. `null` when it has nothing.
fn entries(attributes: &[(&str, String)]) -> Value {
    if attributes.is_empty() {
        return Value::Null;
    }
    let numbered = (1_usize..).zip(attributes);
    let entry: Map<String, Value> = numbered
        .map(|(at, (key, value))| (at.to_string(), json!({"key": key, "value": value})))
        .collect();
    json!({"entry": entry})
}

/// A property as the text that the attribute has.
fn attribute_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_written_and_read() {
        let written = entries(&[("DisplayName", "d".to_owned()), ("KmsMasterKeyId", "k".to_owned())]);
        assert_eq!(
            written,
            json!({"entry": {"1": {"key": "DisplayName", "value": "d"}, "2": {"key": "KmsMasterKeyId", "value": "k"}}})
        );
        assert_eq!(entries(&[]), Value::Null);
        let answer: Attributes = wire::xml::parse(
            b"<R><Attributes><entry><key>A</key><value>1</value></entry><entry><key>B</key><value/></entry></Attributes></R>",
        )
        .expect("it is read");
        let read = by_name(answer);
        assert_eq!(read.get("A").map(String::as_str), Some("1"));
        assert_eq!(read.get("B").map(String::as_str), Some(""));
        assert_eq!(attribute_text(&json!({"a": 1})), r#"{"a":1}"#);
    }
}

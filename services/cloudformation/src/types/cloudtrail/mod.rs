//! CloudTrail's types.

mod channel;
mod selectors;
mod trail;

pub use channel::CHANNEL;
pub use trail::TRAIL;

use super::values;
use crate::api::{Api, HandlerError, HandlerErrorCode};
use serde_json::{Value, json};
use wire::ServiceName;

/// The longest name of a trail or channel.
const NAME_CHARS_MAX: usize = 128;

/// A call of CloudTrail. What it refuses as improper is told as AWS's handlers tell it.
async fn ask(api: &mut Api, operation: &str, input: &Value) -> Result<Value, HandlerError> {
    let result = api.json(ServiceName::CloudTrail, operation, input).await;
    result.map_err(|mut error| {
        if error.code == HandlerErrorCode::InvalidRequest {
            error.message = format!("Invalid request provided: {}", error.message);
        }
        error
    })
}

/// Tags as calls have them.
fn tag_list<'a>(tags: impl IntoIterator<Item = (&'a String, &'a String)>) -> Value {
    tags.into_iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// Makes the tags of a trail or channel what they are in `after`, where they were as in `before`.
async fn change_tags(api: &mut Api, arn: &str, before: &Value, after: &Value) -> Result<(), HandlerError> {
    let (old, new) = (values::tags(before, "Tags"), values::tags(after, "Tags"));
    let (set, gone) = values::tag_changes(&old, &new);
    if !gone.is_empty() {
        let taken = tag_list(old.iter().filter(|(key, _)| gone.contains(key)));
        ask(api, "RemoveTags", &json!({"ResourceId": arn, "TagsList": taken})).await?;
    }
    if !set.is_empty() {
        ask(api, "AddTags", &json!({"ResourceId": arn, "TagsList": tag_list(&set)})).await?;
    }
    Ok(())
}

/// The tags as a template has them.
async fn read_tags(api: &mut Api, arn: &str) -> Result<Value, HandlerError> {
    let answer = ask(api, "ListTags", &json!({"ResourceIdList": [arn]})).await?;
    let list = values::items(&answer, "ResourceTagList").first();
    let tags = list.map_or(&[][..], |list| values::items(list, "TagsList"));
    let pair = |tag: &Value| {
        let value = values::text(tag, "Value").unwrap_or_default();
        json!({"Key": tag.get("Key"), "Value": value})
    };
    Ok(tags.iter().map(pair).collect())
}

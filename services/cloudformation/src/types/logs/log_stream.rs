//! AWS::Logs::LogStream.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-logstream.html>

use super::{NAME_CHARS_MAX, ask};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, made, made::handled, values},
};
use serde_json::{Value, json};

/// The type.
pub static LOG_STREAM: ResourceType = ResourceType {
    name: "AWS::Logs::LogStream",
    properties: &[
        Property::new("LogGroupName", Kind::Text).required().create_only(),
        Property::new("LogStreamName", Kind::Text).create_only(),
    ],
    unsupported: &[],
    attributes: &[],
    secrets: &[],
    tags: None,
    handler: &LogStream,
};

handled!(LogStream);

fn input(group: &Value, stream: &str) -> Value {
    json!({"logGroupName": group.get("LogGroupName"), "logStreamName": stream})
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let name = made::name_of(desired, "LogStreamName", NAME_CHARS_MAX);
    ask(api, "CreateLogStream", &input(&desired.properties, &name)).await?;
    Ok(made::made_of_texts(name, &[]))
}

/// All of it is create-only.
async fn update(_: &mut Api, existing: &Existing, _: &Desired) -> Result<Made, HandlerError> {
    Ok(made::same(existing))
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    let input = input(&existing.properties, &existing.physical_id);
    ask(api, "DeleteLogStream", &input).await.map(drop)
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let (group, name) = (existing.properties.get("LogGroupName"), &existing.physical_id);
    // Names come in order, so that the name itself comes before all that it begins.
    let asked = json!({"logGroupName": group, "logStreamNamePrefix": name, "limit": 1});
    let answer = ask(api, "DescribeLogStreams", &asked).await?;
    let first = values::items(&answer, "logStreams").first();
    match first.filter(|stream| values::text(stream, "logStreamName") == Some(name)) {
        Some(_) => Ok(json!({"LogGroupName": group, "LogStreamName": name})),
        None => Err(HandlerError::of(
            HandlerErrorCode::NotFound,
            "The specified log stream does not exist.",
        )),
    }
}

//! AWS::IAM::Group: a group with its policies. Who is in it, users say.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-group.html>

use super::{Held, Holder, INLINE, LONG_NAME_CHARS_MAX, ask, tell};
use crate::{
    api::{Api, HandlerError},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, made, made::handled, values},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The type.
pub static GROUP: ResourceType = ResourceType {
    name: "AWS::IAM::Group",
    properties: &[
        Property::new("GroupName", Kind::Text).create_only(),
        Property::new("ManagedPolicyArns", Kind::Set(&Kind::Text)),
        Property::new("Path", Kind::Text),
        Property::new("Policies", Kind::Set(&INLINE)),
    ],
    unsupported: &[],
    attributes: &["Arn"],
    secrets: &[],
    tags: None,
    handler: &Group,
};

handled!(Group);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    group: Shape,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shape {
    arn: String,
    group_name: String,
    path: String,
}

fn held(name: &str) -> Held<'_> {
    Held {
        holder: Holder::Group,
        name,
    }
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let name = made::name_of(desired, "GroupName", LONG_NAME_CHARS_MAX);
    let input = json!({"GroupName": name, "Path": desired.properties.get("Path")});
    let Answer { group } = ask(api, "CreateGroup", &input).await?;
    let held = held(&name);
    held.change_policies(api, &Value::Null, &desired.properties).await?;
    Ok(made::made_of_texts(&name, &[("Arn", &group.arn)]))
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after) = (&existing.properties, &desired.properties);
    let held = held(&existing.physical_id);
    let mut now = made::same(existing);
    if values::changed(before, after, "Path") {
        let path = values::text(after, "Path").unwrap_or("/");
        tell(api, "UpdateGroup", &held.input([("NewPath", Value::from(path))])).await?;
        let Answer { group } = ask(api, "GetGroup", &held.input([])).await?;
        now = made::made_of_texts(&existing.physical_id, &[("Arn", &group.arn)]);
    }
    held.change_policies(api, before, after).await?;
    Ok(now)
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    let held = held(&existing.physical_id);
    held.strip(api, &existing.properties).await?;
    tell(api, "DeleteGroup", &held.input([])).await
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let held = held(&existing.physical_id);
    let Answer { group } = ask(api, "GetGroup", &held.input([])).await?;
    Ok(json!({
        "GroupName": group.group_name,
        "Path": group.path,
        "ManagedPolicyArns": held.attached_policies(api).await?,
        "Policies": held.inline_policies(api).await?,
    }))
}

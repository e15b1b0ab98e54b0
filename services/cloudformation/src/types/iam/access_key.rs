//! AWS::IAM::AccessKey: a user's access key. Its secret is an attribute, which is kept sealed like every attribute.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-accesskey.html>

use super::{Members, ask, tell};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, made, made::handled, values},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The type.
pub static ACCESS_KEY: ResourceType = ResourceType {
    name: "AWS::IAM::AccessKey",
    properties: &[
        // A number that is only there to be counted up, for another key.
        Property::new("Serial", Kind::Integer).create_only().write_only(),
        Property::new("Status", Kind::OneOf(&[ACTIVE, "Inactive"])),
        Property::new("UserName", Kind::Text).required().create_only(),
    ],
    unsupported: &[],
    attributes: &["Id", "SecretAccessKey"],
    secrets: &["SecretAccessKey"],
    tags: None,
    handler: &AccessKey,
};

handled!(AccessKey);

const ACTIVE: &str = "Active";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key: Shape,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shape {
    access_key_id: String,
    secret_access_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    access_key_metadata: Members<Metadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    access_key_id: String,
    status: String,
}

async fn put_status(api: &mut Api, key: &str, properties: &Value) -> Result<(), HandlerError> {
    let input = json!({
        "UserName": properties.get("UserName"),
        "AccessKeyId": key,
        "Status": values::text(properties, "Status").unwrap_or(ACTIVE),
    });
    tell(api, "UpdateAccessKey", &input).await
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let properties = &desired.properties;
    let input = json!({"UserName": properties.get("UserName")});
    let Answer { access_key } = ask(api, "CreateAccessKey", &input).await?;
    let id = access_key.access_key_id;
    if values::text(properties, "Status").is_some_and(|status| status != ACTIVE) {
        put_status(api, &id, properties).await?;
    }
    let attributes = [("Id", id.as_str()), ("SecretAccessKey", &access_key.secret_access_key)];
    Ok(made::made_of_texts(&id, &attributes))
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    if values::changed(&existing.properties, &desired.properties, "Status") {
        put_status(api, &existing.physical_id, &desired.properties).await?;
    }
    Ok(made::same(existing))
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    let input = json!({
        "UserName": existing.properties.get("UserName"),
        "AccessKeyId": existing.physical_id,
    });
    tell(api, "DeleteAccessKey", &input).await
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let user = existing.properties.get("UserName");
    // A user has two keys at most, which fit one page.
    let page: Page = ask(api, "ListAccessKeys", &json!({"UserName": user})).await?;
    let mut keys = page.access_key_metadata.member.into_iter();
    match keys.find(|key| key.access_key_id == existing.physical_id) {
        Some(key) => Ok(json!({"UserName": user, "Status": key.status})),
        None => Err(HandlerError::of(
            HandlerErrorCode::NotFound,
            format!("The Access Key with id {} cannot be found.", existing.physical_id),
        )),
    }
}

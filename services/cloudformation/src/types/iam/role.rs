//! AWS::IAM::Role: a role with its inline policies, the managed ones that it has, and its boundary.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html>

use super::{
    Boundary, Held, Holder, INLINE, Members, NAME_CHARS_MAX, Tag, ask, document_of, document_text, shown_tags,
    tag_list, tell,
};
use crate::{
    api::{Api, HandlerError},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, Tags, made, made::handled, values},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a role has that was told nothing.
const SESSION_SECONDS_DEFAULT: i64 = 3_600;

/// The type.
pub static ROLE: ResourceType = ResourceType {
    name: "AWS::IAM::Role",
    properties: &[
        Property::new("AssumeRolePolicyDocument", Kind::Json).required(),
        Property::new("Description", Kind::Text),
        Property::new("ManagedPolicyArns", Kind::Set(&Kind::Text)),
        Property::new("MaxSessionDuration", Kind::Integer),
        Property::new("Path", Kind::Text).create_only(),
        Property::new("PermissionsBoundary", Kind::Text),
        Property::new("Policies", Kind::Set(&INLINE)),
        Property::new("RoleName", Kind::Text).create_only(),
        Property::new("Tags", Kind::Set(&made::TAG)),
    ],
    unsupported: &[],
    attributes: &["Arn", "RoleId"],
    secrets: &[],
    tags: Some(Tags {
        property: "Tags",
        system: false,
    }),
    handler: &Role,
};

handled!(Role);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    role: Shape,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shape {
    arn: String,
    role_id: String,
    role_name: String,
    path: String,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: Option<i64>,
    permissions_boundary: Option<Boundary>,
    #[serde(default)]
    tags: Members<Tag>,
}

fn held(name: &str) -> Held<'_> {
    Held {
        holder: Holder::Role,
        name,
    }
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let (properties, name) = (&desired.properties, made::name_of(desired, "RoleName", NAME_CHARS_MAX));
    let input = json!({
        "RoleName": name,
        "Path": properties.get("Path"),
        "AssumeRolePolicyDocument": document_text(properties.get("AssumeRolePolicyDocument")),
        "Description": properties.get("Description"),
        "MaxSessionDuration": properties.get("MaxSessionDuration"),
        "PermissionsBoundary": properties.get("PermissionsBoundary"),
        "Tags": tag_list(properties),
    });
    let Answer { role } = ask(api, "CreateRole", &input).await?;
    held(&name).change_policies(api, &Value::Null, properties).await?;
    Ok(made::made_of_texts(
        name,
        &[("Arn", &role.arn), ("RoleId", &role.role_id)],
    ))
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after) = (&existing.properties, &desired.properties);
    let held = held(&existing.physical_id);
    if values::changed(before, after, "AssumeRolePolicyDocument") {
        let document = document_text(after.get("AssumeRolePolicyDocument"));
        let input = held.input([("PolicyDocument", Value::from(document))]);
        tell(api, "UpdateAssumeRolePolicy", &input).await?;
    }
    if values::changed(before, after, "Description") || values::changed(before, after, "MaxSessionDuration") {
        let seconds = after.get("MaxSessionDuration").cloned();
        let input = held.input([
            (
                "Description",
                Value::from(values::text(after, "Description").unwrap_or_default()),
            ),
            (
                "MaxSessionDuration",
                seconds.unwrap_or(Value::from(SESSION_SECONDS_DEFAULT)),
            ),
        ]);
        tell(api, "UpdateRole", &input).await?;
    }
    held.change_boundary(api, before, after).await?;
    held.change_policies(api, before, after).await?;
    held.change_tags(api, before, after).await?;
    Ok(made::same(existing))
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    let held = held(&existing.physical_id);
    held.strip(api, &existing.properties).await?;
    tell(api, "DeleteRole", &held.input([])).await
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let held = held(&existing.physical_id);
    let Answer { role } = ask(api, "GetRole", &held.input([])).await?;
    let mut properties = json!({
        "RoleName": role.role_name,
        "Path": role.path,
        "AssumeRolePolicyDocument": document_of(&role.assume_role_policy_document)?,
        "MaxSessionDuration": role.max_session_duration.unwrap_or(SESSION_SECONDS_DEFAULT),
        "ManagedPolicyArns": held.attached_policies(api).await?,
        "Policies": held.inline_policies(api).await?,
        "Tags": shown_tags(role.tags),
    });
    values::put(&mut properties, "Description", role.description);
    let boundary = role
        .permissions_boundary
        .map(|boundary| boundary.permissions_boundary_arn);
    values::put(&mut properties, "PermissionsBoundary", boundary);
    Ok(properties)
}

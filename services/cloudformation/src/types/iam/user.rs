//! AWS::IAM::User: a user with its groups and policies. Passwords are not here.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-user.html>

use super::{
    Boundary, Held, Holder, INLINE, Members, NAME_CHARS_MAX, Tag, ask, shown_tags, tag_list, take_away, tell, texts,
};
use crate::{
    api::{Api, HandlerError},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, Tags, made, made::handled, values},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The type.
pub static USER: ResourceType = ResourceType {
    name: "AWS::IAM::User",
    properties: &[
        Property::new("Groups", Kind::Set(&Kind::Text)),
        Property::new("ManagedPolicyArns", Kind::Set(&Kind::Text)),
        Property::new("Path", Kind::Text),
        Property::new("PermissionsBoundary", Kind::Text),
        Property::new("Policies", Kind::Set(&INLINE)),
        Property::new("Tags", Kind::Set(&made::TAG)),
        Property::new("UserName", Kind::Text).create_only(),
    ],
    unsupported: &["LoginProfile"],
    attributes: &["Arn"],
    secrets: &[],
    tags: Some(Tags {
        property: "Tags",
        system: false,
    }),
    handler: &User,
};

handled!(User);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    user: Shape,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shape {
    arn: String,
    user_name: String,
    path: String,
    permissions_boundary: Option<Boundary>,
    #[serde(default)]
    tags: Members<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupsPage {
    #[serde(default)]
    groups: Members<GroupName>,
    marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupName {
    group_name: String,
}

fn held(name: &str) -> Held<'_> {
    Held {
        holder: Holder::User,
        name,
    }
}

/// Brings the user from the groups of `before` into those of `after`.
async fn change_groups(api: &mut Api, user: &str, before: &Value, after: &Value) -> Result<(), HandlerError> {
    let (old, new): (BTreeSet<String>, BTreeSet<String>) = (texts(before, "Groups"), texts(after, "Groups"));
    let input = |group: &String| json!({"UserName": user, "GroupName": group});
    for gone in old.difference(&new) {
        take_away(api, "RemoveUserFromGroup", &input(gone)).await?;
    }
    for come in new.difference(&old) {
        tell(api, "AddUserToGroup", &input(come)).await?;
    }
    Ok(())
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let (properties, name) = (&desired.properties, made::name_of(desired, "UserName", NAME_CHARS_MAX));
    let input = json!({
        "UserName": name,
        "Path": properties.get("Path"),
        "PermissionsBoundary": properties.get("PermissionsBoundary"),
        "Tags": tag_list(properties),
    });
    let Answer { user } = ask(api, "CreateUser", &input).await?;
    held(&name).change_policies(api, &Value::Null, properties).await?;
    change_groups(api, &name, &Value::Null, properties).await?;
    Ok(made::made_of_texts(name, &[("Arn", &user.arn)]))
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after, name) = (&existing.properties, &desired.properties, &existing.physical_id);
    let held = held(name);
    let mut now = made::same(existing);
    if values::changed(before, after, "Path") {
        let path = values::text(after, "Path").unwrap_or("/");
        tell(api, "UpdateUser", &held.input([("NewPath", Value::from(path))])).await?;
        let Answer { user } = ask(api, "GetUser", &held.input([])).await?;
        now = made::made_of_texts(name, &[("Arn", &user.arn)]);
    }
    held.change_boundary(api, before, after).await?;
    held.change_policies(api, before, after).await?;
    change_groups(api, name, before, after).await?;
    held.change_tags(api, before, after).await?;
    Ok(now)
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    let held = held(&existing.physical_id);
    held.strip(api, &existing.properties).await?;
    change_groups(api, &existing.physical_id, &existing.properties, &Value::Null).await?;
    tell(api, "DeleteUser", &held.input([])).await
}

async fn groups_of(api: &mut Api, held: Held<'_>) -> Result<Value, HandlerError> {
    let (mut groups, mut marker) = (Vec::new(), Value::Null);
    loop {
        let page: GroupsPage = ask(api, "ListGroupsForUser", &held.input([("Marker", marker)])).await?;
        groups.extend(page.groups.member.into_iter().map(|group| group.group_name));
        match page.marker {
            Some(next) => marker = Value::from(next),
            None => return Ok(Value::from(groups)),
        }
    }
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let held = held(&existing.physical_id);
    let Answer { user } = ask(api, "GetUser", &held.input([])).await?;
    let mut properties = json!({
        "UserName": user.user_name,
        "Path": user.path,
        "Groups": groups_of(api, held).await?,
        "ManagedPolicyArns": held.attached_policies(api).await?,
        "Policies": held.inline_policies(api).await?,
        "Tags": shown_tags(user.tags),
    });
    let boundary = user
        .permissions_boundary
        .map(|boundary| boundary.permissions_boundary_arn);
    values::put(&mut properties, "PermissionsBoundary", boundary);
    Ok(properties)
}

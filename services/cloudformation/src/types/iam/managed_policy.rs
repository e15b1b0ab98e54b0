//! AWS::IAM::ManagedPolicy: a customer's managed policy, in versions, and who has it.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-managedpolicy.html>

use super::{Held, Holder, LONG_NAME_CHARS_MAX, Members, ask, document_of, document_text, take_away, tell, texts};
use crate::{
    api::{Api, HandlerError},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, made, made::handled, values},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The type.
pub static MANAGED_POLICY: ResourceType = ResourceType {
    name: "AWS::IAM::ManagedPolicy",
    properties: &[
        Property::new("Description", Kind::Text).create_only(),
        Property::new("Groups", Kind::Set(&Kind::Text)),
        Property::new("ManagedPolicyName", Kind::Text).create_only(),
        Property::new("Path", Kind::Text).create_only(),
        Property::new("PolicyDocument", Kind::Json).required(),
        Property::new("Roles", Kind::Set(&Kind::Text)),
        Property::new("Users", Kind::Set(&Kind::Text)),
    ],
    unsupported: &[],
    attributes: &[
        "AttachmentCount",
        "CreateDate",
        "DefaultVersionId",
        "IsAttachable",
        "PermissionsBoundaryUsageCount",
        "PolicyArn",
        "PolicyId",
        "UpdateDate",
    ],
    secrets: &[],
    tags: None,
    handler: &ManagedPolicy,
};

handled!(ManagedPolicy);

/// A policy has at most so many versions.
const VERSIONS_MAX: usize = 5;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    policy: Shape,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shape {
    arn: String,
    policy_name: String,
    policy_id: String,
    path: String,
    default_version_id: String,
    attachment_count: i64,
    permissions_boundary_usage_count: i64,
    is_attachable: bool,
    description: Option<String>,
    create_date: String,
    update_date: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    #[serde(default)]
    versions: Members<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneVersion {
    policy_version: Version,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    version_id: String,
    is_default_version: bool,
    document: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Entities {
    policy_groups: Members<PolicyGroup>,
    policy_users: Members<PolicyUser>,
    policy_roles: Members<PolicyRole>,
    marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyGroup {
    group_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyUser {
    user_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyRole {
    role_name: String,
}

/// The versions that must go before there is room for one more: the oldest that is not in force.
fn in_the_way(versions: &[Version]) -> Option<&str> {
    let number = |version: &Version| {
        version
            .version_id
            .trim_start_matches('v')
            .parse::<u32>()
            .unwrap_or(u32::MAX)
    };
    let others = versions.iter().filter(|version| !version.is_default_version);
    let oldest = others.min_by_key(|version| number(version));
    oldest
        .filter(|_| versions.len() >= VERSIONS_MAX)
        .map(|version| version.version_id.as_str())
}

/// What is told of it besides its properties, as it is now.
async fn told(api: &mut Api, arn: &str) -> Result<Made, HandlerError> {
    let Answer { policy } = ask(api, "GetPolicy", &json!({"PolicyArn": arn})).await?;
    Ok(made::made(
        arn,
        [
            ("AttachmentCount", policy.attachment_count.into()),
            ("CreateDate", policy.create_date.into()),
            ("DefaultVersionId", policy.default_version_id.into()),
            ("IsAttachable", policy.is_attachable.into()),
            (
                "PermissionsBoundaryUsageCount",
                policy.permissions_boundary_usage_count.into(),
            ),
            ("PolicyArn", policy.arn.into()),
            ("PolicyId", policy.policy_id.into()),
            ("UpdateDate", policy.update_date.into()),
        ],
    ))
}

/// Gives the policy to who has it in `after` alone, and takes it from who has it in `before` alone.
async fn change_holders(api: &mut Api, arn: &str, before: &Value, after: &Value) -> Result<(), HandlerError> {
    for holder in Holder::ALL {
        let (old, new) = (texts(before, holder.list()), texts(after, holder.list()));
        for name in old.difference(&new) {
            Held { holder, name }.detach(api, arn).await?;
        }
        for name in new.difference(&old) {
            Held { holder, name }.attach(api, arn).await?;
        }
    }
    Ok(())
}

async fn versions_of(api: &mut Api, arn: &str) -> Result<Vec<Version>, HandlerError> {
    let Versions { versions } = ask(api, "ListPolicyVersions", &json!({"PolicyArn": arn})).await?;
    Ok(versions.member)
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let properties = &desired.properties;
    let input = json!({
        "PolicyName": made::name_of(desired, "ManagedPolicyName", LONG_NAME_CHARS_MAX),
        "Path": properties.get("Path"),
        "Description": properties.get("Description"),
        "PolicyDocument": document_text(properties.get("PolicyDocument")),
    });
    let answer: CreatedAnswer = ask(api, "CreatePolicy", &input).await?;
    let arn = answer.policy.arn;
    change_holders(api, &arn, &Value::Null, properties).await?;
    told(api, &arn).await
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreatedAnswer {
    policy: Created,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    arn: String,
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after, arn) = (&existing.properties, &desired.properties, &existing.physical_id);
    if values::changed(before, after, "PolicyDocument") {
        let versions = versions_of(api, arn).await?;
        if let Some(version) = in_the_way(&versions) {
            let input = json!({"PolicyArn": arn, "VersionId": version});
            tell(api, "DeletePolicyVersion", &input).await?;
        }
        let document = document_text(after.get("PolicyDocument"));
        let input = json!({"PolicyArn": arn, "PolicyDocument": document, "SetAsDefault": true});
        tell(api, "CreatePolicyVersion", &input).await?;
    }
    change_holders(api, arn, before, after).await?;
    told(api, arn).await
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    let arn = &existing.physical_id;
    let versions = versions_of(api, arn).await?;
    change_holders(api, arn, &existing.properties, &Value::Null).await?;
    for version in versions.iter().filter(|version| !version.is_default_version) {
        let input = json!({"PolicyArn": arn, "VersionId": version.version_id});
        take_away(api, "DeletePolicyVersion", &input).await?;
    }
    tell(api, "DeletePolicy", &json!({"PolicyArn": arn})).await
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let arn = &existing.physical_id;
    let Answer { policy } = ask(api, "GetPolicy", &json!({"PolicyArn": arn})).await?;
    let input = json!({"PolicyArn": arn, "VersionId": policy.default_version_id});
    let OneVersion { policy_version } = ask(api, "GetPolicyVersion", &input).await?;
    let (mut groups, mut users, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    let mut marker = Value::Null;
    loop {
        let input = json!({"PolicyArn": arn, "PolicyUsageFilter": "PermissionsPolicy", "Marker": marker});
        let page: Entities = ask(api, "ListEntitiesForPolicy", &input).await?;
        groups.extend(page.policy_groups.member.into_iter().map(|one| one.group_name));
        users.extend(page.policy_users.member.into_iter().map(|one| one.user_name));
        roles.extend(page.policy_roles.member.into_iter().map(|one| one.role_name));
        match page.marker {
            Some(next) => marker = Value::from(next),
            None => break,
        }
    }
    let mut properties = json!({
        "ManagedPolicyName": policy.policy_name,
        "Path": policy.path,
        "PolicyDocument": document_of(&policy_version.document.unwrap_or_default())?,
        "Groups": groups,
        "Users": users,
        "Roles": roles,
    });
    values::put(&mut properties, "Description", policy.description);
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(numbers: &[u32], default: u32) -> Vec<Version> {
        let version = |number: &u32| Version {
            version_id: format!("v{number}"),
            is_default_version: *number == default,
            document: None,
        };
        numbers.iter().map(version).collect()
    }

    #[test]
    fn the_oldest_version_makes_room() {
        assert_eq!(in_the_way(&versions(&[4, 3, 2, 1], 4)), None);
        assert_eq!(in_the_way(&versions(&[12, 11, 10, 9, 8], 12)), Some("v8"));
        assert_eq!(in_the_way(&versions(&[5, 4, 3, 2, 1], 1)), Some("v2"));
    }
}

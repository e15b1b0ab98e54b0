//! Who is who: by GetAccountAuthorizationDetails, or where that is denied by the lists and what they name.

use super::{
    Fact, Missing, Principals,
    ask::{Asker, Page, absent, together},
};
use crate::{
    aws::Error,
    survey::{Attached, Group, ManagedPolicy, Role, User},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use wire::ServiceName::Iam;

#[derive(Deserialize)]
struct Members<T> {
    #[serde(default = "Vec::new")]
    member: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Members<T> {
        Members { member: Vec::new() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details {
    #[serde(default)]
    user_detail_list: Members<Entity>,
    #[serde(default)]
    role_detail_list: Members<Entity>,
    #[serde(default)]
    group_detail_list: Members<Entity>,
    #[serde(default)]
    policies: Members<ManagedXml>,
    #[serde(default)]
    is_truncated: bool,
    marker: Option<String>,
}

/// A user, a role or a group, in the details and in the lists.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entity {
    arn: String,
    #[serde(default)]
    path: String,
    #[serde(alias = "UserName", alias = "RoleName", alias = "GroupName", rename = "Name")]
    name: String,
    #[serde(alias = "UserId", alias = "RoleId", alias = "GroupId", rename = "Id")]
    id: String,
    #[serde(default)]
    assume_role_policy_document: String,
    #[serde(default)]
    group_list: Members<String>,
    #[serde(
        default,
        alias = "UserPolicyList",
        alias = "RolePolicyList",
        alias = "GroupPolicyList",
        rename = "PolicyList"
    )]
    policy_list: Members<InlineXml>,
    #[serde(default)]
    attached_managed_policies: Members<AttachedXml>,
    permissions_boundary: Option<BoundaryXml>,
    #[serde(default)]
    tags: Members<TagXml>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InlineXml {
    policy_name: String,
    policy_document: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttachedXml {
    policy_name: String,
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BoundaryXml {
    permissions_boundary_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagXml {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManagedXml {
    policy_name: String,
    arn: String,
    #[serde(default)]
    default_version_id: String,
    #[serde(default)]
    policy_version_list: Members<VersionXml>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersionXml {
    #[serde(default)]
    version_id: String,
    #[serde(default)]
    document: String,
    #[serde(default)]
    is_default_version: bool,
}

/// Everyone in the account.
pub(super) async fn principals(asker: &Asker) -> Result<Principals, Missing> {
    let mut principals = match details(asker).await {
        Ok(principals) => principals,
        // Where the lists do not help either, what is missing is the call that tells all.
        Err(missing) => listed(asker).await.map_err(|_| missing)?,
    };
    let wanted: BTreeSet<String> = named(&principals)
        .filter(|arn| !principals.policies.contains_key(*arn))
        .map(str::to_owned)
        .collect();
    let policies = together(wanted.into_iter().map(|arn| {
        let asker = asker.clone();
        async move {
            let policy = managed(&asker, &arn).await;
            (arn, policy.into())
        }
    }));
    principals.policies.extend(policies.await);
    Ok(principals)
}

/// The ARNs of managed policies that someone has, or is bounded by.
fn named(principals: &Principals) -> impl Iterator<Item = &str> {
    let users = principals
        .users
        .iter()
        .map(|user| (&user.attached, Some(&user.boundary)));
    let roles = principals
        .roles
        .iter()
        .map(|role| (&role.attached, Some(&role.boundary)));
    let groups = principals.groups.iter().map(|group| (&group.attached, None));
    users.chain(roles).chain(groups).flat_map(|(attached, boundary)| {
        let attached = attached.known().into_iter().flatten().map(|policy| policy.arn.as_str());
        attached.chain(boundary.and_then(Fact::found).map(String::as_str))
    })
}

async fn details(asker: &Asker) -> Result<Principals, Missing> {
    const CALL: &str = "GetAccountAuthorizationDetails";
    let page = |details: Details| Page {
        next: details.marker.clone().filter(|_| details.is_truncated),
        items: vec![details],
    };
    let pages = asker.query_list(Iam, CALL, &[("MaxItems", "100")], "Marker", page);
    let mut principals = Principals::default();
    for page in pages.await? {
        for user in page.user_detail_list.member {
            principals.users.push(user.user(asker)?);
        }
        for role in page.role_detail_list.member {
            principals.roles.push(role.role(asker)?);
        }
        for group in page.group_detail_list.member {
            principals.groups.push(group.group(asker)?);
        }
        for policy in page.policies.member {
            let arn = policy.arn.clone();
            if let Some(policy) = policy.known(asker) {
                principals.policies.insert(arn, policy.into());
            }
        }
    }
    Ok(principals)
}

impl Entity {
    fn inline(&mut self, asker: &Asker) -> Result<BTreeMap<String, Value>, Missing> {
        let policies = std::mem::take(&mut self.policy_list.member).into_iter();
        policies
            .map(|policy| {
                let document = document(asker, "GetAccountAuthorizationDetails", &policy.policy_document)?;
                Ok((policy.policy_name, document))
            })
            .collect()
    }

    fn boundary(&mut self) -> Option<String> {
        self.permissions_boundary.take()?.permissions_boundary_arn
    }

    fn tags(&mut self) -> BTreeMap<String, String> {
        let tags = std::mem::take(&mut self.tags.member).into_iter();
        tags.map(|tag| (tag.key, tag.value)).collect()
    }

    fn attached(&mut self) -> Vec<Attached> {
        known_attached(std::mem::take(&mut self.attached_managed_policies.member))
    }

    fn user(mut self, asker: &Asker) -> Result<User, Missing> {
        Ok(User {
            groups: Fact::Known(std::mem::take(&mut self.group_list.member)),
            inline: Fact::Known(self.inline(asker)?),
            attached: Fact::Known(self.attached()),
            boundary: Fact::Known(self.boundary()),
            tags: Fact::Known(self.tags()),
            arn: self.arn,
            name: self.name,
            id: self.id,
            path: self.path,
        })
    }

    fn role(mut self, asker: &Asker) -> Result<Role, Missing> {
        Ok(Role {
            trust: document(asker, "ListRoles", &self.assume_role_policy_document)?,
            inline: Fact::Known(self.inline(asker)?),
            attached: Fact::Known(self.attached()),
            boundary: Fact::Known(self.boundary()),
            tags: Fact::Known(self.tags()),
            arn: self.arn,
            name: self.name,
            id: self.id,
            path: self.path,
        })
    }

    fn group(mut self, asker: &Asker) -> Result<Group, Missing> {
        Ok(Group {
            inline: Fact::Known(self.inline(asker)?),
            attached: Fact::Known(self.attached()),
            arn: self.arn,
            name: self.name,
        })
    }
}

fn known_attached(found: Vec<AttachedXml>) -> Vec<Attached> {
    let found = found.into_iter();
    found
        .map(|policy| Attached {
            name: policy.policy_name,
            arn: policy.policy_arn,
        })
        .collect()
}

impl ManagedXml {
    /// Nothing when the details do not have its document, which is then asked for.
    fn known(self, asker: &Asker) -> Option<Result<ManagedPolicy, Missing>> {
        let mut versions = self.policy_version_list.member.into_iter();
        let default = versions
            .find(|version| version.is_default_version || version.version_id == self.default_version_id)
            .filter(|version| !version.document.is_empty())?;
        let document = document(asker, "GetAccountAuthorizationDetails", &default.document);
        Some(document.map(|document| ManagedPolicy {
            arn: self.arn,
            name: self.policy_name,
            document,
        }))
    }
}

/// A policy's document: JSON, percent-encoded.
fn document(asker: &Asker, operation: &str, text: &str) -> Result<Value, Missing> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&text).map_err(|fault| {
        let odd = Error::Unreadable {
            operation: operation.to_owned(),
            reason: fault.to_string(),
        };
        Missing::of(&format!("iam:{operation}"), asker.region(), &odd)
    })
}

/// A managed policy by itself.
async fn managed(asker: &Asker, arn: &str) -> Result<ManagedPolicy, Missing> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        policy: ManagedXml,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Version {
        policy_version: VersionXml,
    }
    let of_policy = [("PolicyArn", arn)];
    let found = asker.query::<Answer>(Iam, "GetPolicy", &of_policy).await?.policy;
    let input = [("PolicyArn", arn), ("VersionId", found.default_version_id.as_str())];
    let version = asker.query::<Version>(Iam, "GetPolicyVersion", &input).await?;
    Ok(ManagedPolicy {
        arn: arn.to_owned(),
        document: document(asker, "GetPolicyVersion", &version.policy_version.document)?,
        name: found.policy_name,
    })
}

/// A page of any of the lists.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<T> {
    #[serde(
        alias = "Users",
        alias = "Roles",
        alias = "Groups",
        alias = "PolicyNames",
        alias = "AttachedPolicies",
        rename = "Items",
        default = "Members::default"
    )]
    items: Members<T>,
    #[serde(default)]
    is_truncated: bool,
    marker: Option<String>,
}

async fn list<T: DeserializeOwned>(asker: &Asker, call: &str, input: &[(&str, &str)]) -> Result<Vec<T>, Missing> {
    let page = |page: Listed<T>| Page {
        next: page.marker.filter(|_| page.is_truncated),
        items: page.items.member,
    };
    asker.query_list(Iam, call, input, "Marker", page).await
}

/// Everyone, by the lists and what they name.
async fn listed(asker: &Asker) -> Result<Principals, Missing> {
    let (users, roles, groups) = tokio::join!(
        list::<Entity>(asker, "ListUsers", &[]),
        list::<Entity>(asker, "ListRoles", &[]),
        list::<Entity>(asker, "ListGroups", &[]),
    );
    let (users, roles, groups) = (users?, roles?, groups?);
    let users = users.into_iter().map(|found| {
        let asker = asker.clone();
        async move { listed_user(&asker, found).await }
    });
    let roles = roles.into_iter().map(|found| {
        let asker = asker.clone();
        async move { listed_role(&asker, found).await }
    });
    let groups = groups.into_iter().map(|found| {
        let asker = asker.clone();
        async move {
            let (inline, attached) = held(&asker, "Group", &found.name).await;
            Group {
                arn: found.arn,
                name: found.name,
                inline,
                attached,
            }
        }
    });
    let (users, roles, groups) = tokio::join!(together(users), together(roles), together(groups));
    Ok(Principals {
        users,
        roles: roles.into_iter().collect::<Result<_, _>>()?,
        groups,
        policies: BTreeMap::new(),
    })
}

async fn listed_user(asker: &Asker, found: Entity) -> User {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        user: Entity,
    }
    let of_user = [("UserName", found.name.as_str())];
    let ((inline, attached), groups, whole) = tokio::join!(
        held(asker, "User", &found.name),
        list::<Entity>(asker, "ListGroupsForUser", &of_user),
        asker.query::<Answer>(Iam, "GetUser", &of_user),
    );
    let (boundary, tags) = own(whole.map(|answer| answer.user));
    User {
        groups: groups
            .map(|groups| groups.into_iter().map(|group| group.name).collect())
            .into(),
        inline,
        attached,
        boundary,
        tags,
        arn: found.arn,
        name: found.name,
        id: found.id,
        path: found.path,
    }
}

async fn listed_role(asker: &Asker, found: Entity) -> Result<Role, Missing> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        role: Entity,
    }
    let of_role = [("RoleName", found.name.as_str())];
    let ((inline, attached), whole) = tokio::join!(
        held(asker, "Role", &found.name),
        asker.query::<Answer>(Iam, "GetRole", &of_role),
    );
    let (boundary, tags) = own(whole.map(|answer| answer.role));
    Ok(Role {
        trust: document(asker, "ListRoles", &found.assume_role_policy_document)?,
        inline,
        attached,
        boundary,
        tags,
        arn: found.arn,
        name: found.name,
        id: found.id,
        path: found.path,
    })
}

/// The boundary and the tags, which the lists leave out.
fn own(whole: Result<Entity, Missing>) -> (Fact<Option<String>>, Fact<BTreeMap<String, String>>) {
    match whole {
        Ok(mut whole) => (Fact::Known(whole.boundary()), Fact::Known(whole.tags())),
        Err(missing) => (Fact::NotAvailable(missing.clone()), Fact::NotAvailable(missing)),
    }
}

type Held = (Fact<BTreeMap<String, Value>>, Fact<Vec<Attached>>);

/// The policies that someone holds; `kind` is `User`, `Role` or `Group`.
async fn held(asker: &Asker, kind: &str, name: &str) -> Held {
    let member = format!("{kind}Name");
    let of_name = [(member.as_str(), name)];
    let attached = format!("ListAttached{kind}Policies");
    let attached = list::<AttachedXml>(asker, &attached, &of_name);
    let (inline, attached) = tokio::join!(inline(asker, kind, &of_name), attached);
    (inline.into(), attached.map(known_attached).into())
}

async fn inline(asker: &Asker, kind: &str, of_name: &[(&str, &str); 1]) -> Result<BTreeMap<String, Value>, Missing> {
    let names = list::<String>(asker, &format!("List{kind}Policies"), of_name).await?;
    let (call, mut policies) = (format!("Get{kind}Policy"), BTreeMap::new());
    for name in names {
        let input = [of_name[0], ("PolicyName", name.as_str())];
        // Whoever deletes it meanwhile is right.
        let found = asker.query::<InlineXml>(Iam, &call, &input).await;
        if let Some(found) = absent(found, &["NoSuchEntity"])? {
            policies.insert(name, document(asker, &call, &found.policy_document)?);
        }
    }
    Ok(policies)
}

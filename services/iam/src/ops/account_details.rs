//! What GetAccountAuthorizationDetails shows of users, groups, roles and managed policies.

use super::{
    holder::{AttachedPolicy, Held},
    managed::VersionShape,
    role::{self, RoleLastUsed},
    shapes::{BoundaryShape, Tag},
    tagging,
};
use crate::{
    IamError,
    model::{arns::PolicyArn, document, group::Group, role::Role, user::User},
    table::{
        groups,
        holdings::{self, Uses},
        managed::Found,
        sessions,
    },
};
use gateway::Ctx;
use serde::Serialize;
use store::ReadView;
use wire::Iso8601;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserDetail {
    path: String,
    user_name: String,
    user_id: String,
    arn: String,
    create_date: Iso8601,
    user_policy_list: Option<Vec<PolicyDetail>>,
    group_list: Vec<String>,
    attached_managed_policies: Vec<AttachedPolicy>,
    permissions_boundary: Option<BoundaryShape>,
    tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupDetail {
    path: String,
    group_name: String,
    group_id: String,
    arn: String,
    create_date: Iso8601,
    group_policy_list: Vec<PolicyDetail>,
    attached_managed_policies: Vec<AttachedPolicy>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleDetail {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: Iso8601,
    assume_role_policy_document: String,
    /// There are no instance profiles here.
    instance_profile_list: [(); 0],
    role_policy_list: Vec<PolicyDetail>,
    attached_managed_policies: Vec<AttachedPolicy>,
    permissions_boundary: Option<BoundaryShape>,
    tags: Vec<Tag>,
    role_last_used: RoleLastUsed,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ManagedDetail {
    policy_name: String,
    policy_id: String,
    arn: String,
    path: String,
    default_version_id: String,
    attachment_count: usize,
    permissions_boundary_usage_count: usize,
    is_attachable: bool,
    description: Option<String>,
    create_date: Iso8601,
    update_date: Iso8601,
    policy_version_list: Vec<VersionShape>,
}

/// An inline policy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyDetail {
    policy_name: String,
    policy_document: String,
}

/// What a user, group or role holds.
struct Holdings {
    inline: Vec<PolicyDetail>,
    attached: Vec<AttachedPolicy>,
}

impl Holdings {
    async fn of(view: &ReadView<'_>, held: Held<'_>) -> Result<Holdings, IamError> {
        let inline = holdings::inline(view, held.account, held.id).await?;
        let attached = holdings::attached(view, held.account, held.id).await?;
        let detail = |(policy_name, text): (String, String)| PolicyDetail {
            policy_name,
            policy_document: document::encode(&text),
        };
        Ok(Holdings {
            inline: inline.policies.into_iter().map(detail).collect(),
            attached: attached
                .iter()
                .filter_map(|arn| PolicyArn::of(arn))
                .map(AttachedPolicy::from)
                .collect(),
        })
    }
}

impl UserDetail {
    pub(super) async fn of(view: &ReadView<'_>, user: &User) -> Result<UserDetail, IamError> {
        let holdings = Holdings::of(view, user.into()).await?;
        let groups = groups::groups_of(view, user).await?;
        Ok(UserDetail {
            path: user.path.clone(),
            user_name: user.name.clone(),
            user_id: user.id.clone(),
            arn: user.arn().as_str().to_owned(),
            create_date: Iso8601(user.created),
            user_policy_list: (!holdings.inline.is_empty()).then_some(holdings.inline),
            group_list: groups.into_iter().map(|group| group.name).collect(),
            attached_managed_policies: holdings.attached,
            permissions_boundary: user.boundary.as_deref().map(BoundaryShape::of),
            tags: tagging::listed(&user.tags),
        })
    }
}

impl GroupDetail {
    pub(super) async fn of(view: &ReadView<'_>, group: &Group) -> Result<GroupDetail, IamError> {
        let holdings = Holdings::of(view, group.into()).await?;
        Ok(GroupDetail {
            path: group.path.clone(),
            group_name: group.name.clone(),
            group_id: group.id.clone(),
            arn: group.arn().as_str().to_owned(),
            create_date: Iso8601(group.created),
            group_policy_list: holdings.inline,
            attached_managed_policies: holdings.attached,
        })
    }
}

impl RoleDetail {
    pub(super) async fn of(ctx: &Ctx, view: &ReadView<'_>, role: &Role) -> Result<RoleDetail, IamError> {
        let holdings = Holdings::of(view, role.into()).await?;
        let used = sessions::last_used(view, &role.id).await?;
        Ok(RoleDetail {
            path: role.path.clone(),
            role_name: role.name.clone(),
            role_id: role.id.clone(),
            arn: role.arn().as_str().to_owned(),
            create_date: Iso8601(role.created),
            assume_role_policy_document: role::trust_to_show(ctx, view, role).await?,
            instance_profile_list: [],
            role_policy_list: holdings.inline,
            attached_managed_policies: holdings.attached,
            permissions_boundary: role.boundary.as_deref().map(BoundaryShape::of),
            tags: tagging::listed(&role.tags),
            role_last_used: RoleLastUsed::from(used),
        })
    }
}

impl ManagedDetail {
    pub(super) fn of(found: &Found, uses: Uses) -> ManagedDetail {
        let versions = VersionShape::all(found);
        let whole = |version: VersionShape| VersionShape::whole(found, &version.version_id).unwrap_or(version);
        let (path, default_version_id, created, updated, description) = match found {
            Found::Aws(policy) => (
                "/".to_owned(),
                "v1".to_owned(),
                policy.created(),
                policy.created(),
                Some(policy.description.to_owned()),
            ),
            Found::Customer(policy) => (
                policy.path.clone(),
                policy.default_id(),
                policy.created,
                policy.updated,
                policy.description.clone(),
            ),
        };
        ManagedDetail {
            policy_name: found.name().to_owned(),
            policy_id: found.id().to_owned(),
            arn: found.arn().as_str().to_owned(),
            path,
            default_version_id,
            attachment_count: uses.attached,
            permissions_boundary_usage_count: uses.bounded,
            is_attachable: true,
            description,
            create_date: Iso8601(created),
            update_date: Iso8601(updated),
            policy_version_list: versions.into_iter().map(whole).collect(),
        }
    }
}

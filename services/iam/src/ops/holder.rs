//! What users, groups and roles have in common: inline policies, attached managed policies, boundaries.

use super::page::page;
use crate::{
    IamError,
    error::{Entity, Quota},
    model::{
        arns::PolicyArn,
        document::{self, Holder},
        group::Group,
        managed_policy::ATTACHED_MAX,
        name,
        role::Role,
        user::User,
    },
    table::{holdings, managed},
};
use base::AccountId;
use gateway::Txn;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;

/// A user, group or role that holds policies.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) account: AccountId,
    /// The unique id.
    pub(super) id: &'a str,
    pub(super) holder: Holder<'a>,
}

impl<'a> From<&'a User> for Held<'a> {
    fn from(user: &'a User) -> Held<'a> {
        Held {
            account: user.account,
            id: &user.id,
            holder: Holder::User(&user.name),
        }
    }
}

impl<'a> From<&'a Group> for Held<'a> {
    fn from(group: &'a Group) -> Held<'a> {
        Held {
            account: group.account,
            id: &group.id,
            holder: Holder::Group(&group.name),
        }
    }
}

impl<'a> From<&'a Role> for Held<'a> {
    fn from(role: &'a Role) -> Held<'a> {
        Held {
            account: role.account,
            id: &role.id,
            holder: Holder::Role(&role.name),
        }
    }
}

impl Held<'_> {
    fn no_such_policy(&self, name: String) -> IamError {
        IamError::NoSuchEntity(match self.holder {
            Holder::Group(_) => Entity::GroupPolicy(name),
            Holder::Role(_) => Entity::RolePolicy(name),
            Holder::User(_) => Entity::UserPolicy(name),
        })
    }

    fn attached_quota(&self) -> Quota {
        match self.holder {
            Holder::Group(_) => Quota::PoliciesPerGroup,
            Holder::Role(_) => Quota::PoliciesPerRole,
            Holder::User(_) => Quota::PoliciesPerUser,
        }
    }

    /// Puts an inline policy, in the place of one of the same name.
    pub(super) async fn put_policy(&self, txn: &mut Txn, policy: &str, document: &str) -> Result<(), IamError> {
        let policy = name::parse_policy_name(policy)?;
        let mut row = holdings::inline(&txn.view(), self.account, self.id).await?;
        document::add_policy(&mut row, self.holder, policy, document)?;
        holdings::put_inline(txn, self.account, self.id, &row);
        Ok(())
    }

    /// An inline policy's document as it was written.
    pub(super) async fn policy(&self, view: &ReadView<'_>, policy: &str) -> Result<String, IamError> {
        let policy = name::parse_policy_name(policy)?;
        let mut row = holdings::inline(view, self.account, self.id).await?;
        row.policies.remove(&policy).ok_or_else(|| self.no_such_policy(policy))
    }

    /// Removes an inline policy.
    pub(super) async fn delete_policy(&self, txn: &mut Txn, policy: &str) -> Result<(), IamError> {
        let policy = name::parse_policy_name(policy)?;
        let mut row = holdings::inline(&txn.view(), self.account, self.id).await?;
        if row.policies.remove(&policy).is_none() {
            return Err(self.no_such_policy(policy));
        }
        holdings::put_inline(txn, self.account, self.id, &row);
        Ok(())
    }

    /// The names of the inline policies.
    pub(super) async fn policy_names(
        &self,
        view: &ReadView<'_>,
        max_items: Option<i64>,
        marker: Option<&str>,
    ) -> Result<PolicyNames, IamError> {
        let row = holdings::inline(view, self.account, self.id).await?;
        let mut names: Vec<String> = row.policies.into_keys().collect();
        names.sort_by_cached_key(|name| (name.to_ascii_lowercase(), name.clone()));
        let page = page(names, |name| name, max_items, marker)?;
        Ok(PolicyNames {
            policy_names: page.items,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        })
    }

    /// Attaches a managed policy; one that is attached already stays so.
    pub(super) async fn attach(&self, txn: &mut Txn, arn: &str) -> Result<(), IamError> {
        let arn = PolicyArn::parse("policyArn", arn)?;
        let view = txn.view();
        let policy = managed::attachable(&view, self.account, &arn).await?;
        let attached = holdings::attached(&view, self.account, self.id).await?;
        let already = attached.iter().any(|other| other == arn.as_str());
        if !already && attached.len() >= ATTACHED_MAX {
            return Err(IamError::LimitExceeded(self.attached_quota()));
        }
        holdings::attach(txn, self.account, self.id, arn.as_str(), policy.id()).await?;
        Ok(())
    }

    /// Takes a managed policy off, which must be attached.
    pub(super) async fn detach(&self, txn: &mut Txn, arn: &str) -> Result<(), IamError> {
        let arn = PolicyArn::parse("policyArn", arn)?;
        let policy = managed::existing(&txn.view(), self.account, &arn).await?;
        match holdings::detach(txn, self.account, self.id, arn.as_str(), policy.id()).await? {
            true => Ok(()),
            false => Err(arn.not_found()),
        }
    }

    /// The attached managed policies whose path begins with `prefix`, by ARN.
    pub(super) async fn attached(
        &self,
        view: &ReadView<'_>,
        prefix: Option<&str>,
        max_items: Option<i64>,
        marker: Option<&str>,
    ) -> Result<AttachedPolicies, IamError> {
        let prefix = name::parse_path_prefix(prefix.unwrap_or("/"))?;
        let attached = holdings::attached(view, self.account, self.id).await?;
        let mut policies: Vec<AttachedPolicy> = attached
            .into_iter()
            .filter_map(|arn| PolicyArn::of(&arn))
            .filter(|arn| arn.path().starts_with(&prefix))
            .map(AttachedPolicy::from)
            .collect();
        policies.sort_by_cached_key(|policy| policy.policy_arn.to_ascii_lowercase());
        let page = page(policies, |policy| &policy.policy_arn, max_items, marker)?;
        Ok(AttachedPolicies {
            attached_policies: page.items,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        })
    }

    /// Makes a managed policy the boundary in the place of `before`, and gives its ARN; the holder's own row is its
    /// caller's to write.
    pub(super) async fn bound(&self, txn: &mut Txn, before: Option<&str>, arn: &str) -> Result<String, IamError> {
        let arn = PolicyArn::parse_boundary(arn)?;
        managed::boundary(&txn.view(), self.account, &arn).await?;
        holdings::move_boundary(txn, self.account, self.id, before, Some(arn.as_str())).await?;
        Ok(arn.as_str().to_owned())
    }

    /// Notes that the boundary `before` is one no more; the holder's own row is its caller's to write.
    pub(super) async fn unbound(&self, txn: &mut Txn, before: Option<&str>) -> Result<(), IamError> {
        if before.is_none() {
            return Err(IamError::NoSuchEntity(match self.holder {
                Holder::Role(name) => Entity::RoleBoundary(name.to_owned()),
                Holder::Group(name) | Holder::User(name) => Entity::UserBoundary(name.to_owned()),
            }));
        }
        holdings::move_boundary(txn, self.account, self.id, before, None).await?;
        Ok(())
    }
}

/// The answer of a listing of inline policies.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyNames {
    policy_names: Vec<String>,
    is_truncated: bool,
    marker: Option<String>,
}

/// The answer of a listing of attached policies.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttachedPolicies {
    attached_policies: Vec<AttachedPolicy>,
    is_truncated: bool,
    marker: Option<String>,
}

/// An attached policy, as answers show it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttachedPolicy {
    policy_name: String,
    policy_arn: String,
}

impl From<PolicyArn> for AttachedPolicy {
    fn from(arn: PolicyArn) -> AttachedPolicy {
        AttachedPolicy {
            policy_name: arn.name().to_owned(),
            policy_arn: arn.as_str().to_owned(),
        }
    }
}

impl Evident for PolicyNames {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Evident for AttachedPolicies {
    fn evident(&self) -> Params {
        Params::new()
    }
}

//! What users and roles hold, gathered from the rows and parsed.

use crate::{
    model::{arns::PolicyArn, aws_managed, group::Group, role::Role, user::User},
    table::{
        groups, holdings,
        managed::{self, Found},
    },
};
use base::{AccountId, Fault};
use gateway::ports::Rights;
use policy::{Policy, PolicyKind, PolicySource};
use std::{collections::HashMap, sync::Arc};
use store::ReadView;

/// Gathers rights on one view, and parses each managed policy and each group's policies once.
pub(super) struct Gatherer<'a> {
    view: &'a ReadView<'a>,
    managed: HashMap<(String, PolicyKind), Arc<Policy>>,
    groups: HashMap<String, Vec<Arc<Policy>>>,
}

impl<'a> Gatherer<'a> {
    pub(super) fn new(view: &'a ReadView<'a>) -> Gatherer<'a> {
        Gatherer {
            view,
            managed: HashMap::new(),
            groups: HashMap::new(),
        }
    }

    /// A user's own policies, then those of its groups.
    pub(super) async fn of_user(&mut self, user: &User) -> Result<Rights, Fault> {
        let mut identity = self.held(user.account, &user.id, "user", &user.name).await?;
        for group in groups::groups_of(self.view, user).await? {
            identity.extend(self.of_group(&group).await?);
        }
        Ok(Rights {
            identity,
            boundary: self.boundary(user.boundary.as_deref()).await?,
            tags: user.tags.clone(),
        })
    }

    pub(super) async fn of_role(&mut self, role: &Role) -> Result<Rights, Fault> {
        Ok(Rights {
            identity: self.held(role.account, &role.id, "role", &role.name).await?,
            boundary: self.boundary(role.boundary.as_deref()).await?,
            tags: role.tags.clone(),
        })
    }

    async fn of_group(&mut self, group: &Group) -> Result<Vec<Arc<Policy>>, Fault> {
        if let Some(held) = self.groups.get(&group.id) {
            return Ok(held.clone());
        }
        let held = self.held(group.account, &group.id, "group", &group.name).await?;
        self.groups.insert(group.id.clone(), held.clone());
        Ok(held)
    }

    /// Inline policies by name, then attached ones in the order in which they were attached.
    async fn held(
        &mut self,
        account: AccountId,
        id: &str,
        kind: &'static str,
        name: &str,
    ) -> Result<Vec<Arc<Policy>>, Fault> {
        let inline = holdings::inline(self.view, account, id).await?;
        let mut held = Vec::with_capacity(inline.policies.len());
        for (policy, document) in &inline.policies {
            let source = PolicySource {
                arn: None,
                name: format!("inline policy {policy} of {kind} {name}").into(),
            };
            held.push(Arc::new(parse(document, PolicyKind::Identity, source)?));
        }
        for arn in holdings::attached(self.view, account, id).await? {
            held.push(self.managed(&arn, PolicyKind::Identity).await?);
        }
        Ok(held)
    }

    async fn boundary(&mut self, arn: Option<&str>) -> Result<Option<Arc<Policy>>, Fault> {
        match arn {
            Some(arn) => self.managed(arn, PolicyKind::PermissionsBoundary).await.map(Some),
            None => Ok(None),
        }
    }

    async fn managed(&mut self, arn: &str, kind: PolicyKind) -> Result<Arc<Policy>, Fault> {
        let key = (arn.to_owned(), kind);
        if let Some(policy) = self.managed.get(&key) {
            return Ok(Arc::clone(policy));
        }
        let missing = || Fault::corrupt(format!("the managed policy {arn} is in use and missing"));
        let parsed = PolicyArn::of(arn).ok_or_else(missing)?;
        let policy = match managed::find(self.view, &parsed).await?.ok_or_else(missing)? {
            Found::Aws(policy) => aws_managed::parsed(policy, kind)?,
            found @ Found::Customer(_) => Arc::new(parse(found.document()?, kind, aws_managed::source(arn))?),
        };
        self.managed.insert(key, Arc::clone(&policy));
        Ok(policy)
    }
}

/// A stored policy that no longer parses fails the call: left out, a broken `Deny` would open a door.
pub(super) fn parse(document: &str, kind: PolicyKind, source: PolicySource) -> Result<Policy, Fault> {
    match Policy::parse(document, kind) {
        Ok(policy) => Ok(policy.with_source(source)),
        Err(error) => Err(Fault::corrupt_by(format!("the stored {}", source.name), error)),
    }
}

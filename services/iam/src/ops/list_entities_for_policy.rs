//! ListEntitiesForPolicy: the groups, users and roles that have a managed policy, attached or as their boundary.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>

use super::{list_policies::Usage, managed, page::page};
use crate::{
    IamError,
    model::name,
    table::{self, IdKind, groups, holdings, roles, users},
};
use base::Fault;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListEntitiesForPolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    policy_arn: String,
    entity_filter: Option<String>,
    path_prefix: Option<String>,
    policy_usage_filter: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("policyArn", &self.policy_arn)
            .maybe_text("entityFilter", self.entity_filter.as_deref())
            .maybe_text("pathPrefix", self.path_prefix.as_deref())
            .maybe_text("policyUsageFilter", self.policy_usage_filter.as_deref())
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

/// Which kind of holders is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    All,
    Kind(IdKind),
    /// Policies are not held by policies.
    Nobody,
}

impl Input {
    fn parse_filter(&self) -> Result<Filter, IamError> {
        match self.entity_filter.as_deref() {
            None => Ok(Filter::All),
            Some("User") => Ok(Filter::Kind(IdKind::User)),
            Some("Role") => Ok(Filter::Kind(IdKind::Role)),
            Some("Group") => Ok(Filter::Kind(IdKind::Group)),
            Some("LocalManagedPolicy" | "AWSManagedPolicy") => Ok(Filter::Nobody),
            Some(_) => Err(IamError::constraint_at(
                "entityFilter",
                "Member must satisfy enum value set: [User, Role, Group, LocalManagedPolicy, AWSManagedPolicy]",
            )),
        }
    }
}

/// A holder of a policy.
struct Entity {
    kind: IdKind,
    /// By which listings are ordered: groups, users, roles, each by name.
    order: String,
    name: String,
    id: String,
    path: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    policy_groups: Vec<PolicyGroup>,
    policy_users: Vec<PolicyUser>,
    policy_roles: Vec<PolicyRole>,
    is_truncated: bool,
    marker: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyGroup {
    group_name: String,
    group_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyUser {
    user_name: String,
    user_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyRole {
    role_name: String,
    role_id: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Output {
    fn add(&mut self, entity: Entity) {
        let Entity { kind, name, id, .. } = entity;
        match kind {
            IdKind::Group => self.policy_groups.push(PolicyGroup {
                group_name: name,
                group_id: id,
            }),
            IdKind::Role => self.policy_roles.push(PolicyRole {
                role_name: name,
                role_id: id,
            }),
            IdKind::User => self.policy_users.push(PolicyUser {
                user_name: name,
                user_id: id,
            }),
            // No policy holds a policy.
            IdKind::Policy => {}
        }
    }
}

/// Who has this unique id.
async fn entity(view: &ReadView<'_>, id: String) -> Result<Entity, Fault> {
    let found = if let Some(user) = users::by_id(view, &id).await? {
        Some((IdKind::User, "2", user.name, user.path))
    } else if let Some(role) = roles::by_id(view, &id).await? {
        Some((IdKind::Role, "3", role.name, role.path))
    } else {
        let group = groups::by_id(view, &id).await?;
        group.map(|group| (IdKind::Group, "1", group.name, group.path))
    };
    let (kind, place, name, path) =
        found.ok_or_else(|| Fault::corrupt(format!("{id} has a managed policy and is missing")))?;
    Ok(Entity {
        kind,
        order: format!("{place}{}", name.to_ascii_lowercase()),
        name,
        id,
        path,
    })
}

impl Operation for ListEntitiesForPolicy {
    const NAME: &'static str = "ListEntitiesForPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        managed::demands(ctx, view, "iam:ListEntitiesForPolicy", &input.policy_arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let filter = input.parse_filter()?;
        let usage = Usage::parse(input.policy_usage_filter.as_deref())?;
        let prefix = name::parse_path_prefix(input.path_prefix.as_deref().unwrap_or("/"))?;
        let (view, arn) = (txn.view(), managed::parse_arn(&input.policy_arn)?);
        let found = table::managed::existing(&view, ctx.account, &arn).await?;
        let mut ids = match usage {
            Some(Usage::Boundary) => Vec::new(),
            _ => holdings::attached_to(&view, ctx.account, found.id()).await?,
        };
        if usage != Some(Usage::Permissions) {
            ids.extend(holdings::bounded_by(&view, ctx.account, found.id()).await?);
        }
        ids.sort_unstable();
        ids.dedup();
        let mut entities = Vec::with_capacity(ids.len());
        for id in ids {
            entities.push(entity(&view, id).await?);
        }
        entities.retain(|entity| {
            let wanted = filter == Filter::All || filter == Filter::Kind(entity.kind);
            wanted && entity.path.starts_with(&prefix)
        });
        entities.sort_by(|a, b| a.order.cmp(&b.order));
        let page = page(
            entities,
            |entity| &entity.order,
            input.max_items,
            input.marker.as_deref(),
        )?;
        let mut output = Output {
            is_truncated: page.marker.is_some(),
            marker: page.marker,
            ..Output::default()
        };
        page.items.into_iter().for_each(|entity| output.add(entity));
        Ok(QueryResult(output))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, result};
    use super::*;

    #[test]
    fn the_form_and_the_answer_are_awss() {
        let filter = |form: &str| read::<Input>(form).parse_filter();
        assert_eq!(filter("PolicyArn=x").unwrap(), Filter::All);
        assert_eq!(
            filter("PolicyArn=x&EntityFilter=Role").unwrap(),
            Filter::Kind(IdKind::Role)
        );
        assert_eq!(
            filter("PolicyArn=x&EntityFilter=AWSManagedPolicy").unwrap(),
            Filter::Nobody
        );
        assert!(filter("PolicyArn=x&EntityFilter=role").is_err());
        let mut output = Output::default();
        for (kind, id) in [
            (IdKind::Group, "AGPAX"),
            (IdKind::User, "AIDAX"),
            (IdKind::Role, "AROAX"),
        ] {
            output.add(Entity {
                kind,
                order: String::new(),
                name: "n".to_owned(),
                id: id.to_owned(),
                path: "/".to_owned(),
            });
        }
        assert_eq!(
            result("ListEntitiesForPolicy", &output),
            "<PolicyGroups><member><GroupName>n</GroupName><GroupId>AGPAX</GroupId></member></PolicyGroups><PolicyUsers><member><UserName>n</UserName><UserId>AIDAX</UserId></member></PolicyUsers><PolicyRoles><member><RoleName>n</RoleName><RoleId>AROAX</RoleId></member></PolicyRoles><IsTruncated>false</IsTruncated>"
        );
    }
}

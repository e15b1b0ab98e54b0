//! CreateRole: a role without policies, and who may take it on.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>

use super::{
    holder::Held,
    role::{self, OneRole, RoleShape},
    shapes::Tag,
    tagging,
};
use crate::{
    IamError,
    error::{Entity, Quota},
    model::{
        arns::PolicyArn,
        name,
        role::{ROLES_PER_ACCOUNT_MAX, Role, SESSION_SECONDS_DEFAULT},
        tags::{TagCase, Tags},
    },
    table::roles,
};
use base::{arn, ids};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct CreateRole;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    role_name: String,
    path: Option<String>,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: Option<i64>,
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .maybe_text("path", self.path.as_deref())
            .text("roleName", &self.role_name)
            .text("assumeRolePolicyDocument", &self.assume_role_policy_document)
            .maybe_text("description", self.description.as_deref())
            .maybe_number("maxSessionDuration", self.max_session_duration)
            .maybe_text("permissionsBoundary", self.permissions_boundary.as_deref());
        tagging::evident(params, &self.tags)
    }
}

impl Input {
    fn parse_path(&self) -> Result<String, IamError> {
        name::parse_path(self.path.as_deref().unwrap_or("/"))
    }

    fn parse_tags(&self) -> Result<Tags, IamError> {
        tagging::parse(&self.tags, TagCase::Ignored)
    }

    fn parse_session_seconds(&self) -> Result<u32, IamError> {
        self.max_session_duration
            .map_or(Ok(SESSION_SECONDS_DEFAULT), role::parse_session_seconds)
    }

    fn parse_boundary(&self) -> Result<Option<PolicyArn>, IamError> {
        self.permissions_boundary
            .as_deref()
            .map(PolicyArn::parse_boundary)
            .transpose()
    }
}

impl Operation for CreateRole {
    const NAME: &'static str = "CreateRole";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<OneRole>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let name = name::parse_role_name(&input.role_name)?;
        let arn = arn::role(ctx.account, &input.parse_path()?, &name);
        let (tags, boundary) = (input.parse_tags()?, input.parse_boundary()?);
        let demand = |action| {
            let demand = Demand::on(action, arn.clone())
                .with_some("iam:PermissionsBoundary", boundary.as_ref().map(PolicyArn::as_str));
            tagging::of_request(demand, &tags)
        };
        // A role that is born with tags needs the right to tag it too.
        let tagging = (!tags.is_empty()).then(|| demand("iam:TagRole"));
        Ok(Demands::All(
            [demand("iam:CreateRole")].into_iter().chain(tagging).collect(),
        ))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let name = name::parse_role_name(&input.role_name)?;
        let view = txn.view();
        let trust = role::trust_to_store(
            ctx,
            &view,
            "assumeRolePolicyDocument",
            &input.assume_role_policy_document,
        )
        .await?;
        if roles::role(&view, ctx.account, &name).await?.is_some() {
            return Err(IamError::EntityAlreadyExists(Entity::Role(name)));
        }
        if roles::roles(&view, ctx.account).await?.len() >= ROLES_PER_ACCOUNT_MAX {
            return Err(IamError::LimitExceeded(Quota::RolesPerAccount));
        }
        let mut role = Role {
            account: ctx.account,
            name,
            path: input.parse_path()?,
            id: ids::iam_id("AROA", ctx.random()),
            created: ctx.now().floor_second(),
            description: match &input.description {
                Some(text) => role::parse_description(text)?,
                None => None,
            },
            trust,
            max_session_duration: input.parse_session_seconds()?,
            boundary: None,
            tags: input.parse_tags()?,
        };
        if let Some(arn) = &input.permissions_boundary {
            role.boundary = Some(Held::from(&role).bound(txn, None, arn).await?);
        }
        roles::put_role(txn, &role);
        Ok(QueryResult(OneRole {
            role: RoleShape::created(&role, &input.assume_role_policy_document),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, shown};
    use super::*;

    #[test]
    fn the_form_is_read() {
        let input: Input = read(
            "Action=CreateRole&Version=2010-05-08&RoleName=R&Path=%2Fa%2F&AssumeRolePolicyDocument=%7B%7D&MaxSessionDuration=7200&Tags.member.1.Key=k&Tags.member.1.Value=v",
        );
        assert_eq!(input.parse_path().unwrap(), "/a/");
        assert_eq!(input.parse_session_seconds().unwrap(), 7_200);
        assert_eq!(
            shown(&input),
            r#"{"path":"/a/","roleName":"R","assumeRolePolicyDocument":"{}","maxSessionDuration":7200,"tags":[{"key":"k","value":"v"}]}"#
        );
        let plain: Input = read("RoleName=R&AssumeRolePolicyDocument=%7B%7D");
        assert_eq!(plain.parse_session_seconds().unwrap(), 3_600);
        assert!(plain.parse_boundary().unwrap().is_none());
    }
}

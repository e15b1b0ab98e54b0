//! CreateUser: a user without keys or policies.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>

use super::{
    shapes::{Tag, UserShape},
    tagging,
};
use crate::{
    IamError,
    error::{Entity, Quota},
    model::{
        arns::PolicyArn,
        name::{self, UserName},
        tags::{TagCase, Tags},
        user::{USERS_PER_ACCOUNT_MAX, User},
    },
    table::{self, holdings, managed},
};
use base::{arn, ids};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct CreateUser;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    user_name: String,
    path: Option<String>,
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("userName", &self.user_name)
            .maybe_text("path", self.path.as_deref())
            .maybe_text("permissionsBoundary", self.permissions_boundary.as_deref());
        tagging::evident(params, &self.tags)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    user: UserShape,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().object("user", self.user.evident())
    }
}

impl Input {
    fn parse_path(&self) -> Result<String, IamError> {
        name::parse_path(self.path.as_deref().unwrap_or("/"))
    }

    fn parse_tags(&self) -> Result<Tags, IamError> {
        tagging::parse(&self.tags, TagCase::Ignored)
    }

    fn parse_boundary(&self) -> Result<Option<PolicyArn>, IamError> {
        self.permissions_boundary
            .as_deref()
            .map(PolicyArn::parse_boundary)
            .transpose()
    }
}

impl Operation for CreateUser {
    const NAME: &'static str = "CreateUser";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let name = UserName::parse_new(&input.user_name)?;
        let (arn, tags) = (
            arn::user(ctx.account, &input.parse_path()?, name.as_str()),
            input.parse_tags()?,
        );
        let boundary = input.parse_boundary()?;
        let demand = |action| {
            let demand = Demand::on(action, arn.clone())
                .with_some("iam:PermissionsBoundary", boundary.as_ref().map(PolicyArn::as_str));
            tagging::of_request(demand, &tags)
        };
        // A user that is born with tags needs the right to tag it too.
        let tagging = (!tags.is_empty()).then(|| demand("iam:TagUser"));
        Ok(Demands::All(
            [demand("iam:CreateUser")].into_iter().chain(tagging).collect(),
        ))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let name = UserName::parse_new(&input.user_name)?;
        let view = txn.view();
        if table::user_name_is_taken(&view, ctx.account, &name).await? {
            return Err(IamError::EntityAlreadyExists(Entity::User(name.as_str().to_owned())));
        }
        if table::users(&view, ctx.account).await?.len() >= USERS_PER_ACCOUNT_MAX {
            return Err(IamError::LimitExceeded(Quota::UsersPerAccount));
        }
        let boundary = match input.parse_boundary()? {
            Some(arn) => Some(managed::boundary(&view, ctx.account, &arn).await?),
            None => None,
        };
        let user = User {
            account: ctx.account,
            name: name.as_str().to_owned(),
            path: input.parse_path()?,
            id: ids::iam_id("AIDA", ctx.random()),
            created: ctx.now().floor_second(),
            tags: input.parse_tags()?,
            boundary: boundary.map(|policy| policy.arn().as_str().to_owned()),
        };
        holdings::move_boundary(txn, ctx.account, &user.id, None, user.boundary.as_deref()).await?;
        table::put_user(txn, &user);
        Ok(QueryResult(Output {
            user: UserShape::from(&user),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{bob, read, result, shown};
    use super::*;

    #[test]
    fn the_form_and_the_answer_are_awss() {
        let input: Input = read(
            "Action=CreateUser&Version=2010-05-08&UserName=Bob&Path=%2Fa%2F&Tags.member.1.Key=k&Tags.member.1.Value=v",
        );
        assert_eq!(input.parse_path().unwrap(), "/a/");
        assert_eq!(input.parse_tags().unwrap(), bob().tags);
        assert_eq!(
            shown(&input),
            r#"{"userName":"Bob","path":"/a/","tags":[{"key":"k","value":"v"}]}"#
        );
        let plain: Input = read("Action=CreateUser&Version=2010-05-08&UserName=Bob");
        assert_eq!((plain.parse_path().unwrap().as_str(), plain.tags.len()), ("/", 0));
        let user = UserShape::from(&bob());
        let output = Output { user };
        assert!(result("CreateUser", &output).starts_with("<User><Path>/a/</Path><UserName>Bob</UserName>"));
        assert!(shown(&output).starts_with(r#"{"user":{"path":"/a/","userName":"Bob","userId":"AIDAX""#));
    }

    #[test]
    fn tags_are_refused() {
        let twice: Input =
            read("UserName=Bob&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=K&Tags.member.2.Value=v");
        assert!(matches!(twice.parse_tags(), Err(IamError::InvalidInput(_))));
        let empty: Input = read("UserName=Bob&Tags.member.1.Key=&Tags.member.1.Value=v");
        assert!(matches!(empty.parse_tags(), Err(IamError::Validation(_))));
    }
}

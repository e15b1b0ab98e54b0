//! CreateGroup: a group without users or policies.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html>

use super::group::GroupShape;
use crate::{
    IamError,
    error::{Entity, Quota},
    model::{
        arns,
        group::{GROUPS_PER_ACCOUNT_MAX, Group},
        name,
    },
    table::groups,
};
use base::ids;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct CreateGroup;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    path: Option<String>,
    group_name: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("path", self.path.as_deref())
            .text("groupName", &self.group_name)
    }
}

impl Input {
    fn parse_path(&self) -> Result<String, IamError> {
        name::parse_path(self.path.as_deref().unwrap_or("/"))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    group: GroupShape,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().object("group", self.group.evident())
    }
}

impl Operation for CreateGroup {
    const NAME: &'static str = "CreateGroup";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let name = name::parse_group_name(&input.group_name)?;
        let arn = arns::group(ctx.account, &input.parse_path()?, &name);
        Ok(Demand::on("iam:CreateGroup", arn).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let name = name::parse_group_name(&input.group_name)?;
        let view = txn.view();
        if groups::group(&view, ctx.account, &name).await?.is_some() {
            return Err(IamError::EntityAlreadyExists(Entity::Group(name)));
        }
        if groups::groups(&view, ctx.account).await?.len() >= GROUPS_PER_ACCOUNT_MAX {
            return Err(IamError::LimitExceeded(Quota::GroupsPerAccount));
        }
        let group = Group {
            account: ctx.account,
            name,
            path: input.parse_path()?,
            id: ids::iam_id("AGPA", ctx.random()),
            created: ctx.now().floor_second(),
        };
        groups::put_group(txn, &group);
        Ok(QueryResult(Output {
            group: GroupShape::from(&group),
        }))
    }
}

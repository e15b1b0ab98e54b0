//! GetGroup: a group and its users, page by page.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroup.html>

use super::{
    group::{self, GroupShape},
    page::page,
    shapes::UserShape,
};
use crate::{IamError, table::groups};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetGroup;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    group: GroupShape,
    users: Vec<UserShape>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetGroup {
    const NAME: &'static str = "GetGroup";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<group::Listing>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        group::demand_on(ctx, view, "iam:GetGroup", &input.group_name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let group = group::find(ctx, &view, &input.group_name).await?;
        let users = groups::members(&view, &group).await?;
        let page = page(users, |user| &user.name, input.max_items, input.marker.as_deref())?;
        Ok(QueryResult(Output {
            group: GroupShape::from(&group),
            users: page.items.iter().map(UserShape::listed).collect(),
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        }))
    }
}

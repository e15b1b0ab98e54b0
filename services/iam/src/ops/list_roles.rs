//! ListRoles: the account's roles by name.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html>

use super::{page::page, role::RoleShape};
use crate::{IamError, model::name, table::roles};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListRoles;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("pathPrefix", self.path_prefix.as_deref())
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

impl Input {
    fn parse_prefix(&self) -> Result<String, IamError> {
        name::parse_path_prefix(self.path_prefix.as_deref().unwrap_or("/"))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    roles: Vec<RoleShape>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListRoles {
    const NAME: &'static str = "ListRoles";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let arn = arn::role(ctx.account, &input.parse_prefix()?, "");
        Ok(Demand::on("iam:ListRoles", arn).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let prefix = input.parse_prefix()?;
        let view = txn.view();
        let mut found = roles::roles(&view, ctx.account).await?;
        found.retain(|role| role.path.starts_with(&prefix));
        let page = page(found, |role| &role.name, input.max_items, input.marker.as_deref())?;
        let mut roles = Vec::with_capacity(page.items.len());
        for role in &page.items {
            roles.push(RoleShape::listed(ctx, &view, role).await?);
        }
        Ok(QueryResult(Output {
            roles,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        }))
    }
}

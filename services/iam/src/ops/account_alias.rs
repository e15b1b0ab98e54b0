//! CreateAccountAlias, DeleteAccountAlias, ListAccountAliases: the name of an account, of which it has at most one.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccountAlias.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccountAliases.html>

use super::{page::page, shapes::Done};
use crate::{IamError, error::Entity, model::name, table::aliases};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// A name for the account, in the place of the one before.
pub(super) struct CreateAccountAlias;

/// The account has no name any more.
pub(super) struct DeleteAccountAlias;

/// The account's name.
pub(super) struct ListAccountAliases;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    account_alias: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new().text("accountAlias", &self.account_alias)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListInput {
    marker: Option<String>,
    max_items: Option<i64>,
}

impl Evident for ListInput {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    account_aliases: Vec<String>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Evident for Listed {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for CreateAccountAlias {
    const NAME: &'static str = "CreateAccountAlias";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, IamError> {
        Ok(Demand::on("iam:CreateAccountAlias", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let alias = &input.account_alias;
        name::parse_alias(alias)?;
        match aliases::account_of(&txn.view(), alias).await? {
            Some(_) => Err(IamError::EntityAlreadyExists(Entity::AccountAlias(alias.clone()))),
            None => {
                aliases::put(txn, ctx.account, alias).await?;
                Ok(Done)
            }
        }
    }
}

impl Operation for DeleteAccountAlias {
    const NAME: &'static str = "DeleteAccountAlias";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, IamError> {
        Ok(Demand::on("iam:DeleteAccountAlias", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let alias = &input.account_alias;
        name::parse_alias(alias)?;
        match aliases::account_of(&txn.view(), alias).await? {
            Some(account) if account == ctx.account => {
                aliases::remove(txn, account).await?;
                Ok(Done)
            }
            _ => Err(IamError::NoSuchEntity(Entity::AccountAlias(alias.clone()))),
        }
    }
}

impl Operation for ListAccountAliases {
    const NAME: &'static str = "ListAccountAliases";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<ListInput>;
    type Output = QueryResult<Listed>;
    type Error = IamError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, IamError> {
        Ok(Demand::on("iam:ListAccountAliases", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let alias = aliases::alias_of(&txn.view(), ctx.account).await?;
        let aliases = alias.into_iter().collect();
        let page = page(
            aliases,
            |alias: &String| alias,
            input.max_items,
            input.marker.as_deref(),
        )?;
        Ok(QueryResult(Listed {
            account_aliases: page.items,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        }))
    }
}

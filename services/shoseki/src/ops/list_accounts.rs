//! ListAccounts: the accounts of this server, by number, and where the organization has them.

use crate::{ShosekiError, access};
use base::AccountId;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

const PAGE_MAX: usize = 1_000;
const PAGE: usize = 100;

/// The operation.
pub(crate) struct ListAccounts;

/// Its input.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListAccountsRequest {
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// Its output.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListAccountsResponse {
    accounts: Vec<ShownAccount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownAccount {
    id: AccountId,
    name: String,
    created: EpochSeconds,
    /// Whether it is the one that the data directory began with.
    first: bool,
    /// `o-…/r-…/ou-…/`
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_path: Option<String>,
}

impl Evident for ListAccountsRequest {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_number("maxResults", self.max_results)
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

impl Evident for ListAccountsResponse {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl ListAccountsRequest {
    /// How many are wanted, and the account after which the page begins.
    fn page(&self) -> Result<(usize, Option<AccountId>), ShosekiError> {
        let size = self.max_results.unwrap_or(PAGE);
        if !(1..=PAGE_MAX).contains(&size) {
            let text = format!("MaxResults must be between 1 and {PAGE_MAX}, and is {size}.");
            return Err(ShosekiError::Validation(text));
        }
        let after = self.next_token.as_deref().map(AccountId::parse).transpose();
        let after = after.map_err(|_| ShosekiError::Validation("NextToken is none of ours.".to_owned()))?;
        Ok((size, after))
    }
}

impl Operation for ListAccounts {
    const NAME: &'static str = "ListAccounts";
    const SERVICE: ServiceName = ServiceName::Shoseki;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<ListAccountsRequest>;
    type Output = Json<ListAccountsResponse>;
    type Error = ShosekiError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, ShosekiError> {
        Ok(access::demands(ctx, "shoseki:ListAccounts"))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ShosekiError> {
        let (size, after) = input.page()?;
        let settings = ctx.settings();
        let organization = settings.organization.as_ref();
        let mut all = ctx.world().ports()?.identities.accounts(&txn.view()).await?;
        all.retain(|account| after.is_none_or(|after| account.id > after));
        let more = all.len() > size;
        let accounts: Vec<ShownAccount> = all
            .into_iter()
            .take(size)
            .map(|account| ShownAccount {
                first: account.id == settings.first_account,
                organization_path: organization
                    .and_then(|all| all.member(Some(account.id)))
                    .map(|member| member.path.clone()),
                id: account.id,
                name: account.name,
                created: EpochSeconds(account.created),
            })
            .collect();
        let last = accounts.last().map(|account| account.id.to_string());
        Ok(Json(ListAccountsResponse {
            accounts,
            next_token: last.filter(|_| more),
        }))
    }
}

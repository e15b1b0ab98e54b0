//! ListAliases.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{Alias, KeyRef, state::Act},
    ops::shapes::{self, Paging},
    table,
};
use base::{Arn, arn};
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 100;

/// ListAliases.
pub struct ListAliases;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAliasesInput {
    key_id: Option<String>,
    limit: Option<i64>,
    marker: Option<String>,
}

impl ListAliasesInput {
    fn paging(&self) -> Result<Paging, KmsError> {
        Paging::parse(self.limit, self.marker.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)
    }

    fn named(&self) -> Result<Option<KeyRef>, KmsError> {
        self.key_id
            .as_deref()
            .map(|id| KeyRef::parse_without_alias("keyId", id))
            .transpose()
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAliasesOutput {
    aliases: Vec<AliasListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AliasListEntry {
    alias_name: String,
    alias_arn: Arn,
    target_key_id: String,
    creation_date: EpochSeconds,
    last_updated_date: EpochSeconds,
}

impl Evident for ListAliasesInput {
    fn evident(&self) -> Params {
        let params = Params::new().maybe_text("keyId", self.key_id.as_deref());
        shapes::evident_paging(params, self.limit, self.marker.as_deref())
    }
}

impl Evident for ListAliasesOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListAliases {
    const NAME: &'static str = "ListAliases";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<ListAliasesInput>;
    type Output = Json<ListAliasesOutput>;
    type Error = KmsError;

    /// `kms:ListAliases` is of the account; a key's policy is not asked, but the key must be the account's own.
    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.paging()?;
        if let Some(named) = input.named()?
            && named.place.as_ref().is_some_and(|place| place.account != ctx.account)
        {
            return Ok(
                access::demand_named(ctx, view, "kms:ListAliases", &named, Reach::OwnAccount)
                    .await?
                    .into(),
            );
        }
        Ok(Demand::on("kms:ListAliases", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let paging = input.paging()?;
        let (view, shelf) = (txn.view(), access::shelf(ctx));
        let mut rows: Vec<(String, Alias)> = match input.named()? {
            None => table::aliases(&view, shelf, paging.after.as_deref(), paging.read_max()).await?,
            Some(named) => {
                let key = access::find(ctx, &view, &named).await?;
                key.permit(Act::ListAliases)?;
                let mut rows = Vec::new();
                let behind = |name: &&String| paging.after.as_ref().is_none_or(|after| *name > after);
                for name in key.aliases.iter().filter(behind).take(paging.read_max()) {
                    if let Some(alias) = table::alias(&view, shelf, name).await? {
                        rows.push((name.clone(), alias));
                    }
                }
                rows
            }
        };
        let next_marker = paging.cut(&mut rows, |(name, _)| name);
        let entry = |(name, alias): (String, Alias)| AliasListEntry {
            alias_arn: arn::kms_alias(shelf.region, shelf.account, &name),
            alias_name: name,
            target_key_id: alias.target.to_string(),
            creation_date: EpochSeconds(alias.created),
            last_updated_date: EpochSeconds(alias.updated),
        };
        Ok(Json(ListAliasesOutput {
            aliases: rows.into_iter().map(entry).collect(),
            truncated: next_marker.is_some(),
            next_marker,
        }))
    }
}

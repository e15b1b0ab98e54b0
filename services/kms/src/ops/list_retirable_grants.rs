//! ListRetirableGrants: the grants, of any account's keys in the Region, that a principal of the caller's account may retire.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html>

use crate::{
    error::KmsError,
    model::grant::parse_principal,
    ops::{
        list_grants::{GrantListEntry, LIMIT_DEFAULT, LIMIT_MAX, ListGrantsOutput},
        shapes::{self, Paging},
    },
    principals, table,
};
use base::Arn;
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// ListRetirableGrants.
pub struct ListRetirableGrants;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRetirableGrantsInput {
    retiring_principal: Option<String>,
    retiring_service_principal: Option<String>,
    limit: Option<i64>,
    marker: Option<String>,
}

impl ListRetirableGrantsInput {
    fn paging(&self) -> Result<Paging, KmsError> {
        Paging::parse(self.limit, self.marker.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)
    }

    /// The principal, of the caller's own account.
    fn principal(&self, ctx: &Ctx) -> Result<Arn, KmsError> {
        if self.retiring_service_principal.is_some() {
            let text = "RetiringServicePrincipal is not supported.";
            return Err(KmsError::Unsupported(text.to_owned()));
        }
        let text = self.retiring_principal.as_deref().ok_or_else(|| {
            let text = "You must specify either RetiringPrincipal or RetiringServicePrincipal.";
            KmsError::Validation(text.to_owned())
        })?;
        parse_principal("retiringPrincipal", text)?;
        let own = |arn: &Arn| arn.parts().account == ctx.account.as_str();
        Arn::parse(text)
            .filter(own)
            .ok_or_else(|| KmsError::InvalidGrantPrincipal { text: text.to_owned() })
    }
}

impl Evident for ListRetirableGrantsInput {
    fn evident(&self) -> Params {
        let params = Params::new()
            .maybe_text("retiringPrincipal", self.retiring_principal.as_deref())
            .maybe_text("retiringServicePrincipal", self.retiring_service_principal.as_deref());
        shapes::evident_paging(params, self.limit, self.marker.as_deref())
    }
}

impl Operation for ListRetirableGrants {
    const NAME: &'static str = "ListRetirableGrants";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<ListRetirableGrantsInput>;
    type Output = Json<ListGrantsOutput>;
    type Error = KmsError;

    /// On the principal: whether the caller may use the keys is not asked.
    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.paging()?;
        Ok(Demand::on("kms:ListRetirableGrants", input.principal(ctx)?).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let (view, paging) = (txn.view(), input.paging()?);
        let principal = principals::keep(ctx, &view, input.principal(ctx)?.as_str()).await?;
        let after = paging.after.as_deref();
        let mut found = table::retirable(&view, &ctx.region, &principal, after, paging.read_max()).await?;
        let next_marker = paging.cut(&mut found, |(place, _, _)| place);
        let mut grants = Vec::with_capacity(found.len());
        for (_, key, grant) in found {
            grants.push(GrantListEntry::of(ctx, &view, &key, grant).await?);
        }
        Ok(Json(ListGrantsOutput {
            grants,
            truncated: next_marker.is_some(),
            next_marker,
        }))
    }
}

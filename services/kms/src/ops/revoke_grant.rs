//! RevokeGrant: a grant is taken back by who manages the key.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html>

use crate::{
    access::{self, Reach},
    conditions::{self, Asking},
    error::KmsError,
    model::{GrantId, KeyRef, state::Act},
    ops::{retire_grant::take_back, shapes::NoOutput},
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// RevokeGrant.
pub struct RevokeGrant;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RevokeGrantInput {
    key_id: String,
    grant_id: String,
    #[serde(default)]
    dry_run: bool,
}

impl RevokeGrantInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

impl Evident for RevokeGrantInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .text("grantId", &self.grant_id)
    }
}

impl Operation for RevokeGrant {
    const NAME: &'static str = "RevokeGrant";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<RevokeGrantInput>;
    type Output = NoOutput;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        GrantId::parse(&input.grant_id)?;
        let named = input.named()?;
        let demand = access::demand_named(ctx, view, "kms:RevokeGrant", &named, Reach::AnyAccount).await?;
        Ok(conditions::with_grant_is_for_aws_resource(demand, Asking::of(ctx)).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit(Act::RevokeGrant)?;
        let id = GrantId::parse(&input.grant_id)?;
        let grant = table::grant(&txn.view(), &before, &id).await?;
        let grant = grant.ok_or(KmsError::GrantNotFound { grant: id })?;
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        take_back(ctx, txn, &before, &grant);
        Ok(NoOutput)
    }
}

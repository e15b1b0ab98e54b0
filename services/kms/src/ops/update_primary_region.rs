//! UpdatePrimaryRegion: the primary and one of its replicas change places. Recorded in the Regions of both.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdatePrimaryRegion.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, MultiRegion, MultiRegionKind, parse_region, state::Act},
    ops::shapes::Changed,
    table,
};
use base::Region;
use gateway::{
    Ctx, Demands, EventClass, Json, Operation, Staged, Txn,
    ctx::{By, Inner},
    pipeline::reenter,
};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// UpdatePrimaryRegion.
pub struct UpdatePrimaryRegion;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdatePrimaryRegionInput {
    key_id: String,
    primary_region: String,
}

impl UpdatePrimaryRegionInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    fn region(&self) -> Result<Region, KmsError> {
        parse_region("primaryRegion", &self.primary_region)
    }

    /// The right on the key in the Region of the call, which is asked for in both.
    async fn demand(&self, ctx: &Ctx, view: &ReadView<'_>) -> Result<Demands, KmsError> {
        let (region, named) = (self.region()?, self.named()?);
        let demand = access::demand_named(ctx, view, "kms:UpdatePrimaryRegion", &named, Reach::OwnAccount).await?;
        Ok(demand.with("kms:PrimaryRegion", region.as_str()).into())
    }
}

impl Evident for UpdatePrimaryRegionInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .text("primaryRegion", &self.primary_region)
    }
}

impl Operation for UpdatePrimaryRegion {
    const NAME: &'static str = "UpdatePrimaryRegion";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<UpdatePrimaryRegionInput>;
    type Output = Changed;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.demand(ctx, view).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        let region = input.region()?;
        let multi = before.permit_primary()?.clone();
        before.permit(Act::UpdatePrimaryRegion)?;
        let replica = before.arn_in(&region);
        if region == multi.primary {
            return Err(KmsError::Unsupported(format!(
                "{replica} is already the multi-region primary key."
            )));
        }
        if !multi.replicas.contains(&region) {
            return Err(KmsError::KeyNotFound { key: replica });
        }
        let there = UpdatePrimaryRegionInput {
            key_id: replica.to_string(),
            primary_region: input.primary_region.clone(),
        };
        let inner = Inner {
            by: By::Forward,
            account: before.account,
            region: region.clone(),
        };
        reenter::<InReplicaRegion>(ctx, txn, inner, Json(there))
            .await
            .map_err(KmsError::Refused)?;
        let mut key = before.clone();
        key.multi_region = Some(MultiRegion {
            kind: MultiRegionKind::Replica,
            ..multi.with_primary(&region)
        });
        table::put_shared(txn, &key, &before).await?;
        Ok(Changed::of(&key))
    }
}

/// The part of the call in the Region of the replica: whether the caller may, and the replica's state lets it.
struct InReplicaRegion;

impl Operation for InReplicaRegion {
    const NAME: &'static str = UpdatePrimaryRegion::NAME;
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = UpdatePrimaryRegion::EVENT;
    type Input = Json<UpdatePrimaryRegionInput>;
    type Output = Changed;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.demand(ctx, view).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let replica = access::find(ctx, &txn.view(), &input.named()?).await?;
        replica.permit(Act::UpdatePrimaryRegion)?;
        Ok(Changed::of(&replica))
    }
}

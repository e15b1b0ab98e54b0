//! RotateKeyOnDemand. Done when it is answered; AWS does it a little later.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html>

use crate::{
    access::{self, Reach},
    crypto,
    error::KmsError,
    model::{ClearMaterial, Key, KeyRef, Material, Origin, RotationType, state::Act},
    synchronize, table,
    work::rotated,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn, event::emit_service_event};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// RotateKeyOnDemand.
pub struct RotateKeyOnDemand;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotateKeyOnDemandInput {
    key_id: String,
}

impl RotateKeyOnDemandInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotateKeyOnDemandOutput {
    key_id: String,
}

impl Evident for RotateKeyOnDemandInput {
    fn evident(&self) -> Params {
        Params::new().text("keyId", &self.key_id)
    }
}

impl Evident for RotateKeyOnDemandOutput {
    fn evident(&self) -> Params {
        Params::new().text("keyId", &self.key_id)
    }
}

impl Operation for RotateKeyOnDemand {
    const NAME: &'static str = "RotateKeyOnDemand";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<RotateKeyOnDemandInput>;
    type Output = Json<RotateKeyOnDemandOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let named = input.named()?;
        let demand = access::demand_named(ctx, view, "kms:RotateKeyOnDemand", &named, Reach::OwnAccount).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit_rotation()?;
        before.permit(Act::RotateKeyOnDemand)?;
        before.permit_rotation_here()?;
        let mut key = before.clone();
        key.count_on_demand(ctx.now())?;
        let material = match key.origin {
            Origin::AwsKms => {
                let clear = ClearMaterial::generate(key.spec, ctx.random())?;
                crypto::make_material(ctx, &txn.view(), &key, &clear, Some(RotationType::OnDemand)).await?
            }
            Origin::External => take_staged(ctx, txn, &mut key).await?,
        };
        key.material.push(material);
        synchronize::put_shared(ctx, txn, &key, &before).await?;
        emit_service_event(ctx, txn, rotated(&before, &key, RotationType::OnDemand));
        Ok(Json(RotateKeyOnDemandOutput {
            key_id: key.arn().to_string(),
        }))
    }
}

/// The material that was brought to follow the current one, which must be in every Region of the key.
async fn take_staged(ctx: &Ctx, txn: &mut Txn, key: &mut Key) -> Result<Material, KmsError> {
    let everywhere = key.is_staged_everywhere(&table::related(&txn.view(), key).await?);
    match key.staged.take().filter(|_| everywhere) {
        None => Err(KmsError::NothingToRotateTo { key: key.arn() }),
        Some(staged) => Ok(Material {
            created: ctx.now(),
            rotation: Some(RotationType::OnDemand),
            ..staged
        }),
    }
}

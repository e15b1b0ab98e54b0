//! DisableKeyRotation.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, state::Act},
    ops::shapes::Changed,
    synchronize,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// DisableKeyRotation.
pub struct DisableKeyRotation;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DisableKeyRotationInput {
    key_id: String,
}

impl DisableKeyRotationInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

impl Evident for DisableKeyRotationInput {
    fn evident(&self) -> Params {
        Params::new().text("keyId", &self.key_id)
    }
}

impl Operation for DisableKeyRotation {
    const NAME: &'static str = "DisableKeyRotation";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<DisableKeyRotationInput>;
    type Output = Changed;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let named = input.named()?;
        let demand = access::demand_named(ctx, view, "kms:DisableKeyRotation", &named, Reach::OwnAccount).await?;
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
        before.permit(Act::DisableKeyRotation)?;
        before.permit_rotation_here()?;
        let mut key = before.clone();
        key.rotation.disable();
        synchronize::put_shared(ctx, txn, &key, &before).await?;
        Ok(Changed::of(&key))
    }
}

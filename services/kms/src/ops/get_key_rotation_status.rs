//! GetKeyRotationStatus.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{Key, KeyRef, KeyState, state::Act},
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

/// GetKeyRotationStatus.
pub struct GetKeyRotationStatus;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyRotationStatusInput {
    key_id: String,
}

impl GetKeyRotationStatusInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

/// The answer. A rotation on demand is done when it is answered, so none is ever under way.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyRotationStatusOutput {
    key_id: String,
    key_rotation_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_period_in_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<EpochSeconds>,
}

impl From<&Key> for GetKeyRotationStatusOutput {
    fn from(key: &Key) -> GetKeyRotationStatusOutput {
        // A key that is about to go is not rotated; the setting is there again when its deletion is cancelled.
        let going = matches!(
            key.state,
            KeyState::PendingDeletion { .. } | KeyState::PendingReplicaDeletion { .. }
        );
        let enabled = key.rotation.enabled && !going;
        GetKeyRotationStatusOutput {
            key_id: key.arn().to_string(),
            key_rotation_enabled: enabled,
            rotation_period_in_days: enabled.then_some(key.rotation.period_days),
            next_rotation_date: key.rotation.next.filter(|_| enabled).map(EpochSeconds),
        }
    }
}

impl Evident for GetKeyRotationStatusInput {
    fn evident(&self) -> Params {
        Params::new().text("keyId", &self.key_id)
    }
}

impl Evident for GetKeyRotationStatusOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetKeyRotationStatus {
    const NAME: &'static str = "GetKeyRotationStatus";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<GetKeyRotationStatusInput>;
    type Output = Json<GetKeyRotationStatusOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let named = input.named()?;
        let demand = access::demand_named(ctx, view, "kms:GetKeyRotationStatus", &named, Reach::AnyAccount).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let key = access::find(ctx, &txn.view(), &input.named()?).await?;
        key.permit_rotation()?;
        key.permit(Act::GetKeyRotationStatus)?;
        Ok(Json(GetKeyRotationStatusOutput::from(&key)))
    }
}

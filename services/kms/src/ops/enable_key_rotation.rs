//! EnableKeyRotation.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, Rotation, state::Act},
    ops::shapes::Changed,
    synchronize,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// EnableKeyRotation.
pub struct EnableKeyRotation;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EnableKeyRotationInput {
    key_id: String,
    rotation_period_in_days: Option<i64>,
}

impl EnableKeyRotationInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    fn period_days(&self) -> Result<u32, KmsError> {
        Rotation::parse_period(self.rotation_period_in_days)
    }
}

impl Evident for EnableKeyRotationInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .maybe_number("rotationPeriodInDays", self.rotation_period_in_days)
    }
}

impl Operation for EnableKeyRotation {
    const NAME: &'static str = "EnableKeyRotation";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<EnableKeyRotationInput>;
    type Output = Changed;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let days = input.period_days()?;
        let demand =
            access::demand_named(ctx, view, "kms:EnableKeyRotation", &input.named()?, Reach::OwnAccount).await?;
        Ok(demand.with("kms:RotationPeriodInDays", days.to_string()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit_rotation()?;
        before.permit(Act::EnableKeyRotation)?;
        before.permit_rotation_here()?;
        let mut key = before.clone();
        key.rotation.enable(ctx.now(), input.period_days()?);
        synchronize::put_shared(ctx, txn, &key, &before).await?;
        Ok(Changed::of(&key))
    }
}

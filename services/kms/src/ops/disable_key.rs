//! DisableKey.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, KeyState, state::Act},
    ops::shapes::Changed,
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// DisableKey.
pub struct DisableKey;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DisableKeyInput {
    key_id: String,
}

impl DisableKeyInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

impl Evident for DisableKeyInput {
    fn evident(&self) -> Params {
        Params::new().text("keyId", &self.key_id)
    }
}

impl Operation for DisableKey {
    const NAME: &'static str = "DisableKey";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<DisableKeyInput>;
    type Output = Changed;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        Ok(
            access::demand_named(ctx, view, "kms:DisableKey", &input.named()?, Reach::OwnAccount)
                .await?
                .into(),
        )
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit(Act::DisableKey)?;
        let mut key = before.clone();
        key.state = KeyState::Disabled;
        table::put_key(txn, &key, Some(&before));
        Ok(Changed::of(&key))
    }
}

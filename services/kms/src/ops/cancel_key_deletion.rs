//! CancelKeyDeletion. The key comes back disabled.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, KeyState, Origin, state::Act},
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// CancelKeyDeletion.
pub struct CancelKeyDeletion;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CancelKeyDeletionInput {
    key_id: String,
}

impl CancelKeyDeletionInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CancelKeyDeletionOutput {
    key_id: String,
}

impl Evident for CancelKeyDeletionInput {
    fn evident(&self) -> Params {
        Params::new().text("keyId", &self.key_id)
    }
}

impl Evident for CancelKeyDeletionOutput {
    fn evident(&self) -> Params {
        Params::new().text("keyId", &self.key_id)
    }
}

impl Operation for CancelKeyDeletion {
    const NAME: &'static str = "CancelKeyDeletion";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<CancelKeyDeletionInput>;
    type Output = Json<CancelKeyDeletionOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let named = input.named()?;
        Ok(
            access::demand_named(ctx, view, "kms:CancelKeyDeletion", &named, Reach::OwnAccount)
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
        before.permit(Act::CancelKeyDeletion)?;
        let mut key = before.clone();
        key.state = KeyState::Disabled;
        if key.origin == Origin::External {
            // Its material may have gone while it was waiting.
            key.settle();
        }
        table::put_key(txn, &key, Some(&before));
        Ok(Json(CancelKeyDeletionOutput {
            key_id: key.arn().to_string(),
        }))
    }
}

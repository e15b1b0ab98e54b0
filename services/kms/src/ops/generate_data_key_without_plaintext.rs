//! GenerateDataKeyWithoutPlaintext.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html>

use crate::{error::KmsError, model::state::Act, ops::generate_data_key::GenerateDataKeyInput};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{Blob, ServiceName};

/// GenerateDataKeyWithoutPlaintext.
pub struct GenerateDataKeyWithoutPlaintext;

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyWithoutPlaintextOutput {
    ciphertext_blob: Blob,
    key_id: String,
    key_material_id: String,
}

impl Evident for GenerateDataKeyWithoutPlaintextOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GenerateDataKeyWithoutPlaintext {
    const NAME: &'static str = "GenerateDataKeyWithoutPlaintext";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<GenerateDataKeyInput>;
    type Output = Json<GenerateDataKeyWithoutPlaintextOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        Ok(input
            .demand(ctx, view, "kms:GenerateDataKeyWithoutPlaintext")
            .await?
            .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let made = input
            .generate(ctx, &txn.view(), Act::GenerateDataKeyWithoutPlaintext, Self::NAME)
            .await?;
        Ok(Json(GenerateDataKeyWithoutPlaintextOutput {
            ciphertext_blob: Blob(made.sealed.blob),
            key_id: made.key.arn().to_string(),
            key_material_id: made.sealed.material.to_string(),
        }))
    }
}

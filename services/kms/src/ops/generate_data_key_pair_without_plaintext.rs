//! GenerateDataKeyPairWithoutPlaintext.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPairWithoutPlaintext.html>

use crate::{
    error::KmsError,
    model::{DataKeyPairSpec, state::Act},
    ops::generate_data_key_pair::GenerateDataKeyPairInput,
};
use gateway::{Body, Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{Blob, ServiceName};

/// GenerateDataKeyPairWithoutPlaintext.
pub struct GenerateDataKeyPairWithoutPlaintext;

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyPairWithoutPlaintextOutput {
    private_key_ciphertext_blob: Blob,
    public_key: Blob,
    key_id: String,
    key_pair_spec: DataKeyPairSpec,
    key_material_id: String,
}

impl Evident for GenerateDataKeyPairWithoutPlaintextOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

const ACT: Act = Act::GenerateDataKeyPairWithoutPlaintext;

impl Operation for GenerateDataKeyPairWithoutPlaintext {
    const NAME: &'static str = "GenerateDataKeyPairWithoutPlaintext";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "KeyPairSpec SM2 and ML_KEM";
    const STAGED: bool = true;
    type Input = Json<GenerateDataKeyPairInput>;
    type Output = Json<GenerateDataKeyPairWithoutPlaintextOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let demand = input.demand(ctx, view, "kms:GenerateDataKeyPairWithoutPlaintext");
        Ok(demand.await?.into())
    }

    async fn stage(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: Body) -> Result<Staged, KmsError> {
        input.stage(ctx, &txn.view(), ACT, Self::NAME).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        staged: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let made = input.seal(ctx, &txn.view(), ACT, Self::NAME, staged).await?;
        Ok(Json(GenerateDataKeyPairWithoutPlaintextOutput {
            private_key_ciphertext_blob: Blob(made.sealed.blob),
            public_key: Blob(made.public),
            key_id: made.key_id,
            key_pair_spec: made.key_pair_spec,
            key_material_id: made.sealed.material.to_string(),
        }))
    }
}

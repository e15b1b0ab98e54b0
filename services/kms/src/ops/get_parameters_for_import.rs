//! GetParametersForImport.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    heavy,
    import::{self, WrappingAlgorithm, WrappingKey, WrappingKeySpec},
    model::{KeyRef, state::Act},
};
use gateway::{Body, Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{Blob, EpochSeconds, ServiceName};

/// GetParametersForImport.
pub struct GetParametersForImport;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetParametersForImportInput {
    key_id: String,
    wrapping_algorithm: String,
    wrapping_key_spec: String,
}

impl GetParametersForImportInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    fn wrapping(&self) -> Result<(WrappingAlgorithm, WrappingKeySpec), KmsError> {
        import::parse(&self.wrapping_algorithm, &self.wrapping_key_spec)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetParametersForImportOutput {
    key_id: String,
    import_token: Blob,
    public_key: Blob,
    parameters_valid_to: EpochSeconds,
}

impl Evident for GetParametersForImportInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .text("wrappingAlgorithm", &self.wrapping_algorithm)
            .text("wrappingKeySpec", &self.wrapping_key_spec)
    }
}

impl Evident for GetParametersForImportOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetParametersForImport {
    const NAME: &'static str = "GetParametersForImport";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const STAGED: bool = true;
    type Input = Json<GetParametersForImportInput>;
    type Output = Json<GetParametersForImportOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.wrapping()?;
        let named = input.named()?;
        let demand = access::demand_named(ctx, view, "kms:GetParametersForImport", &named, Reach::OwnAccount).await?;
        Ok(demand
            .with("kms:WrappingAlgorithm", input.wrapping_algorithm.as_str())
            .with("kms:WrappingKeySpec", input.wrapping_key_spec.as_str())
            .into())
    }

    /// RSA keys take their time, and are not made for a key that will not have them.
    async fn stage(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: Body) -> Result<Staged, KmsError> {
        let key = access::find(ctx, &txn.view(), &input.named()?).await?;
        key.permit(Act::GetParametersForImport)?;
        let (algorithm, key_spec) = input.wrapping()?;
        import::permit(&key, algorithm, key_spec)?;
        let made = heavy::make(move || WrappingKey::generate(key_spec)).await??;
        Ok(Staged::of(made))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        staged: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let key = access::find(ctx, &txn.view(), &input.named()?).await?;
        key.permit(Act::GetParametersForImport)?;
        let (algorithm, _) = input.wrapping()?;
        let keyring = ctx.world().keyrings.of(&txn.view(), key.account).await?;
        let wrapping: &WrappingKey = staged.get()?;
        let made = wrapping.parameters(&keyring, &key, algorithm, ctx.now(), ctx.random())?;
        Ok(Json(GetParametersForImportOutput {
            key_id: key.arn().to_string(),
            import_token: Blob(made.token),
            public_key: Blob(made.public_key),
            parameters_valid_to: EpochSeconds(made.valid_to),
        }))
    }
}

//! GenerateRandom.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html>

use crate::{
    error::KmsError,
    ops::shapes::{self, PlaintextBlob},
    violations::Violations,
};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use store::ReadView;
use wire::ServiceName;

const RANDOM_BYTES_MAX: i64 = 1024;

/// GenerateRandom.
pub struct GenerateRandom;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateRandomInput {
    number_of_bytes: Option<i64>,
    custom_key_store_id: Option<String>,
    recipient: Option<IgnoredAny>,
}

impl GenerateRandomInput {
    fn length(&self) -> Result<usize, KmsError> {
        let required = || KmsError::Validation("NumberOfBytes is required.".to_owned());
        let bytes = self.number_of_bytes.ok_or_else(required)?;
        let mut violations = Violations::new();
        violations.range("numberOfBytes", bytes, 1..=RANDOM_BYTES_MAX);
        violations.finish()?;
        usize::try_from(bytes).map_err(|_| required())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateRandomOutput {
    plaintext: PlaintextBlob,
}

impl Evident for GenerateRandomInput {
    /// AWS shows nothing of a call that succeeds here, the length among it.
    fn evident(&self) -> Params {
        Params::new().maybe_text("customKeyStoreId", self.custom_key_store_id.as_deref())
    }
}

impl Evident for GenerateRandomOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GenerateRandom {
    const NAME: &'static str = "GenerateRandom";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "Recipient (Nitro Enclaves), CustomKeyStoreId";
    type Input = Json<GenerateRandomInput>;
    type Output = Json<GenerateRandomOutput>;
    type Error = KmsError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.length()?;
        shapes::refuse_recipient(input.recipient.as_ref())?;
        if input.custom_key_store_id.is_some() {
            return Err(KmsError::Unsupported("CustomKeyStoreId is not supported.".to_owned()));
        }
        Ok(Demand::on("kms:GenerateRandom", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        _: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let mut bytes = vec![0; input.length()?];
        ctx.random().fill(&mut bytes);
        Ok(Json(GenerateRandomOutput {
            plaintext: PlaintextBlob::new(bytes),
        }))
    }
}

//! GenerateMac.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html>

use crate::{
    access::{self, Reach},
    conditions,
    crypto::MacKey,
    error::KmsError,
    model::{Key, KeyRef, KeyUsage, MacAlgorithm, state::Act},
    ops::{
        shapes::{self, PlaintextBlob},
        sign,
    },
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{Blob, ServiceName};

/// GenerateMac.
pub struct GenerateMac;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateMacInput {
    message: PlaintextBlob,
    key_id: String,
    mac_algorithm: MacAlgorithm,
    #[serde(default)]
    grant_tokens: Vec<String>,
    #[serde(default)]
    dry_run: bool,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateMacOutput {
    mac: Blob,
    mac_algorithm: MacAlgorithm,
    key_id: String,
}

impl Evident for GenerateMacInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("macAlgorithm", self.mac_algorithm.as_str())
            .text("keyId", &self.key_id)
    }
}

impl Evident for GenerateMacOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GenerateMac {
    const NAME: &'static str = "GenerateMac";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<GenerateMacInput>;
    type Output = Json<GenerateMacOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let mut violations = Violations::new();
        sign::check_message(&mut violations, &input.message);
        violations.finish()?;
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        let named = KeyRef::parse("keyId", &input.key_id)?;
        let demand = access::demand_named(ctx, view, "kms:GenerateMac", &named, Reach::AnyAccount).await?;
        Ok(conditions::with_mac(demand, input.mac_algorithm).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let key = access::find(ctx, &txn.view(), &KeyRef::parse("keyId", &input.key_id)?).await?;
        key.permit(Act::GenerateMac)?;
        permit(&key, Self::NAME, input.mac_algorithm)?;
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        let mac_key = MacKey::of(ctx, &txn.view(), &key).await?;
        Ok(Json(GenerateMacOutput {
            mac: Blob(mac_key.mac(input.mac_algorithm, input.message.expose())?),
            mac_algorithm: input.mac_algorithm,
            key_id: key.arn().to_string(),
        }))
    }
}

/// Goes on only if the key makes codes by the algorithm.
pub(crate) fn permit(key: &Key, operation: &'static str, algorithm: MacAlgorithm) -> Result<(), KmsError> {
    key.permit_usage(KeyUsage::GenerateVerifyMac, operation)?;
    key.permit_algorithm(algorithm.as_str())
}

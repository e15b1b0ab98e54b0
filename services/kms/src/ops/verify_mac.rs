//! VerifyMac. A code that is not that of the message is an error.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html>

use crate::{
    access::{self, Reach},
    conditions,
    crypto::MacKey,
    error::KmsError,
    model::{KeyRef, MacAlgorithm, state::Act},
    ops::{
        generate_mac,
        shapes::{self, PlaintextBlob},
        sign,
        verify::SIGNATURE_BYTES_MAX,
    },
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{Blob, ServiceName};

/// VerifyMac.
pub struct VerifyMac;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyMacInput {
    message: PlaintextBlob,
    key_id: String,
    mac_algorithm: MacAlgorithm,
    mac: Blob,
    #[serde(default)]
    grant_tokens: Vec<String>,
    #[serde(default)]
    dry_run: bool,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyMacOutput {
    key_id: String,
    mac_valid: bool,
    mac_algorithm: MacAlgorithm,
}

impl Evident for VerifyMacInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("macAlgorithm", self.mac_algorithm.as_str())
            .text("keyId", &self.key_id)
    }
}

impl Evident for VerifyMacOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for VerifyMac {
    const NAME: &'static str = "VerifyMac";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<VerifyMacInput>;
    type Output = Json<VerifyMacOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let mut violations = Violations::new();
        sign::check_message(&mut violations, &input.message);
        violations.length_unseen("mac", input.mac.0.len(), 1..=SIGNATURE_BYTES_MAX);
        violations.finish()?;
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        let named = KeyRef::parse("keyId", &input.key_id)?;
        let demand = access::demand_named(ctx, view, "kms:VerifyMac", &named, Reach::AnyAccount).await?;
        Ok(conditions::with_mac(demand, input.mac_algorithm).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let key = access::find(ctx, &txn.view(), &KeyRef::parse("keyId", &input.key_id)?).await?;
        key.permit(Act::VerifyMac)?;
        generate_mac::permit(&key, Self::NAME, input.mac_algorithm)?;
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        let mac_key = MacKey::of(ctx, &txn.view(), &key).await?;
        mac_key.verify(input.mac_algorithm, input.message.expose(), &input.mac.0)?;
        Ok(Json(VerifyMacOutput {
            key_id: key.arn().to_string(),
            mac_valid: true,
            mac_algorithm: input.mac_algorithm,
        }))
    }
}

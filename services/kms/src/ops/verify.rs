//! Verify. A signature that does not verify is an error.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html>

use crate::{
    access::{self, Reach},
    conditions, crypto,
    error::KmsError,
    model::{KeyRef, MessageType, SigningAlgorithm, state::Act},
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

/// The longest signature or code.
pub(crate) const SIGNATURE_BYTES_MAX: usize = 6144;

/// Verify.
pub struct Verify;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyInput {
    key_id: String,
    message: PlaintextBlob,
    #[serde(default)]
    message_type: MessageType,
    signature: Blob,
    signing_algorithm: SigningAlgorithm,
    #[serde(default)]
    grant_tokens: Vec<String>,
    #[serde(default)]
    dry_run: bool,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyOutput {
    key_id: String,
    signature_valid: bool,
    signing_algorithm: SigningAlgorithm,
}

impl Evident for VerifyInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("messageType", self.message_type.as_str())
            .text("keyId", &self.key_id)
            .text("signingAlgorithm", self.signing_algorithm.as_str())
    }
}

impl Evident for VerifyOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for Verify {
    const NAME: &'static str = "Verify";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = sign::Sign::MISSING;
    type Input = Json<VerifyInput>;
    type Output = Json<VerifyOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let mut violations = Violations::new();
        sign::check_message(&mut violations, &input.message);
        violations.length_unseen("signature", input.signature.0.len(), 1..=SIGNATURE_BYTES_MAX);
        violations.finish()?;
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        let named = KeyRef::parse("keyId", &input.key_id)?;
        let demand = access::demand_named(ctx, view, "kms:Verify", &named, Reach::AnyAccount).await?;
        Ok(conditions::with_signing(demand, input.signing_algorithm, input.message_type).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let (algorithm, kind, message) = (input.signing_algorithm, input.message_type, input.message.expose());
        let key = access::find(ctx, &txn.view(), &KeyRef::parse("keyId", &input.key_id)?).await?;
        key.permit(Act::Verify)?;
        sign::permit(&key, Self::NAME, algorithm, kind, message)?;
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        let pair = crypto::private_key(ctx, &txn.view(), &key).await?;
        if !pair.verifies(algorithm, kind, message, &input.signature.0)? {
            return Err(KmsError::InvalidSignature);
        }
        Ok(Json(VerifyOutput {
            key_id: key.arn().to_string(),
            signature_valid: true,
            signing_algorithm: algorithm,
        }))
    }
}

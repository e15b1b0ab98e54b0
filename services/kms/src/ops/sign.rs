//! Sign.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>

use crate::{
    access::{self, Reach},
    conditions, crypto,
    error::KmsError,
    model::{Key, KeyRef, KeyUsage, MessageType, SigningAlgorithm, state::Act},
    ops::shapes::{self, PlaintextBlob},
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{Blob, ServiceName};

/// The longest message.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Sign.
pub struct Sign;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignInput {
    key_id: String,
    message: PlaintextBlob,
    #[serde(default)]
    message_type: MessageType,
    #[serde(default)]
    grant_tokens: Vec<String>,
    signing_algorithm: SigningAlgorithm,
    #[serde(default)]
    dry_run: bool,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignOutput {
    key_id: String,
    signature: Blob,
    signing_algorithm: SigningAlgorithm,
}

impl Evident for SignInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("messageType", self.message_type.as_str())
            .text("keyId", &self.key_id)
            .text("signingAlgorithm", self.signing_algorithm.as_str())
    }
}

impl Evident for SignOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for Sign {
    const NAME: &'static str = "Sign";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "SM2, ED25519_PH_SHA_512, MessageType EXTERNAL_MU";
    type Input = Json<SignInput>;
    type Output = Json<SignOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let mut violations = Violations::new();
        check_message(&mut violations, &input.message);
        violations.finish()?;
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        let named = KeyRef::parse("keyId", &input.key_id)?;
        let demand = access::demand_named(ctx, view, "kms:Sign", &named, Reach::AnyAccount).await?;
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
        key.permit(Act::Sign)?;
        permit(&key, Self::NAME, algorithm, kind, message)?;
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        let signature = crypto::sign(ctx, &txn.view(), &key, algorithm, kind, message).await?;
        Ok(Json(SignOutput {
            key_id: key.arn().to_string(),
            signature: Blob(signature),
            signing_algorithm: algorithm,
        }))
    }
}

/// The length of a message.
pub(crate) fn check_message(violations: &mut Violations, message: &PlaintextBlob) {
    violations.length_unseen("message", message.expose().len(), 1..=MESSAGE_BYTES_MAX);
}

/// Goes on only if the key signs by the algorithm, and the algorithm takes the message.
pub(crate) fn permit(
    key: &Key,
    operation: &'static str,
    algorithm: SigningAlgorithm,
    kind: MessageType,
    message: &[u8],
) -> Result<(), KmsError> {
    key.permit_usage(KeyUsage::SignVerify, operation)?;
    key.permit_algorithm(algorithm.as_str())?;
    algorithm.accept(key.spec, kind, message)
}

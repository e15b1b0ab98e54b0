//! DeriveSharedSecret: the secret that a key and a peer's public key make together.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html>

use crate::{
    access::{self, Reach},
    conditions, crypto,
    error::KmsError,
    model::{KeyAgreementAlgorithm, KeyRef, KeyUsage, state::Act},
    ops::shapes::{self, PlaintextBlob},
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use store::ReadView;
use wire::{Blob, ServiceName};

const PUBLIC_KEY_BYTES_MAX: usize = 8192;

/// DeriveSharedSecret.
pub struct DeriveSharedSecret;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeriveSharedSecretInput {
    key_id: String,
    key_agreement_algorithm: KeyAgreementAlgorithm,
    public_key: Blob,
    #[serde(default)]
    grant_tokens: Vec<String>,
    #[serde(default)]
    dry_run: bool,
    recipient: Option<IgnoredAny>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeriveSharedSecretOutput {
    key_id: String,
    shared_secret: PlaintextBlob,
    key_agreement_algorithm: KeyAgreementAlgorithm,
    key_origin: &'static str,
}

impl Evident for DeriveSharedSecretInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyAgreementAlgorithm", self.key_agreement_algorithm.as_str())
            .text("keyId", &self.key_id)
    }
}

impl Evident for DeriveSharedSecretOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DeriveSharedSecret {
    const NAME: &'static str = "DeriveSharedSecret";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "Recipient (Nitro Enclaves), SM2";
    type Input = Json<DeriveSharedSecretInput>;
    type Output = Json<DeriveSharedSecretOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let mut violations = Violations::new();
        violations.length_unseen("publicKey", input.public_key.0.len(), 1..=PUBLIC_KEY_BYTES_MAX);
        violations.finish()?;
        shapes::refuse_recipient(input.recipient.as_ref())?;
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        let named = KeyRef::parse("keyId", &input.key_id)?;
        let demand = access::demand_named(ctx, view, "kms:DeriveSharedSecret", &named, Reach::AnyAccount).await?;
        Ok(conditions::with_key_agreement(demand, input.key_agreement_algorithm).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let key = access::find(ctx, &txn.view(), &KeyRef::parse("keyId", &input.key_id)?).await?;
        key.permit(Act::DeriveSharedSecret)?;
        key.permit_usage(KeyUsage::KeyAgreement, Self::NAME)?;
        key.permit_algorithm(input.key_agreement_algorithm.as_str())?;
        let pair = crypto::private_key(ctx, &txn.view(), &key).await?;
        // Worked out for a trial too: whether the public key is one is part of whether the call would succeed.
        let secret = pair.agree(&input.public_key.0).map_err(|_| {
            let spec = key.spec;
            KmsError::Validation(format!("PublicKey is not a DER-encoded public key of key spec {spec}."))
        })?;
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        Ok(Json(DeriveSharedSecretOutput {
            key_id: key.arn().to_string(),
            shared_secret: secret.into(),
            key_agreement_algorithm: input.key_agreement_algorithm,
            key_origin: key.origin.as_str(),
        }))
    }
}

//! Encrypt.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html>

use crate::{
    access,
    conditions::CryptoUse,
    crypto,
    error::KmsError,
    model::{EncryptionAlgorithm, Key, KeyRef, KeyUsage, state::Act},
    ops::shapes::{self, PlaintextBlob},
    violations::Violations,
};
use envelope::EncryptionContext;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{Blob, ServiceName};

/// The longest plaintext.
const PLAINTEXT_BYTES_MAX: usize = 4096;

/// Encrypt.
pub struct Encrypt;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EncryptInput {
    key_id: String,
    plaintext: PlaintextBlob,
    #[serde(default)]
    encryption_context: EncryptionContext,
    #[serde(default)]
    grant_tokens: Vec<String>,
    #[serde(default)]
    encryption_algorithm: EncryptionAlgorithm,
    #[serde(default)]
    dry_run: bool,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EncryptOutput {
    ciphertext_blob: Blob,
    key_id: String,
    encryption_algorithm: &'static str,
}

impl Evident for EncryptInput {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("keyId", &self.key_id)
            .text("encryptionAlgorithm", self.encryption_algorithm.as_str());
        shapes::evident_context(params, "encryptionContext", &self.encryption_context)
    }
}

impl Evident for EncryptOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for Encrypt {
    const NAME: &'static str = "Encrypt";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "SM2";
    type Input = Json<EncryptInput>;
    type Output = Json<EncryptOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let mut violations = Violations::new();
        violations.length_unseen("plaintext", input.plaintext.expose().len(), 1..=PLAINTEXT_BYTES_MAX);
        violations.finish()?;
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        shapes::parse_context("encryptionContext", &input.encryption_context)?;
        let named = KeyRef::parse("keyId", &input.key_id)?;
        let crypto = CryptoUse {
            context: &input.encryption_context,
            algorithm: input.encryption_algorithm.as_str(),
        };
        Ok(access::demand_use_named(ctx, view, "kms:Encrypt", &named, crypto)
            .await?
            .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let key = access::find(ctx, &txn.view(), &KeyRef::parse("keyId", &input.key_id)?).await?;
        key.permit(Act::Encrypt)?;
        let (algorithm, context) = (input.encryption_algorithm, &input.encryption_context);
        let plain = input.plaintext.expose();
        permit(&key, Self::NAME, algorithm, context)?;
        algorithm.accept_length(key.spec, plain.len())?;
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        let (blob, material) = crypto::encrypt(ctx, &txn.view(), &key, algorithm, context, plain).await?;
        shapes::note_material(ctx, material);
        Ok(Json(EncryptOutput {
            ciphertext_blob: Blob(blob),
            key_id: key.arn().to_string(),
            encryption_algorithm: input.encryption_algorithm.as_str(),
        }))
    }
}

/// Goes on only if the key encrypts by the algorithm, and the algorithm takes the context.
pub(crate) fn permit(
    key: &Key,
    operation: &'static str,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
) -> Result<(), KmsError> {
    key.permit_usage(KeyUsage::EncryptDecrypt, operation)?;
    key.permit_algorithm(algorithm.as_str())?;
    algorithm.accept_context(context)
}

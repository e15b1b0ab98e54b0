//! Decrypt.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>

use crate::{
    access,
    conditions::CryptoUse,
    crypto,
    error::KmsError,
    model::{EncryptionAlgorithm, Key, KeyRef, state::Act},
    ops::{
        encrypt,
        shapes::{self, PlaintextBlob},
    },
    violations::Violations,
};
use envelope::{
    EncryptionContext,
    ciphertext::{self, CIPHERTEXT_BYTES_MAX},
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use store::ReadView;
use wire::{Blob, ServiceName};

/// Decrypt.
pub struct Decrypt;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecryptInput {
    ciphertext_blob: Blob,
    #[serde(default)]
    encryption_context: EncryptionContext,
    #[serde(default)]
    grant_tokens: Vec<String>,
    key_id: Option<String>,
    #[serde(default)]
    encryption_algorithm: EncryptionAlgorithm,
    recipient: Option<IgnoredAny>,
    #[serde(default)]
    dry_run: bool,
    dry_run_modifiers: Option<IgnoredAny>,
}

impl DecryptInput {
    /// The request that opens a data key.
    pub(crate) fn of(ciphertext: &[u8], context: EncryptionContext) -> DecryptInput {
        DecryptInput {
            ciphertext_blob: Blob(ciphertext.to_vec()),
            encryption_context: context,
            grant_tokens: Vec::new(),
            key_id: None,
            encryption_algorithm: EncryptionAlgorithm::SYMMETRIC_DEFAULT,
            recipient: None,
            dry_run: false,
            dry_run_modifiers: None,
        }
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecryptOutput {
    key_id: String,
    /// The plaintext.
    pub(crate) plaintext: PlaintextBlob,
    encryption_algorithm: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<String>,
}

impl Evident for DecryptInput {
    fn evident(&self) -> Params {
        let params = Params::new()
            .maybe_text("keyId", self.key_id.as_deref())
            .text("encryptionAlgorithm", self.encryption_algorithm.as_str());
        shapes::evident_context(params, "encryptionContext", &self.encryption_context)
    }
}

impl Evident for DecryptOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for Decrypt {
    const NAME: &'static str = "Decrypt";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "Recipient (Nitro Enclaves), DryRunModifiers, SM2";
    type Input = Json<DecryptInput>;
    type Output = Json<DecryptOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        parse_ciphertext("ciphertextBlob", input.encryption_algorithm, &input.ciphertext_blob.0)?;
        shapes::refuse_dry_run_modifiers(input.dry_run_modifiers.as_ref())?;
        shapes::refuse_recipient(input.recipient.as_ref())?;
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        shapes::parse_context("encryptionContext", &input.encryption_context)?;
        let crypto = CryptoUse {
            context: &input.encryption_context,
            algorithm: input.encryption_algorithm.as_str(),
        };
        let demand = match &input.key_id {
            Some(key_id) => {
                let named = KeyRef::parse("keyId", key_id)?;
                access::demand_use_named(ctx, view, "kms:Decrypt", &named, crypto).await?
            }
            None => {
                need_key_id("KeyId", input.encryption_algorithm)?;
                let key = access::find_sealer(ctx, view, &input.ciphertext_blob.0).await?;
                let mut demand = access::demand_use(ctx, view, "kms:Decrypt", &key, crypto).await?;
                demand.worded = Some("on the resource associated with this ciphertext");
                demand
            }
        };
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let view = txn.view();
        let blob = &input.ciphertext_blob.0;
        let key = match &input.key_id {
            Some(key_id) => access::find(ctx, &view, &KeyRef::parse("keyId", key_id)?).await?,
            None => access::find_sealer(ctx, &view, blob).await?,
        };
        key.permit(Act::Decrypt)?;
        let (algorithm, context) = (input.encryption_algorithm, &input.encryption_context);
        permit(&key, Self::NAME, algorithm, context, blob)?;
        let opened = crypto::decrypt(ctx, &view, &key, algorithm, context, blob).await?;
        // Opened for a trial too: only DryRunModifiers would have it pass over the ciphertext.
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        shapes::note_material(ctx, opened.material);
        Ok(Json(DecryptOutput {
            key_id: key.arn().to_string(),
            plaintext: opened.plain.into(),
            encryption_algorithm: algorithm.as_str(),
            key_material_id: opened.material.map(|id| id.to_string()),
        }))
    }
}

/// Goes on only if the key can have made the ciphertext by the algorithm. The caller may use the key; that another one
/// sealed is then all that is told.
pub(crate) fn permit(
    key: &Key,
    operation: &'static str,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
    blob: &[u8],
) -> Result<(), KmsError> {
    if algorithm.is_symmetric() {
        let header = ciphertext::parse_header(blob).map_err(|_| KmsError::InvalidCiphertext)?;
        if header.key_id != key.id.as_str() {
            return Err(KmsError::IncorrectKey);
        }
    }
    encrypt::permit(key, operation, algorithm, context)
}

/// Goes on only where the ciphertext itself says of which key it is: that of a key pair does not.
pub(crate) fn need_key_id(member: &str, algorithm: EncryptionAlgorithm) -> Result<(), KmsError> {
    match algorithm.is_symmetric() {
        true => Ok(()),
        false => Err(KmsError::Validation(format!(
            "You must specify a {member} value when the encryption algorithm is {}.",
            algorithm.as_str()
        ))),
    }
}

/// Refuses bytes that are no ciphertext of any key, before anything is decided.
pub(crate) fn parse_ciphertext(at: &str, algorithm: EncryptionAlgorithm, blob: &[u8]) -> Result<(), KmsError> {
    let mut violations = Violations::new();
    violations.length_unseen(at, blob.len(), 1..=CIPHERTEXT_BYTES_MAX);
    violations.finish()?;
    match algorithm.is_symmetric() {
        true => ciphertext::parse_header(blob)
            .map(drop)
            .map_err(|_| KmsError::InvalidCiphertext),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn malformed_ciphertexts_are_told_apart_only_by_length() {
        let parse = |blob: &[u8]| parse_ciphertext("ciphertextBlob", EncryptionAlgorithm::SYMMETRIC_DEFAULT, blob);
        let check = |blob: &[u8], code: &str| assert_eq!(parse(blob).unwrap_err().code(), code);
        check(&[], "ValidationException");
        check(&[1; CIPHERTEXT_BYTES_MAX + 1], "ValidationException");
        check(b"not a ciphertext", "InvalidCiphertextException");
        check(&[1, 2, 2, 0, 0x78], "InvalidCiphertextException");
        // Of a key pair's ciphertext nothing can be told by itself.
        assert!(parse_ciphertext("ciphertextBlob", EncryptionAlgorithm::RSAES_OAEP_SHA_256, b"any").is_ok());
    }
}

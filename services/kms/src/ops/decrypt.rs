//! Decrypt.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>

use crate::{
    access,
    conditions::CryptoUse,
    crypto,
    error::KmsError,
    model::{KeyRef, state::Act},
    ops::shapes::{self, EncryptionAlgorithm, PlaintextBlob},
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
}

impl DecryptInput {
    /// The request that opens a data key.
    pub(crate) fn of(ciphertext: &[u8], context: EncryptionContext) -> DecryptInput {
        DecryptInput {
            ciphertext_blob: Blob(ciphertext.to_vec()),
            encryption_context: context,
            grant_tokens: Vec::new(),
            key_id: None,
            encryption_algorithm: EncryptionAlgorithm::SymmetricDefault,
            recipient: None,
            dry_run: false,
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
    key_material_id: String,
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
    type Input = Json<DecryptInput>;
    type Output = Json<DecryptOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        parse_ciphertext(&input.ciphertext_blob.0)?;
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
        key.permit_symmetric(Self::NAME)?;
        input.encryption_algorithm.symmetric()?;
        // The caller may use the key named; that another one sealed is then all that is told.
        if ciphertext::parse_header(blob)
            .map_err(|_| KmsError::InvalidCiphertext)?
            .key_id
            != key.id.as_str()
        {
            return Err(KmsError::IncorrectKey);
        }
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        let opened = crypto::open(ctx, &view, &key, &input.encryption_context, blob).await?;
        let material = opened.material.to_string();
        ctx.notes().additional = Some(Params::new().text("keyMaterialId", &material));
        Ok(Json(DecryptOutput {
            key_id: key.arn().to_string(),
            plaintext: opened.plain.into(),
            encryption_algorithm: input.encryption_algorithm.as_str(),
            key_material_id: material,
        }))
    }
}

/// Refuses bytes that are no ciphertext of any key, before anything is decided.
pub(crate) fn parse_ciphertext(blob: &[u8]) -> Result<(), KmsError> {
    let mut violations = Violations::new();
    violations.length_unseen("ciphertextBlob", blob.len(), 1..=CIPHERTEXT_BYTES_MAX);
    violations.finish()?;
    ciphertext::parse_header(blob)
        .map(drop)
        .map_err(|_| KmsError::InvalidCiphertext)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn malformed_ciphertexts_are_told_apart_only_by_length() {
        let check = |blob: &[u8], code: &str| assert_eq!(parse_ciphertext(blob).unwrap_err().code(), code);
        check(&[], "ValidationException");
        check(&[1; CIPHERTEXT_BYTES_MAX + 1], "ValidationException");
        check(b"not a ciphertext", "InvalidCiphertextException");
        check(&[1, 2, 2, 0, 0x78], "InvalidCiphertextException");
    }
}

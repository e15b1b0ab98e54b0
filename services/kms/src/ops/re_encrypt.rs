//! ReEncrypt.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html>

use crate::{
    access,
    conditions::CryptoUse,
    crypto,
    error::KmsError,
    model::{EncryptionAlgorithm, Key, KeyRef, state::Act},
    ops::{
        decrypt::{self, need_key_id, parse_ciphertext},
        encrypt, shapes,
    },
};
use envelope::EncryptionContext;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use store::ReadView;
use wire::{Blob, ServiceName};

/// ReEncrypt.
pub struct ReEncrypt;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReEncryptInput {
    ciphertext_blob: Blob,
    #[serde(default)]
    source_encryption_context: EncryptionContext,
    source_key_id: Option<String>,
    destination_key_id: String,
    #[serde(default)]
    destination_encryption_context: EncryptionContext,
    #[serde(default)]
    source_encryption_algorithm: EncryptionAlgorithm,
    #[serde(default)]
    destination_encryption_algorithm: EncryptionAlgorithm,
    #[serde(default)]
    grant_tokens: Vec<String>,
    #[serde(default)]
    dry_run: bool,
    dry_run_modifiers: Option<IgnoredAny>,
}

impl ReEncryptInput {
    fn source(&self) -> Result<Option<KeyRef>, KmsError> {
        self.source_key_id
            .as_deref()
            .map(|id| KeyRef::parse("sourceKeyId", id))
            .transpose()
    }

    fn destination(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse("destinationKeyId", &self.destination_key_id)
    }

    async fn find_source(&self, ctx: &Ctx, view: &ReadView<'_>) -> Result<Key, KmsError> {
        match self.source()? {
            Some(named) => access::find(ctx, view, &named).await,
            None => access::find_sealer(ctx, view, &self.ciphertext_blob.0).await,
        }
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReEncryptOutput {
    ciphertext_blob: Blob,
    source_key_id: String,
    key_id: String,
    source_encryption_algorithm: &'static str,
    destination_encryption_algorithm: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_key_material_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_key_material_id: Option<String>,
}

impl Evident for ReEncryptInput {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("sourceEncryptionAlgorithm", self.source_encryption_algorithm.as_str())
            .maybe_text("sourceKeyId", self.source_key_id.as_deref());
        let params = shapes::evident_context(params, "sourceEncryptionContext", &self.source_encryption_context)
            .text("destinationKeyId", &self.destination_key_id)
            .text(
                "destinationEncryptionAlgorithm",
                self.destination_encryption_algorithm.as_str(),
            );
        shapes::evident_context(
            params,
            "destinationEncryptionContext",
            &self.destination_encryption_context,
        )
    }
}

impl Evident for ReEncryptOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ReEncrypt {
    const NAME: &'static str = "ReEncrypt";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "DryRunModifiers, SM2";
    type Input = Json<ReEncryptInput>;
    type Output = Json<ReEncryptOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        parse_ciphertext(
            "ciphertextBlob",
            input.source_encryption_algorithm,
            &input.ciphertext_blob.0,
        )?;
        shapes::refuse_dry_run_modifiers(input.dry_run_modifiers.as_ref())?;
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        shapes::parse_context("sourceEncryptionContext", &input.source_encryption_context)?;
        shapes::parse_context("destinationEncryptionContext", &input.destination_encryption_context)?;
        let opening = CryptoUse {
            context: &input.source_encryption_context,
            algorithm: input.source_encryption_algorithm.as_str(),
        };
        let sealing = CryptoUse {
            context: &input.destination_encryption_context,
            algorithm: input.destination_encryption_algorithm.as_str(),
        };
        let from = match input.source()? {
            Some(named) => access::demand_use_named(ctx, view, "kms:ReEncryptFrom", &named, opening).await?,
            None => {
                need_key_id("SourceKeyId", input.source_encryption_algorithm)?;
                let key = access::find_sealer(ctx, view, &input.ciphertext_blob.0).await?;
                access::demand_use(ctx, view, "kms:ReEncryptFrom", &key, opening).await?
            }
        };
        let to = access::demand_use_named(ctx, view, "kms:ReEncryptTo", &input.destination()?, sealing).await?;
        let same = (from.resource == to.resource).to_string();
        Ok(Demands::All(
            [from, to]
                .map(|demand| demand.with("kms:ReEncryptOnSameKey", same.as_str()))
                .into(),
        ))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let view = txn.view();
        let blob = &input.ciphertext_blob.0;
        let source = input.find_source(ctx, &view).await?;
        let destination = access::find(ctx, &view, &input.destination()?).await?;
        source.permit(Act::ReEncrypt)?;
        destination.permit(Act::ReEncrypt)?;
        let (opening, sealing) = (
            input.source_encryption_algorithm,
            input.destination_encryption_algorithm,
        );
        let (opened_by, sealed_by) = (&input.source_encryption_context, &input.destination_encryption_context);
        decrypt::permit(&source, Self::NAME, opening, opened_by, blob)?;
        encrypt::permit(&destination, Self::NAME, sealing, sealed_by)?;
        let opened = crypto::decrypt(ctx, &view, &source, opening, opened_by, blob).await?;
        let plain = opened.plain.expose();
        sealing.accept_length(destination.spec, plain.len())?;
        if input.dry_run {
            return Err(KmsError::DryRun);
        }
        let (blob, material) = crypto::encrypt(ctx, &view, &destination, sealing, sealed_by, plain).await?;
        let (from, to) = (
            opened.material.map(|id| id.to_string()),
            material.map(|id| id.to_string()),
        );
        let additional = Params::new()
            .maybe_text("sourceKeyMaterialId", from.as_deref())
            .maybe_text("destinationKeyMaterialId", to.as_deref());
        if !additional.is_empty() {
            ctx.notes().additional = Some(additional);
        }
        Ok(Json(ReEncryptOutput {
            ciphertext_blob: Blob(blob),
            source_key_id: source.arn().to_string(),
            key_id: destination.arn().to_string(),
            source_encryption_algorithm: opening.as_str(),
            destination_encryption_algorithm: sealing.as_str(),
            source_key_material_id: from,
            destination_key_material_id: to,
        }))
    }
}

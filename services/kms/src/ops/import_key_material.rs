//! ImportKeyMaterial.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html>

use crate::{
    access::{self, Reach},
    crypto,
    error::KmsError,
    heavy, import,
    model::{ClearMaterial, Import, ImportKind, Key, KeyRef, Material, MaterialId, state::Act},
    synchronize, table,
    violations::Violations,
};
use base::Timestamp;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::ReadView;
use wire::{Blob, EpochSeconds, ServiceName};

const BLOB_BYTES_MAX: usize = 6144;
const DESCRIPTION_CHARS_MAX: usize = 256;
const LIFE_MAX: Duration = Duration::from_secs(365 * 86_400);

const EXPIRES: &str = "KEY_MATERIAL_EXPIRES";
const DOES_NOT_EXPIRE: &str = "KEY_MATERIAL_DOES_NOT_EXPIRE";
const NEW: &str = "NEW_KEY_MATERIAL";
const EXISTING: &str = "EXISTING_KEY_MATERIAL";

/// ImportKeyMaterial.
pub struct ImportKeyMaterial;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportKeyMaterialInput {
    key_id: String,
    import_token: Blob,
    encrypted_key_material: Blob,
    valid_to: Option<EpochSeconds>,
    expiration_model: Option<String>,
    import_type: Option<String>,
    key_material_description: Option<String>,
    key_material_id: Option<String>,
}

impl ImportKeyMaterialInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    fn check(&self, now: Timestamp) -> Result<(), KmsError> {
        let mut violations = Violations::new();
        violations.length_unseen("importToken", self.import_token.0.len(), 1..=BLOB_BYTES_MAX);
        violations.length_unseen(
            "encryptedKeyMaterial",
            self.encrypted_key_material.0.len(),
            1..=BLOB_BYTES_MAX,
        );
        if let Some(model) = self
            .expiration_model
            .as_deref()
            .filter(|model| ![EXPIRES, DOES_NOT_EXPIRE].contains(model))
        {
            violations.choice("expirationModel", model, [EXPIRES, DOES_NOT_EXPIRE].into_iter());
        }
        if let Some(kind) = self
            .import_type
            .as_deref()
            .filter(|kind| ![NEW, EXISTING].contains(kind))
        {
            violations.choice("importType", kind, [NEW, EXISTING].into_iter());
        }
        if let Some(description) = &self.key_material_description {
            violations.length("keyMaterialDescription", description, 0..=DESCRIPTION_CHARS_MAX);
            let allowed = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":/_.-".contains(c);
            if description.is_empty() || !description.chars().all(allowed) {
                violations.pattern("keyMaterialDescription", description, r"^[a-zA-Z0-9:/_\s.-]+$");
            }
        }
        if let Some(id) = &self.key_material_id {
            check_material_id(&mut violations, id);
        }
        violations.finish()?;
        if self.import_type.as_deref() == Some(NEW) && self.key_material_id.is_some() {
            return Err(invalid(
                "KeyMaterialId cannot be specified when ImportType is NEW_KEY_MATERIAL.",
            ));
        }
        self.expires(now).map(drop)
    }

    fn kind(&self) -> Option<ImportKind> {
        match self.import_type.as_deref() {
            Some(NEW) => Some(ImportKind::New),
            Some(_) => Some(ImportKind::Existing),
            None => None,
        }
    }

    /// When the material expires, if it does.
    fn expires(&self, now: Timestamp) -> Result<Option<Timestamp>, KmsError> {
        let model = self.expiration_model.as_deref().unwrap_or(EXPIRES);
        match (model == EXPIRES, self.valid_to) {
            (false, None) => Ok(None),
            (false, Some(_)) => Err(invalid(
                "A validTo date cannot be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
            )),
            (true, None) => Err(invalid(
                "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
            )),
            (true, Some(EpochSeconds(at))) if at <= now || at > now.plus(LIFE_MAX) => Err(invalid(
                "The validTo date must be in the future and at most 365 days from the request.",
            )),
            (true, Some(EpochSeconds(at))) => Ok(Some(at)),
        }
    }
}

fn invalid(text: &str) -> KmsError {
    KmsError::Validation(text.to_owned())
}

/// The form of a material's id.
pub(super) fn check_material_id(violations: &mut Violations, id: &str) {
    violations.length("keyMaterialId", id, 64..=64);
    if !id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        violations.pattern("keyMaterialId", id, "^[a-f0-9]+$");
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportKeyMaterialOutput {
    key_id: String,
    key_material_id: String,
}

impl Evident for ImportKeyMaterialInput {
    fn evident(&self) -> Params {
        let params = Params::new().text("keyId", &self.key_id);
        let params = match self.valid_to {
            Some(at) => params.moment("validTo", at.0),
            None => params,
        };
        params
            .text("expirationModel", self.expiration_model.as_deref().unwrap_or(EXPIRES))
            .maybe_text("importType", self.import_type.as_deref())
            .maybe_text("keyMaterialDescription", self.key_material_description.as_deref())
            .maybe_text("keyMaterialId", self.key_material_id.as_deref())
    }
}

impl Evident for ImportKeyMaterialOutput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .text("keyMaterialId", &self.key_material_id)
    }
}

impl Operation for ImportKeyMaterial {
    const NAME: &'static str = "ImportKeyMaterial";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "Material of ML-DSA keys.";
    type Input = Json<ImportKeyMaterialInput>;
    type Output = Json<ImportKeyMaterialOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.check(ctx.now())?;
        let named = input.named()?;
        let demand = access::demand_named(ctx, view, "kms:ImportKeyMaterial", &named, Reach::OwnAccount).await?;
        Ok(demand
            .with(
                "kms:ExpirationModel",
                input.expiration_model.as_deref().unwrap_or(EXPIRES),
            )
            .with_some("kms:ValidTo", input.valid_to.map(|at| at.0.iso8601()))
            .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit(Act::ImportKeyMaterial)?;
        let clear = open(ctx, txn, &before, input).await?;
        let id = MaterialId::of_import(import::fingerprint(&before, &clear));
        if input
            .key_material_id
            .as_ref()
            .is_some_and(|named| *named != id.to_string())
        {
            return Err(KmsError::IncorrectKeyMaterial);
        }
        let place = before.place_import(id, input.kind())?;
        let version = before.version_at(place);
        let material = Material {
            version,
            id,
            created: ctx.now(),
            wrapped: Some(crypto::wrap_material(ctx, &txn.view(), &before, version, &clear).await?),
            rotation: None,
            import: Some(Import {
                expires: input.expires(ctx.now())?,
                description: input.key_material_description.clone(),
            }),
        };
        let mut key = before.clone();
        key.put_import(place, material);
        match key.is_replica() {
            // What a replica has is its own.
            true => table::put_key(txn, &key, Some(&before)),
            false => synchronize::put_shared(ctx, txn, &key, &before).await?,
        }
        Ok(Json(ImportKeyMaterialOutput {
            key_id: key.arn().to_string(),
            key_material_id: id.to_string(),
        }))
    }
}

/// Opens the material that was brought: beside the serving threads, for it takes the private half of an RSA key.
async fn open(ctx: &Ctx, txn: &Txn, key: &Key, input: &ImportKeyMaterialInput) -> Result<ClearMaterial, KmsError> {
    let keyring = ctx.world().keyrings.of(&txn.view(), key.account).await?;
    let (key, now) = (key.clone(), ctx.now());
    let (token, encrypted) = (input.import_token.0.clone(), input.encrypted_key_material.0.clone());
    heavy::compute(move || import::open(&keyring, &key, &token, &encrypted, now)).await?
}

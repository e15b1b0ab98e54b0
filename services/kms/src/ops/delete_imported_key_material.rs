//! DeleteImportedKeyMaterial.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html>

use crate::{
    access::{self, Reach},
    cache,
    error::KmsError,
    model::{KeyRef, state::Act},
    ops::import_key_material::check_material_id,
    synchronize, table,
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// DeleteImportedKeyMaterial.
pub struct DeleteImportedKeyMaterial;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteImportedKeyMaterialInput {
    key_id: String,
    key_material_id: Option<String>,
}

impl DeleteImportedKeyMaterialInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteImportedKeyMaterialOutput {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<String>,
}

impl Evident for DeleteImportedKeyMaterialInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .maybe_text("keyMaterialId", self.key_material_id.as_deref())
    }
}

impl Evident for DeleteImportedKeyMaterialOutput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .maybe_text("keyMaterialId", self.key_material_id.as_deref())
    }
}

impl Operation for DeleteImportedKeyMaterial {
    const NAME: &'static str = "DeleteImportedKeyMaterial";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<DeleteImportedKeyMaterialInput>;
    type Output = Json<DeleteImportedKeyMaterialOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let mut violations = Violations::new();
        if let Some(id) = &input.key_material_id {
            check_material_id(&mut violations, id);
        }
        violations.finish()?;
        let named = input.named()?;
        let demand =
            access::demand_named(ctx, view, "kms:DeleteImportedKeyMaterial", &named, Reach::OwnAccount).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit(Act::DeleteImportedKeyMaterial)?;
        // Even if the transaction has to be repeated: what is forgotten is opened again when it is used again.
        cache::forget(&before);
        let mut key = before.clone();
        let gone = key.delete_import(input.key_material_id.as_deref())?;
        match key.is_replica() {
            // What a replica has is its own.
            true => table::put_key(txn, &key, Some(&before)),
            false => synchronize::put_shared(ctx, txn, &key, &before).await?,
        }
        Ok(Json(DeleteImportedKeyMaterialOutput {
            key_id: key.arn().to_string(),
            key_material_id: gone.map(|id| id.to_string()),
        }))
    }
}

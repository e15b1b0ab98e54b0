//! ListKeyRotations.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{Key, KeyRef, Material, state::Act},
    ops::shapes::{self, Paging},
    table,
    violations::Violations,
};
use base::Fault;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 1000;

/// ListKeyRotations.
pub struct ListKeyRotations;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeyRotationsInput {
    key_id: String,
    include_key_material: Option<String>,
    limit: Option<i64>,
    marker: Option<String>,
}

impl ListKeyRotationsInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    fn paging(&self) -> Result<Paging, KmsError> {
        Paging::parse(self.limit, self.marker.as_deref(), PAGE_DEFAULT, PAGE_MAX)
    }

    /// Whether the first material, and material that waits for its rotation, are listed too.
    fn is_all(&self) -> Result<bool, KmsError> {
        const ALL: &str = "ALL_KEY_MATERIAL";
        const ROTATIONS: &str = "ROTATIONS_ONLY";
        match self.include_key_material.as_deref() {
            Some(ALL) => Ok(true),
            None | Some(ROTATIONS) => Ok(false),
            Some(other) => {
                let mut violations = Violations::new();
                violations.choice("includeKeyMaterial", other, [ALL, ROTATIONS].into_iter());
                violations.finish().map(|()| false)
            }
        }
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeyRotationsOutput {
    rotations: Vec<RotationsListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

/// What KMS tells of one version of a key's material.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RotationsListEntry {
    key_id: String,
    key_material_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    import_state: Option<&'static str>,
    key_material_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_model: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_date: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_type: Option<&'static str>,
}

impl RotationsListEntry {
    fn of(key: &Key, material: &Material, state: &'static str) -> RotationsListEntry {
        let import = material.import.as_ref();
        RotationsListEntry {
            key_id: key.arn().to_string(),
            key_material_id: material.id.to_string(),
            key_material_description: import.and_then(|import| import.description.clone()),
            import_state: import.map(|_| match material.wrapped {
                Some(_) => "IMPORTED",
                None => "PENDING_IMPORT",
            }),
            key_material_state: state,
            expiration_model: import
                .filter(|_| material.wrapped.is_some())
                .map(|_| match material.expires() {
                    Some(_) => "KEY_MATERIAL_EXPIRES",
                    None => "KEY_MATERIAL_DOES_NOT_EXPIRE",
                }),
            valid_to: material.expires().map(EpochSeconds),
            rotation_date: material.rotation.map(|_| EpochSeconds(material.created)),
            rotation_type: material.rotation.map(|rotation| rotation.as_str()),
        }
    }
}

impl Evident for ListKeyRotationsInput {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("keyId", &self.key_id)
            .maybe_text("includeKeyMaterial", self.include_key_material.as_deref());
        shapes::evident_paging(params, self.limit, self.marker.as_deref())
    }
}

impl Evident for ListKeyRotationsOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListKeyRotations {
    const NAME: &'static str = "ListKeyRotations";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<ListKeyRotationsInput>;
    type Output = Json<ListKeyRotationsOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.paging()?;
        input.is_all()?;
        let named = input.named()?;
        let demand = access::demand_named(ctx, view, "kms:ListKeyRotations", &named, Reach::OwnAccount).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let (view, paging, all) = (txn.view(), input.paging()?, input.is_all()?);
        let key = access::find(ctx, &view, &input.named()?).await?;
        key.permit_rotation()?;
        key.permit(Act::ListKeyRotations)?;
        let mut found = entries(&view, &key).await?;
        found.retain(|(_, entry)| all || entry.rotation_date.is_some());
        found.retain(|(name, _)| paging.after.as_ref().is_none_or(|after| name > after));
        let next_marker = paging.cut(&mut found, |(name, _)| name.as_str());
        Ok(Json(ListKeyRotationsOutput {
            rotations: found.into_iter().map(|(_, entry)| entry).collect(),
            truncated: next_marker.is_some(),
            next_marker,
        }))
    }
}

/// Every version of a key's material, oldest first, each with the name by which the next page begins.
async fn entries(view: &ReadView<'_>, key: &Key) -> Result<Vec<(String, RotationsListEntry)>, Fault> {
    let current = key.current().map(|current| current.version);
    let state = |material: &Material| match Some(material.version) == current {
        true => "CURRENT",
        false => "NON_CURRENT",
    };
    let mut found: Vec<(String, RotationsListEntry)> = key
        .material
        .iter()
        .map(|material| (name(material), RotationsListEntry::of(key, material, state(material))))
        .collect();
    if let Some(staged) = &key.staged {
        let state = match key.is_staged_everywhere(&table::related(view, key).await?) {
            true => "PENDING_ROTATION",
            false => "PENDING_MULTI_REGION_IMPORT_AND_ROTATION",
        };
        found.push((name(staged), RotationsListEntry::of(key, staged, state)));
    }
    Ok(found)
}

fn name(material: &Material) -> String {
    format!("{:010}", material.version)
}

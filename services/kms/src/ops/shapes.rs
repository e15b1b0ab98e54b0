//! Shapes that several operations share.

use crate::{
    error::KmsError,
    model::{Key, KeySpec, KeyState, KeyUsage, MaterialId, Tag},
    tokens,
    violations::Violations,
};
use base::{AccountId, Arn, Region, Secret};
use base64::{Engine, engine::general_purpose::STANDARD};
use envelope::EncryptionContext;
use gateway::{Ctx, Render, RenderCtx, Reply};
use record::{Evident, Params};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IgnoredAny},
};
use store::ReadView;
use wire::EpochSeconds;

const DESCRIPTION_CHARS_MAX: usize = 8192;
const GRANT_TOKENS_MAX: usize = 10;
const GRANT_TOKEN_CHARS_MAX: usize = 8192;

/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html>: at most 8,192 bytes.
const ENCRYPTION_CONTEXT_BYTES_MAX: usize = 8192;

/// The output of an operation that answers nothing, and whose record names the key that it changed.
///
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/ct-enablekeyrotation.html>, since December 2022.
pub struct Changed {
    key: Arn,
}

impl Changed {
    /// It changed this key.
    pub fn of(key: &Key) -> Changed {
        Changed { key: key.arn() }
    }
}

impl Render for Changed {
    fn render(self, ctx: &RenderCtx<'_>) -> Reply {
        NoOutput.render(ctx)
    }
}

impl Evident for Changed {
    fn evident(&self) -> Params {
        Params::new().text("keyId", self.key.as_str())
    }
}

/// The output of an operation that answers nothing: an empty body.
pub struct NoOutput;

impl Render for NoOutput {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        Reply::with_body(200, wire::json::CONTENT_TYPE, "")
    }
}

impl Evident for NoOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// Plaintext that travels as base64; wiped when dropped, and with no way into a record.
pub struct PlaintextBlob(Secret<Vec<u8>>);

impl PlaintextBlob {
    /// Takes bytes into custody.
    pub fn new(bytes: Vec<u8>) -> PlaintextBlob {
        PlaintextBlob(Secret::new(bytes))
    }

    /// The bytes, to be used and not kept.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

impl From<Secret<Vec<u8>>> for PlaintextBlob {
    fn from(secret: Secret<Vec<u8>>) -> PlaintextBlob {
        PlaintextBlob(secret)
    }
}

impl Serialize for PlaintextBlob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Secret::new(STANDARD.encode(self.expose()));
        serializer.serialize_str(text.expose())
    }
}

impl<'de> Deserialize<'de> for PlaintextBlob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PlaintextBlob, D::Error> {
        let text = Secret::new(String::deserialize(deserializer)?);
        STANDARD
            .decode(text.expose())
            .map(PlaintextBlob::new)
            .map_err(|_| de::Error::custom("STRING_VALUE can not be converted to a Blob"))
    }
}

/// Takes the `GrantTokens` of a request, each of which must be of a grant that is there. That is all they are asked for: a
/// grant counts with or without its token.
pub async fn accept_tokens(ctx: &Ctx, view: &ReadView<'_>, grant_tokens: &[String]) -> Result<(), KmsError> {
    let mut violations = Violations::new();
    violations.length_unseen("grantTokens", grant_tokens.len(), 0..=GRANT_TOKENS_MAX);
    for (token, n) in grant_tokens.iter().zip(1_usize..) {
        check_token(&mut violations, &format!("grantTokens.{n}.member"), token);
    }
    violations.finish()?;
    for token in grant_tokens {
        tokens::find(ctx, view, token).await?;
    }
    Ok(())
}

/// The length of a grant token.
pub fn check_token(violations: &mut Violations, at: &str, token: &str) {
    violations.length_unseen(at, token.len(), 1..=GRANT_TOKEN_CHARS_MAX);
}

/// Refuses, by name, a `Recipient`, which would otherwise be passed over in silence.
pub fn refuse_recipient(recipient: Option<&IgnoredAny>) -> Result<(), KmsError> {
    match recipient {
        None => Ok(()),
        Some(_) => Err(KmsError::Unsupported(
            "Recipient (Nitro Enclaves attestation) is not supported.".to_owned(),
        )),
    }
}

/// Refuses, by name, `DryRunModifiers`, with which a trial would pass over the ciphertext.
pub fn refuse_dry_run_modifiers(modifiers: Option<&IgnoredAny>) -> Result<(), KmsError> {
    match modifiers {
        None => Ok(()),
        Some(_) => Err(KmsError::not_supported("DryRunModifiers")),
    }
}

/// Refuses an encryption context that is too long.
pub fn parse_context(at: &str, context: &EncryptionContext) -> Result<(), KmsError> {
    let mut violations = Violations::new();
    violations.length_unseen(at, context.size_bytes(), 0..=ENCRYPTION_CONTEXT_BYTES_MAX);
    violations.finish()
}

/// An encryption context as a record shows it: in clear, and not at all when there is none.
pub fn evident_context(params: Params, name: &str, context: &EncryptionContext) -> Params {
    match context.is_empty() {
        true => params,
        false => params.pairs(name, context.iter()),
    }
}

/// Refuses a description that is too long.
pub fn check_description(description: &str) -> Result<(), KmsError> {
    let mut violations = Violations::new();
    violations.length_unseen("description", description.chars().count(), 0..=DESCRIPTION_CHARS_MAX);
    violations.finish()
}

/// Tags of a request as a record shows them.
pub fn evident_tags(params: Params, tags: &[Tag]) -> Params {
    if tags.is_empty() {
        return params;
    }
    let tag = |tag: &Tag| Params::new().text("tagKey", &tag.key).text("tagValue", &tag.value);
    params.objects("tags", tags.iter().map(tag))
}

/// `additionalEventData` of a call that used a symmetric key: which of its materials.
pub fn note_material(ctx: &Ctx, material: Option<MaterialId>) {
    if let Some(material) = material {
        ctx.notes().additional = Some(Params::new().text("keyMaterialId", material.to_string()));
    }
}

/// `Limit` and `Marker` of a listing.
#[derive(Default)]
pub struct Paging {
    /// How many at most.
    pub limit: usize,
    /// The name that the last page ended with.
    pub after: Option<String>,
}

impl Paging {
    /// Reads `Limit` and `Marker`; a page has at most `limit_max`.
    pub fn parse(
        limit: Option<i64>,
        marker: Option<&str>,
        limit_default: usize,
        limit_max: usize,
    ) -> Result<Paging, KmsError> {
        let mut violations = Violations::new();
        if let Some(limit) = limit {
            violations.range("limit", limit, 1..=1000);
        }
        if let Some(marker) = marker {
            violations.length("marker", marker, 1..=1024);
        }
        violations.finish()?;
        let limit = limit
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(limit_default);
        let after = marker
            .map(|marker| {
                let bytes = STANDARD.decode(marker).map_err(|_| KmsError::InvalidMarker)?;
                String::from_utf8(bytes).map_err(|_| KmsError::InvalidMarker)
            })
            .transpose()?;
        Ok(Paging {
            limit: limit.min(limit_max),
            after,
        })
    }

    /// How many rows to read: one more than a page, to know whether there is a next.
    pub fn read_max(&self) -> usize {
        self.limit.saturating_add(1)
    }

    /// Cuts what was read to a page. Answers the marker of the next page, if there is one.
    pub fn cut<T>(&self, rows: &mut Vec<T>, name: impl Fn(&T) -> &str) -> Option<String> {
        if rows.len() <= self.limit {
            return None;
        }
        rows.truncate(self.limit);
        rows.last().map(|last| STANDARD.encode(name(last)))
    }
}

/// `Limit` and `Marker` as a record shows them.
pub fn evident_paging(params: Params, limit: Option<i64>, marker: Option<&str>) -> Params {
    params.maybe_number("limit", limit).maybe_text("marker", marker)
}

/// What KMS tells of a key.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyMetadata {
    #[serde(rename = "AWSAccountId")]
    aws_account_id: AccountId,
    key_id: String,
    /// The ARN.
    pub arn: Arn,
    creation_date: EpochSeconds,
    enabled: bool,
    description: String,
    key_usage: &'static str,
    key_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<EpochSeconds>,
    origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_model: Option<&'static str>,
    key_manager: &'static str,
    customer_master_key_spec: &'static str,
    key_spec: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_algorithms: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_algorithms: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac_algorithms: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_agreement_algorithms: Option<&'static [&'static str]>,
    multi_region: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_region_configuration: Option<MultiRegionConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_deletion_window_in_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_key_material_id: Option<String>,
}

/// A related key of several Regions.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MultiRegionKey {
    arn: Arn,
    region: Region,
}

impl Evident for MultiRegionKey {
    fn evident(&self) -> Params {
        Params::new()
            .text("arn", self.arn.as_str())
            .text("region", self.region.as_str())
    }
}

/// Which of the related keys of several Regions this is, and which the others are.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MultiRegionConfiguration {
    multi_region_key_type: &'static str,
    primary_key: MultiRegionKey,
    replica_keys: Vec<MultiRegionKey>,
}

impl MultiRegionConfiguration {
    fn of(key: &Key) -> Option<MultiRegionConfiguration> {
        let multi = key.multi_region.as_ref()?;
        let related = |region: &Region| MultiRegionKey {
            arn: key.arn_in(region),
            region: region.clone(),
        };
        Some(MultiRegionConfiguration {
            multi_region_key_type: multi.kind.as_str(),
            primary_key: related(&multi.primary),
            replica_keys: multi.replicas.iter().map(related).collect(),
        })
    }
}

impl Evident for MultiRegionConfiguration {
    fn evident(&self) -> Params {
        Params::new()
            .text("multiRegionKeyType", self.multi_region_key_type)
            .object("primaryKey", self.primary_key.evident())
            .objects("replicaKeys", self.replica_keys.iter().map(Evident::evident))
    }
}

impl From<&Key> for KeyMetadata {
    fn from(key: &Key) -> KeyMetadata {
        let algorithms = |usage| (key.usage == usage).then(|| key.spec.algorithms(usage));
        KeyMetadata {
            aws_account_id: key.account,
            key_id: key.id.as_str().to_owned(),
            arn: key.arn(),
            creation_date: EpochSeconds(key.created),
            enabled: key.state == KeyState::Enabled,
            description: key.description.clone(),
            key_usage: key.usage.as_str(),
            key_state: key.state.as_str(),
            deletion_date: key.state.deletion_date().map(EpochSeconds),
            valid_to: key.valid_to().map(EpochSeconds),
            origin: key.origin.as_str(),
            expiration_model: key.expiration_model(),
            key_manager: key.manager.as_str(),
            customer_master_key_spec: key.spec.as_str(),
            key_spec: key.spec.as_str(),
            encryption_algorithms: algorithms(KeyUsage::EncryptDecrypt),
            signing_algorithms: algorithms(KeyUsage::SignVerify),
            mac_algorithms: algorithms(KeyUsage::GenerateVerifyMac),
            key_agreement_algorithms: algorithms(KeyUsage::KeyAgreement),
            multi_region: key.multi_region.is_some(),
            multi_region_configuration: MultiRegionConfiguration::of(key),
            pending_deletion_window_in_days: match key.state {
                KeyState::PendingReplicaDeletion { window_days } => Some(window_days),
                _ => None,
            },
            // SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>: of symmetric keys only.
            current_key_material_id: key
                .current()
                .filter(|_| key.spec == KeySpec::SymmetricDefault)
                .map(|material| material.id.to_string()),
        }
    }
}

impl Evident for KeyMetadata {
    fn evident(&self) -> Params {
        let algorithms = |params: Params, name, found: Option<&'static [&'static str]>| match found {
            None => params,
            Some(found) => params.texts(name, found.iter().copied()),
        };
        let params = Params::new()
            .text("aWSAccountId", self.aws_account_id.as_str())
            .text("keyId", &self.key_id)
            .text("arn", self.arn.as_str())
            .moment("creationDate", self.creation_date.0)
            .flag("enabled", self.enabled)
            .text("description", &self.description)
            .text("keyUsage", self.key_usage)
            .text("keyState", self.key_state)
            .text("origin", self.origin)
            .text("keyManager", self.key_manager)
            .text("keySpec", self.key_spec)
            .text("customerMasterKeySpec", self.customer_master_key_spec);
        let params = algorithms(params, "encryptionAlgorithms", self.encryption_algorithms);
        let params = algorithms(params, "signingAlgorithms", self.signing_algorithms);
        let params = algorithms(params, "macAlgorithms", self.mac_algorithms);
        let params = algorithms(params, "keyAgreementAlgorithms", self.key_agreement_algorithms)
            .flag("multiRegion", self.multi_region);
        let params = match &self.multi_region_configuration {
            None => params,
            Some(configuration) => params.object("multiRegionConfiguration", configuration.evident()),
        };
        params.maybe_text("currentKeyMaterialId", self.current_key_material_id.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn a_page_ends_where_the_next_begins() {
        let names: Vec<String> = (0..10).map(|n| format!("k{n}")).collect();
        let mut seen: Vec<String> = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let paging = Paging::parse(Some(3), marker.as_deref(), 100, 1000).unwrap();
            let after = paging.after.clone();
            let behind = names
                .iter()
                .filter(|name| after.as_ref().is_none_or(|after| *name > after));
            let mut page: Vec<String> = behind.take(paging.read_max()).cloned().collect();
            marker = paging.cut(&mut page, String::as_str);
            assert!(page.len() <= 3);
            seen.extend(page);
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, names);
    }

    #[test]
    fn paging_is_checked() {
        let check = |limit: Option<i64>, marker: Option<&str>, code: Option<&str>| {
            let error = Paging::parse(limit, marker, 100, 1000).err();
            assert_eq!(
                error.map(|e| e.code().into_owned()).as_deref(),
                code,
                "{limit:?} {marker:?}"
            );
        };
        check(None, None, None);
        check(Some(1), Some("YQ=="), None);
        check(Some(0), None, Some("ValidationException"));
        check(Some(1001), None, Some("ValidationException"));
        check(None, Some(""), Some("ValidationException"));
        check(None, Some("not base64"), Some("InvalidMarkerException"));
        check(None, Some("/w=="), Some("InvalidMarkerException"));
    }
}

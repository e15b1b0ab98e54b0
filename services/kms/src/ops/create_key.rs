//! CreateKey.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>

use crate::{
    access,
    conditions::{self, Asking},
    error::KmsError,
    model::{
        AWS_KMS, ENCRYPT_DECRYPT, Key, KeyId, KeyManager, KeyState, Material, MaterialId, PolicyDigest,
        SYMMETRIC_DEFAULT, Tag, key_policy, parse_tags,
    },
    ops::shapes::KeyMetadata,
    table::{self, Shelf},
    violations::Violations,
};
use base::{Fault, arn};
use envelope::{Key256, wrap_under};
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params, Resource};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

const DESCRIPTION_CHARS_MAX: usize = 8192;

/// CreateKey.
pub struct CreateKey;

/// Every key spec of AWS; only the first is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, non_camel_case_types, reason = "AWS's names, each its own description")]
pub enum KeySpec {
    SYMMETRIC_DEFAULT,
    ECC_NIST_EDWARDS25519,
    ECC_NIST_P256,
    ECC_NIST_P384,
    ECC_NIST_P521,
    ECC_SECG_P256K1,
    HMAC_224,
    HMAC_256,
    HMAC_384,
    HMAC_512,
    ML_DSA_44,
    ML_DSA_65,
    ML_DSA_87,
    RSA_2048,
    RSA_3072,
    RSA_4096,
    SM2,
}

/// Every key usage of AWS; only the first is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, non_camel_case_types, reason = "AWS's names, each its own description")]
pub enum KeyUsage {
    ENCRYPT_DECRYPT,
    GENERATE_VERIFY_MAC,
    KEY_AGREEMENT,
    SIGN_VERIFY,
}

/// Every origin of AWS; only the first is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, non_camel_case_types, reason = "AWS's names, each its own description")]
pub enum KeyOrigin {
    AWS_KMS,
    AWS_CLOUDHSM,
    EXTERNAL,
    EXTERNAL_KEY_STORE,
}

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateKeyInput {
    policy: Option<String>,
    #[serde(default)]
    description: String,
    key_usage: Option<KeyUsage>,
    customer_master_key_spec: Option<KeySpec>,
    key_spec: Option<KeySpec>,
    origin: Option<KeyOrigin>,
    custom_key_store_id: Option<String>,
    bypass_policy_lockout_safety_check: Option<bool>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    multi_region: bool,
    xks_key_id: Option<String>,
}

impl CreateKeyInput {
    /// Goes on only with a key of the one kind that is here. What AWS knows and this server does not is refused by name.
    fn symmetric(&self) -> Result<(), KmsError> {
        let unsupported = |what: String| Err(KmsError::Unsupported(format!("{what} is not supported.")));
        let spec = match (self.key_spec, self.customer_master_key_spec) {
            (Some(_), Some(_)) => {
                let text = "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. \
                            CustomerMasterKeySpec is deprecated.";
                return Err(KmsError::Validation(text.to_owned()));
            }
            (spec, old) => spec.or(old).unwrap_or(KeySpec::SYMMETRIC_DEFAULT),
        };
        match (spec, self.key_usage) {
            (KeySpec::SYMMETRIC_DEFAULT, None | Some(KeyUsage::ENCRYPT_DECRYPT)) => {}
            (KeySpec::SYMMETRIC_DEFAULT, Some(usage)) => {
                let text = format!("KeyUsage {usage:?} is not compatible with KeySpec SYMMETRIC_DEFAULT");
                return Err(KmsError::Validation(text));
            }
            (_, None) => {
                let text = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
                return Err(KmsError::Validation(text.to_owned()));
            }
            (spec, Some(_)) => return unsupported(format!("KeySpec {spec:?}")),
        }
        match self.origin {
            None | Some(KeyOrigin::AWS_KMS) => {}
            Some(origin) => return unsupported(format!("Origin {origin:?}")),
        }
        if self.multi_region {
            return unsupported("MultiRegion".to_owned());
        }
        match (&self.custom_key_store_id, &self.xks_key_id) {
            (Some(_), _) => unsupported("CustomKeyStoreId".to_owned()),
            (_, Some(_)) => unsupported("XksKeyId".to_owned()),
            (None, None) => Ok(()),
        }
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateKeyOutput {
    key_metadata: KeyMetadata,
}

impl Evident for CreateKeyInput {
    /// AWS shows what the request left out by its default.
    fn evident(&self) -> Params {
        let spec = self.key_spec.or(self.customer_master_key_spec);
        let spec = spec.map_or(SYMMETRIC_DEFAULT.to_owned(), |spec| format!("{spec:?}"));
        let params = Params::new()
            .maybe_text("policy", self.policy.as_deref())
            .text("description", &self.description)
            .text(
                "keyUsage",
                self.key_usage
                    .map_or(ENCRYPT_DECRYPT.to_owned(), |usage| format!("{usage:?}")),
            )
            .text("customerMasterKeySpec", &spec)
            .text("keySpec", &spec)
            .text(
                "origin",
                self.origin.map_or(AWS_KMS.to_owned(), |origin| format!("{origin:?}")),
            )
            .maybe_text("customKeyStoreId", self.custom_key_store_id.as_deref())
            .maybe_text("xksKeyId", self.xks_key_id.as_deref())
            .flag(
                "bypassPolicyLockoutSafetyCheck",
                self.bypass_policy_lockout_safety_check.unwrap_or(false),
            )
            .flag("multiRegion", self.multi_region);
        if self.tags.is_empty() {
            return params;
        }
        let tag = |tag: &Tag| Params::new().text("tagKey", &tag.key).text("tagValue", &tag.value);
        params.objects("tags", self.tags.iter().map(tag))
    }
}

impl Evident for CreateKeyOutput {
    fn evident(&self) -> Params {
        Params::new().object("keyMetadata", self.key_metadata.evident())
    }
}

impl Operation for CreateKey {
    const NAME: &'static str = "CreateKey";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<CreateKeyInput>;
    type Output = Json<CreateKeyOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let mut violations = Violations::new();
        violations.length_unseen(
            "description",
            input.description.chars().count(),
            0..=DESCRIPTION_CHARS_MAX,
        );
        violations.finish()?;
        input.symmetric()?;
        parse_tags(&input.tags)?;
        let demand = |action| {
            let demand = conditions::with_caller(Demand::on(action, arn::any()), Asking::of(ctx));
            let bypass = input
                .bypass_policy_lockout_safety_check
                .map(|bypass| bypass.to_string());
            let demand = conditions::with_key_facts(demand, input.multi_region)
                .with_some("kms:BypassPolicyLockoutSafetyCheck", bypass);
            conditions::with_request_tags(demand, &input.tags)
        };
        match input.tags.is_empty() {
            true => Ok(demand("kms:CreateKey").into()),
            false => Ok(Demands::All(vec![demand("kms:CreateKey"), demand("kms:TagResource")])),
        }
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let mut key = new_key(ctx, access::shelf(ctx));
        key.description.clone_from(&input.description);
        key.tags = parse_tags(&input.tags)?;
        let policy = match &input.policy {
            Some(policy) => {
                let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
                let accepted = access::accept_policy(ctx, &txn.view(), &key, policy, bypass).await?;
                key.policy = accepted.digest;
                accepted.text
            }
            None => {
                let text = key_policy::default_text(ctx.account);
                key.policy = table::policy_digest(&text);
                text
            }
        };
        key.material = vec![first_material(ctx, &txn.view(), &key).await?];
        table::put_key(txn, &key, None);
        table::put_policy(txn, &key, &policy);
        ctx.notes().resources.push(Resource {
            arn: key.arn(),
            account_id: Some(key.account),
            resource_type: access::RESOURCE_TYPE.into(),
        });
        Ok(Json(CreateKeyOutput {
            key_metadata: KeyMetadata::from(&key),
        }))
    }
}

/// A new key of the account, enabled, still without policy and material.
pub(crate) fn new_key(ctx: &Ctx, shelf: Shelf<'_>) -> Key {
    Key {
        account: shelf.account,
        region: shelf.region.clone(),
        id: KeyId::generate(ctx.random()),
        created: ctx.now(),
        description: String::new(),
        manager: KeyManager::Customer,
        state: KeyState::Enabled,
        policy: PolicyDigest([0; 32]),
        material: Vec::new(),
        tags: Vec::new(),
        aliases: Vec::new(),
        grants: None,
    }
}

/// Makes the first version of a key's material, wrapped under the account's keyring.
pub(crate) async fn first_material(ctx: &Ctx, view: &ReadView<'_>, key: &Key) -> Result<Material, Fault> {
    const VERSION: u32 = 1;
    let keyring = ctx.world().keyrings.of(view, key.account).await?;
    let fresh = Key256::generate(ctx.random());
    let purpose = Material::purpose(&key.id, VERSION);
    Ok(Material {
        version: VERSION,
        id: MaterialId::generate(ctx.random()),
        created: key.created,
        wrapped: wrap_under(&keyring, &fresh, &purpose, ctx.random()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn other_keys_are_refused_by_name() {
        let check = |body: &str, expected: Option<(&str, &str)>| {
            let input: CreateKeyInput = wire::json::parse(body.as_bytes()).unwrap();
            let found = input.symmetric().err().map(|e| (e.code().into_owned(), e.message()));
            assert_eq!(
                found,
                expected.map(|(code, text)| (code.to_owned(), text.to_owned())),
                "{body}"
            );
        };
        let unsupported = "UnsupportedOperationException";
        let validation = "ValidationException";
        check("", None);
        check(
            r#"{"KeySpec":"SYMMETRIC_DEFAULT","KeyUsage":"ENCRYPT_DECRYPT","Origin":"AWS_KMS"}"#,
            None,
        );
        check(r#"{"CustomerMasterKeySpec":"SYMMETRIC_DEFAULT"}"#, None);
        check(
            r#"{"KeySpec":"RSA_2048","KeyUsage":"SIGN_VERIFY"}"#,
            Some((unsupported, "KeySpec RSA_2048 is not supported.")),
        );
        check(
            r#"{"KeySpec":"HMAC_256"}"#,
            Some((
                validation,
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
            )),
        );
        check(
            r#"{"KeyUsage":"SIGN_VERIFY"}"#,
            Some((
                validation,
                "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT",
            )),
        );
        check(
            r#"{"Origin":"EXTERNAL"}"#,
            Some((unsupported, "Origin EXTERNAL is not supported.")),
        );
        check(
            r#"{"MultiRegion":true}"#,
            Some((unsupported, "MultiRegion is not supported.")),
        );
        check(
            r#"{"CustomKeyStoreId":"cks-1"}"#,
            Some((unsupported, "CustomKeyStoreId is not supported.")),
        );
        check(r#"{"XksKeyId":"x"}"#, Some((unsupported, "XksKeyId is not supported.")));
    }

    #[test]
    fn defaults_are_shown() {
        let input: CreateKeyInput = wire::json::parse(br#"{"Tags":[{"TagKey":"a","TagValue":"b"}]}"#).unwrap();
        let mut out = Vec::new();
        input.evident().write_to(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"description":"","keyUsage":"ENCRYPT_DECRYPT","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","origin":"AWS_KMS","bypassPolicyLockoutSafetyCheck":false,"multiRegion":false,"tags":[{"tagKey":"a","tagValue":"b"}]}"#
        );
    }
}

//! CreateKey.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>

use crate::{
    access,
    conditions::{self, Asking, KeyFacts},
    crypto,
    error::KmsError,
    heavy,
    model::{
        ClearMaterial, Key, KeyId, KeyManager, KeySpec, KeyState, KeyUsage, MultiRegion, MultiRegionKind, Origin,
        PolicyDigest, Rotation, Tag, asymmetric::PairKind, key_policy, parse_tags,
    },
    ops::shapes::{self, KeyMetadata},
    table::{self, Shelf},
};
use base::arn;
use gateway::{Body, Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params, Resource};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// CreateKey.
pub struct CreateKey;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateKeyInput {
    policy: Option<String>,
    #[serde(default)]
    description: String,
    key_usage: Option<String>,
    customer_master_key_spec: Option<String>,
    key_spec: Option<String>,
    origin: Option<String>,
    custom_key_store_id: Option<String>,
    bypass_policy_lockout_safety_check: Option<bool>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    multi_region: bool,
    xks_key_id: Option<String>,
    /// That the key is a replica of this one: nothing that a request can say.
    #[serde(skip)]
    replica_of: Option<Box<Key>>,
}

impl CreateKeyInput {
    /// The request for a replica of a primary, with what a replica has of its own.
    pub(crate) fn replica(
        primary: &Key,
        policy: Option<String>,
        bypass: Option<bool>,
        description: String,
        tags: Vec<Tag>,
    ) -> CreateKeyInput {
        CreateKeyInput {
            policy,
            description,
            key_usage: Some(primary.usage.to_string()),
            customer_master_key_spec: None,
            key_spec: Some(primary.spec.to_string()),
            origin: Some(primary.origin.to_string()),
            custom_key_store_id: None,
            bypass_policy_lockout_safety_check: bypass,
            tags,
            multi_region: true,
            xks_key_id: None,
            replica_of: Some(Box::new(primary.clone())),
        }
    }

    /// What kind of key is asked for. What AWS knows and this server does not is refused by name.
    fn facts(&self) -> Result<KeyFacts, KmsError> {
        let unsupported = |what: &str| Err(KmsError::Unsupported(format!("{what} is not supported.")));
        let facts = KeyFacts {
            spec: self.spec()?,
            usage: KeyUsage::EncryptDecrypt,
            origin: match &self.origin {
                None => Origin::AwsKms,
                Some(text) => Origin::parse("origin", text)?,
            },
            multi_region: self.multi_region,
            kind: self.multi_region.then_some(match self.replica_of {
                None => MultiRegionKind::Primary,
                Some(_) => MultiRegionKind::Replica,
            }),
        };
        let facts = KeyFacts {
            usage: self.usage(facts.spec)?,
            ..facts
        };
        match (&self.custom_key_store_id, &self.xks_key_id) {
            (Some(_), _) => unsupported("CustomKeyStoreId"),
            (_, Some(_)) => unsupported("XksKeyId"),
            (None, None) => Ok(facts),
        }
    }

    fn spec(&self) -> Result<KeySpec, KmsError> {
        match (&self.key_spec, &self.customer_master_key_spec) {
            (Some(_), Some(_)) => {
                let text = "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. \
                            CustomerMasterKeySpec is deprecated.";
                Err(KmsError::Validation(text.to_owned()))
            }
            (Some(text), None) => KeySpec::parse("keySpec", text),
            (None, Some(text)) => KeySpec::parse("customerMasterKeySpec", text),
            (None, None) => Ok(KeySpec::SymmetricDefault),
        }
    }

    fn usage(&self, spec: KeySpec) -> Result<KeyUsage, KmsError> {
        let usage = match &self.key_usage {
            Some(text) => KeyUsage::parse("keyUsage", text)?,
            None if spec == KeySpec::SymmetricDefault => KeyUsage::EncryptDecrypt,
            None => {
                let text = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
                return Err(KmsError::Validation(text.to_owned()));
            }
        };
        match spec.usages().contains(&usage) {
            true => Ok(usage),
            false => Err(KmsError::Validation(format!(
                "KeyUsage {usage} is not compatible with KeySpec {spec}"
            ))),
        }
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateKeyOutput {
    pub(crate) key_metadata: KeyMetadata,
    /// The policy that was kept, for ReplicateKey, which answers it.
    #[serde(skip)]
    pub(crate) policy: String,
}

impl Evident for CreateKeyInput {
    /// AWS shows what the request left out by its default.
    fn evident(&self) -> Params {
        let or = |text: &Option<String>, default: &str| text.clone().unwrap_or_else(|| default.to_owned());
        let spec = self.key_spec.as_ref().or(self.customer_master_key_spec.as_ref());
        let spec = or(&spec.cloned(), KeySpec::SymmetricDefault.as_str());
        let params = Params::new()
            .maybe_text("policy", self.policy.as_deref())
            .text("description", &self.description)
            .text("keyUsage", or(&self.key_usage, KeyUsage::EncryptDecrypt.as_str()))
            .text("customerMasterKeySpec", &spec)
            .text("keySpec", &spec)
            .text("origin", or(&self.origin, Origin::AwsKms.as_str()))
            .maybe_text("customKeyStoreId", self.custom_key_store_id.as_deref())
            .maybe_text("xksKeyId", self.xks_key_id.as_deref())
            .flag(
                "bypassPolicyLockoutSafetyCheck",
                self.bypass_policy_lockout_safety_check.unwrap_or(false),
            )
            .flag("multiRegion", self.multi_region);
        shapes::evident_tags(params, &self.tags)
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
    const MISSING: &'static str = "KeySpec SM2 and ML_KEM, custom and external key stores";
    const STAGED: bool = true;
    type Input = Json<CreateKeyInput>;
    type Output = Json<CreateKeyOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        shapes::check_description(&input.description)?;
        let facts = input.facts()?;
        parse_tags(&input.tags)?;
        let demand = |action| {
            let demand = conditions::with_caller(Demand::on(action, arn::any()), Asking::of(ctx));
            let bypass = input
                .bypass_policy_lockout_safety_check
                .map(|bypass| bypass.to_string());
            let demand =
                conditions::with_key_facts(demand, facts).with_some("kms:BypassPolicyLockoutSafetyCheck", bypass);
            conditions::with_request_tags(demand, &input.tags)
        };
        let mut demands = vec![demand("kms:CreateKey")];
        if !input.tags.is_empty() {
            demands.push(demand("kms:TagResource"));
        }
        if facts.kind == Some(MultiRegionKind::Primary) {
            demands.push(demand_linked_role(ctx));
        }
        Ok(Demands::All(demands))
    }

    /// Makes the material of a key pair: before the transaction, for it takes its time.
    async fn stage(ctx: &Ctx, _: &mut Txn, input: &Authorized<Self::Input>, _: Body) -> Result<Staged, KmsError> {
        let (facts, random) = (input.facts()?, ctx.random().clone());
        if facts.origin == Origin::External {
            return Ok(Staged::nothing());
        }
        let spec = facts.spec;
        let clear = match PairKind::of_key(spec).is_some_and(PairKind::takes_long) {
            true => heavy::make(move || ClearMaterial::generate(spec, &random)).await??,
            false => ClearMaterial::generate(spec, &random)?,
        };
        Ok(Staged::of(clear))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        staged: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let mut key = match &input.replica_of {
            None => new_key(ctx, access::shelf(ctx), input.facts()?),
            Some(primary) => replica(ctx, primary)?,
        };
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
        if key.origin == Origin::AwsKms && input.replica_of.is_none() {
            key.material = vec![crypto::make_material(ctx, &txn.view(), &key, staged.get()?, None).await?];
        }
        table::put_key(txn, &key, None);
        table::put_policy(txn, &key, &policy);
        ctx.notes().resources.push(Resource {
            arn: key.arn(),
            account_id: Some(key.account),
            resource_type: access::RESOURCE_TYPE.into(),
        });
        Ok(Json(CreateKeyOutput {
            key_metadata: KeyMetadata::from(&key),
            policy,
        }))
    }
}

/// The first key of several Regions makes the role with which KMS keeps related keys alike.
///
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-auth-slr.html>
fn demand_linked_role(ctx: &Ctx) -> Demand {
    let role = arn::role(
        ctx.account,
        "/aws-service-role/mrk.kms.amazonaws.com/",
        "AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
    );
    Demand::on("iam:CreateServiceLinkedRole", role).with("iam:AWSServiceName", "mrk.kms.amazonaws.com")
}

/// A replica of a primary in the Region of the call, as it is without what is its own.
fn replica(ctx: &Ctx, primary: &Key) -> Result<Key, KmsError> {
    let multi = primary.permit_primary()?.with_replica(&ctx.region);
    let mut key = Key {
        id: primary.id.clone(),
        ..new_key(ctx, access::shelf(ctx), KeyFacts::of(primary))
    };
    key.take_shared(&Key {
        multi_region: Some(multi),
        ..primary.clone()
    });
    Ok(key)
}

/// A new key of the account, still without policy and material: enabled, unless it waits for material to be brought.
pub(crate) fn new_key(ctx: &Ctx, shelf: Shelf<'_>, facts: KeyFacts) -> Key {
    Key {
        account: shelf.account,
        region: shelf.region.clone(),
        id: match facts.multi_region {
            true => KeyId::generate_multi_region(ctx.random()),
            false => KeyId::generate(ctx.random()),
        },
        created: ctx.now(),
        description: String::new(),
        manager: KeyManager::Customer,
        state: match facts.origin {
            Origin::AwsKms => KeyState::Enabled,
            Origin::External => KeyState::PendingImport,
        },
        policy: PolicyDigest([0; 32]),
        spec: facts.spec,
        usage: facts.usage,
        origin: facts.origin,
        material: Vec::new(),
        staged: None,
        rotation: Rotation::off(),
        multi_region: facts.multi_region.then(|| MultiRegion::primary(shelf.region.clone())),
        tags: Vec::new(),
        aliases: Vec::new(),
        grants: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn other_keys_are_refused_by_name() {
        let check = |body: &str, expected: Option<(&str, &str)>| {
            let input: CreateKeyInput = wire::json::parse(body.as_bytes()).unwrap();
            let found = input.facts().err().map(|e| (e.code().into_owned(), e.message()));
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
            r#"{"KeySpec":"SM2","KeyUsage":"SIGN_VERIFY"}"#,
            Some((unsupported, "KeySpec SM2 is not supported.")),
        );
        check(
            r#"{"KeySpec":"ML_KEM_768","KeyUsage":"ENCAPSULATE_DECAPSULATE"}"#,
            Some((unsupported, "KeySpec ML_KEM_768 is not supported.")),
        );
        check(r#"{"KeySpec":"RSA_2048","KeyUsage":"SIGN_VERIFY"}"#, None);
        check(
            r#"{"KeySpec":"RSA_2048","KeyUsage":"KEY_AGREEMENT"}"#,
            Some((
                validation,
                "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
            )),
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
        check(r#"{"Origin":"EXTERNAL","MultiRegion":true}"#, None);
        check(
            r#"{"Origin":"AWS_CLOUDHSM"}"#,
            Some((unsupported, "Origin AWS_CLOUDHSM is not supported.")),
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

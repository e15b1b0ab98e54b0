//! `AWS::KMS::Key`: a key. Deleting it schedules its deletion.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html>

use super::{ATTRIBUTES, TAGS, TAGS_PROPERTY, describe, enable, is_enabled, kms, policy_text};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{
        Desired, Existing, Handler, Kind, Made, Property, ResourceType, made,
        values::{flag, tags, text},
    },
};
use base::{AccountId, arn};
use gateway::Boxed;
use serde_json::{Map, Value, json};

const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";
const OF_KMS: &str = "AWS_KMS";

/// `AWS::KMS::Key`
pub static KEY: ResourceType = ResourceType {
    name: "AWS::KMS::Key",
    properties: &[
        Property::new("BypassPolicyLockoutSafetyCheck", Kind::Boolean).write_only(),
        Property::new("Description", Kind::Text),
        Property::new("EnableKeyRotation", Kind::Boolean),
        Property::new("Enabled", Kind::Boolean),
        Property::new("KeyPolicy", Kind::Json),
        Property::new(
            "KeySpec",
            Kind::OneOf(&[
                SYMMETRIC,
                "RSA_2048",
                "RSA_3072",
                "RSA_4096",
                "ECC_NIST_P256",
                "ECC_NIST_P384",
                "ECC_NIST_P521",
                "ECC_SECG_P256K1",
                "ECC_NIST_EDWARDS25519",
                "HMAC_224",
                "HMAC_256",
                "HMAC_384",
                "HMAC_512",
                "ML_DSA_44",
                "ML_DSA_65",
                "ML_DSA_87",
                "SM2",
            ]),
        ),
        Property::new(
            "KeyUsage",
            Kind::OneOf(&["ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"]),
        ),
        Property::new("MultiRegion", Kind::Boolean),
        Property::new("Origin", Kind::OneOf(&[OF_KMS, "EXTERNAL"])),
        Property::new("PendingWindowInDays", Kind::Integer).write_only(),
        Property::new("RotationPeriodInDays", Kind::Integer).write_only(),
        TAGS_PROPERTY,
    ],
    unsupported: &[],
    attributes: ATTRIBUTES,
    secrets: &[],
    tags: TAGS,
    handler: &Key,
};

struct Key;

impl Handler for Key {
    fn create<'a>(&'a self, api: &'a mut Api, desired: &'a Desired) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            let properties = &desired.properties;
            check(properties)?;
            let answer = kms(api, "CreateKey", &creation(properties, api.account())).await?;
            let made = super::made(answer.get("KeyMetadata").unwrap_or(&Value::Null))?;
            if rotates(properties) {
                rotate(api, &made.physical_id, properties).await?;
            }
            if !is_enabled(properties) {
                enable(api, &made.physical_id, false).await?;
            }
            Ok(made)
        })
    }

    fn update<'a>(
        &'a self,
        api: &'a mut Api,
        existing: &'a Existing,
        desired: &'a Desired,
    ) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            let (key, before, after) = (&existing.physical_id, &existing.properties, &desired.properties);
            check_update(before, after)?;
            describe(api, key).await?;
            if !is_enabled(before) && is_enabled(after) {
                enable(api, key, true).await?;
            }
            if rotation(before) != rotation(after) {
                rotate(api, key, after).await?;
            }
            if is_enabled(before) && !is_enabled(after) {
                enable(api, key, false).await?;
            }
            let account = api.account();
            let policy = |properties: &Value| policy_of(properties, account);
            let bypass = flag(after, "BypassPolicyLockoutSafetyCheck").unwrap_or(false);
            let policy = (policy(before) != policy(after)).then(|| (policy(after), bypass));
            super::update_common(api, key, (before, after), policy).await?;
            Ok(made::same(existing))
        })
    }

    fn delete<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<(), HandlerError>> {
        Box::pin(super::delete(api, existing))
    }

    fn read<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<Value, HandlerError>> {
        Box::pin(async move {
            let key = existing.physical_id.as_str();
            let (mut found, metadata) = super::read_common(api, key).await?;
            for name in ["KeySpec", "KeyUsage", "MultiRegion", "Origin"] {
                found.insert(name.to_owned(), metadata.get(name).cloned().unwrap_or_default());
            }
            let can_rotate = (text(&metadata, "KeySpec"), text(&metadata, "Origin")) == (Some(SYMMETRIC), Some(OF_KMS));
            let rotates = match can_rotate {
                true => {
                    let status = kms(api, "GetKeyRotationStatus", &json!({ "KeyId": key })).await?;
                    flag(&status, "KeyRotationEnabled").unwrap_or(false)
                }
                false => false,
            };
            found.insert("EnableKeyRotation".to_owned(), rotates.into());
            Ok(Value::Object(found))
        })
    }
}

/// The input of CreateKey.
fn creation(properties: &Value, account: AccountId) -> Value {
    let mut input = Map::new();
    for name in [
        "BypassPolicyLockoutSafetyCheck",
        "Description",
        "KeySpec",
        "KeyUsage",
        "MultiRegion",
        "Origin",
    ] {
        if let Some(value) = properties.get(name) {
            input.insert(name.to_owned(), value.clone());
        }
    }
    input.insert("Policy".to_owned(), policy_of(properties, account).into());
    let tags = tags(properties, "Tags");
    if !tags.is_empty() {
        input.insert("Tags".to_owned(), super::tag_list(&tags).into());
    }
    Value::Object(input)
}

/// The policy as it is given, or CloudFormation's own.
fn policy_of(properties: &Value, account: AccountId) -> String {
    match policy_text(properties) {
        Some(text) => text,
        None => json!({
            "Version": "2012-10-17",
            "Id": "key-default",
            "Statement": [{
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": arn::root(account).as_str()},
                "Action": "kms:*",
                "Resource": "*",
            }],
        })
        .to_string(),
    }
}

fn rotates(properties: &Value) -> bool {
    flag(properties, "EnableKeyRotation").unwrap_or(false)
}

/// Whether the key rotates, and how often it is to.
fn rotation(properties: &Value) -> (bool, Option<&Value>) {
    let rotates = rotates(properties);
    (rotates, properties.get("RotationPeriodInDays").filter(|_| rotates))
}

async fn rotate(api: &mut Api, key: &str, properties: &Value) -> Result<(), HandlerError> {
    let mut input = json!({ "KeyId": key });
    let operation = match rotation(properties) {
        (true, days) => {
            if let Some(days) = days {
                input["RotationPeriodInDays"] = days.clone();
            }
            "EnableKeyRotation"
        }
        (false, _) => "DisableKeyRotation",
    };
    kms(api, operation, &input).await.map(drop)
}

fn refused<T>(text: &str) -> Result<T, HandlerError> {
    Err(HandlerError::of(HandlerErrorCode::InvalidRequest, text))
}

/// A property, or what it is without being said.
fn or_default(properties: &Value, name: &str, default: &Value) -> Value {
    properties.get(name).unwrap_or(default).clone()
}

/// Refuses, in the handler's words, what no key can be.
fn check(properties: &Value) -> Result<(), HandlerError> {
    let is_symmetric = text(properties, "KeySpec").is_none_or(|spec| spec == SYMMETRIC);
    let is_own = text(properties, "Origin").is_none_or(|origin| origin == OF_KMS);
    match rotates(properties) && !(is_symmetric && is_own) {
        true => refused("You cannot set the EnableKeyRotation property to true on asymmetric or external keys."),
        false => Ok(()),
    }
}

/// Refuses what cannot be changed, which is no reason to make another key: a key that is replaced by mistake is lost with all
/// that it sealed.
///
/// SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html>
fn check_update(before: &Value, after: &Value) -> Result<(), HandlerError> {
    check(after)?;
    let stays_disabled = !is_enabled(before) && !is_enabled(after);
    if stays_disabled && rotates(before) != rotates(after) {
        return refused("You cannot change the EnableKeyRotation property while the Enabled property is false.");
    }
    if stays_disabled && rotation(before) != rotation(after) {
        return refused("You cannot change the RotationPeriodInDays property while the Enabled property is false.");
    }
    let fixed = [
        ("KeySpec", json!(SYMMETRIC)),
        ("KeyUsage", json!("ENCRYPT_DECRYPT")),
        ("MultiRegion", json!(false)),
        ("Origin", json!(OF_KMS)),
    ];
    let is_changed =
        |(name, default): &(&str, Value)| or_default(before, name, default) != or_default(after, name, default);
    match fixed.iter().any(is_changed) {
        true => refused(
            "You cannot change the values of the KeySpec, KeyUsage, Origin, or MultiRegion properties of an AWS::KMS::Key \
             resource.",
        ),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_what_is_given() {
        let account = AccountId::parse("111122223333").expect("an account");
        let input = creation(&json!({}), account);
        let policy = text(&input, "Policy").unwrap_or_default();
        assert!(policy.contains("arn:aws:iam::111122223333:root"), "{policy}");
        assert_eq!(input.as_object().map(Map::len), Some(1));
        let given = json!({
            "Description": "d", "MultiRegion": true, "EnableKeyRotation": true, "PendingWindowInDays": 7,
            "KeyPolicy": {"Statement": []}, "Tags": [{"Key": "a", "Value": "b"}],
        });
        let expected = json!({
            "Description": "d", "MultiRegion": true, "Policy": "{\"Statement\":[]}",
            "Tags": [{"TagKey": "a", "TagValue": "b"}],
        });
        assert_eq!(creation(&given, account), expected);
    }

    #[test]
    fn what_makes_a_key_what_it_is_cannot_change() {
        let check = |before: Value, after: Value, expected: Option<&str>| {
            let found = check_update(&before, &after).err();
            let told = found.as_ref().map(|error| error.message.as_str());
            assert!(
                match (told, expected) {
                    (Some(told), Some(expected)) => told.contains(expected),
                    (told, expected) => told == expected,
                },
                "{before} {after} {told:?}"
            );
        };
        let fixed = Some("properties of an AWS::KMS::Key resource.");
        let defaults = json!({"MultiRegion": false, "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS"});
        check(json!({}), defaults, None);
        check(json!({}), json!({"MultiRegion": true}), fixed);
        check(json!({"KeySpec": "RSA_2048"}), json!({}), fixed);
        check(
            json!({"KeyUsage": "SIGN_VERIFY"}),
            json!({"KeyUsage": "KEY_AGREEMENT"}),
            fixed,
        );
        check(json!({"Origin": "EXTERNAL"}), json!({}), fixed);
        let (off, rotating) = (
            json!({"Enabled": false}),
            json!({"Enabled": false, "EnableKeyRotation": true}),
        );
        check(
            off.clone(),
            rotating.clone(),
            Some("while the Enabled property is false."),
        );
        check(off, json!({"EnableKeyRotation": true}), None);
        let mut monthly = rotating.clone();
        monthly["RotationPeriodInDays"] = 90.into();
        check(
            rotating.clone(),
            monthly.clone(),
            Some("You cannot change the RotationPeriodInDays property while"),
        );
        monthly["Enabled"] = true.into();
        check(rotating.clone(), monthly, None);
        check(rotating.clone(), rotating, None);
        for other in [json!({"KeySpec": "HMAC_256"}), json!({"Origin": "EXTERNAL"})] {
            let mut rotating = other.clone();
            rotating["EnableKeyRotation"] = true.into();
            check(other, rotating, Some("on asymmetric or external keys."));
        }
    }

    #[test]
    fn the_period_counts_while_the_key_rotates() {
        let on = json!({"EnableKeyRotation": true, "RotationPeriodInDays": 90});
        assert_eq!(rotation(&on), (true, Some(&json!(90))));
        assert_eq!(rotation(&json!({"RotationPeriodInDays": 90})), (false, None));
    }
}

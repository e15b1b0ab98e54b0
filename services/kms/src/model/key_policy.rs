//! Key policies: the two that are made here, and what may become one.

use crate::{error::KmsError, violations::Violations};
use base::{AccountId, Region, arn};
use policy::{Malformed, ParseError, Policy, PolicyKind};
use serde_json::{Map, Value, json};

/// The only name that a key policy has.
pub const DEFAULT_NAME: &str = "default";

/// What KMS's API takes at most; what is effective is 32 KiB.
const CHARS_MAX: usize = 131_072;

/// The policy of a key that was made without one: the account's IAM policies decide.
///
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
pub fn default_text(account: AccountId) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "{}"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#,
        arn::root(account)
    )
}

/// The policy of `aws/s3`: whoever of the account may use S3 may use the key through S3, and nobody may change it.
pub fn aws_s3_text(account: AccountId, region: &Region) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "auto-s3-2",
        "Statement": [
            {
                "Sid": "Allow access through S3 for all principals in the account that are authorized to use S3",
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
                "Condition": { "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": format!("s3.{region}.amazonaws.com"),
                } },
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": { "AWS": arn::root(account) },
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                "Resource": "*",
            },
        ],
    })
    .to_string()
}

/// Takes the name of a policy, which is `default` or nothing.
pub fn parse_name(name: Option<&str>) -> Result<(), KmsError> {
    match name {
        None | Some(DEFAULT_NAME) => Ok(()),
        Some(_) => Err(KmsError::NoSuchPolicy),
    }
}

/// Reads a key policy as a caller sends it.
pub fn parse(text: &str) -> Result<Policy, KmsError> {
    let mut violations = Violations::new();
    violations.length_unseen("policy", text.chars().count(), 1..=CHARS_MAX);
    violations.finish()?;
    let policy = Policy::parse(text, PolicyKind::KeyPolicy).map_err(refusal)?;
    refuse_overly_permissive(text)?;
    Ok(policy)
}

/// `ForAllValues` over a condition key of one value is true when the key is absent, which no author means.
///
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>, using set operators with condition keys.
fn refuse_overly_permissive(text: &str) -> Result<(), KmsError> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let conditions = statements
        .iter()
        .filter_map(|statement| statement.get("Condition")?.as_object());
    for (operator, keys) in conditions.flatten() {
        let all = operator.to_ascii_lowercase().starts_with("forallvalues:");
        for key in keys.as_object().filter(|_| all).into_iter().flat_map(Map::keys) {
            let key = key.to_ascii_lowercase();
            if key.starts_with("kms:encryptioncontext:") {
                return Err(OVERLY_PERMISSIVE_CONTEXT);
            }
            if key.starts_with("aws:requesttag/") {
                return Err(OVERLY_PERMISSIVE_TAG);
            }
        }
    }
    Ok(())
}

const OVERLY_PERMISSIVE_CONTEXT: KmsError = KmsError::MalformedPolicy(
    "OverlyPermissiveCondition:EncryptionContext: Using the ForAllValues set operator with a single-valued condition key \
     matches requests without the specified encryption context or with an unspecified encryption context. To fix, remove \
     ForAllValues.",
);

const OVERLY_PERMISSIVE_TAG: KmsError = KmsError::MalformedPolicy(
    "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key matches requests \
     without the specified tag or with an unspecified tag. To fix, remove ForAllValues.",
);

/// Names a principal that does not exist, or is of no known form.
pub const INVALID_PRINCIPALS: KmsError =
    KmsError::MalformedPolicy("Policy contains a statement with one or more invalid principals.");

/// Would lock its author out.
pub const LOCKOUT: KmsError =
    KmsError::MalformedPolicy("The new key policy will not allow you to update the key policy in the future.");

/// AWS tells an author of a key policy little: where in the document the fault is, is lost here.
fn refusal(error: ParseError) -> KmsError {
    match error.what {
        Malformed::InvalidPrincipal { .. } => INVALID_PRINCIPALS,
        Malformed::MissingPrincipal => KmsError::MalformedPolicy("Policy contains a statement with no principal."),
        Malformed::NotJson { .. } => KmsError::MalformedPolicy("This policy contains invalid Json"),
        Malformed::TooLong { .. } => KmsError::LimitExceeded("The key policy exceeds the maximum size of 32768 bytes."),
        Malformed::InvalidCharacter { .. } => {
            let mut violations = Violations::new();
            let pattern = r"Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+";
            violations.unseen("policy", pattern);
            violations
                .finish()
                .err()
                .unwrap_or(KmsError::MalformedPolicy("Syntax errors in policy."))
        }
        _ => KmsError::MalformedPolicy("Syntax errors in policy."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn policies_that_are_made_here_parse() {
        let account = AccountId::parse("111122223333").unwrap();
        for text in [default_text(account), aws_s3_text(account, &Region::us_east_1())] {
            assert!(parse(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_key_policy() {
        let long = format!("{{\"Statement\":[],\"Id\":\"{}\"}}", "a".repeat(33_000));
        let statement =
            |principal: &str| format!(r#"{{"Statement":[{{"Effect":"Allow",{principal}"Action":"kms:*"}}]}}"#);
        let check = |text: &str, code: &str, message: &str| {
            let error = parse(text).unwrap_err();
            assert_eq!(
                (error.code().as_ref(), error.message().as_str()),
                (code, message),
                "{text}"
            );
        };
        let malformed = "MalformedPolicyDocumentException";
        check("no", malformed, "This policy contains invalid Json");
        check("{}", malformed, "Syntax errors in policy.");
        check(
            &statement(""),
            malformed,
            "Policy contains a statement with no principal.",
        );
        check(
            &statement(r#""Principal":{"AWS":"alice"},"#),
            malformed,
            "Policy contains a statement with one or more invalid principals.",
        );
        let bound = |condition: &str| {
            format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{condition}}}}}"#
            )
        };
        let permissive = "OverlyPermissiveCondition";
        for condition in [
            r#"{"ForAllValues:StringEquals":{"kms:EncryptionContext:a":"1"}}"#,
            r#"{"forallvalues:StringLike":{"kms:x":"1","AWS:requesttag/a":"1"}}"#,
        ] {
            let error = parse(&bound(condition)).unwrap_err();
            assert!(error.message().starts_with(permissive), "{condition}");
        }
        for condition in [
            r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":"a","aws:TagKeys":"a"}}"#,
            r#"{"StringEquals":{"kms:EncryptionContext:a":"1","aws:RequestTag/a":"1"}}"#,
        ] {
            assert!(parse(&bound(condition)).is_ok(), "{condition}");
        }
        check(
            &long,
            "LimitExceededException",
            "The key policy exceeds the maximum size of 32768 bytes.",
        );
        for text in ["", "証跡"] {
            assert_eq!(parse(text).unwrap_err().code(), "ValidationException", "{text}");
        }
    }
}

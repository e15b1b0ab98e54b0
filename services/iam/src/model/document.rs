//! Policy documents: AWS's words for one that is none of its kind, and its form on reading.

use super::{
    lint::{self, Strictness, one_or_many},
    name,
};
use crate::{
    error::{IamError, Quota},
    table::PoliciesRow,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use policy::{Malformed, ParseError, Policy, PolicyKind};
use serde_json::Value;

/// The longest document that is taken, white space counted.
const DOCUMENT_CHARS_MAX: usize = 131_072;

/// The most that a managed policy may hold, white space not counted.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) const MANAGED_CHARS_MAX: usize = 6_144;

/// The most that all inline policies together may hold, white space not counted.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) const GROUP_INLINE_BYTES_MAX: usize = 5_120;
pub(crate) const ROLE_INLINE_BYTES_MAX: usize = 10_240;
pub(crate) const USER_INLINE_BYTES_MAX: usize = 2_048;

const NO_JSON: &str = "This policy contains invalid Json";
const SYNTAX: &str = "Syntax errors in policy.";

/// All that RFC 3986 does not leave unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who has inline policies, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder<'a> {
    Group(&'a str),
    Role(&'a str),
    User(&'a str),
}

impl Holder<'_> {
    fn quota(self) -> (usize, Quota) {
        let (bytes_max, kind, name) = match self {
            Holder::Group(name) => (GROUP_INLINE_BYTES_MAX, "group", name),
            Holder::Role(name) => (ROLE_INLINE_BYTES_MAX, "role", name),
            Holder::User(name) => (USER_INLINE_BYTES_MAX, "user", name),
        };
        let name = name.to_owned();
        (bytes_max, Quota::InlinePolicySize { bytes_max, kind, name })
    }
}

/// Adds an inline policy, in the place of one of the same name, or refuses it.
pub(crate) fn add_policy(
    row: &mut PoliciesRow,
    holder: Holder<'_>,
    name: String,
    document: &str,
) -> Result<(), IamError> {
    check_text("policyDocument", document)?;
    let (bytes_max, quota) = holder.quota();
    check_identity(document, Strictness::Inline, quota.clone())?;
    row.policies.insert(name, document.to_owned());
    let size = |document: &String| policy::counted_size(document, PolicyKind::Identity);
    match row.policies.values().map(size).sum::<usize>() > bytes_max {
        true => Err(IamError::LimitExceeded(quota)),
        false => Ok(()),
    }
}

/// Checks the document of a managed policy.
pub(crate) fn check_managed(document: &str) -> Result<(), IamError> {
    check_text("policyDocument", document)?;
    check_identity(document, Strictness::Managed, Quota::PolicySize)?;
    match policy::counted_size(document, PolicyKind::Identity) > MANAGED_CHARS_MAX {
        true => Err(IamError::LimitExceeded(Quota::PolicySize)),
        false => Ok(()),
    }
}

/// Checks a document as an identity policy, fault by fault in AWS's order.
fn check_identity(document: &str, strictness: Strictness, quota: Quota) -> Result<(), IamError> {
    let refused = |words: String| Err(IamError::MalformedPolicyDocument(words));
    let parsed = match Policy::parse(document, PolicyKind::Identity) {
        Err(error) if matches!(error.what, Malformed::TooLong { .. }) => return Err(IamError::LimitExceeded(quota)),
        parsed => parsed,
    };
    let Ok(json) = serde_json::from_str::<Value>(document) else {
        return refused(NO_JSON.to_owned());
    };
    if !json.is_object() {
        return refused(SYNTAX.to_owned());
    }
    let fault = lint::first_fault(&json, strictness);
    match (parsed, fault) {
        (Err(error), Some(_)) if is_syntax(&error.what) => refused(SYNTAX.to_owned()),
        (_, Some(fault)) => refused(fault),
        (Err(error), None) => refused(words(&error)),
        (Ok(_), None) => Ok(()),
    }
}

/// Whether AWS's first parser already stumbles over it.
fn is_syntax(what: &Malformed) -> bool {
    match what {
        Malformed::InvalidEffect { text } => !["allow", "deny"].contains(&text.to_ascii_lowercase().as_str()),
        Malformed::BadVersion { .. }
        | Malformed::Contradiction { .. }
        | Malformed::DuplicateField { .. }
        | Malformed::EmptyStatement
        | Malformed::MissingEffect
        | Malformed::MissingStatement
        | Malformed::NotJson { .. }
        | Malformed::UnknownField { .. }
        | Malformed::UnknownOperator { .. }
        | Malformed::WrongType { .. } => true,
        _ => false,
    }
}

/// Checks a role's trust policy, the parameter `at`. Whether those whom it names exist is not checked here.
pub(crate) fn parse_trust(at: &str, document: &str) -> Result<Policy, IamError> {
    check_text(at, document)?;
    let trust = parse(document, PolicyKind::Trust, Quota::TrustSize)?;
    let json = json(document);
    let statements = one_or_many(json.get("Statement"));
    let assumes = |statement: &&Value| {
        let actions = one_or_many(statement.get("Action"));
        !actions.is_empty()
            && actions
                .iter()
                .all(|action| action.as_str().is_some_and(is_assume_action))
    };
    match statements.iter().all(assumes) {
        true => Ok(trust),
        false => Err(IamError::MalformedPolicyDocument(
            "AssumeRole policy may only specify STS AssumeRole actions.".to_owned(),
        )),
    }
}

/// The words for a principal of a trust policy that does not exist.
pub(crate) fn no_such_principal(arn: &str) -> IamError {
    IamError::MalformedPolicyDocument(invalid_principal("AWS", arn))
}

fn invalid_principal(kind: &str, text: &str) -> String {
    format!("Invalid principal in policy: \"{kind}\":\"{text}\"")
}

/// The actions by which a role is taken on, or a pattern of them.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html>
fn is_assume_action(action: &str) -> bool {
    const NAMES: [&str; 6] = [
        "assumerole",
        "assumerolewithsaml",
        "assumerolewithwebidentity",
        "setcontext",
        "setsourceidentity",
        "tagsession",
    ];
    let action = action.to_ascii_lowercase();
    action
        .strip_prefix("sts:")
        .is_some_and(|name| name.contains(['*', '?']) || NAMES.contains(&name))
}

/// A document that was parsed as a policy before, as JSON.
fn json(document: &str) -> Value {
    serde_json::from_str(document).unwrap_or(Value::Null)
}

pub(crate) fn check_text(at: &str, document: &str) -> Result<(), IamError> {
    name::length(at, document, 1, DOCUMENT_CHARS_MAX)?;
    match document.chars().all(is_document_char) {
        true => Ok(()),
        false => Err(IamError::pattern(at, r"[\u0009\u000A\u000D\u0020-\u00FF]+")),
    }
}

/// Parses a document, which is of the wrong size by `quota`.
pub(crate) fn parse(document: &str, kind: PolicyKind, quota: Quota) -> Result<Policy, IamError> {
    Policy::parse(document, kind).map_err(|error| match error.what {
        Malformed::TooLong { .. } => IamError::LimitExceeded(quota),
        _ => IamError::MalformedPolicyDocument(words(&error)),
    })
}

fn is_document_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
}

/// AWS's words. Many faults have none of their own: those that AWS's parser meets first are all `Syntax errors in policy.`
pub(crate) fn words(error: &ParseError) -> String {
    let text = match &error.what {
        Malformed::DuplicateSid { .. } => "Statement IDs (SID) in a single policy must be unique.",
        Malformed::InvalidAction { text } if text.matches(':').count() > 1 => {
            "Actions/Condition can contain only one colon."
        }
        Malformed::InvalidAction { text } => match text.split_once(':') {
            None => "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            Some((vendor, _)) if vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)) => {
                "The policy failed legacy parsing"
            }
            Some((vendor, _)) => return format!("Vendor {vendor} is not valid"),
        },
        Malformed::InvalidConditionKey { .. } => {
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
        }
        Malformed::InvalidConditionValue { operator, .. } if operator.contains("Date") => {
            "The policy failed legacy parsing"
        }
        Malformed::InvalidPartition { partition, text } => {
            return format!("Partition \"{partition}\" is not valid for resource \"{text}\".");
        }
        Malformed::InvalidPrincipal { kind, text } if !kind.is_empty() => {
            return invalid_principal(&kind.to_ascii_uppercase(), text);
        }
        Malformed::InvalidResource { text } => return format!("Resource {text} must be in ARN format or \"*\"."),
        Malformed::InvalidSid { .. } => {
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
        }
        Malformed::MissingAction => "Policy statement must contain actions.",
        Malformed::MissingPrincipal => "Missing required field Principal",
        Malformed::MissingResource => "Policy statement must contain resources.",
        Malformed::NotJson { .. } => NO_JSON,
        Malformed::ProhibitedPrincipal => "Policy document should not specify a principal.",
        Malformed::ProhibitedResource => "Has prohibited field Resource",
        _ => SYNTAX,
    };
    text.to_owned()
}

/// A document as IAM gives it out: percent-encoded by RFC 3986.
pub(crate) fn encode(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    const ALLOW: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;

    #[test]
    fn documents_are_refused_in_awss_words() {
        let check = |statement: &str, expected: &str| {
            let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
            let error = add_policy(
                &mut PoliciesRow::default(),
                Holder::User("Bob"),
                "p".to_owned(),
                &document,
            )
            .unwrap_err();
            assert_eq!(error.code(), "MalformedPolicyDocument", "{document}");
            assert_eq!(error.message(), expected, "{document}");
        };
        check("x", "This policy contains invalid Json");
        check(r#""x""#, "Syntax errors in policy.");
        check(
            r#"{"Effect":"Allow","Action":"s3:a:b","Resource":"*"}"#,
            "Actions/Condition can contain only one colon.",
        );
        check(
            r#"{"Effect":"Allow","Action":"s3:a:b","Resource":"bucket"}"#,
            r#"Resource bucket must be in ARN format or "*"."#,
        );
        check(
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"soon"}}}"#,
            "The policy failed legacy parsing",
        );
        check(
            r#"{"Effect":"Allow","Action":"GetObject","Resource":"*"}"#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        );
        check(
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}"#,
            r#"Resource bucket must be in ARN format or "*"."#,
        );
        check(
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:x:s3:::b"}"#,
            r#"Partition "x" is not valid for resource "arn:x:s3:::b"."#,
        );
        check(
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}"#,
            "Policy document should not specify a principal.",
        );
        check(
            r#"{"Effect":"Allow","Resource":"*"}"#,
            "Policy statement must contain actions.",
        );
        check(
            r#"{"Effect":"Allow","Action":"s3:*"}"#,
            "Policy statement must contain resources.",
        );
        check(
            r#"{"Effect":"Maybe","Action":"s3:*","Resource":"*"}"#,
            "Syntax errors in policy.",
        );
        check(
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringIs":{"aws:username":"x"}}}"#,
            "Syntax errors in policy.",
        );
    }

    #[test]
    fn the_limit_is_on_all_policies_together_without_white_space() {
        let mut row = PoliciesRow::default();
        let mut add = |name: &str, document: &str| add_policy(&mut row, Holder::User("Bob"), name.to_owned(), document);
        let padded = ALLOW.replace("s3:*", &format!("s3:{}", "x".repeat(1_000)));
        add("one", &format!("{padded}{}", " ".repeat(5_000))).unwrap();
        add("one", &padded).unwrap();
        let error = add("two", &padded).unwrap_err();
        assert_eq!((error.code().as_ref(), error.status()), ("LimitExceeded", 409));
        assert_eq!(
            error.message(),
            "Maximum policy size of 2048 bytes exceeded for user Bob"
        );
    }

    #[test]
    fn each_holder_has_its_own_limit() {
        let document = ALLOW.replace("s3:*", &format!("s3:{}", "x".repeat(4_000)));
        let add = |holder| add_policy(&mut PoliciesRow::default(), holder, "p".to_owned(), &document);
        assert!(add(Holder::Group("g")).is_ok() && add(Holder::Role("r")).is_ok());
        let message = |holder| {
            let long = ALLOW.replace("s3:*", &format!("s3:{}", "x".repeat(11_000)));
            let error = add_policy(&mut PoliciesRow::default(), holder, "p".to_owned(), &long);
            error.unwrap_err().message()
        };
        assert_eq!(
            message(Holder::Group("g")),
            "Maximum policy size of 5120 bytes exceeded for group g"
        );
        assert_eq!(
            message(Holder::Role("r")),
            "Maximum policy size of 10240 bytes exceeded for role r"
        );
    }

    #[test]
    fn managed_policies_are_of_the_newer_language_and_of_a_size() {
        let message = |document: &str| check_managed(document).unwrap_err().message();
        check_managed(ALLOW).unwrap();
        let version = "Policy document must be version 2012-10-17 or greater.";
        assert_eq!(message(&ALLOW.replace("2012-10-17", "2008-10-17")), version);
        assert_eq!(message(&ALLOW.replace(r#""Version":"2012-10-17","#, "")), version);
        let long = ALLOW.replace("s3:*", &format!("s3:{}", "x".repeat(6_144)));
        assert_eq!(message(&long), "Cannot exceed quota for PolicySize: 6144");
    }

    #[test]
    fn trust_policies_are_refused_in_awss_words() {
        let trust = |statement: &str| {
            parse_trust(
                "policyDocument",
                &format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#),
            )
            .map(drop)
            .map_err(|error| error.message())
        };
        let ok = |statement: &str| assert_eq!(trust(statement), Ok(()), "{statement}");
        ok(r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["sts:AssumeRole","sts:tagsession"]}"#);
        ok(r#"[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:Assume*"}]"#);
        let check = |statement: &str, expected: &str| assert_eq!(trust(statement), Err(expected.to_owned()));
        check("x", "This policy contains invalid Json");
        check(
            r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject"}"#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        );
        check(
            r#"{"Effect":"Allow","Principal":{"AWS":"*"},"NotAction":"sts:AssumeRole"}"#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        );
        check(
            r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Resource":"*"}"#,
            "Has prohibited field Resource",
        );
        check(
            r#"{"Effect":"Allow","Principal":{"AWS":"bob"},"Action":"sts:AssumeRole"}"#,
            r#"Invalid principal in policy: "AWS":"bob""#,
        );
        check(
            r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#,
            "Missing required field Principal",
        );
        let long = format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"sts:AssumeRole","Sid":"{}"}}"#,
            "x".repeat(2_048)
        );
        check(&long, "Cannot exceed quota for ACLSizePerRole: 2048");
    }

    #[test]
    fn documents_are_encoded_on_reading() {
        assert_eq!(
            encode("{\"a b\": \"*~-._\"}\n"),
            "%7B%22a%20b%22%3A%20%22%2A~-._%22%7D%0A"
        );
    }
}

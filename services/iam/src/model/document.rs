//! Policy documents: AWS's words for one that is no identity policy, and its form on reading.

use super::name;
use crate::{
    error::{IamError, Quota},
    table::PoliciesRow,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use policy::{Malformed, ParseError, Policy, PolicyKind};

/// The inline policies of a user together, white space not counted.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const USER_POLICIES_CHARS_MAX: usize = 2_048;

/// The longest document that is taken, white space counted.
const DOCUMENT_CHARS_MAX: usize = 131_072;

/// All that RFC 3986 does not leave unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Adds a policy to a user's, in the place of one of the same name, or refuses it.
pub(crate) fn add_policy(row: &mut PoliciesRow, user: &str, name: String, document: &str) -> Result<(), IamError> {
    name::length("policyDocument", document, 1, DOCUMENT_CHARS_MAX)?;
    if !document.chars().all(is_document_char) {
        return Err(IamError::Validation(
            "1 validation error detected: Value at 'policyDocument' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"
                .to_owned(),
        ));
    }
    let too_long = || IamError::LimitExceeded(Quota::UserPolicySize { user: user.to_owned() });
    Policy::parse(document, PolicyKind::Identity).map_err(|error| match error.what {
        Malformed::TooLong { .. } => too_long(),
        _ => IamError::MalformedPolicyDocument(malformed(&error)),
    })?;
    row.policies.insert(name, document.to_owned());
    let size = |document: &String| policy::counted_size(document, PolicyKind::Identity);
    if row.policies.values().map(size).sum::<usize>() > USER_POLICIES_CHARS_MAX {
        return Err(too_long());
    }
    Ok(())
}

fn is_document_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
}

/// AWS's words. Many faults have none of their own: those that AWS's parser meets first are all `Syntax errors in policy.`
fn malformed(error: &ParseError) -> String {
    let text = match &error.what {
        Malformed::BadVersion { .. } => "The policy must contain a valid version string.",
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
        Malformed::InvalidPartition { partition, text } => {
            return format!("Partition \"{partition}\" is not valid for resource \"{text}\".");
        }
        Malformed::InvalidResource { text } => return format!("Resource {text} must be in ARN format or \"*\"."),
        Malformed::InvalidSid { .. } => {
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
        }
        Malformed::MissingAction => "Policy statement must contain actions.",
        Malformed::MissingResource => "Policy statement must contain resources.",
        Malformed::NotJson { .. } => "This policy contains invalid Json",
        Malformed::ProhibitedPrincipal => "Policy document should not specify a principal.",
        Malformed::ProhibitedResource => "Has prohibited field Resource",
        _ => "Syntax errors in policy.",
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
            let error = add_policy(&mut PoliciesRow::default(), "Bob", "p".to_owned(), &document).unwrap_err();
            assert_eq!(error.code(), "MalformedPolicyDocument", "{document}");
            assert_eq!(error.message(), expected, "{document}");
        };
        check("x", "This policy contains invalid Json");
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
        let mut add = |name: &str, document: &str| add_policy(&mut row, "Bob", name.to_owned(), document);
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
    fn documents_are_encoded_on_reading() {
        assert_eq!(
            encode("{\"a b\": \"*~-._\"}\n"),
            "%7B%22a%20b%22%3A%20%22%2A~-._%22%7D%0A"
        );
    }
}

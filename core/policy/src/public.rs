//! Whether a bucket policy is public, and whether it speaks of this bucket.
//!
//! A policy is public unless every statement that allows names fixed principals, or is held by a condition to fixed
//! values of a key that says who or where the caller is. A service principal is fixed.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>

use serde_json::Value;

/// Keys that hold a statement to callers of one's choice, in lower case.
const FIXING_KEYS: [&str; 14] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

/// Whether a policy that parsed is public.
pub fn is_public(policy: &Value) -> bool {
    statements(policy).any(|statement| {
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && names_everyone(statement)
            && !is_held(statement)
    })
}

/// One or several of a thing.
fn several(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    policy.get("Statement").into_iter().flat_map(several)
}

fn names_everyone(statement: &Value) -> bool {
    // Everyone but a few is everyone.
    let Some(principal) = statement.get("Principal") else {
        return true;
    };
    match principal {
        Value::Object(kinds) => kinds.values().flat_map(several).any(|one| one.as_str() == Some("*")),
        one => one.as_str() == Some("*"),
    }
}

fn is_held(statement: &Value) -> bool {
    let Some(Value::Object(operators)) = statement.get("Condition") else {
        return false;
    };
    operators.iter().any(|(operator, keys)| {
        let Value::Object(keys) = keys else { return false };
        holds(operator)
            && keys
                .iter()
                .any(|(key, values)| is_fixed(&key.to_ascii_lowercase(), values))
    })
}

/// Whether an operator can only be satisfied by what it names. An `IfExists` or a `ForAllValues` is satisfied by a key
/// that is absent, a `Not` by everything else.
fn holds(operator: &str) -> bool {
    let operator = operator.strip_prefix("ForAnyValue:").unwrap_or(operator);
    matches!(
        operator,
        "StringEquals" | "StringEqualsIgnoreCase" | "StringLike" | "ArnEquals" | "ArnLike" | "IpAddress"
    )
}

fn is_fixed(key: &str, values: &Value) -> bool {
    if !FIXING_KEYS.contains(&key) {
        return false;
    }
    several(values).all(|value| match value.as_str() {
        Some(text) if key == "aws:sourceip" => is_narrow(text),
        // The account of an ARN may not be open; its resource may.
        Some(text) if key.ends_with("arn") => text
            .split(':')
            .nth(4)
            .is_some_and(|account| !account.is_empty() && !is_open(account)),
        Some(text) if key == "aws:principalaccount" => is_account(text),
        Some(text) => !is_open(text),
        None => false,
    })
}

/// A pattern or a variable, or what stands for whoever did not sign.
fn is_open(text: &str) -> bool {
    text.contains(['*', '?', '$']) || text.eq_ignore_ascii_case("anonymous")
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a range of addresses is narrower than /8 (/32 of IPv6).
fn is_narrow(range: &str) -> bool {
    let bits = range.split_once('/').and_then(|(_, bits)| bits.parse::<u8>().ok());
    match bits {
        None => !range.contains('/'),
        Some(bits) if range.contains(':') => bits >= 32,
        Some(bits) => bits >= 8,
    }
}

/// What is wrong with the resources of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceFault {
    /// An action has no resource of its kind in its statement.
    ActionWithoutResource,
    /// A resource that is neither the bucket nor in it.
    Foreign,
}

/// Checks one statement: every resource is of the bucket, and every action has a resource it applies to.
pub fn check_statement<'a>(
    bucket: &str,
    actions: impl Iterator<Item = &'a str>,
    resources: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), ResourceFault> {
    if !resources.clone().all(|resource| is_of(resource, bucket)) {
        return Err(ResourceFault::Foreign);
    }
    for action in actions {
        let Some(applies) = kind_of(action) else { continue };
        if !resources.clone().any(|resource| may_be(resource, applies)) {
            return Err(ResourceFault::ActionWithoutResource);
        }
    }
    Ok(())
}

const RESOURCE: &str = "arn:aws:s3:::";

fn is_of(resource: &str, bucket: &str) -> bool {
    if resource == "*" {
        return true;
    }
    let Some(rest) = resource.strip_prefix(RESOURCE) else {
        return false;
    };
    let name = rest.split_once('/').map_or(rest, |(name, _)| name);
    matches_wildcards(name, bucket) || (name != rest && matches_wildcards(rest, bucket))
}

/// Whether a pattern of `*` and `?` matches a whole text.
fn matches_wildcards(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == b'?' || Some(&c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    p = after;
                    t = from + 1;
                    retry = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == b'*')
}

/// What an action applies to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bucket,
    Object,
}

/// `None` for wildcards, and for actions that apply to neither.
fn kind_of(action: &str) -> Option<Kind> {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    if name.contains(['*', '?']) {
        return None;
    }
    let on_object = [
        "AbortMultipartUpload",
        "BypassGovernanceRetention",
        "InitiateReplication",
        "ListMultipartUploadParts",
        "ObjectOwnerOverrideToBucketOwner",
        "ReplicateDelete",
        "ReplicateObject",
        "ReplicateTags",
        "RestoreObject",
    ];
    let of_objects = ["GetObject", "PutObject", "DeleteObject"];
    let object = on_object.iter().any(|known| name.eq_ignore_ascii_case(known))
        || of_objects
            .iter()
            .any(|begin| name.to_ascii_lowercase().starts_with(&begin.to_ascii_lowercase()));
    Some(if object { Kind::Object } else { Kind::Bucket })
}

fn may_be(resource: &str, kind: Kind) -> bool {
    let in_bucket = resource.contains('/');
    let open = resource.contains('*');
    match kind {
        Kind::Object => in_bucket || open,
        Kind::Bucket => !in_bucket,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(statement: &str) -> bool {
        is_public(&serde_json::from_str(&format!(r#"{{"Statement":[{statement}]}}"#)).unwrap())
    }

    #[test]
    fn fixed_principals_and_conditions_are_not_public() {
        let with = |principal: &str, condition: &str| {
            public(&format!(
                r#"{{"Effect":"Allow","Principal":{principal},"Condition":{condition}}}"#
            ))
        };
        assert!(with(r#""*""#, "{}"));
        assert!(with(r#"{"AWS":"*"}"#, "{}"));
        assert!(with(r#"{"AWS":["arn:aws:iam::1:root","*"]}"#, "{}"));
        assert!(!with(r#"{"AWS":"arn:aws:iam::111111111111:root"}"#, "{}"));
        assert!(!with(r#"{"Service":"cloudtrail.amazonaws.com"}"#, "{}"));
        assert!(!with(
            r#""*""#,
            r#"{"StringEquals":{"aws:SourceAccount":"111111111111"}}"#
        ));
        assert!(!with(
            r#""*""#,
            r#"{"StringLike":{"AWS:SourceArn":"arn:aws:cloudtrail:*:111111111111:trail/*"}}"#
        ));
        assert!(with(
            r#""*""#,
            r#"{"StringLike":{"aws:SourceArn":"arn:aws:cloudtrail:*:*:trail/x"}}"#
        ));
        assert!(with(
            r#""*""#,
            r#"{"StringNotEquals":{"aws:SourceAccount":"111111111111"}}"#
        ));
        assert!(with(
            r#""*""#,
            r#"{"StringEqualsIfExists":{"aws:SourceAccount":"111111111111"}}"#
        ));
        assert!(with(r#""*""#, r#"{"StringLike":{"aws:PrincipalOrgID":["o-1","o-*"]}}"#));
        assert!(!with(r#""*""#, r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#));
        assert!(with(r#""*""#, r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#));
        assert!(with(r#""*""#, r#"{"Bool":{"aws:SecureTransport":"true"}}"#));
        for value in [r#""anonymous""#, r#""Anonymous""#, r#"["111111111111","anonymous"]"#] {
            for key in ["aws:PrincipalAccount", "aws:userid"] {
                for operator in ["StringEquals", "StringEqualsIgnoreCase", "StringLike"] {
                    let condition = format!(r#"{{"{operator}":{{"{key}":{value}}}}}"#);
                    assert!(with(r#""*""#, &condition), "{condition}");
                }
            }
        }
        for (account, open) in [
            (r#""111111111111""#, false),
            (r#"["111111111111","222222222222"]"#, false),
            (r#""11111111111""#, true),
            (r#""11111111111a""#, true),
            (r#""1111*""#, true),
            (r#"[""]"#, true),
        ] {
            let condition = format!(r#"{{"StringEquals":{{"AWS:principalaccount":{account}}}}}"#);
            assert_eq!(with(r#""*""#, &condition), open, "{condition}");
        }
        assert!(!with(
            r#""*""#,
            r#"{"StringEquals":{"aws:userid":"AIDAABCDEFGHIJKLMNOPQ"}}"#
        ));
        assert!(!public(r#"{"Effect":"Deny","Principal":"*"}"#));
        assert!(public(
            r#"{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::1:root"}}"#
        ));
    }

    #[test]
    fn statements_speak_of_the_bucket() {
        let check = |actions: &[&str], resources: &[&str], expected| {
            let result = check_statement("bkt", actions.iter().copied(), resources.iter().copied());
            assert_eq!(result, expected, "{actions:?} {resources:?}");
        };
        check(&["s3:GetObject"], &["arn:aws:s3:::bkt/*"], Ok(()));
        check(&["s3:GetBucketAcl"], &["arn:aws:s3:::bkt"], Ok(()));
        check(&["s3:*"], &["arn:aws:s3:::bkt"], Ok(()));
        check(&["s3:GetObject"], &["*"], Ok(()));
        check(&["s3:GetObject"], &["arn:aws:s3:::b*"], Ok(()));
        check(
            &["s3:GetObject"],
            &["arn:aws:s3:::bkt"],
            Err(ResourceFault::ActionWithoutResource),
        );
        check(
            &["s3:ListBucket"],
            &["arn:aws:s3:::bkt/*"],
            Err(ResourceFault::ActionWithoutResource),
        );
        check(
            &["s3:ListBucket", "s3:PutObject"],
            &["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/a/*"],
            Ok(()),
        );
        check(
            &["s3:GetObject"],
            &["arn:aws:s3:::other/*"],
            Err(ResourceFault::Foreign),
        );
        check(&["s3:GetObject"], &["arn:aws:s3:::bkt2"], Err(ResourceFault::Foreign));
    }

    #[test]
    fn wildcards_match_whole_texts() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("?", "a", true),
            ("*", "", true),
            ("a", "ab", false),
            ("**b", "aab", true),
        ] {
            assert_eq!(matches_wildcards(pattern, text), expected, "{pattern} {text}");
        }
    }
}

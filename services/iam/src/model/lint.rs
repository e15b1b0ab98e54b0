//! What IAM says of an identity policy that parses as JSON, check by check in the order in which AWS makes them: of several
//! faults only the first is told. The language itself is `policy`'s; here are only AWS's words and their order.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_policies.html>

use serde_json::Value;

/// Whether the document is a managed policy's, which must be of the newer language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    Inline,
    Managed,
}

const PARTITIONS: [&str; 8] = [
    "aws",
    "aws-cn",
    "aws-eusc",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
    "aws-us-gov",
];

/// What resources of IAM begin with.
const IAM_KINDS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// The words for the first fault, if there is one.
pub(crate) fn first_fault(document: &Value, strictness: Strictness) -> Option<String> {
    let statements = one_or_many(document.get("Statement"));
    let over = |check: fn(&Value) -> Option<String>| statements.iter().find_map(|statement| check(statement));
    version(document, strictness)
        .or_else(|| over(legacy))
        .or_else(|| repeated_sid(&statements))
        .or_else(|| over(no_action))
        .or_else(|| over(no_resource))
        .or_else(|| over(bad_resource))
}

/// A member that may be one value or a list of them.
pub(crate) fn one_or_many(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    }
}

fn version(document: &Value, strictness: Strictness) -> Option<String> {
    let newer = document.get("Version").and_then(Value::as_str) == Some("2012-10-17");
    (strictness == Strictness::Managed && !newer)
        .then(|| "Policy document must be version 2012-10-17 or greater.".to_owned())
}

/// What an older parser of AWS's stumbles over: the case of an effect, and ARNs whose parts are in the wrong place.
fn legacy(statement: &Value) -> Option<String> {
    let effect = statement.get("Effect").and_then(Value::as_str).unwrap_or_default();
    let wrong_case = ["Allow", "Deny"]
        .iter()
        .any(|known| effect != *known && effect.eq_ignore_ascii_case(known));
    let shifted = |text: &&str| {
        Parts::of(text).is_some_and(|parts| {
            let account = parts.account;
            let number = account.bytes().all(|b| b.is_ascii_digit()) || account.contains(['*', '?', '$']);
            PARTITIONS.contains(&parts.partition) && (parts.service.is_empty() || (parts.service == "s3" && !number))
        })
    };
    (wrong_case || resources(statement).iter().any(shifted)).then(|| "The policy failed legacy parsing".to_owned())
}

fn repeated_sid(statements: &[&Value]) -> Option<String> {
    let sids: Vec<&str> = statements
        .iter()
        .filter_map(|statement| statement.get("Sid").and_then(Value::as_str))
        .filter(|sid| !sid.is_empty())
        .collect();
    let repeated = (1..)
        .zip(&sids)
        .any(|(next, sid)| sids.iter().skip(next).any(|other| other == sid));
    repeated.then(|| "Statement IDs (SID) in a single policy must be unique.".to_owned())
}

fn no_action(statement: &Value) -> Option<String> {
    let none = one_or_many(either(statement, "Action")).is_empty();
    none.then(|| "Policy statement must contain actions.".to_owned())
}

fn no_resource(statement: &Value) -> Option<String> {
    let none = one_or_many(either(statement, "Resource")).is_empty();
    none.then(|| "Policy statement must contain resources.".to_owned())
}

fn bad_resource(statement: &Value) -> Option<String> {
    resources(statement).into_iter().find_map(resource_fault)
}

fn resource_fault(text: &str) -> Option<String> {
    if text == "*" || text == "arn:*" {
        return None;
    }
    let Some(parts) = Parts::of(text) else {
        return Some(format!("Resource {text} must be in ARN format or \"*\"."));
    };
    let vague = |part: &str| part.contains(['*', '?', '$']);
    if !PARTITIONS.contains(&parts.partition) && !vague(parts.partition) {
        return Some(format!(
            "Partition \"{}\" is not valid for resource \"{}\".",
            parts.partition,
            parts.filled()
        ));
    }
    if vague(parts.service) {
        return Some("Resource vendor must be fully qualified and cannot contain regexes.".to_owned());
    }
    let regional = !parts.region.is_empty() && !vague(parts.region);
    match parts.service {
        "iam" if regional => Some(format!("IAM resource {text} cannot contain region information.")),
        "iam" if !is_iam_path(parts.resource) => Some(format!(
            "IAM resource path must either be \"*\", root, or start with {}.",
            IAM_KINDS.join(", ")
        )),
        // Access points have a Region and an account; buckets have neither.
        "s3" if regional && parts.account.is_empty() => {
            Some(format!("Resource {text} can not contain region information."))
        }
        _ => None,
    }
}

fn is_iam_path(resource: &str) -> bool {
    matches!(resource, "*" | "root") || IAM_KINDS.iter().any(|kind| resource.starts_with(kind))
}

fn either<'a>(statement: &'a Value, name: &str) -> Option<&'a Value> {
    statement.get(name).or_else(|| statement.get(format!("Not{name}")))
}

fn resources(statement: &Value) -> Vec<&str> {
    let all = one_or_many(either(statement, "Resource"));
    all.into_iter().filter_map(Value::as_str).collect()
}

/// The parts of a text with a colon, as AWS reads it: what is missing behind is `*`, and whatever comes first counts as
/// `arn`.
struct Parts<'a> {
    text: &'a str,
    partition: &'a str,
    service: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Parts<'a>> {
        let mut parts = text.splitn(6, ':');
        parts.next()?;
        let partition = parts.next()?;
        let mut next = || parts.next().unwrap_or("*");
        Some(Parts {
            text,
            partition,
            service: next(),
            region: next(),
            account: next(),
            resource: next(),
        })
    }

    /// The text as an ARN of six parts.
    fn filled(&self) -> String {
        let rest = self.text.split_once(':').map_or("", |(_, rest)| rest);
        let missing = 5_usize.saturating_sub(rest.split(':').count());
        format!("arn:{rest}{}", ":*".repeat(missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_fault_is_told_in_awss_words() {
        let check = |statement: Value, expected: Option<&str>| {
            let document = json!({"Version": "2012-10-17", "Statement": statement});
            let fault = first_fault(&document, Strictness::Managed);
            assert_eq!(fault.as_deref(), expected, "{document}");
        };
        let on = |resource: Value| json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": resource});
        for resource in [
            "*",
            "arn:aws:s3:::b",
            "arn:aws:x",
            "arn:aws:iam:::user/b",
            "arn:aws:iam::aws:policy/p",
            "arn:aws:s3:us-east-1:123456789012:accesspoint/a",
            "arn:aws:s3:::${aws:username}",
            "arn:aws:ec2:us-east-1::b",
            "arn:*:s3:::b",
        ] {
            check(on(json!(resource)), None);
        }
        let legacy = "The policy failed legacy parsing";
        for (resource, expected) in [
            ("", "Resource  must be in ARN format or \"*\"."),
            ("b", "Resource b must be in ARN format or \"*\"."),
            ("a:b", "Partition \"b\" is not valid for resource \"arn:b:*:*:*:*\"."),
            (
                "a:b:c:d:e:f:g:h",
                "Partition \"b\" is not valid for resource \"arn:b:c:d:e:f:g:h\".",
            ),
            (
                "aws:s3:::b",
                "Partition \"s3\" is not valid for resource \"arn:s3:::b:*\".",
            ),
            (
                "arn:aws",
                "Resource vendor must be fully qualified and cannot contain regexes.",
            ),
            (
                "arn:aws:*:::b",
                "Resource vendor must be fully qualified and cannot contain regexes.",
            ),
            ("arn:aws:s3::b", legacy),
            ("arn:aws::::b", legacy),
            ("arn:aws::b", legacy),
            (
                "arn:aws:iam:us-east-1::b",
                "IAM resource arn:aws:iam:us-east-1::b cannot contain region information.",
            ),
            (
                "arn:aws:s3:us-east-1::b",
                "Resource arn:aws:s3:us-east-1::b can not contain region information.",
            ),
            (
                "arn:aws:iam:::b",
                "IAM resource path must either be \"*\", root, or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.",
            ),
        ] {
            check(on(json!(["*", resource])), Some(expected));
        }
        let actions = "Policy statement must contain actions.";
        check(json!({"Effect": "allow", "Resource": "b"}), Some(legacy));
        check(json!([{"Effect": "Deny"}, on(json!("b"))]), Some(actions));
        check(json!({"Effect": "Allow", "Action": [], "Resource": "*"}), Some(actions));
        check(
            json!({"Effect": "Allow", "NotAction": "x"}),
            Some("Policy statement must contain resources."),
        );
        check(
            json!([{"Sid": "a", "Effect": "Allow"}, {"Sid": "a", "Effect": "Allow"}]),
            Some("Statement IDs (SID) in a single policy must be unique."),
        );
    }

    #[test]
    fn only_managed_policies_must_be_of_the_newer_language() {
        let old = json!({"Statement": {"Effect": "allow", "Action": "s3:x", "Resource": "*"}});
        let managed = first_fault(&old, Strictness::Managed);
        assert_eq!(
            managed.as_deref(),
            Some("Policy document must be version 2012-10-17 or greater.")
        );
        let inline = first_fault(&old, Strictness::Inline);
        assert_eq!(inline.as_deref(), Some("The policy failed legacy parsing"));
    }
}

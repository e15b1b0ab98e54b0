//! The controls of the buckets that log files go to.

use super::{
    Ground, Judgement, Resource,
    known::{Known, both, not},
    outsiders::{one_or_more, statements, texts},
};
use crate::{
    message,
    message::Message,
    survey::{Bucket, Fact, Missing, PublicAccessBlock},
};
use serde_json::Value;

fn each_bucket(ground: &Ground<'_>, judge: impl Fn(&Bucket) -> (Known, Message)) -> Vec<Judgement> {
    let mut found: Vec<Judgement> = Vec::new();
    for trail in ground.trails() {
        let bucket = ground.survey.bucket_of(trail);
        let resource = resource(ground, &trail.bucket, bucket);
        if found.iter().any(|judgement| judgement.resource.id == resource.id) {
            continue;
        }
        found.push(match bucket {
            Some(bucket) => {
                let (known, good) = judge(bucket);
                Judgement::of(resource, known, good)
            }
            None => {
                let missing = vec![Missing::not_asked("s3:HeadBucket")];
                Judgement::of(resource, Known::Unknown(missing), Message::plain(""))
            }
        });
    }
    found
}

pub(super) fn resource(ground: &Ground<'_>, name: &str, bucket: Option<&Bucket>) -> Resource {
    Resource {
        kind: "AWS::S3::Bucket",
        id: format!("arn:{}:s3:::{name}", ground.survey.partition),
        region: bucket
            .and_then(|bucket| bucket.region.known().cloned())
            .unwrap_or_default(),
    }
}

pub(super) fn not_public(ground: &Ground<'_>) -> Vec<Judgement> {
    each_bucket(ground, |bucket| {
        let good = message!(
            "Neither its policy nor its ACL is public.",
            "バケットポリシーも ACL も公開していません。"
        );
        let by_policy = policy_is_public(bucket);
        let by_policy = so(by_policy, || {
            message!("Its policy lets anyone in.", "バケットポリシーが誰でも許可しています。")
        });
        let by_acl = so(acl_is_public(bucket), || {
            message!("Its ACL lets anyone in.", "ACL が誰でも許可しています。")
        });
        (Known::all([by_policy, by_acl]), good)
    })
}

/// No when it is so.
fn so(fact: Fact<bool>, why: impl FnOnce() -> Message) -> Known {
    Known::by(&fact, |is_so| Known::of(!is_so, why))
}

fn block(bucket: &Bucket, setting: impl Fn(&PublicAccessBlock) -> bool) -> Fact<bool> {
    let block = bucket.public_access_block.as_ref();
    block.map(|block| block.as_ref().is_some_and(&setting))
}

/// Whether its policy lets anyone in, and nothing keeps them out.
fn policy_is_public(bucket: &Bucket) -> Fact<bool> {
    let policy = bucket.policy.as_ref();
    let is_public = policy.map(|policy| policy.as_ref().is_some_and(policy::is_public));
    both(is_public, not(block(bucket, |block| block.restrict_public_buckets)))
}

/// The same of its ACL.
pub(super) fn acl_is_public(bucket: &Bucket) -> Fact<bool> {
    let acl = bucket.acl.as_ref();
    let is_public = acl.map(|acl| acl.grants.iter().any(crate::survey::Grant::is_public));
    let counts = bucket.ownership.as_ref();
    let counts = counts.map(|ownership| ownership.as_deref() != Some("BucketOwnerEnforced"));
    both(
        both(is_public, counts),
        not(block(bucket, |block| block.ignore_public_acls)),
    )
}

pub(super) fn access_logged(ground: &Ground<'_>) -> Vec<Judgement> {
    each_bucket(ground, |bucket| {
        let known = Known::by(&bucket.logging, |logging| {
            Known::of(logging.is_some(), || {
                message!("Accesses to it are not logged.", "アクセスが記録されていません。")
            })
        });
        let target = bucket.logging.found().map_or("", |logging| logging.bucket.as_str());
        (
            known,
            message!(
                "Accesses to it are logged to {target}.",
                "アクセスは {target} に記録されます。"
            ),
        )
    })
}

pub(super) fn default_kms(ground: &Ground<'_>) -> Vec<Judgement> {
    each_bucket(ground, |bucket| {
        let algorithm = bucket.encryption.found().map_or("", |found| found.algorithm.as_str());
        let known = Known::by(&bucket.encryption, |encryption| {
            let is_kms = encryption.as_ref().is_some_and(crate::survey::Encryption::is_kms);
            Known::of(is_kms, || match algorithm {
                "" => message!("It has no default encryption.", "デフォルト暗号化がありません。"),
                other => message!(
                    "Its default encryption is {other}.",
                    "デフォルト暗号化は {other} です。"
                ),
            })
        });
        (
            known,
            message!(
                "Its default encryption is {algorithm}.",
                "デフォルト暗号化は {algorithm} です。"
            ),
        )
    })
}

pub(super) fn default_encryption(ground: &Ground<'_>) -> Vec<Judgement> {
    each_bucket(ground, |bucket| {
        let known = Known::by(&bucket.encryption, |encryption| {
            Known::of(encryption.is_some(), || {
                message!("It has no default encryption.", "デフォルト暗号化がありません。")
            })
        });
        let algorithm = bucket.encryption.found().map_or("", |found| found.algorithm.as_str());
        (
            known,
            message!(
                "Its default encryption is {algorithm}.",
                "デフォルト暗号化は {algorithm} です。"
            ),
        )
    })
}

pub(super) fn tls_only(ground: &Ground<'_>) -> Vec<Judgement> {
    let partition = &ground.survey.partition;
    each_bucket(ground, |bucket| {
        let known = Known::by(&bucket.policy, |policy| {
            let is_so = policy
                .as_ref()
                .is_some_and(|policy| denies_plain(policy, partition, &bucket.name));
            Known::of(is_so, || {
                message!(
                    "Its policy does not deny calls without TLS.",
                    "バケットポリシーが TLS なしの呼び出しを拒否していません。"
                )
            })
        });
        (
            known,
            message!(
                "Its policy denies calls without TLS.",
                "バケットポリシーが TLS なしの呼び出しを拒否しています。"
            ),
        )
    })
}

/// Whether the statements together deny everyone every call of S3 without TLS, on the bucket and on its objects.
fn denies_plain(policy: &Value, partition: &str, name: &str) -> bool {
    let (bucket, objects) = (
        format!("arn:{partition}:s3:::{name}"),
        format!("arn:{partition}:s3:::{name}/*"),
    );
    let denies = |resource: &str| {
        statements(policy).any(|statement| {
            statement["Effect"].as_str() == Some("Deny")
                && is_everyone(&statement["Principal"])
                && texts(&statement["Action"]).any(|action| action == "*" || action.eq_ignore_ascii_case("s3:*"))
                && texts(&statement["Resource"]).any(|pattern| fits(pattern, resource))
                && is_plain(&statement["Condition"])
        })
    };
    denies(&bucket) && denies(&objects)
}

fn is_everyone(principal: &Value) -> bool {
    principal.as_str() == Some("*") || texts(&principal["AWS"]).any(|who| who == "*")
}

/// Whether a pattern of resources takes in all that another does.
fn fits(pattern: &str, resource: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => resource.starts_with(beginning),
        None => pattern == resource,
    }
}

/// Whether a condition is met by every call without TLS.
fn is_plain(condition: &Value) -> bool {
    let operators: Vec<_> = condition.as_object().into_iter().flatten().collect();
    let [(operator, keys)] = operators.as_slice() else {
        return false;
    };
    let keys: Vec<_> = keys.as_object().into_iter().flatten().collect();
    let [(key, values)] = keys.as_slice() else { return false };
    let operator = operator.to_ascii_lowercase();
    matches!(
        operator.as_str(),
        "bool" | "boolifexists" | "stringequals" | "stringequalsignorecase"
    ) && key.eq_ignore_ascii_case("aws:SecureTransport")
        && one_or_more(values).any(|value| *value == Value::Bool(false) || value.as_str() == Some("false"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_policy_denies_calls_without_tls_or_does_not() {
        let whole = json!({
            "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        });
        let with = |member: &str, value: Value| {
            let mut statement = whole.clone();
            statement[member] = value;
            denies_plain(&json!({ "Statement": [statement] }), "aws", "b")
        };
        assert!(with("Sid", "s".into()));
        assert!(with("Principal", json!({ "AWS": "*" })));
        assert!(with("Resource", "arn:aws:s3:::b*".into()));
        assert!(!with("Resource", "arn:aws:s3:::b/*".into()));
        assert!(!with("Effect", "Allow".into()));
        assert!(!with("Action", "s3:GetObject".into()));
        assert!(!with("Principal", json!({ "AWS": "000000000000" })));
        assert!(!with("Condition", json!({ "Bool": { "aws:SecureTransport": "true" } })));
        assert!(!with(
            "Condition",
            json!({ "Bool": { "aws:SecureTransport": "false" }, "StringEquals": { "aws:PrincipalTag/x": "y" } })
        ));
        assert!(!with("Condition", Value::Null));
    }
}

//! From where a policy is kept to the `aws` command that puts another in its place.

use crate::env::quoted;
use operator::shoseki::decision::{Change, Denial};

/// How a changed policy is put in place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Apply {
    /// By a command, to which the document is to be added.
    Command(String),
    /// By hand, and how.
    Words(&'static str),
}

/// How a change is made.
pub(super) fn apply(denial: &Denial, change: &Change) -> Apply {
    let command = match &change.policy {
        None => of_new(denial, change),
        Some(policy) => of_kept(policy),
    };
    match (command, change.policy_type.as_str()) {
        (Some(command), _) => Apply::Command(command),
        (None, "service control policy" | "resource control policy") => {
            Apply::Words("Change it in the server's configuration file, and start the server again.")
        }
        (None, "session policy") => {
            Apply::Words("A session policy is given when the session is made: ask for the session again with this one.")
        }
        (None, _) => Apply::Words("Put it where the policy is kept."),
    }
}

/// A policy that is there, by the words that say where.
fn of_kept(policy: &str) -> Option<String> {
    let words: Vec<&str> = policy.split(' ').collect();
    Some(match words.as_slice() {
        [
            "inline",
            "policy",
            name,
            "of",
            kind @ ("user" | "role" | "group"),
            owner,
        ] => inline(kind, owner, name),
        ["managed", "policy", arn] => format!(
            "aws iam create-policy-version --policy-arn {} --set-as-default --policy-document",
            quoted(arn)
        ),
        ["key", "policy", "of", arn] => format!(
            "aws kms put-key-policy --region {} --key-id {} --policy-name default --policy",
            quoted(base::arn::split(arn)?.region),
            quoted(arn)
        ),
        ["bucket", "policy", "of", bucket] => bucket_policy(bucket),
        ["trust", "policy", "of", "role", name] => trust(name),
        ["trust", "policy", "of", arn] => trust(arn.rsplit('/').next()?),
        _ => return None,
    })
}

/// A policy that is to be made: of the caller, or of a bucket that has none.
fn of_new(denial: &Denial, change: &Change) -> Option<String> {
    let resource = base::arn::split(&denial.resource);
    match change.policy_type.as_str() {
        "identity-based policy" => {
            let who = base::arn::split(&denial.principal.name)?;
            let mut parts = who.resource.split('/');
            let (kind, owner) = match parts.next()? {
                "user" => ("user", parts.next_back()?),
                "role" => ("role", parts.next_back()?),
                "assumed-role" => ("role", parts.next()?),
                _ => return None,
            };
            Some(inline(kind, owner, &new_name(denial)))
        }
        "resource-based policy" => {
            let bucket = resource
                .filter(|parts| parts.service == "s3")?
                .resource
                .split('/')
                .next()?;
            Some(bucket_policy(bucket))
        }
        _ => None,
    }
}

/// A name that no policy has by chance.
fn new_name(denial: &Denial) -> String {
    let end: String = denial.request_id.chars().rev().take(6).collect();
    let end: String = end.chars().rev().collect();
    format!("allow-{}-{end}", denial.action.replace(':', "-"))
}

fn inline(kind: &str, owner: &str, name: &str) -> String {
    format!(
        "aws iam put-{kind}-policy --{kind}-name {} --policy-name {} --policy-document",
        quoted(owner),
        quoted(name)
    )
}

fn bucket_policy(bucket: &str) -> String {
    format!("aws s3api put-bucket-policy --bucket {} --policy", quoted(bucket))
}

fn trust(role: &str) -> String {
    format!(
        "aws iam update-assume-role-policy --role-name {} --policy-document",
        quoted(role)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_command() {
        let check = |policy: &str, expected: Option<&str>| {
            assert_eq!(of_kept(policy).as_deref(), expected, "{policy}");
        };
        check(
            "inline policy rights of user alice",
            Some("aws iam put-user-policy --user-name alice --policy-name rights --policy-document"),
        );
        check(
            "inline policy r of group auditors",
            Some("aws iam put-group-policy --group-name auditors --policy-name r --policy-document"),
        );
        check(
            "managed policy arn:aws:iam::000000000000:policy/p",
            Some(
                "aws iam create-policy-version --policy-arn arn:aws:iam::000000000000:policy/p --set-as-default \
                 --policy-document",
            ),
        );
        check(
            "key policy of arn:aws:kms:eu-west-1:000000000000:key/1",
            Some(
                "aws kms put-key-policy --region eu-west-1 --key-id arn:aws:kms:eu-west-1:000000000000:key/1 \
                 --policy-name default --policy",
            ),
        );
        check(
            "bucket policy of b",
            Some("aws s3api put-bucket-policy --bucket b --policy"),
        );
        for trust in [
            "trust policy of role r",
            "trust policy of arn:aws:iam::000000000000:role/a/r",
        ] {
            check(
                trust,
                Some("aws iam update-assume-role-policy --role-name r --policy-document"),
            );
        }
        check("service control policy FullAWSAccess", None);
    }
}

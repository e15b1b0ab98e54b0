//! ARNs of IAM's things beside users and roles, and of managed policies asked for by ARN.

use crate::error::{Entity, IamError};
use crate::model::name;
use base::{AccountId, Arn};

/// The shape of an ARN parameter.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html>
const ARN_CHARS_MIN: usize = 20;
const ARN_CHARS_MAX: usize = 2_048;

/// The account part of the ARNs of AWS managed policies.
pub(crate) const AWS: &str = "aws";

/// `arn:aws:iam::A:group/path/name`; `path` begins and ends with `/`.
pub(crate) fn group(account: AccountId, path: &str, name: &str) -> Arn {
    made(format!("arn:aws:iam::{account}:group{path}{name}"))
}

/// `arn:aws:iam::A:policy/path/name`; `path` begins and ends with `/`.
pub(crate) fn policy(account: AccountId, path: &str, name: &str) -> Arn {
    made(format!("arn:aws:iam::{account}:policy{path}{name}"))
}

/// `arn:aws:sts::A:assumed-role/role/session`
pub(crate) fn session(account: AccountId, role: &str, session: &str) -> Arn {
    made(format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"))
}

fn made(text: String) -> Arn {
    // Always of the shape of an ARN.
    Arn::parse(&text).unwrap_or_else(base::arn::any)
}

/// The ARN of a managed policy. Nothing says that the policy exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PolicyArn {
    text: String,
    /// `None`: AWS's own.
    pub(crate) account: Option<AccountId>,
}

impl PolicyArn {
    /// Reads the parameter `at` (`policyArn`).
    pub(crate) fn parse(at: &str, text: &str) -> Result<PolicyArn, IamError> {
        name::length_of(at, text, ARN_CHARS_MIN, ARN_CHARS_MAX)?;
        PolicyArn::of(text).ok_or_else(|| IamError::Validation(format!("ARN {text} is not valid.")))
    }

    /// Reads a permissions boundary, whose faults AWS tells apart.
    pub(crate) fn parse_boundary(text: &str) -> Result<PolicyArn, IamError> {
        name::length_of("permissionsBoundary", text, ARN_CHARS_MIN, ARN_CHARS_MAX)?;
        PolicyArn::of(text).ok_or_else(|| IamError::InvalidInput(format!("ARN {text} is not valid.")))
    }

    /// The same of a text that may be any.
    pub(crate) fn of(text: &str) -> Option<PolicyArn> {
        let parts = base::arn::split(text)?;
        let account = match parts.account {
            AWS => None,
            number => Some(AccountId::parse(number).ok()?),
        };
        let shaped = (parts.partition, parts.service, parts.region) == (base::arn::PARTITION, "iam", "")
            && parts
                .resource
                .strip_prefix("policy/")
                .is_some_and(|rest| !rest.is_empty() && !rest.ends_with('/'));
        shaped.then(|| PolicyArn {
            text: text.to_owned(),
            account,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The policy's name, without its path.
    pub(crate) fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    /// The policy's path: begins and ends with `/`.
    pub(crate) fn path(&self) -> &str {
        let resource = base::arn::split(&self.text).map_or("", |parts| parts.resource);
        let path = resource.strip_prefix("policy").unwrap_or_default();
        path.strip_suffix(self.name()).unwrap_or_default()
    }

    pub(crate) fn arn(&self) -> Arn {
        made(self.text.clone())
    }

    /// That there is no such policy, for calls that are about the policy.
    pub(crate) fn not_found(&self) -> IamError {
        IamError::NoSuchEntity(Entity::Policy(self.text.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn policy_arns_are_awss_or_an_accounts() {
        let check = |text: &str, expected: Option<(Option<AccountId>, &str, &str)>| {
            let read = PolicyArn::of(text);
            let read = read.as_ref().map(|arn| (arn.account, arn.path(), arn.name()));
            assert_eq!(read, expected, "{text}");
        };
        let account = Some(AccountId::FIRST);
        check(
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            Some((None, "/", "ReadOnlyAccess")),
        );
        check("arn:aws:iam::000000000000:policy/a/b/P", Some((account, "/a/b/", "P")));
        for text in [
            "arn:aws:iam::000000000000:policy/",
            "arn:aws:iam::000000000000:policy/a/",
            "arn:aws:iam::000000000000:user/P",
            "arn:aws:iam:us-east-1:000000000000:policy/P",
            "arn:aws-cn:iam::000000000000:policy/P",
            "arn:aws:iam::12:policy/P",
            "P",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_no_policys_arn_is_refused_in_awss_words() {
        let error = PolicyArn::parse("policyArn", "longpolicynamebutnoarn").unwrap_err();
        assert_eq!(error.code(), "ValidationError");
        assert_eq!(error.message(), "ARN longpolicynamebutnoarn is not valid.");
        let error = PolicyArn::parse_boundary("arn:aws:iam::000000000000:not_a_policy/x").unwrap_err();
        assert_eq!(error.code(), "InvalidInput");
        let error = PolicyArn::parse("policyArn", "short").unwrap_err();
        assert_eq!(
            error.message(),
            "1 validation error detected: Value at 'policyArn' failed to satisfy constraint: Member must have length greater than or equal to 20"
        );
    }
}

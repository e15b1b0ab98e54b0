//! A role.

use super::{arns, tags::Tags};
use base::{AccountId, Arn, Fault, Timestamp};
use policy::{Policy, PolicyKind, PolicySource, Principal};
use serde::{Deserialize, Serialize};

/// Roles in an account.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) const ROLES_PER_ACCOUNT_MAX: usize = 1_000;

/// How long a session of a role may be, in seconds, if the role does not say.
pub(crate) const SESSION_SECONDS_DEFAULT: u32 = 3_600;

/// A role, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) account: AccountId,
    /// As it was written; unique in the account whatever the case.
    pub(crate) name: String,
    /// Begins and ends with `/`.
    pub(crate) path: String,
    /// `AROA…`, never used again for another role.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) description: Option<String>,
    /// The trust policy as its caller wrote it, but that users and roles are named by unique id.
    pub(crate) trust: String,
    /// The longest session, in seconds.
    pub(crate) max_session_duration: u32,
    /// The ARN of the managed policy that is its permissions boundary.
    pub(crate) boundary: Option<String>,
    pub(crate) tags: Tags,
}

impl Role {
    pub(crate) fn arn(&self) -> Arn {
        base::arn::role(self.account, &self.path, &self.name)
    }

    /// The trust policy, to decide by. One that does not parse fails the call: left out, a broken `Deny` would open a door.
    pub(crate) fn trust_policy(&self) -> Result<Policy, Fault> {
        let name = format!("trust policy of role {}", self.name);
        match Policy::parse(&self.trust, PolicyKind::Trust) {
            Ok(policy) => Ok(policy.with_source(PolicySource {
                arn: None,
                name: name.into(),
            })),
            Err(error) => Err(Fault::corrupt_by(format!("the stored {name}"), error)),
        }
    }

    /// Who a session of this name is. `*` stands for all sessions.
    pub(crate) fn session(&self, session_name: &str) -> Principal {
        session_principal(self.account, &self.path, &self.name, &self.id, session_name)
    }
}

/// Who a session of a role is.
pub(crate) fn session_principal(
    account: AccountId,
    path: &str,
    name: &str,
    role_id: &str,
    session_name: &str,
) -> Principal {
    Principal::Session {
        account,
        role_arn: base::arn::role(account, path, name).as_str().to_owned(),
        session_arn: arns::session(account, name, session_name).as_str().to_owned(),
        role_id: role_id.to_owned(),
        session_name: session_name.to_owned(),
    }
}

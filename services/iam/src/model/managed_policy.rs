//! Managed policies: documents of their own, attached to users, groups and roles, in up to five versions.

use super::{arns, tags::Tags};
use crate::error::{Attached, Entity, IamError, Quota};
use base::{AccountId, Arn, Timestamp};
use serde::{Deserialize, Serialize};

/// Customer managed policies in an account.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) const POLICIES_PER_ACCOUNT_MAX: usize = 1_500;
/// Managed policies attached to one user, group or role.
pub(crate) const ATTACHED_MAX: usize = 10;
/// Versions of one policy.
pub(crate) const VERSIONS_MAX: usize = 5;

/// A customer managed policy, as it is stored. To whom it is attached are rows of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub(crate) account: AccountId,
    /// As it was written; unique in the account whatever the case and the path.
    pub(crate) name: String,
    /// Begins and ends with `/`.
    pub(crate) path: String,
    /// `ANPA…`, never used again for another policy.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    /// When a version was last added or made the default.
    pub(crate) updated: Timestamp,
    pub(crate) description: Option<String>,
    pub(crate) tags: Tags,
    /// The version that counts; always among `versions`.
    pub(crate) default: u32,
    /// The number of the version made last; numbers are not used again.
    pub(crate) last: u32,
    /// Oldest first; never empty.
    pub(crate) versions: Vec<PolicyVersion>,
}

/// A version of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    /// The `1` of `v1`.
    pub(crate) number: u32,
    /// As its caller wrote it.
    pub(crate) document: String,
    pub(crate) created: Timestamp,
}

impl PolicyVersion {
    /// `v1`
    pub(crate) fn id(&self) -> String {
        format!("v{}", self.number)
    }
}

impl ManagedPolicy {
    pub(crate) fn arn(&self) -> Arn {
        arns::policy(self.account, &self.path, &self.name)
    }

    /// `v1`
    pub(crate) fn default_id(&self) -> String {
        format!("v{}", self.default)
    }

    /// The document that counts.
    pub(crate) fn document(&self) -> Option<&str> {
        let default = self.versions.iter().find(|version| version.number == self.default);
        default.map(|version| version.document.as_str())
    }

    /// The version of an id such as `v2`.
    pub(crate) fn version(&self, id: &str) -> Result<&PolicyVersion, IamError> {
        let found = self.versions.iter().find(|version| version.id() == id);
        found.ok_or_else(|| self.no_version(id))
    }

    fn no_version(&self, id: &str) -> IamError {
        IamError::NoSuchEntity(Entity::PolicyVersion {
            arn: self.arn().as_str().to_owned(),
            version: id.to_owned(),
        })
    }

    /// Adds a version, the newest, and says which it is.
    pub(crate) fn add_version(&mut self, document: String, default: bool, now: Timestamp) -> Result<u32, IamError> {
        if self.versions.len() >= VERSIONS_MAX {
            return Err(IamError::LimitExceeded(Quota::VersionsPerPolicy));
        }
        self.last += 1;
        self.versions.push(PolicyVersion {
            number: self.last,
            document,
            created: now.floor_second(),
        });
        if default {
            self.default = self.last;
        }
        self.updated = now.floor_second();
        Ok(self.last)
    }

    pub(crate) fn set_default(&mut self, id: &str, now: Timestamp) -> Result<(), IamError> {
        self.default = self.version(id)?.number;
        self.updated = now.floor_second();
        Ok(())
    }

    /// Takes a version out, which must not be the default.
    pub(crate) fn remove_version(&mut self, id: &str) -> Result<(), IamError> {
        let number = self.version(id)?.number;
        if number == self.default {
            return Err(IamError::DeleteConflict(Attached::DefaultVersion));
        }
        self.versions.retain(|version| version.number != number);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use wire::AwsError;

    /// A policy with its first version.
    pub(crate) fn policy(name: &str, document: &str) -> ManagedPolicy {
        let created = Timestamp::from_secs(7);
        let first = PolicyVersion {
            number: 1,
            document: document.to_owned(),
            created,
        };
        ManagedPolicy {
            account: AccountId::FIRST,
            name: name.to_owned(),
            path: "/".to_owned(),
            id: format!("ANPA{name}"),
            created,
            updated: created,
            description: None,
            tags: Tags::new(),
            default: 1,
            last: 1,
            versions: vec![first],
        }
    }

    #[test]
    fn versions_come_go_and_keep_their_numbers() {
        let now = Timestamp::from_secs(9);
        let mut p = policy("P", "one");
        assert_eq!(p.add_version("two".to_owned(), true, now).unwrap(), 2);
        assert_eq!((p.document(), p.default_id().as_str()), (Some("two"), "v2"));
        assert_eq!(p.add_version("three".to_owned(), false, now).unwrap(), 3);
        assert_eq!(p.document(), Some("two"));
        let error = p.remove_version("v2").unwrap_err();
        assert_eq!(error.message(), "Cannot delete the default version of a policy.");
        p.remove_version("v3").unwrap();
        assert_eq!(p.add_version("four".to_owned(), false, now).unwrap(), 4);
        p.set_default("v1", now).unwrap();
        assert_eq!(p.document(), Some("one"));
        let error = p.set_default("v3", now).unwrap_err();
        assert_eq!(
            error.message(),
            "Policy arn:aws:iam::000000000000:policy/P version v3 does not exist or is not attachable."
        );
        for _ in 0..2 {
            p.add_version(String::new(), false, now).unwrap();
        }
        let error = p.add_version(String::new(), false, now).unwrap_err();
        assert_eq!((error.code().as_ref(), error.status()), ("LimitExceeded", 409));
    }
}

//! A user.

use super::tags::Tags;
use base::{AccountId, Arn, Timestamp};
use policy::Principal;
use serde::{Deserialize, Serialize};

/// Users in an account.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) const USERS_PER_ACCOUNT_MAX: usize = 5_000;

/// An IAM user, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) account: AccountId,
    /// As it was written; unique in the account whatever the case.
    pub(crate) name: String,
    /// Begins and ends with `/`.
    pub(crate) path: String,
    /// `AIDA…`, never used again for another user.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) tags: Tags,
    /// The ARN of the managed policy that is its permissions boundary.
    pub(crate) boundary: Option<String>,
}

/// The first shape of [`User`], without a boundary.
#[derive(Serialize, Deserialize)]
pub(crate) struct UserV1 {
    account: AccountId,
    name: String,
    path: String,
    id: String,
    created: Timestamp,
    tags: Tags,
}

impl From<UserV1> for User {
    fn from(old: UserV1) -> User {
        User {
            account: old.account,
            name: old.name,
            path: old.path,
            id: old.id,
            created: old.created,
            tags: old.tags,
            boundary: None,
        }
    }
}

impl User {
    pub(crate) fn arn(&self) -> Arn {
        base::arn::user(self.account, &self.path, &self.name)
    }

    /// Who calls with this user's keys.
    pub(crate) fn principal(&self) -> Principal {
        Owner::user(self).principal(self.account)
    }
}

/// Whose an access key is, with all that makes the caller of it, so that a signature is checked with one row read.
///
/// INVARIANT: a copy of the user's row; whatever changes a user's name or path rewrites the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Owner {
    /// The account itself.
    Root,
    /// A user.
    User { id: String, path: String, name: String },
}

impl Owner {
    /// The owner that a user is.
    pub(crate) fn user(user: &User) -> Owner {
        Owner::User {
            id: user.id.clone(),
            path: user.path.clone(),
            name: user.name.clone(),
        }
    }

    /// Names the owner inside its account, in keys of rows: no user's id is `root`.
    pub(crate) fn id(&self) -> &str {
        match self {
            Owner::Root => "root",
            Owner::User { id, .. } => id,
        }
    }

    /// A user's name; root has none.
    pub(crate) fn user_name(&self) -> Option<&str> {
        match self {
            Owner::Root => None,
            Owner::User { name, .. } => Some(name),
        }
    }

    /// Who calls with this owner's key.
    pub(crate) fn principal(&self, account: AccountId) -> Principal {
        match self {
            Owner::Root => Principal::Root { account },
            Owner::User { id, path, name } => Principal::User {
                account,
                arn: base::arn::user(account, path, name).as_str().to_owned(),
                id: id.clone(),
                name: name.clone(),
            },
        }
    }

    /// A record's `principalId`.
    pub(crate) fn principal_id(&self, account: AccountId) -> String {
        match self {
            Owner::Root => account.as_str().to_owned(),
            Owner::User { id, .. } => id.clone(),
        }
    }
}

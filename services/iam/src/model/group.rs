//! A group of users.

use super::arns;
use base::{AccountId, Arn, Timestamp};
use serde::{Deserialize, Serialize};

/// Groups in an account.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) const GROUPS_PER_ACCOUNT_MAX: usize = 300;
/// Groups that a user may be in.
pub(crate) const GROUPS_PER_USER_MAX: usize = 10;

/// A group, as it is stored. Its members are rows of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) account: AccountId,
    /// As it was written; unique in the account whatever the case.
    pub(crate) name: String,
    /// Begins and ends with `/`.
    pub(crate) path: String,
    /// `AGPA…`, never used again for another group.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
}

impl Group {
    pub(crate) fn arn(&self) -> Arn {
        arns::group(self.account, &self.path, &self.name)
    }
}

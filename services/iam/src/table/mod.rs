//! Typed rows over the transaction. The only folder that knows how this room's keys are laid out.
//!
//! | key | row |
//! |---|---|
//! | `iam/account/ACCOUNT` | [`AccountRow`] |
//! | `iam/alias/ALIAS` | [`aliases::AliasRow`]: whose an alias is |
//! | `iam/alias-of/ACCOUNT` | [`aliases::AliasRow`]: the alias of an account |
//! | `iam/epoch/ACCOUNT` | [`EpochRow`]: changes with every write that changes who is there or what they hold |
//! | `iam/id/ID` | [`IdRow`]: whose a unique id is |
//! | `iam/indexed` | [`Mark`]: the ids of the users of the first release have their rows too |
//! | `iam/user/ACCOUNT/NAME` | [`User`]; the name in lower case, as of groups, roles and policies |
//! | `iam/group/ACCOUNT/NAME` | [`Group`](crate::model::group::Group) |
//! | `iam/role/ACCOUNT/NAME` | [`Role`](crate::model::role::Role) |
//! | `iam/policy/ACCOUNT/NAME` | [`ManagedPolicy`](crate::model::managed_policy::ManagedPolicy) |
//! | `iam/policies/ACCOUNT/HOLDERID` | [`PoliciesRow`]: the inline policies of a user, group or role |
//! | `iam/attached/ACCOUNT/HOLDERID` | [`AttachedRow`]: the managed policies of a user, group or role |
//! | `iam/attachment/ACCOUNT/POLICYID/HOLDERID` | [`Mark`]: the same, from the policy's side |
//! | `iam/bounded/ACCOUNT/POLICYID/HOLDERID` | [`Mark`]: whose boundary a policy is |
//! | `iam/member/ACCOUNT/GROUPID/USERID` | [`Mark`]: a member of a group |
//! | `iam/groups-of/ACCOUNT/USERID` | [`IdsRow`]: the groups of a user |
//! | `iam/access-key/ID` | [`AccessKey`] |
//! | `iam/keys-of/ACCOUNT/OWNER` | [`IdsRow`]; the owner is `root` or a user's id |
//! | `iam/session/ID` | [`StoredSession`](crate::model::session::StoredSession) |
//! | `iam/session-end/MICROS/ID` | [`Mark`]: sessions by the real time of their end |
//! | `iam/last-used/ID` | [`LastUsed`]: of an access key or a role |
//!
//! Names are found whatever their case: AWS does not tell them apart. ARNs are exact.
//!
//! INVARIANT: everything that [`crate::port`] makes rights of is written by [`put`] and [`remove`], which move the epoch.

pub(crate) mod aliases;
mod check;
pub(crate) mod groups;
pub(crate) mod holdings;
pub(crate) mod managed;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod users;

pub use check::CHECKS;
pub(crate) use users::{
    access_key_row, access_keys, add_access_key, delete_access_key, delete_user, existing_user, policies,
    put_access_key, put_user, user, user_name_is_taken, users,
};

use crate::model::{access_key::AccessKey, session::StoredSession};
use base::{AccountId, Fault, Timestamp};
use bytes::Bytes;
use gateway::rotation::SealedRows;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{NoAncestor, ReadView, SCAN_ROWS_MAX, Stored, Txn};

/// An account that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountRow {
    pub(crate) created: Timestamp,
    /// What its maker called it; empty when nobody did.
    pub(crate) name: String,
}

/// The first shape of [`AccountRow`], without a name.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccountRowV1 {
    created: Timestamp,
}

impl From<AccountRowV1> for AccountRow {
    fn from(old: AccountRowV1) -> AccountRow {
        AccountRow {
            created: old.created,
            name: String::new(),
        }
    }
}

/// The snapshot on which the last change of an account's rights was made. No two changes that were committed have the
/// same: each must have seen the one before.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct EpochRow {
    seq: u64,
}

/// Whose a unique id is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IdRow {
    pub(crate) account: AccountId,
    pub(crate) kind: IdKind,
    /// The name that it has now.
    pub(crate) name: String,
}

/// What has unique ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum IdKind {
    Group,
    Policy,
    Role,
    User,
}

/// Ids in the order in which they were added.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct IdsRow {
    pub(crate) ids: Vec<String>,
}

/// Inline policies by name, each as its caller wrote it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PoliciesRow {
    pub(crate) policies: BTreeMap<String, String>,
}

/// The ARNs of attached managed policies, in the order in which they were attached.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AttachedRow {
    pub(crate) arns: Vec<String>,
}

/// When and where an access key or a role was used last, in domain time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastUsed {
    pub(crate) at: Timestamp,
    /// The service's signing name, such as `s3`.
    pub(crate) service: String,
    pub(crate) region: String,
}

/// A row that says all by being there.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Mark;

macro_rules! first_shapes {
    ($($row:ty),+ $(,)?) => {$(
        impl Stored for $row {
            const VERSION: u8 = 1;
            type Ancestor = NoAncestor;
        }
    )+};
}

first_shapes!(
    AccountRowV1,
    AttachedRow,
    EpochRow,
    IdRow,
    IdsRow,
    LastUsed,
    Mark,
    PoliciesRow,
    aliases::AliasRow,
    crate::model::access_key::AccessKey,
    crate::model::group::Group,
    crate::model::managed_policy::ManagedPolicy,
    crate::model::role::Role,
    crate::model::session::StoredSession,
    crate::model::user::UserV1,
);

impl Stored for AccountRow {
    const VERSION: u8 = 2;
    type Ancestor = AccountRowV1;
}

impl Stored for crate::model::user::User {
    const VERSION: u8 = 2;
    type Ancestor = crate::model::user::UserV1;
}

/// The rows that hold what is sealed under keyrings.
pub const SEALED: &[SealedRows] = &[
    SealedRows {
        prefix: "iam/access-key/",
        renew: |renewal, _, row| encoded(AccessKey::decode(row)?.renewed(renewal)?),
    },
    SealedRows {
        prefix: "iam/session/",
        renew: |renewal, _, row| encoded(StoredSession::decode(row)?.renewed(renewal)?),
    },
];

fn encoded<T: Stored>(row: Option<T>) -> Result<Option<Vec<u8>>, Fault> {
    row.map(|row| row.encode()).transpose()
}

/// Writes a row of an account that rights are made of.
fn put<T: Stored>(txn: &mut Txn, account: AccountId, key: Vec<u8>, row: &T) {
    touch(txn, account);
    txn.put_row(key, row);
}

/// Removes such a row.
fn remove(txn: &mut Txn, account: AccountId, key: Vec<u8>) {
    touch(txn, account);
    txn.delete(key);
}

fn touch(txn: &mut Txn, account: AccountId) {
    let seq = txn.view().seq();
    txn.put_row(epoch_key(account), &EpochRow { seq });
}

fn epoch_key(account: AccountId) -> Vec<u8> {
    format!("iam/epoch/{account}").into_bytes()
}

/// The account's epoch as bytes, by which a reader knows whether what it remembers is still so. `None` when this very
/// transaction has moved it: what it sees then may never come to be, and nothing may be remembered of it.
pub(crate) async fn epoch(view: &ReadView<'_>, account: AccountId) -> Result<Option<Bytes>, Fault> {
    let Some(row) = view.get(&epoch_key(account)).await? else {
        return Ok(Some(Bytes::new()));
    };
    // A committed epoch is of a snapshot before this one.
    let own = EpochRow::decode(&row)?.seq >= view.seq();
    Ok((!own).then_some(row))
}

/// The key of a thing with a name.
fn named_key(kind: &str, account: AccountId, name: &str) -> Vec<u8> {
    format!("iam/{kind}/{account}/{}", name.to_ascii_lowercase()).into_bytes()
}

/// All rows of a kind in an account, by name.
async fn all<T: Stored>(view: &ReadView<'_>, kind: &str, account: AccountId, max: usize) -> Result<Vec<T>, Fault> {
    let prefix = format!("iam/{kind}/{account}/");
    let rows = view.scan_rows(prefix.as_bytes(), None, max).await?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

const ACCOUNT_PREFIX: &str = "iam/account/";

fn account_key(account: AccountId) -> Vec<u8> {
    format!("{ACCOUNT_PREFIX}{account}").into_bytes()
}

/// The account, if it exists.
pub(crate) async fn account(view: &ReadView<'_>, account: AccountId) -> Result<Option<AccountRow>, Fault> {
    view.get_row(&account_key(account)).await
}

pub(crate) fn put_account(txn: &mut Txn, account: AccountId, row: &AccountRow) {
    put(txn, account, account_key(account), row);
}

/// Every account, by number.
pub(crate) async fn accounts(view: &ReadView<'_>) -> Result<Vec<(AccountId, AccountRow)>, Fault> {
    let rows = view.scan_rows(ACCOUNT_PREFIX.as_bytes(), None, SCAN_ROWS_MAX).await?;
    let number = |key: &Bytes| {
        let text = std::str::from_utf8(key)
            .ok()
            .and_then(|key| key.strip_prefix(ACCOUNT_PREFIX));
        text.and_then(|text| AccountId::parse(text).ok())
            .ok_or_else(|| Fault::corrupt("the key of an account's row"))
    };
    rows.into_iter().map(|(key, row)| Ok((number(&key)?, row))).collect()
}

fn id_key(id: &str) -> Vec<u8> {
    format!("iam/id/{id}").into_bytes()
}

fn put_id(txn: &mut Txn, id: &str, row: &IdRow) {
    put(txn, row.account, id_key(id), row);
}

/// Whose a unique id is; `None` when it is nobody's any more.
///
/// Users of the first release have no such row until [`users::index`]; [`users::by_id`] finds those too.
pub(crate) async fn id(view: &ReadView<'_>, id: &str) -> Result<Option<IdRow>, Fault> {
    view.get_row(&id_key(id)).await
}

#[cfg(test)]
mod tests;

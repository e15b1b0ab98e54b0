//! Typed rows over the transaction. The only file that knows how this room's keys are laid out.
//!
//! | key | row |
//! |---|---|
//! | `iam/account/ACCOUNT` | [`AccountRow`] |
//! | `iam/user/ACCOUNT/NAME` | [`User`]; the name in lower case, for names are unique whatever their case |
//! | `iam/access-key/ID` | [`AccessKey`] |
//! | `iam/keys-of/ACCOUNT/OWNER` | [`KeysRow`]; the owner is `root` or a user's id |
//! | `iam/policies/ACCOUNT/USERID` | [`PoliciesRow`] |
//!
//! A user's inline policies are one row, because every call of the user reads all of them and they are small.

use crate::{
    error::{Entity, IamError},
    model::{
        access_key::AccessKey,
        name::UserName,
        user::{Owner, USERS_PER_ACCOUNT_MAX, User},
    },
};
use base::{AccountId, Fault, Timestamp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{NoAncestor, ReadView, Stored, Txn};

/// An account that exists.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccountRow {
    pub(crate) created: Timestamp,
}

/// The ids of an owner's access keys, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeysRow {
    pub(crate) ids: Vec<String>,
}

/// A user's inline policies by name, each as its caller wrote it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PoliciesRow {
    pub(crate) policies: BTreeMap<String, String>,
}

impl Stored for AccountRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Stored for User {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Stored for AccessKey {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Stored for KeysRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Stored for PoliciesRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

fn account_key(account: AccountId) -> Vec<u8> {
    format!("iam/account/{account}").into_bytes()
}

fn user_prefix(account: AccountId) -> String {
    format!("iam/user/{account}/")
}

fn user_key(account: AccountId, name: &str) -> Vec<u8> {
    format!("{}{}", user_prefix(account), name.to_ascii_lowercase()).into_bytes()
}

fn access_key_key(id: &str) -> Vec<u8> {
    format!("iam/access-key/{id}").into_bytes()
}

fn keys_key(account: AccountId, owner: &Owner) -> Vec<u8> {
    format!("iam/keys-of/{account}/{}", owner.id()).into_bytes()
}

fn policies_key(account: AccountId, user_id: &str) -> Vec<u8> {
    format!("iam/policies/{account}/{user_id}").into_bytes()
}

/// The account, if it exists.
pub(crate) async fn account(view: &ReadView<'_>, account: AccountId) -> Result<Option<AccountRow>, Fault> {
    view.get_row(&account_key(account)).await
}

pub(crate) fn put_account(txn: &mut Txn, account: AccountId, row: &AccountRow) {
    txn.put_row(account_key(account), row);
}

/// The user of exactly this name.
pub(crate) async fn user(view: &ReadView<'_>, account: AccountId, name: &UserName) -> Result<Option<User>, Fault> {
    let user: Option<User> = view.get_row(&user_key(account, name.as_str())).await?;
    Ok(user.filter(|user| user.name == name.as_str()))
}

/// The same, which must exist.
pub(crate) async fn existing_user(view: &ReadView<'_>, account: AccountId, name: &UserName) -> Result<User, IamError> {
    user(view, account, name)
        .await?
        .ok_or_else(|| IamError::NoSuchEntity(Entity::User(name.as_str().to_owned())))
}

/// Whether a user of this name, in whatever case, exists.
pub(crate) async fn user_name_is_taken(
    view: &ReadView<'_>,
    account: AccountId,
    name: &UserName,
) -> Result<bool, Fault> {
    Ok(view.get(&user_key(account, name.as_str())).await?.is_some())
}

/// The account's users by name.
pub(crate) async fn users(view: &ReadView<'_>, account: AccountId) -> Result<Vec<User>, Fault> {
    let prefix = user_prefix(account);
    let rows = view.scan_rows(prefix.as_bytes(), None, USERS_PER_ACCOUNT_MAX).await?;
    Ok(rows.into_iter().map(|(_, user)| user).collect())
}

pub(crate) fn put_user(txn: &mut Txn, user: &User) {
    txn.put_row(user_key(user.account, &user.name), user);
}

pub(crate) fn delete_user(txn: &mut Txn, user: &User) {
    txn.delete(user_key(user.account, &user.name));
    txn.delete(keys_key(user.account, &Owner::user(user)));
    txn.delete(policies_key(user.account, &user.id));
}

/// The row of an access key as bytes, by which a reader knows whether what it remembers is still so.
pub(crate) async fn access_key_row(view: &ReadView<'_>, id: &str) -> Result<Option<Bytes>, Fault> {
    view.get(&access_key_key(id)).await
}

/// An owner's access keys, oldest first.
pub(crate) async fn access_keys(
    view: &ReadView<'_>,
    account: AccountId,
    owner: &Owner,
) -> Result<Vec<AccessKey>, Fault> {
    let row: KeysRow = view.get_row(&keys_key(account, owner)).await?.unwrap_or_default();
    let mut keys = Vec::with_capacity(row.ids.len());
    for id in &row.ids {
        let key = view.get_row(&access_key_key(id)).await?;
        keys.push(key.ok_or_else(|| Fault::corrupt(format!("access key {id} is listed and missing")))?);
    }
    Ok(keys)
}

/// Adds a key to its owner's.
pub(crate) async fn add_access_key(txn: &mut Txn, key: &AccessKey) -> Result<(), Fault> {
    let keys_key = keys_key(key.account, &key.owner);
    let mut row: KeysRow = txn.view().get_row(&keys_key).await?.unwrap_or_default();
    row.ids.push(key.id.clone());
    txn.put_row(keys_key, &row);
    put_access_key(txn, key);
    Ok(())
}

/// Writes a changed key.
pub(crate) fn put_access_key(txn: &mut Txn, key: &AccessKey) {
    txn.put_row(access_key_key(&key.id), key);
}

pub(crate) async fn delete_access_key(txn: &mut Txn, key: &AccessKey) -> Result<(), Fault> {
    let keys_key = keys_key(key.account, &key.owner);
    let mut row: KeysRow = txn.view().get_row(&keys_key).await?.unwrap_or_default();
    row.ids.retain(|id| *id != key.id);
    match row.ids.is_empty() {
        true => txn.delete(keys_key),
        false => txn.put_row(keys_key, &row),
    }
    txn.delete(access_key_key(&key.id));
    Ok(())
}

/// A user's inline policies.
pub(crate) async fn policies(view: &ReadView<'_>, user: &User) -> Result<PoliciesRow, Fault> {
    let row = view.get_row(&policies_key(user.account, &user.id)).await?;
    Ok(row.unwrap_or_default())
}

/// The same row as bytes, by which a reader knows whether what it remembers is still so.
pub(crate) async fn policies_row(
    view: &ReadView<'_>,
    account: AccountId,
    user_id: &str,
) -> Result<Option<Bytes>, Fault> {
    view.get(&policies_key(account, user_id)).await
}

pub(crate) fn put_policies(txn: &mut Txn, user: &User, row: &PoliciesRow) {
    let key = policies_key(user.account, &user.id);
    match row.policies.is_empty() {
        true => txn.delete(key),
        false => txn.put_row(key, row),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let user = User {
            account: AccountId::FIRST,
            name: "Bob".to_owned(),
            path: "/a/".to_owned(),
            id: "AIDAX".to_owned(),
            created: Timestamp::from_secs(7),
            tags: vec![("k".to_owned(), "v".to_owned())],
        };
        assert_eq!(User::decode(&user.encode().unwrap()).unwrap(), user);
        let mut row = PoliciesRow::default();
        row.policies.insert("p".to_owned(), "{}".to_owned());
        let read = PoliciesRow::decode(&row.encode().unwrap()).unwrap();
        assert_eq!(read.policies, row.policies);
        let keys = KeysRow {
            ids: vec!["AKIA".to_owned()],
        };
        assert_eq!(KeysRow::decode(&keys.encode().unwrap()).unwrap().ids, keys.ids);
    }

    #[test]
    fn one_name_in_any_case_is_one_key() {
        let account = AccountId::FIRST;
        assert_eq!(user_key(account, "Bob"), user_key(account, "bOB"));
        assert_ne!(user_key(account, "Bob"), user_key(account, "Bo"));
    }
}

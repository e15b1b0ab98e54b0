//! Users, their access keys and inline policies.

use super::{IdKind, IdRow, IdsRow, Mark, PoliciesRow, all, holdings, id_key, named_key, put, put_id, remove};
use crate::{
    error::{Entity, IamError},
    model::{
        access_key::AccessKey,
        name::UserName,
        user::{Owner, USERS_PER_ACCOUNT_MAX, User},
    },
};
use base::{AccountId, Fault};
use bytes::Bytes;
use store::{ReadView, SCAN_ROWS_MAX, Stored, Txn};

const KIND: &str = "user";

/// The user of a name in whatever case.
pub(crate) async fn user(view: &ReadView<'_>, account: AccountId, name: &UserName) -> Result<Option<User>, Fault> {
    view.get_row(&named_key(KIND, account, name.as_str())).await
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
    Ok(user(view, account, name).await?.is_some())
}

/// The user of a unique id.
pub(crate) async fn by_id(view: &ReadView<'_>, id: &str) -> Result<Option<User>, Fault> {
    let Some(row) = super::id(view, id).await? else {
        return without_index(view, id).await;
    };
    match row.kind {
        IdKind::User => view.get_row(&named_key(KIND, row.account, &row.name)).await,
        IdKind::Group | IdKind::Policy | IdKind::Role => Ok(None),
    }
}

/// A user that was made before ids had an index, and not changed since. Slow, and only until all have one.
async fn without_index(view: &ReadView<'_>, id: &str) -> Result<Option<User>, Fault> {
    if !id.starts_with("AIDA") || are_indexed(view).await? {
        return Ok(None);
    }
    Ok(every_user(view).await?.into_iter().find(|user| user.id == id))
}

/// The users of all accounts.
async fn every_user(view: &ReadView<'_>) -> Result<Vec<User>, Fault> {
    let mut users = Vec::new();
    let mut after: Option<Bytes> = None;
    loop {
        let rows = view.scan_prefix(b"iam/user/", after.as_deref(), SCAN_ROWS_MAX).await?;
        let last = rows.last().map(|(key, _)| key.clone());
        for (_, row) in &rows {
            users.push(User::decode(row)?);
        }
        match last {
            Some(last) if rows.len() == SCAN_ROWS_MAX => after = Some(last),
            _ => return Ok(users),
        }
    }
}

const INDEXED: &[u8] = b"iam/indexed";

/// Whether every user's id has its row, so that one without is nobody's.
pub(crate) async fn are_indexed(view: &ReadView<'_>) -> Result<bool, Fault> {
    Ok(view.get_row::<Mark>(INDEXED).await?.is_some())
}

/// Writes the missing rows of ids. Whatever writes a user writes its id's row too, so once is enough.
pub(crate) async fn index(txn: &mut Txn) -> Result<(), Fault> {
    for user in every_user(&txn.view()).await? {
        if super::id(&txn.view(), &user.id).await?.is_none() {
            put_user_id(txn, &user);
        }
    }
    txn.put_row(INDEXED.to_vec(), &Mark);
    Ok(())
}

fn put_user_id(txn: &mut Txn, user: &User) {
    let row = IdRow {
        account: user.account,
        kind: IdKind::User,
        name: user.name.clone(),
    };
    put_id(txn, &user.id, &row);
}

/// The account's users by name.
pub(crate) async fn users(view: &ReadView<'_>, account: AccountId) -> Result<Vec<User>, Fault> {
    all(view, KIND, account, USERS_PER_ACCOUNT_MAX).await
}

/// Writes a new or changed user of the same name and path as before.
pub(crate) fn put_user(txn: &mut Txn, user: &User) {
    put(txn, user.account, named_key(KIND, user.account, &user.name), user);
    put_user_id(txn, user);
}

/// Writes a user whose name or path has changed since it was `before`, and with it the copies in its access keys.
pub(crate) async fn move_user(txn: &mut Txn, before: &User, user: &User) -> Result<(), Fault> {
    let keys = access_keys(&txn.view(), before.account, &Owner::user(before)).await?;
    remove(txn, before.account, named_key(KIND, before.account, &before.name));
    put_user(txn, user);
    for mut key in keys {
        key.owner = Owner::user(user);
        put_access_key(txn, &key);
    }
    Ok(())
}

/// Removes a user, which must hold nothing any more but perhaps a boundary.
pub(crate) async fn delete_user(txn: &mut Txn, user: &User) -> Result<(), Fault> {
    if let Some(boundary) = &user.boundary {
        holdings::unmark_boundary(txn, user.account, boundary, &user.id).await?;
    }
    remove(txn, user.account, named_key(KIND, user.account, &user.name));
    remove(txn, user.account, id_key(&user.id));
    remove(txn, user.account, keys_key(user.account, &Owner::user(user)));
    remove(txn, user.account, holdings::inline_key(user.account, &user.id));
    Ok(())
}

fn access_key_key(id: &str) -> Vec<u8> {
    format!("iam/access-key/{id}").into_bytes()
}

pub(super) fn keys_key(account: AccountId, owner: &Owner) -> Vec<u8> {
    format!("iam/keys-of/{account}/{}", owner.id()).into_bytes()
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
    let row: IdsRow = view.get_row(&keys_key(account, owner)).await?.unwrap_or_default();
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
    let mut row: IdsRow = txn.view().get_row(&keys_key).await?.unwrap_or_default();
    row.ids.push(key.id.clone());
    put(txn, key.account, keys_key, &row);
    put_access_key(txn, key);
    Ok(())
}

/// Writes a changed key.
pub(crate) fn put_access_key(txn: &mut Txn, key: &AccessKey) {
    put(txn, key.account, access_key_key(&key.id), key);
}

pub(crate) async fn delete_access_key(txn: &mut Txn, key: &AccessKey) -> Result<(), Fault> {
    let keys_key = keys_key(key.account, &key.owner);
    let mut row: IdsRow = txn.view().get_row(&keys_key).await?.unwrap_or_default();
    row.ids.retain(|id| *id != key.id);
    match row.ids.is_empty() {
        true => remove(txn, key.account, keys_key),
        false => put(txn, key.account, keys_key, &row),
    }
    remove(txn, key.account, access_key_key(&key.id));
    super::sessions::forget_use(txn, &key.id);
    Ok(())
}

/// A user's inline policies.
pub(crate) async fn policies(view: &ReadView<'_>, user: &User) -> Result<PoliciesRow, Fault> {
    holdings::inline(view, user.account, &user.id).await
}

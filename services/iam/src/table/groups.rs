//! Groups and who is in them.

use super::{IdKind, IdRow, IdsRow, Mark, all, id_key, named_key, put, put_id, remove};
use crate::{
    error::{Entity, IamError},
    model::{
        group::{GROUPS_PER_ACCOUNT_MAX, Group},
        user::{USERS_PER_ACCOUNT_MAX, User},
    },
};
use base::{AccountId, Fault};
use store::{ReadView, Txn};

const KIND: &str = "group";

fn member_key(group: &Group, user_id: &str) -> Vec<u8> {
    format!("iam/member/{}/{}/{user_id}", group.account, group.id).into_bytes()
}

fn groups_of_key(user: &User) -> Vec<u8> {
    format!("iam/groups-of/{}/{}", user.account, user.id).into_bytes()
}

/// The group of a name in whatever case.
pub(crate) async fn group(view: &ReadView<'_>, account: AccountId, name: &str) -> Result<Option<Group>, Fault> {
    view.get_row(&named_key(KIND, account, name)).await
}

/// The same, which must exist.
pub(crate) async fn existing(view: &ReadView<'_>, account: AccountId, name: &str) -> Result<Group, IamError> {
    group(view, account, name)
        .await?
        .ok_or_else(|| IamError::NoSuchEntity(Entity::Group(name.to_owned())))
}

/// The group of a unique id.
pub(crate) async fn by_id(view: &ReadView<'_>, id: &str) -> Result<Option<Group>, Fault> {
    match super::id(view, id).await? {
        Some(row) if row.kind == IdKind::Group => group(view, row.account, &row.name).await,
        _ => Ok(None),
    }
}

/// The account's groups by name.
pub(crate) async fn groups(view: &ReadView<'_>, account: AccountId) -> Result<Vec<Group>, Fault> {
    all(view, KIND, account, GROUPS_PER_ACCOUNT_MAX).await
}

/// Writes a new or changed group of the same name as before.
pub(crate) fn put_group(txn: &mut Txn, group: &Group) {
    put(txn, group.account, named_key(KIND, group.account, &group.name), group);
    put_id(
        txn,
        &group.id,
        &IdRow {
            account: group.account,
            kind: IdKind::Group,
            name: group.name.clone(),
        },
    );
}

/// Writes a group whose name or path has changed since it was `before`.
pub(crate) fn move_group(txn: &mut Txn, before: &Group, group: &Group) {
    remove(txn, before.account, named_key(KIND, before.account, &before.name));
    put_group(txn, group);
}

/// Removes a group, which must have no members and hold nothing any more.
pub(crate) fn delete_group(txn: &mut Txn, group: &Group) {
    remove(txn, group.account, named_key(KIND, group.account, &group.name));
    remove(txn, group.account, id_key(&group.id));
}

/// The ids of a group's users.
pub(crate) async fn member_ids(view: &ReadView<'_>, group: &Group) -> Result<Vec<String>, Fault> {
    let prefix = member_key(group, "");
    let rows = view.scan_prefix(&prefix, None, USERS_PER_ACCOUNT_MAX).await?;
    let id = |key: &[u8]| {
        let id = key.get(prefix.len()..).and_then(|id| std::str::from_utf8(id).ok());
        id.map(str::to_owned)
            .ok_or_else(|| Fault::corrupt("the key of a group's member"))
    };
    rows.iter().map(|(key, _)| id(key)).collect()
}

/// A group's users, by name.
pub(crate) async fn members(view: &ReadView<'_>, group: &Group) -> Result<Vec<User>, Fault> {
    let mut users = Vec::new();
    for id in member_ids(view, group).await? {
        let user = super::users::by_id(view, &id).await?;
        users.push(user.ok_or_else(|| Fault::corrupt(format!("user {id} is in a group and missing")))?);
    }
    users.sort_by_cached_key(|user| user.name.to_ascii_lowercase());
    Ok(users)
}

/// A user's groups, by name.
pub(crate) async fn groups_of(view: &ReadView<'_>, user: &User) -> Result<Vec<Group>, Fault> {
    let row: IdsRow = view.get_row(&groups_of_key(user)).await?.unwrap_or_default();
    let mut groups = Vec::with_capacity(row.ids.len());
    for id in &row.ids {
        let group = by_id(view, id).await?;
        groups.push(group.ok_or_else(|| Fault::corrupt(format!("group {id} has a member and is missing")))?);
    }
    groups.sort_by_cached_key(|group| group.name.to_ascii_lowercase());
    Ok(groups)
}

/// Puts a user into a group, if it is not there already.
pub(crate) async fn add_member(txn: &mut Txn, group: &Group, user: &User) -> Result<(), Fault> {
    let key = groups_of_key(user);
    let mut row: IdsRow = txn.view().get_row(&key).await?.unwrap_or_default();
    if !row.ids.contains(&group.id) {
        row.ids.push(group.id.clone());
        put(txn, user.account, key, &row);
        put(txn, user.account, member_key(group, &user.id), &Mark);
    }
    Ok(())
}

/// Takes a user out of a group. Whether it was there.
pub(crate) async fn remove_member(txn: &mut Txn, group: &Group, user: &User) -> Result<bool, Fault> {
    let key = groups_of_key(user);
    let mut row: IdsRow = txn.view().get_row(&key).await?.unwrap_or_default();
    let before = row.ids.len();
    row.ids.retain(|id| *id != group.id);
    if row.ids.len() == before {
        return Ok(false);
    }
    match row.ids.is_empty() {
        true => remove(txn, user.account, key),
        false => put(txn, user.account, key, &row),
    }
    remove(txn, user.account, member_key(group, &user.id));
    Ok(true)
}

//! Roles.

use super::{IdKind, IdRow, all, holdings, id_key, named_key, put, put_id, remove, sessions};
use crate::{
    error::{Entity, IamError},
    model::role::{ROLES_PER_ACCOUNT_MAX, Role},
};
use base::{AccountId, Fault};
use store::{ReadView, Txn};

const KIND: &str = "role";

/// The role of a name in whatever case.
pub(crate) async fn role(view: &ReadView<'_>, account: AccountId, name: &str) -> Result<Option<Role>, Fault> {
    view.get_row(&named_key(KIND, account, name)).await
}

/// The same, which must exist.
pub(crate) async fn existing(view: &ReadView<'_>, account: AccountId, name: &str) -> Result<Role, IamError> {
    role(view, account, name)
        .await?
        .ok_or_else(|| IamError::NoSuchEntity(Entity::Role(name.to_owned())))
}

/// The role of exactly this ARN.
pub(crate) async fn by_arn(view: &ReadView<'_>, arn: &str) -> Result<Option<Role>, Fault> {
    let Some(parts) = base::arn::split(arn) else {
        return Ok(None);
    };
    let name = parts
        .resource
        .strip_prefix("role/")
        .and_then(|rest| rest.rsplit('/').next());
    let (Some(name), Ok(account)) = (name, AccountId::parse(parts.account)) else {
        return Ok(None);
    };
    let found = role(view, account, name).await?;
    Ok(found.filter(|role| role.arn().as_str() == arn))
}

/// The role of a unique id.
pub(crate) async fn by_id(view: &ReadView<'_>, id: &str) -> Result<Option<Role>, Fault> {
    match super::id(view, id).await? {
        Some(row) if row.kind == IdKind::Role => role(view, row.account, &row.name).await,
        _ => Ok(None),
    }
}

/// The account's roles by name.
pub(crate) async fn roles(view: &ReadView<'_>, account: AccountId) -> Result<Vec<Role>, Fault> {
    all(view, KIND, account, ROLES_PER_ACCOUNT_MAX).await
}

/// Writes a new or changed role; a role's name and path do not change.
pub(crate) fn put_role(txn: &mut Txn, role: &Role) {
    put(txn, role.account, named_key(KIND, role.account, &role.name), role);
    put_id(
        txn,
        &role.id,
        &IdRow {
            account: role.account,
            kind: IdKind::Role,
            name: role.name.clone(),
        },
    );
}

/// Removes a role, which must hold nothing any more but perhaps a boundary. Its sessions end with it.
pub(crate) async fn delete_role(txn: &mut Txn, role: &Role) -> Result<(), Fault> {
    if let Some(boundary) = &role.boundary {
        holdings::unmark_boundary(txn, role.account, boundary, &role.id).await?;
    }
    remove(txn, role.account, named_key(KIND, role.account, &role.name));
    remove(txn, role.account, id_key(&role.id));
    sessions::forget_use(txn, &role.id);
    Ok(())
}

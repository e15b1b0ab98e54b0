//! What a check of a closed data directory asks of IAM's rows.

use super::{
    AccountRow, AttachedRow, EpochRow, IdKind, IdRow, IdsRow, LastUsed, Mark, PoliciesRow, aliases::AliasRow, id_key,
    named_key, sessions, users,
};
use crate::model::{
    access_key::AccessKey, group::Group, managed_policy::ManagedPolicy, role::Role, session::StoredSession, user::User,
};
use base::Fault;
use gateway::check::{Checker, Kind, Repair, RowCheck};
use store::Stored;

/// The tables of this room.
pub const CHECKS: &[RowCheck] = &[
    RowCheck::decodes::<AccountRow>("iam/account/"),
    RowCheck::decodes::<AliasRow>("iam/alias/"),
    RowCheck::decodes::<AliasRow>("iam/alias-of/"),
    RowCheck::decodes::<EpochRow>("iam/epoch/"),
    RowCheck::new("iam/id/", |checker, key, row| Box::pin(check_id(checker, key, row))),
    RowCheck::decodes::<Mark>("iam/indexed"),
    RowCheck::decodes::<User>("iam/user/"),
    RowCheck::decodes::<Group>("iam/group/"),
    RowCheck::decodes::<Role>("iam/role/"),
    RowCheck::decodes::<ManagedPolicy>("iam/policy/"),
    RowCheck::decodes::<PoliciesRow>("iam/policies/"),
    RowCheck::decodes::<AttachedRow>("iam/attached/"),
    RowCheck::decodes::<Mark>("iam/attachment/"),
    RowCheck::decodes::<Mark>("iam/bounded/"),
    RowCheck::decodes::<Mark>("iam/member/"),
    RowCheck::decodes::<IdsRow>("iam/groups-of/"),
    RowCheck::new("iam/access-key/", |checker, key, row| {
        Box::pin(check_access_key(checker, key, row))
    }),
    RowCheck::new("iam/keys-of/", |checker, key, row| {
        Box::pin(check_keys_of(checker, key, row))
    }),
    RowCheck::new("iam/session/", |checker, key, row| {
        Box::pin(check_session(checker, key, row))
    }),
    RowCheck::new("iam/session-end/", |checker, key, row| {
        Box::pin(check_session_end(checker, key, row))
    }),
    RowCheck::decodes::<LastUsed>("iam/last-used/"),
];

/// A unique id leads to a thing of that id.
async fn check_id(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let row = IdRow::decode(row)?;
    let view = &checker.view;
    let at = |kind: &str| named_key(kind, row.account, &row.name);
    let id = match row.kind {
        IdKind::Group => view.get_row::<Group>(&at("group")).await?.map(|group| group.id),
        IdKind::Policy => view
            .get_row::<ManagedPolicy>(&at("policy"))
            .await?
            .map(|policy| policy.id),
        IdKind::Role => view.get_row::<Role>(&at("role")).await?.map(|role| role.id),
        IdKind::User => view.get_row::<User>(&at("user")).await?.map(|user| user.id),
    };
    if id.is_none_or(|id| id_key(&id) != key) {
        checker.row(Kind::Disagrees, key, "it leads to a thing of another id, or to none");
    }
    Ok(())
}

async fn check_access_key(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let found = AccessKey::decode(row)?;
    checker.count("access keys", 1);
    let keyring = checker.world.keyrings.of(&checker.view, found.account).await?;
    found.open(&keyring)?;
    let of: Option<IdsRow> = checker
        .view
        .get_row(&users::keys_key(found.account, &found.owner))
        .await?;
    if !of.unwrap_or_default().ids.contains(&found.id) {
        checker.row(Kind::Disagrees, key, "its owner's list does not have it");
    }
    Ok(())
}

async fn check_keys_of(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    for id in IdsRow::decode(row)?.ids {
        if super::access_key_row(&checker.view, &id).await?.is_none() {
            checker.row(Kind::Missing, key, format!("its access key {id} is not there"));
        }
    }
    Ok(())
}

async fn check_session(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let session = StoredSession::decode(row)?;
    checker.count("sessions", 1);
    let keyring = checker.world.keyrings.of(&checker.view, session.account).await?;
    session.open(&keyring)?;
    let end = sessions::end_key(session.facts.expires, &session.id);
    if checker.view.get(&end).await?.is_none() {
        let repair = Repair::Put(end.into(), Mark.encode()?.into());
        checker.repairable(Kind::Missing, key, "nothing will forget it when it has ended", repair);
    }
    Ok(())
}

async fn check_session_end(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    Mark::decode(row)?;
    let id = key.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let id = String::from_utf8_lossy(id);
    if sessions::session_row(&checker.view, &id).await?.is_none() {
        checker.orphan(key, "the end of a session that is not there");
    }
    Ok(())
}

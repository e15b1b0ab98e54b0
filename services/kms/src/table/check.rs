//! What a check of a closed data directory asks of KMS's rows.

use super::{Due, DueKind, Grant, Key, Named, Retirable, Shelf, alias, grant, is_adopted, key, policy_text, tail};
use crate::model::{Alias, ClearMaterial, GrantId, KeyId, KeyManager, Material};
use base::{AccountId, Fault, Region};
use envelope::{EncryptionContext, Key256, ciphertext};
use gateway::{
    Boxed,
    check::{Checker, Kind, Repair, RowCheck},
};
use policy::{Policy, PolicyKind};
use store::{ReadView, Stored};

/// The tables of this room.
pub const CHECKS: &[RowCheck] = &[
    RowCheck::new("kms/key/", |checker, key, row| Box::pin(check_key(checker, key, row))),
    RowCheck::new("kms/policy/", |checker, key, row| {
        Box::pin(check_policy(checker, key, row))
    }),
    RowCheck::new("kms/alias/", |checker, key, row| {
        Box::pin(check_alias(checker, key, row))
    }),
    RowCheck::new(DueKind::Delete.prefix(), |checker, key, row| {
        Box::pin(check_due(checker, DueKind::Delete, key, row))
    }),
    RowCheck::new(DueKind::Expire.prefix(), |checker, key, row| {
        Box::pin(check_due(checker, DueKind::Expire, key, row))
    }),
    RowCheck::new(DueKind::Rotate.prefix(), |checker, key, row| {
        Box::pin(check_due(checker, DueKind::Rotate, key, row))
    }),
    RowCheck::new(super::ADOPTED_ROW, |_, row_key, _| {
        Box::pin(std::future::ready(check_adopted(row_key)))
    }),
    RowCheck::new("kms/grant/", |checker, key, row| {
        Box::pin(check_grant(checker, key, row))
    }),
    RowCheck::new("kms/grant-request/", |checker, key, row| {
        Box::pin(check_request(checker, key, row))
    }),
    RowCheck::new("kms/retirable/", |checker, key, row| {
        Box::pin(check_retirable(checker, key, row))
    }),
];

/// The account and the Region that a row is of, and the rest of its key.
fn place(row_key: &[u8], table: &str) -> Result<(AccountId, Region, String), Fault> {
    let parse = || {
        let text = std::str::from_utf8(row_key).ok()?;
        let mut parts = text.strip_prefix(table)?.splitn(3, '/');
        let account = AccountId::parse(parts.next()?).ok()?;
        let region = Region::parse(parts.next()?).ok()?;
        Some((account, region, parts.next()?.to_owned()))
    };
    parse().ok_or_else(|| Fault::corrupt("the key of a row of KMS"))
}

/// The key that a row belongs to by its own key, and what follows the key's id.
async fn owner(view: &ReadView<'_>, row_key: &[u8], table: &str) -> Result<(Option<Key>, String), Fault> {
    let (account, region, rest) = place(row_key, table)?;
    let (id, rest) = rest.split_once('/').unwrap_or((&rest, ""));
    let shelf = Shelf {
        account,
        region: &region,
    };
    let found = match KeyId::parse(id) {
        Some(id) => key(view, shelf, &id).await?,
        None => None,
    };
    Ok((found, rest.to_owned()))
}

async fn check_key(checker: &Checker<'_>, row_key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let key = Key::decode(row)?;
    checker.count("KMS keys", 1);
    if key.row("key") != row_key {
        checker.row(Kind::Disagrees, row_key, "it is the row of another key");
    }
    let text = policy_text(&checker.view, &key).await?;
    Policy::parse(&text, PolicyKind::KeyPolicy).map_err(|e| Fault::corrupt_by("the key's policy", e))?;
    for material in key.material.iter().chain(&key.staged) {
        open_material(checker, &key, material).await?;
    }
    for name in &key.aliases {
        let found = alias(&checker.view, key.shelf(), name).await?;
        if found.is_none_or(|alias| alias.target != key.id) {
            checker.row(
                Kind::Disagrees,
                row_key,
                format!("its alias `{name}` does not lead to it"),
            );
        }
    }
    let adopted = is_adopted(&checker.view).await?;
    for kind in DueKind::ALL {
        if let Some(due) = expected(kind, &key, adopted)
            && checker.view.get(&due.row(kind)).await?.is_none()
        {
            let repair = Repair::Put(due.row(kind).into(), due.encode()?.into());
            let what = "something is due to it and nothing will do it";
            checker.repairable(Kind::Missing, row_key, what, repair);
        }
    }
    let counted = key.grants.map_or(0, |mark| mark.count as usize);
    let there = count_grants(&checker.view, &key).await?;
    if counted != there {
        let what = format!("it counts {counted} grants and has {there}");
        checker.row(Kind::Disagrees, row_key, what);
    }
    Ok(())
}

/// What must be due to a key. The first start after an upgrade gives the managed keys of earlier releases their place in the
/// schedule of rotations.
fn expected(kind: DueKind, key: &Key, adopted: bool) -> Option<Due> {
    let waits = kind == DueKind::Rotate && key.manager == KeyManager::Aws && !adopted;
    Due::of(kind, key).filter(|_| !waits)
}

async fn open_material(checker: &Checker<'_>, key: &Key, material: &Material) -> Result<Option<ClearMaterial>, Fault> {
    let keyring = checker.world.keyrings.of(&checker.view, key.account).await?;
    let purpose = Material::purpose(&key.id, material.version);
    let wrapped = material.wrapped.as_ref();
    wrapped.map(|wrapped| wrapped.unwrap(&keyring, &purpose)).transpose()
}

/// Asked of the rows, whether the key says that it has any or not.
async fn count_grants(view: &ReadView<'_>, key: &Key) -> Result<usize, Fault> {
    let prefix = key.grant_row("");
    let (mut count, mut after) = (0_usize, None::<Vec<u8>>);
    loop {
        let rows = view
            .scan_prefix(&prefix, after.as_deref(), super::GRANTS_READ_MAX)
            .await?;
        count = count.saturating_add(rows.len());
        match rows.last() {
            Some((last, _)) if rows.len() == super::GRANTS_READ_MAX => after = Some(last.to_vec()),
            _ => return Ok(count),
        }
    }
}

async fn check_policy(checker: &Checker<'_>, row_key: &[u8], _: &[u8]) -> Result<(), Fault> {
    let (found, _) = owner(&checker.view, row_key, "kms/policy/").await?;
    if found.is_none() {
        checker.orphan(row_key, "the policy of a key that is not there");
    }
    Ok(())
}

async fn check_alias(checker: &Checker<'_>, row_key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let alias = Alias::decode(row)?;
    let (account, region, name) = place(row_key, "kms/alias/")?;
    let shelf = Shelf {
        account,
        region: &region,
    };
    match key(&checker.view, shelf, &alias.target).await? {
        None => checker.orphan(row_key, "an alias of a key that is not there"),
        Some(key) if !key.aliases.contains(&name) => {
            checker.row(Kind::Disagrees, row_key, "its key does not list it");
        }
        Some(_) => {}
    }
    Ok(())
}

async fn check_due(checker: &Checker<'_>, kind: DueKind, row_key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let due = Due::decode(row)?;
    let shelf = Shelf {
        account: due.account,
        region: &due.region,
    };
    let key = key(&checker.view, shelf, &due.key).await?;
    if key.is_none_or(|key| !due.is_of(kind, &key)) || due.row(kind) != row_key {
        checker.orphan(row_key, "what no key awaits is due");
    }
    Ok(())
}

/// That it is there is all that it says.
fn check_adopted(row_key: &[u8]) -> Result<(), Fault> {
    match row_key == super::ADOPTED_ROW.as_bytes() {
        true => Ok(()),
        false => Err(Fault::corrupt("the key of a row of KMS")),
    }
}

async fn check_grant(checker: &Checker<'_>, row_key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let grant = Grant::decode(row)?;
    checker.count("grants", 1);
    let (key, id) = owner(&checker.view, row_key, "kms/grant/").await?;
    let Some(key) = key else {
        checker.orphan(row_key, "a grant of a key that is not there");
        return Ok(());
    };
    if grant.id.as_str() != id || grant.key != key.id {
        checker.row(Kind::Disagrees, row_key, "it is the row of another grant");
        return Ok(());
    }
    let named = Named {
        grant: grant.id.clone(),
    };
    let retirable = Retirable {
        account: key.account,
        key: key.id.clone(),
        grant: grant.id.clone(),
    };
    let mut found_by = Vec::new();
    if let Some(request) = grant.request() {
        found_by.push((key.request_row(&request), named.encode()?));
    }
    if let Some(principal) = &grant.retiring {
        found_by.push((key.retirable_row(principal, &grant.id), retirable.encode()?));
    }
    for (index, row) in found_by {
        if checker.view.get(&index).await?.is_none() {
            let repair = Repair::Put(index.into(), row.into());
            checker.repairable(Kind::Missing, row_key, "a row by which the grant is found", repair);
        }
    }
    Ok(())
}

async fn check_request(checker: &Checker<'_>, row_key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let named = Named::decode(row)?;
    let (key, _) = owner(&checker.view, row_key, "kms/grant-request/").await?;
    leads_to_grant(checker, row_key, key, &named.grant).await
}

async fn check_retirable(checker: &Checker<'_>, row_key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let at = Retirable::decode(row)?;
    let region = tail(row_key, b"kms/retirable/");
    let region = Region::parse(region.split('/').next().unwrap_or_default())
        .map_err(|_| Fault::corrupt("the key of a row of KMS"))?;
    let shelf = Shelf {
        account: at.account,
        region: &region,
    };
    let key = key(&checker.view, shelf, &at.key).await?;
    leads_to_grant(checker, row_key, key, &at.grant).await
}

async fn leads_to_grant(checker: &Checker<'_>, row_key: &[u8], key: Option<Key>, id: &GrantId) -> Result<(), Fault> {
    let found = match &key {
        Some(key) => grant(&checker.view, key, id).await?,
        None => None,
    };
    if found.is_none() {
        checker.orphan(row_key, "it leads to a grant that is not there");
    }
    Ok(())
}

/// Opens a data key that a symmetric key sealed, without deciding and recording anything: for the check of a directory that
/// no server uses. `None` when the key or its material is gone.
pub fn open_data_key<'a>(
    checker: &'a Checker<'a>,
    region: &'a Region,
    sealed: &'a [u8],
    context: &'a EncryptionContext,
) -> Boxed<'a, Result<Option<Key256>, Fault>> {
    Box::pin(async move {
        let header = ciphertext::parse_header(sealed).map_err(|e| Fault::corrupt_by("a data key", e))?;
        let id = KeyId::parse(&header.key_id).ok_or_else(|| Fault::corrupt("a data key names no key"))?;
        for region in [&header.region, region] {
            let shelf = Shelf {
                account: header.account,
                region,
            };
            let Some(key) = key(&checker.view, shelf, &id).await? else {
                continue;
            };
            let material = key.version(header.material_version);
            let clear = match material {
                Some(material) => open_material(checker, &key, material).await?,
                None => return Err(Fault::corrupt("a data key names material that its key never had")),
            };
            let Some(ClearMaterial::Key(clear)) = clear else {
                continue;
            };
            let plain = ciphertext::open(&clear, sealed, context).map_err(|e| Fault::corrupt_by("a data key", e))?;
            let opened = Key256::from_slice(plain.expose());
            return opened
                .map(Some)
                .ok_or_else(|| Fault::corrupt("a data key of another length"));
        }
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{KeyState, Rotation};

    #[test]
    fn managed_keys_of_earlier_releases_may_wait_for_their_place_in_the_schedule() {
        let check = |manager: KeyManager, adopted: bool, is_due: bool| {
            let key = super::super::tests::key();
            let key = Key {
                manager,
                state: KeyState::Enabled,
                rotation: Rotation::yearly(key.created),
                ..key
            };
            let due = expected(DueKind::Rotate, &key, adopted);
            assert_eq!(due.is_some(), is_due, "{manager:?} {adopted}");
        };
        check(KeyManager::Aws, false, false);
        check(KeyManager::Aws, true, true);
        check(KeyManager::Customer, false, true);
    }
}

//! What is kept in memory so that a hot key costs one row read: parsed key policies, opened key material and grants.
//!
//! Each is found by what it was made from, the policy by its text's digest, the material by its wrapped bytes and the grants
//! by their stamp, so a row that changed never finds what was made of the old one, and one process can serve several data
//! directories.

use crate::{
    error::KmsError,
    grants::GrantSet,
    model::{ClearMaterial, Key, KeyId, Material, PolicyDigest, WrappedMaterial, asymmetric::PrivateKey},
    table,
};
use base::Fault;
use gateway::Ctx;
use policy::{Policy, PolicyKind};
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};
use store::ReadView;

/// Entries of each cache. A full one is emptied: simple, and rare at this size.
const ENTRIES_MAX: usize = 4096;

/// Grants in memory, of all keys together.
const GRANTS_MAX: usize = 200_000;

static GRANTS: LazyLock<RwLock<HashMap<KeyId, Arc<GrantSet>>>> = LazyLock::new(RwLock::default);
static POLICIES: LazyLock<Cache<PolicyDigest, Arc<Policy>>> = LazyLock::new(Cache::new);
static MATERIALS: LazyLock<Cache<Vec<u8>, Opened>> = LazyLock::new(Cache::new);
static PRIVATE_KEYS: LazyLock<Cache<Vec<u8>, Read>> = LazyLock::new(Cache::new);

struct Cache<K, V>(RwLock<HashMap<K, V>>);

/// Material in clear and whose it is: the wrapped bytes open only for that key and version, and so it is here.
#[derive(Clone)]
struct Opened {
    of: Arc<(KeyId, u32)>,
    clear: Arc<ClearMaterial>,
}

/// A private key as the library holds it, which wipes it when it is dropped, and whose it is.
#[derive(Clone)]
struct Read {
    of: Arc<(KeyId, u32)>,
    key: Arc<PrivateKey>,
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    fn new() -> Cache<K, V> {
        Cache(RwLock::default())
    }

    fn find<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: K, value: V) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(key, value);
    }

    fn forget(&self, is_it: impl Fn(&V) -> bool) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, value| !is_it(value));
    }
}

/// The policy of a key.
pub async fn policy(view: &ReadView<'_>, key: &Key) -> Result<Arc<Policy>, Fault> {
    if let Some(policy) = POLICIES.find(&key.policy) {
        return Ok(policy);
    }
    let text = table::policy_text(view, key).await?;
    let policy = Policy::parse(&text, PolicyKind::KeyPolicy)
        .map_err(|e| Fault::corrupt_by(format!("the policy of key `{}`", key.arn()), e))?;
    let policy = Arc::new(policy);
    POLICIES.keep(key.policy, Arc::clone(&policy));
    Ok(policy)
}

fn wrapped<'a>(key: &Key, material: &'a Material) -> Result<&'a WrappedMaterial, Fault> {
    material.wrapped.as_ref().ok_or_else(|| {
        let what = format!("material {} of key `{}` is not there", material.version, key.arn());
        Fault::corrupt(what)
    })
}

/// One version of a key's material, opened. That it is not there is corruption: the key's state is asked first.
pub async fn material(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    material: &Material,
) -> Result<Arc<ClearMaterial>, KmsError> {
    let wrapped = wrapped(key, material)?;
    if let Some(opened) = MATERIALS.find(wrapped.as_bytes())
        && opened.of.0 == key.id
        && opened.of.1 == material.version
    {
        return Ok(opened.clear);
    }
    let clear = Arc::new(unwrap(ctx, view, key, material, wrapped).await?);
    let entry = Opened {
        of: Arc::new((key.id.clone(), material.version)),
        clear: Arc::clone(&clear),
    };
    MATERIALS.keep(wrapped.as_bytes().to_vec(), entry);
    Ok(clear)
}

async fn unwrap(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    material: &Material,
    wrapped: &WrappedMaterial,
) -> Result<ClearMaterial, KmsError> {
    let purpose = Material::purpose(&key.id, material.version);
    let keyring = ctx.world().keyrings.of(view, key.account).await?;
    Ok(wrapped.unwrap(&keyring, &purpose)?)
}

/// The private key of a key pair, read: reading one takes longer than many a use of it.
pub async fn private_key(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    material: &Material,
) -> Result<Arc<PrivateKey>, KmsError> {
    let wrapped = wrapped(key, material)?;
    if let Some(read) = PRIVATE_KEYS.find(wrapped.as_bytes())
        && read.of.0 == key.id
        && read.of.1 == material.version
    {
        return Ok(read.key);
    }
    let ClearMaterial::Bytes(pkcs8) = unwrap(ctx, view, key, material, wrapped).await? else {
        return Err(Fault::Bug("a key pair's material is that of a symmetric key").into());
    };
    let private = PrivateKey::parse(key.spec, key.usage, pkcs8.expose())
        .map_err(|_| Fault::corrupt(format!("the material of key `{}` is no {}", key.arn(), key.spec)))?;
    let private = Arc::new(private);
    let entry = Read {
        of: Arc::new((key.id.clone(), material.version)),
        key: Arc::clone(&private),
    };
    PRIVATE_KEYS.keep(wrapped.as_bytes().to_vec(), entry);
    Ok(private)
}

/// The grants of a key; `None` when it has none.
pub async fn grants(view: &ReadView<'_>, key: &Key) -> Result<Option<Arc<GrantSet>>, Fault> {
    let Some(mark) = key.grants else {
        return Ok(None);
    };
    let kept = GRANTS
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key.id)
        .cloned();
    if let Some(set) = kept.filter(|set| set.stamp() == mark.stamp) {
        return Ok(Some(set));
    }
    let rows = table::all_grants(view, key).await?;
    let set = Arc::new(GrantSet::of(key, mark.stamp, &rows)?);
    let mut kept = GRANTS.write().unwrap_or_else(PoisonError::into_inner);
    let held: usize = kept.values().map(|set| set.count()).sum();
    if held.saturating_add(set.count()) > GRANTS_MAX || kept.len() >= ENTRIES_MAX {
        kept.clear();
    }
    kept.insert(key.id.clone(), Arc::clone(&set));
    Ok(Some(set))
}

/// Drops a deleted key's material and grants from memory: also what was opened of wrapped forms that the key has no more,
/// since the account's keyring was changed.
pub fn forget(key: &Key) {
    GRANTS.write().unwrap_or_else(PoisonError::into_inner).remove(&key.id);
    MATERIALS.forget(|opened| opened.of.0 == key.id);
    PRIVATE_KEYS.forget(|read| read.of.0 == key.id);
}

#[cfg(test)]
mod tests {
    use super::*;
    use envelope::Key256;

    #[test]
    fn nothing_of_a_deleted_key_stays_whatever_it_was_wrapped_as() {
        let key = crate::table::tests::key();
        let other = KeyId::generate(&base::Random::seeded(1));
        let keep = |wrapped: &[u8], of: &KeyId| {
            let entry = Opened {
                of: Arc::new((of.clone(), 1)),
                clear: Arc::new(ClearMaterial::Key(Key256::from_bytes([1; 32]))),
            };
            MATERIALS.keep(wrapped.to_vec(), entry);
        };
        keep(b"before a rotation", &key.id);
        keep(b"after it", &key.id);
        keep(b"another's", &other);
        forget(&key);
        let found = |wrapped: &[u8]| MATERIALS.find(wrapped).is_some();
        assert!(!found(b"before a rotation") && !found(b"after it") && found(b"another's"));
    }
}

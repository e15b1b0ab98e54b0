//! The accounts' keyrings, wrapped under the root of trust, under which the account's KMS key material, S3 keys,
//! digest-signing keys and IAM secrets are wrapped in turn.
//!
//! How root and keyrings are changed while all this is used is `rotation.rs`.
//!
//! ## Invariants
//! - Whoever seals under a keyring has read its row in the same transaction. So a change of the row conflicts with every
//!   transaction that sealed under what was there before, and after the change nothing new comes to be under that. (What
//!   is sealed in one transaction and committed in another is made current in the latter, by [`Keyring::rewrap`].)
//! - Whoever wraps under the root has read the row of its rotation, for the same reason.

use crate::{
    Boxed, Txn,
    check::Checker,
    rotation::{self, Progress},
};
use base::{AccountId, Fault, Random};
use bytes::Bytes;
use envelope::{EnvelopeFault, Key256, Keyring, RootOfTrust, WrappedKey};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use store::{NoAncestor, ReadView, Stored};
use tokio::sync::Mutex;

/// The row of an account's keyring.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeyringRow {
    /// The key that seals.
    pub(crate) wrapped: WrappedKey,
    /// Keys that sealed before, while something may still be under them.
    pub(crate) older: Vec<WrappedKey>,
    /// The rotation that made the key that seals.
    pub(crate) rotation: u64,
}

impl Stored for KeyringRow {
    const VERSION: u8 = 2;
    type Ancestor = KeyringRowV1;
}

/// A keyring before there were rotations.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeyringRowV1 {
    wrapped: WrappedKey,
}

impl Stored for KeyringRowV1 {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl From<KeyringRowV1> for KeyringRow {
    fn from(old: KeyringRowV1) -> KeyringRow {
        KeyringRow {
            wrapped: old.wrapped,
            older: Vec::new(),
            rotation: 0,
        }
    }
}

/// Opens keyrings and keeps them open.
pub struct Keyrings {
    pub(crate) root: Arc<dyn RootOfTrust>,
    open: RwLock<HashMap<AccountId, Known>>,
    /// Held by whoever changes what the root wraps with.
    pub(crate) turn: Mutex<()>,
    /// How far a rotation has come.
    pub progress: Progress,
}

/// A keyring and the row that it was read from.
struct Known {
    row: Bytes,
    keyring: Arc<Keyring>,
}

pub(crate) const KEYRING_PREFIX: &str = "keyring/";

fn row_key(account: AccountId) -> Vec<u8> {
    format!("{KEYRING_PREFIX}{account}").into_bytes()
}

fn purpose(account: AccountId) -> String {
    format!("shoseki keyring {account}")
}

pub(crate) fn root_fault(fault: EnvelopeFault) -> Fault {
    Fault::from(fault)
}

impl Keyrings {
    pub(crate) fn new(root: Arc<dyn RootOfTrust>) -> Keyrings {
        Keyrings {
            root,
            open: RwLock::default(),
            turn: Mutex::default(),
            progress: Progress::default(),
        }
    }

    /// Makes the keyring of a new account.
    pub async fn create(&self, txn: &mut Txn, account: AccountId, random: &Random) -> Result<Arc<Keyring>, Fault> {
        let rotation = rotation::state(&txn.view()).await?.number;
        let keyring = Keyring::generate(random);
        let row = KeyringRow {
            wrapped: self.wrap(account, keyring.current(), random)?,
            older: Vec::new(),
            rotation,
        };
        put_row(txn, account, &row);
        Ok(Arc::new(keyring))
    }

    /// The keyring of an account. That it is missing is corruption: accounts are made with theirs.
    pub async fn of(&self, view: &ReadView<'_>, account: AccountId) -> Result<Arc<Keyring>, Fault> {
        let row = view.get(&row_key(account)).await?;
        let row = row.ok_or_else(|| Fault::corrupt(format!("account {account} has no keyring")))?;
        if let Some(known) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(&account)
            && known.row == row
        {
            return Ok(Arc::clone(&known.keyring));
        }
        self.remember(account, row)
    }

    /// Opens a row. What sealed before and is no longer in the row stays open in memory: a body may be on its way that
    /// was sealed under it.
    fn remember(&self, account: AccountId, row: Bytes) -> Result<Arc<Keyring>, Fault> {
        let opened = self.opened(account, &KeyringRow::decode(&row)?)?;
        let mut all = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<Key256> = opened.keys().cloned().collect();
        for known in all.get(&account).iter().flat_map(|known| known.keyring.keys()) {
            if keys.iter().all(|key| key.expose() != known.expose()) {
                keys.push(known.clone());
            }
        }
        let older = keys.into_iter().skip(1).collect();
        let keyring = Arc::new(Keyring::new(opened.current().clone(), older));
        let known = Known {
            row: Bytes::copy_from_slice(&row),
            keyring: Arc::clone(&keyring),
        };
        all.insert(account, known);
        Ok(keyring)
    }

    /// What a row says, opened.
    pub(crate) fn opened(&self, account: AccountId, row: &KeyringRow) -> Result<Keyring, Fault> {
        let open = |wrapped| {
            let key = self.root.unwrap(wrapped, &purpose(account));
            key.map_err(|e| Fault::corrupt_by("the root key does not open an account keyring", e))
        };
        let older = row.older.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Keyring::new(open(&row.wrapped)?, older))
    }

    /// Wraps a key of an account under the root.
    pub(crate) fn wrap(&self, account: AccountId, key: &Key256, random: &Random) -> Result<WrappedKey, Fault> {
        self.root.wrap(key, &purpose(account), random).map_err(root_fault)
    }

    /// Whether the account has a keyring, which is whether the account exists.
    pub async fn exists(&self, view: &ReadView<'_>, account: AccountId) -> Result<bool, Fault> {
        Ok(view.get(&row_key(account)).await?.is_some())
    }
}

/// Writes a keyring's row.
pub(crate) fn put_row(txn: &mut Txn, account: AccountId, row: &KeyringRow) {
    txn.put_row(row_key(account), row);
}

/// The keyring's row of an account.
pub(crate) async fn row(view: &ReadView<'_>, account: AccountId) -> Result<Option<KeyringRow>, Fault> {
    view.get_row(&row_key(account)).await
}

/// The rows of some accounts, by number, after the one given; at most `limit`.
pub(crate) async fn rows(
    view: &ReadView<'_>,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Vec<(AccountId, KeyringRow)>, Fault> {
    let after = after.map(row_key);
    let rows = view
        .scan_rows(KEYRING_PREFIX.as_bytes(), after.as_deref(), limit)
        .await?;
    rows.into_iter()
        .map(|(key, row)| Ok((account_of(&key)?, row)))
        .collect()
}

/// A keyring opens, and is of an account.
pub(crate) fn check_row<'a>(checker: &'a Checker<'a>, key: &'a [u8], row: &'a [u8]) -> Boxed<'a, Result<(), Fault>> {
    Box::pin(async move {
        let row = KeyringRow::decode(row)?;
        checker.world.keyrings.opened(account_of(key)?, &row)?;
        checker.count("keyrings", 1);
        Ok(())
    })
}

fn account_of(key: &[u8]) -> Result<AccountId, Fault> {
    let text = std::str::from_utf8(key)
        .ok()
        .and_then(|key| key.strip_prefix(KEYRING_PREFIX));
    text.and_then(|text| AccountId::parse(text).ok())
        .ok_or_else(|| Fault::corrupt("the key of a keyring's row"))
}

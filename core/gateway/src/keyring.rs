//! The accounts' keyrings: one 256-bit key per account, wrapped under the root of trust, under which the account's KMS
//! key material, S3 keys, digest-signing keys and IAM secrets are wrapped in turn.

use crate::Txn;
use base::{AccountId, Fault, Random};
use envelope::{Key256, RootOfTrust, WrappedKey};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use store::{NoAncestor, ReadView, Stored};

/// The row of an account's keyring.
#[derive(Serialize, Deserialize)]
struct KeyringRow {
    wrapped: WrappedKey,
}

impl Stored for KeyringRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// Opens keyrings and keeps them open.
pub struct Keyrings {
    root: Arc<dyn RootOfTrust>,
    open: RwLock<HashMap<AccountId, Arc<Key256>>>,
}

fn row_key(account: AccountId) -> Vec<u8> {
    format!("keyring/{account}").into_bytes()
}

fn purpose(account: AccountId) -> String {
    format!("shoseki keyring {account}")
}

impl Keyrings {
    pub(crate) fn new(root: Arc<dyn RootOfTrust>) -> Keyrings {
        Keyrings {
            root,
            open: RwLock::default(),
        }
    }

    /// Makes the keyring of a new account.
    pub fn create(&self, txn: &mut Txn, account: AccountId, random: &Random) -> Result<Arc<Key256>, Fault> {
        let key = Key256::generate(random);
        let wrapped = self
            .root
            .wrap(&key, &purpose(account), random)
            .map_err(|e| Fault::corrupt_by("wrapping an account keyring", e))?;
        txn.put_row(row_key(account), &KeyringRow { wrapped });
        Ok(Arc::new(key))
    }

    /// The keyring of an account. That it is missing is corruption: accounts are made with theirs.
    pub async fn of(&self, view: &ReadView<'_>, account: AccountId) -> Result<Arc<Key256>, Fault> {
        if let Some(key) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(&account) {
            return Ok(Arc::clone(key));
        }
        let row: KeyringRow = view
            .get_row(&row_key(account))
            .await?
            .ok_or_else(|| Fault::corrupt(format!("account {account} has no keyring")))?;
        let key = self
            .root
            .unwrap(&row.wrapped, &purpose(account))
            .map_err(|e| Fault::corrupt_by("the root key does not open an account keyring", e))?;
        let key = Arc::new(key);
        self.open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(account, Arc::clone(&key));
        Ok(key)
    }

    /// Whether the account has a keyring, which is whether the account exists.
    pub async fn exists(&self, view: &ReadView<'_>, account: AccountId) -> Result<bool, Fault> {
        if self
            .open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&account)
        {
            return Ok(true);
        }
        Ok(view.get(&row_key(account)).await?.is_some())
    }
}

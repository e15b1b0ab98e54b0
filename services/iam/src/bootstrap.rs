//! The first access key of an account, before any caller exists.

use crate::{
    model::{access_key::AccessKey, user::Owner},
    table::{self, AccountRow},
};
use base::{AccountId, Fault, Random, Secret, Timestamp};
use envelope::Key256;

/// The root access key of a new account. The secret is shown once and kept by whom it is shown to.
pub struct RootCredentials {
    /// `AKIA…`
    pub access_key_id: String,
    /// The secret access key.
    pub secret: Secret<String>,
}

/// Makes an account known to IAM, with one access key of its root, sealed under the account's keyring.
///
/// For the first start of a data directory and for new accounts; a second call adds a second key.
pub async fn bootstrap_root(
    txn: &mut store::Txn,
    keyring: &Key256,
    account: AccountId,
    random: &Random,
    now: Timestamp,
) -> Result<RootCredentials, Fault> {
    if table::account(&txn.view(), account).await?.is_none() {
        let created = now.floor_second();
        table::put_account(txn, account, &AccountRow { created });
    }
    let (key, secret) = AccessKey::generate(keyring, account, Owner::Root, random, now);
    table::add_access_key(txn, &key).await?;
    Ok(RootCredentials {
        access_key_id: key.id,
        secret,
    })
}

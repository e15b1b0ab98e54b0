//! The first access key of an account, before any caller exists.

use crate::{
    model::{access_key::AccessKey, user::Owner},
    table::{self, AccountRow},
};
use base::{AccountId, Fault, Random, Secret};
use envelope::Keyring;

/// The root access key of a new account. The secret is shown once and kept by whom it is shown to.
pub(crate) struct RootCredentials {
    /// `AKIA…`
    pub(crate) access_key_id: String,
    /// The secret access key.
    pub(crate) secret: Secret<String>,
}

/// Makes a new account known to IAM, with one access key of its root, sealed under the account's keyring.
pub(crate) async fn bootstrap_root(
    txn: &mut store::Txn,
    keyring: &Keyring,
    account: AccountId,
    row: &AccountRow,
    random: &Random,
) -> Result<RootCredentials, Fault> {
    table::put_account(txn, account, row);
    let (key, secret) = AccessKey::generate(keyring, account, Owner::Root, random, row.created);
    table::add_access_key(txn, &key).await?;
    Ok(RootCredentials {
        access_key_id: key.id,
        secret,
    })
}

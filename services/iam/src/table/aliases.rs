//! The names of accounts. An account has at most one, and no two accounts have the same. They make no rights.

use base::{AccountId, Fault};
use serde::{Deserialize, Serialize};
use store::{ReadView, Txn};

/// Whose an alias is, or which an account's is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AliasRow {
    account: AccountId,
    alias: String,
}

fn alias_key(alias: &str) -> Vec<u8> {
    format!("iam/alias/{alias}").into_bytes()
}

fn account_key(account: AccountId) -> Vec<u8> {
    format!("iam/alias-of/{account}").into_bytes()
}

/// The account's alias.
pub(crate) async fn alias_of(view: &ReadView<'_>, account: AccountId) -> Result<Option<String>, Fault> {
    let row: Option<AliasRow> = view.get_row(&account_key(account)).await?;
    Ok(row.map(|row| row.alias))
}

/// Whose an alias is.
pub(crate) async fn account_of(view: &ReadView<'_>, alias: &str) -> Result<Option<AccountId>, Fault> {
    let row: Option<AliasRow> = view.get_row(&alias_key(alias)).await?;
    Ok(row.map(|row| row.account))
}

/// Gives an account an alias that nobody has, in the place of the one before.
pub(crate) async fn put(txn: &mut Txn, account: AccountId, alias: &str) -> Result<(), Fault> {
    remove(txn, account).await?;
    let row = AliasRow {
        account,
        alias: alias.to_owned(),
    };
    txn.put_row(alias_key(alias), &row);
    txn.put_row(account_key(account), &row);
    Ok(())
}

/// Takes the account's alias away, if it has one.
pub(crate) async fn remove(txn: &mut Txn, account: AccountId) -> Result<(), Fault> {
    if let Some(alias) = alias_of(&txn.view(), account).await? {
        txn.delete(alias_key(&alias));
        txn.delete(account_key(account));
    }
    Ok(())
}

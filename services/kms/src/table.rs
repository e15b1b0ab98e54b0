//! The rows of this room. The only file that knows how they are keyed.
//!
//! | row | key | what |
//! |---|---|---|
//! | key | `kms/key/ACCOUNT/REGION/ID` | [`Key`] |
//! | policy | `kms/policy/ACCOUNT/REGION/ID` | the key policy's text, as sent |
//! | alias | `kms/alias/ACCOUNT/REGION/NAME` | [`Alias`] |
//! | due | `kms/due/MICROSECONDS/ACCOUNT/REGION/ID` | [`Due`]; a key's deletion, by time |
//!
//! INVARIANT: a key has its policy row; an alias is listed in its key's row and in no other; a key that is pending deletion
//! has its due row, and no other has.

use crate::model::{Alias, AliasName, Key, KeyId, PolicyDigest};
use aws_lc_rs::digest;
use base::{AccountId, Fault, Region, Timestamp};
use gateway::Txn;
use serde::{Deserialize, Serialize};
use store::{NoAncestor, ReadView, Stored};

impl Stored for Key {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Stored for Alias {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// A key that will be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// When.
    pub deletion_date: Timestamp,
    /// The owner.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// Which.
    pub key: KeyId,
}

impl Stored for Due {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// One account in one Region: what ids and alias names are unique in.
#[derive(Clone, Copy)]
pub struct Shelf<'a> {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: &'a Region,
}

impl Shelf<'_> {
    fn row(&self, kind: &str, name: &str) -> Vec<u8> {
        format!("kms/{kind}/{}/{}/{name}", self.account, self.region).into_bytes()
    }
}

impl Key {
    /// Its account and Region.
    pub fn shelf(&self) -> Shelf<'_> {
        Shelf {
            account: self.account,
            region: &self.region,
        }
    }

    fn row(&self, kind: &str) -> Vec<u8> {
        self.shelf().row(kind, self.id.as_str())
    }
}

impl Due {
    fn row(&self) -> Vec<u8> {
        // Zero-padded, so that byte order is time order.
        let micros = u64::try_from(self.deletion_date.as_micros()).unwrap_or(0);
        format!("{DUE}{micros:020}/{}/{}/{}", self.account, self.region, self.key).into_bytes()
    }

    fn of(key: &Key) -> Option<Due> {
        let deletion_date = key.state.deletion_date()?;
        Some(Due {
            deletion_date,
            account: key.account,
            region: key.region.clone(),
            key: key.id.clone(),
        })
    }
}

const DUE: &str = "kms/due/";

/// A key.
pub async fn key(view: &ReadView<'_>, shelf: Shelf<'_>, id: &KeyId) -> Result<Option<Key>, Fault> {
    view.get_row(&shelf.row("key", id.as_str())).await
}

/// Whether there is such a key.
pub async fn has_key(view: &ReadView<'_>, shelf: Shelf<'_>, id: &KeyId) -> Result<bool, Fault> {
    Ok(view.get(&shelf.row("key", id.as_str())).await?.is_some())
}

/// A page of a shelf's keys, by id.
pub async fn keys(view: &ReadView<'_>, shelf: Shelf<'_>, after: Option<&str>, limit: usize) -> Result<Vec<Key>, Fault> {
    let after = after.map(|id| shelf.row("key", id));
    let rows = view.scan_rows(&shelf.row("key", ""), after.as_deref(), limit).await?;
    Ok(rows.into_iter().map(|(_, key)| key).collect())
}

/// Writes a key, new or changed. `before` is what it was.
pub fn put_key(txn: &mut Txn, key: &Key, before: Option<&Key>) {
    let (was, is) = (before.and_then(Due::of), Due::of(key));
    if was != is {
        if let Some(was) = was {
            txn.delete(was.row());
        }
        if let Some(is) = is {
            txn.put_row(is.row(), &is);
        }
    }
    txn.put_row(key.row("key"), key);
}

/// Writes the text of a key's policy; the key's row must name its digest.
pub fn put_policy(txn: &mut Txn, key: &Key, text: &str) {
    txn.put(key.row("policy"), text.to_owned().into_bytes());
}

/// The text of a key's policy.
pub async fn policy_text(view: &ReadView<'_>, key: &Key) -> Result<String, Fault> {
    let row = view.get(&key.row("policy")).await?;
    let row = row.ok_or_else(|| Fault::corrupt(format!("key `{}` has no policy", key.arn())))?;
    let text = String::from_utf8(row.to_vec()).map_err(|e| Fault::corrupt_by("a key policy", e))?;
    if policy_digest(&text) != key.policy {
        return Err(Fault::corrupt(format!(
            "the policy of key `{}` is not the one it names",
            key.arn()
        )));
    }
    Ok(text)
}

/// How a key's row names its policy.
pub fn policy_digest(text: &str) -> PolicyDigest {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    PolicyDigest(out)
}

/// Removes a key with its material, its policy and its aliases.
pub fn delete_key(txn: &mut Txn, key: &Key) {
    for name in &key.aliases {
        txn.delete(key.shelf().row("alias", name));
    }
    if let Some(due) = Due::of(key) {
        txn.delete(due.row());
    }
    txn.delete(key.row("policy"));
    txn.delete(key.row("key"));
}

/// Forgets a deletion.
pub fn delete_due(txn: &mut Txn, due: &Due) {
    txn.delete(due.row());
}

/// The first deletions by time, up to `limit`.
pub async fn dues(view: &ReadView<'_>, limit: usize) -> Result<Vec<Due>, Fault> {
    let rows = view.scan_rows(DUE.as_bytes(), None, limit).await?;
    Ok(rows.into_iter().map(|(_, due)| due).collect())
}

/// What an alias stands for.
pub async fn alias(view: &ReadView<'_>, shelf: Shelf<'_>, name: &str) -> Result<Option<Alias>, Fault> {
    view.get_row(&shelf.row("alias", name)).await
}

/// A page of a shelf's aliases with their names, by name.
pub async fn aliases(
    view: &ReadView<'_>,
    shelf: Shelf<'_>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Alias)>, Fault> {
    let prefix = shelf.row("alias", "");
    let after = after.map(|name| shelf.row("alias", name));
    let rows = view.scan_rows(&prefix, after.as_deref(), limit).await?;
    Ok(rows
        .into_iter()
        .map(|(row, alias)| (tail(&row, &prefix), alias))
        .collect())
}

fn tail(row: &[u8], prefix: &[u8]) -> String {
    String::from_utf8_lossy(row.get(prefix.len()..).unwrap_or_default()).into_owned()
}

/// Writes an alias, new or changed; its key's row must list it.
pub fn put_alias(txn: &mut Txn, shelf: Shelf<'_>, name: &AliasName, alias: &Alias) {
    txn.put_row(shelf.row("alias", name.as_str()), alias);
}

/// Removes an alias; its key's row must no longer list it.
pub fn delete_alias(txn: &mut Txn, shelf: Shelf<'_>, name: &AliasName) {
    txn.delete(shelf.row("alias", name.as_str()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dues_sort_by_time() {
        let due = |secs: i64| Due {
            deletion_date: Timestamp::from_secs(secs),
            account: AccountId::FIRST,
            region: Region::us_east_1(),
            key: KeyId::parse("1234abcd-12ab-34cd-56ef-1234567890ab").unwrap(),
        };
        let rows: Vec<Vec<u8>> = [-1, 0, 9, 10, 4_102_444_800].map(|secs| due(secs).row()).to_vec();
        assert!(rows.is_sorted());
    }
}

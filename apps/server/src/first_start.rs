//! What the first start of a data directory makes: the first account with its keyring and its root access key, in one
//! transaction, and the credentials file.
//!
//! The file is written under another name before the commit and gets its own after it. So a start that is broken off in
//! between is finished by the next one, and a file that its owner has removed stays away.

use crate::{data_dir::DataDir, wiring};
use anyhow::{Context, Result, bail};
use base::{AccountId, Secret};
use gateway::{ServiceCaller, World, work::Work};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::{Maintenance, NoAncestor, ReadView, Store, Stored};
use wire::ServiceName;

const DIRECTORY: &[u8] = b"server/directory";
pub(crate) const CREDENTIALS_FILE: &str = "credentials";
const PENDING_FILE: &str = "credentials.pending";

/// An access key of the first account's root.
pub struct RootAccessKey {
    /// `AKIA…`
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret<String>,
}

/// What a data directory is of.
#[derive(Serialize, Deserialize)]
pub(crate) struct DirectoryRow {
    pub(crate) first_account: AccountId,
    root_access_key_id: String,
}

impl Stored for DirectoryRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// What the directory is of; `None` before its first account was made.
pub(crate) async fn directory(store: &Store) -> Result<Option<DirectoryRow>> {
    let txn = store.begin();
    read_directory(&txn.view()).await
}

async fn read_directory(view: &ReadView<'_>) -> Result<Option<DirectoryRow>> {
    view.get_row(DIRECTORY)
        .await
        .context("cannot read what the data directory is of")
}

/// The first account: the directory's own, else the one asked for.
pub(crate) fn first_account(row: Option<&DirectoryRow>, asked: Option<AccountId>) -> Result<AccountId> {
    match (row, asked) {
        (Some(row), Some(asked)) if row.first_account != asked => bail!(
            "the first account of this data directory is {}, not {asked}; leave --account out or choose another --data-dir",
            row.first_account
        ),
        (Some(row), _) => Ok(row.first_account),
        (None, asked) => Ok(asked.unwrap_or(AccountId::FIRST)),
    }
}

/// Makes the account when there is none, and finishes what an earlier start began. The key is given once: by the start
/// that puts it into the credentials file.
pub(crate) async fn make(
    world: &Arc<World>,
    dir: &DataDir,
    row: Option<DirectoryRow>,
) -> Result<Option<RootAccessKey>> {
    let row = match row {
        Some(row) => row,
        None => make_account(world, dir)
            .await
            .context("cannot make the first account")?,
    };
    let Some(text) = dir.read(PENDING_FILE)? else {
        return Ok(None);
    };
    match parse_profile(&String::from_utf8_lossy(&text)) {
        Some(key) if key.access_key_id == row.root_access_key_id => {
            dir.rename(PENDING_FILE, CREDENTIALS_FILE)?;
            Ok(Some(key))
        }
        // Of a start whose transaction did not come about.
        _ => dir.remove(PENDING_FILE).map(|()| None),
    }
}

async fn make_account(world: &Arc<World>, dir: &DataDir) -> Result<DirectoryRow> {
    let account = world.settings.first_account;
    let caller = ServiceCaller {
        name: ServiceName::Iam.event_source(),
        source_arn: None,
        source_account: account,
    };
    let mut work = Work::begin(world, ServiceName::Iam, caller, world.settings.region.clone());
    let key = wiring::bootstrap_account(&mut work, account).await?;
    let row = DirectoryRow {
        first_account: account,
        root_access_key_id: key.access_key_id.clone(),
    };
    work.parts().1.put_row(DIRECTORY, &row);
    dir.write(PENDING_FILE, profile(&key).expose().as_bytes())?;
    work.commit(Maintenance::Bootstrap).await?;
    Ok(row)
}

fn profile(key: &RootAccessKey) -> Secret<String> {
    Secret::new(format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.access_key_id,
        key.secret_access_key.expose()
    ))
}

pub(crate) fn parse_profile(text: &str) -> Option<RootAccessKey> {
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='))?;
        Some(line.trim().to_owned())
    };
    Some(RootAccessKey {
        access_key_id: value("aws_access_key_id")?,
        secret_access_key: Secret::new(value("aws_secret_access_key")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_reads_back() {
        let key = RootAccessKey {
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: Secret::new("a/b+c=".to_owned()),
        };
        let read = parse_profile(profile(&key).expose()).unwrap();
        assert_eq!(read.access_key_id, key.access_key_id);
        assert_eq!(read.secret_access_key.expose(), key.secret_access_key.expose());
        assert!(parse_profile("[default]\n").is_none());
        assert!(parse_profile("").is_none());
    }

    #[test]
    fn the_directory_says_which_account_is_first() {
        let account = |text: &str| AccountId::parse(text).unwrap();
        let row = DirectoryRow {
            first_account: account("111122223333"),
            root_access_key_id: String::new(),
        };
        assert_eq!(first_account(None, None).unwrap(), AccountId::FIRST);
        assert_eq!(
            first_account(None, Some(account("123456789012"))).unwrap(),
            account("123456789012")
        );
        assert_eq!(first_account(Some(&row), None).unwrap(), row.first_account);
        assert_eq!(
            first_account(Some(&row), Some(row.first_account)).unwrap(),
            row.first_account
        );
        assert!(first_account(Some(&row), Some(AccountId::FIRST)).is_err());
    }
}

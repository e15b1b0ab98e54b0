//! The root of trust that lives in the data directory: `root.key`, and while it is being changed `root.key.next` too.
//!
//! | files | what |
//! |---|---|
//! | `root.key` | one key, which wraps |
//! | `root.key`, `root.key.next` | the next one wraps; the other still unwraps what is not wrapped anew yet |
//!
//! The next key is on the disk before anything is wrapped with it, and takes the name of the other, which ends it, after
//! nothing is wrapped with that any more. So there is no moment at which the files do not open what is there. The older
//! key is not kept: that it opens nothing any more is what a rotation is for.

use crate::data_dir::{read, sync_dir, write};
use anyhow::{Context, Result, bail};
use base::{Random, Secret};
use envelope::{EnvelopeFault, Key256, RootKey, RootOfTrust, WrappedKey};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

pub(crate) const ROOT_KEY_FILE: &str = "root.key";
pub(crate) const NEXT_KEY_FILE: &str = "root.key.next";

/// The root key in its file. Whoever has it holds the directory.
pub(crate) struct RootKeyFile {
    dir: PathBuf,
    keys: RwLock<Keys>,
}

struct Keys {
    current: RootKey,
    /// Retired ones too, as long as the process lives: a reader may still be at a snapshot from before.
    older: Vec<RootKey>,
    renewing: bool,
}

impl RootKeyFile {
    /// Reads the key, making it when nothing was `sealed_before`.
    pub(crate) fn open(dir: &Path, sealed_before: bool, random: &Random) -> Result<RootKeyFile> {
        let root = match key(&dir.join(ROOT_KEY_FILE))? {
            Some(root) => root,
            None if sealed_before => bail!(
                "`{}` is missing, and what is in the directory cannot be opened without it; put it back from a backup",
                dir.join(ROOT_KEY_FILE).display()
            ),
            None => {
                let root = RootKey::generate(random);
                write(dir, ROOT_KEY_FILE, root.to_text().expose().as_bytes(), true)?;
                root
            }
        };
        let keys = match key(&dir.join(NEXT_KEY_FILE))? {
            Some(next) => Keys {
                current: next,
                older: vec![root],
                renewing: true,
            },
            None => Keys {
                current: root,
                older: Vec::new(),
                renewing: false,
            },
        };
        Ok(RootKeyFile {
            dir: dir.to_owned(),
            keys: RwLock::new(keys),
        })
    }

    fn keys(&self) -> RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys_mut(&self) -> RwLockWriteGuard<'_, Keys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next key takes the place of the older one. Done already, when an attempt before came so far.
    fn replace(&self, current: &RootKey) -> Result<()> {
        let (root, next) = (self.dir.join(ROOT_KEY_FILE), self.dir.join(NEXT_KEY_FILE));
        if next.exists() {
            fs::rename(&next, &root)
                .with_context(|| format!("cannot rename `{}` to `{}`", next.display(), root.display()))?;
        }
        sync_dir(&self.dir).with_context(|| format!("cannot sync `{}`", self.dir.display()))?;
        match read(&root)?.map(Secret::new) {
            Some(text) if text.expose() == current.to_text().expose().as_bytes() => Ok(()),
            _ => bail!("`{}` is not the key that was made", root.display()),
        }
    }
}

/// The key of a file, if it is there.
fn key(path: &Path) -> Result<Option<RootKey>> {
    let Some(text) = read(path)? else {
        return Ok(None);
    };
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "`{0}` can be read by other users (mode {mode:03o}); consider whether it was read, then: chmod 600 '{0}'",
            path.display()
        );
    }
    let text = Secret::new(String::from_utf8(text).unwrap_or_default());
    let key = RootKey::from_text(text.expose());
    key.map(Some)
        .with_context(|| format!("cannot use `{}`; put it back from a backup", path.display()))
}

/// What of a failure the callers may know; the log has the rest.
fn failed(what: &'static str) -> impl FnOnce(anyhow::Error) -> EnvelopeFault {
    move |error| {
        tracing::error!(error = %format!("{error:#}"), "{what}");
        EnvelopeFault::RootUnavailable(what)
    }
}

impl RootOfTrust for RootKeyFile {
    fn wrap(&self, key: &Key256, purpose: &str, random: &Random) -> Result<WrappedKey, EnvelopeFault> {
        self.keys().current.wrap(key, purpose, random)
    }

    fn unwrap(&self, wrapped: &WrappedKey, purpose: &str) -> Result<Key256, EnvelopeFault> {
        let keys = self.keys();
        let mut found = keys.current.unwrap(wrapped, purpose);
        for older in &keys.older {
            if !matches!(found, Err(EnvelopeFault::WrappedUnderAnotherKey)) {
                break;
            }
            found = older.unwrap(wrapped, purpose);
        }
        found
    }

    fn is_current(&self, wrapped: &WrappedKey) -> bool {
        self.keys().current.is_current(wrapped)
    }

    fn renew(&self, random: &Random) -> Result<(), EnvelopeFault> {
        let mut keys = self.keys_mut();
        if keys.renewing {
            return Ok(());
        }
        let next = RootKey::generate(random);
        write(&self.dir, NEXT_KEY_FILE, next.to_text().expose().as_bytes(), true)
            .map_err(failed("the new root key could not be written"))?;
        let before = std::mem::replace(&mut keys.current, next);
        keys.older.push(before);
        keys.renewing = true;
        Ok(())
    }

    fn is_renewing(&self) -> bool {
        self.keys().renewing
    }

    fn retire(&self) -> Result<(), EnvelopeFault> {
        let mut keys = self.keys_mut();
        if keys.renewing {
            self.replace(&keys.current)
                .map_err(failed("the new root key could not take the place of the older one"))?;
            keys.renewing = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keys_open_until_the_older_is_retired_whatever_is_broken_off() {
        let dir = tempfile::tempdir().unwrap();
        let random = Random::seeded(1);
        let open = || RootKeyFile::open(dir.path(), true, &random).unwrap();
        drop(RootKeyFile::open(dir.path(), false, &random).unwrap());
        let key = Key256::generate(&random);
        let opens = |root: &RootKeyFile, wrapped: &WrappedKey| root.unwrap(wrapped, "p").is_ok();

        let root = open();
        let before = root.wrap(&key, "p", &random).unwrap();
        root.renew(&random).unwrap();
        let after = root.wrap(&key, "p", &random).unwrap();
        assert!(root.is_current(&after) && !root.is_current(&before) && root.is_renewing());
        // As after a crash: it goes on with the key that was made.
        let again = open();
        assert!(again.is_renewing() && opens(&again, &before) && opens(&again, &after));
        again.renew(&random).unwrap();
        assert!(again.is_current(&after));
        again.retire().unwrap();
        assert!(!again.is_renewing() && opens(&again, &before));
        let settled = open();
        assert!(!settled.is_renewing() && settled.is_current(&after));
        assert!(!opens(&settled, &before) && opens(&settled, &after));
        assert!(!dir.path().join(NEXT_KEY_FILE).exists());
        // Broken off between the rename and its answer, the retirement is repeated.
        assert!(root.is_renewing());
        root.retire().unwrap();
        assert!(open().is_current(&after));
    }
}

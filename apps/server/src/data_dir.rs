//! The data directory: who holds it, the keys it starts from, and its small files.
//!
//! | file | what | readable by |
//! |---|---|---|
//! | `lock`, `store-format`, `rows/`, `blobs/` | the store's | owner |
//! | `root.key`, `root.key.next` | the root of trust, in clear; the second while it is changed | owner; refused when others can read it |
//! | `store.key` | the journal's key, wrapped under the root key | owner |
//! | `ca.pem`, `ca.key` | the local CA and its sealed key, with `--tls auto` | owner |
//! | `credentials` | the first account's root access key, as an AWS profile | owner |
//! | `endpoint`, `aws-config` | where the running server is; removed at a clean stop | owner |
//!
//! A file is written whole under another name, synced, and renamed: after a crash it is there as it should be or not at
//! all. The keys come before the store that is sealed under them, so that whatever start is broken off, the next one
//! finds either nothing to go by or everything.

use crate::root_key::{ROOT_KEY_FILE, RootKeyFile};
use anyhow::{Context, Result, bail};
use base::{Clock, Fault, Random};
use envelope::{Key256, RootOfTrust, WrappedKey, small};
use gateway::rotation::UnderRoot;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};
use store::{DirLock, OpenError, Store};

const STORE_KEY_FILE: &str = "store.key";
const STORE_KEY_PURPOSE: &str = "shoseki store key";
/// What the store makes; that it is there says that something was sealed.
const ROWS: &str = "rows";

/// Memory for rows that were read. Small, for the server's whole idle footprint is to stay under 40 MiB.
const CACHE_BYTES: u64 = 16 << 20;

/// A data directory that this process holds.
pub(crate) struct DataDir {
    lock: DirLock,
    root: Arc<dyn RootOfTrust>,
    store_key: Key256,
    random: Random,
}

impl DataDir {
    /// Takes hold of the directory and of its keys, making what a first start makes.
    pub(crate) fn open(path: &Path, random: &Random) -> Result<DataDir> {
        DataDir::open_with(path, random, |sealed_before| {
            Ok(Arc::new(RootKeyFile::open(path, sealed_before, random)?))
        })
    }

    /// The same under a root of trust of any kind, which is told whether anything was sealed before.
    pub(crate) fn open_with(
        path: &Path,
        random: &Random,
        root: impl FnOnce(bool) -> Result<Arc<dyn RootOfTrust>>,
    ) -> Result<DataDir> {
        let lock = store::lock(path).map_err(refused)?;
        keep_private(path)?;
        let sealed_before = path.join(ROWS).exists();
        let root = root(sealed_before)?;
        let store_key = store_key(path, sealed_before, root.as_ref(), random)?;
        Ok(DataDir {
            lock,
            root,
            store_key,
            random: random.clone(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.lock.dir()
    }

    pub(crate) fn root(&self) -> Arc<dyn RootOfTrust> {
        Arc::clone(&self.root)
    }

    /// What of the directory hangs from the root key, but for the rows.
    pub(crate) fn under_root(&self) -> Arc<dyn UnderRoot> {
        Arc::new(StoreKeyFile {
            lock: self.lock.clone(),
            key: self.store_key.clone(),
        })
    }

    pub(crate) fn open_store(&self, clock: &Clock) -> Result<Store> {
        let options = store::Options {
            block_key: self.store_key.clone(),
            random: self.random.clone(),
            clock: clock.clone(),
            cache_bytes: CACHE_BYTES,
        };
        Store::open(self.lock.clone(), options).map_err(refused)
    }

    /// A file's bytes, if it is there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        read(&self.path().join(name))
    }

    /// Writes a file whole.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write(self.path(), name, bytes, true)
    }

    /// The same for a file that need not outlive a crash of the machine, without waiting for the disk.
    pub(crate) fn write_passing(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write(self.path(), name, bytes, false)
    }

    /// Gives a file another name, durably; what had that name is replaced.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<()> {
        let rename = || {
            fs::rename(self.path().join(from), self.path().join(to))?;
            sync_dir(self.path())
        };
        rename().with_context(|| format!("cannot rename `{from}` to `{to}` in `{}`", self.path().display()))
    }

    /// Removes a file, there or not.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.path().join(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(e).with_context(|| format!("cannot remove `{}`", self.path().join(name).display()))
            }
            _ => Ok(()),
        }
    }

    /// A sealed file's content, if it is there.
    pub(crate) fn read_sealed(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(sealed) = self.read(name)? else {
            return Ok(None);
        };
        let open = small::open(&self.store_key, sealed_identity(name).as_bytes(), &sealed);
        open.map(Some)
            .with_context(|| format!("`{}` is damaged", self.path().join(name).display()))
    }

    /// Writes a file whole and sealed.
    pub(crate) fn write_sealed(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let sealed = small::seal(&self.store_key, sealed_identity(name).as_bytes(), bytes, &self.random);
        self.write(name, &sealed)
    }
}

/// `store.key`.
struct StoreKeyFile {
    lock: DirLock,
    key: Key256,
}

impl UnderRoot for StoreKeyFile {
    fn rewrap(&self, root: &dyn RootOfTrust, random: &Random) -> Result<(), Fault> {
        let dir = self.lock.dir();
        let failed = |error: anyhow::Error| Fault::io("wrapping the store's key anew", io::Error::other(error));
        let stored = read(&dir.join(STORE_KEY_FILE)).map_err(failed)?;
        if stored.is_some_and(|bytes| root.is_current(&WrappedKey::from_bytes(bytes))) {
            return Ok(());
        }
        let wrapped = root.wrap(&self.key, STORE_KEY_PURPOSE, random)?;
        write(dir, STORE_KEY_FILE, wrapped.as_bytes(), true).map_err(failed)
    }
}

fn sealed_identity(name: &str) -> String {
    format!("shoseki file {name}\0")
}

/// The store's refusals, with how to go on.
fn refused(error: OpenError) -> anyhow::Error {
    let hint = match &error {
        OpenError::Locked { .. } => "stop the server that uses it, or choose another with --data-dir",
        OpenError::Unexplained { .. } => "choose another with --data-dir, or restore this one from a backup",
        OpenError::WrongKey { .. } => "put back the `root.key` and `store.key` that belong to it",
        OpenError::Fault(_) => "see the cause below",
    };
    anyhow::Error::new(error).context(format!("cannot open the data directory: {hint}"))
}

/// Others may neither list nor enter the directory. A directory made by hand usually lets them.
fn keep_private(path: &Path) -> Result<()> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot look at `{}`", path.display()))?;
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .with_context(|| format!("cannot close `{}` to other users", path.display()))?;
    }
    Ok(())
}

fn store_key(dir: &Path, sealed_before: bool, root: &dyn RootOfTrust, random: &Random) -> Result<Key256> {
    let path = dir.join(STORE_KEY_FILE);
    match read(&path)? {
        Some(wrapped) => root
            .unwrap(&WrappedKey::from_bytes(wrapped), STORE_KEY_PURPOSE)
            .with_context(|| {
                format!(
                    "`{ROOT_KEY_FILE}` does not open `{}`; put back the two that belong together",
                    path.display()
                )
            }),
        None if sealed_before => bail!(
            "`{}` is missing, and what is in the directory cannot be opened without it; put it back from a backup",
            path.display()
        ),
        None => {
            let key = Key256::generate(random);
            write(
                dir,
                STORE_KEY_FILE,
                root.wrap(&key, STORE_KEY_PURPOSE, random)?.as_bytes(),
                true,
            )?;
            Ok(key)
        }
    }
}

pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

/// Writes a file that only its owner may read. This process holds the directory, so the other name is free to use.
pub(crate) fn write(dir: &Path, name: &str, bytes: &[u8], durably: bool) -> Result<()> {
    let path = dir.join(name);
    let partial: PathBuf = dir.join(format!("{name}.partial"));
    let write = || -> io::Result<()> {
        match fs::remove_file(&partial) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)?;
        file.write_all(bytes)?;
        if durably {
            file.sync_all()?;
        }
        fs::rename(&partial, &path)?;
        if durably { sync_dir(dir) } else { Ok(()) }
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    use envelope::RootKey;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    fn open(path: &Path) -> Result<DataDir> {
        DataDir::open(path, &Random::seeded(1))
    }

    fn refusal(path: &Path) -> String {
        format!("{:#}", open(path).err().unwrap())
    }

    #[test]
    fn what_is_made_is_private_and_opens_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let first = open(&path).unwrap();
        first.write_sealed("ca.key", b"secret").unwrap();
        assert!(
            !fs::read(path.join("ca.key"))
                .unwrap()
                .windows(6)
                .any(|w| w == b"secret")
        );
        drop(first);
        assert_eq!(mode(&path), 0o700);
        for name in [ROOT_KEY_FILE, STORE_KEY_FILE, "ca.key"] {
            assert_eq!(mode(&path.join(name)), 0o600, "{name}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let again = open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(again.read_sealed("ca.key").unwrap().as_deref(), Some(&b"secret"[..]));
        assert_eq!(again.read_sealed("other").unwrap(), None);
    }

    #[test]
    fn a_start_that_was_broken_off_anywhere_is_followed_by_one_that_works() {
        for last_made in [None, Some(ROOT_KEY_FILE), Some(STORE_KEY_FILE)] {
            let dir = tempfile::tempdir().unwrap();
            drop(open(dir.path()).unwrap());
            if last_made != Some(STORE_KEY_FILE) {
                fs::remove_file(dir.path().join(STORE_KEY_FILE)).unwrap();
            }
            if last_made.is_none() {
                fs::remove_file(dir.path().join(ROOT_KEY_FILE)).unwrap();
            }
            fs::write(dir.path().join("store.key.partial"), b"half").unwrap();
            assert!(open(dir.path()).is_ok(), "{last_made:?}");
        }
    }

    #[test]
    fn a_directory_that_is_held_open_to_others_or_incomplete_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let held = open(path).unwrap();
        assert!(refusal(path).contains("in use by another process"), "{}", refusal(path));
        drop(held);
        let root = path.join(ROOT_KEY_FILE);
        fs::set_permissions(&root, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(refusal(path).contains("mode 640"), "{}", refusal(path));
        fs::set_permissions(&root, fs::Permissions::from_mode(0o600)).unwrap();
        let text = fs::read(&root).unwrap();
        fs::write(&root, b"nonsense").unwrap();
        assert!(refusal(path).contains("not a root key file"), "{}", refusal(path));
        fs::write(&root, RootKey::generate(&Random::os()).to_text().expose()).unwrap();
        assert!(refusal(path).contains("belong together"), "{}", refusal(path));
        fs::write(&root, &text).unwrap();
        fs::create_dir(path.join(ROWS)).unwrap();
        fs::remove_file(path.join(STORE_KEY_FILE)).unwrap();
        assert!(
            refusal(path).contains("`store.key` is missing") || refusal(path).contains("store.key"),
            "{}",
            refusal(path)
        );
        fs::remove_file(&root).unwrap();
        assert!(refusal(path).contains("root.key"), "{}", refusal(path));
    }
}

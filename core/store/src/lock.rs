//! Who may use a data directory: one process, and only a directory whose state it can explain.
//!
//! `lock` is an empty file held locked for the life of the process. `store-format` says how far the directory's making
//! got: `creating 1` while no transaction can have been answered yet, `ready 1` afterwards.

use base::Fault;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

const LOCK_FILE: &str = "lock";
const FORMAT_FILE: &str = "store-format";
const CREATING: &str = "creating 1\n";
const READY: &str = "ready 1\n";

/// The exclusive right to a data directory, held until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct DirLock(Arc<Held>);

#[derive(Debug)]
struct Held {
    dir: PathBuf,
    _file: File,
}

/// Why a data directory was not opened. Nothing in it has been changed, except that missing folders may have been made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk refused, or stored bytes do not agree.
    #[error("the data directory could not be opened")]
    Fault(#[source] Fault),
    /// Another process has it open.
    #[error("`{dir}` is in use by another process", dir = dir.display())]
    Locked {
        /// The data directory.
        dir: PathBuf,
    },
    /// It is in a state that no start, stop or crash of this program leaves behind.
    #[error("`{dir}` is not a data directory of this program: {what}", dir = dir.display())]
    Unexplained {
        /// The data directory.
        dir: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The journal was sealed under another key.
    #[error("the key given does not open the journal of `{dir}`", dir = dir.display())]
    WrongKey {
        /// The data directory.
        dir: PathBuf,
    },
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> OpenError {
        OpenError::Fault(fault)
    }
}

/// Takes the exclusive right to `dir`, which is made when it is missing. Does not wait.
pub fn lock(dir: &Path) -> Result<DirLock, OpenError> {
    make_private_dir(dir)?;
    let path = dir.join(LOCK_FILE);
    let file = private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(&path)
        .map_err(|e| Fault::io(format!("opening `{}`", path.display()), e))?;
    match file.try_lock() {
        Ok(()) => Ok(DirLock(Arc::new(Held {
            dir: dir.to_owned(),
            _file: file,
        }))),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(e)) => Err(Fault::io(format!("locking `{}`", path.display()), e).into()),
    }
}

/// What the directory was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing was ever answered from it.
    New,
    /// In use.
    Ready,
}

impl DirLock {
    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    pub(crate) fn engine_dir(&self) -> PathBuf {
        self.0.dir.join("rows")
    }

    pub(crate) fn blobs_dir(&self) -> PathBuf {
        self.0.dir.join("blobs")
    }

    /// Decides whether this is a new directory or one in use; anything else is refused.
    pub(crate) fn inspect(&self) -> Result<Found, OpenError> {
        let mark = match fs::read_to_string(self.0.dir.join(FORMAT_FILE)) {
            Ok(text) => Some(text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(Fault::io("reading the format of the data directory", e).into()),
        };
        let has_rows = self.engine_dir().exists();
        match mark.as_deref() {
            None if !has_rows => {
                self.mark(CREATING)?;
                Ok(Found::New)
            }
            None => Err(self.unexplained("it has rows but no format")),
            Some(CREATING) => Ok(Found::New),
            Some(READY) if has_rows => Ok(Found::Ready),
            Some(READY) => Err(self.unexplained("its rows are gone")),
            Some(other) => Err(self.unexplained(format!("its format is `{}`", other.trim_end()))),
        }
    }

    /// From here an absent `rows` folder is a loss, not a beginning.
    pub(crate) fn mark_ready(&self) -> Result<(), Fault> {
        self.mark(READY)
    }

    pub(crate) fn unexplained(&self, what: impl Into<String>) -> OpenError {
        OpenError::Unexplained {
            dir: self.0.dir.clone(),
            what: what.into(),
        }
    }

    fn mark(&self, text: &str) -> Result<(), Fault> {
        let write = || -> io::Result<()> {
            let new = self.0.dir.join("store-format.new");
            let mut file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(&new)?;
            io::Write::write_all(&mut file, text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, self.0.dir.join(FORMAT_FILE))?;
            sync_dir(&self.0.dir)
        };
        write().map_err(|e| Fault::io("writing the format of the data directory", e))
    }
}

/// Makes the names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes `dir` and what is missing above it, readable by its owner only.
pub(crate) fn make_private_dir(dir: &Path) -> Result<(), Fault> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(|e| Fault::io(format!("making `{}`", dir.display()), e))
}

/// A file that only its owner may read.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        assert!(matches!(lock(dir.path()), Err(OpenError::Locked { .. })));
        drop(held);
        assert!(lock(dir.path()).is_ok());
    }

    #[test]
    fn only_an_explained_state_opens() {
        let check = |mark: Option<&str>, rows: bool, expected: Option<Found>| {
            let dir = tempfile::tempdir().unwrap();
            if let Some(mark) = mark {
                fs::write(dir.path().join(FORMAT_FILE), mark).unwrap();
            }
            if rows {
                fs::create_dir(dir.path().join("rows")).unwrap();
            }
            let found = lock(dir.path()).unwrap().inspect();
            assert_eq!(found.ok(), expected, "{mark:?} {rows}");
        };
        check(None, false, Some(Found::New));
        check(None, true, None);
        check(Some(CREATING), false, Some(Found::New));
        check(Some(CREATING), true, Some(Found::New));
        check(Some(READY), true, Some(Found::Ready));
        check(Some(READY), false, None);
        check(Some("ready 2\n"), true, None);
        check(Some(""), true, None);
    }
}

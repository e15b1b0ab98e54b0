//! The file that takes a change back, as it is kept on disk.

use super::{BeforeState, Call};
use std::{
    fs::{File, OpenOptions},
    io::{Error, ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The format that is written and read.
pub(super) const VERSION: u32 = 1;
/// The longest file that is read, in bytes.
const FILE_MAX: u64 = 16 * 1024 * 1024;

/// A file that takes a change back. It is always whole: each state replaces the one before by a rename, after it is on disk.
#[derive(Debug)]
pub struct BeforeFile {
    path: PathBuf,
    state: BeforeState,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error("`{path}` cannot be read: {source}")]
    Unread {
        /// The file.
        path: String,
        /// Why.
        source: Error,
    },
    /// It is something else.
    #[error("`{path}` does not say how to take a change back: {reason}")]
    Other {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// It is of another version of this program.
    #[error("`{path}` is of the format {found}; this program knows the format {VERSION}")]
    Version {
        /// The file.
        path: String,
        /// Its format.
        found: u64,
    },
}

impl BeforeFile {
    /// A new file, readable by its owner alone (mode 0600), of a change that nothing is made of yet.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when there is a file of this name: what it takes back may still be needed.
    pub fn create(path: &Path, state: BeforeState) -> Result<BeforeFile, Error> {
        // This takes the name; the rename below replaces what is of this change alone.
        exclusive(path)?;
        let undo = state.undo.clone();
        let mut file = BeforeFile {
            path: path.to_owned(),
            state,
        };
        file.keep(&undo)?;
        Ok(file)
    }

    /// A file that is there.
    pub fn open(path: &Path) -> Result<BeforeFile, Unusable> {
        let name = || path.display().to_string();
        let unread = |source| Unusable::Unread { path: name(), source };
        let other = |reason: String| Unusable::Other { path: name(), reason };
        let mut text = String::new();
        let mut file = File::open(path).map_err(unread)?.take(FILE_MAX);
        file.read_to_string(&mut text).map_err(unread)?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|fault| other(fault.to_string()))?;
        match value["version"].as_u64() {
            Some(version) if version != u64::from(VERSION) => Err(Unusable::Version {
                path: name(),
                found: version,
            }),
            _ => Ok(BeforeFile {
                path: path.to_owned(),
                state: serde_json::from_value(value).map_err(|fault| other(fault.to_string()))?,
            }),
        }
    }

    /// What it says.
    pub fn state(&self) -> &BeforeState {
        &self.state
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// From now on these calls take the change back. When this has returned they are on disk, whatever happens then; when it fails,
    /// what was kept before is.
    pub fn keep(&mut self, undo: &[Call]) -> Result<(), Error> {
        self.state.undo = undo.to_vec();
        let text = serde_json::to_vec_pretty(&self.state).map_err(Error::other)?;
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let name = self.path.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
        let temporary = folder.join(format!(".{name}.{}", std::process::id()));
        // What an earlier process of this id has left half-written.
        let _ = std::fs::remove_file(&temporary);
        let written = write(&temporary, &text).and_then(|()| std::fs::rename(&temporary, &self.path));
        if written.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        written?;
        File::open(folder)?.sync_all()
    }

    /// Removes it: nothing was changed, and there is nothing to take back.
    pub fn discard(self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn exclusive(path: &Path) -> Result<File, Error> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn write(path: &Path, text: &[u8]) -> Result<(), Error> {
    let mut file = exclusive(path)?;
    file.write_all(text)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt;

    fn a_change() -> BeforeState {
        let change = crate::message!("a change", "変更");
        BeforeState::of(
            "000000000000",
            &change,
            Some("arn:aws:iam::000000000000:root"),
            "2026-01-01T00:00:00Z",
        )
    }

    #[test]
    fn a_file_is_kept_read_back_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("before.json");
        let mut file = BeforeFile::create(&path, a_change()).unwrap();
        let call = Call::new("kms", "DisableKey", "r", json!({ "KeyId": "k" }));
        file.keep(std::slice::from_ref(&call)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let opened = BeforeFile::open(&path).unwrap();
        assert_eq!(opened.state().undo, [call]);
        let title = opened.state().title();
        assert_eq!(title.in_language(crate::message::Language::Japanese), "変更");
        assert_eq!(opened.state().by.as_deref(), Some("arn:aws:iam::000000000000:root"));
        let again = BeforeFile::create(&path, a_change());
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        file.discard();
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_such_file_is_refused_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("before.json");
        let refused = |text: &str, expected: &str| {
            std::fs::write(&path, text).unwrap();
            let found = BeforeFile::open(&path).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}");
        };
        refused("{", "does not say how");
        refused(r#"{"version":2,"else":1}"#, "of the format 2");
        refused(
            r#"{"version":1,"account":"a","change":"","madeAt":"","undo":[],"x":1}"#,
            "unknown field",
        );
        std::fs::remove_file(&path).unwrap();
        assert!(
            BeforeFile::open(&path)
                .unwrap_err()
                .to_string()
                .contains("cannot be read")
        );
    }
}

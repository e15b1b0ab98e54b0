//! Which files were taken in whole: one JSON line each, appended when the last of a file's records was answered.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sigv4::checksum::{Checksum, ChecksumAlgorithm};
use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

/// A file as it was: another that is rotated to its place may be as long, and as old.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Known {
    path: String,
    bytes: u64,
    /// Of all of the file, in base64.
    sha256: String,
}

/// A file that is summed up while it is read.
pub(crate) struct Summed {
    file: File,
    bytes: u64,
    sha256: Checksum,
}

impl Summed {
    /// Nothing of it has been read.
    pub(crate) fn new(file: File) -> Summed {
        Summed {
            file,
            bytes: 0,
            sha256: Checksum::new(ChecksumAlgorithm::Sha256),
        }
    }

    /// Reads what is left, and says what the file was; `None` when its path cannot be written down.
    pub(crate) fn known(mut self, path: &Path) -> io::Result<Option<Known>> {
        io::copy(&mut self, &mut io::sink())?;
        let path = path.canonicalize()?;
        Ok(path.to_str().map(|path| Known {
            path: path.to_owned(),
            bytes: self.bytes,
            sha256: self.sha256.finish(),
        }))
    }
}

impl Read for Summed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.sha256.update(buffer.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }
}

/// The file that remembers.
pub(crate) struct State {
    known: HashSet<Known>,
    lengths: HashSet<(String, u64)>,
    file: File,
}

impl State {
    /// Reads what is remembered; a line that a crash cut short is as none.
    pub(crate) fn open(path: &Path) -> Result<State> {
        let what = || format!("cannot use `{}`", path.display());
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .with_context(what)?;
        let text = std::fs::read_to_string(path).with_context(what)?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n").with_context(what)?;
        }
        let known: HashSet<Known> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let lengths = known.iter().map(|file| (file.path.clone(), file.bytes)).collect();
        Ok(State { known, lengths, file })
    }

    /// Whether this file was taken in, and holds what it held. One that cannot be read is not known, and reading it says why.
    pub(crate) fn has(&self, path: &Path) -> bool {
        // Only what may be known is read for it.
        let may_be = || {
            let (path, bytes) = (path.canonicalize().ok()?, path.metadata().ok()?.len());
            self.lengths.contains(&(path.to_str()?.to_owned(), bytes)).then_some(())
        };
        let known = || Summed::new(File::open(path).ok()?).known(path).ok()?;
        may_be().is_some() && known().is_some_and(|file| self.known.contains(&file))
    }

    /// Remembers a file. Standard input is none.
    pub(crate) fn add(&mut self, file: &Option<Known>) -> Result<()> {
        if let Some(file) = file {
            let line = serde_json::to_string(file)? + "\n";
            self.file.write_all(line.as_bytes()).context("cannot remember a file")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(path: &Path) -> Option<Known> {
        Summed::new(File::open(path).unwrap()).known(path).unwrap()
    }

    #[test]
    fn a_file_is_known_while_it_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (data, path) = (folder.path().join("data"), folder.path().join("state"));
        std::fs::write(&data, "x").unwrap();
        let mut state = State::open(&path).unwrap();
        assert!(!state.has(&data));
        state.add(&known(&data)).unwrap();
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "{\"path\":\"cut").unwrap();
        assert!(State::open(&path).unwrap().has(&data));
        let modified = data.metadata().unwrap().modified().unwrap();
        // As long and as old, and another.
        std::fs::write(&data, "y").unwrap();
        let file = OpenOptions::new().write(true).open(&data).unwrap();
        file.set_modified(modified).unwrap();
        assert!(!State::open(&path).unwrap().has(&data));
        std::fs::write(&data, "xy").unwrap();
        assert!(!State::open(&path).unwrap().has(&data));
        std::fs::write(&data, "x").unwrap();
        assert!(State::open(&path).unwrap().has(&data));
        assert!(!State::open(&path).unwrap().has(folder.path()));
    }
}

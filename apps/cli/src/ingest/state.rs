//! Which files were taken in whole: one JSON line each, appended when the last of a file's records was answered.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Known {
    path: String,
    bytes: u64,
}

impl Known {
    /// The file as it is now; `None` when it cannot be told.
    pub(crate) fn of(path: &Path) -> Option<Known> {
        let path = path.canonicalize().ok()?;
        Some(Known {
            bytes: path.metadata().ok()?.len(),
            path: path.to_str()?.to_owned(),
        })
    }
}

/// The file that remembers.
pub(crate) struct State {
    known: HashSet<Known>,
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
        let known = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        Ok(State { known, file })
    }

    /// Whether this file was taken in, and is of the length that it was.
    pub(crate) fn has(&self, path: &Path) -> bool {
        Known::of(path).is_some_and(|file| self.known.contains(&file))
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

    #[test]
    fn a_file_is_known_while_it_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (data, path) = (folder.path().join("data"), folder.path().join("state"));
        std::fs::write(&data, "x").unwrap();
        let mut state = State::open(&path).unwrap();
        assert!(!state.has(&data));
        state.add(&Known::of(&data)).unwrap();
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "{\"path\":\"cut").unwrap();
        assert!(State::open(&path).unwrap().has(&data));
        std::fs::write(&data, "xy").unwrap();
        assert!(!State::open(&path).unwrap().has(&data));
    }
}

//! What was found valid before. An entry counts only for an object that is the same: its tag, its length and the hash that the
//! digest names today. Digests are always read again.
//!
//! In a bucket the tag is the ETag: S3 is trusted to give another one to other bytes. In a folder it is the SHA-256 of the file as it lies, which
//! is read each time: the time of a file is set by whoever writes it. Whoever can write to the cache is believed.
//!
//! A line of JSON is one log file. What cannot be read of a cache is passed over; then the file is looked at again.

use super::control::Control;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// A file's name in the cache: the first half of the SHA-256 of its key.
pub(crate) type Name = u128;

#[derive(Serialize, Deserialize)]
struct Line {
    /// The object's key.
    key: String,
    /// Its tag.
    tag: String,
    /// Its length.
    bytes: u64,
    /// The hash of its content, in hex.
    sha256: String,
    /// The trail's own events in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    controls: Vec<Control>,
}

/// The valid log files of one account and Region of one source.
pub(crate) struct Cache {
    known: HashMap<Name, Entry>,
    out: Option<Mutex<BufWriter<File>>>,
}

struct Entry {
    /// Of tag, length and hash together.
    what: Name,
    controls: Vec<Control>,
}

pub(crate) fn name(parts: &[&str]) -> Name {
    let sum = record::sha256(parts.join("\n").as_bytes());
    sum.first_chunk::<16>().map_or(0, |half| u128::from_be_bytes(*half))
}

fn what(tag: &str, bytes: u64, sha256: &str) -> Name {
    name(&[tag, &bytes.to_string(), sha256])
}

impl Cache {
    pub(crate) fn none() -> Cache {
        Cache {
            known: HashMap::new(),
            out: None,
        }
    }

    /// Opens the cache of a source's account and Region in this folder.
    pub(crate) fn open(folder: &Path, source: &str, group: &str) -> std::io::Result<Cache> {
        make_folder(folder)?;
        let path = folder.join(format!("{:032x}.jsonl", name(&[source, group])));
        let mut known = HashMap::new();
        let mut ends_whole = true;
        if let Ok(file) = File::open(&path) {
            let mut reader = BufReader::new(file);
            let mut text = Vec::new();
            while reader.read_until(b'\n', &mut text)? > 0 {
                ends_whole = text.ends_with(b"\n");
                if let Ok(line) = serde_json::from_slice::<Line>(&text) {
                    let entry = Entry {
                        what: what(&line.tag, line.bytes, &line.sha256),
                        controls: line.controls,
                    };
                    known.insert(name(&[&line.key]), entry);
                }
                text.clear();
            }
        }
        let mut out = open_for_append(&path)?;
        if !ends_whole {
            // A line that an interruption cut short.
            out.write_all(b"\n")?;
        }
        Ok(Cache {
            known,
            out: Some(Mutex::new(BufWriter::new(out))),
        })
    }

    /// Whether anything is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.out.is_some()
    }

    /// The trail's own events in a file that was found valid and is still the same; nothing when it must be looked at.
    pub(crate) fn valid(&self, key: &str, tag: &str, bytes: u64, sha256: &str) -> Option<Vec<Control>> {
        let entry = self.known.get(&name(&[key]))?;
        let same = !tag.is_empty() && entry.what == what(tag, bytes, sha256);
        same.then(|| entry.controls.clone())
    }

    /// Keeps that a file was found valid.
    pub(crate) fn keep(
        &self,
        key: &str,
        tag: &str,
        bytes: u64,
        sha256: &str,
        controls: &[Control],
    ) -> std::io::Result<()> {
        let Some(out) = &self.out else {
            return Ok(());
        };
        let line = Line {
            key: key.to_owned(),
            tag: tag.to_owned(),
            bytes,
            sha256: sha256.to_owned(),
            controls: controls.to_vec(),
        };
        let mut text = serde_json::to_vec(&line).map_err(std::io::Error::other)?;
        text.push(b'\n');
        out.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text)
    }

    /// Writes what is kept to the disk.
    pub(crate) fn flush(&self) -> std::io::Result<()> {
        match &self.out {
            Some(out) => out.lock().unwrap_or_else(PoisonError::into_inner).flush(),
            None => Ok(()),
        }
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn open_for_append(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

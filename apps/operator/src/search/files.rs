//! Log files on this machine: single ones, or all below a directory, for instance a copy of a bucket.

use super::{
    engine::{Body, Item, ProblemKind},
    name::is_digest,
    query::Matcher,
};
use std::{
    io,
    path::{Path, PathBuf},
};
use tokio::sync::mpsc::Sender;

/// Endings of what may hold records.
const ENDINGS: [&str; 4] = [".json", ".jsonl", ".ndjson", ".gz"];

pub(super) fn may_hold_records(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending)) && !is_digest(name)
}

/// Sends the files of these paths in order: `-` is standard input; below a directory come all files that may hold records, by
/// name. A path that cannot be read is sent too, as a file that is missing. Blocks its thread.
pub fn in_files(paths: &[PathBuf], matcher: &Matcher, items: &Sender<Item>) {
    for path in paths {
        if path.as_os_str() == "-" {
            let item = Item {
                name: "standard input".to_owned(),
                body: Body::Stdin,
            };
            if items.blocking_send(item).is_err() {
                return;
            }
        } else if !walk(path, true, matcher, items) {
            return;
        }
    }
}

/// Sends a file, or those of a directory. False: nobody takes any more.
fn walk(path: &Path, named: bool, matcher: &Matcher, items: &Sender<Item>) -> bool {
    let name = path.to_string_lossy();
    let failed = |error: &io::Error| {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => ProblemKind::Refused,
            _ => ProblemKind::Unreadable,
        };
        let body = Body::Missing(kind, error.to_string());
        let name = name.clone().into_owned();
        items.blocking_send(Item { name, body }).is_ok()
    };
    // A link below a directory could lead around in a circle.
    let kind = match named {
        true => path.metadata(),
        false => path.symlink_metadata(),
    };
    match kind {
        Err(error) => failed(&error),
        Ok(kind) if kind.is_dir() => match entries(path) {
            Err(error) => failed(&error),
            Ok(entries) => entries.iter().all(|entry| walk(entry, false, matcher, items)),
        },
        Ok(_) => {
            let is_meant = named || may_hold_records(&name) && matcher.may_be_in_file(&name);
            if !is_meant {
                return true;
            }
            let body = Body::File(path.to_owned());
            let name = name.into_owned();
            items.blocking_send(Item { name, body }).is_ok()
        }
    }
}

fn entries(path: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = path.read_dir()?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<io::Result<Vec<PathBuf>>>()?;
    entries.sort();
    Ok(entries)
}

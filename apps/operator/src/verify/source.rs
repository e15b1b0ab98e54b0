//! Where the files lie: a bucket, or a folder with a copy of one; and where they lay when they were signed.

use crate::aws::{Budget, Client, Error, Pooled, elements};
use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Component, Path, PathBuf},
    sync::Arc,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A listing may have pages without anything new on them, but not so many in a row.
const IDLE_PAGES_MAX: usize = 100;

/// What follows an object's key in the name of the file that holds its metadata.
pub const SIDECAR: &str = ".metadata.json";

/// Where files lie now, of those that once lay elsewhere: `s3://old/prefix=s3://new/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMap {
    /// Bucket and beginning of the key, as signed.
    signed: (String, String),
    /// The same, as they are; of a folder the bucket is empty.
    now: (String, String),
}

impl PathMap {
    /// Reads `s3://old/prefix=s3://new/prefix`; the right side may be a path inside the folder of `--local`.
    pub fn parse(text: &str) -> Result<PathMap, String> {
        let wrong = || format!("`{text}` is not of the form s3://old/prefix=s3://new/prefix");
        let (signed, now) = text.split_once('=').ok_or_else(wrong)?;
        let signed = signed.strip_prefix("s3://").ok_or_else(wrong)?;
        let split = |place: &str| {
            let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
            (bucket.to_owned(), folder(key))
        };
        let now = match now.strip_prefix("s3://") {
            Some(place) => split(place),
            None => (
                String::new(),
                folder(now.trim_start_matches("./").trim_start_matches('.')),
            ),
        };
        let map = PathMap {
            signed: split(signed),
            now,
        };
        match map.signed.0.is_empty() {
            true => Err(wrong()),
            false => Ok(map),
        }
    }
}

/// `a/b` as `a/b/`, nothing as nothing.
fn folder(key: &str) -> String {
    let key = key.trim_matches('/');
    if key.is_empty() {
        String::new()
    } else {
        format!("{key}/")
    }
}

/// An object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) bytes: u64,
    /// Changes when the object does. Of a file of this machine it is empty: nothing but its bytes tells.
    pub(crate) tag: String,
}

/// An object that was fetched.
pub(crate) struct Fetched {
    pub(crate) body: Bytes,
    /// User metadata, names in lower case; none where it was not copied along.
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    /// Of the bytes that were fetched, not of those that were listed.
    pub(crate) tag: String,
    _held: Option<OwnedSemaphorePermit>,
}

enum Kind {
    Bucket {
        client: Client,
        bucket: String,
        budget: Budget,
    },
    Folder(PathBuf),
}

/// A bucket or a folder. Clones share it.
#[derive(Clone)]
pub(crate) struct Source(Arc<Inner>);

struct Inner {
    kind: Kind,
    calls: Semaphore,
    maps: Vec<PathMap>,
    object_bytes_max: u64,
}

impl Source {
    /// The bucket, asked in its own Region.
    pub(crate) async fn bucket(
        client: &Client,
        bucket: &str,
        budget: Budget,
        calls: usize,
        maps: Vec<PathMap>,
        object_bytes_max: u64,
    ) -> Result<Source, Error> {
        let client = match client.s3(Method::GET, bucket, "", "location=", &[], "").await {
            Ok(answer) => client.in_region(&location(&answer.text())),
            // Whoever may not ask where it is may still read it; a wrong Region is told by the first answer.
            Err(error) if error.refused().is_some_and(|refused| refused.status == 403) => client.clone(),
            Err(error) => return Err(error),
        };
        Ok(Source(Arc::new(Inner {
            kind: Kind::Bucket {
                client,
                bucket: bucket.to_owned(),
                budget,
            },
            calls: Semaphore::new(calls.max(1)),
            maps,
            object_bytes_max,
        })))
    }

    /// A folder in which the files lie by their keys.
    pub(crate) fn folder(root: &Path, calls: usize, maps: Vec<PathMap>, object_bytes_max: u64) -> Source {
        Source(Arc::new(Inner {
            kind: Kind::Folder(root.to_owned()),
            calls: Semaphore::new(calls.max(1)),
            maps,
            object_bytes_max,
        }))
    }

    /// As people call it.
    pub(crate) fn name(&self) -> String {
        match &self.0.kind {
            Kind::Bucket { bucket, .. } => format!("s3://{bucket}"),
            Kind::Folder(root) => root.display().to_string(),
        }
    }

    pub(crate) fn is_local(&self) -> bool {
        matches!(self.0.kind, Kind::Folder(_))
    }

    fn bucket_name(&self) -> &str {
        match &self.0.kind {
            Kind::Bucket { bucket, .. } => bucket,
            Kind::Folder(_) => "",
        }
    }

    /// Where a file that was signed at this place lies now, if it lies here.
    pub(crate) fn key_now(&self, bucket: &str, key: &str) -> Option<String> {
        let here = self.bucket_name();
        for map in &self.0.maps {
            if map.signed.0 == bucket
                && let Some(rest) = key.strip_prefix(map.signed.1.as_str())
            {
                return (here.is_empty() || map.now.0 == here).then(|| format!("{}{rest}", map.now.1));
            }
        }
        (here.is_empty() || here == bucket).then(|| key.to_owned())
    }

    /// Whether a file that lies here may have been signed at this place.
    pub(crate) fn is_place_of(&self, key: &str, signed_bucket: &str, signed_key: &str) -> bool {
        self.key_now(signed_bucket, signed_key).as_deref() == Some(key)
    }

    /// The names of the folders under a prefix.
    pub(crate) async fn folders(&self, prefix: &str) -> Result<Vec<String>, Error> {
        match &self.0.kind {
            Kind::Folder(root) => {
                let Some(path) = inside(root, prefix) else {
                    return Ok(Vec::new());
                };
                blocking(move || folder_names(&path)).await
            }
            Kind::Bucket { client, bucket, .. } => {
                let mut names: Vec<String> = Vec::new();
                let (mut after, mut idle) = (String::new(), 0);
                loop {
                    let before = names.last().cloned();
                    let _turn = self.0.calls.acquire().await;
                    let page = page(client, bucket, prefix, &after, "/").await?;
                    let found = elements(&page, "Prefix").into_iter().map(|found| decoded(&found));
                    names.extend(found.filter_map(|found| {
                        let name = found.strip_prefix(prefix)?.strip_suffix('/')?;
                        (!name.is_empty()).then(|| name.to_owned())
                    }));
                    idle = if names.last().cloned() <= before { idle + 1 } else { 0 };
                    match next_page(&page) {
                        Some(token) if token == after || idle >= IDLE_PAGES_MAX => return Err(endless(prefix)),
                        Some(token) => after = token,
                        None => return Ok(names),
                    }
                }
            }
        }
    }

    /// The objects under a prefix, in the order of their keys, as long as `take` wants more.
    pub(crate) async fn list(
        &self,
        prefix: &str,
        start_after: &str,
        mut take: impl FnMut(Listed) -> bool,
    ) -> Result<(), Error> {
        match &self.0.kind {
            Kind::Folder(root) => {
                let (root, prefix) = (root.clone(), prefix.to_owned());
                for listed in blocking(move || listed_files(&root, &prefix)).await? {
                    if listed.key.as_str() > start_after && !take(listed) {
                        break;
                    }
                }
                Ok(())
            }
            Kind::Bucket { client, bucket, .. } => {
                let (mut token, mut reached, mut idle) = (String::new(), String::new(), 0);
                loop {
                    let before = reached.clone();
                    let page = {
                        let _turn = self.0.calls.acquire().await;
                        match token.is_empty() && !start_after.is_empty() {
                            true => first_page(client, bucket, prefix, start_after).await?,
                            false => page(client, bucket, prefix, &token, "").await?,
                        }
                    };
                    for entry in elements(&page, "Contents") {
                        let first = |name: &str| elements(&entry, name).into_iter().next().unwrap_or_default();
                        let listed = Listed {
                            key: decoded(&first("Key")),
                            bytes: first("Size").parse().unwrap_or(u64::MAX),
                            tag: first("ETag"),
                        };
                        reached = reached.max(listed.key.clone());
                        if !take(listed) {
                            return Ok(());
                        }
                    }
                    idle = if reached == before { idle + 1 } else { 0 };
                    match next_page(&page) {
                        // A listing that does not go on would never end.
                        Some(next) if next == token || idle >= IDLE_PAGES_MAX => return Err(endless(prefix)),
                        Some(next) => token = next,
                        None => return Ok(()),
                    }
                }
            }
        }
    }

    /// An object of this source; nothing when there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Fetched>, Error> {
        let _turn = self.0.calls.acquire().await;
        match &self.0.kind {
            Kind::Folder(_) => {
                let (here, key) = (self.clone(), key.to_owned());
                let read = tokio::task::spawn_blocking(move || here.read_here(&key, true)).await;
                read.unwrap_or_else(|fault| Err(Error::Unsendable(fault.to_string())))
            }
            Kind::Bucket { client, bucket, budget } => fetched(client.object(bucket, key, budget).await),
        }
    }

    /// A file of the folder, with its metadata where that is of use; nothing when there is none, or when the source is none. Blocks its thread.
    pub(crate) fn read_here(&self, key: &str, with_metadata: bool) -> Result<Option<Fetched>, Error> {
        let Kind::Folder(root) = &self.0.kind else {
            return Ok(None);
        };
        let Some(path) = inside(root, key) else {
            return Ok(None);
        };
        read_file(&path, self.0.object_bytes_max, with_metadata).map_err(|fault| Error::Unsendable(fault.to_string()))
    }

    /// An object where it was signed, which is another bucket than this one; nothing when there is none.
    pub(crate) async fn get_elsewhere(&self, bucket: &str, key: &str) -> Result<Option<Fetched>, Error> {
        match &self.0.kind {
            Kind::Folder(_) => Ok(None),
            Kind::Bucket { client, budget, .. } => {
                let _turn = self.0.calls.acquire().await;
                fetched(client.object(bucket, key, budget).await)
            }
        }
    }
}

fn fetched(answer: Result<crate::aws::Answer, Error>) -> Result<Option<Fetched>, Error> {
    let answer = match answer {
        Err(error) if error.is(&["NoSuchKey"]) => return Ok(None),
        other => other?,
    };
    let metadata = answer.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("x-amz-meta-")?;
        Some((name.to_owned(), value.to_str().ok()?.to_owned()))
    });
    Ok(Some(Fetched {
        metadata: Some(metadata.collect()),
        tag: answer.header("etag").to_owned(),
        body: answer.body,
        _held: answer.held,
    }))
}

async fn first_page(client: &Client, bucket: &str, prefix: &str, start_after: &str) -> Result<String, Error> {
    let (prefix, start_after) = (
        utf8_percent_encode(prefix, QUERY),
        utf8_percent_encode(start_after, QUERY),
    );
    let query = format!("encoding-type=url&list-type=2&prefix={prefix}&start-after={start_after}");
    Ok(client.s3(Method::GET, bucket, "", &query, &[], "").await?.text())
}

async fn page(client: &Client, bucket: &str, prefix: &str, token: &str, delimiter: &str) -> Result<String, Error> {
    let mut query = match token {
        "" => String::new(),
        token => format!("continuation-token={}&", utf8_percent_encode(token, QUERY)),
    };
    if !delimiter.is_empty() {
        query.push_str(&format!("delimiter={}&", utf8_percent_encode(delimiter, QUERY)));
    }
    query.push_str(&format!(
        "encoding-type=url&list-type=2&prefix={}",
        utf8_percent_encode(prefix, QUERY)
    ));
    Ok(client.s3(Method::GET, bucket, "", &query, &[], "").await?.text())
}

fn next_page(page: &str) -> Option<String> {
    elements(page, "NextContinuationToken").into_iter().next()
}

fn endless(prefix: &str) -> Error {
    Error::Unreadable {
        operation: "ListObjectsV2".to_owned(),
        reason: format!("the listing of {prefix} does not go on"),
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn location(xml: &str) -> String {
    let inside = xml
        .split_once("<LocationConstraint")
        .and_then(|(_, rest)| rest.split_once('>'));
    let text = inside
        .filter(|(head, _)| !head.ends_with('/'))
        .and_then(|(_, rest)| rest.split('<').next());
    match text.map(str::trim) {
        None | Some("") => "us-east-1".to_owned(),
        Some(region) => region.to_owned(),
    }
}

// --- folders ---

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|fault| Err(std::io::Error::other(fault)));
    done.map_err(|fault| Error::Unsendable(fault.to_string()))
}

/// A key as a path under the root; nothing when it leads out of it.
fn inside(root: &Path, key: &str) -> Option<PathBuf> {
    let path = Path::new(key);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| root.join(path))
}

fn folder_names(path: &Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(fault) => return Err(fault),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn listed_files(root: &Path, prefix: &str) -> std::io::Result<Vec<Listed>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = inside(root, prefix.trim_end_matches('/')).into_iter().collect();
    while let Some(path) = open.pop() {
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => continue,
            Err(fault) => return Err(fault),
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                open.push(path);
                continue;
            }
            let key = path.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned);
            let Some(key) = key.filter(|key| !key.ends_with(SIDECAR)) else {
                continue;
            };
            let metadata = std::fs::metadata(&path)?;
            found.push(Listed {
                key,
                bytes: metadata.len(),
                tag: String::new(),
            });
        }
    }
    found.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    Ok(found)
}

fn read_file(path: &Path, bytes_max: u64, with_metadata: bool) -> std::io::Result<Option<Fetched>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let length = metadata.len();
    if length > bytes_max {
        let path = path.display();
        return Err(std::io::Error::other(format!(
            "{path} has {length} bytes, more than the {bytes_max} that are allowed"
        )));
    }
    // One more: then the end is seen without making room for it.
    let mut body = Pooled::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.by_ref().take(bytes_max).read_to_end(&mut body.0)?;
    let metadata = match with_metadata {
        true => sidecar(path)?,
        false => None,
    };
    Ok(Some(Fetched {
        body: body.into_bytes(),
        metadata,
        tag: String::new(),
        _held: None,
    }))
}

/// The metadata of a file, if there is any beside it.
fn sidecar(path: &Path) -> std::io::Result<Option<BTreeMap<String, String>>> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(SIDECAR);
    match std::fs::read(PathBuf::from(beside)) {
        Ok(text) => Ok(Some(metadata_of(&text))),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The metadata in a file beside an object: a flat JSON object of names and texts, or what `aws s3api head-object` prints.
fn metadata_of(text: &[u8]) -> BTreeMap<String, String> {
    let value: Value = serde_json::from_slice(text).unwrap_or_default();
    let members = value.get("Metadata").unwrap_or(&value).as_object();
    let texts = members.into_iter().flatten().filter_map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let name = name.strip_prefix("x-amz-meta-").unwrap_or(&name).to_owned();
        Some((name, value.as_str()?.to_owned()))
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_source(maps: &[&str]) -> Source {
        let maps = maps.iter().map(|map| PathMap::parse(map).unwrap()).collect();
        Source::folder(Path::new("copy"), 1, maps, u64::MAX)
    }

    #[test]
    fn moved_files_are_found_by_where_they_were_signed() {
        let source = folder_source(&["s3://old/logs=moved/2026"]);
        let now = |bucket, key| source.key_now(bucket, key);
        assert_eq!(now("old", "logs/AWSLogs/x").as_deref(), Some("moved/2026/AWSLogs/x"));
        assert_eq!(now("other", "AWSLogs/x").as_deref(), Some("AWSLogs/x"));
        assert!(source.is_place_of("moved/2026/AWSLogs/x", "old", "logs/AWSLogs/x"));
        assert!(!source.is_place_of("AWSLogs/x", "old", "logs/AWSLogs/x"));
        let root = folder_source(&["s3://old/logs=."]);
        assert_eq!(root.key_now("old", "logs/AWSLogs/x").as_deref(), Some("AWSLogs/x"));
        for wrong in ["", "s3://a", "a=b", "s3://=s3://b"] {
            assert!(PathMap::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_key_leads_out_of_the_folder() {
        for key in ["../x", "/etc/passwd", "a/../../x"] {
            assert_eq!(inside(Path::new("copy"), key), None, "{key}");
        }
        assert!(inside(Path::new("copy"), "a/b").is_some());
    }

    #[test]
    fn metadata_is_read_in_both_forms() {
        for text in [
            r#"{"signature":"ab"}"#,
            r#"{"Metadata":{"Signature":"ab"},"ContentLength":3}"#,
        ] {
            assert_eq!(metadata_of(text.as_bytes())["signature"], "ab");
        }
        assert!(metadata_of(b"no json").is_empty());
    }
}

//! What the stock validator reads of S3, read ahead: listings, digests, log files.

use super::{
    Raised,
    date::Date,
    stock::{self, Ended},
};
use crate::aws::{Answer, Budget, Client, Error, elements};
use crate::verify::{content, judge::DIGEST_BYTES_MAX};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinHandle,
};

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What may be under way at once.
#[derive(Clone)]
pub(crate) struct Bounds {
    /// Calls.
    pub(crate) calls: Arc<Semaphore>,
    /// Memory of bodies.
    pub(crate) budget: Budget,
    /// Threads at work on bytes.
    pub(crate) cores: Arc<Semaphore>,
}

/// The bucket's door: one client for each bucket's Region. Clones share what they know.
#[derive(Clone)]
pub(crate) struct Files {
    client: Client,
    pub(crate) bounds: Bounds,
    regions: Arc<Mutex<HashMap<String, String>>>,
}

/// A digest as it was read.
#[derive(Debug)]
pub(crate) struct ReadDigest {
    /// Its JSON.
    pub(crate) json: Value,
    /// SHA-256 of its content.
    pub(crate) sha256: String,
    /// `signature`, without `x-amz-meta-`.
    pub(crate) signature: String,
    /// Of a backfill digest: when it was made.
    pub(crate) made: Option<String>,
}

/// What was found of a log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogVerdict {
    Valid,
    Changed,
    Trailing,
    Undecodable,
    Missing,
}

/// A log file to be looked at.
#[derive(Clone, Debug)]
pub(crate) struct NamedLog {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// None where the digest names none.
    pub(crate) hash: Option<String>,
}

impl Files {
    pub(crate) fn new(client: Client, bounds: Bounds) -> Files {
        Files {
            client,
            bounds,
            regions: Arc::default(),
        }
    }

    /// A client in the bucket's Region.
    async fn of_bucket(&self, bucket: &str) -> Result<Client, Raised> {
        // One caller asks, the others wait for its answer.
        let mut regions = self.regions.lock().await;
        if let Some(region) = regions.get(bucket) {
            return Ok(self.client.in_region(region));
        }
        let answer = self.client.s3(Method::GET, bucket, "", "location=", &[], "").await;
        let text = answer.map_err(|error| raised("GetBucketLocation", error))?.text();
        let region = location(&text);
        let client = self.client.in_region(&region);
        regions.insert(bucket.to_owned(), region);
        Ok(client)
    }

    /// The keys after `marker` that begin with `prefix`, page by page, as long as `take` wants more.
    pub(crate) async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        marker: &str,
        mut take: impl FnMut(String) -> bool,
    ) -> Result<(), Raised> {
        let client = self.of_bucket(bucket).await?;
        let mut marker = marker.to_owned();
        let mut before: Option<String> = None;
        loop {
            let query = format!(
                "encoding-type=url&marker={}&prefix={}",
                utf8_percent_encode(&marker, QUERY),
                utf8_percent_encode(prefix, QUERY)
            );
            let page = client.s3(Method::GET, bucket, "", &query, &[], "").await;
            let page = page.map_err(|error| raised("ListObjects", error))?.text();
            let keys: Vec<String> = elements(&page, "Key").iter().map(|key| decoded(key)).collect();
            let next = elements(&page, "NextMarker").first().map(|next| decoded(next));
            let next = next.or_else(|| keys.last().cloned());
            let is_truncated = elements(&page, "IsTruncated").first().is_some_and(|is| is == "true");
            for key in keys {
                if !take(key) {
                    return Ok(());
                }
            }
            match next.filter(|_| is_truncated) {
                // What does not go on is not whole: the stock validator does not take it for that, either.
                Some(next) if before.as_ref() == Some(&next) => {
                    let token = stock::printed(&json!({ "Marker": next }));
                    let said = format!("Error during pagination: The same next token was received twice: {token}");
                    return Err(Raised::Other(said));
                }
                Some(next) => {
                    marker.clone_from(&next);
                    before = Some(next);
                }
                None => return Ok(()),
            }
        }
    }

    async fn object(&self, bucket: &str, key: &str) -> Result<Answer, Raised> {
        let client = self.of_bucket(bucket).await?;
        let _turn = self.bounds.calls.acquire().await;
        let answer = client.object(bucket, key, &self.bounds.budget).await;
        answer.map_err(|error| raised("GetObject", error))
    }

    /// Reads a digest, as far as that goes without a public key.
    pub(crate) async fn digest(&self, bucket: &str, key: &str) -> Result<ReadDigest, Raised> {
        let answer = self.object(bucket, key).await?;
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        digest_of(&answer, &bucket, &key)
    }

    /// Looks at a log file.
    pub(crate) async fn log(&self, log: NamedLog) -> Result<LogVerdict, Raised> {
        let answer = match self.object(&log.bucket, &log.key).await {
            Ok(answer) => answer,
            Err(Raised::Client { code, .. }) if code == "NoSuchKey" => return Ok(LogVerdict::Missing),
            Err(raised @ Raised::Client { .. }) => return Err(raised),
            Err(_) => return Ok(LogVerdict::Undecodable),
        };
        let _core = self.bounds.cores.acquire().await;
        let read = tokio::task::spawn_blocking(move || content::hashed(&answer.body)).await;
        Ok(match (read, log.hash) {
            (Ok(Ok(content)), _) if content.ended == Ended::Trailing => LogVerdict::Trailing,
            (Ok(Ok(content)), Some(hash)) if content.sha256 == hash => LogVerdict::Valid,
            (Ok(Ok(_)), Some(_)) => LogVerdict::Changed,
            _ => LogVerdict::Undecodable,
        })
    }
}

fn digest_of(answer: &Answer, bucket: &str, key: &str) -> Result<ReadDigest, Raised> {
    let invalid = || Raised::Digest(format!("Digest file\ts3://{bucket}/{key}\tINVALID: invalid format"));
    let mut inflated = Vec::new();
    match stock::inflate_within(&answer.body, DIGEST_BYTES_MAX as u64, |piece| {
        inflated.extend_from_slice(piece)
    }) {
        Ok(Ended::Whole | Ended::Trailing) => {}
        Ok(Ended::CutShort) | Err(_) => return Err(invalid()),
    }
    let json = stock::json(&inflated).ok_or_else(invalid)?;
    let metadata = |name: &str| {
        let value = answer.headers.get(format!("x-amz-meta-{name}"));
        // Header values are Latin-1 to the stock validator.
        value.map(|value| {
            value
                .as_bytes()
                .iter()
                .map(|byte| char::from(*byte))
                .collect::<String>()
        })
    };
    let (Some(signature), Some(_)) = (metadata("signature"), metadata("signature-algorithm")) else {
        let failed = "INVALID: signature verification failed";
        return Err(Raised::Digest(format!("Digest file\ts3://{bucket}/{key}\t{failed}")));
    };
    match &json {
        Value::Object(_) => {}
        Value::Array(_) => {
            let said = "list indices must be integers or slices, not str";
            return Err(Raised::Other(said.to_owned()));
        }
        other => {
            let said = format!("'{}' object does not support item assignment", stock::type_name(other));
            return Err(Raised::Other(said));
        }
    }
    let made = metadata("backfill-generation-timestamp");
    if is_backfill(key) && made.is_none() {
        return Err(invalid());
    }
    Ok(ReadDigest {
        sha256: record::sha256_hex(&inflated),
        json,
        signature,
        made,
    })
}

/// Whether a digest with this key is one of the backfill chain.
pub(crate) fn is_backfill(key: &str) -> bool {
    key.ends_with("_backfill.json.gz")
}

/// The date in a digest's key: the sixteen letters before its ending.
pub(crate) fn date_in(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    let from_end = if is_backfill(key) { (33, 17) } else { (24, 8) };
    let end = letters.len().saturating_sub(from_end.1);
    let start = letters.len().saturating_sub(from_end.0).min(end);
    letters[start..end].iter().collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The Region in the answer of GetBucketLocation; without one it is us-east-1.
fn location(xml: &str) -> String {
    let inside = xml
        .split_once("<LocationConstraint")
        .and_then(|(_, rest)| rest.split_once('>'));
    let text = inside.and_then(|(head, rest)| match head.ends_with('/') {
        true => None,
        false => rest.split('<').next(),
    });
    match text.map(str::trim) {
        None | Some("") => "us-east-1".to_owned(),
        Some(region) => region.to_owned(),
    }
}

/// A failed call in botocore's words.
pub(crate) fn raised(operation: &str, error: Error) -> Raised {
    match error {
        Error::Refused(refused) => Raised::Client {
            message: format!(
                "An error occurred ({}) when calling the {operation} operation: {}",
                refused.code, refused.message
            ),
            code: refused.code,
        },
        Error::Credentials(_) => Raised::NoCredentials,
        Error::Unreachable { endpoint, .. } => {
            Raised::Other(format!("Could not connect to the endpoint URL: \"{endpoint}/\""))
        }
        other => Raised::Other(other.to_string()),
    }
}

/// Digests that are read ahead of the walk. Their order is that of the listing, from the newest back.
pub(crate) struct Ahead {
    files: Files,
    bucket: String,
    keys: Vec<String>,
    /// The next key to ask for is the one before this place.
    next: usize,
    under_way: BTreeMap<String, JoinHandle<Result<ReadDigest, Raised>>>,
}

/// So many digests are asked for ahead.
const AHEAD: usize = 96;

impl Ahead {
    pub(crate) fn new(files: Files, bucket: &str, keys: Vec<String>) -> Ahead {
        Ahead {
            files,
            bucket: bucket.to_owned(),
            next: keys.len(),
            keys,
            under_way: BTreeMap::new(),
        }
    }

    /// The digest of this key.
    pub(crate) async fn digest(&mut self, bucket: &str, key: &str) -> Result<ReadDigest, Raised> {
        if bucket != self.bucket {
            return self.files.digest(bucket, key).await;
        }
        // Newer ones are not asked for again.
        let newer = self.under_way.split_off(key);
        let mut wanted = None;
        for (at, task) in newer {
            match at == key {
                true => wanted = Some(task),
                false => task.abort(),
            }
        }
        let place = self.keys.partition_point(|listed| listed.as_str() < key);
        if wanted.is_none() {
            self.next = self.next.min(place);
        }
        while self.next > 0 && place.saturating_sub(self.next) < AHEAD {
            self.next -= 1;
            let Some(ahead) = self.keys.get(self.next).cloned() else {
                break;
            };
            let (files, bucket, asked) = (self.files.clone(), self.bucket.clone(), ahead.clone());
            let task = tokio::spawn(async move { files.digest(&bucket, &asked).await });
            self.under_way.insert(ahead, task);
        }
        match wanted {
            Some(task) => task.await.unwrap_or_else(|fault| Err(Raised::Other(fault.to_string()))),
            None => self.files.digest(bucket, key).await,
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.under_way.values().for_each(JoinHandle::abort);
    }
}

/// The times between which a validation looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) start: Date,
    pub(crate) end: Date,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read_in_every_spelling() {
        for (xml, expected) in [
            (
                r#"<?xml version="1.0"?><LocationConstraint xmlns="x">eu-west-1</LocationConstraint>"#,
                "eu-west-1",
            ),
            (r#"<LocationConstraint xmlns="x"/>"#, "us-east-1"),
            (r#"<LocationConstraint xmlns="x"></LocationConstraint>"#, "us-east-1"),
        ] {
            assert_eq!(location(xml), expected);
        }
    }

    #[test]
    fn dates_are_cut_out_of_keys() {
        assert_eq!(date_in("x_us-east-1_20150817T140131Z.json.gz"), "20150817T140131Z");
        assert_eq!(date_in("x_20150817T140131Z_backfill.json.gz"), "20150817T140131Z");
        assert_eq!(date_in("short.gz"), "");
    }
}

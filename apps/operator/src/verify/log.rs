//! One log file: fetched, inflated, hashed, and compared with what its digest names.

use super::{
    cache::Cache,
    compat::stock::Ended,
    content::{self, Content, Look, NoContent},
    control::{self, Control},
    group::Group,
    report::{FindingKind, Verdict},
    source::{Fetched, Source},
};
use crate::{aws::Error, message, message::Message};
use record::{DigestedLogFile, HASH_ALGORITHM};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Why a log file is not valid.
pub(crate) type Wrong = (FindingKind, Verdict, Message);

/// A log file that was looked at.
pub(crate) struct Looked {
    pub(crate) verdict: Result<(), Wrong>,
    pub(crate) controls: Vec<Control>,
    /// Inflated and hashed.
    pub(crate) bytes: u64,
    pub(crate) is_cached: bool,
    pub(crate) location: String,
    pub(crate) keep: Option<Kept>,
}

/// What the cache keeps of a valid file.
pub(crate) struct Kept {
    pub(crate) key: String,
    pub(crate) tag: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Looked {
    /// A file that was found valid before and is the same.
    pub(crate) fn known(controls: Vec<Control>) -> Looked {
        Looked {
            verdict: Ok(()),
            controls,
            bytes: 0,
            is_cached: true,
            location: String::new(),
            keep: None,
        }
    }
}

/// A log file to be looked at, with what that needs.
pub(crate) struct Task {
    source: Source,
    cache: Arc<Cache>,
    cores: Arc<Semaphore>,
    bytes_max: u64,
    log: DigestedLogFile,
    /// Where it lies in the source; none when it lies in another bucket.
    key: Option<String>,
    /// Its length, as it was listed.
    length: Option<u64>,
}

/// What was read of a file.
struct Read {
    /// Names the bytes that were read.
    tag: String,
    length: u64,
    what: What,
}

enum What {
    /// The cache has just these bytes.
    Known(Vec<Control>),
    Content(Result<(Content, Option<Vec<Control>>), NoContent>),
}

impl Task {
    pub(crate) fn new(group: &Group, log: DigestedLogFile, key: Option<String>, length: Option<u64>) -> Task {
        Task {
            source: group.source.clone(),
            cache: Arc::clone(&group.cache),
            cores: Arc::clone(&group.cores),
            bytes_max: group.log_bytes_max,
            log,
            key,
            length,
        }
    }

    /// Looks at it.
    pub(crate) async fn run(self) -> Looked {
        let location = match &self.key {
            Some(key) => format!("{}/{key}", self.source.name()),
            None => format!("s3://{}/{}", self.log.s3_bucket, self.log.s3_object),
        };
        let mut looked = Looked {
            verdict: Ok(()),
            controls: Vec::new(),
            bytes: 0,
            is_cached: false,
            location,
            keep: None,
        };
        let read = match self.read().await {
            Ok(read) => read,
            Err(wrong) => {
                looked.verdict = Err(wrong);
                return looked;
            }
        };
        let content = match read.what {
            What::Known(controls) => {
                looked.controls = controls;
                looked.is_cached = true;
                return looked;
            }
            What::Content(content) => content,
        };
        if let Ok((content, _)) = &content {
            looked.bytes = content.bytes;
        }
        match self.judge(content) {
            Err(wrong) => looked.verdict = Err(wrong),
            Ok(controls) => {
                looked.controls = controls;
                looked.keep = self.key.map(|key| Kept {
                    key,
                    tag: read.tag,
                    bytes: read.length,
                    sha256: self.log.hash_value,
                });
            }
        }
        looked
    }

    async fn read(&self) -> Result<Read, Wrong> {
        if self.length.is_some_and(|length| length > self.bytes_max) {
            return Err(self.too_large());
        }
        if self.source.is_local() {
            return self.read_local().await;
        }
        let fetched = match &self.key {
            Some(key) => self.source.get(key).await,
            None => {
                self.source
                    .get_elsewhere(&self.log.s3_bucket, &self.log.s3_object)
                    .await
            }
        };
        let fetched = present(fetched)?;
        let _core = self.cores.acquire().await;
        let bytes_max = self.bytes_max;
        let read = tokio::task::spawn_blocking(move || Read {
            length: fetched.body.len() as u64,
            what: What::Content(content_of(&fetched.body, bytes_max)),
            tag: fetched.tag,
        });
        Ok(read.await.unwrap_or_else(|_| damaged()))
    }

    /// A file of this machine is read and looked at in one go. The cache counts for just the bytes that are there now: what a file
    /// system says of their age proves nothing.
    async fn read_local(&self) -> Result<Read, Wrong> {
        let Some(key) = self.key.clone() else {
            return present(Ok(None)).map(|_| damaged());
        };
        let _core = self.cores.acquire().await;
        let (source, cache, bytes_max) = (self.source.clone(), Arc::clone(&self.cache), self.bytes_max);
        let hash = self.log.hash_value.clone();
        let read = tokio::task::spawn_blocking(move || {
            let fetched = present(source.read_here(&key, false))?;
            let length = fetched.body.len() as u64;
            let tag = match cache.is_kept() {
                true => record::sha256_hex(&fetched.body),
                false => String::new(),
            };
            let what = match cache.valid(&key, &tag, length, &hash) {
                Some(controls) => What::Known(controls),
                None => What::Content(content_of(&fetched.body, bytes_max)),
            };
            Ok(Read { tag, length, what })
        });
        read.await.unwrap_or_else(|_| Ok(damaged()))
    }

    fn too_large(&self) -> Wrong {
        let bytes_max = self.bytes_max;
        let message = message!(
            "The log file inflates to more than {bytes_max} bytes and was not looked at.",
            "ログファイルの展開後の大きさが {bytes_max} バイトを超えるため、検証していません。"
        );
        (FindingKind::TooLarge, Verdict::Incomplete, message)
    }

    /// The trail's own events in a file that is the one that was delivered. What was not delivered explains nothing.
    fn judge(&self, read: Result<(Content, Option<Vec<Control>>), NoContent>) -> Result<Vec<Control>, Wrong> {
        let (kind, message) = match read {
            Err(NoContent::TooLong) => return Err(self.too_large()),
            Err(NoContent::Damaged) => (
                FindingKind::InvalidFormat,
                message!(
                    "The log file is no gzip, or a damaged one.",
                    "ログファイルが gzip でないか、壊れています。"
                ),
            ),
            Ok((content, _)) if content.ended == Ended::Trailing => (
                FindingKind::TrailingData,
                message!(
                    "Bytes follow the compressed log file.",
                    "圧縮されたログファイルの後に余分なデータがあります。"
                ),
            ),
            Ok((content, _)) if content.sha256 != self.log.hash_value || content.ended == Ended::CutShort => (
                FindingKind::HashMismatch,
                message!(
                    "The log file is not the one that was delivered: its hash does not agree.",
                    "配信されたログファイルではありません。ハッシュ値が一致しません。"
                ),
            ),
            Ok(_) if self.log.hash_algorithm != HASH_ALGORITHM => {
                let algorithm = &self.log.hash_algorithm;
                (
                    FindingKind::OtherAlgorithm,
                    message!(
                        "The digest says that the log file's hash is of the kind {algorithm}, which digests do not use; as SHA-256 it agrees.",
                        "ダイジェストは、ログファイルのハッシュの種類を、ダイジェストでは使われない {algorithm} としています。SHA-256 としては一致します。"
                    ),
                )
            }
            Ok((_, controls)) => return Ok(controls.unwrap_or_default()),
        };
        Err((kind, Verdict::Invalid, message))
    }
}

fn damaged() -> Read {
    Read {
        tag: String::new(),
        length: 0,
        what: What::Content(Err(NoContent::Damaged)),
    }
}

fn content_of(body: &[u8], bytes_max: u64) -> Result<(Content, Option<Vec<Control>>), NoContent> {
    let look = Look {
        only_with: control::of_trails(),
        look: control::controls,
    };
    content::read(body, bytes_max, Some(look))
}

/// The file, or why there is none.
fn present(fetched: Result<Option<Fetched>, Error>) -> Result<Fetched, Wrong> {
    match fetched {
        Ok(Some(fetched)) => Ok(fetched),
        Ok(None) => {
            let message = message!(
                "The log file that a digest names is not there.",
                "ダイジェストが指すログファイルがありません。"
            );
            Err((FindingKind::NotFound, Verdict::Invalid, message))
        }
        Err(error) => {
            let message = message!(
                "The log file could not be fetched: {error}",
                "ログファイルを取得できません: {error}"
            );
            Err((FindingKind::Unreadable, Verdict::Incomplete, message))
        }
    }
}

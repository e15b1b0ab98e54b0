//! One chain, from its newest digest back: signatures, links, coverage.

use super::{
    group::Group,
    report::{ChainReport, Finding, FindingKind, Verdict},
    source::{Listed, Source},
};
use crate::{aws::Error, message, message::Message};
use base::Timestamp;
use record::{
    DigestFile, DigestedLogFile, PublicKey, SIGNATURE_ALGORITHM_METADATA, SIGNATURE_METADATA, SignatureFault,
    string_to_sign,
};
use std::collections::VecDeque;
use tokio::task::JoinHandle;

/// So many digests are read ahead.
const AHEAD: usize = 64;

/// A digest that could be read, if not yet be believed.
pub(crate) struct Loaded {
    digest: DigestFile,
    sha256: String,
    trailing: bool,
    /// None where the metadata was not copied along; no signature in it where there is metadata without.
    metadata: Option<Option<String>>,
}

/// Why a digest could not be read.
pub(crate) enum NotLoaded {
    Missing,
    Format,
    Unreadable(Error),
}

/// What a digest says of the one before it.
#[derive(Clone)]
struct Expected {
    bucket: String,
    key: String,
    sha256: Option<String>,
    signature: Option<String>,
}

/// A chain under way.
pub(crate) struct Judge<'a> {
    group: &'a Group,
    pub(crate) report: ChainReport,
    /// The windows of the digests that hold.
    pub(crate) windows: Vec<(Timestamp, Timestamp)>,
    expected: Option<Expected>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(group: &'a Group, report: ChainReport) -> Judge<'a> {
        Judge {
            group,
            report,
            windows: Vec::new(),
            expected: None,
        }
    }

    /// Looks at all listed digests, given in the order of their keys, and hands out the log files that they name.
    pub(crate) async fn walk(
        &mut self,
        mut listed: Vec<Listed>,
        keys: &[PublicKey],
        logs: &tokio::sync::mpsc::Sender<DigestedLogFile>,
    ) {
        let mut ahead: VecDeque<(String, JoinHandle<Result<Loaded, NotLoaded>>)> = VecDeque::new();
        loop {
            while ahead.len() < AHEAD
                && let Some(next) = listed.pop()
            {
                let (source, key) = (self.group.source.clone(), next.key.clone());
                ahead.push_back((next.key, tokio::spawn(async move { load(&source, &key).await })));
            }
            let Some((key, task)) = ahead.pop_front() else {
                break;
            };
            let loaded = task.await.unwrap_or(Err(NotLoaded::Format));
            self.group.progress.digest();
            if let Some(named) = self.judge(&key, loaded, keys) {
                for log in named {
                    if logs.send(log).await.is_err() {
                        return;
                    }
                }
            }
        }
        self.end_of_list();
    }

    /// One digest; answers with its log files when it can be believed.
    fn judge(
        &mut self,
        key: &str,
        loaded: Result<Loaded, NotLoaded>,
        keys: &[PublicKey],
    ) -> Option<Vec<DigestedLogFile>> {
        let is_expected = self.is_expected(key);
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(why) => {
                self.not_loaded(key, why);
                self.forget(is_expected);
                return None;
            }
        };
        let expected = self.expected.clone().filter(|_| is_expected);
        let digest = &loaded.digest;
        let source = &self.group.source;
        if !source.is_place_of(key, &digest.digest_s3_bucket, &digest.digest_s3_object) {
            self.bad(
                key,
                FindingKind::Moved,
                message!(
                    "The digest says that it lies at another place.",
                    "ダイジェストが、別の場所にあると述べています。"
                ),
            );
            self.forget(is_expected);
            return None;
        }
        let signature = match &loaded.metadata {
            Some(signature) => signature.clone(),
            None => match expected.as_ref().and_then(|expected| expected.signature.clone()) {
                Some(signature) => Some(signature),
                None => {
                    self.unsigned(key);
                    self.follow(digest);
                    return Some(loaded.digest.log_files);
                }
            },
        };
        if let Err((kind, message)) = verified(&loaded, signature.as_deref(), keys) {
            self.bad(key, kind, message);
            self.forget(is_expected);
            return None;
        }
        let agrees = expected
            .as_ref()
            .is_none_or(|expected| expected.sha256.as_ref() == Some(&loaded.sha256) && expected.signature == signature);
        let is_stray = self.expected.is_some() && !is_expected;
        if loaded.trailing {
            self.bad(
                key,
                FindingKind::TrailingData,
                message!(
                    "Bytes follow the compressed digest.",
                    "圧縮されたダイジェストの後に余分なデータがあります。"
                ),
            );
        } else if !agrees || is_stray {
            let message = message!(
                "The digest is well signed and is not the one that the next digest names.",
                "署名は正しいものの、次のダイジェストが指すものではありません。"
            );
            self.bad(key, FindingKind::NotTheOneNamed, message);
        } else {
            self.report.digests.valid += 1;
        }
        if is_stray {
            return Some(loaded.digest.log_files);
        }
        self.window(digest);
        self.follow(digest);
        Some(loaded.digest.log_files)
    }

    /// Whether the next digest named this one; one that was passed over is missing.
    fn is_expected(&mut self, key: &str) -> bool {
        let Some(expected) = &self.expected else {
            return false;
        };
        match self.group.source.key_now(&expected.bucket, &expected.key) {
            Some(wanted) if wanted == key => true,
            Some(wanted) if wanted.as_str() > key => {
                self.missing();
                false
            }
            Some(_) => false,
            None => {
                self.leads_on();
                self.expected = None;
                false
            }
        }
    }

    /// The digest that was expected is not there.
    fn missing(&mut self) {
        let Some(Expected { bucket, key, .. }) = self.expected.take() else {
            return;
        };
        self.report.digests.invalid += 1;
        let location = format!("s3://{bucket}/{key}");
        let message = message!(
            "The digest that the next one names is not there.",
            "次のダイジェストが指すダイジェストがありません。"
        );
        self.find(FindingKind::NotFound, Verdict::Invalid, Some(location), message);
    }

    fn end_of_list(&mut self) {
        let reaches_back = |start: Timestamp| self.windows.iter().any(|window| window.0 <= start);
        if self.group.range.0.is_some_and(reaches_back) {
            return;
        }
        self.leads_on();
    }

    /// The chain goes on before what is here.
    fn leads_on(&mut self) {
        let Some(Expected { bucket, key, .. }) = self.expected.clone() else {
            return;
        };
        let message = message!(
            "The oldest digest names one before it that is not here: earlier files were removed, or lie elsewhere.",
            "最も古いダイジェストが指す、それより前のダイジェストがここにありません。以前のファイルは削除されたか、別の場所にあります。"
        );
        self.find(
            FindingKind::TruncatedHead,
            Verdict::Incomplete,
            Some(format!("s3://{bucket}/{key}")),
            message,
        );
    }

    fn window(&mut self, digest: &DigestFile) {
        let times = (&digest.digest_start_time, &digest.digest_end_time);
        if let (Some(start), Some(end)) = (Timestamp::parse(times.0), Timestamp::parse(times.1)) {
            self.windows.push((start, end));
        }
    }

    /// Goes on to the digest that this one names. What cannot be believed itself is still followed: the older one is proven by its
    /// own signature.
    fn follow(&mut self, digest: &DigestFile) {
        let previous = (&digest.previous_digest_s3_bucket, &digest.previous_digest_s3_object);
        self.expected = match previous {
            (Some(bucket), Some(key)) => Some(Expected {
                bucket: bucket.clone(),
                key: key.clone(),
                sha256: digest.previous_digest_hash_value.clone(),
                signature: digest.previous_digest_signature.clone(),
            }),
            _ => None,
        };
    }

    /// After a digest that tells nothing of the one before it.
    fn forget(&mut self, was_expected: bool) {
        if was_expected {
            self.expected = None;
        }
    }

    fn unsigned(&mut self, key: &str) {
        self.report.digests.unproven += 1;
        let message = message!(
            "The copy has no metadata, and no newer digest tells its signature: signature not available.",
            "コピーにメタデータがなく、署名を示すより新しいダイジェストもありません。署名は確認できません。"
        );
        let location = self.group.location(key);
        self.find(
            FindingKind::SignatureNotAvailable,
            Verdict::Incomplete,
            Some(location),
            message,
        );
    }

    fn not_loaded(&mut self, key: &str, why: NotLoaded) {
        match why {
            NotLoaded::Missing => self.bad(
                key,
                FindingKind::NotFound,
                message!(
                    "The digest was listed and is not there.",
                    "一覧にあったダイジェストがありません。"
                ),
            ),
            NotLoaded::Format => self.bad(
                key,
                FindingKind::InvalidFormat,
                message!(
                    "The digest is no gzip of JSON, or members are missing.",
                    "ダイジェストが gzip 圧縮の JSON でないか、項目が欠けています。"
                ),
            ),
            NotLoaded::Unreadable(error) => {
                self.report.digests.unproven += 1;
                let message = message!(
                    "The digest could not be fetched: {error}",
                    "ダイジェストを取得できません: {error}"
                );
                let location = self.group.location(key);
                self.find(FindingKind::Unreadable, Verdict::Incomplete, Some(location), message);
            }
        }
    }

    fn bad(&mut self, key: &str, kind: FindingKind, message: Message) {
        self.report.digests.invalid += 1;
        let location = self.group.location(key);
        self.find(kind, Verdict::Invalid, Some(location), message);
    }

    fn find(&mut self, kind: FindingKind, verdict: Verdict, location: Option<String>, message: Message) {
        self.report.find(Finding {
            kind,
            verdict,
            location,
            from: None,
            to: None,
            explained_by: Vec::new(),
            message,
        });
    }
}

async fn load(source: &Source, key: &str) -> Result<Loaded, NotLoaded> {
    let fetched = match source.get(key).await {
        Ok(Some(fetched)) => fetched,
        Ok(None) => return Err(NotLoaded::Missing),
        Err(error) => return Err(NotLoaded::Unreadable(error)),
    };
    let inflated = record::inflate(&fetched.body).map_err(|_| NotLoaded::Format)?;
    let digest = DigestFile::parse(&inflated.bytes).ok_or(NotLoaded::Format)?;
    let metadata = fetched.metadata.as_ref().map(|metadata| {
        let signature = metadata.get(SIGNATURE_METADATA);
        signature
            .filter(|_| metadata.contains_key(SIGNATURE_ALGORITHM_METADATA))
            .cloned()
    });
    // Metadata that does not know of signatures at all is that of a copy.
    let metadata = metadata.filter(|signature| signature.is_some() || !source.is_local());
    Ok(Loaded {
        sha256: record::sha256_hex(&inflated.bytes),
        trailing: inflated.trailing,
        metadata,
        digest,
    })
}

fn verified(loaded: &Loaded, signature: Option<&str>, keys: &[PublicKey]) -> Result<(), (FindingKind, Message)> {
    let digest = &loaded.digest;
    let fingerprint = digest.digest_public_key_fingerprint.as_str();
    let failed = || {
        (
            FindingKind::SignatureFailed,
            message!(
                "The digest's signature does not agree.",
                "ダイジェストの署名が一致しません。"
            ),
        )
    };
    let signature = signature.ok_or_else(failed)?;
    let Some(key) = keys.iter().find(|key| key.fingerprint() == fingerprint) else {
        let message = message!(
            "There is no public key of the fingerprint {fingerprint}.",
            "フィンガープリント {fingerprint} の公開鍵がありません。"
        );
        return Err((FindingKind::PublicKeyNotFound, message));
    };
    key.verify(&string_to_sign(digest, &loaded.sha256), signature)
        .map_err(|fault| match fault {
            SignatureFault::WrongSignature => failed(),
            SignatureFault::UnreadableKey => {
                let message = message!(
                    "The public key of the fingerprint {fingerprint} is none.",
                    "フィンガープリント {fingerprint} の公開鍵を読み取れません。"
                );
                (FindingKind::PublicKeyUnreadable, message)
            }
        })
}

//! One chain, from its newest digest back: signatures, links, coverage.

use super::{
    cache::{self, Name},
    group::Group,
    report::{ChainReport, Finding, FindingKind, Verdict},
    source::{Fetched, Listed, Source},
};
use crate::{aws::Error, message, message::Message};
use base::Timestamp;
use record::{
    DigestFile, DigestedLogFile, HASH_ALGORITHM, PublicKey, SIGNATURE_ALGORITHM, SIGNATURE_ALGORITHM_METADATA,
    SIGNATURE_METADATA, SignatureFault, string_to_sign,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc::Sender},
    task::JoinHandle,
};

/// So many digests are read ahead.
const AHEAD: usize = 64;
/// A digest that inflates to more is none: one of an hour with 100 000 log files has half of it. One byte less than a power of two: the buffer
/// that sees that there is more is then not doubled.
pub(crate) const DIGEST_BYTES_MAX: usize = 64 * 1024 * 1024 - 1;
const HOUR: Duration = Duration::from_secs(3600);
/// Metadata that backfill digests have besides.
const BACKFILL_METADATA: &str = "backfill-generation-timestamp";

/// A digest that could be read, if not yet be believed.
pub(crate) struct Loaded {
    digest: DigestFile,
    sha256: String,
    trailing: bool,
    /// None where the metadata was not copied along; no signature in it where there is metadata without.
    metadata: Option<Option<String>>,
    /// The name of the signature's algorithm in the metadata.
    algorithm: Option<String>,
    /// Whether the signature in the metadata holds. The log files of a digest without are forgotten at once: who writes to the
    /// bucket could fill the memory with them.
    proof: Result<(), (FindingKind, Message)>,
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
    /// When chains begin: the starts of digests that name none before them.
    pub(crate) begins: Vec<Timestamp>,
    expected: Option<Expected>,
    /// The bucket of the digest under way, when it is another than the source.
    elsewhere: Option<String>,
    /// What was followed into other buckets.
    followed: BTreeSet<(String, String)>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(group: &'a Group, report: ChainReport) -> Judge<'a> {
        Judge {
            group,
            report,
            windows: Vec::new(),
            begins: Vec::new(),
            expected: None,
            elsewhere: None,
            followed: BTreeSet::new(),
        }
    }

    /// Looks at all listed digests, given in the order of their keys, and hands out the log files that they name.
    pub(crate) async fn walk(&mut self, mut listed: Vec<Listed>, keys: &[PublicKey], logs: &Sender<DigestedLogFile>) {
        let keys: Arc<[PublicKey]> = keys.into();
        let mut ahead: VecDeque<(String, JoinHandle<Result<Loaded, NotLoaded>>)> = VecDeque::new();
        loop {
            while ahead.len() < AHEAD
                && let Some(next) = listed.pop()
            {
                let (source, key) = (self.group.source.clone(), next.key.clone());
                let (keys, cores) = (Arc::clone(&keys), Arc::clone(&self.group.cores));
                let task = tokio::spawn(async move { load(&source, None, &key, keys, &cores).await });
                ahead.push_back((next.key, task));
            }
            let Some((key, task)) = ahead.pop_front() else {
                break;
            };
            let loaded = task.await.unwrap_or(Err(NotLoaded::Format));
            self.group.progress.digest();
            self.elsewhere(&keys, logs).await;
            if let Some(named) = self.judge(&key, loaded, &keys) {
                hand_out(named, logs).await;
            }
        }
        self.elsewhere(&keys, logs).await;
        self.end_of_list();
    }

    /// Follows the chain through other buckets, where the trail delivered before, as far as they can be read.
    async fn elsewhere(&mut self, keys: &Arc<[PublicKey]>, logs: &Sender<DigestedLogFile>) {
        let group = self.group;
        while let Some(Expected { bucket, key, .. }) = self.expected.clone()
            && group.source.key_now(&bucket, &key).is_none()
            && !self.reaches_back()
            && self.followed.insert((bucket.clone(), key.clone()))
        {
            let loaded = load(&group.source, Some(&bucket), &key, Arc::clone(keys), &group.cores).await;
            if matches!(loaded, Err(NotLoaded::Missing | NotLoaded::Unreadable(_))) {
                // That the chain leads on is told where it ends.
                return;
            }
            self.elsewhere = Some(bucket);
            let named = self.judge(&key, loaded, keys);
            self.elsewhere = None;
            hand_out(named.unwrap_or_default(), logs).await;
        }
    }

    /// One digest; answers with its log files when it can be believed.
    fn judge(
        &mut self,
        key: &str,
        loaded: Result<Loaded, NotLoaded>,
        keys: &[PublicKey],
    ) -> Option<Vec<DigestedLogFile>> {
        let is_expected = self.elsewhere.is_some() || self.is_expected(key);
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
        let (signed_bucket, signed_key) = (&digest.digest_s3_bucket, &digest.digest_s3_object);
        let is_here = match &self.elsewhere {
            Some(bucket) => (signed_bucket.as_str(), signed_key.as_str()) == (bucket, key),
            None => source.is_place_of(key, signed_bucket, signed_key),
        };
        if !is_here {
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
        let proof = match &loaded.metadata {
            Some(_) => loaded.proof,
            None => verified(digest, &loaded.sha256, signature.as_deref(), keys),
        };
        if let Err((kind, message)) = proof {
            self.bad(key, kind, message);
            self.forget(is_expected);
            return None;
        }
        let agrees = expected
            .as_ref()
            .is_none_or(|expected| is_named(expected, &loaded.sha256, signature.as_deref()));
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
        } else if let Some((kind, message)) = odd(digest, loaded.algorithm.as_deref(), &self.group.account) {
            self.bad(key, kind, message);
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
        if !self.reaches_back() {
            self.leads_on();
        }
    }

    /// Whether the chain begins by itself after the time from which on it is asked for.
    pub(crate) fn begins_late(&self) -> bool {
        let (Some(from), Some((first, _))) = (self.group.range.0, self.windows.iter().min()) else {
            return false;
        };
        !self.report.backfill && self.begins.contains(first) && *first > from.plus(HOUR)
    }

    /// Whether the digests reach back to the time that is asked for.
    fn reaches_back(&self) -> bool {
        let is_before = |start: Timestamp| self.windows.iter().any(|window| window.0 <= start);
        self.group.range.0.is_some_and(is_before)
    }

    /// Where the digest under way lies.
    fn location(&self, key: &str) -> String {
        match &self.elsewhere {
            Some(bucket) => format!("s3://{bucket}/{key}"),
            None => self.group.location(key),
        }
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
        if let (Some(start), Some(end)) = (Timestamp::parse(times.0), Timestamp::parse(times.1))
            && start <= end
        {
            self.windows.push((start, end));
            if digest.previous_digest_s3_object.is_none() {
                self.begins.push(start);
            }
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
                let location = self.location(key);
                self.find(FindingKind::Unreadable, Verdict::Incomplete, Some(location), message);
            }
        }
    }

    fn bad(&mut self, key: &str, kind: FindingKind, message: Message) {
        self.report.digests.invalid += 1;
        let location = self.location(key);
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

async fn hand_out(named: Vec<DigestedLogFile>, logs: &Sender<DigestedLogFile>) {
    for log in named {
        if logs.send(log).await.is_err() {
            return;
        }
    }
}

/// Whether a digest is the one that the next digest names. Hex digits count the same in both cases.
fn is_named(expected: &Expected, sha256: &str, signature: Option<&str>) -> bool {
    let same = |one: Option<&str>, other: Option<&str>| match (one, other) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (one, other) => one == other,
    };
    same(expected.sha256.as_deref(), Some(sha256)) && same(expected.signature.as_deref(), signature)
}

/// What a well signed digest says of itself that digests do not say.
fn odd(digest: &DigestFile, algorithm: Option<&str>, account: &str) -> Option<(FindingKind, Message)> {
    let signatures = [algorithm, Some(digest.digest_signature_algorithm.as_str())];
    let other_signature = signatures
        .into_iter()
        .flatten()
        .find(|name| *name != SIGNATURE_ALGORITHM);
    let hash = digest.previous_digest_hash_algorithm.as_deref();
    if let Some(name) = other_signature.or(hash.filter(|name| *name != HASH_ALGORITHM)) {
        let message = message!(
            "The digest names the algorithm {name}, which digests do not use; it is signed as they are.",
            "ダイジェストは、ダイジェストでは使われないアルゴリズム {name} を示しています。署名自体は正しいものです。"
        );
        return Some((FindingKind::OtherAlgorithm, message));
    }
    let (start, end) = (&digest.digest_start_time, &digest.digest_end_time);
    let times = Timestamp::parse(start).zip(Timestamp::parse(end));
    if times.is_none_or(|(start, end)| start > end) {
        let message = message!(
            "The digest's times cannot be: from {start} to {end}.",
            "ダイジェストの時刻が正しくありません: {start} から {end} まで。"
        );
        return Some((FindingKind::InvalidFormat, message));
    }
    let own = &digest.aws_account_id;
    (own != account).then(|| {
        let message = message!(
            "The digest says that it is of the account {own}; it lies where those of {account} are.",
            "ダイジェストはアカウント {own} のものと述べていますが、{account} の場所にあります。"
        );
        (FindingKind::OtherAccount, message)
    })
}

/// The log files that a digest names, whoever signed it, as a group's index names them; none where it cannot be read.
pub(crate) async fn names(source: &Source, key: &str, cores: &Semaphore) -> Vec<Name> {
    let Ok(Some(fetched)) = source.get(key).await else {
        return Vec::new();
    };
    let _core = cores.acquire().await;
    let source = source.clone();
    let read = tokio::task::spawn_blocking(move || {
        let inflated = record::inflate_within(&fetched.body, DIGEST_BYTES_MAX).ok()?;
        let logs = DigestFile::parse(&inflated.bytes)?.log_files.into_iter();
        let key_of = |log: DigestedLogFile| source.key_now(&log.s3_bucket, &log.s3_object);
        Some(logs.filter_map(key_of).map(|key| cache::name(&[&key])).collect())
    });
    read.await.unwrap_or_default().unwrap_or_default()
}

/// A digest, of this source or of another bucket. As many are inflated at once as there are cores.
async fn load(
    source: &Source,
    bucket: Option<&str>,
    key: &str,
    keys: Arc<[PublicKey]>,
    cores: &Semaphore,
) -> Result<Loaded, NotLoaded> {
    let fetched = match bucket {
        Some(bucket) => source.get_elsewhere(bucket, key).await,
        None => source.get(key).await,
    };
    let fetched = match fetched {
        Ok(Some(fetched)) => fetched,
        Ok(None) => return Err(NotLoaded::Missing),
        Err(error) => return Err(NotLoaded::Unreadable(error)),
    };
    let _core = cores.acquire().await;
    let (is_local, is_backfill) = (source.is_local(), key.ends_with("_backfill.json.gz"));
    let read = tokio::task::spawn_blocking(move || read(&fetched, &keys, is_local, is_backfill)).await;
    read.unwrap_or(Err(NotLoaded::Format))
}

fn read(fetched: &Fetched, keys: &[PublicKey], is_local: bool, is_backfill: bool) -> Result<Loaded, NotLoaded> {
    let inflated = record::inflate_within(&fetched.body, DIGEST_BYTES_MAX).map_err(|_| NotLoaded::Format)?;
    let mut digest = DigestFile::parse(&inflated.bytes).ok_or(NotLoaded::Format)?;
    let metadata = fetched.metadata.as_ref().map(|metadata| {
        let signature = metadata.get(SIGNATURE_METADATA);
        signature
            .filter(|_| metadata.contains_key(SIGNATURE_ALGORITHM_METADATA))
            .cloned()
    });
    // Metadata that does not know of signatures at all is that of a copy.
    let metadata = metadata.filter(|signature| signature.is_some() || !is_local);
    let is_dated = |metadata: &BTreeMap<String, String>| metadata.contains_key(BACKFILL_METADATA);
    if is_backfill && matches!(metadata, Some(Some(_))) && !fetched.metadata.as_ref().is_some_and(is_dated) {
        return Err(NotLoaded::Format);
    }
    let algorithm = fetched
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.get(SIGNATURE_ALGORITHM_METADATA).cloned());
    let sha256 = record::sha256_hex(&inflated.bytes);
    let proof = match &metadata {
        Some(signature) => verified(&digest, &sha256, signature.as_deref(), keys),
        None => Ok(()),
    };
    if proof.is_err() {
        digest.log_files = Vec::new();
    }
    Ok(Loaded {
        sha256,
        trailing: inflated.trailing,
        metadata,
        algorithm,
        proof,
        digest,
    })
}

fn verified(
    digest: &DigestFile,
    sha256: &str,
    signature: Option<&str>,
    keys: &[PublicKey],
) -> Result<(), (FindingKind, Message)> {
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
    key.verify(&string_to_sign(digest, sha256), signature)
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

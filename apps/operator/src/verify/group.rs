//! The files of one account and Region: all chains of digests there, the log files that they name, and those that none names.

use super::{
    cache::{self, Cache, Name},
    compat::stock::Ended,
    content::{self, NoContent},
    control::{Control, controls},
    judge::Judge,
    progress::Progress,
    report::{ChainReport, Finding, FindingKind, Verdict},
    source::{Fetched, Listed, Source},
};
use crate::{aws::Error, message, message::Message};
use base::Timestamp;
use record::{DigestedLogFile, PublicKey};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinSet};

/// A log file is named for the minute of its delivery; the digest's window is of the delivery, to the second. So near its ends the
/// name does not tell.
const NEAR: Duration = Duration::from_secs(15 * 60);
/// Log files so long after the end that is meant may be of a digest that is looked at.
const LOGS_AFTER: Duration = Duration::from_secs(3600 + 15 * 60);
/// So many log files of a group may be under way.
const UNDER_WAY_MAX: usize = 512;
/// The cache is written to the disk each time that so many files are new in it.
const FLUSH_EACH: u64 = 256;

/// An account's Region in a source.
pub(crate) struct Group {
    pub(crate) source: Source,
    /// What the keys begin with, up to the account's folder and its slash.
    pub(crate) folder: String,
    pub(crate) account: String,
    pub(crate) organization: Option<String>,
    pub(crate) region: String,
    pub(crate) range: (Option<Timestamp>, Option<Timestamp>),
    /// Only this trail: its name and home Region.
    pub(crate) trail: Option<(String, String)>,
    pub(crate) log_bytes_max: u64,
    pub(crate) cores: Arc<Semaphore>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cache: Cache,
}

/// A chain as it came out, with what its gaps are judged by.
pub(crate) struct Chain {
    pub(crate) report: ChainReport,
    /// The windows of valid digests, by time, without what they have in common.
    pub(crate) windows: Vec<(Timestamp, Timestamp)>,
    /// When chains begin: the starts of digests that name none before them.
    pub(crate) begins: Vec<Timestamp>,
    pub(crate) newest_log: Option<Timestamp>,
}

/// Digests of one chain: trail, home Region, whether they are backfill digests.
pub(crate) type Name3 = (String, String, bool);

/// A log file that was listed.
pub(crate) struct LogEntry {
    tag: String,
    bytes: u64,
    named: u32,
}

/// Log files by the names of their keys.
pub(crate) type LogIndex = HashMap<Name, LogEntry>;

/// A log file that was looked at.
struct Looked {
    verdict: Result<(), (FindingKind, Verdict, Message)>,
    controls: Vec<Control>,
    bytes: u64,
    is_cached: bool,
    location: String,
}

impl Group {
    /// Where a file of this key lies.
    pub(crate) fn location(&self, key: &str) -> String {
        format!("{}/{key}", self.source.name())
    }

    /// As the cache names it.
    pub(crate) fn name(folder: &str, region: &str) -> String {
        format!("{folder}{region}")
    }

    /// Lists the digests; `Ok(None)` when there are none of the trail that is meant.
    pub(crate) async fn digests(&self) -> Result<BTreeMap<Name3, Vec<Listed>>, Error> {
        let mut chains: BTreeMap<Name3, Vec<Listed>> = BTreeMap::new();
        let prefix = format!("{}CloudTrail-Digest/{}/", self.folder, self.region);
        let (from, to) = self.range;
        let after = from
            .map(|from| format!("{prefix}{}/", from.date_path()))
            .unwrap_or_default();
        self.source
            .list(&prefix, &after, |listed| {
                if let Some((name, end)) = self.chain_of(&listed.key)
                    && from.is_none_or(|from| end >= from)
                    && to.is_none_or(|to| end <= to.plus(Duration::from_secs(3600)))
                {
                    chains.entry(name).or_default().push(listed);
                }
                true
            })
            .await?;
        Ok(chains)
    }

    /// Of which chain the digest of this key is, and its end.
    fn chain_of(&self, key: &str) -> Option<(Name3, Timestamp)> {
        let file = key.rsplit('/').next()?.strip_suffix(".json.gz")?;
        let (file, is_backfill) = match file.strip_suffix("_backfill") {
            Some(file) => (file, true),
            None => (file, false),
        };
        let (account, region) = (&self.account, &self.region);
        let rest = file.strip_prefix(&format!("{account}_CloudTrail-Digest_{region}_"))?;
        let (rest, end) = rest.rsplit_once('_')?;
        let (trail, home_region) = rest.rsplit_once('_')?;
        let wanted = self.trail.as_ref();
        let is_wanted = wanted.is_none_or(|(name, home)| name == trail && home == home_region);
        let end = Timestamp::parse_compact(end).filter(|_| is_wanted)?;
        Some(((trail.to_owned(), home_region.to_owned(), is_backfill), end))
    }

    /// The time in a log file's name: when it was delivered, to the minute.
    fn time_of_log(&self, key: &str) -> Option<Timestamp> {
        let file = key.rsplit('/').next()?;
        let (account, region) = (&self.account, &self.region);
        let rest = file.strip_prefix(&format!("{account}_CloudTrail_{region}_"))?;
        let minute = rest.get(..14)?.strip_suffix('Z')?;
        Timestamp::parse_compact(&format!("{minute}00Z"))
    }

    /// Looks at everything.
    pub(crate) async fn verify(
        &self,
        digests: BTreeMap<Name3, Vec<Listed>>,
        (mut logs, newest_log): (LogIndex, Option<Timestamp>),
        keys: &[PublicKey],
    ) -> Result<(Vec<Chain>, Vec<Control>), Error> {
        if digests.is_empty() {
            return Ok((self.without_digests(&logs).await?, Vec::new()));
        }
        let count = digests.values().map(|digests| digests.len() as u64).sum();
        self.progress.found(count, logs.len() as u64);
        let mut chains = Vec::new();
        let mut all_controls = Vec::new();
        for ((trail, home_region, backfill), listed) in digests {
            let report = ChainReport {
                account_id: self.account.clone(),
                organization_id: self.organization.clone(),
                region: self.region.clone(),
                trail,
                home_region,
                backfill,
                ..ChainReport::default()
            };
            let (sender, receiver) = tokio::sync::mpsc::channel(UNDER_WAY_MAX);
            let mut judge = Judge::new(self, report);
            let walk = async {
                judge.walk(listed, keys, &sender).await;
                drop(sender);
            };
            let ((), (looked, controls)) = tokio::join!(walk, self.look(receiver, &mut logs));
            let mut chain = Chain {
                report: judge.report,
                windows: judge.windows,
                begins: judge.begins,
                newest_log,
            };
            chain.take(looked);
            all_controls.extend(controls);
            chains.push(chain);
        }
        let written = self.cache.flush();
        written.map_err(|fault| Error::Unsendable(format!("the cache cannot be written: {fault}")))?;
        self.unlisted(&mut chains, &logs).await?;
        Ok((chains, all_controls))
    }

    /// What is said where there is no digest of the time that is meant: nothing, if there never was one and there are no log files.
    async fn without_digests(&self, logs: &LogIndex) -> Result<Vec<Chain>, Error> {
        let (from, to) = self.range;
        let prefix = format!("{}CloudTrail-Digest/{}/", self.folder, self.region);
        let mut before: Option<(Name3, Timestamp)> = None;
        if from.is_some() {
            self.source
                .list(&prefix, "", |listed| {
                    before = self
                        .chain_of(&listed.key)
                        .filter(|(_, end)| from.is_some_and(|from| *end < from));
                    before.is_none()
                })
                .await?;
        }
        // With a trail named, log files may be another's.
        let has_logs = self.trail.is_none() && !logs.is_empty();
        if before.is_none() && !has_logs {
            return Ok(Vec::new());
        }
        let (trail, home_region) = match before {
            Some(((trail, home_region, _), _)) => (trail, home_region),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let mut report = ChainReport {
            account_id: self.account.clone(),
            organization_id: self.organization.clone(),
            region: self.region.clone(),
            trail,
            home_region,
            ..ChainReport::default()
        };
        report.find(Finding {
            kind: FindingKind::NoDigests,
            verdict: Verdict::Incomplete,
            location: Some(self.location(&prefix)),
            from: from.map(Timestamp::iso8601),
            to: to.map(Timestamp::iso8601),
            explained_by: Vec::new(),
            message: match has_logs {
                true => message!(
                    "There are log files and no digests: nothing proves them.",
                    "ログファイルがありますが、ダイジェストがありません。証明するものがありません。"
                ),
                false => message!(
                    "There are no digests of the time that is meant, though there are older ones.",
                    "対象の期間のダイジェストがありません。それより前のものはあります。"
                ),
            },
        });
        Ok(vec![Chain {
            report,
            windows: Vec::new(),
            begins: Vec::new(),
            newest_log: None,
        }])
    }

    /// The log files, and the time of the newest.
    pub(crate) async fn list_logs(&self) -> Result<(LogIndex, Option<Timestamp>), Error> {
        let prefix = format!("{}CloudTrail/{}/", self.folder, self.region);
        // The day before: a digest's first log files may be of the hour before.
        let from = self.range.0.map(|from| from.minus(Duration::from_secs(86400)));
        let after = from
            .map(|from| format!("{prefix}{}/", from.date_path()))
            .unwrap_or_default();
        let to = self.range.1;
        let (mut logs, mut newest) = (LogIndex::new(), None);
        self.source
            .list(&prefix, &after, |listed| {
                let time = self.time_of_log(&listed.key);
                if time.is_some_and(|time| to.is_some_and(|to| time > to.plus(LOGS_AFTER))) {
                    return true;
                }
                newest = newest.max(time);
                let entry = LogEntry {
                    tag: listed.tag,
                    bytes: listed.bytes,
                    named: 0,
                };
                logs.insert(cache::name(&[&listed.key]), entry);
                true
            })
            .await?;
        Ok((logs, newest))
    }

    /// Looks at the log files that come, many at once.
    async fn look(
        &self,
        mut named: tokio::sync::mpsc::Receiver<DigestedLogFile>,
        logs: &mut LogIndex,
    ) -> (Tallied, Vec<Control>) {
        let mut tallied = Tallied::default();
        let mut found = Vec::new();
        let mut under_way = JoinSet::new();
        let mut kept = 0;
        loop {
            tokio::select! {
                next = named.recv(), if under_way.len() < UNDER_WAY_MAX => match next {
                    Some(log) => self.begin(log, logs, &mut under_way, &mut tallied),
                    None => break,
                },
                Some(done) = under_way.join_next() => self.end(done, &mut tallied, &mut found, &mut kept),
            }
        }
        while let Some(done) = under_way.join_next().await {
            self.end(done, &mut tallied, &mut found, &mut kept);
        }
        (tallied, found)
    }

    fn begin(
        &self,
        log: DigestedLogFile,
        logs: &mut LogIndex,
        under_way: &mut JoinSet<(Looked, Option<Kept>)>,
        tallied: &mut Tallied,
    ) {
        let key = self.source.key_now(&log.s3_bucket, &log.s3_object);
        let window = key.as_deref().map(|key| cache::name(&[key]));
        let entry = window.and_then(|name| logs.get_mut(&name));
        let length = entry.as_ref().map(|entry| entry.bytes);
        if let Some(entry) = entry {
            entry.named += 1;
            if entry.named == 2 {
                let message = message!(
                    "More than one digest names the log file.",
                    "複数のダイジェストがこのログファイルを指しています。"
                );
                let location = self.location(key.as_deref().unwrap_or_default());
                tallied
                    .findings
                    .push(finding(FindingKind::NamedTwice, Verdict::Valid, location, message));
            }
            let known = key
                .as_deref()
                .and_then(|key| self.cache.valid(key, &entry.tag, entry.bytes, &log.hash_value));
            if let Some(controls) = known {
                let looked = Looked {
                    verdict: Ok(()),
                    controls,
                    bytes: 0,
                    is_cached: true,
                    location: String::new(),
                };
                under_way.spawn(async move { (looked, None) });
                return;
            }
        }
        let (source, cores, bytes_max) = (self.source.clone(), Arc::clone(&self.cores), self.log_bytes_max);
        under_way.spawn(async move { look_at(&source, log, (key, length), &cores, bytes_max).await });
    }

    fn end(
        &self,
        done: Result<(Looked, Option<Kept>), tokio::task::JoinError>,
        tallied: &mut Tallied,
        found: &mut Vec<Control>,
        kept: &mut u64,
    ) {
        let Ok((looked, keep)) = done else {
            tallied.unproven += 1;
            return;
        };
        self.progress.log(looked.bytes);
        if let Some(Kept {
            key,
            tag,
            bytes,
            sha256,
        }) = keep
        {
            let written = self.cache.keep(&key, &tag, bytes, &sha256, &looked.controls);
            *kept += 1;
            if written.is_ok() && kept.is_multiple_of(FLUSH_EACH) {
                // What cannot be written now is told at the end.
                let _ = self.cache.flush();
            }
        }
        found.extend(looked.controls.into_iter().map(|mut control| {
            if control.account.is_empty() {
                control.account.clone_from(&self.account);
            }
            control
        }));
        tallied.bytes += looked.bytes;
        match looked.verdict {
            Ok(()) => {
                tallied.valid += 1;
                tallied.from_cache += u64::from(looked.is_cached);
            }
            Err((kind, verdict, message)) => {
                match verdict {
                    Verdict::Invalid => tallied.invalid += 1,
                    _ => tallied.unproven += 1,
                }
                tallied.findings.push(finding(kind, verdict, looked.location, message));
            }
        }
    }

    /// Log files of covered times that no digest names. They are told at the group's first chain.
    async fn unlisted(&self, chains: &mut [Chain], logs: &LogIndex) -> Result<(), Error> {
        // Where a digest is bad or missing, what it named is not known.
        if self.trail.is_some() || logs.values().all(|entry| entry.named > 0) {
            return Ok(());
        }
        let windows: Vec<_> = chains.iter().flat_map(|chain| chain.windows.clone()).collect();
        let is_covered = |at: Timestamp| {
            let holds = |at: Timestamp| windows.iter().any(|(start, end)| *start <= at && at < *end);
            holds(at) && holds(at.minus(NEAR)) && holds(at.plus(NEAR))
        };
        let mut unlisted = Vec::new();
        let prefix = format!("{}CloudTrail/{}/", self.folder, self.region);
        self.source
            .list(&prefix, "", |listed| {
                let is_named = |entry: &LogEntry| entry.named > 0;
                let entry = logs.get(&cache::name(&[&listed.key]));
                if entry.is_some_and(|entry| !is_named(entry)) && self.time_of_log(&listed.key).is_none_or(is_covered) {
                    unlisted.push(listed.key);
                }
                unlisted.len() < super::report::FINDINGS_MAX
            })
            .await?;
        if let Some(first) = chains.first_mut() {
            for key in unlisted {
                let message = message!(
                    "No digest names the log file: nothing proves it.",
                    "どのダイジェストもこのログファイルを指していません。証明するものがありません。"
                );
                let location = self.location(&key);
                first
                    .report
                    .find(finding(FindingKind::Unlisted, Verdict::Incomplete, location, message));
            }
        }
        Ok(())
    }
}

fn finding(kind: FindingKind, verdict: Verdict, location: String, message: Message) -> Finding {
    Finding {
        kind,
        verdict,
        location: Some(location),
        from: None,
        to: None,
        explained_by: Vec::new(),
        message,
    }
}

/// What came of a chain's log files.
#[derive(Default)]
struct Tallied {
    valid: u64,
    invalid: u64,
    unproven: u64,
    from_cache: u64,
    bytes: u64,
    findings: Vec<Finding>,
}

impl Chain {
    fn take(&mut self, looked: Tallied) {
        let logs = &mut self.report.logs;
        (logs.valid, logs.invalid) = (looked.valid, looked.invalid);
        (logs.unproven, logs.from_cache) = (looked.unproven, looked.from_cache);
        self.report.bytes_hashed = looked.bytes;
        let mut findings = looked.findings;
        findings.sort_by(|one, other| one.location.cmp(&other.location));
        findings.into_iter().for_each(|finding| self.report.find(finding));
        self.windows.sort_unstable();
        self.report.covered_from = self.windows.first().map(|(start, _)| start.iso8601());
        self.report.covered_to = self.windows.iter().map(|(_, end)| *end).max().map(Timestamp::iso8601);
    }
}

/// What the cache keeps of a valid file.
struct Kept {
    key: String,
    tag: String,
    bytes: u64,
    sha256: String,
}

async fn look_at(
    source: &Source,
    log: DigestedLogFile,
    (key, length): (Option<String>, Option<u64>),
    cores: &Semaphore,
    bytes_max: u64,
) -> (Looked, Option<Kept>) {
    let location = match &key {
        Some(key) => format!("{}/{key}", source.name()),
        None => format!("s3://{}/{}", log.s3_bucket, log.s3_object),
    };
    let mut looked = Looked {
        verdict: Ok(()),
        controls: Vec::new(),
        bytes: 0,
        is_cached: false,
        location,
    };
    let too_large = || {
        let message = message!(
            "The log file inflates to more than {bytes_max} bytes and was not looked at.",
            "ログファイルの展開後の大きさが {bytes_max} バイトを超えるため、検証していません。"
        );
        Err((FindingKind::TooLarge, Verdict::Incomplete, message))
    };
    if length.is_some_and(|length| length > bytes_max) {
        looked.verdict = too_large();
        return (looked, None);
    }
    let fetched = match &key {
        Some(key) => source.get(key).await,
        None => source.get_elsewhere(&log.s3_bucket, &log.s3_object).await,
    };
    let fetched: Fetched = match fetched {
        Ok(Some(fetched)) => fetched,
        Ok(None) => {
            let message = message!(
                "The log file that a digest names is not there.",
                "ダイジェストが指すログファイルがありません。"
            );
            looked.verdict = Err((FindingKind::NotFound, Verdict::Invalid, message));
            return (looked, None);
        }
        Err(error) => {
            let message = message!(
                "The log file could not be fetched: {error}",
                "ログファイルを取得できません: {error}"
            );
            looked.verdict = Err((FindingKind::Unreadable, Verdict::Incomplete, message));
            return (looked, None);
        }
    };
    let (length, tag) = (fetched.body.len() as u64, fetched.tag.clone());
    let _core = cores.acquire().await;
    let read = tokio::task::spawn_blocking(move || content::read(&fetched.body, bytes_max, controls)).await;
    let read = read.unwrap_or(Err(NoContent::Damaged));
    let read = read.map(|(content, found)| {
        looked.controls = found.unwrap_or_default();
        looked.bytes = content.bytes;
        content
    });
    looked.verdict = match read {
        Err(NoContent::TooLong) => too_large(),
        Err(NoContent::Damaged) => {
            let message = message!(
                "The log file is no gzip, or a damaged one.",
                "ログファイルが gzip でないか、壊れています。"
            );
            Err((FindingKind::InvalidFormat, Verdict::Invalid, message))
        }
        Ok(content) if content.ended == Ended::Trailing => {
            let message = message!(
                "Bytes follow the compressed log file.",
                "圧縮されたログファイルの後に余分なデータがあります。"
            );
            Err((FindingKind::TrailingData, Verdict::Invalid, message))
        }
        Ok(content) if content.sha256 != log.hash_value || content.ended == Ended::CutShort => {
            let message = message!(
                "The log file is not the one that was delivered: its hash does not agree.",
                "配信されたログファイルではありません。ハッシュ値が一致しません。"
            );
            Err((FindingKind::HashMismatch, Verdict::Invalid, message))
        }
        Ok(_) => Ok(()),
    };
    if looked.verdict.is_err() {
        // What was not delivered explains nothing.
        looked.controls = Vec::new();
    }
    let keep = key.filter(|_| looked.verdict.is_ok()).map(|key| Kept {
        key,
        tag,
        bytes: length,
        sha256: log.hash_value,
    });
    (looked, keep)
}

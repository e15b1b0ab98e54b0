//! The files of one account and Region: all chains of digests there, the log files that they name, and those that none names.

use super::{
    cache::{self, Cache, Name},
    control::Control,
    judge::Judge,
    log::{Kept, Looked, Task},
    progress::Progress,
    report::{ChainReport, Finding, FindingKind, Verdict},
    source::{Listed, Source},
};
use crate::{aws::Error, message, message::Message};
use base::Timestamp;
use record::{DigestedLogFile, PublicKey};
use std::{
    collections::{BTreeMap, HashMap},
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinSet};

/// Log files so long after the end that is meant may be of a digest that is looked at.
const LOGS_AFTER: Duration = Duration::from_secs(3600 + 15 * 60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86400);
/// So many chains of a group are looked at at once: trails that write to the same place, and their backfill digests.
const CHAINS_MAX: usize = 4;
/// So many log files of a chain may be under way.
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
    /// Whether that trail writes here for sure.
    pub(crate) is_trails: bool,
    pub(crate) log_bytes_max: u64,
    pub(crate) cores: Arc<Semaphore>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cache: Arc<Cache>,
}

/// A chain as it came out, with what its gaps are judged by.
pub(crate) struct Chain {
    pub(crate) report: ChainReport,
    /// The windows of valid digests, by time, without what they have in common.
    pub(crate) windows: Vec<(Timestamp, Timestamp)>,
    /// When chains begin: the starts of digests that name none before them.
    pub(crate) begins: Vec<Timestamp>,
    pub(crate) newest_log: Option<Timestamp>,
    /// Where the chain ends by the trail's own account, if it does.
    pub(crate) stopped: Option<Stopped>,
}

/// An end of a chain that an event of the trail explains.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopped {
    /// The end of the newest digest.
    pub(crate) reached: Timestamp,
    /// When the trail was stopped.
    pub(crate) at: Timestamp,
    /// Until when digests should reach, were it not stopped.
    pub(crate) until: Timestamp,
}

/// The digests of a group.
#[derive(Default)]
pub(crate) struct Digests {
    /// Those that are meant, by chain.
    pub(crate) chains: BTreeMap<Name3, Vec<Listed>>,
    /// The newest one of each chain before the time that is meant, of the day before.
    pub(crate) before: BTreeMap<Name3, Listed>,
    /// Those of trails that are not meant.
    pub(crate) others: Vec<String>,
}

/// Digests of one chain: trail, home Region, whether they are backfill digests.
pub(crate) type Name3 = (String, String, bool);

/// A log file that was listed.
pub(crate) struct LogEntry {
    tag: String,
    bytes: u64,
    /// How many digests name it.
    pub(crate) named: u32,
}

/// Log files by the names of their keys.
pub(crate) type LogIndex = HashMap<Name, LogEntry>;

impl Group {
    /// Where a file of this key lies.
    pub(crate) fn location(&self, key: &str) -> String {
        format!("{}/{key}", self.source.name())
    }

    /// As the cache names it.
    pub(crate) fn name(folder: &str, region: &str) -> String {
        format!("{folder}{region}")
    }

    pub(crate) fn log_folder(&self) -> String {
        format!("{}CloudTrail/{}/", self.folder, self.region)
    }

    /// Log files up to this key are older than what is meant. The day before is meant, too: a digest's first log files may be of the
    /// hour before.
    pub(crate) fn logs_after(&self) -> String {
        let from = self.range.0.map(|from| from.minus(DAY));
        from.map(|from| format!("{}{}/", self.log_folder(), from.date_path()))
            .unwrap_or_default()
    }

    fn digest_folder(&self) -> String {
        format!("{}CloudTrail-Digest/{}/", self.folder, self.region)
    }

    /// Lists the digests, with those of the day before the time that is meant.
    pub(crate) async fn digests(&self) -> Result<Digests, Error> {
        let mut found = Digests::default();
        let prefix = self.digest_folder();
        let (from, to) = self.range;
        let after = from.map(|from| format!("{prefix}{}/", from.minus(DAY).date_path()));
        self.source
            .list(&prefix, &after.unwrap_or_default(), |listed| {
                let Some((name, end)) = self.chain_of(&listed.key) else {
                    return true;
                };
                if to.is_some_and(|to| end > to.plus(HOUR)) {
                    return true;
                }
                match (self.is_meant(&name), from.is_none_or(|from| end >= from)) {
                    (true, true) => found.chains.entry(name).or_default().push(listed),
                    // Keys come in the order of time.
                    (true, false) => drop(found.before.insert(name, listed)),
                    (false, _) => found.others.push(listed.key),
                }
                true
            })
            .await?;
        Ok(found)
    }

    fn is_meant(&self, (trail, home_region, _): &Name3) -> bool {
        let wanted = self.trail.as_ref();
        wanted.is_none_or(|(name, home)| name == trail && home == home_region)
    }

    /// Of which chain the digest of this key is, and its end.
    pub(crate) fn chain_of(&self, key: &str) -> Option<(Name3, Timestamp)> {
        let file = key.rsplit('/').next()?.strip_suffix(".json.gz")?;
        let (file, is_backfill) = match file.strip_suffix("_backfill") {
            Some(file) => (file, true),
            None => (file, false),
        };
        let (account, region) = (&self.account, &self.region);
        let rest = file.strip_prefix(&format!("{account}_CloudTrail-Digest_{region}_"))?;
        let (rest, end) = rest.rsplit_once('_')?;
        let end = Timestamp::parse_compact(end)?;
        if let Some((name, home)) = &self.trail
            && let Some(more) = rest.strip_prefix(&format!("{name}_{home}_"))
            && !has_the_form_of_a_region(more.rsplit('_').next().unwrap_or_default())
        {
            // No trail's: a name of this one's with more behind it.
            return Some(((name.clone(), home.clone(), is_backfill), end));
        }
        let (trail, home_region) = rest.rsplit_once('_')?;
        Some(((trail.to_owned(), home_region.to_owned(), is_backfill), end))
    }

    /// The newest digest of a chain before the time that is meant, however old it is.
    async fn newest_before(&self, name: &Name3) -> Result<Option<Listed>, Error> {
        let Some(from) = self.range.0 else {
            return Ok(None);
        };
        let mut newest = None;
        self.source
            .list(&self.digest_folder(), "", |listed| {
                let Some((of, end)) = self.chain_of(&listed.key) else {
                    return true;
                };
                if of == *name && end < from {
                    newest = Some(listed);
                }
                end < from.plus(DAY)
            })
            .await?;
        Ok(newest)
    }

    /// The time in a log file's name: when it was delivered, to the minute.
    pub(crate) fn time_of_log(&self, key: &str) -> Option<Timestamp> {
        let file = key.rsplit('/').next()?;
        let (account, region) = (&self.account, &self.region);
        let rest = file.strip_prefix(&format!("{account}_CloudTrail_{region}_"))?;
        let minute = rest.get(..14)?.strip_suffix('Z')?;
        Timestamp::parse_compact(&format!("{minute}00Z"))
    }

    /// Looks at everything.
    pub(crate) async fn verify(
        &self,
        mut digests: Digests,
        (mut logs, newest_log): (LogIndex, Option<Timestamp>),
        keys: &[PublicKey],
    ) -> Result<(Vec<Chain>, Vec<Control>), Error> {
        // A chain that was there right before should be there.
        for (name, listed) in &digests.before {
            if !name.2 && !digests.chains.contains_key(name) {
                digests.chains.insert(name.clone(), vec![listed.clone()]);
            }
        }
        if digests.chains.is_empty() {
            return Ok((self.without_digests(&digests.others, &mut logs).await?, Vec::new()));
        }
        let count = digests.chains.values().map(|digests| digests.len() as u64).sum();
        self.progress.found(count, logs.len() as u64);
        let mut chains = Vec::new();
        let mut all_controls = Vec::new();
        let index = Mutex::new(logs);
        let mut waiting = digests.chains.into_iter().peekable();
        while waiting.peek().is_some() {
            let some = waiting.by_ref().take(CHAINS_MAX).map(|(name, listed)| {
                let before = digests.before.get(&name).cloned();
                self.chain(name, listed, before, keys, &index)
            });
            for done in side_by_side(some).await {
                let (mut chain, controls) = done?;
                chain.newest_log = newest_log;
                all_controls.extend(controls);
                chains.push(chain);
            }
        }
        let mut logs = index.into_inner().unwrap_or_else(PoisonError::into_inner);
        let written = self.cache.flush();
        written.map_err(|fault| Error::Unsendable(format!("the cache cannot be written: {fault}")))?;
        self.unlisted(&mut chains, &mut logs, &digests.others).await?;
        Ok((chains, all_controls))
    }

    /// Looks at one chain and its log files.
    async fn chain(
        &self,
        name: Name3,
        listed: Vec<Listed>,
        before: Option<Listed>,
        keys: &[PublicKey],
        logs: &Mutex<LogIndex>,
    ) -> Result<(Chain, Vec<Control>), Error> {
        let (sender, receiver) = tokio::sync::mpsc::channel(UNDER_WAY_MAX);
        let mut judge = Judge::new(self, self.report_of(&name));
        let walk = async {
            judge.walk(listed, keys, &sender).await;
            // Where a chain begins in the midst of the time that is meant, the one before it tells whether it may.
            if judge.begins_late() {
                let before = match before {
                    Some(before) => Some(before),
                    None => self.newest_before(&name).await?,
                };
                judge.walk(before.into_iter().collect(), keys, &sender).await;
            }
            drop(sender);
            Ok::<(), Error>(())
        };
        let (walked, (looked, controls)) = tokio::join!(walk, self.look(receiver, logs));
        walked?;
        let mut chain = Chain {
            report: judge.report,
            windows: judge.windows,
            begins: judge.begins,
            newest_log: None,
            stopped: None,
        };
        chain.take(looked);
        Ok((chain, controls))
    }

    fn report_of(&self, (trail, home_region, backfill): &Name3) -> ChainReport {
        ChainReport {
            account_id: self.account.clone(),
            organization_id: self.organization.clone(),
            region: self.region.clone(),
            trail: trail.clone(),
            home_region: home_region.clone(),
            backfill: *backfill,
            ..ChainReport::default()
        }
    }

    /// What is said where there is no digest of the time that is meant: nothing, if there never was one and there are no log files.
    async fn without_digests(&self, others: &[String], logs: &mut LogIndex) -> Result<Vec<Chain>, Error> {
        let from = self.range.0;
        let prefix = self.digest_folder();
        let mut before: Option<Name3> = None;
        if let Some(from) = from {
            self.source
                .list(&prefix, "", |listed| {
                    before = self
                        .chain_of(&listed.key)
                        .filter(|(name, end)| self.is_meant(name) && *end < from)
                        .map(|(name, _)| name);
                    before.is_none()
                })
                .await?;
        }
        // With a trail named, log files may be another's.
        let has_logs = match self.trail {
            None => !logs.is_empty(),
            Some(_) => self.is_trails && self.has_unnamed(others, logs).await,
        };
        if before.is_none() && !has_logs {
            return Ok(Vec::new());
        }
        let named = || self.trail.clone().map(|(name, home)| (name, home, false));
        let none = || ("-".to_owned(), "-".to_owned(), false);
        let mut report = self.report_of(&before.or_else(named).unwrap_or_else(none));
        report.find(Finding {
            kind: FindingKind::NoDigests,
            verdict: Verdict::Incomplete,
            location: Some(self.location(&prefix)),
            from: from.map(Timestamp::iso8601),
            to: self.range.1.map(Timestamp::iso8601),
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
        Ok(vec![Chain::bare(report)])
    }

    /// The log files, and the time of the newest.
    pub(crate) async fn list_logs(&self) -> Result<(LogIndex, Option<Timestamp>), Error> {
        let to = self.range.1;
        let (mut logs, mut newest) = (LogIndex::new(), None);
        self.source
            .list(&self.log_folder(), &self.logs_after(), |listed| {
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
        logs: &Mutex<LogIndex>,
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
        logs: &Mutex<LogIndex>,
        under_way: &mut JoinSet<Looked>,
        tallied: &mut Tallied,
    ) {
        let key = self.source.key_now(&log.s3_bucket, &log.s3_object);
        let name = key.as_deref().map(|key| cache::name(&[key]));
        let mut logs = logs.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = name.and_then(|name| logs.get_mut(&name));
        let length = entry.as_ref().map(|entry| entry.bytes);
        if let Some(entry) = entry {
            entry.named += 1;
            if entry.named == 2 {
                let message = message!(
                    "More than one digest names the log file: what should be there instead of it, of one of them, is not known.",
                    "複数のダイジェストがこのログファイルを指しています。本来そこにあるはずのものは分かりません。"
                );
                let location = self.location(key.as_deref().unwrap_or_default());
                tallied
                    .findings
                    .push(finding(FindingKind::NamedTwice, Verdict::Incomplete, location, message));
            }
            let known = key
                .as_deref()
                .and_then(|key| self.cache.valid(key, &entry.tag, entry.bytes, &log.hash_value));
            if let Some(controls) = known {
                under_way.spawn(async move { Looked::known(controls) });
                return;
            }
        }
        under_way.spawn(Task::new(self, log, key, length).run());
    }

    fn end(
        &self,
        done: Result<Looked, tokio::task::JoinError>,
        tallied: &mut Tallied,
        found: &mut Vec<Control>,
        kept: &mut u64,
    ) {
        let Ok(looked) = done else {
            tallied.unproven += 1;
            return;
        };
        self.progress.log(looked.bytes);
        if let Some(Kept {
            key,
            tag,
            bytes,
            sha256,
        }) = &looked.keep
        {
            let written = self.cache.keep(key, tag, *bytes, sha256, &looked.controls);
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
}

/// What comes of several futures that are under way together, in their order.
async fn side_by_side<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.map(|future| Some(Box::pin(future))).collect();
    let mut done: Vec<Option<T>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, done) in running.iter_mut().zip(&mut done) {
            if let Some(Poll::Ready(value)) = future.as_mut().map(|future| future.as_mut().poll(context)) {
                (*future, *done) = (None, Some(value));
            }
        }
        match running.iter().all(Option::is_none) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Whether this may be the name of a Region, now or one day: `us-east-1`.
fn has_the_form_of_a_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.clone().count() >= 3
        && parts.next_back().is_some_and(is_number)
        && parts.next().is_some_and(|part| part.len() == 2 && is_word(part))
        && parts.all(is_word)
}

pub(crate) fn finding(kind: FindingKind, verdict: Verdict, location: String, message: Message) -> Finding {
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
    /// Of which nothing was looked at.
    pub(crate) fn bare(report: ChainReport) -> Chain {
        Chain {
            report,
            windows: Vec::new(),
            begins: Vec::new(),
            newest_log: None,
            stopped: None,
        }
    }

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

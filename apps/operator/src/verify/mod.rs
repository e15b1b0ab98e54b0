//! Whether a trail's files are what CloudTrail delivered.
//!
//! [`compat`] is the stock validator of the AWS CLI, faster. [`verify`] looks at all accounts and Regions of a bucket, or of a copy
//! of one, at once, and further than the stock validator: at the hash by which a digest names the one before it, at hours without
//! a digest, at an end that was cut off, at log files that no digest names.
//!
//! What is held in memory: bodies up to a bound, one inflated log file for each core, and for each log file of the accounts and
//! Regions that are under way some hundred bytes of the listing.
//!
//! ## Copies
//! A folder holds the files by their keys. A digest's metadata is read from `KEY.metadata.json` beside it: `{"signature": …,
//! "signature-algorithm": …}`, or what `aws s3api head-object` prints. Without it, the signature is taken from the next digest,
//! which names it (`previousDigestSignature`); the newest one's is then not available.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html>

mod asked;
mod cache;
mod calendar;
pub mod compat;
mod content;
mod control;
mod discover;
mod group;
mod judge;
mod keys;
mod log;
mod progress;
mod report;
mod source;
mod unlisted;

pub use compat::Effort;
pub use control::Control;
pub use keys::PublicKeys;
pub use progress::{Done, Progress};
pub use report::{ChainReport, FINDINGS_MAX, Finding, FindingKind, Report, Tally, Verdict};
pub use source::{PathMap, SIDECAR};

use crate::{
    aws::{Budget, Client, Error},
    message,
    message::Message,
};
use base::Timestamp;
use cache::Cache;
use group::{Chain, Group};
use source::Source;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::JoinSet};

/// So many accounts and Regions are looked at at once.
const GROUPS_MAX: usize = 8;

/// Where the files are.
#[derive(Clone, Debug)]
pub enum Place {
    /// The buckets of all trails that the account sees, or of those that are asked for.
    Trails,
    /// A bucket, and what stands before `AWSLogs/` in its keys.
    Bucket(String, Option<String>),
    /// A folder with a copy, and what stands before `AWSLogs/` in it.
    Folder(PathBuf, Option<String>),
}

/// What is to be verified.
#[derive(Clone, Debug)]
pub struct What {
    /// Where.
    pub place: Place,
    /// Only the digests of this trail, by its ARN. Log files that no digest names are then not told, for they may be another's.
    pub trail: Option<String>,
    /// Only this account.
    pub account: Option<String>,
    /// Only these Regions.
    pub regions: Vec<String>,
    /// Only what was delivered from this time on.
    pub start: Option<Timestamp>,
    /// Only what was delivered until this time.
    pub end: Option<Timestamp>,
    /// Where files lie that were signed elsewhere; the first that fits counts.
    pub maps: Vec<PathMap>,
    /// A log file that inflates to more is not looked at, and told.
    pub log_bytes_max: u64,
    /// Keeps what was found valid, for later runs.
    pub cache: Option<PathBuf>,
    /// How much at once.
    pub effort: Effort,
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum NotVerified {
    /// A call failed.
    #[error("{0}")]
    Call(#[from] Error),
    /// Something else.
    #[error("{0}")]
    Other(Message),
}

/// Reads a time as the stock validator does: nearly any spelling, in UTC whatever zone is written.
pub fn read_time(text: &str, now: Timestamp) -> Result<Timestamp, Message> {
    compat::read_time(text, now)
        .ok_or_else(|| message!("The time {text} cannot be read.", "時刻 {text} を読み取れません。"))
}

/// Verifies. Public keys come from `keys`, or are asked for and put there (`ask_for_keys`). `now` bounds how old the newest digest
/// may be, unless the files are a copy.
pub async fn verify(
    client: Option<&Client>,
    what: &What,
    keys: &mut PublicKeys,
    ask_for_keys: bool,
    now: Timestamp,
    progress: &Arc<Progress>,
) -> Result<Report, NotVerified> {
    let mut report = Report {
        start_time: what.start.map(Timestamp::iso8601),
        end_time: what.end.map(Timestamp::iso8601),
        ..Report::default()
    };
    let found = discover::sources(client, what).await?;
    let (mut chains, mut controls) = (Vec::new(), Vec::new());
    let mut is_local = false;
    for (source, prefix) in &found.sources {
        is_local |= source.is_local();
        report.sources.push(match prefix.as_str() {
            "" => source.name(),
            prefix => format!("{}/{prefix}", source.name()),
        });
        let groups = discover::groups(source, prefix, what, &found.trails, progress).await?;
        let (looked, told) = all_groups(groups.groups, client, keys, ask_for_keys, now).await?;
        chains.extend(looked);
        chains.extend(groups.bare);
        controls.extend(told);
    }
    if let Some(client) = client {
        let missing = asked::missing(client, &found.trails, &chains, what, now).await;
        chains.extend(missing);
    }
    if chains.is_empty() {
        let sources = report.sources.join(", ");
        return Err(NotVerified::Other(message!(
            "There are no digests of the trails that are meant in {sources}. Is the prefix right, and is log file validation on?",
            "{sources} に対象の証跡のダイジェストがありません。プレフィックスと、ログファイルの検証が有効かどうかを確認してください。"
        )));
    }
    controls.sort();
    controls.dedup();
    let until = what.end.or_else(|| if is_local { newest(&chains) } else { Some(now) });
    let owner = what.trail.as_deref().and_then(|arn| arn.split(':').nth(4));
    for chain in &mut chains {
        calendar::judge(chain, &controls, until, owner);
    }
    asked::confirm(client, &mut chains, owner).await;
    report.chains = chains.into_iter().map(|chain| chain.report).collect();
    report.verdict = report
        .chains
        .iter()
        .map(|chain| chain.verdict)
        .max()
        .unwrap_or_default();
    Ok(report)
}

/// When a copy was made is not known. Its newest file tells until when there should be digests of every Region and trail in it.
fn newest(chains: &[Chain]) -> Option<Timestamp> {
    let ends = chains
        .iter()
        .flat_map(|chain| chain.windows.iter().map(|(_, end)| *end));
    ends.chain(chains.iter().filter_map(|chain| chain.newest_log)).max()
}

/// Looks at the groups, several at once.
async fn all_groups(
    groups: Vec<Group>,
    client: Option<&Client>,
    keys: &mut PublicKeys,
    ask_for_keys: bool,
    now: Timestamp,
) -> Result<(Vec<Chain>, Vec<Control>), NotVerified> {
    let turns = Arc::new(Semaphore::new(GROUPS_MAX));
    let mut under_way = JoinSet::new();
    for (place, group) in groups.into_iter().enumerate() {
        let turns = Arc::clone(&turns);
        let client = client.filter(|_| ask_for_keys).cloned();
        let mut own_keys = keys.clone();
        under_way.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let done = one_group(&group, client.as_ref(), &mut own_keys, now).await;
            (place, done, own_keys)
        });
    }
    let mut all = Vec::new();
    while let Some(done) = under_way.join_next().await {
        let (place, done, own_keys) = done.map_err(|fault| NotVerified::Other(Message::plain(fault.to_string())))?;
        keys.take(own_keys);
        all.push((place, done?));
    }
    all.sort_by_key(|(place, _)| *place);
    let (mut chains, mut controls) = (Vec::new(), Vec::new());
    for (_, (found, told)) in all {
        chains.extend(found);
        controls.extend(told);
    }
    Ok((chains, controls))
}

/// One group. Nothing waits that need not: digests and log files are listed and keys are asked for at once.
async fn one_group(
    group: &Group,
    client: Option<&Client>,
    keys: &mut PublicKeys,
    now: Timestamp,
) -> Result<(Vec<Chain>, Vec<Control>), Error> {
    let from = group.range.0.unwrap_or(Timestamp::EPOCH);
    let to = group.range.1.unwrap_or(now).max(now);
    let ask = async {
        match client {
            Some(client) => {
                let to = to.plus(Duration::from_secs(2 * 3600));
                keys.fetch(client, &group.region, from, to).await
            }
            None => Ok(()),
        }
    };
    let (digests, logs, ()) = tokio::try_join!(group.digests(), group.list_logs(), ask)?;
    group.verify(digests, logs, &keys.of(&group.region)).await
}

/// The cache of a group, or none.
fn cache(what: &What, source: &Source, group: &str) -> Result<Cache, NotVerified> {
    match &what.cache {
        None => Ok(Cache::none()),
        Some(folder) => Cache::open(folder, &source.name(), group).map_err(|fault| {
            let folder = folder.display();
            NotVerified::Other(message!(
                "The cache {folder} cannot be used: {fault}",
                "キャッシュ {folder} を使用できません: {fault}"
            ))
        }),
    }
}

fn budget(what: &What) -> Budget {
    Budget::new(what.effort.bytes)
}

//! How the trails of an account stand: what a [`Survey`] says about them, and what of it is no good.
//!
//! A Region without a trail, a trail without a key and a call that failed are three different things here.

mod meaning;

use crate::{
    message,
    message::Message,
    survey::{Bucket, Encryption, Fact, Key, Missing, MissingKind, Status, Survey, Trail},
};
use meaning::Told;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How the trails stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The account.
    pub account: String,
    /// The ARN of who asked.
    pub caller: String,
    /// Each Region that was asked, in order.
    pub regions: Vec<RegionReport>,
    /// Each trail once, by home Region and name.
    pub trails: Vec<TrailReport>,
    /// What is no good, worst first by trail; empty when all is well.
    pub findings: Vec<Finding>,
    /// What could not be read, each call once.
    pub not_available: Vec<Unread>,
}

/// A Region and the trails that are seen there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionReport {
    /// The Region.
    pub region: String,
    /// The ARNs of the trails, shadows too. None is an answer; a call that failed is not.
    pub trails: Fact<Vec<String>>,
}

/// A trail.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrailReport {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its home Region.
    pub home_region: String,
    /// Whether it records the events of all Regions.
    pub multi_region: bool,
    /// Whether it is of an organization.
    pub organization: bool,
    /// The other Regions in which it is seen.
    pub shadows: Vec<String>,
    /// The key that seals its log files.
    pub key: Option<KeyReport>,
    /// Whether its files are digested and signed.
    pub validation: bool,
    /// The bucket of its files.
    pub bucket: String,
    /// What their keys begin with, before `AWSLogs/`.
    pub prefix: String,
    /// Whether the bucket is there.
    pub bucket_exists: Fact<bool>,
    /// The default encryption of what others put into the bucket.
    pub bucket_encryption: Fact<Option<Encryption>>,
    /// Whether it logs, and what was delivered when.
    pub status: Fact<Status>,
}

/// A trail's key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyReport {
    /// Its ARN.
    pub arn: String,
    /// Its first alias, where it has one and it could be read.
    pub alias: Option<String>,
    /// `Enabled`, `Disabled`, `PendingDeletion` and so on.
    pub state: Fact<String>,
}

impl KeyReport {
    /// What people call it: its alias, else its id.
    pub fn name(&self) -> &str {
        let id = self.arn.rsplit('/').next().unwrap_or(&self.arn);
        self.alias.as_deref().unwrap_or(id)
    }
}

/// What is no good.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The ARN of the trail; absent when it is about none.
    pub trail: Option<String>,
    /// What it is about.
    pub kind: FindingKind,
    /// The error code that CloudTrail has told, where it has told one.
    pub code: Option<String>,
    /// A sentence.
    pub message: Message,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FindingKind {
    /// No trail is there, or not the one that was asked for.
    NoTrail,
    /// The trail does not log.
    NotLogging,
    /// Whether it logs could not be read.
    Unknown,
    /// Log files are not delivered.
    Delivery,
    /// Digest files are not delivered.
    Digest,
    /// The log group gets no events.
    Logs,
    /// The topic is not told.
    Notification,
    /// The bucket is gone.
    Bucket,
    /// The key cannot be used.
    Key,
}

/// A call that told nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// The call.
    pub call: String,
    /// The error code.
    pub code: String,
    /// The Regions in which it failed, in order.
    pub regions: Vec<String>,
    /// The IAM action that is missing, when the caller was denied.
    pub needs: Option<String>,
    /// A sentence.
    pub message: Message,
}

/// How the trails of a survey stand. `wanted` are the names and ARNs that were asked for.
pub fn report(survey: &Survey, wanted: Option<&[String]>) -> Report {
    let trails: Vec<TrailReport> = survey.trails.iter().map(|trail| trail_report(survey, trail)).collect();
    let mut findings = absent(survey, wanted);
    for trail in &trails {
        findings.extend(of_trail(trail));
    }
    let shown: BTreeSet<&str> = trails.iter().map(|trail| trail.arn.as_str()).collect();
    let regions = survey.by_region.iter().map(|(region, facts)| {
        let trails = facts.trails.as_ref().map(|arns| {
            let arns = arns.iter().filter(|arn| shown.contains(arn.as_str()));
            arns.cloned().collect()
        });
        RegionReport {
            region: region.clone(),
            trails,
        }
    });
    Report {
        account: survey.account.clone(),
        caller: survey.caller.clone(),
        regions: regions.collect(),
        not_available: unread(survey),
        trails,
        findings,
    }
}

fn trail_report(survey: &Survey, trail: &Trail) -> TrailReport {
    let not_asked = |call: &str| Missing::not_asked(call);
    let key = trail.kms_key.as_ref().map(|arn| {
        let key: Option<&Key> = survey.key_of(trail);
        let aliases = key.and_then(|key| key.aliases.known());
        let state = key.map(|key| key.metadata.as_ref().map(|metadata| metadata.state.clone()));
        KeyReport {
            arn: arn.clone(),
            alias: aliases.and_then(|aliases| aliases.first().cloned()),
            state: state.unwrap_or_else(|| Fact::NotAvailable(not_asked("kms:DescribeKey"))),
        }
    });
    let bucket: Option<&Bucket> = survey.bucket_of(trail);
    let unknown = || Fact::NotAvailable(not_asked("s3:GetBucketEncryption"));
    TrailReport {
        name: trail.name.clone(),
        arn: trail.arn.clone(),
        home_region: trail.home_region.clone(),
        multi_region: trail.multi_region,
        organization: trail.organization,
        shadows: trail
            .seen_in
            .iter()
            .filter(|region| trail.is_shadow_in(region))
            .cloned()
            .collect(),
        key,
        validation: trail.validation,
        bucket: trail.bucket.clone(),
        prefix: trail.prefix.clone(),
        bucket_exists: bucket.map_or_else(
            || Fact::NotAvailable(not_asked("s3:GetBucketEncryption")),
            |bucket| bucket.exists.clone(),
        ),
        bucket_encryption: bucket.map_or_else(unknown, |bucket| bucket.encryption.clone()),
        status: trail.status.clone(),
    }
}

/// Trails that are not there. Where a Region could not be asked, that may be the reason.
fn absent(survey: &Survey, wanted: Option<&[String]>) -> Vec<Finding> {
    let heard = survey.by_region.values().filter(|facts| facts.trails.known().is_some());
    let (heard, asked) = (heard.count(), survey.regions.len());
    let finding = |message| Finding {
        trail: None,
        kind: FindingKind::NoTrail,
        code: None,
        message,
    };
    match wanted {
        Some(names) => {
            let gone = names.iter().filter(|name| survey.trail(name).is_none());
            gone.map(|name| {
                finding(message!(
                    "There is no trail {name} in the {heard} Regions that answered, of {asked}.",
                    "回答のあった {heard} リージョン (全 {asked}) に証跡 {name} はありません。"
                ))
            })
            .collect()
        }
        None if survey.trails.is_empty() => vec![finding(message!(
            "There is no trail in the {heard} Regions that answered, of {asked}.",
            "回答のあった {heard} リージョン (全 {asked}) に証跡はありません。"
        ))],
        None => Vec::new(),
    }
}

fn of_trail(trail: &TrailReport) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |kind, code: Option<&str>, message| {
        findings.push(Finding {
            trail: Some(trail.arn.clone()),
            kind,
            code: code.map(str::to_owned),
            message,
        });
    };
    match &trail.status {
        Fact::Known(status) => {
            if !status.is_logging {
                found(FindingKind::NotLogging, None, not_logging(status));
            }
            let told = [
                (FindingKind::Delivery, Told::Delivery, &status.latest_delivery_error),
                (FindingKind::Digest, Told::Digest, &status.latest_digest_delivery_error),
                (
                    FindingKind::Logs,
                    Told::Logs,
                    &status.latest_cloud_watch_logs_delivery_error,
                ),
                (
                    FindingKind::Notification,
                    Told::Notification,
                    &status.latest_notification_error,
                ),
            ];
            for (kind, told, error) in told {
                if let Some(code) = error {
                    found(kind, Some(code), meaning::sentence(told, code));
                }
            }
        }
        Fact::NotAvailable(missing) => {
            let code = &missing.code;
            let message = message!(
                "Whether it logs is not known: GetTrailStatus told nothing ({code}).",
                "記録中かどうか不明です: GetTrailStatus の回答がありません ({code})。"
            );
            found(FindingKind::Unknown, None, message);
        }
    }
    if trail.bucket_exists == Fact::Known(false) {
        let bucket = &trail.bucket;
        let message = message!("Its bucket {bucket} is gone.", "バケット {bucket} がありません。");
        found(FindingKind::Bucket, None, message);
    }
    if let Some(key) = &trail.key
        && let Some(message) = unusable(key)
    {
        found(FindingKind::Key, None, message);
    }
    findings
}

fn not_logging(status: &Status) -> Message {
    match status.stop_logging_time {
        Some(time) => {
            let time = time.iso8601();
            message!("It does not log since {time}.", "{time} から記録を停止しています。")
        }
        None => message!(
            "It does not log: it was never started.",
            "記録していません (開始されたことがありません)。"
        ),
    }
}

/// Why no log file can be sealed by the key.
fn unusable(key: &KeyReport) -> Option<Message> {
    let name = key.name();
    match &key.state {
        Fact::Known(state) if state == "Enabled" => None,
        Fact::Known(state) => Some(message!(
            "Its key {name} is in the state {state}: no log file can be sealed by it, and none that it sealed can be read.",
            "キー {name} は {state} 状態です: ログファイルを暗号化できず、暗号化済みのファイルも読めません。"
        )),
        Fact::NotAvailable(missing) if missing.kind() == MissingKind::Gone => Some(message!(
            "Its key {name} is gone: no log file can be sealed by it, and none that it sealed can ever be read.",
            "キー {name} は存在しません: ログファイルを暗号化できず、暗号化済みのファイルは二度と読めません。"
        )),
        Fact::NotAvailable(_) => None,
    }
}

/// The calls that told nothing; not those that were not made.
fn unread(survey: &Survey) -> Vec<Unread> {
    let mut all: Vec<&Missing> = Vec::new();
    all.extend(survey.all_regions.missing());
    all.extend(survey.by_region.values().filter_map(|facts| facts.trails.missing()));
    all.extend(survey.trails.iter().filter_map(|trail| trail.status.missing()));
    for bucket in survey
        .buckets
        .values()
        .filter(|bucket| bucket.exists != Fact::Known(false))
    {
        all.extend(bucket.encryption.missing());
    }
    for key in survey.keys.values() {
        all.extend(
            key.metadata
                .missing()
                .filter(|missing| missing.kind() != MissingKind::Gone),
        );
        all.extend(
            key.aliases
                .missing()
                .filter(|missing| missing.kind() != MissingKind::Gone),
        );
    }
    let mut by_call: BTreeMap<(&str, &str), (BTreeSet<&str>, &Missing)> = BTreeMap::new();
    for missing in all {
        if missing.kind() == MissingKind::NotAsked {
            continue;
        }
        let (regions, _) = by_call
            .entry((&missing.call, &missing.code))
            .or_insert_with(|| (BTreeSet::new(), missing));
        regions.insert(&missing.region);
    }
    let unread = by_call.into_values().map(|(regions, missing)| {
        let regions: Vec<String> = regions.into_iter().map(str::to_owned).collect();
        // The sentence is about all of the Regions.
        let place = regions.join(", ");
        let said = Missing {
            region: place,
            ..missing.clone()
        };
        Unread {
            call: missing.call.clone(),
            code: missing.code.clone(),
            regions,
            needs: (missing.kind() == MissingKind::Denied).then(|| missing.action().to_owned()),
            message: said.said(),
        }
    });
    unread.collect()
}

#[cfg(test)]
mod tests;

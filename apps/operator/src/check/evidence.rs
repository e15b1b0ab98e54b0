//! What a check looks at beside a survey: the newest digests and log files in the buckets of the trails.

use crate::{
    aws::Client,
    survey::{Fact, Missing, Survey, Trail},
};
use base::Timestamp;
use http::Method;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::JoinSet};

/// So many calls are on their way at once.
const CALLS_AT_ONCE_MAX: usize = 16;
/// So many of the newest log files are looked at.
const LOG_FILES: usize = 3;
const DAY: Duration = Duration::from_secs(86_400);

/// What was found in the buckets, by the ARNs of trails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The newest digest of each Region; none when there is none of the last two days.
    pub digests: BTreeMap<String, BTreeMap<String, Fact<Option<Digest>>>>,
    /// The newest log files of the home Region, the newest first.
    pub log_files: BTreeMap<String, Fact<Vec<LogFile>>>,
}

/// A digest file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// Its key in the bucket.
    pub key: String,
    /// The end of its hour, in RFC 3339.
    pub end: String,
}

/// A log file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogFile {
    /// Its key in the bucket.
    pub key: String,
    /// `AES256` or `aws:kms`.
    pub encryption: String,
    /// The ARN of the key that seals it.
    pub kms_key: Option<String>,
}

enum Found {
    Digest(String, String, Fact<Option<Digest>>),
    LogFiles(String, Fact<Vec<LogFile>>),
}

/// Looks into the buckets of the trails of the account, as of this time.
pub async fn gather(client: &Client, survey: &Survey, at: Timestamp) -> Evidence {
    let turns = Arc::new(Semaphore::new(CALLS_AT_ONCE_MAX));
    let mut asked = JoinSet::new();
    for trail in survey.trails.iter().filter(|trail| trail.account() == survey.account) {
        let place = Place::of(trail, survey, at);
        if trail.validation {
            for region in regions(trail, survey) {
                let (client, turns, place) = (client.clone(), Arc::clone(&turns), place.clone());
                asked.spawn(async move {
                    let _turn = turns.acquire().await;
                    let newest = place.newest_digest(&client, &region).await;
                    Found::Digest(place.arn, region, newest)
                });
            }
        }
        if trail.kms_key.is_some() {
            let (client, turns) = (client.clone(), Arc::clone(&turns));
            asked.spawn(async move {
                let _turn = turns.acquire().await;
                let files = place.newest_log_files(&client).await;
                Found::LogFiles(place.arn, files)
            });
        }
    }
    let mut evidence = Evidence::default();
    while let Some(found) = asked.join_next().await {
        match found {
            Ok(Found::Digest(arn, region, newest)) => {
                evidence.digests.entry(arn).or_default().insert(region, newest);
            }
            Ok(Found::LogFiles(arn, files)) => {
                evidence.log_files.insert(arn, files);
            }
            // What was not looked at stays unknown.
            Err(_) => {}
        }
    }
    evidence
}

/// The Regions that have digests of a trail.
pub(super) fn regions(trail: &Trail, survey: &Survey) -> Vec<String> {
    match trail.multi_region {
        true => survey.regions.clone(),
        false => vec![trail.home_region.clone()],
    }
}

/// Where the files of a trail are, and of which days.
#[derive(Clone)]
struct Place {
    arn: String,
    name: String,
    account: String,
    home_region: String,
    bucket: String,
    folder: String,
    organization: bool,
    /// The latest first.
    days: Vec<Timestamp>,
    /// The latest time that is known to have come.
    latest: Timestamp,
}

impl Place {
    fn of(trail: &Trail, survey: &Survey, at: Timestamp) -> Place {
        let status = trail.status.known();
        let told = status.into_iter().flat_map(|status| {
            [
                status.latest_delivery_time,
                status.latest_digest_delivery_time,
                status.stop_logging_time.filter(|_| !status.is_logging),
            ]
        });
        let times: Vec<Timestamp> = [Some(at)].into_iter().chain(told).flatten().collect();
        let latest = times.iter().copied().fold(at, Timestamp::max);
        let mut days: Vec<Timestamp> = times
            .into_iter()
            .flat_map(|time| [time, time.minus(DAY)])
            .map(|time| time.floor_to(DAY))
            .collect();
        days.sort_unstable_by(|one, other| other.cmp(one));
        days.dedup();
        Place {
            arn: trail.arn.clone(),
            name: trail.name.clone(),
            account: survey.account.clone(),
            home_region: trail.home_region.clone(),
            bucket: trail.bucket.clone(),
            folder: trail.folder(),
            organization: trail.organization,
            days,
            latest,
        }
    }

    /// The end of the hour of a digest of a Region, by its key; nothing of other files. A digest of a time that has not come was
    /// made up, and does not lengthen the chain.
    fn end_of_digest(&self, region: &str, key: &str) -> Option<Timestamp> {
        let (account, name, home) = (&self.account, &self.name, &self.home_region);
        let beginning = format!("/{account}_CloudTrail-Digest_{region}_{name}_{home}_");
        let (_, rest) = key.rsplit_once(&beginning)?;
        Timestamp::parse_compact(rest.strip_suffix(".json.gz")?).filter(|end| *end <= self.latest)
    }

    /// The keys of a kind of files of a Region, of the newest day that has any that fit.
    async fn newest(
        &self,
        client: &Client,
        kind: &str,
        region: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, Missing> {
        if self.organization {
            return Err(Missing::not_asked("organizations:DescribeOrganization"));
        }
        let (folder, account) = (&self.folder, &self.account);
        for day in &self.days {
            let day = day.date_path();
            let prefix = format!("{folder}{account}/{kind}/{region}/{day}/");
            let listed = client
                .in_region(&self.home_region)
                .list_objects(&self.bucket, &prefix)
                .await;
            let mut keys = listed.map_err(|error| Missing::of("s3:ListObjectsV2", &self.home_region, &error))?;
            keys.retain(|key| fits(key));
            if !keys.is_empty() {
                return Ok(keys);
            }
        }
        Ok(Vec::new())
    }

    async fn newest_digest(&self, client: &Client, region: &str) -> Fact<Option<Digest>> {
        let end_of = |key: &str| self.end_of_digest(region, key);
        let keys = self
            .newest(client, "CloudTrail-Digest", region, |key| end_of(key).is_some())
            .await;
        let newest = keys.map(|keys| {
            let newest = keys.into_iter().filter_map(|key| Some((end_of(&key)?, key))).max();
            newest.map(|(end, key)| Digest {
                key,
                end: end.iso8601(),
            })
        });
        newest.into()
    }

    async fn newest_log_files(&self, client: &Client) -> Fact<Vec<LogFile>> {
        let region = self.home_region.as_str();
        let keys = self
            .newest(client, "CloudTrail", region, |key| key.ends_with(".json.gz"))
            .await;
        let mut keys = match keys {
            Ok(keys) => keys,
            Err(missing) => return Fact::NotAvailable(missing),
        };
        // Names hold the time of delivery behind what is the same in all.
        keys.sort_unstable_by(|one, other| other.cmp(one));
        let mut files = Vec::new();
        for key in keys.into_iter().take(LOG_FILES) {
            let answer = client
                .in_region(region)
                .s3(Method::HEAD, &self.bucket, &key, "", &[], "")
                .await;
            match answer {
                Ok(answer) => files.push(LogFile {
                    encryption: answer.header("x-amz-server-side-encryption").to_owned(),
                    kms_key: Some(answer.header("x-amz-server-side-encryption-aws-kms-key-id").to_owned())
                        .filter(|arn| !arn.is_empty()),
                    key,
                }),
                Err(error) => return Fact::NotAvailable(Missing::of("s3:HeadObject", region, &error)),
            }
        }
        Fact::Known(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_of_later_was_made_up() {
        let time = |text: &str| Timestamp::parse(text).unwrap();
        let place = Place {
            arn: String::new(),
            name: "audit".to_owned(),
            account: "111122223333".to_owned(),
            home_region: "us-east-1".to_owned(),
            bucket: "logs".to_owned(),
            folder: "AWSLogs/".to_owned(),
            organization: false,
            days: Vec::new(),
            latest: time("2026-01-02T12:00:00Z"),
        };
        let end = |at: &str| {
            let key = format!(
                "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/01/02/\
                 111122223333_CloudTrail-Digest_eu-west-1_audit_us-east-1_{at}.json.gz"
            );
            place.end_of_digest("eu-west-1", &key)
        };
        assert_eq!(end("20260102T110000Z"), Some(time("2026-01-02T11:00:00Z")));
        assert_eq!(end("20260102T230000Z"), None);
        assert_eq!(end("nothing"), None);
    }
}

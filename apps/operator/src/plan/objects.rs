//! How many objects lie under a key: nobody could open them without it.
//!
//! S3 lists objects without saying what seals them, so each is asked for by HeadObject, many at a time, up to a limit. What was
//! not asked is said: then the numbers are at least so much.

use crate::{
    aws::Client,
    message::Message,
    survey::{Fact, Missing, Survey},
};
use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::{sync::Semaphore, task::JoinSet};

/// A day.
const DAY_SECONDS: u64 = 86_400;

/// How far is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many objects of each bucket are looked at.
    pub count_max: u64,
    /// So many at a time.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            count_max: 10_000,
            at_once: 32,
        }
    }
}

/// How old objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Age {
    /// Up to 30 days.
    Month,
    /// Up to 90 days.
    Quarter,
    /// Up to 365 days.
    Year,
    /// Older.
    Older,
}

impl Age {
    fn of(modified: Timestamp, now: Timestamp) -> Age {
        match now.since(modified).as_secs() / DAY_SECONDS {
            ..30 => Age::Month,
            30..90 => Age::Quarter,
            90..365 => Age::Year,
            _ => Age::Older,
        }
    }
}

/// What was counted of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// How many.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many by age.
    pub by_age: BTreeMap<Age, u64>,
}

/// The objects of one bucket under one key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    /// The key's ARN.
    pub key: String,
    /// The bucket.
    pub bucket: String,
    /// Log files of CloudTrail.
    pub log_files: Counted,
    /// Digests.
    pub digests: Counted,
    /// Other objects.
    pub others: Counted,
    /// How many objects were looked at, under whatever key.
    pub looked_at: u64,
    /// Whether not all were looked at: then there are at least so many.
    pub at_least: bool,
    /// Objects that could not be looked at, by the error's code.
    pub refused: BTreeMap<String, u64>,
    /// Why the bucket could not be listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

impl Unreadable {
    /// How many were found.
    pub fn total(&self) -> u64 {
        self.log_files.objects + self.digests.objects + self.others.objects
    }
}

/// Counts the objects under keys, in the buckets of the survey. Older versions of objects are not counted. `seen` is told how
/// many were looked at.
pub async fn count(
    client: &Client,
    survey: &Survey,
    keys: &BTreeSet<String>,
    limits: Limits,
    seen: &(dyn Fn(u64) + Sync),
) -> Vec<Unreadable> {
    let mut found = Vec::new();
    for (name, bucket) in &survey.buckets {
        if keys.is_empty() || bucket.exists == Fact::Known(false) {
            continue;
        }
        let region = bucket.region.known().map_or(client.region(), String::as_str);
        // A key of another Region seals nothing here.
        let here = |key: &&String| {
            survey
                .keys
                .get(*key)
                .is_none_or(|key| key.region.is_empty() || key.region == region)
        };
        let keys: Vec<&String> = keys.iter().filter(here).collect();
        if !keys.is_empty() {
            let counter = Counter {
                client: client.in_region(region),
                bucket: name,
                now: survey.made_at.unwrap_or(Timestamp::EPOCH),
                limits,
            };
            found.extend(counter.run(&keys, seen).await);
        }
    }
    found
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    contents: Vec<Listed>,
    next_continuation_token: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    key: String,
    last_modified: String,
    size: u64,
}

struct Counter<'a> {
    client: Client,
    bucket: &'a str,
    now: Timestamp,
    limits: Limits,
}

/// The header that names the key of an object.
const SEALED_UNDER: &str = "x-amz-server-side-encryption-aws-kms-key-id";

impl Counter<'_> {
    async fn run(&self, keys: &[&String], seen: &(dyn Fn(u64) + Sync)) -> Vec<Unreadable> {
        let mut all: Vec<Unreadable> = keys.iter().map(|key| self.none_under(key)).collect();
        let (mut looked_at, mut token, mut whole) = (0, None, false);
        while !whole && looked_at < self.limits.count_max {
            let page = match self.page(token.as_deref(), self.limits.count_max - looked_at).await {
                Ok(page) => page,
                Err(missing) => {
                    for one in &mut all {
                        one.missing = Some(missing.clone());
                        one.at_least = true;
                    }
                    break;
                }
            };
            let count = page.contents.len() as u64;
            self.look(page.contents, &mut all).await;
            looked_at += count;
            seen(count);
            token = page.next_continuation_token;
            whole = token.is_none();
        }
        for one in &mut all {
            one.looked_at = looked_at;
            one.at_least |= !whole || !one.refused.is_empty();
        }
        all
    }

    fn none_under(&self, key: &str) -> Unreadable {
        Unreadable {
            key: key.to_owned(),
            bucket: self.bucket.to_owned(),
            log_files: Counted::default(),
            digests: Counted::default(),
            others: Counted::default(),
            looked_at: 0,
            at_least: false,
            refused: BTreeMap::new(),
            missing: None,
        }
    }

    async fn page(&self, token: Option<&str>, at_most: u64) -> Result<Page, Missing> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(token) = token {
            query.append_pair("continuation-token", token);
        }
        query.append_pair("list-type", "2");
        query.append_pair("max-keys", &at_most.min(1000).to_string());
        // In a query a space is %20, and a plus is one.
        let query = query.finish().replace('+', "%20");
        let missing = |error: &crate::aws::Error| Missing::of("s3:ListObjectsV2", self.client.region(), error);
        let answer = self
            .client
            .s3(http::Method::GET, self.bucket, "", &query, &[], "")
            .await;
        let answer = answer.map_err(|error| missing(&error))?;
        wire::xml::parse(&answer.body).map_err(|fault| {
            missing(&crate::aws::Error::Unreadable {
                operation: "ListObjectsV2".to_owned(),
                reason: fault.to_string(),
            })
        })
    }

    /// Asks what seals the objects of a page.
    async fn look(&self, listed: Vec<Listed>, all: &mut [Unreadable]) {
        let turns = Arc::new(Semaphore::new(self.limits.at_once));
        let mut asked = JoinSet::new();
        for object in listed {
            let (client, bucket, turns) = (self.client.clone(), self.bucket.to_owned(), Arc::clone(&turns));
            asked.spawn(async move {
                let _turn = turns.acquire().await;
                let head = client.s3(http::Method::HEAD, &bucket, &object.key, "", &[], "").await;
                let under = head.map(|answer| answer.header(SEALED_UNDER).to_owned());
                (
                    object,
                    under.map_err(|error| Missing::of("s3:HeadObject", client.region(), &error)),
                )
            });
        }
        while let Some(done) = asked.join_next().await {
            // A task that ended otherwise was one of a runtime that ends.
            let Ok((object, under)) = done else { continue };
            match under {
                Ok(under) => {
                    if let Some(one) = all.iter_mut().find(|one| one.key == under) {
                        self.add(one, &object);
                    }
                }
                Err(missing) => {
                    for one in all.iter_mut() {
                        *one.refused.entry(missing.code.clone()).or_default() += 1;
                    }
                }
            }
        }
    }

    fn add(&self, to: &mut Unreadable, object: &Listed) {
        let kind = match &object.key {
            key if key.contains("/CloudTrail-Digest/") => &mut to.digests,
            key if key.contains("AWSLogs/") && key.contains("/CloudTrail/") => &mut to.log_files,
            _ => &mut to.others,
        };
        kind.objects += 1;
        kind.bytes += object.size;
        let modified = Timestamp::parse(&object.last_modified).unwrap_or(self.now);
        *kind.by_age.entry(Age::of(modified, self.now)).or_default() += 1;
    }
}

impl Age {
    /// The age in words.
    pub fn said(self) -> Message {
        match self {
            Age::Month => crate::message!("up to 30 days", "30 日以内"),
            Age::Quarter => crate::message!("30 to 90 days", "30〜90 日"),
            Age::Year => crate::message!("90 to 365 days", "90〜365 日"),
            Age::Older => crate::message!("older than a year", "1 年以上"),
        }
    }
}

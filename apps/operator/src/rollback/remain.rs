//! What stays under a key after a roll-back: log files, how long they stay, and what the key costs until then.

use super::{SealedTrail, read::all};
use crate::{
    aws::{Client, Error, elements},
    cost::{KeyFacts, Line, of_key},
    survey::{Fact, Missing},
};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::ServiceName;

/// How many objects are looked at in one go.
const CHUNK: usize = 512;

/// Objects under keys, as far as they were looked at. The number is a lower bound unless `is_whole`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// By the ARN of the key.
    pub by_key: BTreeMap<String, u64>,
    /// How many were looked at.
    pub looked_at: u64,
    /// How many could not be looked at.
    pub unknown: u64,
    /// Whether these are all.
    pub is_whole: bool,
}

/// When a lifecycle rule of the bucket removes the log files of a trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Expiry {
    /// The rule's name.
    pub rule: String,
    /// Days after an object was put.
    pub days: u32,
}

/// What stays.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remains {
    /// Log and digest files by bucket.
    pub objects: BTreeMap<String, Fact<Count>>,
    /// By bucket, when log files end; nothing when they never do.
    pub expiry: BTreeMap<String, Fact<Option<Expiry>>>,
    /// What each key costs a month.
    pub costs: BTreeMap<String, Fact<Line>>,
}

/// Looks at what the trails have written, at most at `count_max` objects in each bucket, and at the keys.
pub async fn remaining<'a>(
    client: &Client,
    trails: &[SealedTrail],
    keys: impl IntoIterator<Item = &'a String>,
    count_max: usize,
) -> Remains {
    let mut remains = Remains {
        objects: BTreeMap::new(),
        expiry: BTreeMap::new(),
        costs: BTreeMap::new(),
    };
    let mut folders: BTreeMap<&str, Vec<&SealedTrail>> = BTreeMap::new();
    for trail in trails {
        folders.entry(&trail.bucket).or_default().push(trail);
    }
    for (bucket, trails) in folders {
        let client = client.in_region(trails.first().map_or("", |trail| trail.home_region.as_str()));
        let mut prefixes: Vec<String> = trails.iter().map(|trail| folder(&trail.prefix)).collect();
        prefixes.sort();
        prefixes.dedup();
        if count_max > 0 {
            let count = count(&client, bucket, &prefixes, count_max).await;
            remains
                .objects
                .insert(bucket.to_owned(), fact("s3:ListObjectsV2", &client, count));
        }
        let expiry = expiry(&client, bucket, &prefixes).await;
        remains.expiry.insert(
            bucket.to_owned(),
            fact("s3:GetBucketLifecycleConfiguration", &client, expiry),
        );
    }
    for key in keys {
        let region = base::arn::split(key).map_or("", |parts| parts.region).to_owned();
        let client = client.in_region(&region);
        let cost = key_facts(&client, key).await.map(|facts| of_key(&facts));
        remains
            .costs
            .insert(key.clone(), fact("kms:DescribeKey", &client, cost));
    }
    remains
}

fn fact<T>(call: &str, client: &Client, answer: Result<T, Error>) -> Fact<T> {
    match answer {
        Ok(answer) => Fact::Known(answer),
        Err(error) => Fact::NotAvailable(Missing::of(call, client.region(), &error)),
    }
}

fn folder(prefix: &str) -> String {
    match prefix {
        "" => "AWSLogs/".to_owned(),
        prefix => format!("{}/AWSLogs/", prefix.trim_end_matches('/')),
    }
}

/// Lists objects and looks at each, for a list does not tell how they are sealed.
async fn count(client: &Client, bucket: &str, prefixes: &[String], count_max: usize) -> Result<Count, Error> {
    let mut count = Count {
        is_whole: true,
        ..Count::default()
    };
    for prefix in prefixes {
        let mut after = String::new();
        loop {
            let left = count_max.saturating_sub(usize::try_from(count.looked_at).unwrap_or(usize::MAX));
            // One more than may be looked at tells whether there are more.
            let keys = page(client, bucket, prefix, &after, left.saturating_add(1).min(CHUNK)).await?;
            let Some(last) = keys.get(..left.min(keys.len())).and_then(<[String]>::last) else {
                count.is_whole &= keys.is_empty();
                break;
            };
            after.clone_from(last);
            look_at(client, bucket, keys.into_iter().take(left).collect(), &mut count).await;
        }
    }
    count.is_whole &= count.unknown == 0;
    Ok(count)
}

async fn page(client: &Client, bucket: &str, prefix: &str, after: &str, max: usize) -> Result<Vec<String>, Error> {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let (prefix, after) = (encoded(prefix), encoded(after));
    let start = if after.is_empty() {
        String::new()
    } else {
        format!("&start-after={after}")
    };
    let query = format!("list-type=2&max-keys={max}&prefix={prefix}{start}");
    let text = client.s3(Method::GET, bucket, "", &query, &[], "").await?.text();
    Ok(elements(&text, "Key"))
}

async fn look_at(client: &Client, bucket: &str, keys: Vec<String>, count: &mut Count) {
    let heads = all(keys, |key| {
        let (client, bucket) = (client.clone(), bucket.to_owned());
        async move { client.s3(Method::HEAD, &bucket, &key, "", &[], "").await }
    });
    for (_, head) in heads.await {
        count.looked_at += 1;
        match head {
            Ok(head) => {
                let key = head.header("x-amz-server-side-encryption-aws-kms-key-id");
                if !key.is_empty() {
                    *count.by_key.entry(key.to_owned()).or_default() += 1;
                }
            }
            Err(_) => count.unknown += 1,
        }
    }
}

#[derive(Deserialize)]
struct Lifecycle {
    #[serde(rename = "Rule", default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    #[serde(rename = "ID", default)]
    id: String,
    status: String,
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default)]
    filter: Option<Filter>,
    #[serde(default)]
    expiration: Option<Expiration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default)]
    tag: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    and: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    object_size_greater_than: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    object_size_less_than: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Expiration {
    #[serde(default)]
    days: Option<u32>,
}

impl Rule {
    /// The days after which it removes all objects of a folder.
    fn removes(&self, folder: &str) -> Option<u32> {
        let of_filter = self.filter.as_ref();
        let is_partial = of_filter.is_some_and(|filter| {
            let odd = [
                filter.tag,
                filter.and,
                filter.object_size_greater_than,
                filter.object_size_less_than,
            ];
            odd.iter().any(Option::is_some)
        });
        let prefix = of_filter
            .and_then(|filter| filter.prefix.as_deref())
            .or(self.prefix.as_deref());
        let is_of = folder.starts_with(prefix.unwrap_or_default());
        let days = self.expiration.as_ref().and_then(|expiration| expiration.days);
        days.filter(|_| self.status == "Enabled" && is_of && !is_partial)
    }
}

async fn expiry(client: &Client, bucket: &str, folders: &[String]) -> Result<Option<Expiry>, Error> {
    let lifecycle = match client.bucket_setting::<Lifecycle>(bucket, "lifecycle").await {
        Err(error) if error.is(&["NoSuchLifecycleConfiguration"]) => return Ok(None),
        lifecycle => lifecycle?,
    };
    Ok(earliest(&lifecycle, folders))
}

/// The rule that removes the files of every folder, the last of them after so many days.
fn earliest(lifecycle: &Lifecycle, folders: &[String]) -> Option<Expiry> {
    let of_folder = |folder: &String| {
        let removing = lifecycle
            .rules
            .iter()
            .filter_map(|rule| Some((rule.removes(folder)?, rule)));
        removing.min_by_key(|(days, _)| *days)
    };
    let latest: Option<Vec<(u32, &Rule)>> = folders.iter().map(of_folder).collect();
    let (days, rule) = latest?.into_iter().max_by_key(|(days, _)| *days)?;
    Some(Expiry {
        rule: rule.id.clone(),
        days,
    })
}

/// What the price of a key depends on. Rotations that may not be asked for count as none beyond the one that is on.
async fn key_facts(client: &Client, key: &str) -> Result<KeyFacts, Error> {
    let input = json!({ "KeyId": key });
    let answer = client.json(ServiceName::Kms, "DescribeKey", &input).await?;
    let metadata = &answer["KeyMetadata"];
    let rotations = client.json(ServiceName::Kms, "ListKeyRotations", &input).await;
    let rotations = rotations
        .ok()
        .and_then(|answer| answer["Rotations"].as_array().map(Vec::len));
    let replicas = metadata
        .pointer("/MultiRegionConfiguration/ReplicaKeys")
        .and_then(Value::as_array);
    Ok(KeyFacts {
        name: Some(key.to_owned()),
        aws_managed: metadata["KeyManager"] == "AWS",
        rotations: u32::try_from(rotations.unwrap_or_default()).unwrap_or(u32::MAX),
        replicas: u32::try_from(replicas.map_or(0, Vec::len)).unwrap_or(u32::MAX),
        pending_deletion: metadata["KeyState"] == "PendingDeletion",
        hours: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rules: &str, folders: &[&str]) -> Option<(String, u32)> {
        let text = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
        let lifecycle: Lifecycle = wire::xml::parse(text.as_bytes()).unwrap();
        let folders: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
        earliest(&lifecycle, &folders).map(|expiry| (expiry.rule, expiry.days))
    }

    #[test]
    fn log_files_end_when_a_rule_covers_all_of_them() {
        let rule = |id: &str, status: &str, filter: &str, days: u32| {
            format!(
                "<Rule><ID>{id}</ID><Status>{status}</Status><Filter>{filter}</Filter>\
                 <Expiration><Days>{days}</Days></Expiration></Rule>"
            )
        };
        let all = rule("all", "Enabled", "", 1095);
        assert_eq!(found(&all, &["AWSLogs/"]), Some(("all".to_owned(), 1095)));
        assert_eq!(found(&rule("off", "Disabled", "", 1), &["AWSLogs/"]), None);
        assert_eq!(
            found(
                &rule("tag", "Enabled", "<Tag><Key>a</Key><Value>b</Value></Tag>", 1),
                &["AWSLogs/"]
            ),
            None
        );
        assert_eq!(
            found(&rule("part", "Enabled", "<Prefix>AWSLogs/1</Prefix>", 1), &["AWSLogs/"]),
            None
        );
        let one = rule("one", "Enabled", "<Prefix>a/</Prefix>", 7);
        assert_eq!(
            found(&format!("{all}{one}"), &["a/AWSLogs/"]),
            Some(("one".to_owned(), 7))
        );
        assert_eq!(
            found(&format!("{all}{one}"), &["a/AWSLogs/", "b/AWSLogs/"]),
            Some(("all".to_owned(), 1095))
        );
        assert_eq!(found(&one, &["a/AWSLogs/", "b/AWSLogs/"]), None);
    }
}

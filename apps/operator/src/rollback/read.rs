//! The trails of all Regions and the default encryption of their buckets: the check of the procedure by hand, in parallel.

use super::Encryption;
use crate::{
    aws::{Client, Error},
    survey::{Fact, Missing},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::Semaphore, task::JoinSet};
use wire::ServiceName;

/// How many Regions or buckets are asked at once.
const AT_ONCE_MAX: usize = 24;

/// What was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The caller's account.
    pub account: String,
    /// Each Region, in order.
    pub regions: Vec<RegionTrails>,
    /// Every trail once.
    pub trails: Vec<SealedTrail>,
    /// The default encryption of their buckets.
    pub buckets: BTreeMap<String, Fact<Option<Encryption>>>,
}

/// What DescribeTrails answered in a Region.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionTrails {
    /// The Region.
    pub region: String,
    /// Names of trails, shadows too, and whether a key of KMS seals their log files.
    pub trails: Fact<BTreeMap<String, bool>>,
}

/// A trail as DescribeTrails tells of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase", deserialize = "PascalCase"))]
pub struct SealedTrail {
    /// Its name.
    pub name: String,
    /// Its ARN.
    #[serde(rename(serialize = "arn", deserialize = "TrailARN"))]
    pub arn: String,
    /// Where it is changed.
    pub home_region: String,
    /// Its bucket.
    #[serde(rename(serialize = "bucket", deserialize = "S3BucketName"))]
    pub bucket: String,
    /// What the keys of its files begin with, before `AWSLogs/`.
    #[serde(rename(serialize = "prefix", deserialize = "S3KeyPrefix"), default)]
    pub prefix: String,
    /// The ARN of the key that seals its log files.
    #[serde(rename(serialize = "kmsKey", deserialize = "KmsKeyId"), default)]
    pub kms_key: Option<String>,
    /// Whether it is of an organization.
    #[serde(rename(serialize = "organization", deserialize = "IsOrganizationTrail"), default)]
    pub organization: bool,
}

impl SealedTrail {
    /// The account that owns it.
    pub fn account(&self) -> &str {
        base::arn::split(&self.arn).map_or("", |parts| parts.account)
    }
}

/// Reads the trails of all Regions that the account has. A Region that does not answer is named as such.
///
/// # Errors
/// When the caller's account or the Regions cannot be had.
pub async fn read(client: &Client) -> Result<Found, Error> {
    let account = account(client).await?;
    let names = region_names(client).await?;
    let answers = all(names, |region| {
        let client = client.in_region(&region);
        async move { trails_of(&client).await }
    })
    .await;
    let mut regions = Vec::new();
    let mut trails = BTreeMap::new();
    for (region, answer) in answers {
        let seen = answer.map(|seen| {
            let sealed = seen
                .iter()
                .map(|trail| (trail.name.clone(), trail.kms_key.is_some()))
                .collect();
            trails.extend(seen.into_iter().map(|trail| (trail.arn.clone(), trail)));
            sealed
        });
        let trails = match seen {
            Ok(sealed) => Fact::Known(sealed),
            Err(error) => Fact::NotAvailable(Missing::of("cloudtrail:DescribeTrails", &region, &error)),
        };
        regions.push(RegionTrails { region, trails });
    }
    let trails: Vec<SealedTrail> = trails.into_values().collect();
    let homes: BTreeMap<String, String> = trails
        .iter()
        .map(|trail| (trail.bucket.clone(), trail.home_region.clone()))
        .collect();
    let buckets = all(homes.keys().cloned().collect(), |bucket| {
        let client = client.in_region(homes.get(&bucket).map_or("", String::as_str));
        async move { Ok::<_, Error>(read_bucket(&client, &bucket).await) }
    })
    .await;
    let known = |(bucket, answer): (String, Result<_, Error>)| answer.ok().map(|fact| (bucket, fact));
    Ok(Found {
        account,
        regions,
        trails,
        buckets: buckets.into_iter().filter_map(known).collect(),
    })
}

/// The default encryption of a bucket.
pub async fn read_bucket(client: &Client, bucket: &str) -> Fact<Option<Encryption>> {
    match Encryption::of(client, bucket).await {
        Ok(encryption) => Fact::Known(encryption),
        Err(error) => Fact::NotAvailable(Missing::of("s3:GetBucketEncryption", client.region(), &error)),
    }
}

async fn account(client: &Client) -> Result<String, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Identity {
        account: String,
    }
    let identity: Identity = client.ask_query(ServiceName::Sts, "GetCallerIdentity", &[]).await?;
    Ok(identity.account)
}

async fn region_names(client: &Client) -> Result<Vec<String>, Error> {
    let text = client.query(ServiceName::Ec2, "DescribeRegions", &[]).await?;
    let mut names = crate::aws::elements(&text, "regionName");
    names.sort();
    Ok(names)
}

async fn trails_of(client: &Client) -> Result<Vec<SealedTrail>, Error> {
    #[derive(Deserialize)]
    struct Trails {
        #[serde(rename = "trailList", default)]
        trails: Vec<SealedTrail>,
    }
    let found: Trails = client
        .ask(ServiceName::CloudTrail, "DescribeTrails", &json!({}))
        .await?;
    Ok(found.trails)
}

/// Asks the same of many names, some at once; the answers are in the order of the names.
pub(super) async fn all<T, E, F>(names: Vec<String>, ask: impl Fn(String) -> F) -> Vec<(String, Result<T, E>)>
where
    T: Send + 'static,
    E: Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let turns = Arc::new(Semaphore::new(AT_ONCE_MAX));
    let mut tasks = JoinSet::new();
    for (at, name) in names.into_iter().enumerate() {
        let (turns, answer) = (Arc::clone(&turns), ask(name.clone()));
        tasks.spawn(async move {
            let _turn = turns.acquire_owned().await;
            (at, name, answer.await)
        });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(at, _, _)| *at);
    answers.into_iter().map(|(_, name, answer)| (name, answer)).collect()
}

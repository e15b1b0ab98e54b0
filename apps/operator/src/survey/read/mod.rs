//! Reading a survey: all Regions at once, and within each whatever does not wait for something else.

mod ask;
mod bucket;
mod bucket_xml;
mod iam;
mod key;
mod region;
mod telling;
mod trail;

use super::{Bucket, Depth, Fact, Key, LogGroup, Missing, Principals, Survey, Topic, Trail, What};
use crate::aws::{Client, Error};
use ask::{Asker, together};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use trail::{Found, Seen};
use wire::ServiceName::{Ec2, Sts};

/// The Regions that every account of AWS has.
/// SPEC: <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>
const STANDARD_REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Reads what the trails of the client's account are. Only reads.
///
/// # Errors
/// When not even the caller's identity can be had, or when neither the Regions nor the trails of any Region can. Whatever else is
/// refused, unknown to the endpoint or unreachable is a fact that is missing, with its call.
pub async fn read(client: &Client, what: &What) -> Result<Survey, Error> {
    let asker = Asker::new(client);
    let (caller, regions) = tokio::join!(caller(&asker), regions(&asker, what));
    let caller = caller?;
    let (regions, all_regions) = regions;
    let seen = together(regions.iter().map(|region| {
        let asker = asker.in_region(region);
        async move { trail::seen(&asker).await }
    }))
    .await;
    let seen: Vec<Seen> = unless_all_failed(seen, &regions, &all_regions)?;
    let found = trail::merged(&seen, what.trails.as_deref());
    let named = Named::of(&found, what, client.region());
    let full = what.depth != Depth::Status;
    let whole = what.depth == Depth::Full;
    let (trails, buckets, keys, groups, topics, facts, principals) = tokio::join!(
        trail::trails(&asker, found, full),
        bucket::buckets(&asker, named.buckets, full),
        key::keys(&asker, named.keys, full),
        telling::groups(&asker, named.groups, full),
        telling::topics(&asker, named.topics, full),
        region::facts(&asker, &seen, whole),
        ask::when(whole, "iam:GetAccountAuthorizationDetails", iam::principals(&asker)),
    );
    let mut survey = Survey {
        partition: base::arn::split(&caller.arn).map_or_else(String::new, |parts| parts.partition.to_owned()),
        account: caller.account,
        caller: caller.arn,
        made_at: Some(base::Clock::system().real_now()),
        regions,
        all_regions,
        by_region: facts,
        trails,
        buckets: by(buckets, |bucket: &Bucket| bucket.name.clone()),
        keys: by(keys, |key: &Key| key.arn.clone()),
        log_groups: by(groups, |group: &LogGroup| group.arn.clone()),
        topics: by(topics, |topic: &Topic| topic.arn.clone()),
        principals,
    };
    if full {
        follow(&asker, &mut survey).await;
    }
    Ok(survey)
}

/// All of one bucket. What is refused is a fact that is missing; none comes only when the runtime ends.
pub async fn read_bucket(client: &Client, name: &str) -> Option<Bucket> {
    let names = BTreeSet::from([name.to_owned()]);
    bucket::buckets(&Asker::new(client), names, true).await.pop()
}

/// These keys, in their order: ids, ARNs or aliases; what is no ARN is of the client's Region. Without [`Depth::Full`], what
/// DescribeKey and ListAliases tell. What is refused is a fact that is missing.
pub async fn read_keys(client: &Client, names: &[String], depth: Depth) -> Vec<Key> {
    let asked = names.iter().map(|name| key::Asked::new(name, client.region()));
    key::keys(&Asker::new(client), asked.collect(), depth == Depth::Full).await
}

/// What the first answers named: the alarms of the Regions whose log groups are counted, the topics that they tell, and the keys
/// of buckets, log groups, topics and event data stores.
async fn follow(asker: &Asker, survey: &mut Survey) {
    let counted: BTreeSet<String> = survey
        .log_groups
        .values()
        .filter(|group| group.metric_filters.known().is_some_and(|filters| !filters.is_empty()))
        .map(|group| group.region.clone())
        .collect();
    let keys: Vec<key::Asked> = key::named_by(survey)
        .into_iter()
        .filter(|asked| survey.key_named(&asked.name, &asked.region).is_none())
        .collect();
    let (alarms, keys) = tokio::join!(telling::alarms(asker, counted), key::keys(asker, keys, true));
    survey.keys.extend(keys.into_iter().map(|key| (key.arn.clone(), key)));
    for (region, alarms) in alarms {
        if let Some(facts) = survey.by_region.get_mut(&region) {
            facts.alarms = alarms;
        }
    }
    let told = survey.by_region.values().filter_map(|facts| facts.alarms.known());
    let told = told.flatten().flat_map(|alarm| &alarm.actions);
    let told: BTreeSet<String> = told
        .filter(|arn| base::arn::split(arn).is_some_and(|parts| parts.service == "sns"))
        .filter(|arn| !survey.topics.contains_key(*arn))
        .cloned()
        .collect();
    let topics = telling::topics(asker, told, true).await;
    survey
        .topics
        .extend(topics.into_iter().map(|topic| (topic.arn.clone(), topic)));
}

fn by<T>(things: Vec<T>, name: impl Fn(&T) -> String) -> BTreeMap<String, T> {
    things.into_iter().map(|thing| (name(&thing), thing)).collect()
}

/// What the trails name.
#[derive(Default)]
struct Named {
    buckets: BTreeSet<String>,
    keys: Vec<key::Asked>,
    groups: BTreeSet<String>,
    topics: BTreeSet<String>,
}

impl Named {
    fn of(found: &[Found], what: &What, region: &str) -> Named {
        let mut named = Named::default();
        let mut keys = BTreeSet::new();
        for trail in found {
            named
                .buckets
                .extend(Some(trail.bucket.clone()).filter(|name| !name.is_empty()));
            keys.extend(
                trail
                    .kms_key
                    .as_deref()
                    .map(|key| key::Asked::new(key, &trail.home_region)),
            );
            let group = trail.log_group.as_deref();
            named
                .groups
                .extend(group.map(|arn| arn.strip_suffix(":*").unwrap_or(arn).to_owned()));
            named.topics.extend(trail.topic.clone());
        }
        named.buckets.extend(what.buckets.iter().cloned());
        keys.extend(what.keys.iter().map(|key| key::Asked::new(key, region)));
        named.keys = keys.into_iter().collect();
        named
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Caller {
    account: String,
    arn: String,
}

async fn caller(asker: &Asker) -> Result<Caller, Error> {
    asker
        .turn(asker.client().ask_query(Sts, "GetCallerIdentity", &[]))
        .await
}

/// The Regions to ask, and whether they are all.
async fn regions(asker: &Asker, what: &What) -> (Vec<String>, Fact<bool>) {
    if let Some(asked) = &what.regions {
        let asked: BTreeSet<String> = asked.iter().cloned().collect();
        return (asked.into_iter().collect(), Fact::Known(false));
    }
    let answer = asker
        .turn(asker.client().query(Ec2, "DescribeRegions", &[]))
        .await
        .map(|xml| crate::aws::elements(&xml, "regionName"));
    match answer {
        Ok(mut found) if !found.is_empty() => {
            found.sort();
            found.dedup();
            (found, Fact::Known(true))
        }
        Ok(_) => {
            let nothing = Error::Unreadable {
                operation: "DescribeRegions".to_owned(),
                reason: "it names no Region".to_owned(),
            };
            (standard(asker.region()), unknown_regions(asker, &nothing))
        }
        Err(error) => (standard(asker.region()), unknown_regions(asker, &error)),
    }
}

fn unknown_regions(asker: &Asker, error: &Error) -> Fact<bool> {
    Fact::NotAvailable(Missing::of("ec2:DescribeRegions", asker.region(), error))
}

/// The Regions that every account of the Region's partition has.
fn standard(region: &str) -> Vec<String> {
    let regions: &[&str] = match region.split('-').next() {
        Some("cn") => &["cn-north-1", "cn-northwest-1"],
        _ if region.starts_with("us-gov-") => &["us-gov-east-1", "us-gov-west-1"],
        _ if region.starts_with("us-iso") => &[],
        _ => &STANDARD_REGIONS,
    };
    let mut regions: BTreeSet<String> = regions.iter().map(|&region| region.to_owned()).collect();
    regions.insert(region.to_owned());
    regions.into_iter().collect()
}

/// The trails that were seen in each Region. An error when nothing was heard from anywhere.
fn unless_all_failed(
    seen: Vec<Result<Vec<Found>, Error>>,
    regions: &[String],
    all_regions: &Fact<bool>,
) -> Result<Vec<Seen>, Error> {
    let nothing = all_regions.known().is_none() && seen.iter().all(Result::is_err);
    let mut facts = Vec::new();
    for (result, region) in seen.into_iter().zip(regions) {
        let trails = match result {
            Ok(found) => Fact::Known(found),
            Err(error) if nothing => return Err(error),
            Err(error) => Fact::NotAvailable(Missing::of("cloudtrail:DescribeTrails", region, &error)),
        };
        facts.push(Seen {
            region: region.clone(),
            trails,
        });
    }
    Ok(facts)
}

impl Survey {
    /// The key that this id, ARN or alias names in a Region.
    pub fn key_named(&self, name: &str, region: &str) -> Option<&Key> {
        let by_alias = |key: &&Key| {
            let alias = match base::arn::split(name) {
                Some(parts) if parts.region == key.region && parts.account == key.account() => parts.resource,
                Some(_) => return false,
                None if key.region == region => name,
                None => return false,
            };
            key.aliases
                .known()
                .is_some_and(|aliases| aliases.iter().any(|found| found == alias))
        };
        let by_id = |key: &&Key| key.region == region && key.id() == name;
        self.keys
            .get(name)
            .or_else(|| self.keys.values().find(by_id))
            .or_else(|| self.keys.values().find(by_alias))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_regions() {
        let check = |region: &str, count: usize| assert_eq!(standard(region).len(), count, "{region}");
        check("eu-west-1", 17);
        check("af-south-1", 18);
        check("cn-north-1", 2);
        check("us-gov-west-1", 2);
        check("us-iso-east-1", 1);
    }
}

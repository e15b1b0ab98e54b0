//! Which trails go back, and by which calls.

use super::{Encryption, Found, SealedTrail};
use crate::{
    change::{Call, Shown, Step, described},
    message,
    message::Message,
    survey::Fact,
};
use serde_json::json;
use std::collections::BTreeSet;

/// Which trails.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// These, by name or ARN; empty for all.
    pub trails: Vec<String>,
    /// Not these.
    pub exclude_trails: Vec<String>,
    /// Those whose home is in these Regions; empty for all.
    pub regions: Vec<String>,
    /// Not those whose home is in these.
    pub exclude_regions: Vec<String>,
    /// Whether buckets keep their default encryption.
    pub keep_bucket_default: bool,
}

/// A name in a choice that is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoChoice {
    /// A trail.
    #[error("there is no trail `{0}` in the Regions that answered")]
    Trail(String),
    /// A Region.
    #[error("the account has no Region `{0}`")]
    Region(String),
}

/// Something that is not rolled back though it was chosen, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The trail or bucket.
    pub name: String,
    /// Why.
    pub why: Message,
}

/// What is to be done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The calls, those of buckets first.
    pub steps: Vec<Step>,
    /// The trails that lose their key.
    pub trails: Vec<SealedTrail>,
    /// The keys that nothing new of these trails is sealed with any more.
    pub keys: BTreeSet<String>,
    /// What is left as it is.
    pub left: Vec<Left>,
}

impl Choice {
    fn check(&self, found: &Found) -> Result<(), NoChoice> {
        let is_trail = |name: &&String| !found.trails.iter().any(|trail| is_named(trail, name));
        let is_region = |name: &&String| !found.regions.iter().any(|region| region.region == **name);
        if let Some(name) = self.trails.iter().chain(&self.exclude_trails).find(is_trail) {
            return Err(NoChoice::Trail(name.clone()));
        }
        match self.regions.iter().chain(&self.exclude_regions).find(is_region) {
            Some(name) => Err(NoChoice::Region(name.clone())),
            None => Ok(()),
        }
    }

    /// Whether the trail is of those that go back.
    pub fn has(&self, trail: &SealedTrail) -> bool {
        let among = |names: &[String]| names.iter().any(|name| is_named(trail, name));
        let home = &trail.home_region;
        (self.trails.is_empty() || among(&self.trails))
            && !among(&self.exclude_trails)
            && (self.regions.is_empty() || self.regions.contains(home))
            && !self.exclude_regions.contains(home)
    }
}

fn is_named(trail: &SealedTrail, name: &str) -> bool {
    trail.name == name || trail.arn == name
}

/// What takes the chosen trails and their buckets back to S3's keys.
///
/// A bucket that a trail writes to which keeps its key is left as it is.
pub fn plan(found: &Found, choice: &Choice) -> Result<Plan, NoChoice> {
    choice.check(found)?;
    let mut plan = Plan::default();
    let (chosen, others): (Vec<&SealedTrail>, Vec<&SealedTrail>) =
        found.trails.iter().partition(|trail| choice.has(trail));
    let (own, foreign): (Vec<&SealedTrail>, Vec<&SealedTrail>) =
        chosen.into_iter().partition(|trail| trail.account() == found.account);
    for trail in &foreign {
        let account = trail.account();
        plan.left.push(Left {
            name: trail.name.clone(),
            why: message!(
                "it is of the account {account}, where alone it can be changed",
                "アカウント {account} の証跡であり、そのアカウントでしか変更できません"
            ),
        });
    }
    // Buckets come first, so that they come last when it is taken back: while a bucket's default is a key with a bucket key,
    // a trail is given its key only where CloudTrail may decrypt with it.
    let mut seen = BTreeSet::new();
    for trail in own.iter().filter(|_| !choice.keep_bucket_default) {
        if seen.insert(&trail.bucket) {
            of_bucket(found, trail, others.iter().chain(&foreign).copied(), &mut plan);
        }
    }
    for trail in &own {
        if let Some(key) = &trail.kms_key {
            plan.steps.push(of_trail(trail, key));
            plan.trails.push((*trail).clone());
            plan.keys.insert(key.clone());
        }
    }
    Ok(plan)
}

fn of_trail(trail: &SealedTrail, key: &str) -> Step {
    let call = |key: &str| {
        let input = json!({ "Name": trail.name, "KmsKeyId": key });
        Call::new("cloudtrail", "UpdateTrail", &trail.home_region, input)
    };
    let (name, region) = (&trail.name, &trail.home_region);
    Step {
        title: described(&call("")),
        call: call(""),
        shown: Some(Shown {
            what: message!(
                "KmsKeyId of the trail {name} in {region}",
                "{region} の証跡 {name} の KmsKeyId"
            ),
            before: key.to_owned(),
            after: String::new(),
        }),
        undo: vec![call(key)],
        answers: Vec::new(),
    }
}

fn of_bucket<'a>(
    found: &Found,
    trail: &SealedTrail,
    mut staying: impl Iterator<Item = &'a SealedTrail>,
    plan: &mut Plan,
) {
    let bucket = &trail.bucket;
    let mut leave = |why| {
        plan.left.push(Left {
            name: bucket.clone(),
            why,
        });
    };
    let before = match found.buckets.get(bucket) {
        Some(Fact::Known(Some(before))) if before.is_kms() => before,
        Some(Fact::NotAvailable(missing)) => {
            let why = format!("{}: {}", missing.call, missing.code);
            return leave(message!(
                "its default encryption is not known ({why}): look at it by hand",
                "デフォルト暗号化を確認できません ({why})。手動で確認してください"
            ));
        }
        _ => return,
    };
    if let Some(other) = staying.find(|other| other.bucket == *bucket && other.kms_key.is_some()) {
        let (name, region) = (&other.name, &other.home_region);
        return leave(message!(
            "the trail {name} in {region}, which keeps its key, writes to it, too",
            "鍵を使い続ける証跡 {name} ({region}) もこのバケットに書き込んでいます"
        ));
    }
    let after = before.with_default_of(&Encryption::s3());
    let call = after.put(bucket, &trail.home_region);
    let text = |encryption: &Encryption| encryption.value().to_string();
    plan.keys
        .extend(before.key().filter(|key| key.starts_with("arn:")).map(str::to_owned));
    plan.steps.push(Step {
        title: described(&call),
        call,
        shown: Some(Shown {
            what: message!(
                "default encryption of the bucket {bucket}",
                "バケット {bucket} のデフォルト暗号化"
            ),
            before: text(before),
            after: text(&after),
        }),
        undo: vec![before.put(bucket, &trail.home_region)],
        answers: Vec::new(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rollback::RegionTrails, survey::Missing};
    use std::collections::BTreeMap;

    const KEY: &str = "arn:aws:kms:ap-northeast-1:111111111111:key/k";

    fn trail(name: &str, home: &str, bucket: &str, is_sealed: bool) -> SealedTrail {
        SealedTrail {
            name: name.to_owned(),
            arn: format!("arn:aws:cloudtrail:{home}:111111111111:trail/{name}"),
            home_region: home.to_owned(),
            bucket: bucket.to_owned(),
            prefix: String::new(),
            kms_key: is_sealed.then(|| KEY.to_owned()),
            organization: false,
        }
    }

    fn found(trails: Vec<SealedTrail>, sealed_buckets: &[&str]) -> Found {
        let encryption = |bucket: &str| match sealed_buckets.contains(&bucket) {
            true => Encryption::kms(KEY, true),
            false => Encryption::s3(),
        };
        let of = |trail: &SealedTrail| (trail.bucket.clone(), Fact::Known(Some(encryption(&trail.bucket))));
        Found {
            account: "111111111111".to_owned(),
            regions: ["ap-northeast-1", "us-east-1", "eu-west-1"]
                .map(|region| RegionTrails {
                    region: region.to_owned(),
                    trails: Fact::Known(BTreeMap::new()),
                })
                .to_vec(),
            buckets: trails.iter().map(of).collect(),
            trails,
        }
    }

    fn done(plan: &Plan) -> Vec<String> {
        let name = |step: &Step| {
            let input = &step.call.input;
            let name = input["Name"].as_str().or_else(|| input["Bucket"].as_str());
            format!(
                "{} {} {}",
                step.call.operation,
                step.call.region,
                name.unwrap_or_default()
            )
        };
        plan.steps.iter().map(name).collect()
    }

    #[test]
    fn the_two_calls_of_the_procedure_by_hand() {
        let found = found(vec![trail("Members", "ap-northeast-1", "logs", true)], &["logs"]);
        let plan = plan(&found, &Choice::default()).unwrap();
        let calls: Vec<_> = plan.steps.iter().map(|step| step.call.input.clone()).collect();
        assert_eq!(
            calls,
            [
                json!({ "Bucket": "logs", "ServerSideEncryptionConfiguration": {
                    "Rules": [{ "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }] } }),
                json!({ "Name": "Members", "KmsKeyId": "" })
            ]
        );
        assert_eq!(plan.steps[1].undo[0].input["KmsKeyId"], KEY);
        let rule = &plan.steps[0].undo[0].input["ServerSideEncryptionConfiguration"]["Rules"][0];
        assert_eq!(rule["BucketKeyEnabled"], true);
        assert_eq!(plan.keys.len(), 1);
    }

    #[test]
    fn trails_are_chosen_by_home_region_and_name() {
        let trails = ["ap-northeast-1", "us-east-1", "eu-west-1"]
            .iter()
            .map(|home| trail("Members", home, &format!("logs-{home}"), true))
            .chain([trail("plain", "us-east-1", "plain-logs", false)])
            .collect();
        let found = found(trails, &["logs-us-east-1"]);
        let check = |choice: Choice, expected: &[&str]| assert_eq!(done(&plan(&found, &choice).unwrap()), expected);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        check(
            Choice {
                exclude_regions: names(&["ap-northeast-1", "eu-west-1"]),
                ..Choice::default()
            },
            &[
                "PutBucketEncryption us-east-1 logs-us-east-1",
                "UpdateTrail us-east-1 Members",
            ],
        );
        check(
            Choice {
                regions: names(&["us-east-1"]),
                keep_bucket_default: true,
                ..Choice::default()
            },
            &["UpdateTrail us-east-1 Members"],
        );
        check(
            Choice {
                exclude_trails: names(&["arn:aws:cloudtrail:us-east-1:111111111111:trail/Members"]),
                regions: names(&["us-east-1", "eu-west-1"]),
                ..Choice::default()
            },
            &["UpdateTrail eu-west-1 Members"],
        );
        let of = |regions: &[&str], trails: &[&str]| {
            let choice = Choice {
                exclude_regions: names(regions),
                exclude_trails: names(trails),
                ..Choice::default()
            };
            plan(&found, &choice).unwrap_err().to_string()
        };
        assert!(of(&["ap-northeast-9"], &[]).contains("ap-northeast-9"));
        assert!(of(&[], &["Menbers"]).contains("Menbers"));
    }

    #[test]
    fn what_others_keep_is_left() {
        let mut org = trail("org", "us-east-1", "org-logs", true);
        org.arn = "arn:aws:cloudtrail:us-east-1:222222222222:trail/org".to_owned();
        let mut found = found(
            vec![
                trail("a", "us-east-1", "shared", true),
                trail("b", "eu-west-1", "shared", true),
                trail("c", "us-east-1", "hidden", true),
                org,
            ],
            &["shared"],
        );
        let missing = Missing::not_asked("s3:GetBucketEncryption");
        found.buckets.insert("hidden".to_owned(), Fact::NotAvailable(missing));
        let choice = Choice {
            regions: vec!["us-east-1".to_owned()],
            ..Choice::default()
        };
        let plan = plan(&found, &choice).unwrap();
        assert_eq!(done(&plan), ["UpdateTrail us-east-1 a", "UpdateTrail us-east-1 c"]);
        let left: Vec<&str> = plan.left.iter().map(|left| left.name.as_str()).collect();
        assert_eq!(left, ["org", "shared", "hidden"]);
    }

    #[test]
    fn what_is_done_is_not_done_again() {
        let mut found = found(vec![trail("a", "us-east-1", "logs", false)], &["logs"]);
        assert_eq!(
            done(&plan(&found, &Choice::default()).unwrap()),
            ["PutBucketEncryption us-east-1 logs"]
        );
        found
            .buckets
            .insert("logs".to_owned(), Fact::Known(Some(Encryption::s3())));
        assert!(plan(&found, &Choice::default()).unwrap().steps.is_empty());
    }
}

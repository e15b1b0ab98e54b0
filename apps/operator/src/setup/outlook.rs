//! The account as it will be once what was prepared is made: who can read, and what it costs, follows from it as from any survey.

use super::{Order, Prepared};
use crate::{
    change::Step,
    plan,
    survey::{
        Acl, BasicSelector, Bucket, Encryption, Fact, Key, KeyMetadata, PublicAccessBlock, Selectors, Status, Survey,
        Trail,
    },
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The survey with the steps of a set-up made, and the ARNs of its trails. A key that is still to be made has an ARN that ends in its alias.
pub fn outlook(survey: &Survey, order: &Order, prepared: &Prepared) -> Survey {
    let mut ahead = Ahead {
        key: prepared.key.clone().unwrap_or_else(|| new_key(order, prepared)),
        survey: survey.clone(),
        prepared,
    };
    for step in &prepared.steps {
        ahead.make(step);
    }
    ahead.survey
}

fn new_key(order: &Order, prepared: &Prepared) -> String {
    let alias = order.definition.key.as_ref().and_then(|key| key.alias.as_ref());
    let alias = alias.map_or_else(|| "new".to_owned(), ToString::to_string);
    let (partition, account) = (&prepared.caller.partition, &prepared.caller.account);
    let alias = alias.trim_start_matches("alias/");
    format!("arn:{partition}:kms:{}:{account}:key/{alias}", prepared.bucket_region)
}

struct Ahead<'a> {
    survey: Survey,
    prepared: &'a Prepared,
    /// The ARN of the trails' key.
    key: String,
}

impl Ahead<'_> {
    fn make(&mut self, step: &Step) {
        let (call, input) = (&step.call, &step.call.input);
        let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let document = |name: &str| serde_json::from_str::<Value>(&text(name)).ok();
        match (call.service.as_str(), call.operation.as_str()) {
            ("kms", "CreateKey") => {
                let mut key = plan::key(&self.key, document("Policy"));
                key.metadata = Fact::Known(KeyMetadata {
                    state: "Enabled".to_owned(),
                    manager: "CUSTOMER".to_owned(),
                    spec: "SYMMETRIC_DEFAULT".to_owned(),
                    usage: "ENCRYPT_DECRYPT".to_owned(),
                    origin: "AWS_KMS".to_owned(),
                    ..KeyMetadata::default()
                });
                key.rotation = Fact::Known(Default::default());
                key.grants = Fact::Known(Vec::new());
                self.survey.keys.insert(self.key.clone(), key);
            }
            ("kms", "PutKeyPolicy") => {
                let name = self.key.clone();
                if let (Some(key), Some(policy)) = (self.key_of(&name), document("Policy")) {
                    key.policy = Fact::Known(policy);
                }
            }
            ("s3", "CreateBucket") => {
                let bucket = new_bucket(&text("Bucket"), &call.region);
                self.survey.buckets.insert(bucket.name.clone(), bucket);
            }
            ("s3", "PutBucketPolicy") => {
                if let (Some(bucket), Some(policy)) = (self.survey.buckets.get_mut(&text("Bucket")), document("Policy"))
                {
                    bucket.policy_is_public = Fact::Known(Some(policy::is_public(&policy)));
                    bucket.policy_text = policy.to_string();
                    bucket.policy = Fact::Known(Some(policy));
                }
            }
            ("s3", "PutPublicAccessBlock") => {
                if let Some(bucket) = self.survey.buckets.get_mut(&text("Bucket")) {
                    bucket.public_access_block = Fact::Known(Some(PublicAccessBlock {
                        block_public_acls: true,
                        ignore_public_acls: true,
                        block_public_policy: true,
                        restrict_public_buckets: true,
                    }));
                }
            }
            ("cloudtrail", "CreateTrail" | "UpdateTrail") => self.trail(&call.region, input),
            ("cloudtrail", "PutEventSelectors") => {
                let selectors = selectors(input);
                let arn = text("TrailName");
                if let Some(trail) = self.trail_of(&arn, &call.region) {
                    trail.selectors = Fact::Known(selectors);
                }
            }
            ("cloudtrail", "StartLogging") => {
                let arn = text("Name");
                if let Some(trail) = self.trail_of(&arn, &call.region) {
                    trail.status = Fact::Known(Status {
                        is_logging: true,
                        ..Status::default()
                    });
                }
            }
            _ => {}
        }
    }

    fn key_of(&mut self, name: &str) -> Option<&mut Key> {
        self.survey.keys.get_mut(name)
    }

    fn trail_of(&mut self, name: &str, region: &str) -> Option<&mut Trail> {
        let mut trails = self.survey.trails.iter_mut();
        trails.find(|trail| trail.arn == name || (trail.name == name && trail.home_region == region))
    }

    fn trail(&mut self, region: &str, input: &Value) {
        let name = input["Name"].as_str().unwrap_or_default();
        let text = |name: &str| input[name].as_str().map(str::to_owned);
        let flag = |name: &str| input[name].as_bool();
        let key = text("KmsKeyId").map(|_| self.key.clone());
        if let Some(trail) = self.trail_of(name, region) {
            trail.kms_key = key.or_else(|| trail.kms_key.take());
            return;
        }
        let caller = &self.prepared.caller;
        let trail = Trail {
            name: name.to_owned(),
            arn: format!(
                "arn:{}:cloudtrail:{region}:{}:trail/{name}",
                caller.partition, caller.account
            ),
            home_region: region.to_owned(),
            multi_region: flag("IsMultiRegionTrail").unwrap_or(false),
            organization: false,
            global_events: flag("IncludeGlobalServiceEvents").unwrap_or(false),
            bucket: text("S3BucketName").unwrap_or_default(),
            prefix: text("S3KeyPrefix").unwrap_or_default(),
            kms_key: key,
            validation: flag("EnableLogFileValidation").unwrap_or(false),
            log_group: text("CloudWatchLogsLogGroupArn"),
            log_role: text("CloudWatchLogsRoleArn"),
            topic: None,
            seen_in: vec![region.to_owned()],
            status: Fact::Known(Status::default()),
            // What CloudTrail selects where nothing else is said.
            selectors: Fact::Known(Selectors {
                basic: vec![BasicSelector::default()],
                ..Selectors::default()
            }),
            insights: Fact::Known(Vec::new()),
            tags: Fact::Known(BTreeMap::new()),
        };
        self.survey.trails.push(trail);
    }
}

fn new_bucket(name: &str, region: &str) -> Bucket {
    Bucket {
        exists: Fact::Known(true),
        owned: Fact::Known(true),
        region: Fact::Known(region.to_owned()),
        policy: Fact::Known(None),
        policy_is_public: Fact::Known(None),
        encryption: Fact::Known(Some(Encryption {
            algorithm: "AES256".to_owned(),
            key: None,
            bucket_key: false,
        })),
        public_access_block: Fact::Known(None),
        acl: Fact::Known(Acl::default()),
        ..plan::bucket(name, None)
    }
}

fn selectors(input: &Value) -> Selectors {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let basic = list(&input["EventSelectors"]);
    let advanced = list(&input["AdvancedEventSelectors"]);
    Selectors {
        basic: basic
            .into_iter()
            .filter_map(|one| serde_json::from_value::<BasicSelector>(one).ok())
            .collect(),
        advanced: advanced
            .into_iter()
            .filter_map(|one| serde_json::from_value(one).ok())
            .collect(),
        raw: input.clone(),
    }
}

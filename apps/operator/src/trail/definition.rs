//! What a sealed trail is: the trail, its bucket, its key, and whom it tells.
//!
//! Names may hold `{account}`, `{region}` and `{partition}`, which are filled in where the trail is made.

use crate::template::{Part, Text, Tree};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// CloudTrail's limit on a trail's selectors. SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>
const EVENT_SELECTORS_MAX: usize = 5;
/// CloudTrail's limit on a prefix.
const PREFIX_LENGTH_MAX: usize = 200;
/// KMS's limit on an alias, with `alias/`. SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>
const ALIAS_LENGTH_MAX: usize = 256;
/// The retentions that CloudWatch Logs knows, in days.
/// SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
const RETENTIONS: [u32; 23] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, 0,
];

/// A trail and everything it needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Definition {
    /// The trail's name: 3 to 128 of letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Its home Region. Without one it is the Region that the template is deployed in.
    pub region: Option<String>,
    /// The account. Without one it is the account that the template is deployed in.
    pub account: Option<String>,
    /// Whether it records the events of all Regions.
    pub all_regions: bool,
    /// Whether it records the events of services without a Region.
    pub global_events: bool,
    /// Whether it runs.
    pub logging: bool,
    /// Whether its log files are digested and signed.
    pub validation: bool,
    /// Where its log files go.
    pub bucket: Bucket,
    /// What seals them. Without one they are sealed by S3's own keys.
    pub key: Option<Key>,
    /// The log group that its events go to as well.
    pub logs: Option<Logs>,
    /// The topic that is told of each log file.
    pub topic: Option<Topic>,
    /// Which events, in AWS's words. Without any: all management events.
    pub event_selectors: Vec<EventSelector>,
    /// The same in the newer form; a trail has one form or the other.
    pub advanced_event_selectors: Vec<AdvancedEventSelector>,
    /// `ApiCallRateInsight`, `ApiErrorRateInsight`.
    pub insights: Vec<String>,
    /// The trail's tags.
    pub tags: BTreeMap<String, String>,
}

impl Default for Definition {
    fn default() -> Definition {
        Definition {
            name: "trail".to_owned(),
            region: None,
            account: None,
            all_regions: true,
            global_events: true,
            logging: true,
            validation: true,
            bucket: Bucket::default(),
            key: Some(Key::default()),
            logs: None,
            topic: None,
            event_selectors: Vec::new(),
            advanced_event_selectors: Vec::new(),
            insights: Vec::new(),
            tags: BTreeMap::new(),
        }
    }
}

/// The bucket of the log files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bucket {
    /// Its name.
    pub name: Text,
    /// Whether it is there already. Then nothing about it is written, and its policy must let the trail in.
    pub existing: bool,
    /// What the log files' keys begin with, before `AWSLogs/`.
    pub prefix: Option<String>,
    /// Whether older versions of objects are kept.
    pub versioning: bool,
    /// The default encryption of what others put into it.
    pub encryption: DefaultEncryption,
    /// Whether S3 may use one data key for many objects.
    pub bucket_key: bool,
    /// Whether nobody from outside may be let in.
    pub private: bool,
    /// `BucketOwnerEnforced`, `BucketOwnerPreferred` or `ObjectWriter`; without one, the service's default.
    pub ownership: Option<String>,
    /// What happens to its objects with age.
    pub lifecycle: Vec<LifecycleRule>,
    /// Where the accesses to it are logged.
    pub access_log: Option<AccessLog>,
    /// Its policy, when it is not to be the least that the trail needs.
    #[serde(with = "document")]
    pub policy: Option<Tree>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Default for Bucket {
    fn default() -> Bucket {
        Bucket {
            name: Text::parse("cloudtrail-{account}-{region}"),
            existing: false,
            prefix: None,
            versioning: true,
            encryption: DefaultEncryption::S3,
            bucket_key: false,
            private: true,
            ownership: Some("BucketOwnerEnforced".to_owned()),
            lifecycle: Vec::new(),
            access_log: None,
            policy: None,
            tags: BTreeMap::new(),
        }
    }
}

/// A bucket's default encryption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultEncryption {
    /// By S3's own keys (AES256).
    S3,
    /// By the trail's key.
    TrailKey,
    /// By the key of this ARN.
    Key(Text),
    /// By the account's key for S3, `alias/aws/s3`.
    AwsManagedKey,
}

/// A rule of a bucket's lifecycle.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LifecycleRule {
    /// Its name.
    pub id: Text,
    /// The objects it is about; all, when empty.
    pub prefix: String,
    /// Whether it does nothing for now.
    pub disabled: bool,
    /// Days after which objects end.
    pub expire_days: Option<u32>,
    /// Days after which versions end that are no longer the latest.
    pub noncurrent_expire_days: Option<u32>,
    /// Days after which uploads in parts are given up.
    pub abort_upload_days: Option<u32>,
    /// Other storage classes with age.
    pub transitions: Vec<Transition>,
}

/// Another storage class after some days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// The days.
    pub days: u32,
    /// `GLACIER`, `STANDARD_IA` and so on.
    pub storage_class: String,
}

/// Where the accesses to a bucket are logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessLog {
    /// Another bucket of the account and Region, whose policy lets `logging.s3.amazonaws.com` put objects.
    pub bucket: Text,
    /// What its log files' keys begin with.
    #[serde(default)]
    pub prefix: Text,
}

/// What seals the log files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Key {
    /// The ARN of a key that is there already; then nothing else about it is written, and its policy must let the trail in.
    pub existing: Option<Text>,
    /// Its alias, with `alias/`.
    pub alias: Option<Text>,
    /// What it is for.
    pub description: Text,
    /// Whether it is rotated.
    pub rotation: bool,
    /// Days between rotations, 90 to 2,560; without it, AWS's 365.
    pub rotation_days: Option<u32>,
    /// Whether replicas of it can be made in other Regions.
    pub multi_region: bool,
    /// ARNs of those who may read the log files. They need rights on the bucket, too. Others of the account read only when
    /// their own policies allow `kms:Decrypt` by this key.
    pub readers: Vec<Text>,
    /// Its policy, when it is not to be the least that the trail and its readers need.
    #[serde(with = "document")]
    pub policy: Option<Tree>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Default for Key {
    fn default() -> Key {
        Key {
            existing: None,
            alias: Some(Text::literal("alias/cloudtrail")),
            description: Text::literal("Seals CloudTrail log files"),
            rotation: true,
            rotation_days: None,
            multi_region: false,
            readers: Vec::new(),
            policy: None,
            tags: BTreeMap::new(),
        }
    }
}

/// The log group that events go to as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logs {
    /// Its name.
    pub group: Text,
    /// Whether it is there already.
    pub existing: bool,
    /// Days that events are kept; for ever without it.
    pub retention_days: Option<u32>,
    /// The ARN of the key that seals the group, if one does.
    pub key: Option<Text>,
    /// The name of the role by which CloudTrail writes.
    pub role: Text,
    /// The path of the role.
    pub role_path: String,
    /// The ARN of a role that is there already; then no role is written.
    pub existing_role: Option<Text>,
    /// The name of the role's inline policy.
    pub policy_name: String,
    /// The role's inline policy, when it is not to be the least that the trail needs.
    #[serde(with = "document")]
    pub policy: Option<Tree>,
}

impl Default for Logs {
    fn default() -> Logs {
        Logs {
            group: Text::literal("CloudTrail"),
            existing: false,
            retention_days: Some(90),
            key: None,
            role: Text::literal("CloudTrailLogsRole"),
            role_path: "/".to_owned(),
            existing_role: None,
            policy_name: "CloudTrailWritesLogs".to_owned(),
            policy: None,
        }
    }
}

/// The topic that is told of each log file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topic {
    /// Its name; the ARN of one that is there already.
    pub name: Text,
    /// Whether it is there already.
    pub existing: bool,
    /// Its policy, when it is not to be the least that the trail needs.
    #[serde(with = "document")]
    pub policy: Option<Tree>,
}

impl Default for Topic {
    fn default() -> Topic {
        Topic {
            name: Text::literal("cloudtrail"),
            existing: false,
            policy: None,
        }
    }
}

/// Which events. SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct EventSelector {
    /// `All`, `ReadOnly` or `WriteOnly`.
    pub read_write_type: String,
    /// Whether management events are among them.
    pub include_management_events: bool,
    /// Event sources whose management events are not.
    pub exclude_management_event_sources: Vec<String>,
    /// Data events.
    pub data_resources: Vec<DataResource>,
}

impl Default for EventSelector {
    fn default() -> EventSelector {
        EventSelector {
            read_write_type: "All".to_owned(),
            include_management_events: true,
            exclude_management_event_sources: Vec::new(),
            data_resources: Vec::new(),
        }
    }
}

/// Data events of some resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DataResource {
    /// `AWS::S3::Object`, `AWS::Lambda::Function`, `AWS::DynamoDB::Table`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// ARNs, or beginnings of them.
    #[serde(default)]
    pub values: Vec<Text>,
}

/// Which events, in the newer form.
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct AdvancedEventSelector {
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// All must hold.
    pub field_selectors: Vec<FieldSelector>,
}

/// A condition on a field of an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct FieldSelector {
    /// `eventCategory`, `resources.type` and so on.
    pub field: String,
    /// Any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub equals: Vec<Text>,
    /// Begins with any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub starts_with: Vec<Text>,
    /// Ends with any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ends_with: Vec<Text>,
    /// None of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_equals: Vec<Text>,
    /// Begins with none of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_starts_with: Vec<Text>,
    /// Ends with none of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_ends_with: Vec<Text>,
}

impl FieldSelector {
    /// Its conditions by their names at AWS; those that are there.
    pub fn conditions(&self) -> impl Iterator<Item = (&'static str, &[Text])> {
        let all = [
            ("Equals", &self.equals),
            ("StartsWith", &self.starts_with),
            ("EndsWith", &self.ends_with),
            ("NotEquals", &self.not_equals),
            ("NotStartsWith", &self.not_starts_with),
            ("NotEndsWith", &self.not_ends_with),
        ];
        all.into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(name, values)| (name, values.as_slice()))
    }
}

/// A definition that no trail can have, and what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidDefinition(pub String);

impl Definition {
    /// Whether AWS would take it, as far as can be told from here.
    pub fn check(&self) -> Result<(), InvalidDefinition> {
        let faults = [
            self.name_fault(),
            self.selector_fault(),
            self.bucket_fault(),
            self.key_fault(),
            self.logs_fault(),
        ];
        match faults.into_iter().flatten().next() {
            Some(fault) => Err(InvalidDefinition(fault)),
            None => Ok(()),
        }
    }

    fn name_fault(&self) -> Option<String> {
        let name = &self.name;
        let inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let fits = (3..=128).contains(&name.len())
            && name.chars().all(inner)
            && ends(name.chars().next())
            && ends(name.chars().last());
        if !fits {
            return Some(format!(
                "the trail's name `{name}` must be 3 to 128 letters, digits, `.`, `_` and `-`, and begin and end with a letter or digit"
            ));
        }
        if self.all_regions && !self.global_events {
            return Some(
                "a trail of all Regions records global events: set global_events to true, or all_regions to false"
                    .to_owned(),
            );
        }
        let account = self.account.as_deref()?;
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        (!is_account)
            .then(|| format!("the account `{account}` is not twelve digits (quote it, so that its zeros stay)"))
    }

    fn selector_fault(&self) -> Option<String> {
        if !self.event_selectors.is_empty() && !self.advanced_event_selectors.is_empty() {
            return Some("a trail has event_selectors or advanced_event_selectors, not both".to_owned());
        }
        if self.event_selectors.len() > EVENT_SELECTORS_MAX {
            return Some(format!("a trail has at most {EVENT_SELECTORS_MAX} event_selectors"));
        }
        let types = ["All", "ReadOnly", "WriteOnly"];
        let odd = |selector: &&EventSelector| !types.contains(&selector.read_write_type.as_str());
        let selector = self.event_selectors.iter().find(odd)?;
        Some(format!(
            "ReadWriteType `{}` is none of {}",
            selector.read_write_type,
            types.join(", ")
        ))
    }

    fn bucket_fault(&self) -> Option<String> {
        let bucket = &self.bucket;
        if bucket.name.is_empty() {
            return Some("the bucket has no name".to_owned());
        }
        if let Some(name) = bucket.name.as_literal() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
            if !(3..=63).contains(&name.len()) || !name.chars().all(plain) {
                return Some(format!(
                    "the bucket's name `{name}` must be 3 to 63 lower-case letters, digits, `.` and `-`"
                ));
            }
        }
        if bucket
            .prefix
            .as_ref()
            .is_some_and(|prefix| prefix.len() > PREFIX_LENGTH_MAX)
        {
            return Some(format!("the prefix is longer than {PREFIX_LENGTH_MAX}"));
        }
        if bucket
            .prefix
            .as_ref()
            .is_some_and(|prefix| prefix.ends_with('/') || prefix.is_empty())
        {
            return Some(
                "the prefix is written without a slash at its end, and left out when there is none".to_owned(),
            );
        }
        if let Some(odd) = self.prefix_pattern() {
            return Some(format!(
                "the prefix holds `{odd}`, which would be a pattern in the bucket's policy: leave it out"
            ));
        }
        self.lifecycle_fault()
    }

    /// What of the prefix a policy's Resource does not take as it is.
    fn prefix_pattern(&self) -> Option<&'static str> {
        let prefix = self.bucket.prefix.as_deref()?;
        ["*", "?", "${"].into_iter().find(|odd| prefix.contains(odd))
    }

    fn lifecycle_fault(&self) -> Option<String> {
        let rules = &self.bucket.lifecycle;
        for rule in rules {
            let days = [
                ("expire_days", rule.expire_days),
                ("noncurrent_expire_days", rule.noncurrent_expire_days),
                ("abort_upload_days", rule.abort_upload_days),
            ];
            if let Some((name, _)) = days.iter().find(|(_, days)| *days == Some(0)) {
                return Some(format!("{name} of the lifecycle rule `{}` must be at least 1", rule.id));
            }
        }
        let idle = |rule: &&LifecycleRule| {
            rule.expire_days.is_none()
                && rule.noncurrent_expire_days.is_none()
                && rule.abort_upload_days.is_none()
                && rule.transitions.is_empty()
        };
        let rule = rules.iter().find(idle);
        rule.map(|rule| format!("the lifecycle rule `{}` does nothing: give it expire_days", rule.id))
    }

    fn key_fault(&self) -> Option<String> {
        let Some(key) = &self.key else {
            let needs = self.bucket.encryption == DefaultEncryption::TrailKey;
            return needs.then(|| "the bucket's encryption is `trail_key`, but the trail has no key".to_owned());
        };
        if let Some(alias) = key.alias.as_ref().map(Text::to_string) {
            let name = alias.strip_prefix("alias/").unwrap_or_default();
            if name.is_empty() || name.starts_with("aws/") {
                return Some(format!(
                    "the alias `{alias}` must begin with `alias/`, but not with `alias/aws/`"
                ));
            }
        }
        if let Some(fault) = key.alias.as_ref().and_then(alias_fault) {
            return Some(fault);
        }
        let days = key.rotation_days?;
        let fits = (90..=2560).contains(&days);
        (!fits).then(|| format!("a key is rotated every 90 to 2560 days, not every {days}"))
    }

    fn logs_fault(&self) -> Option<String> {
        let days = self.logs.as_ref()?.retention_days?;
        let known = days > 0 && RETENTIONS.contains(&days);
        (!known).then(|| {
            let known: Vec<String> = RETENTIONS
                .iter()
                .filter(|days| **days > 0)
                .map(u32::to_string)
                .collect();
            format!(
                "CloudWatch Logs keeps events for {} days, not for {days}",
                known.join(", ")
            )
        })
    }
}

/// What KMS takes in an alias; places are filled in with such text.
fn alias_fault(alias: &Text) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_-".contains(c);
    let literals = || {
        alias.parts().iter().filter_map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            _ => None,
        })
    };
    let fits =
        literals().all(|text| text.chars().all(plain)) && literals().map(str::len).sum::<usize>() <= ALIAS_LENGTH_MAX;
    (!fits).then(|| format!("the alias `{alias}` must be at most {ALIAS_LENGTH_MAX} letters, digits, `/`, `_` and `-`"))
}

/// A policy in a definition: a document, or its text.
mod document {
    use super::{Text, Tree};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(tree: &Option<Tree>, serializer: S) -> Result<S::Ok, S::Error> {
        tree.as_ref().map(json).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tree>, D::Error> {
        let value = match Option::<serde_json::Value>::deserialize(deserializer)? {
            Some(serde_json::Value::String(text)) => serde_json::from_str(&text).map_err(D::Error::custom)?,
            Some(value) => value,
            None => return Ok(None),
        };
        match value.is_object() {
            true => Ok(Some(Tree::of_json(&value, &Text::parse))),
            false => Err(D::Error::custom("a policy is a document with a Statement")),
        }
    }

    fn json(tree: &Tree) -> serde_json::Value {
        match tree {
            Tree::Text(text) => text.to_string().into(),
            Tree::Bool(value) => (*value).into(),
            Tree::Number(value) => (*value).into(),
            Tree::List(items) => items.iter().map(json).collect(),
            Tree::Map(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), json(value)))
                .collect(),
        }
    }
}

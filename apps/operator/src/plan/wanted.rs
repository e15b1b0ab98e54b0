//! What is thought of, in the words of the command line, and what of the survey it means.

use crate::{
    message,
    message::Message,
    rights::{KeyState, Proposal, Proposed, TrailSettings},
    survey::{Depth, Encryption, Key, LifecycleFilter, LifecycleRule, Survey, Transition, What},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Changes by the names that people use: keys by id, ARN or alias, trails by name or ARN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Policies of keys.
    pub key_policies: Vec<(String, Value)>,
    /// Policies of buckets; null for none.
    pub bucket_policies: Vec<(String, Value)>,
    /// Settings of trails.
    pub trails: Vec<WantedTrail>,
    /// Default encryption of buckets: `AES256`, or a key.
    pub bucket_encryption: Vec<(String, String)>,
    /// Lifecycles of buckets, as PutBucketLifecycleConfiguration takes them.
    pub lifecycles: Vec<(String, Value)>,
    /// Keys to be disabled.
    pub disabled_keys: Vec<String>,
    /// Keys to be deleted.
    pub deleted_keys: Vec<String>,
}

/// Settings of one trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedTrail {
    /// Its name or ARN.
    pub name: String,
    /// `key`, `bucket`, `prefix`, `validation`, `multi-region`, `global-events`, `topic`, with their values; `none` takes a key,
    /// prefix or topic away.
    pub settings: Vec<(String, String)>,
}

/// Why something wanted cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub Message);

impl Wanted {
    /// What must be read for it, beside the trails.
    pub fn what(&self) -> What {
        let keys = self.key_policies.iter().map(|(key, _)| key);
        let keys = keys.chain(&self.disabled_keys).chain(&self.deleted_keys);
        let encryption = self.bucket_encryption.iter().filter(|(_, key)| key != "AES256");
        let of_trails = |name: &'static str| {
            let settings = self.trails.iter().flat_map(|trail| &trail.settings);
            settings
                .filter(move |(set, value)| set == name && value != "none")
                .map(|(_, value)| value)
        };
        let keys = keys.chain(encryption.map(|(_, key)| key)).chain(of_trails("key"));
        let buckets = self
            .bucket_policies
            .iter()
            .chain(&self.lifecycles)
            .map(|(bucket, _)| bucket);
        let buckets = buckets.chain(self.bucket_encryption.iter().map(|(bucket, _)| bucket));
        What {
            buckets: buckets.chain(of_trails("bucket")).cloned().collect(),
            keys: keys.cloned().collect(),
            depth: Depth::Full,
            ..What::default()
        }
    }

    /// What it means in a survey.
    ///
    /// # Errors
    /// When the survey has no key, bucket or trail of a name, or a value is none that the setting takes.
    pub fn proposed(&self, survey: &Survey) -> Result<Proposed, Unusable> {
        let mut proposed = Proposed::default();
        for (key, document) in &self.key_policies {
            proposed = proposed.and(Proposal::KeyPolicy {
                key: key_named(survey, key)?,
                document: document.clone(),
            });
        }
        for (bucket, document) in &self.bucket_policies {
            proposed = proposed.and(Proposal::BucketPolicy {
                bucket: bucket_named(survey, bucket)?,
                document: (!document.is_null()).then(|| document.clone()),
            });
        }
        for (bucket, encryption) in &self.bucket_encryption {
            proposed = proposed.and(Proposal::BucketEncryption {
                bucket: bucket_named(survey, bucket)?,
                encryption: Some(encryption_of(survey, encryption)?),
            });
        }
        for (bucket, document) in &self.lifecycles {
            proposed = proposed.and(Proposal::Lifecycle {
                bucket: bucket_named(survey, bucket)?,
                rules: rules(document)?,
            });
        }
        let disabled = self.disabled_keys.iter().map(|key| (key, KeyState::Disabled));
        for (key, state) in disabled.chain(self.deleted_keys.iter().map(|key| (key, KeyState::Deleted))) {
            proposed = proposed.and(Proposal::KeyState {
                key: key_named(survey, key)?,
                state,
            });
        }
        for trail in &self.trails {
            proposed = proposed.and(trail.proposal(survey)?);
        }
        Ok(proposed)
    }
}

impl WantedTrail {
    fn proposal(&self, survey: &Survey) -> Result<Proposal, Unusable> {
        let name = &self.name;
        let trail = survey
            .trail(name)
            .ok_or_else(|| Unusable(message!("there is no trail {name}", "証跡 {name} はありません")))?;
        let mut settings = TrailSettings::default();
        for (name, value) in &self.settings {
            let some = (value != "none" && !value.is_empty()).then(|| value.clone());
            match name.as_str() {
                "key" => {
                    let key = some.map(|key| key_named(survey, &key)).transpose()?;
                    settings.kms_key = Some(key);
                }
                "bucket" => settings.bucket = Some(bucket_named(survey, value)?),
                "prefix" => settings.prefix = Some(some.unwrap_or_default()),
                "topic" => settings.topic = Some(some),
                "validation" => settings.validation = Some(on(name, value)?),
                "multi-region" => settings.multi_region = Some(on(name, value)?),
                "global-events" => settings.global_events = Some(on(name, value)?),
                _ => {
                    return Err(Unusable(message!(
                        "a trail has no setting `{name}`: there are key, bucket, prefix, topic, validation, multi-region and global-events",
                        "証跡に設定 `{name}` はありません: key, bucket, prefix, topic, validation, multi-region, global-events のいずれかです"
                    )));
                }
            }
        }
        Ok(Proposal::Trail {
            trail: trail.arn.clone(),
            settings,
        })
    }
}

fn on(name: &str, value: &str) -> Result<bool, Unusable> {
    match value {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err(Unusable(message!(
            "{name} is on or off, not `{value}`",
            "{name} は on か off です (`{value}` は不可)"
        ))),
    }
}

/// The ARN of a key by any of its names.
fn key_named(survey: &Survey, name: &str) -> Result<String, Unusable> {
    let alias = name.rsplit_once(":alias/").map(|(_, alias)| format!("alias/{alias}"));
    let alias = alias.as_deref().unwrap_or(name);
    let is = |key: &&Key| {
        let aliases = key.aliases.known();
        key.arn == name || key.id() == name || aliases.is_some_and(|aliases| aliases.iter().any(|one| one == alias))
    };
    let found = survey.keys.get(name).or_else(|| survey.keys.values().find(is));
    found.map(|key| key.arn.clone()).ok_or_else(|| {
        Unusable(message!(
            "the key {name} is not in the survey",
            "キー {name} は調査結果にありません"
        ))
    })
}

fn bucket_named(survey: &Survey, name: &str) -> Result<String, Unusable> {
    let name = name
        .strip_prefix("arn:aws:s3:::")
        .or(name.strip_prefix("s3://"))
        .unwrap_or(name);
    match survey.buckets.contains_key(name) {
        true => Ok(name.to_owned()),
        false => Err(Unusable(message!(
            "the bucket {name} is not in the survey",
            "バケット {name} は調査結果にありません"
        ))),
    }
}

fn encryption_of(survey: &Survey, text: &str) -> Result<Encryption, Unusable> {
    if text == "AES256" {
        return Ok(Encryption {
            algorithm: text.to_owned(),
            key: None,
            bucket_key: false,
        });
    }
    Ok(Encryption {
        algorithm: "aws:kms".to_owned(),
        key: Some(key_named(survey, text)?),
        bucket_key: false,
    })
}

/// The rules of PutBucketLifecycleConfiguration's JSON.
fn rules(document: &Value) -> Result<Vec<LifecycleRule>, Unusable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Lifecycle {
        rules: Vec<Rule>,
    }
    let lifecycle: Lifecycle = serde_json::from_value(document.clone()).map_err(|error| {
        Unusable(message!(
            "this is no lifecycle: {error}",
            "ライフサイクル設定ではありません: {error}"
        ))
    })?;
    Ok(lifecycle.rules.into_iter().map(Rule::known).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    #[serde(rename = "ID", default)]
    id: String,
    status: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    filter: Filter,
    #[serde(default)]
    expiration: Expiration,
    #[serde(default)]
    transitions: Vec<Move>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Filter {
    prefix: String,
    tag: Option<Tag>,
    and: Option<Box<Filter>>,
    tags: Vec<Tag>,
    object_size_greater_than: Option<u64>,
    object_size_less_than: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Expiration {
    days: Option<u32>,
    date: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Move {
    days: Option<u32>,
    date: Option<String>,
    storage_class: String,
}

impl Rule {
    fn known(self) -> LifecycleRule {
        let filter = self.filter.and.map_or_else(Filter::default, |and| *and);
        let tags = self.filter.tag.into_iter().chain(filter.tags);
        let tags: BTreeMap<String, String> = tags.map(|tag| (tag.key, tag.value)).collect();
        LifecycleRule {
            id: self.id,
            enabled: self.status == "Enabled",
            filter: LifecycleFilter {
                prefix: [self.prefix, self.filter.prefix, filter.prefix].concat(),
                tags,
                larger_than: self.filter.object_size_greater_than.or(filter.object_size_greater_than),
                smaller_than: self.filter.object_size_less_than.or(filter.object_size_less_than),
            },
            expire_days: self.expiration.days,
            expire_date: self.expiration.date,
            transitions: self.transitions.into_iter().map(Move::known).collect(),
            ..LifecycleRule::default()
        }
    }
}

impl Move {
    fn known(self) -> Transition {
        Transition {
            days: self.days,
            date: self.date,
            storage_class: self.storage_class,
            ..Transition::default()
        }
    }
}

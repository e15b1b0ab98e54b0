//! Definitions out of what exists, on a real account or on a server: by read-only calls, of which any may be denied.
//!
//! What may not be read is said by the name of its call, and the least that the trail needs is written in its place.

use super::{
    AccessLog, AdvancedEventSelector, Bucket, DefaultEncryption, Definition, EventSelector, Key, LifecycleRule, Logs,
    Topic, Transition,
};
use crate::{
    aws::{Client, Error},
    survey::{self, Encryption, Fact, PublicAccessBlock},
    template::{Part, Text, Tree},
};
use base::arn;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::ServiceName::{CloudTrail, Iam, Kms, Logs as LogsService, Sns};

/// What was found, and what is to be known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The trail as it is.
    pub definition: Definition,
    /// What could not be read, or is not written down; a sentence each.
    pub remarks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trail {
    name: String,
    #[serde(rename = "TrailARN")]
    trail_arn: String,
    home_region: String,
    s3_bucket_name: String,
    s3_key_prefix: Option<String>,
    #[serde(rename = "SnsTopicARN")]
    sns_topic_arn: Option<String>,
    include_global_service_events: bool,
    is_multi_region_trail: bool,
    #[serde(default)]
    log_file_validation_enabled: bool,
    cloud_watch_logs_log_group_arn: Option<String>,
    cloud_watch_logs_role_arn: Option<String>,
    kms_key_id: Option<String>,
    #[serde(default)]
    is_organization_trail: bool,
}

/// Reads a trail, by its name or ARN, and everything that it needs. The client's Region may be any that the trail is seen in.
pub async fn observe(client: &Client, name: &str) -> Result<Observed, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Trails {
        trail_list: Vec<Trail>,
    }
    let input = json!({ "trailNameList": [name], "includeShadowTrails": true });
    let trails: Trails = client.ask(CloudTrail, "DescribeTrails", &input).await?;
    let Some(trail) = trails.trail_list.into_iter().next() else {
        return Err(Error::Settings(format!(
            "there is no trail `{name}` in {}: give its --region, or its ARN",
            client.region()
        )));
    };
    let account = arn::split(&trail.trail_arn).map_or_else(String::new, |parts| parts.account.to_owned());
    let client = &client.in_region(&trail.home_region);
    let observer = || Observer {
        client,
        account: &account,
        region: &trail.home_region,
        remarks: Vec::new(),
    };
    let (mut own, mut of_bucket, mut of_key, mut of_logs, mut of_topic) =
        (observer(), observer(), observer(), observer(), observer());
    let (parts, bucket, key, logs, topic) = tokio::join!(
        own.trail(&trail),
        of_bucket.bucket(&trail.s3_bucket_name, trail.s3_key_prefix.as_deref()),
        of_key.key(&trail),
        of_logs.logs(&trail),
        of_topic.topic(&trail),
    );
    let mut definition = Definition {
        bucket: bucket?,
        key: key?,
        logs: logs?,
        topic: topic?,
        ..parts?
    };
    if let (Some(arn), Some(key)) = (&trail.kms_key_id, &definition.key)
        && key.existing.is_none()
        && [own.key_of(arn), own.key_of(arn.rsplit('/').next().unwrap_or_default())]
            .contains(&definition.bucket.encryption)
    {
        definition.bucket.encryption = DefaultEncryption::TrailKey;
    }
    let remarks = [own, of_bucket, of_key, of_logs, of_topic]
        .into_iter()
        .flat_map(|part| part.remarks);
    let remarks = remarks.collect();
    Ok(Observed { definition, remarks })
}

/// A bucket as it is, and what could not be read of it. It must be of the client's Region.
pub(crate) async fn observe_bucket(client: &Client, account: &str, name: &str) -> Result<(Bucket, Vec<String>), Error> {
    let mut observer = Observer {
        client,
        account,
        region: client.region(),
        remarks: Vec::new(),
    };
    let bucket = observer.bucket(name, None).await?;
    Ok((bucket, observer.remarks))
}

struct Observer<'a> {
    client: &'a Client,
    account: &'a str,
    region: &'a str,
    remarks: Vec<String>,
}

impl Observer<'_> {
    fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }

    /// What a call found. Nothing when there is no such thing, which these codes say, and when it may not be read, which is
    /// remarked. What is no answer of the service at all ends everything.
    fn found<T>(&mut self, call: &str, result: Result<T, Error>, absent: &[&str]) -> Result<Option<T>, Error> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is(absent) => Ok(None),
            Err(error) => match error.refused() {
                Some(refused) => {
                    self.remark(format!(
                        "{call} was refused ({}): what it would tell is left at its default",
                        refused.code
                    ));
                    Ok(None)
                }
                None => Err(error),
            },
        }
    }

    /// With the account and the Region as places, so that it fits elsewhere.
    fn general(&self, text: &str) -> Text {
        Text::literal(text)
            .generalised(self.account, &Part::Account)
            .generalised(self.region, &Part::Region)
    }

    fn document(&mut self, what: &str, text: &str) -> Option<Tree> {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => Some(Tree::of_json(&value, &|text| self.general(text))),
            Err(_) => {
                self.remark(format!(
                    "{what} is no JSON: the least that the trail needs is written instead"
                ));
                None
            }
        }
    }

    fn is_ours(&self, arn: &str) -> bool {
        let parts = arn::split(arn);
        parts.is_some_and(|parts| parts.account == self.account && [self.region, ""].contains(&parts.region))
    }

    fn key_of(&self, arn: &str) -> DefaultEncryption {
        DefaultEncryption::Key(self.general(arn))
    }

    async fn trail(&mut self, trail: &Trail) -> Result<Definition, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Status {
            is_logging: bool,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        #[derive(Default)]
        struct Selectors {
            event_selectors: Option<Vec<EventSelector>>,
            advanced_event_selectors: Option<Vec<AdvancedEventSelector>>,
        }
        let of_name = json!({ "Name": trail.trail_arn });
        let of_trail = json!({ "TrailName": trail.trail_arn });
        let of_arn = json!({ "ResourceIdList": [trail.trail_arn] });
        let (status, selectors, insights, tags) = tokio::join!(
            self.client.ask::<Status>(CloudTrail, "GetTrailStatus", &of_name),
            self.client.ask::<Selectors>(CloudTrail, "GetEventSelectors", &of_trail),
            self.client.json(CloudTrail, "GetInsightSelectors", &of_trail),
            self.client.json(CloudTrail, "ListTags", &of_arn),
        );
        if trail.is_organization_trail {
            self.remark("This is a trail of an organization; what is written is a trail of one account.");
        }
        let status = self.found("GetTrailStatus", status, &[])?;
        let selectors = self.found("GetEventSelectors", selectors, &[])?.unwrap_or_default();
        // A server that has no Insights says so by the operation's name.
        let absent = [
            "InsightNotEnabledException",
            "UnsupportedOperationException",
            "NotImplemented",
            "UnknownOperationException",
        ];
        let insights = self
            .found("GetInsightSelectors", insights, &absent)?
            .unwrap_or_default();
        let tags = self.found("ListTags", tags, &[])?.unwrap_or_default();
        let kinds = insights["InsightSelectors"].as_array().into_iter().flatten();
        let kinds = kinds
            .filter_map(|selector| selector["InsightType"].as_str().map(str::to_owned))
            .collect();
        let mut definition = Definition {
            name: trail.name.clone(),
            region: Some(trail.home_region.clone()),
            account: None,
            all_regions: trail.is_multi_region_trail,
            global_events: trail.include_global_service_events,
            logging: status.is_none_or(|status| status.is_logging),
            validation: trail.log_file_validation_enabled,
            event_selectors: selectors.event_selectors.unwrap_or_default(),
            advanced_event_selectors: selectors.advanced_event_selectors.unwrap_or_default(),
            insights: kinds,
            tags: pairs(&tags["ResourceTagList"][0]["TagsList"], ["Key", "Value"]),
            ..Definition::default()
        };
        // What every trail has that nobody gave selectors.
        if definition.event_selectors == [EventSelector::default()] {
            definition.event_selectors.clear();
        }
        self.generalise_selectors(&mut definition);
        Ok(definition)
    }

    fn generalise_selectors(&self, definition: &mut Definition) {
        let data = definition
            .event_selectors
            .iter_mut()
            .flat_map(|selector| &mut selector.data_resources);
        let data = data.flat_map(|resource| &mut resource.values);
        let fields = definition
            .advanced_event_selectors
            .iter_mut()
            .flat_map(|selector| &mut selector.field_selectors);
        let fields = fields.flat_map(|field| {
            let all = [
                &mut field.equals,
                &mut field.starts_with,
                &mut field.ends_with,
                &mut field.not_equals,
                &mut field.not_starts_with,
                &mut field.not_ends_with,
            ];
            all.into_iter().flatten()
        });
        for value in data.chain(fields) {
            *value = self.general(&value.to_string());
        }
    }

    async fn bucket(&mut self, name: &str, prefix: Option<&str>) -> Result<Bucket, Error> {
        let there = Bucket {
            name: self.general(name),
            existing: true,
            prefix: prefix.filter(|prefix| !prefix.is_empty()).map(str::to_owned),
            versioning: false,
            ownership: None,
            private: false,
            ..Bucket::default()
        };
        let Some(found) = survey::read_bucket(self.client, name).await else {
            return Ok(there);
        };
        if found.exists.known() != Some(&true) {
            self.known(found.region)?;
            self.remark(format!("The bucket {name} is taken as it is: it cannot be looked at."));
            return Ok(there);
        }
        if let Some(region) = found.region.known().filter(|region| *region != self.region) {
            self.remark(format!(
                "The bucket {name} is in {region}, not in the trail's Region: it is taken as it is."
            ));
            return Ok(there);
        }
        let policy = self.known(found.policy)?.flatten();
        let policy = policy.map(|policy| Tree::of_json(&policy, &|text| self.general(text)));
        let encryption = self.known(found.encryption)?.flatten();
        let lifecycle = self.known(found.lifecycle)?.unwrap_or_default();
        let versioning = self.known(found.versioning)?;
        let private = self.known(found.public_access_block)?.flatten();
        let logging = self.known(found.logging)?.flatten();
        let ownership = self.known(found.ownership)?.flatten();
        let tags = self.known(found.tags)?;
        Ok(Bucket {
            existing: false,
            versioning: versioning.and_then(|found| found.status).as_deref() == Some("Enabled"),
            bucket_key: encryption.as_ref().is_some_and(|found| found.bucket_key),
            encryption: encryption.map_or(DefaultEncryption::S3, |found| self.default_encryption(found)),
            private: self.is_private(private),
            ownership,
            lifecycle: self.lifecycle(lifecycle),
            access_log: logging.map(|found| AccessLog {
                bucket: self.general(&found.bucket),
                prefix: self.general(&found.prefix),
            }),
            policy,
            tags: tags.unwrap_or_default(),
            ..there
        })
    }

    /// What a survey knows, as [`Observer::found`] has it.
    fn known<T>(&mut self, fact: Fact<T>) -> Result<Option<T>, Error> {
        match fact {
            Fact::Known(known) => Ok(Some(known)),
            Fact::NotAvailable(missing) if missing.is_no_answer() => Err(Error::Settings(missing.message)),
            Fact::NotAvailable(missing) => {
                let call = missing.call.split_once(':').map_or("", |(_, call)| call);
                let code = &missing.code;
                self.remark(format!(
                    "{call} was refused ({code}): what it would tell is left at its default"
                ));
                Ok(None)
            }
        }
    }

    fn default_encryption(&self, found: Encryption) -> DefaultEncryption {
        match (found.is_kms(), found.key) {
            (true, Some(key)) => self.key_of(&key),
            (true, None) => DefaultEncryption::AwsManagedKey,
            (false, _) => DefaultEncryption::S3,
        }
    }

    fn is_private(&mut self, found: Option<PublicAccessBlock>) -> bool {
        let Some(found) = found else { return false };
        let some = found != PublicAccessBlock::default();
        if some && !found.is_whole() {
            self.remark("The bucket blocks public access in part; what is written blocks it in whole.");
        }
        some
    }

    fn lifecycle(&mut self, found: Vec<survey::LifecycleRule>) -> Vec<LifecycleRule> {
        let rules = found.into_iter().filter_map(|rule| {
            let id = rule.id.clone();
            let Some(mut known) = writable(rule) else {
                self.remark(format!(
                    "The lifecycle rule `{id}` has parts that are not written here: it is left out."
                ));
                return None;
            };
            known.id = self.general(&id);
            Some(known)
        });
        rules.collect()
    }

    async fn key(&mut self, trail: &Trail) -> Result<Option<Key>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        #[derive(Default)]
        struct Rotation {
            key_rotation_enabled: bool,
            rotation_period_in_days: Option<u32>,
        }
        let Some(arn) = &trail.kms_key_id else { return Ok(None) };
        let there = Key {
            existing: Some(self.general(arn)),
            ..Key::default()
        };
        if !self.is_ours(arn) {
            self.remark(format!(
                "The key {arn} is of another account or Region: it is taken as it is."
            ));
            return Ok(Some(there));
        }
        let (client, of_key) = (self.client, json!({ "KeyId": arn }));
        let of_policy = json!({ "KeyId": arn, "PolicyName": "default" });
        let (metadata, policy, rotation, aliases, tags) = tokio::join!(
            client.json(Kms, "DescribeKey", &of_key),
            client.json(Kms, "GetKeyPolicy", &of_policy),
            client.ask::<Rotation>(Kms, "GetKeyRotationStatus", &of_key),
            client.json(Kms, "ListAliases", &of_key),
            client.json(Kms, "ListResourceTags", &of_key),
        );
        let metadata = self.found("DescribeKey", metadata, &[])?.unwrap_or_default();
        let metadata = &metadata["KeyMetadata"];
        if metadata["KeyManager"] == "AWS" {
            return Ok(Some(there));
        }
        if let Some(state) = metadata["KeyState"].as_str().filter(|state| *state != "Enabled") {
            self.remark(format!(
                "The key {arn} is in the state {state}; what is written is a key that is enabled."
            ));
        }
        let policy = self.found("GetKeyPolicy", policy, &[])?;
        let policy = match policy.as_ref().and_then(|found| found["Policy"].as_str()) {
            Some(text) => {
                self.foreign_principals(text);
                let policy = self.document("The key's policy", text);
                let own = self.general(arn);
                policy.map(|tree| without(&tree, &own))
            }
            None => None,
        };
        let rotation = self
            .found("GetKeyRotationStatus", rotation, &["UnsupportedOperationException"])?
            .unwrap_or_default();
        let aliases = self.found("ListAliases", aliases, &[])?.unwrap_or_default();
        let names: Vec<&str> = aliases["Aliases"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|alias| alias["AliasName"].as_str())
            .collect();
        if names.len() > 1 {
            self.remark(format!("The key has {} aliases; the first is written.", names.len()));
        }
        let tags = self.found("ListResourceTags", tags, &[])?.unwrap_or_default();
        Ok(Some(Key {
            existing: None,
            alias: names.first().map(|name| self.general(name)),
            description: self.general(metadata["Description"].as_str().unwrap_or_default()),
            rotation: rotation.key_rotation_enabled,
            rotation_days: rotation.rotation_period_in_days.filter(|days| *days != 365),
            multi_region: metadata["MultiRegion"] == true,
            readers: Vec::new(),
            policy,
            tags: pairs(&tags["Tags"], ["TagKey", "TagValue"]),
        }))
    }

    /// Whoever was deleted stands in a policy by an id that no new policy may name.
    fn foreign_principals(&mut self, policy: &str) {
        let words = policy.split(['"', '/', ':']);
        let gone: Vec<&str> = words
            .filter(|word| (word.starts_with("AIDA") || word.starts_with("AROA")) && word.len() == 21)
            .collect();
        if !gone.is_empty() {
            self.remark(format!(
                "The key's policy names principals that are gone ({}): take them out.",
                gone.join(", ")
            ));
        }
    }

    async fn logs(&mut self, trail: &Trail) -> Result<Option<Logs>, Error> {
        let (Some(group_arn), Some(role_arn)) =
            (&trail.cloud_watch_logs_log_group_arn, &trail.cloud_watch_logs_role_arn)
        else {
            return Ok(None);
        };
        let group = arn::split(group_arn)
            .map(|parts| parts.resource.to_owned())
            .unwrap_or_default();
        let group = group.strip_prefix("log-group:").unwrap_or(&group);
        let group = group.strip_suffix(":*").unwrap_or(group);
        let input = json!({ "logGroupNamePrefix": group });
        let (groups, role) = tokio::join!(
            self.client.json(LogsService, "DescribeLogGroups", &input),
            role_policies(self.client, role_arn),
        );
        let groups = self.found("DescribeLogGroups", groups, &[])?.unwrap_or_default();
        let found = groups["logGroups"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|found| found["logGroupName"] == *group);
        let (path, name) = role_of(role_arn);
        let mut logs = Logs {
            group: self.general(group),
            retention_days: found
                .and_then(|found| found["retentionInDays"].as_u64())
                .and_then(|days| days.try_into().ok()),
            key: found
                .and_then(|found| found["kmsKeyId"].as_str())
                .map(|key| self.general(key)),
            role: self.general(&name),
            role_path: path,
            ..Logs::default()
        };
        if !self.is_ours(role_arn) {
            logs.existing_role = Some(self.general(role_arn));
            return Ok(Some(logs));
        }
        if let Some(policies) = self.found("ListRolePolicies or GetRolePolicy", role, &["NoSuchEntity"])? {
            if policies.len() > 1 {
                self.remark(format!(
                    "The role {name} has {} inline policies; the first is written.",
                    policies.len()
                ));
            }
            if let Some((policy_name, document)) = policies.into_iter().next() {
                logs.policy_name = policy_name;
                logs.policy = self.document("The role's policy", &document);
            }
        }
        Ok(Some(logs))
    }

    async fn topic(&mut self, trail: &Trail) -> Result<Option<Topic>, Error> {
        let Some(arn) = &trail.sns_topic_arn else {
            return Ok(None);
        };
        if !self.is_ours(arn) {
            let name = self.general(arn);
            return Ok(Some(Topic {
                name,
                existing: true,
                policy: None,
            }));
        }
        let of_topic = [("TopicArn", arn.as_str())];
        let attributes = self
            .client
            .ask_query::<TopicAttributes>(Sns, "GetTopicAttributes", &of_topic)
            .await;
        let attributes = self.found("GetTopicAttributes", attributes, &[])?;
        let entries = attributes.map_or_else(Vec::new, |found| found.attributes.entry);
        let policy = entries
            .into_iter()
            .find(|entry| entry.key == "Policy")
            .map(|entry| entry.value);
        let policy = policy.and_then(|text| self.document("The topic's policy", &text));
        let name = arn::split(arn).map_or_else(String::new, |parts| parts.resource.to_owned());
        Ok(Some(Topic {
            name: self.general(&name),
            existing: false,
            policy,
        }))
    }
}

/// The rule without its name, when all of it can be written.
fn writable(rule: survey::LifecycleRule) -> Option<LifecycleRule> {
    let filter = rule.filter;
    let is_odd = [
        !filter.tags.is_empty(),
        filter.larger_than.is_some(),
        filter.smaller_than.is_some(),
        rule.expire_date.is_some(),
        rule.expire_delete_markers,
        rule.noncurrent_versions_kept.is_some(),
        !rule.noncurrent_transitions.is_empty(),
    ];
    if is_odd.contains(&true) {
        return None;
    }
    let in_days = |transition: survey::Transition| {
        Some(Transition {
            days: transition.days?,
            storage_class: transition.storage_class,
        })
    };
    let transitions: Option<Vec<Transition>> = rule.transitions.into_iter().map(in_days).collect();
    Some(LifecycleRule {
        id: Text::default(),
        prefix: filter.prefix,
        disabled: !rule.enabled,
        expire_days: rule.expire_days,
        noncurrent_expire_days: rule.noncurrent_expire_days,
        abort_upload_days: rule.abort_upload_days,
        transitions: transitions?,
    })
}

/// In a key's policy, the key itself is `*`; the key of a template has no ARN yet when its policy is written.
fn without(tree: &Tree, own: &Text) -> Tree {
    match tree {
        Tree::Text(text) if text == own => Tree::literal("*"),
        Tree::List(items) => Tree::List(items.iter().map(|item| without(item, own)).collect()),
        Tree::Map(members) => Tree::Map(
            members
                .iter()
                .map(|(name, value)| (name.clone(), without(value, own)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Path and name of a role's ARN.
fn role_of(role_arn: &str) -> (String, String) {
    let resource = arn::split(role_arn)
        .map(|parts| parts.resource.to_owned())
        .unwrap_or_default();
    let resource = resource.strip_prefix("role").unwrap_or(&resource);
    match resource.rsplit_once('/') {
        Some((path, name)) => (format!("{path}/"), name.to_owned()),
        None => ("/".to_owned(), resource.to_owned()),
    }
}

/// The role's inline policies by their names.
async fn role_policies(client: &Client, role_arn: &str) -> Result<Vec<(String, String)>, Error> {
    let (_, role) = role_of(role_arn);
    let names = client.query(Iam, "ListRolePolicies", &[("RoleName", &role)]).await?;
    let mut policies = Vec::new();
    for name in crate::aws::elements(&names, "member") {
        let input = [("RoleName", role.as_str()), ("PolicyName", name.as_str())];
        let text = client.query(Iam, "GetRolePolicy", &input).await?;
        let document = crate::aws::elements(&text, "PolicyDocument")
            .into_iter()
            .next()
            .unwrap_or_default();
        let document = percent_encoding::percent_decode_str(&document)
            .decode_utf8_lossy()
            .into_owned();
        policies.push((name, document));
    }
    Ok(policies)
}

fn pairs(tags: &Value, [name, value]: [&str; 2]) -> BTreeMap<String, String> {
    let tags = tags.as_array().into_iter().flatten();
    let pair = |tag: &Value| {
        Some((
            tag[name].as_str()?.to_owned(),
            tag[value].as_str().unwrap_or_default().to_owned(),
        ))
    };
    tags.filter_map(pair).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TopicAttributes {
    attributes: Entries,
}

#[derive(Deserialize)]
struct Entries {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    #[serde(default)]
    value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifecycle_rules_are_written_whole_or_not_at_all() {
        let plain = survey::LifecycleRule {
            id: "a".to_owned(),
            enabled: true,
            expire_days: Some(7),
            ..survey::LifecycleRule::default()
        };
        let written = writable(plain.clone()).unwrap();
        assert_eq!((written.expire_days, written.disabled), (Some(7), false));
        let mut odd = vec![plain.clone(); 4];
        odd[0].filter.tags.insert("a".to_owned(), "b".to_owned());
        odd[1].expire_date = Some("2030-01-01T00:00:00Z".to_owned());
        odd[2].noncurrent_versions_kept = Some(3);
        odd[3].transitions.push(survey::Transition {
            date: Some("2030-01-01T00:00:00Z".to_owned()),
            ..survey::Transition::default()
        });
        for rule in odd {
            assert!(writable(rule.clone()).is_none(), "{rule:?}");
        }
    }

    #[test]
    fn a_role_has_a_path_and_a_name() {
        let check = |arn, path: &str, name: &str| assert_eq!(role_of(arn), (path.to_owned(), name.to_owned()));
        check("arn:aws:iam::012345678901:role/x", "/", "x");
        check("arn:aws:iam::012345678901:role/a/b/x", "/a/b/", "x");
    }
}

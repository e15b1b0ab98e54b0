//! Keys, each in its own Region.

use super::{
    Key,
    ask::{self, Asker, together, when},
};
use crate::{
    aws::Error,
    survey::{Fact, KeyMetadata, Missing, Rotation, Survey},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use wire::ServiceName::Kms;

/// A key that something names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    /// The id, ARN or alias.
    pub(super) name: String,
    /// The ARN's Region, or that of what names it.
    pub(super) region: String,
}

impl Asked {
    pub(super) fn new(name: &str, region: &str) -> Asked {
        let of_arn = base::arn::split(name).map(|parts| parts.region);
        Asked {
            name: name.to_owned(),
            region: of_arn.unwrap_or(region).to_owned(),
        }
    }

    /// Whether it is the name by which a survey has the key.
    fn is_key_arn(&self) -> bool {
        base::arn::split(&self.name).is_some_and(|parts| parts.resource.starts_with("key/"))
    }
}

/// The keys that buckets, log groups, topics and event data stores name.
pub(super) fn named_by(survey: &Survey) -> BTreeSet<Asked> {
    let mut named = BTreeSet::new();
    for bucket in survey.buckets.values() {
        if let (Some(encryption), Some(region)) = (bucket.encryption.found(), bucket.region.known())
            && encryption.is_kms()
        {
            named.insert(Asked::new(encryption.key.as_deref().unwrap_or("alias/aws/s3"), region));
        }
    }
    for group in survey.log_groups.values() {
        let key = group.settings.found().and_then(|found| found.kms_key.as_deref());
        named.extend(key.map(|key| Asked::new(key, &group.region)));
    }
    for topic in survey.topics.values() {
        let key = topic.settings.found().and_then(|found| found.kms_key.as_deref());
        named.extend(key.map(|key| Asked::new(key, &topic.region)));
    }
    for (region, facts) in &survey.by_region {
        let stores = facts.event_data_stores.known().into_iter().flatten();
        named.extend(stores.filter_map(|store| Some(Asked::new(store.kms_key.as_deref()?, region))));
    }
    named
}

/// These keys.
pub(super) async fn keys(asker: &Asker, asked: Vec<Asked>, full: bool) -> Vec<Key> {
    together(asked.into_iter().map(|asked| {
        let asker = asker.in_region(&asked.region);
        async move { key(&asker, asked, full).await }
    }))
    .await
}

async fn key(asker: &Asker, asked: Asked, full: bool) -> Key {
    // Other calls than DescribeKey take no alias.
    if asked.is_key_arn() {
        let metadata = described(asker, &asked.name);
        let (metadata, mut key) = tokio::join!(metadata, read(asker, &asked.name, full));
        key.metadata = metadata.map(|(_, metadata)| metadata).into();
        return key;
    }
    match described(asker, &asked.name).await {
        Ok((arn, metadata)) => Key {
            metadata: Fact::Known(metadata),
            ..read(asker, &arn, full).await
        },
        Err(missing) => unknown(asker, asked.name, missing),
    }
}

/// A key that nothing is known of, since it could not be looked up.
fn unknown(asker: &Asker, arn: String, missing: Missing) -> Key {
    Key {
        arn,
        region: asker.region().to_owned(),
        policy: Fact::NotAvailable(missing.clone()),
        rotation: Fact::NotAvailable(missing.clone()),
        aliases: Fact::NotAvailable(missing.clone()),
        grants: Fact::NotAvailable(missing.clone()),
        tags: Fact::NotAvailable(missing.clone()),
        metadata: Fact::NotAvailable(missing),
    }
}

/// All but what DescribeKey says.
async fn read(asker: &Asker, arn: &str, full: bool) -> Key {
    let (policy, rotation, aliases, grants, tags) = tokio::join!(
        when(full, "kms:GetKeyPolicy", policy(asker, arn)),
        when(full, "kms:GetKeyRotationStatus", rotation(asker, arn)),
        aliases(asker, arn),
        when(full, "kms:ListGrants", grants(asker, arn)),
        when(full, "kms:ListResourceTags", tags(asker, arn)),
    );
    Key {
        arn: arn.to_owned(),
        region: asker.region().to_owned(),
        metadata: Fact::NotAvailable(Missing::not_asked("kms:DescribeKey")),
        policy,
        rotation,
        aliases: aliases.into(),
        grants,
        tags,
    }
}

async fn described(asker: &Asker, key: &str) -> Result<(String, KeyMetadata), Missing> {
    let answer = asker.json(Kms, "DescribeKey", &json!({ "KeyId": key })).await?;
    let found = &answer["KeyMetadata"];
    let text = |name: &str| ask::text(&found[name]).unwrap_or_default();
    let family = &found["MultiRegionConfiguration"];
    let replicas = family["ReplicaKeys"].as_array().into_iter().flatten();
    let metadata = KeyMetadata {
        state: text("KeyState"),
        manager: text("KeyManager"),
        spec: ask::text(&found["KeySpec"]).unwrap_or_else(|| text("CustomerMasterKeySpec")),
        usage: text("KeyUsage"),
        origin: text("Origin"),
        description: text("Description"),
        multi_region: found["MultiRegion"] == true,
        primary: ask::text(&family["PrimaryKey"]["Arn"]),
        replicas: replicas.filter_map(|replica| ask::text(&replica["Arn"])).collect(),
        created: ask::time(&found["CreationDate"]),
        deletion_date: ask::time(&found["DeletionDate"]),
        valid_to: ask::time(&found["ValidTo"]),
    };
    match ask::text(&found["Arn"]) {
        Some(arn) => Ok((arn, metadata)),
        None => Err(unreadable(asker, "DescribeKey", "it names no ARN")),
    }
}

fn unreadable(asker: &Asker, operation: &str, reason: &str) -> Missing {
    let odd = Error::Unreadable {
        operation: operation.to_owned(),
        reason: reason.to_owned(),
    };
    Missing::of(&format!("kms:{operation}"), asker.region(), &odd)
}

async fn policy(asker: &Asker, arn: &str) -> Result<Value, Missing> {
    let input = json!({ "KeyId": arn, "PolicyName": "default" });
    let answer = asker.json(Kms, "GetKeyPolicy", &input).await?;
    let text = answer["Policy"].as_str().unwrap_or_default();
    serde_json::from_str(text).map_err(|fault| unreadable(asker, "GetKeyPolicy", &fault.to_string()))
}

async fn rotation(asker: &Asker, arn: &str) -> Result<Rotation, Missing> {
    let input = json!({ "KeyId": arn });
    // Keys of other kinds than symmetric ones with material of KMS cannot be rotated.
    let none = ["UnsupportedOperationException"];
    let answer = asker
        .json_or_none(Kms, "GetKeyRotationStatus", &input, &none)
        .await?
        .unwrap_or_default();
    Ok(Rotation {
        enabled: answer["KeyRotationEnabled"] == true,
        period_days: ask::number(&answer["RotationPeriodInDays"]),
        next: ask::time(&answer["NextRotationDate"]),
    })
}

const MARKERS: (&str, &str) = ("NextMarker", "Marker");

async fn aliases(asker: &Asker, arn: &str) -> Result<Vec<String>, Missing> {
    let input = json!({ "KeyId": arn });
    let found = asker.json_list(Kms, "ListAliases", &input, "Aliases", MARKERS).await?;
    Ok(found
        .iter()
        .filter_map(|alias| ask::text(&alias["AliasName"]))
        .collect())
}

async fn grants(asker: &Asker, arn: &str) -> Result<Vec<Value>, Missing> {
    let input = json!({ "KeyId": arn });
    asker.json_list(Kms, "ListGrants", &input, "Grants", MARKERS).await
}

async fn tags(asker: &Asker, arn: &str) -> Result<BTreeMap<String, String>, Missing> {
    let input = json!({ "KeyId": arn });
    let found = asker
        .json_list(Kms, "ListResourceTags", &input, "Tags", MARKERS)
        .await?;
    let pair = |tag: &Value| {
        Some((
            ask::text(&tag["TagKey"])?,
            ask::text(&tag["TagValue"]).unwrap_or_default(),
        ))
    };
    Ok(found.iter().filter_map(pair).collect())
}

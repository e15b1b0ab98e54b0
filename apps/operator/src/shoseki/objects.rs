//! Counts of the objects of a bucket, by how they are encrypted, how old they are and where they lie.

use super::{maybe_time, time};
use crate::aws::{Client, Error};
use base::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wire::ServiceName;

/// By what objects are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// How they are encrypted.
    Encryption,
    /// The KMS key.
    KmsKeyId,
    /// How old they are.
    Age,
    /// The first parts of their keys behind the prefix.
    Prefix,
}

impl GroupBy {
    /// The name in calls.
    pub fn as_str(self) -> &'static str {
        match self {
            GroupBy::Encryption => "Encryption",
            GroupBy::KmsKeyId => "KmsKeyId",
            GroupBy::Age => "Age",
            GroupBy::Prefix => "Prefix",
        }
    }
}

/// Which objects are counted, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectsQuestion {
    /// The bucket.
    pub bucket: String,
    /// What their keys begin with; empty for all.
    pub prefix: String,
    /// By what they are put together; without any, all are one group. `Encryption` and `KmsKeyId` demand `s3:GetObject` too.
    pub group_by: Vec<GroupBy>,
    /// With `Prefix`: how many parts of the key behind the prefix, each ended by `/`; 1 without it, at most 16.
    pub prefix_levels: Option<u32>,
    /// How many objects a call looks at; at most 10,000, which is what it is without it.
    pub max_objects: Option<u32>,
    /// Goes on where the answer before ended.
    pub next_token: Option<String>,
}

impl ObjectsQuestion {
    fn input(&self) -> Value {
        let mut input = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                input.insert(name.to_owned(), value);
            }
        };
        put("Bucket", Some(self.bucket.as_str().into()));
        put("Prefix", (!self.prefix.is_empty()).then(|| self.prefix.as_str().into()));
        let groups: Vec<&str> = self.group_by.iter().map(|group| group.as_str()).collect();
        put("GroupBy", (!groups.is_empty()).then(|| json!(groups)));
        put("PrefixLevels", self.prefix_levels.map(Value::from));
        put("MaxObjects", self.max_objects.map(Value::from));
        put("NextToken", self.next_token.as_deref().map(Value::from));
        Value::Object(input)
    }
}

/// Objects that have in common what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ObjectGroup {
    /// `AES256`, `aws:kms`, `aws:kms:dsse` or `SSE-C`.
    pub encryption: Option<String>,
    /// The KMS key's ARN; `None` where none is needed, or when it was not asked for.
    pub kms_key_id: Option<String>,
    /// `UnderDay`, `UnderWeek`, `UnderMonth` (30 days), `UnderQuarter` (90), `UnderYear` (365) or `Older`.
    pub age: Option<String>,
    /// What their keys begin with.
    pub prefix: Option<String>,
    /// How many they are.
    pub objects: u64,
    /// How many bytes they have in clear.
    pub bytes: u64,
    /// When the oldest was put.
    #[serde(deserialize_with = "time")]
    pub oldest: Timestamp,
    /// When the newest was put.
    #[serde(deserialize_with = "time")]
    pub newest: Timestamp,
}

/// What was counted: the latest versions of the keys looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ObjectsSummary {
    /// The groups, in a fixed order.
    pub groups: Vec<ObjectGroup>,
    /// How many objects this answer counts.
    pub objects: u64,
    /// How many bytes they have in clear.
    pub bytes: u64,
    /// When the oldest was put.
    #[serde(default, deserialize_with = "maybe_time")]
    pub oldest: Option<Timestamp>,
    /// When the newest was put.
    #[serde(default, deserialize_with = "maybe_time")]
    pub newest: Option<Timestamp>,
    /// With what the same question goes on; `None` when this was all.
    pub next_token: Option<String>,
}

impl ObjectsSummary {
    /// The same with what the next call counted: groups that have the same in common are one.
    #[must_use]
    pub fn and(mut self, next: ObjectsSummary) -> ObjectsSummary {
        for group in next.groups {
            match self.groups.iter_mut().find(|mine| mine.is_like(&group)) {
                Some(mine) => mine.add(&group),
                None => self.groups.push(group),
            }
        }
        ObjectsSummary {
            groups: self.groups,
            objects: self.objects.saturating_add(next.objects),
            bytes: self.bytes.saturating_add(next.bytes),
            oldest: [self.oldest, next.oldest].into_iter().flatten().min(),
            newest: [self.newest, next.newest].into_iter().flatten().max(),
            next_token: next.next_token,
        }
    }
}

impl ObjectGroup {
    fn is_like(&self, other: &ObjectGroup) -> bool {
        let key = |group: &ObjectGroup| {
            let ObjectGroup {
                encryption,
                kms_key_id,
                age,
                prefix,
                ..
            } = group;
            [encryption, kms_key_id, age, prefix].map(Clone::clone)
        };
        key(self) == key(other)
    }

    fn add(&mut self, other: &ObjectGroup) {
        self.objects = self.objects.saturating_add(other.objects);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.oldest = self.oldest.min(other.oldest);
        self.newest = self.newest.max(other.newest);
    }
}

/// SummariseObjects: one call, which looks at so many objects and answers with a token when there are more. Demands
/// `shoseki:SummariseObjects` and `s3:ListBucket`.
pub async fn summarise_objects(client: &Client, question: &ObjectsQuestion) -> Result<ObjectsSummary, Error> {
    client
        .ask(ServiceName::Shoseki, "SummariseObjects", &question.input())
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(text: &str) -> ObjectsSummary {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn answers_are_put_together() {
        let group = |age: &str, objects: u64, oldest: u64| {
            format!(r#"{{"Age":"{age}","Objects":{objects},"Bytes":{objects},"Oldest":{oldest},"Newest":{oldest}}}"#)
        };
        let page = |groups: &[String], token: &str| {
            summary(&format!(
                r#"{{"Groups":[{}],"Objects":2,"Bytes":3,"Oldest":5,"Newest":7.5{token}}}"#,
                groups.join(",")
            ))
        };
        let first = page(&[group("Older", 2, 9)], r#","NextToken":"t""#);
        let empty = summary(r#"{"Groups":[],"Objects":0,"Bytes":0}"#);
        let both = first
            .and(page(&[group("Older", 3, 4), group("UnderDay", 1, 50)], ""))
            .and(empty);
        assert_eq!((both.objects, both.bytes, both.next_token.as_deref()), (4, 6, None));
        assert_eq!(both.newest, Some(Timestamp::from_micros(7_500_000)));
        let groups: Vec<_> = both.groups.iter().map(|g| (g.objects, g.oldest.as_secs())).collect();
        assert_eq!(groups, [(5, 4), (1, 50)]);
    }
}

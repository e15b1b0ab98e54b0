//! What S3 answers of a bucket's settings: just the parts that a definition has.

use super::{LifecycleRule, Transition};
use crate::template::Text;
use serde::{Deserialize, de::IgnoredAny};
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct Encryption {
    #[serde(rename = "Rule", default)]
    pub(super) rule: Vec<EncryptionRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EncryptionRule {
    #[serde(rename = "ApplyServerSideEncryptionByDefault")]
    pub(super) by_default: Option<ByDefault>,
    #[serde(default)]
    pub(super) bucket_key_enabled: bool,
}

#[derive(Deserialize)]
pub(super) struct ByDefault {
    #[serde(rename = "SSEAlgorithm")]
    pub(super) sse_algorithm: String,
    #[serde(rename = "KMSMasterKeyID")]
    pub(super) kms_master_key_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Versioning {
    pub(super) status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PublicAccessBlock {
    #[serde(default)]
    pub(super) block_public_acls: bool,
    #[serde(default)]
    pub(super) block_public_policy: bool,
    #[serde(default)]
    pub(super) ignore_public_acls: bool,
    #[serde(default)]
    pub(super) restrict_public_buckets: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Ownership {
    #[serde(default)]
    pub(super) rule: Vec<OwnershipRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OwnershipRule {
    pub(super) object_ownership: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Logging {
    pub(super) logging_enabled: Option<LoggingEnabled>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LoggingEnabled {
    pub(super) target_bucket: String,
    #[serde(default)]
    pub(super) target_prefix: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tagging {
    pub(super) tag_set: TagSet,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagSet {
    #[serde(default)]
    pub(super) tag: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

impl Tagging {
    pub(super) fn pairs(self) -> BTreeMap<String, String> {
        self.tag_set.tag.into_iter().map(|tag| (tag.key, tag.value)).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Lifecycle {
    #[serde(default)]
    pub(super) rule: Vec<RuleXml>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RuleXml {
    #[serde(rename = "ID")]
    pub(super) id: Option<String>,
    pub(super) status: String,
    pub(super) prefix: Option<String>,
    pub(super) filter: Option<FilterXml>,
    pub(super) expiration: Option<ExpirationXml>,
    pub(super) noncurrent_version_expiration: Option<NoncurrentXml>,
    pub(super) abort_incomplete_multipart_upload: Option<AbortXml>,
    #[serde(default)]
    pub(super) transition: Vec<TransitionXml>,
    #[serde(default)]
    pub(super) noncurrent_version_transition: Vec<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FilterXml {
    pub(super) prefix: Option<String>,
    pub(super) tag: Option<IgnoredAny>,
    pub(super) and: Option<IgnoredAny>,
    pub(super) object_size_greater_than: Option<IgnoredAny>,
    pub(super) object_size_less_than: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ExpirationXml {
    pub(super) days: Option<u32>,
    pub(super) date: Option<IgnoredAny>,
    pub(super) expired_object_delete_marker: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NoncurrentXml {
    pub(super) noncurrent_days: Option<u32>,
    pub(super) newer_noncurrent_versions: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AbortXml {
    pub(super) days_after_initiation: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TransitionXml {
    pub(super) days: Option<u32>,
    pub(super) storage_class: String,
}

impl RuleXml {
    /// The rule without its name, when all of it can be written.
    pub(super) fn known(self) -> Option<LifecycleRule> {
        let filter = self.filter.unwrap_or_default();
        let expiration = self.expiration.unwrap_or_default();
        let noncurrent = self.noncurrent_version_expiration.unwrap_or_default();
        let is_odd = [
            filter.tag.is_some(),
            filter.and.is_some(),
            filter.object_size_greater_than.is_some(),
            filter.object_size_less_than.is_some(),
            expiration.date.is_some(),
            expiration.expired_object_delete_marker == Some(true),
            noncurrent.newer_noncurrent_versions.is_some(),
            !self.noncurrent_version_transition.is_empty(),
        ];
        if is_odd.contains(&true) {
            return None;
        }
        let in_days = |transition: TransitionXml| {
            Some(Transition {
                days: transition.days?,
                storage_class: transition.storage_class,
            })
        };
        let transitions: Option<Vec<Transition>> = self.transition.into_iter().map(in_days).collect();
        Some(LifecycleRule {
            id: Text::default(),
            prefix: filter.prefix.or(self.prefix).unwrap_or_default(),
            disabled: self.status == "Disabled",
            expire_days: expiration.days,
            noncurrent_expire_days: noncurrent.noncurrent_days,
            abort_upload_days: self
                .abort_incomplete_multipart_upload
                .and_then(|found| found.days_after_initiation),
            transitions: transitions?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifecycle_rules_are_read_or_left_out_whole() {
        let read = |rule: &str| {
            let text =
                format!("<LifecycleConfiguration><Rule><Status>Enabled</Status>{rule}</Rule></LifecycleConfiguration>");
            let found: Lifecycle = wire::xml::parse(text.as_bytes()).unwrap();
            found.rule.into_iter().next().unwrap().known()
        };
        let rule = read(
            "<Filter><Prefix>x/</Prefix></Filter><Expiration><Days>7</Days></Expiration><Transition><Days>3</Days>\
             <StorageClass>GLACIER</StorageClass></Transition>",
        )
        .unwrap();
        assert_eq!(
            (rule.prefix.as_str(), rule.expire_days, rule.transitions.len()),
            ("x/", Some(7), 1)
        );
        let days = "<Expiration><Days>7</Days></Expiration>";
        for odd in [
            "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>",
            "<Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>",
            "<NoncurrentVersionExpiration><NewerNoncurrentVersions>3</NewerNoncurrentVersions></NoncurrentVersionExpiration>",
            "<NoncurrentVersionTransition><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionTransition>",
        ] {
            let rule = if odd.contains("Date") {
                odd.to_owned()
            } else {
                format!("{odd}{days}")
            };
            assert!(read(&rule).is_none(), "{odd}");
        }
    }
}

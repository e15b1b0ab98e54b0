//! What S3 answers of a bucket's settings.

use crate::survey;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct Encryption {
    #[serde(rename = "Rule", default)]
    rule: Vec<EncryptionRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptionRule {
    #[serde(rename = "ApplyServerSideEncryptionByDefault")]
    by_default: Option<ByDefault>,
    #[serde(default)]
    bucket_key_enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ByDefault {
    #[serde(rename = "SSEAlgorithm")]
    sse_algorithm: String,
    #[serde(rename = "KMSMasterKeyID")]
    kms_master_key_id: Option<String>,
}

impl Encryption {
    pub(super) fn known(self) -> Option<survey::Encryption> {
        let rule = self.rule.into_iter().find(|rule| rule.by_default.is_some())?;
        let by_default = rule.by_default?;
        Some(survey::Encryption {
            algorithm: by_default.sse_algorithm,
            key: by_default.kms_master_key_id.filter(|key| !key.is_empty()),
            bucket_key: rule.bucket_key_enabled,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Versioning {
    status: Option<String>,
    mfa_delete: Option<String>,
}

impl Versioning {
    pub(super) fn known(self) -> survey::Versioning {
        survey::Versioning {
            status: self.status.filter(|status| !status.is_empty()),
            mfa_delete: self.mfa_delete.as_deref() == Some("Enabled"),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PublicAccessBlock {
    #[serde(default)]
    block_public_acls: bool,
    #[serde(default)]
    block_public_policy: bool,
    #[serde(default)]
    ignore_public_acls: bool,
    #[serde(default)]
    restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    pub(super) fn known(self) -> survey::PublicAccessBlock {
        survey::PublicAccessBlock {
            block_public_acls: self.block_public_acls,
            ignore_public_acls: self.ignore_public_acls,
            block_public_policy: self.block_public_policy,
            restrict_public_buckets: self.restrict_public_buckets,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Ownership {
    #[serde(default)]
    rule: Vec<OwnershipRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OwnershipRule {
    object_ownership: String,
}

impl Ownership {
    pub(super) fn known(self) -> Option<String> {
        self.rule.into_iter().next().map(|rule| rule.object_ownership)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Logging {
    logging_enabled: Option<LoggingEnabled>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoggingEnabled {
    target_bucket: String,
    #[serde(default)]
    target_prefix: String,
}

impl Logging {
    pub(super) fn known(self) -> Option<survey::Logging> {
        self.logging_enabled.map(|found| survey::Logging {
            bucket: found.target_bucket,
            prefix: found.target_prefix,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tagging {
    #[serde(default)]
    tag_set: Tags,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tags {
    #[serde(default)]
    tag: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

fn pairs(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

impl Tagging {
    pub(super) fn known(self) -> BTreeMap<String, String> {
        pairs(self.tag_set.tag)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyStatus {
    #[serde(default)]
    pub(super) is_public: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccessControl {
    owner: Party,
    #[serde(default)]
    access_control_list: Grants,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Grants {
    #[serde(default)]
    grant: Vec<GrantXml>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GrantXml {
    #[serde(default)]
    grantee: Party,
    permission: String,
}

#[derive(Default, Deserialize)]
struct Party {
    #[serde(rename = "ID")]
    id: Option<String>,
    #[serde(rename = "URI")]
    uri: Option<String>,
    #[serde(rename = "EmailAddress")]
    email: Option<String>,
}

impl Party {
    fn name(self) -> String {
        self.id.or(self.uri).or(self.email).unwrap_or_default()
    }
}

impl AccessControl {
    pub(super) fn known(self) -> survey::Acl {
        let grants = self.access_control_list.grant.into_iter();
        survey::Acl {
            owner: self.owner.name(),
            grants: grants
                .map(|grant| survey::Grant {
                    grantee: grant.grantee.name(),
                    permission: grant.permission,
                })
                .collect(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ObjectLock {
    object_lock_enabled: Option<String>,
    rule: Option<LockRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LockRule {
    default_retention: Option<Retention>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retention {
    mode: Option<String>,
    days: Option<u32>,
    years: Option<u32>,
}

impl ObjectLock {
    pub(super) fn known(self) -> Option<survey::ObjectLock> {
        self.object_lock_enabled.filter(|state| state == "Enabled")?;
        let retention = self.rule.and_then(|rule| rule.default_retention);
        Some(
            retention.map_or_else(survey::ObjectLock::default, |found| survey::ObjectLock {
                mode: found.mode,
                days: found.days,
                years: found.years,
            }),
        )
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Lifecycle {
    #[serde(default)]
    rule: Vec<RuleXml>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RuleXml {
    #[serde(rename = "ID")]
    id: Option<String>,
    status: String,
    prefix: Option<String>,
    filter: Option<FilterXml>,
    expiration: Option<ExpirationXml>,
    noncurrent_version_expiration: Option<NoncurrentXml>,
    abort_incomplete_multipart_upload: Option<AbortXml>,
    #[serde(default)]
    transition: Vec<TransitionXml>,
    #[serde(default)]
    noncurrent_version_transition: Vec<NoncurrentTransitionXml>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterXml {
    prefix: Option<String>,
    tag: Option<Tag>,
    and: Option<AndXml>,
    object_size_greater_than: Option<u64>,
    object_size_less_than: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AndXml {
    prefix: Option<String>,
    #[serde(default)]
    tag: Vec<Tag>,
    object_size_greater_than: Option<u64>,
    object_size_less_than: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ExpirationXml {
    days: Option<u32>,
    date: Option<String>,
    expired_object_delete_marker: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NoncurrentXml {
    noncurrent_days: Option<u32>,
    newer_noncurrent_versions: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AbortXml {
    days_after_initiation: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransitionXml {
    days: Option<u32>,
    date: Option<String>,
    storage_class: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NoncurrentTransitionXml {
    noncurrent_days: Option<u32>,
    newer_noncurrent_versions: Option<u32>,
    storage_class: String,
}

impl FilterXml {
    fn known(self, old_prefix: Option<String>) -> survey::LifecycleFilter {
        let and = self.and.unwrap_or_default();
        let tags = self.tag.into_iter().chain(and.tag).collect();
        survey::LifecycleFilter {
            prefix: self.prefix.or(and.prefix).or(old_prefix).unwrap_or_default(),
            tags: pairs(tags),
            larger_than: self.object_size_greater_than.or(and.object_size_greater_than),
            smaller_than: self.object_size_less_than.or(and.object_size_less_than),
        }
    }
}

impl RuleXml {
    fn known(self) -> survey::LifecycleRule {
        let expiration = self.expiration.unwrap_or_default();
        let noncurrent = self.noncurrent_version_expiration.unwrap_or_default();
        let abort = self.abort_incomplete_multipart_upload.unwrap_or_default();
        let transitions = self.transition.into_iter().map(|found| survey::Transition {
            days: found.days,
            date: found.date,
            newer_versions: None,
            storage_class: found.storage_class,
        });
        let noncurrent_transitions = self.noncurrent_version_transition.into_iter();
        survey::LifecycleRule {
            id: self.id.unwrap_or_default(),
            enabled: self.status == "Enabled",
            filter: self.filter.unwrap_or_default().known(self.prefix),
            expire_days: expiration.days,
            expire_date: expiration.date,
            expire_delete_markers: expiration.expired_object_delete_marker == Some(true),
            noncurrent_expire_days: noncurrent.noncurrent_days,
            noncurrent_versions_kept: noncurrent.newer_noncurrent_versions,
            abort_upload_days: abort.days_after_initiation,
            transitions: transitions.collect(),
            noncurrent_transitions: noncurrent_transitions
                .map(|found| survey::Transition {
                    days: found.noncurrent_days,
                    date: None,
                    newer_versions: found.newer_noncurrent_versions,
                    storage_class: found.storage_class,
                })
                .collect(),
        }
    }
}

impl Lifecycle {
    pub(super) fn known(self) -> Vec<survey::LifecycleRule> {
        self.rule.into_iter().map(RuleXml::known).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
        wire::xml::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn lifecycle_rules_are_read_whole() {
        let found: Lifecycle = read(
            "<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Filter><And><Prefix>x/</Prefix>\
             <Tag><Key>k</Key><Value>v</Value></Tag><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></Filter>\
             <Expiration><Days>7</Days></Expiration><Transition><Days>3</Days><StorageClass>GLACIER</StorageClass>\
             </Transition><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>\
             </Rule><Rule><Status>Disabled</Status><Prefix>old/</Prefix><Expiration><Date>2030-01-01T00:00:00Z</Date>\
             </Expiration></Rule></LifecycleConfiguration>",
        );
        let rules = found.known();
        let [first, second] = rules.as_slice() else {
            unreachable!("{rules:?}")
        };
        assert_eq!(
            (
                first.filter.prefix.as_str(),
                first.expire_days,
                first.noncurrent_expire_days
            ),
            ("x/", Some(7), Some(1))
        );
        assert_eq!(
            (first.filter.tags["k"].as_str(), first.filter.larger_than),
            ("v", Some(5))
        );
        assert_eq!(first.transitions[0].storage_class, "GLACIER");
        assert_eq!((second.enabled, second.filter.prefix.as_str()), (false, "old/"));
        assert_eq!(second.expire_date.as_deref(), Some("2030-01-01T00:00:00Z"));
    }

    #[test]
    fn public_grants_are_known() {
        let found: AccessControl = read(
            "<AccessControlPolicy xmlns=\"x\"><Owner><ID>o</ID></Owner><AccessControlList><Grant>\
             <Grantee xmlns:xsi=\"y\" xsi:type=\"Group\"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>\
             <Permission>READ</Permission></Grant><Grant><Grantee xsi:type=\"CanonicalUser\"><ID>o</ID></Grantee>\
             <Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>",
        );
        let acl = found.known();
        assert_eq!(acl.owner, "o");
        let public: Vec<bool> = acl.grants.iter().map(survey::Grant::is_public).collect();
        assert_eq!(public, [true, false]);
    }

    #[test]
    fn a_lock_without_a_rule_is_a_lock() {
        let check = |text: &str, expected: Option<Option<&str>>| {
            let found: ObjectLock = read(text);
            let mode = found.known().map(|lock| lock.mode);
            assert_eq!(mode.as_ref().map(Option::as_deref), expected);
        };
        check(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
            Some(None),
        );
        check("<ObjectLockConfiguration/>", None);
        check(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
             <Mode>COMPLIANCE</Mode><Days>3</Days></DefaultRetention></Rule></ObjectLockConfiguration>",
            Some(Some("COMPLIANCE")),
        );
    }
}

//! Changes that are thought of, and what a survey would be after them.

use crate::{
    policy_desk::Holder,
    survey::{Encryption, Fact, LifecycleRule, Principals, Survey},
};
use serde_json::Value;

/// Changes that are made together, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proposed {
    /// The changes.
    pub changes: Vec<Proposal>,
}

/// One change. Keys, buckets and trails are named as in the survey: keys and trails by their ARNs.
#[derive(Clone, Debug, PartialEq)]
pub enum Proposal {
    /// PutKeyPolicy.
    KeyPolicy {
        /// The key's ARN.
        key: String,
        /// The document.
        document: Value,
    },
    /// PutBucketPolicy; without a document DeleteBucketPolicy.
    BucketPolicy {
        /// The bucket.
        bucket: String,
        /// The document.
        document: Option<Value>,
    },
    /// DisableKey, EnableKey, ScheduleKeyDeletion, or the deletion itself.
    KeyState {
        /// The key's ARN.
        key: String,
        /// The state that it would have.
        state: KeyState,
    },
    /// PutBucketEncryption; without a rule DeleteBucketEncryption.
    BucketEncryption {
        /// The bucket.
        bucket: String,
        /// The rule.
        encryption: Option<Encryption>,
    },
    /// PutBucketLifecycleConfiguration.
    Lifecycle {
        /// The bucket.
        bucket: String,
        /// The rules.
        rules: Vec<LifecycleRule>,
    },
    /// PutUserPolicy, PutRolePolicy or PutGroupPolicy; without a document the deletion of that policy.
    InlinePolicy {
        /// Who has it.
        holder: Holder,
        /// The name of who has it.
        of: String,
        /// The policy's name.
        name: String,
        /// The document.
        document: Option<Value>,
    },
    /// CreatePolicyVersion, as the one that counts.
    ManagedPolicy {
        /// The policy's ARN.
        arn: String,
        /// The document.
        document: Value,
    },
    /// UpdateAssumeRolePolicy.
    TrustPolicy {
        /// The role's name.
        role: String,
        /// The document.
        document: Value,
    },
    /// UpdateTrail.
    Trail {
        /// The trail's ARN.
        trail: String,
        /// What would be set.
        settings: TrailSettings,
    },
}

/// The state of a key after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It can be used.
    Enabled,
    /// It cannot be used until it is enabled.
    Disabled,
    /// It cannot be used, and will be deleted.
    PendingDeletion,
    /// It is not there any more, and never will be again.
    Deleted,
}

impl KeyState {
    /// As KMS names it; of a deleted key nothing.
    fn name(self) -> Option<&'static str> {
        match self {
            KeyState::Enabled => Some("Enabled"),
            KeyState::Disabled => Some("Disabled"),
            KeyState::PendingDeletion => Some("PendingDeletion"),
            KeyState::Deleted => None,
        }
    }
}

/// What UpdateTrail would set; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailSettings {
    /// The key's ARN; `Some(None)` takes it away.
    pub kms_key: Option<Option<String>>,
    /// The bucket.
    pub bucket: Option<String>,
    /// The prefix; empty for none.
    pub prefix: Option<String>,
    /// Whether files are digested and signed.
    pub validation: Option<bool>,
    /// Whether the events of all Regions are recorded.
    pub multi_region: Option<bool>,
    /// Whether the events of services without a Region are recorded.
    pub global_events: Option<bool>,
    /// The topic's ARN; `Some(None)` takes it away.
    pub topic: Option<Option<String>>,
}

impl Proposed {
    /// One change.
    pub fn one(change: Proposal) -> Proposed {
        Proposed { changes: vec![change] }
    }

    /// The same and one change more.
    pub fn and(mut self, change: Proposal) -> Proposed {
        self.changes.push(change);
        self
    }

    /// The survey as it would be. A change of what the survey does not have changes nothing.
    pub fn applied_to(&self, survey: &Survey) -> Survey {
        let mut survey = survey.clone();
        for change in &self.changes {
            change.apply(&mut survey);
        }
        survey
    }
}

impl Proposal {
    fn apply(&self, survey: &mut Survey) {
        match self {
            Proposal::KeyPolicy { key, document } => {
                if let Some(key) = survey.keys.get_mut(key) {
                    key.policy = Fact::Known(document.clone());
                }
            }
            Proposal::BucketPolicy { bucket, document } => {
                if let Some(bucket) = survey.buckets.get_mut(bucket) {
                    bucket.policy_is_public = Fact::Known(document.as_ref().map(policy::is_public));
                    bucket.policy_text = document.as_ref().map_or_else(String::new, Value::to_string);
                    bucket.policy = Fact::Known(document.clone());
                }
            }
            Proposal::KeyState { key, state } => match (survey.keys.get_mut(key), state.name()) {
                (Some(key), Some(state)) => {
                    if let Fact::Known(metadata) = &mut key.metadata {
                        metadata.state = state.to_owned();
                    }
                }
                (Some(key), None) => {
                    let gone = crate::survey::Missing {
                        call: "kms:DescribeKey".to_owned(),
                        region: key.region.clone(),
                        code: "NotFoundException".to_owned(),
                        message: String::new(),
                    };
                    key.metadata = Fact::NotAvailable(gone);
                }
                (None, _) => {}
            },
            Proposal::BucketEncryption { bucket, encryption } => {
                if let Some(bucket) = survey.buckets.get_mut(bucket) {
                    bucket.encryption = Fact::Known(encryption.clone());
                }
            }
            Proposal::Lifecycle { bucket, rules } => {
                if let Some(bucket) = survey.buckets.get_mut(bucket) {
                    bucket.lifecycle = Fact::Known(rules.clone());
                }
            }
            Proposal::InlinePolicy { .. } | Proposal::ManagedPolicy { .. } | Proposal::TrustPolicy { .. } => {
                if let Fact::Known(principals) = &mut survey.principals {
                    self.apply_to_principals(principals);
                }
            }
            Proposal::Trail { trail, settings } => {
                if let Some(trail) = survey.trails.iter_mut().find(|one| one.arn == *trail) {
                    settings.apply(trail);
                }
            }
        }
    }
}

impl Proposal {
    fn apply_to_principals(&self, principals: &mut Principals) {
        match self {
            Proposal::InlinePolicy {
                holder,
                of,
                name,
                document,
            } => {
                let inline = match holder {
                    Holder::User => principals
                        .users
                        .iter_mut()
                        .find(|one| one.name == *of)
                        .map(|one| &mut one.inline),
                    Holder::Role => principals
                        .roles
                        .iter_mut()
                        .find(|one| one.name == *of)
                        .map(|one| &mut one.inline),
                    Holder::Group => principals
                        .groups
                        .iter_mut()
                        .find(|one| one.name == *of)
                        .map(|one| &mut one.inline),
                };
                let Some(Fact::Known(inline)) = inline else { return };
                match document {
                    Some(document) => drop(inline.insert(name.clone(), document.clone())),
                    None => drop(inline.remove(name)),
                }
            }
            Proposal::ManagedPolicy { arn, document } => {
                if let Some(Fact::Known(policy)) = principals.policies.get_mut(arn) {
                    policy.document = document.clone();
                }
            }
            Proposal::TrustPolicy { role, document } => {
                if let Some(role) = principals.roles.iter_mut().find(|one| one.name == *role) {
                    role.trust = document.clone();
                }
            }
            _ => {}
        }
    }
}

impl TrailSettings {
    fn apply(&self, trail: &mut crate::survey::Trail) {
        fn set<T: Clone>(place: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                place.clone_from(value);
            }
        }
        set(&mut trail.kms_key, self.kms_key.as_ref());
        set(&mut trail.bucket, self.bucket.as_ref());
        set(&mut trail.prefix, self.prefix.as_ref());
        set(&mut trail.validation, self.validation.as_ref());
        set(&mut trail.multi_region, self.multi_region.as_ref());
        set(&mut trail.global_events, self.global_events.as_ref());
        set(&mut trail.topic, self.topic.as_ref());
    }
}

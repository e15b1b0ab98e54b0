//! Whose policy is written: where it is in a survey, what the change is, and the call that makes it.

use crate::{
    change::{Call, Shown, Step},
    message,
    message::Message,
    rights::Proposal,
    survey::{Fact, Missing, Principals, Survey},
};
use policy::PolicyKind;
use serde_json::{Value, json};

/// Who has an inline policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A user.
    User,
    /// A role.
    Role,
    /// A group.
    Group,
}

impl Holder {
    /// As IAM's calls name it: `User`.
    pub fn name(self) -> &'static str {
        match self {
            Holder::User => "User",
            Holder::Role => "Role",
            Holder::Group => "Group",
        }
    }
}

/// A policy that can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Of a key, by its ARN.
    Key {
        /// The ARN.
        arn: String,
    },
    /// Of a bucket.
    Bucket {
        /// Its name.
        name: String,
    },
    /// Who may take a role.
    Trust {
        /// The role's name.
        role: String,
    },
    /// A policy that a user, role or group has for itself.
    Inline {
        /// What it is.
        holder: Holder,
        /// Its name.
        of: String,
        /// The policy's name.
        name: String,
    },
    /// A managed policy of the account, by its ARN.
    Managed {
        /// The ARN.
        arn: String,
    },
}

/// Why a policy cannot be put by this desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// What it is of is not there, or was not read.
    Absent(Message),
    /// It could not be read.
    Unread(Missing),
}

impl Target {
    /// The kind of policy.
    pub fn kind(&self) -> PolicyKind {
        match self {
            Target::Key { .. } => PolicyKind::KeyPolicy,
            Target::Bucket { .. } => PolicyKind::BucketPolicy,
            Target::Trust { .. } => PolicyKind::Trust,
            Target::Inline { .. } | Target::Managed { .. } => PolicyKind::Identity,
        }
    }

    /// What people call it.
    pub fn said(&self) -> Message {
        match self {
            Target::Key { arn } => message!("The policy of the key {arn}", "キー {arn} のポリシー"),
            Target::Bucket { name } => message!("The policy of the bucket {name}", "バケット {name} のポリシー"),
            Target::Trust { role } => message!("The trust policy of the role {role}", "ロール {role} の信頼ポリシー"),
            Target::Inline { holder, of, name } => {
                let (english, japanese) = match holder {
                    Holder::User => ("user", "ユーザー"),
                    Holder::Role => ("role", "ロール"),
                    Holder::Group => ("group", "グループ"),
                };
                message!(
                    "The inline policy {name} of the {english} {of}",
                    "{japanese} {of} のインラインポリシー {name}"
                )
            }
            Target::Managed { arn } => message!("The managed policy {arn}", "管理ポリシー {arn}"),
        }
    }

    /// Whether an ARN, which may have wildcards, is of the key itself; of other kinds, of anything.
    pub(super) fn is_about(&self, resource: &str) -> bool {
        match self {
            Target::Key { arn } => super::action::matches(resource, arn),
            _ => true,
        }
    }

    /// The policy as it is; nothing when there is none yet.
    ///
    /// # Errors
    /// When what it is of is not in the survey, or the policy could not be read.
    pub fn current(&self, survey: &Survey) -> Result<Option<Value>, Refused> {
        let absent = || Refused::Absent(self.absent());
        let principals = || principals(survey);
        match self {
            Target::Key { arn } => {
                let key = survey.keys.get(arn).ok_or_else(absent)?;
                read(&key.policy).map(|policy| Some(policy.clone()))
            }
            Target::Bucket { name } => {
                let bucket = survey.buckets.get(name).ok_or_else(absent)?;
                if bucket.exists == Fact::Known(false) {
                    return Err(absent());
                }
                read(&bucket.policy).cloned()
            }
            Target::Trust { role } => {
                let found = principals()?.roles.iter().find(|one| one.name == *role);
                Ok(Some(found.ok_or_else(absent)?.trust.clone()))
            }
            Target::Inline { holder, of, name } => {
                let all = principals()?;
                let inline = match holder {
                    Holder::User => all.users.iter().find(|one| one.name == *of).map(|one| &one.inline),
                    Holder::Role => all.roles.iter().find(|one| one.name == *of).map(|one| &one.inline),
                    Holder::Group => all.groups.iter().find(|one| one.name == *of).map(|one| &one.inline),
                };
                Ok(read(inline.ok_or_else(absent)?)?.get(name).cloned())
            }
            Target::Managed { arn } => {
                let found = principals()?.policies.get(arn).ok_or_else(absent)?;
                read(found).map(|policy| Some(policy.document.clone()))
            }
        }
    }

    fn absent(&self) -> Message {
        let (english, japanese) = (
            self.said().to_string(),
            self.said().in_language(crate::message::Language::Japanese).to_owned(),
        );
        message!(
            "{english}: there is nothing of this name, or it is of another account.",
            "{japanese}: この名前のものは存在しないか、他のアカウントのものです。"
        )
    }

    /// The change to this policy; nothing for a document where there must be one, and there is none.
    pub fn proposal(&self, document: Option<Value>) -> Option<Proposal> {
        Some(match self {
            Target::Key { arn } => Proposal::KeyPolicy {
                key: arn.clone(),
                document: document?,
            },
            Target::Bucket { name } => Proposal::BucketPolicy {
                bucket: name.clone(),
                document,
            },
            Target::Trust { role } => Proposal::TrustPolicy {
                role: role.clone(),
                document: document?,
            },
            Target::Inline { holder, of, name } => Proposal::InlinePolicy {
                holder: *holder,
                of: of.clone(),
                name: name.clone(),
                document,
            },
            Target::Managed { arn } => Proposal::ManagedPolicy {
                arn: arn.clone(),
                document: document?,
            },
        })
    }

    /// The call that puts a text in place of the policy that the survey has, and what takes it back. `version` is the one of a
    /// managed policy that counts now.
    ///
    /// # Errors
    /// As [`Target::current`].
    pub fn step(&self, text: &str, survey: &Survey, region: &str, version: Option<&str>) -> Result<Step, Refused> {
        let before = self.current(survey)?;
        let shown = |document: &Value| crate::text::policy(&document.to_string());
        let written = before.as_ref().map(crate::text::policy_order);
        let mut answers = Vec::new();
        let (call, undo) = match self {
            Target::Key { arn } => {
                let region = survey.keys.get(arn).map_or(region, |key| key.region.as_str());
                let put = |policy: &str| {
                    let input = json!({ "KeyId": arn, "PolicyName": "default", "Policy": policy });
                    Call::new("kms", "PutKeyPolicy", region, input)
                };
                (put(text), written.iter().map(|before| put(before)).collect())
            }
            Target::Bucket { name } => bucket(name, text, survey, region),
            Target::Trust { role } => {
                let put = |policy: &str| {
                    let input = json!({ "RoleName": role, "PolicyDocument": policy });
                    Call::new("iam", "UpdateAssumeRolePolicy", region, input)
                };
                (put(text), written.iter().map(|before| put(before)).collect())
            }
            Target::Inline { holder, of, name } => {
                let member = format!("{}Name", holder.name());
                let put = |policy: &str| {
                    let input = json!({ &member: of, "PolicyName": name, "PolicyDocument": policy });
                    Call::new("iam", &format!("Put{}Policy", holder.name()), region, input)
                };
                let undo = match &written {
                    Some(before) => put(before),
                    None => {
                        let input = json!({ &member: of, "PolicyName": name });
                        Call::new("iam", &format!("Delete{}Policy", holder.name()), region, input)
                    }
                };
                (put(text), vec![undo])
            }
            Target::Managed { arn } => {
                answers.push(("version".to_owned(), "VersionId".to_owned()));
                managed(arn, text, region, version)
            }
        };
        let what = self.said();
        let (english, japanese) = (
            what.to_string(),
            what.in_language(crate::message::Language::Japanese).to_owned(),
        );
        Ok(Step {
            title: message!(
                "{english} becomes what is written here.",
                "{japanese}を、ここに書いた内容に変更します。"
            ),
            call,
            shown: Some(Shown {
                what,
                before: before.as_ref().map(shown).unwrap_or_default(),
                after: crate::text::policy(text),
            }),
            undo,
            answers,
        })
    }
}

fn bucket(name: &str, text: &str, survey: &Survey, region: &str) -> (Call, Vec<Call>) {
    let known = survey.buckets.get(name);
    let region = known
        .and_then(|bucket| bucket.region.known().cloned())
        .unwrap_or_else(|| region.to_owned());
    let put = |policy: &str| {
        let input = json!({ "Bucket": name, "Policy": policy });
        Call::new("s3", "PutBucketPolicy", &region, input)
    };
    let undo = match known.map(|bucket| bucket.policy_text.as_str()).unwrap_or_default() {
        "" => Call::new("s3", "DeleteBucketPolicy", &region, json!({ "Bucket": name })),
        before => put(before),
    };
    (put(text), vec![undo])
}

fn managed(arn: &str, text: &str, region: &str, version: Option<&str>) -> (Call, Vec<Call>) {
    let input = json!({ "PolicyArn": arn, "PolicyDocument": text, "SetAsDefault": true });
    let call = Call::new("iam", "CreatePolicyVersion", region, input);
    let named = |operation: &str, version: &str| {
        let input = json!({ "PolicyArn": arn, "VersionId": version });
        Call::new("iam", operation, region, input)
    };
    let undo = match version {
        Some(version) => vec![
            named("SetDefaultPolicyVersion", version),
            named("DeletePolicyVersion", "{{version}}"),
        ],
        None => Vec::new(),
    };
    (call, undo)
}

fn principals(survey: &Survey) -> Result<&Principals, Refused> {
    match &survey.principals {
        Fact::Known(principals) => Ok(principals),
        Fact::NotAvailable(missing) => Err(Refused::Unread(missing.clone())),
    }
}

fn read<T>(fact: &Fact<T>) -> Result<&T, Refused> {
    match fact {
        Fact::Known(value) => Ok(value),
        Fact::NotAvailable(missing) => Err(Refused::Unread(missing.clone())),
    }
}

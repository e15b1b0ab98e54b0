//! The plan as a whole.

use super::{
    CostChange, Lockout, ReaderChange, Refusal, TrailOutcome, Unreadable, lockout, price, readers, refusal, trails,
};
use crate::{
    message,
    message::Message,
    policy_desk::Holder,
    rights::{Allowed, KeyState, Proposal, Proposed, TrailSettings, Verdict, World},
    survey::{LifecycleRule, Survey, Trail},
};
use policy::Context;
use serde::Serialize;

/// What would come of changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The account.
    pub account: String,
    /// The changes, in their order.
    pub changes: Vec<Change>,
    /// The trails of the account.
    pub trails: Vec<TrailOutcome>,
    /// Whose reading of log files would change.
    pub readers: Vec<ReaderChange>,
    /// How many principals would read, or not read, as before.
    pub readers_unchanged: usize,
    /// Policies that could not be changed again.
    pub lockouts: Vec<Lockout>,
    /// Rules that would end log files, or move them where they cannot be read at once.
    pub lifecycle: Vec<Effect>,
    /// Objects that nobody could open, by key. Empty when they were not counted.
    pub objects: Vec<Unreadable>,
    /// What it would cost.
    pub cost: CostChange,
    /// What limits all this.
    pub remarks: Vec<Message>,
    /// Whether something would break.
    pub breaks: bool,
}

/// A change, and whether it would be made at all.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The call: `kms:PutKeyPolicy`.
    pub call: String,
    /// What it changes.
    pub resource: String,
    /// What it is, for people.
    pub what: Message,
    /// Whether the one who asked may make it.
    pub allowed: Verdict,
    /// The error that the service would answer whoever asks; absent when it would make the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

/// A rule of a lifecycle that is about a trail's log files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// The trail's name.
    pub trail: String,
    /// The bucket.
    pub bucket: String,
    /// The rule.
    pub rule: String,
    /// Days after which files end; absent when they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_days: Option<u32>,
    /// The rule in words.
    pub what: Message,
}

/// Plans changes of what a survey found. Objects are not counted; [`super::count`] does.
pub fn make(survey: &Survey, proposed: &Proposed) -> Plan {
    let before = World::of(survey);
    let after = before.with(proposed);
    let trails = trails::outcomes(&before, &after);
    let (readers, readers_unchanged) = readers::changes(&before, &after);
    let mut plan = Plan {
        account: survey.account.clone(),
        changes: changes(&before, &after, proposed, &trails),
        lockouts: lockout::of(&before, &after, &proposed.changes),
        lifecycle: lifecycle(survey, after.survey()),
        objects: Vec::new(),
        cost: price::of(survey, after.survey()),
        remarks: before.remarks(),
        breaks: false,
        trails,
        readers,
        readers_unchanged,
    };
    plan.judge();
    plan
}

impl Plan {
    /// The plan with the objects that were counted.
    pub fn with_objects(mut self, objects: Vec<Unreadable>) -> Plan {
        self.objects = objects;
        self.judge();
        self
    }

    fn judge(&mut self) {
        let refused = |change: &Change| change.refused.as_ref().is_some_and(|refusal| refusal.certain);
        self.breaks = self.changes.iter().any(refused)
            || self.trails.iter().any(TrailOutcome::breaks)
            || self.readers.iter().any(ReaderChange::loses)
            || self.objects.iter().any(|objects| objects.total() > 0)
            || !self.lockouts.is_empty()
            || !self.lifecycle.is_empty();
    }
}

fn changes(before: &World, after: &World, proposed: &Proposed, trails: &[TrailOutcome]) -> Vec<Change> {
    let one = |change: &Proposal| {
        let (call, resource, what) = said(change);
        let refused = match change {
            Proposal::Trail { trail, .. } => {
                let outcome = trails.iter().find(|outcome| outcome.arn == *trail);
                outcome.and_then(|outcome| outcome.update_trail.clone())
            }
            _ => refusal::of_change(before, after, change),
        };
        Change {
            allowed: before.may(&before.survey().caller, action(&call), &resource, &Context::new()),
            call,
            resource,
            what,
            refused,
        }
    };
    proposed.changes.iter().map(one).collect()
}

/// The IAM action of a call, which S3 names otherwise.
fn action(call: &str) -> &str {
    match call {
        "s3:PutBucketEncryption" | "s3:DeleteBucketEncryption" => "s3:PutEncryptionConfiguration",
        "s3:PutBucketLifecycleConfiguration" => "s3:PutLifecycleConfiguration",
        call => call,
    }
}

/// Call, resource and words of a change.
fn said(change: &Proposal) -> (String, String, Message) {
    let bucket_arn = |bucket: &str| base::arn::bucket(bucket).to_string();
    let (call, resource, what) = match change {
        Proposal::KeyPolicy { key, .. } => (
            "kms:PutKeyPolicy",
            key.clone(),
            message!("another policy for the key {key}", "キー {key} のポリシー変更"),
        ),
        Proposal::BucketPolicy { bucket, document } => (
            match document {
                Some(_) => "s3:PutBucketPolicy",
                None => "s3:DeleteBucketPolicy",
            },
            bucket_arn(bucket),
            match document {
                Some(_) => message!(
                    "another policy for the bucket {bucket}",
                    "バケット {bucket} のポリシー変更"
                ),
                None => message!("no policy for the bucket {bucket}", "バケット {bucket} のポリシー削除"),
            },
        ),
        Proposal::KeyState { key, state } => of_state(key, *state),
        Proposal::BucketEncryption { bucket, encryption } => (
            match encryption {
                Some(_) => "s3:PutBucketEncryption",
                None => "s3:DeleteBucketEncryption",
            },
            bucket_arn(bucket),
            {
                let how = encryption
                    .as_ref()
                    .map_or("SSE-S3", |encryption| encryption.algorithm.as_str());
                message!(
                    "default encryption of the bucket {bucket}: {how}",
                    "バケット {bucket} のデフォルト暗号化: {how}"
                )
            },
        ),
        Proposal::Lifecycle { bucket, .. } => (
            "s3:PutBucketLifecycleConfiguration",
            bucket_arn(bucket),
            message!(
                "another lifecycle for the bucket {bucket}",
                "バケット {bucket} のライフサイクル変更"
            ),
        ),
        Proposal::InlinePolicy {
            holder,
            of,
            name,
            document,
        } => return of_inline(*holder, of, name, document.is_some()),
        Proposal::ManagedPolicy { arn, .. } => (
            "iam:CreatePolicyVersion",
            arn.clone(),
            message!(
                "another version of the policy {arn}",
                "ポリシー {arn} の新しいバージョン"
            ),
        ),
        Proposal::TrustPolicy { role, .. } => (
            "iam:UpdateAssumeRolePolicy",
            role.clone(),
            message!(
                "another trust policy for the role {role}",
                "ロール {role} の信頼ポリシー変更"
            ),
        ),
        Proposal::Trail { trail, settings } => ("cloudtrail:UpdateTrail", trail.clone(), of_trail(trail, settings)),
    };
    (call.to_owned(), resource, what)
}

fn of_inline(holder: Holder, of: &str, name: &str, put: bool) -> (String, String, Message) {
    let kind = holder.name();
    let (operation, what) = match put {
        true => (
            "Put",
            message!(
                "another inline policy {name} of {of}",
                "{of} のインラインポリシー {name} の変更"
            ),
        ),
        false => (
            "Delete",
            message!(
                "no inline policy {name} of {of}",
                "{of} のインラインポリシー {name} の削除"
            ),
        ),
    };
    (format!("iam:{operation}{kind}Policy"), of.to_owned(), what)
}

fn of_state(key: &str, state: KeyState) -> (&'static str, String, Message) {
    let (call, what) = match state {
        KeyState::Enabled => (
            "kms:EnableKey",
            message!("the key {key} enabled", "キー {key} の有効化"),
        ),
        KeyState::Disabled => (
            "kms:DisableKey",
            message!("the key {key} disabled", "キー {key} の無効化"),
        ),
        KeyState::PendingDeletion => (
            "kms:ScheduleKeyDeletion",
            message!("the key {key} scheduled for deletion", "キー {key} の削除予約"),
        ),
        KeyState::Deleted => (
            "kms:ScheduleKeyDeletion",
            message!(
                "the key {key} deleted, after its waiting period for ever",
                "キー {key} の削除 (待機期間後は復元不可)"
            ),
        ),
    };
    (call, key.to_owned(), what)
}

fn of_trail(trail: &str, settings: &TrailSettings) -> Message {
    let name = trail.rsplit('/').next().unwrap_or(trail);
    let mut set = Vec::new();
    if let Some(key) = &settings.kms_key {
        set.push(format!("key={}", key.as_deref().unwrap_or("none")));
    }
    set.extend(settings.bucket.iter().map(|bucket| format!("bucket={bucket}")));
    set.extend(settings.prefix.iter().map(|prefix| format!("prefix={prefix}")));
    let flags = [
        ("validation", settings.validation),
        ("multi-region", settings.multi_region),
        ("global-events", settings.global_events),
    ];
    let on = |value: bool| if value { "on" } else { "off" };
    set.extend(
        flags
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", on(value?)))),
    );
    if let Some(topic) = &settings.topic {
        set.push(format!("topic={}", topic.as_deref().unwrap_or("none")));
    }
    let set = set.join(", ");
    message!("the trail {name} with {set}", "証跡 {name} の変更: {set}")
}

/// The rules after the change that are about log files and were not there before.
fn lifecycle(before: &Survey, after: &Survey) -> Vec<Effect> {
    let mut effects = Vec::new();
    for trail in &after.trails {
        let rules = |survey: &Survey| {
            let bucket = survey.buckets.get(&trail.bucket);
            bucket
                .and_then(|bucket| bucket.lifecycle.known().cloned())
                .unwrap_or_default()
        };
        let had = rules(before);
        let new = rules(after).into_iter().filter(|rule| !had.contains(rule));
        effects.extend(new.filter_map(|rule| effect(trail, &rule)));
    }
    effects
}

fn effect(trail: &Trail, rule: &LifecycleRule) -> Option<Effect> {
    let (prefix, folder) = (&rule.filter.prefix, trail.folder());
    let about = rule.enabled && (folder.starts_with(prefix.as_str()) || prefix.starts_with(folder.as_str()));
    // CloudTrail's files have no tags.
    if !about || !rule.filter.tags.is_empty() {
        return None;
    }
    let cold = rule
        .transitions
        .iter()
        .find(|to| ["GLACIER", "DEEP_ARCHIVE"].contains(&to.storage_class.as_str()));
    let what = match (rule.expire_days, &rule.expire_date, cold) {
        (Some(days), ..) => message!(
            "log files end after {days} days",
            "ログファイルは {days} 日で失効します"
        ),
        (None, Some(date), _) => message!("log files end on {date}", "ログファイルは {date} に失効します"),
        (None, None, Some(cold)) => {
            let class = &cold.storage_class;
            message!(
                "log files move to {class}: they cannot be read before they are restored",
                "ログファイルは {class} に移り、復元するまで読めません"
            )
        }
        (None, None, None) => return None,
    };
    Some(Effect {
        trail: trail.name.clone(),
        bucket: trail.bucket.clone(),
        rule: rule.id.clone(),
        expire_days: rule.expire_days,
        what,
    })
}

/// Whether an answer is certain, for those who print.
impl Change {
    /// Whether the one who asked could make it, as far as is known.
    pub fn may(&self) -> bool {
        self.allowed.allowed != Allowed::No
    }
}

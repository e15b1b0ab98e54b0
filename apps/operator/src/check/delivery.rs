//! Whether a trail can deliver, by the policies, and does, by what CloudTrail says of itself.

use super::{Ground, Judgement, known::Known};
use crate::{
    message,
    message::{Language, Message},
    rights::Right,
    survey::{Fact, Missing, Status as TrailStatus, Survey, Trail},
};

pub(super) fn delivery(ground: &Ground<'_>) -> Vec<Judgement> {
    ground.trails().map(|trail| of_trail(ground, trail)).collect()
}

fn of_trail(ground: &Ground<'_>, trail: &Trail) -> Judgement {
    let resource = ground.trail_resource(trail);
    let rights = ground.world.trail_rights(trail);
    let mut bad: Vec<Message> = rights
        .iter()
        .filter(|right| right.verdict.is_no())
        .map(refused)
        .collect();
    let mut missing: Vec<Missing> = Vec::new();
    match &trail.status {
        Fact::Known(status) => bad.extend(errors(status)),
        Fact::NotAvailable(one) => missing.push(one.clone()),
    }
    let undecided: Vec<&Right> = rights
        .iter()
        .filter(|right| !right.verdict.is_yes() && !right.verdict.is_no())
        .collect();
    if !undecided.is_empty() {
        missing.extend(unread(ground.survey, trail));
    }
    missing.extend(state_of_key(ground.survey, trail));
    if trail.organization {
        // The files of the members go to a folder that is named after the organization.
        missing.push(Missing::not_asked("organizations:DescribeOrganization"));
    }
    if !bad.is_empty() {
        return Judgement::of(resource, Known::No(bad), Message::plain(""));
    }
    if !missing.is_empty() {
        return Judgement::of(resource, Known::Unknown(missing), Message::plain(""));
    }
    if !undecided.is_empty() {
        return Judgement {
            reasons: undecided.into_iter().map(refused).collect(),
            ..Judgement::warning(resource, Message::plain(""))
        };
    }
    let good = message!(
        "The policies let it deliver, and CloudTrail tells of no error.",
        "ポリシーは配信を許可しており、CloudTrail もエラーを報告していません。"
    );
    Judgement::of(resource, Known::Yes, good)
}

fn refused(right: &Right) -> Message {
    let (action, what, why) = (&right.action, &right.what, &right.verdict.why);
    let (what_ja, why_ja) = (
        what.in_language(Language::Japanese),
        why.in_language(Language::Japanese),
    );
    message!("{action} ({what}): {why}.", "{action} ({what_ja}): {why_ja}。")
}

fn errors(status: &TrailStatus) -> impl Iterator<Item = Message> {
    let told = [
        (&status.latest_delivery_error, "log files", "ログファイル"),
        (&status.latest_digest_delivery_error, "digests", "ダイジェスト"),
        (
            &status.latest_cloud_watch_logs_delivery_error,
            "CloudWatch Logs",
            "CloudWatch Logs",
        ),
        (&status.latest_notification_error, "notifications", "通知"),
    ];
    told.into_iter().filter_map(|(error, what, ja)| {
        let error = error.as_deref().filter(|error| !error.is_empty())?;
        Some(message!(
            "CloudTrail tells of an error with {what}: {error}.",
            "CloudTrail が{ja}の配信エラーを報告しています: {error}。"
        ))
    })
}

/// What could not be read of the state of a trail's key: whatever its policy says, one that is not enabled seals and opens nothing.
pub(super) fn state_of_key(survey: &Survey, trail: &Trail) -> Option<Missing> {
    trail.kms_key.as_ref()?;
    match survey.key_of(trail) {
        Some(key) if key.is_gone() => None,
        Some(key) => key.metadata.missing().cloned(),
        None => Some(Missing::not_asked("kms:DescribeKey")),
    }
}

/// What could not be read of the policies that decide about a trail's files.
pub(super) fn unread(survey: &Survey, trail: &Trail) -> Vec<Missing> {
    let mut missing = Vec::new();
    match survey.bucket_of(trail) {
        Some(bucket) => {
            missing.extend(bucket.exists.missing().cloned());
            missing.extend(bucket.owned.missing().cloned());
            missing.extend(bucket.policy.missing().cloned());
            missing.extend(bucket.acl.missing().cloned());
            missing.extend(bucket.encryption.missing().cloned());
        }
        None => missing.push(Missing::not_asked("s3:GetBucketPolicy")),
    }
    if trail.kms_key.is_some() {
        match survey.key_of(trail) {
            Some(key) => {
                missing.extend(key.metadata.missing().cloned());
                missing.extend(key.policy.missing().cloned());
                missing.extend(key.grants.missing().cloned());
            }
            None => missing.push(Missing::not_asked("kms:GetKeyPolicy")),
        }
    }
    if trail.log_role.is_some() {
        missing.extend(survey.principals.missing().cloned());
    }
    if let Some(topic) = survey.topic_of(trail) {
        missing.extend(topic.settings.missing().cloned());
    }
    missing
}

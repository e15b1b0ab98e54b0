//! Who of the account can read log files, and who can tamper with them: as intended, or more.

use super::{Ground, Judgement, delivery, known::Known};
use crate::{
    message,
    message::{Language, Message},
    rights::{Allowed, Kind, Moment},
    survey::{Fact, Missing, Trail},
};
use policy::Context;
use std::collections::BTreeMap;

/// So many are named; of more, how many.
const NAMED_MAX: usize = 10;

pub(super) fn readers(ground: &Ground<'_>) -> Vec<Judgement> {
    if ground.options.readers.is_empty() {
        return Vec::new();
    }
    ground.trails().map(|trail| intended(ground, trail)).collect()
}

fn intended(ground: &Ground<'_>, trail: &Trail) -> Judgement {
    let (mut bad, mut open) = (Vec::new(), Vec::new());
    for arn in &ground.options.readers {
        let Some(reader) = ground.world.reader_in(trail, &trail.home_region, arn) else {
            bad.push(message!(
                "{arn} is no principal.",
                "{arn} はプリンシパルではありません。"
            ));
            continue;
        };
        let verdict = reader.reads();
        let (why, ja) = (&verdict.why, verdict.why.in_language(Language::Japanese));
        match verdict.allowed {
            Allowed::Yes => {}
            Allowed::No => bad.push(message!("{arn} cannot read: {why}.", "{arn} は読めません: {ja}。")),
            Allowed::Unknown => {
                open.push(message!(
                    "Whether {arn} can read is not known: {why}.",
                    "{arn} が読めるかは不明です: {ja}。"
                ));
            }
        }
    }
    if let Some(missing) = delivery::state_of_key(ground.survey, trail) {
        open.push(missing.said());
    }
    let good = message!("All intended readers can read.", "読むべき人は全員読めます。");
    judged(ground, trail, bad, open, good)
}

/// By what is certain and what is not; what hangs on a call that was not answered is not available.
fn judged(ground: &Ground<'_>, trail: &Trail, bad: Vec<Message>, open: Vec<Message>, good: Message) -> Judgement {
    let resource = ground.trail_resource(trail);
    if !bad.is_empty() {
        return Judgement::of(resource, Known::No(bad), good);
    }
    if open.is_empty() {
        return Judgement::of(resource, Known::Yes, good);
    }
    let missing = unread(ground, trail);
    if missing.is_empty() {
        return Judgement {
            reasons: open,
            ..Judgement::warning(resource, good)
        };
    }
    let mut judgement = Judgement::of(resource, Known::Unknown(missing), good);
    judgement.reasons.extend(open);
    judgement
}

/// What could not be read of those who may come, and of what they come to.
fn unread(ground: &Ground<'_>, trail: &Trail) -> Vec<Missing> {
    let mut missing = delivery::unread(ground.survey, trail);
    let principals = match &ground.survey.principals {
        Fact::Known(principals) => principals,
        Fact::NotAvailable(one) => {
            missing.push(one.clone());
            return missing;
        }
    };
    for user in &principals.users {
        missing.extend(user.groups.missing().cloned());
        missing.extend(user.inline.missing().cloned());
        missing.extend(user.attached.missing().cloned());
        missing.extend(user.boundary.missing().cloned());
        missing.extend(user.tags.missing().cloned());
    }
    for role in &principals.roles {
        missing.extend(role.inline.missing().cloned());
        missing.extend(role.attached.missing().cloned());
        missing.extend(role.boundary.missing().cloned());
        missing.extend(role.tags.missing().cloned());
    }
    for group in &principals.groups {
        missing.extend(group.inline.missing().cloned());
        missing.extend(group.attached.missing().cloned());
    }
    missing.extend(
        principals
            .policies
            .values()
            .filter_map(|policy| policy.missing().cloned()),
    );
    missing
}

/// Those who can read and are not named as readers, and those of whom it is not certain. The account's root can always make it so.
pub(super) fn uninvited(ground: &Ground<'_>, trail: &Trail) -> (Vec<String>, Vec<String>) {
    let (mut certain, mut open) = (Vec::new(), Vec::new());
    for reader in ground.world.readers(trail) {
        // CloudTrail itself and those outside have controls of their own.
        if !matches!(reader.kind, Kind::User | Kind::Role) || ground.options.readers.contains(&reader.arn) {
            continue;
        }
        match reader.reads().allowed {
            Allowed::Yes => certain.push(reader.arn),
            Allowed::Unknown => open.push(reader.arn),
            Allowed::No => {}
        }
    }
    (certain, open)
}

pub(super) fn other_readers(ground: &Ground<'_>) -> Vec<Judgement> {
    let of_trail = |trail: &Trail| {
        let (certain, open) = uninvited(ground, trail);
        let names = named(&certain);
        let bad = (!certain.is_empty())
            .then(|| message!("Can read the log files: {names}.", "ログファイルを読めます: {names}。"));
        let names = named(&open);
        let open = (!open.is_empty()).then(|| {
            message!(
                "May be able to read the log files: {names}.",
                "ログファイルを読める可能性があります: {names}。"
            )
        });
        let is_intent_known = !ground.options.readers.is_empty();
        more_than_intended(ground, trail, (bad, open), is_intent_known, || {
            message!(
                "Nobody but the account's root and the intended readers can read.",
                "アカウントのルートと読むべき人以外は誰も読めません。"
            )
        })
    };
    ground.trails().map(of_trail).collect()
}

/// More than was intended fails; when nothing was said of the intent, it is a warning.
fn more_than_intended(
    ground: &Ground<'_>,
    trail: &Trail,
    (bad, open): (Option<Message>, Option<Message>),
    is_intent_known: bool,
    good: impl FnOnce() -> Message,
) -> Judgement {
    let unseen = ground.survey.principals.missing().cloned();
    let resource = ground.trail_resource(trail);
    if let Some(bad) = bad {
        let known = Known::No([Some(bad), open].into_iter().flatten().collect());
        let judgement = Judgement::of(resource.clone(), known, Message::plain(""));
        return match is_intent_known {
            true => judgement,
            false => Judgement {
                reasons: judgement.reasons,
                ..Judgement::warning(resource, Message::plain(""))
            },
        };
    }
    if let Some(unseen) = unseen {
        return Judgement::of(resource, Known::Unknown(vec![unseen]), Message::plain(""));
    }
    judged(ground, trail, Vec::new(), open.into_iter().collect(), good())
}

fn named(all: &[String]) -> String {
    let first = all.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMED_MAX) {
        0 => first,
        more => format!("{first} (+{more})"),
    }
}

/// What changes or stops a trail, takes its files or spoils its key, with the resource of each.
fn tampering_calls(ground: &Ground<'_>, trail: &Trail) -> Vec<(&'static str, String)> {
    let bucket = format!("arn:{}:s3:::{}", ground.survey.partition, trail.bucket);
    let rights = ground.world.trail_rights(trail);
    let file = rights
        .iter()
        .find(|right| right.at == Moment::Delivery && right.action == "s3:PutObject");
    let file = file.map_or_else(
        || format!("{bucket}/{}", trail.folder()),
        |right| right.resource.clone(),
    );
    let mut calls = vec![
        ("cloudtrail:StopLogging", trail.arn.clone()),
        ("cloudtrail:DeleteTrail", trail.arn.clone()),
        ("cloudtrail:UpdateTrail", trail.arn.clone()),
        ("cloudtrail:PutEventSelectors", trail.arn.clone()),
        ("s3:PutObject", file.clone()),
        ("s3:DeleteObject", file.clone()),
        ("s3:DeleteObjectVersion", file),
        ("s3:PutBucketPolicy", bucket.clone()),
        ("s3:PutLifecycleConfiguration", bucket),
    ];
    if let Some(key) = &trail.kms_key {
        let of_key = ["kms:PutKeyPolicy", "kms:DisableKey", "kms:ScheduleKeyDeletion"];
        calls.extend(of_key.map(|action| (action, key.clone())));
    }
    calls
}

pub(super) fn tampering(ground: &Ground<'_>) -> Vec<Judgement> {
    let principals = ground.survey.principals.known();
    let users = principals
        .iter()
        .flat_map(|known| &known.users)
        .map(|user| user.arn.as_str());
    let roles = principals
        .iter()
        .flat_map(|known| &known.roles)
        .map(|role| role.arn.as_str());
    let is_administrator = |arn: &&str| ground.options.administrators.iter().any(|known| known == arn);
    let everyone: Vec<&str> = users.chain(roles).filter(|arn| !is_administrator(arn)).collect();
    let of_trail = |trail: &Trail| {
        let calls = tampering_calls(ground, trail);
        let (mut certain, mut open) = (BTreeMap::new(), Vec::new());
        for arn in &everyone {
            let may = |(action, resource): &(&'static str, String)| {
                (
                    *action,
                    ground.world.may(arn, action, resource, &Context::new()).allowed,
                )
            };
            let may: Vec<(&str, Allowed)> = calls.iter().map(may).collect();
            let allowed: Vec<&str> = may
                .iter()
                .filter(|(_, may)| *may == Allowed::Yes)
                .map(|(action, _)| *action)
                .collect();
            if !allowed.is_empty() {
                certain
                    .entry(allowed.join(", "))
                    .or_insert_with(Vec::new)
                    .push((*arn).to_owned());
            } else if may.iter().any(|(_, may)| *may == Allowed::Unknown) {
                open.push((*arn).to_owned());
            }
        }
        let said: Vec<String> = certain
            .iter()
            .map(|(actions, who)| format!("{}: {actions}", named(who)))
            .collect();
        let said = said.join("; ");
        let bad = (!certain.is_empty()).then(|| Message::plain(format!("{said}.")));
        let names = named(&open);
        let open = (!open.is_empty()).then(|| message!("May be able to: {names}.", "可能性があります: {names}。"));
        let is_intent_known = !ground.options.administrators.is_empty();
        more_than_intended(ground, trail, (bad, open), is_intent_known, || {
            message!(
                "Nobody but the account's root and the administrators can.",
                "アカウントのルートと管理者以外は誰もできません。"
            )
        })
    };
    ground.trails().map(of_trail).collect()
}

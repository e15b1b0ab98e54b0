//! Whether a bucket's lifecycle removes log files.

use super::{Ground, Judgement, bucket, known::Known};
use crate::{
    message,
    message::Message,
    survey::{Fact, LifecycleRule, Missing},
};

/// How long log files have to be kept when nothing is said: what PCI DSS asks for (10.5.1).
pub const RETENTION_DAYS: u32 = 365;

pub(super) fn lifecycle(ground: &Ground<'_>) -> Vec<Judgement> {
    let days = ground.options.retention_days.unwrap_or(RETENTION_DAYS);
    let mut judged: Vec<Judgement> = Vec::new();
    for trail in ground.trails() {
        let found = ground.survey.bucket_of(trail);
        let resource = bucket::resource(ground, &trail.bucket, found);
        let rules = match found.map(|bucket| &bucket.lifecycle) {
            Some(Fact::Known(rules)) => rules,
            other => {
                let missing = other.and_then(Fact::missing).cloned();
                let missing = missing.unwrap_or_else(|| Missing::not_asked("s3:GetBucketLifecycleConfiguration"));
                judged.push(Judgement::of(
                    resource,
                    Known::Unknown(vec![missing]),
                    Message::plain(""),
                ));
                continue;
            }
        };
        let folder = trail.folder();
        let early: Vec<Message> = rules.iter().filter_map(|rule| too_early(rule, &folder, days)).collect();
        judged.push(match (early.is_empty(), ground.options.retention_days) {
            (true, _) => {
                let good = message!(
                    "Log files are kept for {days} days at least.",
                    "ログファイルは少なくとも {days} 日残ります。"
                );
                Judgement::of(resource, Known::Yes, good)
            }
            (false, Some(_)) => Judgement::of(resource, Known::No(early), Message::plain("")),
            (false, None) => Judgement {
                reasons: early,
                ..Judgement::warning(resource, Message::plain(""))
            },
        });
    }
    // Trails of one bucket may have folders of their own; what is said twice is said once.
    judged.sort_by(|one, other| one.resource.cmp(&other.resource).then(other.status.cmp(&one.status)));
    judged.dedup_by(|one, other| one.resource == other.resource);
    judged
}

/// Why a rule removes files of this folder before so many days.
fn too_early(rule: &LifecycleRule, folder: &str, days: u32) -> Option<Message> {
    let prefix = &rule.filter.prefix;
    let overlaps = folder.starts_with(prefix) || prefix.starts_with(folder);
    // Log files have no tags.
    if !rule.enabled || !overlaps || !rule.filter.tags.is_empty() {
        return None;
    }
    let id = &rule.id;
    if let Some(date) = &rule.expire_date {
        return Some(message!(
            "The rule {id} removes log files on {date}, however new they are.",
            "ルール {id} は {date} に、新しいログファイルも含めて削除します。"
        ));
    }
    let after = rule.expire_days.filter(|after| *after < days)?;
    Some(message!(
        "The rule {id} removes log files after {after} days; they are to be kept for {days}.",
        "ルール {id} は {after} 日でログファイルを削除します。必要な保存期間は {days} 日です。"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::LifecycleFilter;

    #[test]
    fn rules_that_eat_log_files_are_found() {
        let check = |change: fn(&mut LifecycleRule), expected: bool| {
            let mut rule = LifecycleRule {
                enabled: true,
                expire_days: Some(30),
                ..LifecycleRule::default()
            };
            change(&mut rule);
            assert_eq!(too_early(&rule, "x/AWSLogs/", 365).is_some(), expected, "{rule:?}");
        };
        check(|_| {}, true);
        check(|rule| rule.enabled = false, false);
        check(|rule| rule.expire_days = Some(365), false);
        check(|rule| rule.expire_days = None, false);
        check(|rule| rule.filter.prefix = "x/".to_owned(), true);
        check(|rule| rule.filter.prefix = "x/AWSLogs/000000000000/".to_owned(), true);
        check(|rule| rule.filter.prefix = "other/".to_owned(), false);
        check(
            |rule| {
                rule.filter = LifecycleFilter {
                    tags: [("a".to_owned(), "b".to_owned())].into(),
                    ..LifecycleFilter::default()
                };
            },
            false,
        );
        check(
            |rule| {
                rule.expire_days = None;
                rule.expire_date = Some("2030-01-01T00:00:00Z".to_owned());
            },
            true,
        );
    }
}

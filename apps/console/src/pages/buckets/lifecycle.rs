//! A bucket's lifecycle in sentences, and what it will take.

use crate::{
    context::Context,
    page::{State, bytes, empty, notice, number, state, time},
};
use base::Timestamp;
use maud::{Markup, html};
use operator::{
    aws::Client,
    message,
    message::Message,
    shoseki::{ObjectsQuestion, ObjectsSummary, summarise_objects},
    survey::{Fact, LifecycleRule, Missing, Trail},
};
use std::time::Duration;
use tokio::task::JoinSet;

/// Of so many rules it is counted what lies under them.
const COUNTED_MAX: usize = 10;
const DAY: Duration = Duration::from_secs(86_400);

/// What lies under each of the rules, in their order; nothing where it does not matter or was not asked.
pub(super) async fn counted(
    client: &Client,
    bucket: &str,
    rules: &[LifecycleRule],
) -> Vec<Option<Fact<ObjectsSummary>>> {
    let mut counting = JoinSet::new();
    let ending = rules.iter().enumerate().filter(|(_, rule)| rule.enabled && ends(rule));
    for (at, rule) in ending.take(COUNTED_MAX) {
        let question = ObjectsQuestion {
            bucket: bucket.to_owned(),
            prefix: rule.filter.prefix.clone(),
            ..ObjectsQuestion::default()
        };
        let client = client.clone();
        counting.spawn(async move {
            let found = summarise_objects(&client, &question).await;
            let found = found.map_err(|error| Missing::of("shoseki:SummariseObjects", client.region(), &error));
            (at, Fact::from(found))
        });
    }
    let mut all: Vec<Option<Fact<ObjectsSummary>>> = rules.iter().map(|_| None).collect();
    for (at, found) in counting.join_all().await {
        if let Some(place) = all.get_mut(at) {
            *place = Some(found);
        }
    }
    all
}

fn ends(rule: &LifecycleRule) -> bool {
    rule.expire_days.is_some() || rule.expire_date.is_some()
}

/// Everything that a rule does, a sentence each.
fn sentences(rule: &LifecycleRule) -> Vec<Message> {
    let mut says = Vec::new();
    if let Some(days) = rule.expire_days {
        says.push(message!(
            "Objects are deleted {days} days after they were put.",
            "オブジェクトは作成から {days} 日後に削除されます。"
        ));
    }
    if let Some(date) = &rule.expire_date {
        says.push(message!(
            "All objects are deleted on {date}.",
            "{date} にすべてのオブジェクトが削除されます。"
        ));
    }
    if rule.expire_delete_markers {
        says.push(message!(
            "Delete markers with nothing behind them are removed.",
            "古いバージョンのない削除マーカーは削除されます。"
        ));
    }
    if let Some(days) = rule.noncurrent_expire_days {
        let (kept, kept_ja) = match rule.noncurrent_versions_kept {
            Some(count) => (
                format!(", but for the latest {count} of them"),
                format!(" (新しいものから {count} 個は残ります)"),
            ),
            None => (String::new(), String::new()),
        };
        says.push(message!(
            "Older versions are deleted {days} days after something newer was put{kept}.",
            "古いバージョンは、非現行になってから {days} 日後に削除されます{kept_ja}。"
        ));
    }
    if let Some(days) = rule.abort_upload_days {
        says.push(message!(
            "Uploads that are not finished are dropped after {days} days.",
            "未完了のアップロードは {days} 日後に破棄されます。"
        ));
    }
    for change in &rule.transitions {
        let class = &change.storage_class;
        says.push(match (change.days, &change.date) {
            (Some(days), _) => message!(
                "Objects move to {class} after {days} days.",
                "オブジェクトは {days} 日後に {class} へ移ります。"
            ),
            (None, Some(date)) => message!(
                "Objects move to {class} on {date}.",
                "オブジェクトは {date} に {class} へ移ります。"
            ),
            (None, None) => message!("Objects move to {class}.", "オブジェクトは {class} へ移ります。"),
        });
    }
    for change in &rule.noncurrent_transitions {
        let (class, days) = (&change.storage_class, change.days.unwrap_or(0));
        says.push(message!(
            "Older versions move to {class} after {days} days.",
            "古いバージョンは {days} 日後に {class} へ移ります。"
        ));
    }
    says
}

/// Which objects a rule is for.
fn scope(rule: &LifecycleRule) -> Message {
    let filter = &rule.filter;
    let mut parts: Vec<(String, String)> = Vec::new();
    if !filter.prefix.is_empty() {
        let prefix = &filter.prefix;
        parts.push((
            format!("whose keys begin with {prefix}"),
            format!("キーが {prefix} で始まる"),
        ));
    }
    for (name, value) in &filter.tags {
        parts.push((
            format!("with the tag {name} = {value}"),
            format!("タグ {name} = {value} が付いた"),
        ));
    }
    if let Some(size) = filter.larger_than {
        parts.push((
            format!("larger than {}", bytes(size)),
            format!("{} より大きい", bytes(size)),
        ));
    }
    if let Some(size) = filter.smaller_than {
        parts.push((
            format!("smaller than {}", bytes(size)),
            format!("{} より小さい", bytes(size)),
        ));
    }
    let english: Vec<&str> = parts.iter().map(|(english, _)| english.as_str()).collect();
    let japanese: Vec<&str> = parts.iter().map(|(_, japanese)| japanese.as_str()).collect();
    let (english, japanese) = (english.join(", "), japanese.join("、"));
    match parts.is_empty() {
        true => message!("For all objects", "すべてのオブジェクト"),
        false => message!("For objects {english}", "{japanese}オブジェクト"),
    }
}

/// The trails whose log files a rule deletes.
fn eats<'a>(rule: &LifecycleRule, trails: &'a [&'a Trail]) -> Vec<&'a str> {
    // Log files have no tags.
    if !rule.enabled || !ends(rule) || !rule.filter.tags.is_empty() {
        return Vec::new();
    }
    let prefix = &rule.filter.prefix;
    let overlaps = |trail: &&&Trail| trail.folder().starts_with(prefix) || prefix.starts_with(&trail.folder());
    trails
        .iter()
        .filter(overlaps)
        .map(|trail| trail.name.as_str())
        .collect()
}

/// The rules, with the log files that they take.
pub(super) fn told(
    c: &Context,
    rules: &[LifecycleRule],
    counted: &[Option<Fact<ObjectsSummary>>],
    trails: &[&Trail],
) -> Markup {
    html! {
        @if rules.is_empty() { (empty(c, &message!("Nothing is deleted or moved by itself.", "自動的に削除・移動されるものはありません。"))) }
        @for (at, rule) in rules.iter().enumerate() {
            article.rule {
                h3 {
                    (if rule.id.is_empty() { "–" } else { &rule.id }) " "
                    @if rule.enabled { (state(c, State::Good, &message!("on", "有効"))) } @else { (state(c, State::Plain, &message!("off", "無効"))) }
                }
                p { (c.t(&scope(rule))) }
                ul { @for says in sentences(rule) { li { (c.t(&says)) } } }
                @for trail in eats(rule, trails) {
                    (notice(c, State::Warn, &message!("This rule deletes log files of the trail {trail}.", "このルールは証跡 {trail} のログファイルを削除します。")))
                }
                @if let Some(Some(found)) = counted.get(at) {
                    (crate::page::fact(c, found, |found| taken(c, rule, found)))
                }
            }
        }
    }
}

/// How much lies under a rule now, and when it takes the first.
fn taken(c: &Context, rule: &LifecycleRule, found: &ObjectsSummary) -> Markup {
    let (objects, size) = (number(found.objects), bytes(found.bytes));
    let (least, least_ja) = match found.next_token {
        Some(_) => ("at least ", "少なくとも "),
        None => ("", ""),
    };
    // S3 rounds up to the next midnight of UTC.
    let first = found
        .oldest
        .zip(rule.expire_days)
        .map(|(oldest, days)| midnight_after(oldest.plus(DAY.saturating_mul(days))));
    html! {
        p {
            (c.t(&message!("Now {least}{objects} objects of {size} lie there.", "現在の対象は{least_ja} {objects} オブジェクト、{size} です。")))
            @if let Some(first) = first.filter(|_| found.next_token.is_none()) {
                " " (c.t(&message!("The oldest is taken:", "最も古いものが削除される時刻:"))) " " (time(c, first))
            }
        }
    }
}

fn midnight_after(at: Timestamp) -> Timestamp {
    let day = 86_400;
    let days = at.as_secs().div_euclid(day) + i64::from(at.as_secs().rem_euclid(day) > 0);
    Timestamp::from_secs(days.saturating_mul(day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use operator::message::Language::English;

    #[test]
    fn a_rule_is_told_in_sentences() {
        let rule = LifecycleRule {
            enabled: true,
            expire_days: Some(1_095),
            noncurrent_expire_days: Some(1),
            abort_upload_days: Some(7),
            ..LifecycleRule::default()
        };
        let says = sentences(&rule);
        let says: Vec<&str> = says.iter().map(|one| one.in_language(English)).collect();
        assert_eq!(
            says,
            [
                "Objects are deleted 1095 days after they were put.",
                "Older versions are deleted 1 days after something newer was put.",
                "Uploads that are not finished are dropped after 7 days.",
            ]
        );
        assert_eq!(scope(&rule).in_language(English), "For all objects");
    }

    #[test]
    fn a_day_ends_at_midnight() {
        let check = |at: i64, expected: i64| assert_eq!(midnight_after(Timestamp::from_secs(at)).as_secs(), expected);
        check(0, 0);
        check(1, 86_400);
        check(86_400, 86_400);
    }
}

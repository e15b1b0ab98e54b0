//! Lifecycle rules: which versions end when.
//!
//! A version is due at the midnight (UTC) after its days have passed. What a rule's tags or sizes leave out is looked at
//! again the next day, for tags change.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>

use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A day.
pub const DAY: Duration = Duration::from_secs(86_400);

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Whether it counts.
    pub enabled: bool,
    /// What it is about.
    pub filter: Filter,
    /// When current versions end.
    pub expiration: Option<Expiration>,
    /// When noncurrent versions end.
    pub noncurrent: Option<Noncurrent>,
    /// After how many days an unfinished upload ends.
    pub abort_days: Option<u32>,
}

/// What a rule is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// How the document writes it.
    pub shape: Shape,
    /// What keys begin with.
    pub prefix: Option<String>,
    /// Tags that an object has, all of them.
    pub tags: Vec<(String, String)>,
    /// An object is larger.
    pub greater: Option<u64>,
    /// An object is smaller.
    pub less: Option<u64>,
}

/// How a document writes a filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// `<Prefix>` beside the rule's other elements, as it was once.
    Legacy,
    /// `<Filter>` with one condition, or none.
    #[default]
    Plain,
    /// `<Filter><And>`
    And,
}

/// When current versions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expiration {
    /// So many days after they were made.
    Days(u32),
    /// At a midnight.
    Date(Timestamp),
    /// Delete markers, when nothing is left beneath them.
    Marker(bool),
}

/// When noncurrent versions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noncurrent {
    /// So many days after there was a newer one.
    pub days: u32,
    /// So many of the newest stay.
    pub newer: Option<u32>,
}

/// When something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Now.
    Now,
    /// Not before this time.
    Later(Timestamp),
    /// No rule is about it.
    Never,
}

impl Due {
    fn at(due: Timestamp, now: Timestamp) -> Due {
        if due <= now { Due::Now } else { Due::Later(due) }
    }

    /// Whichever comes first.
    pub fn or(self, other: Due) -> Due {
        match (self, other) {
            (Due::Now, _) | (_, Due::Now) => Due::Now,
            (Due::Never, due) | (due, Due::Never) => due,
            (Due::Later(one), Due::Later(other)) => Due::Later(one.min(other)),
        }
    }
}

/// The midnight at or before a time.
pub fn midnight(time: Timestamp) -> Timestamp {
    time.floor_to(DAY)
}

/// The midnight after so many days have passed.
pub fn after_days(from: Timestamp, days: u32) -> Timestamp {
    midnight(from.plus(DAY.saturating_mul(days))).plus(DAY)
}

/// A version as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its key.
    pub key: &'a str,
    /// Bytes in clear.
    pub size: u64,
    /// Its tags.
    pub tags: &'a [(String, String)],
}

impl Filter {
    fn is_about_key(&self, key: &str) -> bool {
        self.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
    }

    fn holds(&self, subject: &Subject<'_>) -> bool {
        self.is_about_key(subject.key)
            && self.greater.is_none_or(|bytes| subject.size > bytes)
            && self.less.is_none_or(|bytes| subject.size < bytes)
            && self.tags.iter().all(|tag| subject.tags.contains(tag))
    }

    fn has_tags(&self) -> bool {
        !self.tags.is_empty()
    }
}

fn active(rules: &[Rule]) -> impl Iterator<Item = &Rule> {
    rules.iter().filter(|rule| rule.enabled)
}

/// When the current version ends, an object; and by which rule.
pub fn of_current<'a>(rules: &'a [Rule], subject: &Subject<'_>, modified: Timestamp) -> Option<(Timestamp, &'a Rule)> {
    let due = |rule: &'a Rule| {
        let at = match rule.expiration? {
            Expiration::Days(days) => after_days(modified, days),
            Expiration::Date(date) => date,
            Expiration::Marker(_) => return None,
        };
        rule.filter.holds(subject).then_some((at, rule))
    };
    active(rules).filter_map(due).min_by_key(|(at, _)| *at)
}

/// The same as a decision; a rule that leaves an object out for its tags may not do so tomorrow.
pub fn current(rules: &[Rule], subject: &Subject<'_>, modified: Timestamp, now: Timestamp) -> Due {
    let due = of_current(rules, subject, modified).map_or(Due::Never, |(at, _)| Due::at(at, now));
    let by_tags = active(rules)
        .any(|rule| rule.filter.has_tags() && rule.filter.is_about_key(subject.key) && rule.expiration.is_some());
    match by_tags {
        true => due.or(Due::Later(midnight(now).plus(DAY))),
        false => due,
    }
}

/// When a noncurrent version ends: `newer` noncurrent versions of its key are newer.
pub fn noncurrent(rules: &[Rule], subject: &Subject<'_>, since: Timestamp, newer: u32, now: Timestamp) -> Due {
    let mut found = Due::Never;
    for rule in active(rules) {
        let Some(ends) = rule.noncurrent else { continue };
        if !rule.filter.is_about_key(subject.key) {
            continue;
        }
        let due = Due::at(after_days(since, ends.days), now);
        if rule.filter.holds(subject) && ends.newer.is_none_or(|kept| newer >= kept) {
            found = found.or(due);
        } else if due == Due::Now && rule.filter.has_tags() {
            found = found.or(Due::Later(midnight(now).plus(DAY)));
        }
    }
    found
}

/// When a delete marker ends beneath which nothing is left.
pub fn marker(rules: &[Rule], key: &str, modified: Timestamp, now: Timestamp) -> Due {
    let mut found = Due::Never;
    for rule in active(rules).filter(|rule| rule.filter.is_about_key(key) && !rule.filter.has_tags()) {
        found = found.or(match rule.expiration {
            Some(Expiration::Marker(true)) => Due::Now,
            Some(Expiration::Days(days)) => Due::at(after_days(modified, days), now),
            Some(Expiration::Date(date)) => Due::at(date, now),
            Some(Expiration::Marker(false)) | None => Due::Never,
        });
    }
    found
}

/// When an unfinished upload ends.
pub fn upload(rules: &[Rule], key: &str, began: Timestamp, now: Timestamp) -> Due {
    active(rules)
        .filter(|rule| rule.filter.is_about_key(key))
        .filter_map(|rule| rule.abort_days)
        .fold(Due::Never, |found, days| {
            found.or(Due::at(after_days(began, days), now))
        })
}

/// When at the earliest something can be due that is made, or becomes noncurrent, after `now`.
pub fn of_what_comes(rules: &[Rule], now: Timestamp) -> Option<Timestamp> {
    let tomorrow = midnight(now).plus(DAY);
    let mut found: Option<Timestamp> = None;
    let mut take = |at: Timestamp| found = Some(found.map_or(at, |known| known.min(at)));
    for rule in active(rules) {
        match rule.expiration {
            Some(Expiration::Days(days)) => take(after_days(now, days)),
            Some(Expiration::Date(date)) => take(date.max(tomorrow)),
            // What lies beneath a marker may be deleted by hand at any time.
            Some(Expiration::Marker(true)) => take(tomorrow),
            Some(Expiration::Marker(false)) | None => {}
        }
        if let Some(ends) = rule.noncurrent {
            take(after_days(now, ends.days));
        }
        if let Some(days) = rule.abort_days {
            take(after_days(now, days));
        }
    }
    found.map(|at| at.max(tomorrow))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Rule {
        Rule {
            id: "r".to_owned(),
            enabled: true,
            filter: Filter::default(),
            expiration: None,
            noncurrent: None,
            abort_days: None,
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    const SUBJECT: Subject<'_> = Subject {
        key: "logs/a",
        size: 10,
        tags: &[],
    };

    #[test]
    fn days_are_rounded_to_the_next_midnight() {
        let check = |from: &str, days: u32, expected: &str| {
            assert_eq!(after_days(at(from), days), at(expected), "{from} {days}");
        };
        check("2014-01-15T10:30:00Z", 3, "2014-01-19T00:00:00Z");
        check("2014-01-15T23:59:59Z", 1, "2014-01-17T00:00:00Z");
        check("2014-01-15T00:00:00Z", 1, "2014-01-17T00:00:00Z");
    }

    #[test]
    fn current_versions_end_by_the_first_rule() {
        let now = at("2026-01-10T00:00:00Z");
        let made = at("2026-01-05T12:00:00Z");
        let check = |change: &dyn Fn(&mut Rule), expected: Due| {
            let mut rule = rule();
            rule.expiration = Some(Expiration::Days(4));
            change(&mut rule);
            assert_eq!(current(&[rule.clone()], &SUBJECT, made, now), expected, "{rule:?}");
        };
        check(&|_| {}, Due::Now);
        check(&|rule| rule.enabled = false, Due::Never);
        check(
            &|rule| rule.expiration = Some(Expiration::Days(5)),
            Due::Later(at("2026-01-11T00:00:00Z")),
        );
        check(
            &|rule| rule.expiration = Some(Expiration::Date(at("2026-02-01T00:00:00Z"))),
            Due::Later(at("2026-02-01T00:00:00Z")),
        );
        check(&|rule| rule.expiration = Some(Expiration::Marker(true)), Due::Never);
        check(&|rule| rule.filter.prefix = Some("logs/".to_owned()), Due::Now);
        check(&|rule| rule.filter.prefix = Some("other/".to_owned()), Due::Never);
        check(&|rule| rule.filter.greater = Some(9), Due::Now);
        check(&|rule| rule.filter.greater = Some(10), Due::Never);
        check(&|rule| rule.filter.less = Some(10), Due::Never);
        check(
            &|rule| rule.filter.tags = vec![("a".to_owned(), "b".to_owned())],
            Due::Later(at("2026-01-11T00:00:00Z")),
        );
    }

    #[test]
    fn the_newest_noncurrent_versions_stay() {
        let mut rule = rule();
        rule.noncurrent = Some(Noncurrent {
            days: 1,
            newer: Some(2),
        });
        let since = at("2026-01-05T12:00:00Z");
        let now = at("2026-01-07T00:00:00Z");
        for (newer, expected) in [(0, Due::Never), (1, Due::Never), (2, Due::Now), (9, Due::Now)] {
            assert_eq!(noncurrent(&[rule.clone()], &SUBJECT, since, newer, now), expected);
        }
        let early = at("2026-01-06T00:00:00Z");
        assert_eq!(noncurrent(&[rule], &SUBJECT, since, 2, early), Due::Later(now));
    }

    #[test]
    fn markers_end_when_nothing_is_left_beneath() {
        let now = at("2026-01-07T00:00:00Z");
        let made = at("2026-01-05T12:00:00Z");
        let check = |expiration, expected| {
            let mut rule = rule();
            rule.expiration = Some(expiration);
            assert_eq!(marker(&[rule], "k", made, now), expected);
        };
        check(Expiration::Marker(true), Due::Now);
        check(Expiration::Marker(false), Due::Never);
        check(Expiration::Days(1), Due::Now);
        check(Expiration::Days(2), Due::Later(at("2026-01-08T00:00:00Z")));
    }

    #[test]
    fn what_comes_is_due_no_earlier_than_tomorrow() {
        let now = at("2026-01-07T00:00:00Z");
        let mut rule = rule();
        assert_eq!(of_what_comes(&[rule.clone()], now), None);
        rule.expiration = Some(Expiration::Days(180));
        assert_eq!(of_what_comes(&[rule.clone()], now), Some(after_days(now, 180)));
        rule.noncurrent = Some(Noncurrent { days: 1, newer: None });
        assert_eq!(of_what_comes(&[rule.clone()], now), Some(at("2026-01-09T00:00:00Z")));
        rule.expiration = Some(Expiration::Date(at("2020-01-01T00:00:00Z")));
        assert_eq!(of_what_comes(&[rule], now), Some(at("2026-01-08T00:00:00Z")));
    }
}

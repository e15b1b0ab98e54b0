//! Lifecycle rules on a bucket of the model: what ends at a midnight.
//!
//! AWS takes its time about it; the server promises each midnight (UTC) at once. Sequences begin at noon, so the midnight that
//! begins a day lies half way between two days of the model. At a midnight noncurrent versions go first, then the current one is
//! looked at: a marker goes together with the last that lay beneath it.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html>
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>

use super::model::{Bucket, Day, Version, Versioning};

/// The id of a marker that a rule laid: the server chose it, and nobody was told.
pub const UNTOLD: &str = "untold";

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether it counts.
    pub enabled: bool,
    /// What keys begin with.
    pub prefix: String,
    /// When current versions end.
    pub expiration: Option<Expiration>,
    /// When noncurrent versions end.
    pub noncurrent: Option<Noncurrent>,
    /// After how many days an unfinished upload ends.
    pub abort: Option<Day>,
}

/// When current versions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiration {
    /// So many days after they were made.
    Days(Day),
    /// Markers with nothing beneath them.
    Marker,
}

/// When noncurrent versions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noncurrent {
    /// So many days after a newer one was made.
    pub days: Day,
    /// So many of the newest stay.
    pub newer: Option<usize>,
}

/// What happened at a midnight.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// Ids that are gone.
    pub ids: Vec<String>,
    /// What happened, to be counted.
    pub outcomes: Vec<&'static str>,
}

/// Whether so many days are over at the midnight that begins `day`: the time is rounded up to the next midnight.
fn is_over(from: Day, days: Day, day: Day) -> bool {
    day > from + days
}

impl Rule {
    fn ends_current(&self, version: &Version, day: Day) -> bool {
        matches!(self.expiration, Some(Expiration::Days(days)) if is_over(version.made, days, day))
    }

    fn ends_noncurrent(&self, since: Day, newer: usize, day: Day) -> bool {
        self.noncurrent
            .is_some_and(|ends| is_over(since, ends.days, day) && ends.newer.is_none_or(|kept| newer >= kept))
    }
}

impl Bucket {
    /// The midnight that begins `day`.
    pub fn midnight(&mut self, day: Day) -> Ended {
        let mut ended = Ended::default();
        let rules: Vec<Rule> = self.rules.iter().filter(|rule| rule.enabled).cloned().collect();
        let keys: Vec<String> = self.keys.keys().cloned().collect();
        for key in &keys {
            let about: Vec<&Rule> = rules.iter().filter(|rule| key.starts_with(&rule.prefix)).collect();
            self.end_noncurrent(key, &about, day, &mut ended);
            self.end_current(key, &about, day, &mut ended);
        }
        self.uploads.retain(|_, upload| {
            let mut about = rules.iter().filter(|rule| upload.key.starts_with(&rule.prefix));
            let ends = about.any(|rule| rule.abort.is_some_and(|days| is_over(upload.began, days, day)));
            if ends {
                ended.outcomes.push("Lifecycle ends an upload");
            }
            !ends
        });
        ended
    }

    fn end_noncurrent(&mut self, key: &str, rules: &[&Rule], day: Day, ended: &mut Ended) {
        let versions = self.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let mut gone = Vec::new();
        // Of the newest noncurrent version none is newer.
        for (newer, version) in versions.iter().rev().skip(1).enumerate() {
            let since = version.since.unwrap_or(version.made);
            let dated = rules
                .iter()
                .any(|rule| rule.noncurrent.is_some_and(|ends| is_over(since, ends.days, day)));
            let ends = rules.iter().any(|rule| rule.ends_noncurrent(since, newer, day));
            // The last day's retention is in force until noon.
            let may_go = version
                .object
                .as_ref()
                .is_none_or(|object| object.may_go(day - 1, false));
            match (dated, ends, may_go) {
                (false, _, _) => {}
                (true, false, _) => ended.outcomes.push("Lifecycle keeps the newest"),
                (true, true, false) => ended.outcomes.push("Lifecycle keeps what is locked"),
                (true, true, true) => gone.push(version.id.clone()),
            }
        }
        for id in gone {
            self.remove(key, &id);
            ended.outcomes.push("Lifecycle ends a noncurrent version");
            ended.ids.push(id);
        }
    }

    fn end_current(&mut self, key: &str, rules: &[&Rule], day: Day, ended: &mut Ended) {
        let versions = self.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let Some(latest) = versions.last() else { return };
        let is_due = rules.iter().any(|rule| rule.ends_current(latest, day));
        let is_bare = versions.len() == 1 && latest.object.is_none();
        let bare_end = rules.iter().any(|rule| rule.expiration == Some(Expiration::Marker));
        let id = latest.id.clone();
        if is_bare && (is_due || bare_end) {
            self.remove(key, &id);
            ended.outcomes.push("Lifecycle ends a marker");
            ended.ids.push(id);
        } else if is_due && latest.object.is_some() {
            let marker = |id: &str| Version {
                id: id.to_owned(),
                object: None,
                made: day,
                since: None,
            };
            match self.versioning {
                Versioning::Off => self.remove(key, &id),
                Versioning::Enabled => self.add(key, marker(UNTOLD), day),
                Versioning::Suspended => self.add(key, marker("null"), day),
            }
            ended.outcomes.push("Lifecycle ends a current version");
        }
    }
}

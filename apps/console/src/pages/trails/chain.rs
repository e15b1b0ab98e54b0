//! The chain of digests hour by hour: what is there, and what a verification says of it.

use super::files::{File, HOUR, Place};
use crate::{
    context::Context,
    page::{State, code, state},
};
use base::Timestamp;
use maud::{Markup, html};
use operator::{
    message,
    message::Message,
    survey::{Status, Trail},
    verify::{Finding, FindingKind, Report, Verdict},
};

/// How an hour stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hour {
    /// A digest is there; nobody has looked into it.
    Present,
    /// Its digest and the log files that it names are what CloudTrail delivered.
    Valid,
    /// It could not be looked at, or not be proven.
    Unproven,
    /// A digest should be there and is not.
    Missing,
    /// The digest, or a log file that it names, is not what CloudTrail delivered.
    Broken,
    /// No digest, and the trail's own events say why.
    Explained,
    /// The digest is not due yet.
    Due,
    /// The trail did not log, or not validate.
    NotExpected,
}

impl Hour {
    pub(super) fn state(self) -> State {
        match self {
            Hour::Valid => State::Good,
            Hour::Present | Hour::Due | Hour::NotExpected => State::Plain,
            Hour::Explained => State::Warn,
            Hour::Unproven => State::Unknown,
            Hour::Missing | Hour::Broken => State::Bad,
        }
    }

    pub(super) fn says(self) -> Message {
        match self {
            Hour::Present => message!("present", "あり"),
            Hour::Valid => message!("valid", "有効"),
            Hour::Unproven => message!("not proven", "未証明"),
            Hour::Missing => message!("missing", "欠落"),
            Hour::Broken => message!("broken", "改ざん・破損"),
            Hour::Explained => message!("explained gap", "説明のある空白"),
            Hour::Due => message!("not due yet", "配信待ち"),
            Hour::NotExpected => message!("none expected", "対象外"),
        }
    }

    /// What is drawn in the hour's box beside its colour.
    fn sign(self) -> &'static str {
        match self {
            Hour::Present => "•",
            Hour::Valid => "✓",
            Hour::Unproven => "?",
            Hour::Missing => "∅",
            Hour::Broken => "✕",
            Hour::Explained => "~",
            Hour::Due => "…",
            Hour::NotExpected => "–",
        }
    }

    /// The worse of two.
    fn and(self, other: Hour) -> Hour {
        let rank = |hour: Hour| match hour {
            Hour::Present => 0,
            Hour::Valid | Hour::Due | Hour::NotExpected => 1,
            Hour::Explained => 2,
            Hour::Unproven => 3,
            Hour::Missing => 4,
            Hour::Broken => 5,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// An hour of the chain.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) hour: Hour,
    /// The keys of its digests: mostly one.
    pub(super) keys: Vec<String>,
    /// What was found of it, with the file that it is about.
    pub(super) found: Vec<(Message, Option<String>)>,
}

/// What decides whether an hour should have a digest.
pub(super) struct Expected {
    validation: bool,
    /// Since when the trail logs; nothing when it does not, or when that is not known.
    since: Option<Timestamp>,
    /// When it stopped.
    stopped: Option<Timestamp>,
}

impl Expected {
    pub(super) fn of(trail: &Trail) -> Expected {
        let status: Option<&Status> = trail.status.known();
        Expected {
            validation: trail.validation,
            since: status.and_then(|status| status.start_logging_time.filter(|_| status.is_logging)),
            stopped: status.and_then(|status| status.stop_logging_time.filter(|_| !status.is_logging)),
        }
    }

    /// What an hour without a digest is.
    fn without(&self, from: Timestamp, to: Timestamp, now: Timestamp) -> Hour {
        // A digest comes some minutes after its hour; it is late after another one.
        if to.plus(HOUR) > now {
            return Hour::Due;
        }
        let began_later = self.since.is_some_and(|since| from < since);
        let ended_before = self.stopped.is_some_and(|stopped| to > stopped);
        match self.validation && !began_later && !ended_before {
            true => Hour::Missing,
            false => Hour::NotExpected,
        }
    }
}

/// The hours that end after `from`, up to `to`. Digests of a trail come at the same minute and second of each hour.
pub(super) fn cells(
    digests: &[File],
    expected: &Expected,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Vec<Cell> {
    let offset = digests.last().map_or(std::time::Duration::ZERO, |newest| {
        newest.time.since(newest.time.floor_to(HOUR))
    });
    let mut end = from.floor_to(HOUR).plus(offset);
    while end <= from {
        end = end.plus(HOUR);
    }
    let mut cells = Vec::new();
    while end <= to {
        let start = end.minus(HOUR);
        let of_hour = digests.iter().filter(|file| start < file.time && file.time <= end);
        let keys: Vec<String> = of_hour.map(|file| file.key.clone()).collect();
        cells.push(Cell {
            from: start,
            to: end,
            hour: match keys.is_empty() {
                true => expected.without(start, end, now),
                false => Hour::Present,
            },
            keys,
            found: Vec::new(),
        });
        end = end.plus(HOUR);
    }
    cells
}

/// Puts what a verification of this time found into the hours.
pub(super) fn judge(cells: &mut [Cell], report: &Report, place: &Place) {
    for cell in cells.iter_mut().filter(|cell| cell.hour == Hour::Present) {
        cell.hour = Hour::Valid;
    }
    let chains = report
        .chains
        .iter()
        .filter(|chain| chain.region == place.region && !chain.backfill);
    for finding in chains.flat_map(|chain| &chain.findings) {
        let hour = of_finding(finding);
        for cell in cells.iter_mut().filter(|cell| is_about(finding, cell, place)) {
            let is_there = !cell.keys.is_empty();
            cell.hour = match finding.kind {
                // What surrounds a gap is not of it.
                FindingKind::Gap | FindingKind::TruncatedTail if is_there => continue,
                FindingKind::Gap | FindingKind::TruncatedTail if cell.hour == Hour::Due => Hour::Due,
                FindingKind::Gap | FindingKind::TruncatedTail => match finding.verdict {
                    Verdict::Valid => Hour::Explained,
                    _ => Hour::Missing,
                },
                FindingKind::NotFound | FindingKind::TruncatedHead if !is_there => Hour::Missing,
                _ => cell.hour.and(hour),
            };
            let file = finding.location.clone();
            cell.found.push((finding.message.clone(), file));
        }
    }
}

fn of_finding(finding: &Finding) -> Hour {
    match (finding.kind, finding.verdict) {
        (FindingKind::NoDigests, _) => Hour::Missing,
        (_, Verdict::Valid) => Hour::Explained,
        (_, Verdict::Incomplete) => Hour::Unproven,
        (_, Verdict::Invalid) => Hour::Broken,
    }
}

/// Whether a finding is about this hour: by the file that it names, else by its time.
fn is_about(finding: &Finding, cell: &Cell, place: &Place) -> bool {
    let key = finding
        .location
        .as_deref()
        .and_then(|location| location.strip_prefix("s3://"))
        .and_then(|rest| rest.split_once('/'))
        .map(|(_, key)| key);
    if let Some(key) = key {
        if let Some(end) = place.end_of_digest(key) {
            return cell.from < end && end <= cell.to;
        }
        if let Some(minute) = place.time_of_log(key) {
            let of_minute = cell.from.floor_to(std::time::Duration::from_secs(60));
            return of_minute <= minute && minute < cell.to;
        }
    }
    let time = |text: &Option<String>| text.as_deref().and_then(Timestamp::parse);
    match (time(&finding.from), time(&finding.to)) {
        (Some(from), Some(to)) => from < cell.to && cell.from < to,
        _ => false,
    }
}

/// The hours in a row, each with a word for it, and as a table.
pub(super) fn strip(c: &Context, bucket: &str, cells: &[Cell]) -> Markup {
    let hour = |at: Timestamp| at.iso8601().get(11..16).unwrap_or_default().to_owned();
    html! {
        ol.strip aria-label=(c.t(&message!("Digests, hour by hour", "1 時間ごとのダイジェスト"))) {
            @for cell in cells {
                li class={ "hour " (cell.hour.state().class()) } title={ (cell.from.iso8601()) " – " (cell.to.iso8601()) ": " (c.t(&cell.hour.says())) } {
                    span.sign aria-hidden="true" { (cell.hour.sign()) }
                    span.at aria-hidden="true" { (hour(cell.to)) }
                    span.visually-hidden { (hour(cell.from)) "–" (hour(cell.to)) " " (c.t(&cell.hour.says())) }
                }
            }
        }
        (legend(c, cells))
        @for cell in cells.iter().filter(|cell| matches!(cell.hour, Hour::Broken | Hour::Missing | Hour::Unproven | Hour::Explained)) {
            (told(c, cell))
        }
        details {
            summary { (c.t(&message!("The hours as a table", "表で見る"))) }
            (table(c, bucket, cells))
        }
    }
}

fn legend(c: &Context, cells: &[Cell]) -> Markup {
    let all = [
        Hour::Valid,
        Hour::Present,
        Hour::Broken,
        Hour::Missing,
        Hour::Unproven,
        Hour::Explained,
        Hour::Due,
        Hour::NotExpected,
    ];
    let counted = all.into_iter().filter_map(|hour| {
        let count = cells.iter().filter(|cell| cell.hour == hour).count();
        (count > 0).then_some((hour, count))
    });
    html! {
        ul.hours {
            @for (hour, count) in counted {
                li { span class={ "hour " (hour.state().class()) } aria-hidden="true" { (hour.sign()) } " " (c.t(&hour.says())) ": " (count) }
            }
        }
    }
}

/// What is wrong with an hour, and where.
fn told(c: &Context, cell: &Cell) -> Markup {
    let (from, to) = (cell.from.iso8601(), cell.to.iso8601());
    html! {
        div class={ "notice " (cell.hour.state().class()) } {
            p { (state(c, cell.hour.state(), &cell.hour.says())) " " (from) " – " (to) }
            @for (message, file) in &cell.found {
                p { (c.t(message)) }
                @if let Some(file) = file { p { code { (file) } } }
            }
            @if cell.found.is_empty() && cell.hour == Hour::Missing {
                p { (c.t(&message!("No digest of this hour is in the bucket.", "この時間のダイジェストがバケットにありません。"))) }
            }
        }
    }
}

fn table(c: &Context, bucket: &str, cells: &[Cell]) -> Markup {
    let head = [
        message!("Hour", "時間"),
        message!("State", "状態"),
        message!("Digest file", "ダイジェストファイル"),
    ];
    let rows = cells.iter().map(|cell| {
        let (from, to) = (cell.from.iso8601(), cell.to.iso8601());
        vec![
            html! { (from) " – " (to) },
            state(c, cell.hour.state(), &cell.hour.says()),
            html! { @for key in &cell.keys { div { (super::file_link(bucket, key)) } } },
        ]
    });
    let caption = message!("The digests of each hour", "1 時間ごとのダイジェスト");
    crate::page::table(c, &caption, &head, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use operator::verify::ChainReport;

    const FOLDER: &str = "AWSLogs/111122223333";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn place() -> Place {
        Place::named("logs", "AWSLogs/111122223333/", "eu-west-1", "audit", "us-east-1")
    }

    fn digest(end: &str) -> File {
        let name = format!("111122223333_CloudTrail-Digest_eu-west-1_audit_us-east-1_{end}.json.gz");
        let key = format!("{FOLDER}/CloudTrail-Digest/eu-west-1/2026/01/02/{name}");
        let time = place().end_of_digest(&key).unwrap();
        File { key, bytes: 1, time }
    }

    fn logging() -> Expected {
        Expected {
            validation: true,
            since: Some(at("2026-01-02T01:20:00Z")),
            stopped: None,
        }
    }

    fn hours(cells: &[Cell]) -> Vec<Hour> {
        cells.iter().map(|cell| cell.hour).collect()
    }

    fn from_three_to_nine() -> Vec<Cell> {
        let digests = [
            digest("20260102T023000Z"),
            digest("20260102T033000Z"),
            digest("20260102T053000Z"),
        ];
        let (from, to) = (at("2026-01-02T00:40:00Z"), at("2026-01-02T07:00:00Z"));
        cells(&digests, &logging(), from, to, to)
    }

    #[test]
    fn hours_are_as_the_listing_and_the_trail_say() {
        use Hour::{Due, Missing, NotExpected, Present};
        let found = from_three_to_nine();
        assert_eq!(found[0].to, at("2026-01-02T01:30:00Z"));
        assert_eq!(hours(&found), [NotExpected, Present, Present, Missing, Present, Due]);
        let stopped = Expected {
            validation: true,
            since: None,
            stopped: Some(at("2026-01-02T01:00:00Z")),
        };
        let (from, to) = (at("2026-01-02T00:00:00Z"), at("2026-01-02T05:00:00Z"));
        assert_eq!(
            hours(&cells(&[], &stopped, from, to, to)),
            [Missing, NotExpected, NotExpected, NotExpected, Due]
        );
    }

    #[test]
    fn findings_colour_the_hours_that_they_are_about() {
        use Hour::{Broken, Due, Explained, Missing, NotExpected, Valid};
        let finding = |kind, verdict, location: Option<String>, times: Option<(&str, &str)>| Finding {
            kind,
            verdict,
            location,
            from: times.map(|(from, _)| from.to_owned()),
            to: times.map(|(_, to)| to.to_owned()),
            explained_by: Vec::new(),
            message: Message::plain("x"),
        };
        let judged = |findings: Vec<Finding>| {
            let mut cells = from_three_to_nine();
            let chain = ChainReport {
                region: "eu-west-1".to_owned(),
                findings,
                ..ChainReport::default()
            };
            let report = Report {
                chains: vec![chain],
                ..Report::default()
            };
            judge(&mut cells, &report, &place());
            hours(&cells)
        };
        assert_eq!(judged(Vec::new()), [NotExpected, Valid, Valid, Missing, Valid, Due]);
        let log = format!(
            "s3://logs/{FOLDER}/CloudTrail/eu-west-1/2026/01/02/111122223333_CloudTrail_eu-west-1_20260102T0305Z_x.json.gz"
        );
        let tampered = finding(FindingKind::HashMismatch, Verdict::Invalid, Some(log), None);
        let gap = |verdict| {
            finding(
                FindingKind::Gap,
                verdict,
                None,
                Some(("2026-01-02T03:30:00Z", "2026-01-02T04:30:00Z")),
            )
        };
        assert_eq!(
            judged(vec![tampered, gap(Verdict::Valid)]),
            [NotExpected, Valid, Broken, Explained, Valid, Due]
        );
        assert_eq!(judged(vec![gap(Verdict::Incomplete)])[3], Missing);
        let gone = format!("s3://logs/{}", digest("20260102T043000Z").key);
        let gone = finding(FindingKind::NotFound, Verdict::Invalid, Some(gone), None);
        assert_eq!(judged(vec![gone])[3], Missing);
    }
}

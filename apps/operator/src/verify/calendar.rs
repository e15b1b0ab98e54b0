//! Hours that should have a digest: gaps between chains, and the end that may be cut off.

use super::{
    control::Control,
    group::{Chain, Stopped},
    report::{Finding, FindingKind, Verdict},
};
use crate::message;
use base::Timestamp;
use std::time::Duration;

/// Digests are of an hour each.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// A digest may be so late.
pub(crate) const LATE: Duration = Duration::from_secs(3600);
/// An event and the digests that begin or end with it may be so far apart.
const NEAR: Duration = Duration::from_secs(15 * 60);

/// Judges a chain's gaps and its end by the events of all log files. `until` is when digests should reach, if that is known;
/// `owner` is the account of the trail, if that is known and may be another than the chain's.
pub(crate) fn judge(chain: &mut Chain, controls: &[Control], until: Option<Timestamp>, owner: Option<&str>) {
    // Backfill digests are there only where something was late.
    if chain.report.backfill {
        return;
    }
    let (trail, home) = (chain.report.trail.clone(), chain.report.home_region.clone());
    let own_account = chain.report.account_id.clone();
    let is_organization = chain.report.organization_id.is_some();
    let account = owner.filter(|_| is_organization).unwrap_or(&own_account);
    let own: Vec<(Timestamp, &Control)> = controls
        .iter()
        // Others may have trails of the same name, and stop them as they like.
        .filter(|control| control.trail == trail && control.region == home && control.account == account)
        .filter_map(|control| Some((control.time()?, control)))
        .collect();
    let mut reached: Option<Timestamp> = None;
    for (start, end) in chain.windows.clone() {
        match reached {
            Some(before) if start > before => gap(chain, &own, before, start),
            Some(before) if start < before => overlap(chain, start, before),
            Some(before) if chain.begins.contains(&start) => begun(chain, &own, before),
            _ => {}
        }
        reached = reached.max(Some(end));
    }
    // The newest log file proves that there was an hour to speak of.
    let until = until.max(chain.newest_log);
    if let (Some(reached), Some(until)) = (reached, until) {
        tail(chain, &own, reached, until);
    }
}

fn gap(chain: &mut Chain, own: &[(Timestamp, &Control)], from: Timestamp, to: Timestamp) {
    let mut explained: Vec<Control> = Vec::new();
    let ends = |at: Timestamp| from.minus(HOUR) <= at && at <= from.plus(NEAR);
    let begins = |at: Timestamp| to.minus(HOUR + NEAR) <= at && at <= to.plus(HOUR + NEAR);
    explained.extend(
        own.iter()
            .filter(|(at, control)| control.ends() && ends(*at))
            .map(|(_, control)| (*control).clone()),
    );
    let has_end = !explained.is_empty();
    explained.extend(
        own.iter()
            .filter(|(at, control)| control.begins() && begins(*at))
            .map(|(_, control)| (*control).clone()),
    );
    explained.sort();
    explained.dedup();
    // A gap where a digest is missing or bad is that finding's.
    let has_bad = chain.report.digests.invalid + chain.report.digests.unproven > 0;
    let hours = to.since(from).as_secs().div_ceil(3600);
    let (from, to) = (from.iso8601(), to.iso8601());
    let message = match (has_end, has_bad) {
        (true, _) => message!(
            "No digest for {hours} hours, from {from} to {to}: the trail was stopped or changed.",
            "{from} から {to} まで {hours} 時間分のダイジェストがありません。証跡が停止または変更されていました。"
        ),
        (false, true) => message!(
            "No valid digest for {hours} hours, from {from} to {to}.",
            "{from} から {to} まで {hours} 時間分の有効なダイジェストがありません。"
        ),
        (false, false) => message!(
            "No digest for {hours} hours, from {from} to {to}, and no event of the trail explains it.",
            "{from} から {to} まで {hours} 時間分のダイジェストがなく、それを説明する証跡のイベントもありません。"
        ),
    };
    chain.report.find(Finding {
        kind: FindingKind::Gap,
        verdict: if has_end { Verdict::Valid } else { Verdict::Incomplete },
        location: None,
        from: Some(from),
        to: Some(to),
        explained_by: explained,
        message,
    });
}

/// A chain that begins where another ends.
fn begun(chain: &mut Chain, own: &[(Timestamp, &Control)], at: Timestamp) {
    let is_near = |time: Timestamp| at.minus(HOUR + NEAR) <= time && time <= at.plus(HOUR + NEAR);
    let near = own
        .iter()
        .filter(|(time, control)| (control.ends() || control.begins()) && is_near(*time));
    let explained: Vec<Control> = near.map(|(_, control)| (*control).clone()).collect();
    let time = at.iso8601();
    let (verdict, message) = match explained.iter().any(Control::ends) {
        true => (
            Verdict::Valid,
            message!(
                "The chain of digests begins anew at {time}: the trail was stopped or changed.",
                "{time} にダイジェストのチェーンが新しく始まっています。証跡が停止または変更されていました。"
            ),
        ),
        false => (
            Verdict::Incomplete,
            message!(
                "The chain of digests begins anew at {time}, and no event of the trail explains it: digests may have been removed.",
                "{time} にダイジェストのチェーンが新しく始まっていますが、それを説明する証跡のイベントがありません。ダイジェストが削除された可能性があります。"
            ),
        ),
    };
    chain.report.find(Finding {
        kind: FindingKind::BegunAnew,
        verdict,
        location: None,
        from: Some(time.clone()),
        to: Some(time),
        explained_by: explained,
        message,
    });
}

fn overlap(chain: &mut Chain, from: Timestamp, to: Timestamp) {
    let (from, to) = (from.iso8601(), to.iso8601());
    chain.report.find(Finding {
        kind: FindingKind::Overlap,
        verdict: Verdict::Incomplete,
        location: None,
        message: message!(
            "More than one digest speaks of the time from {from} to {to}.",
            "{from} から {to} までを複数のダイジェストが対象としています。"
        ),
        from: Some(from),
        to: Some(to),
        explained_by: Vec::new(),
    });
}

fn tail(chain: &mut Chain, own: &[(Timestamp, &Control)], reached: Timestamp, until: Timestamp) {
    if until <= reached.plus(HOUR + LATE) {
        return;
    }
    // The last of the trail's own events before its digests end or soon after.
    let last = own
        .iter()
        .filter(|(at, control)| *at >= reached.minus(HOUR) && (control.ends() || control.begins()))
        .max_by_key(|(at, _)| *at);
    let last = last.filter(|(_, control)| control.ends());
    chain.stopped = last.map(|(at, _)| Stopped {
        reached,
        at: *at,
        until,
    });
    let stopped = last.map(|(_, control)| (*control).clone());
    let (from, to) = (reached.iso8601(), until.iso8601());
    let message = match &stopped {
        Some(_) => message!(
            "The newest digest ends at {from}: the trail was stopped or changed.",
            "最新のダイジェストは {from} までです。証跡が停止または変更されていました。"
        ),
        None => message!(
            "The newest digest ends at {from}, though there should be digests until {to}: the end of the chain may have been cut off.",
            "最新のダイジェストは {from} までですが、{to} まであるはずです。チェーンの末尾が削除された可能性があります。"
        ),
    };
    chain.report.find(Finding {
        kind: FindingKind::TruncatedTail,
        verdict: if stopped.is_some() {
            Verdict::Valid
        } else {
            Verdict::Incomplete
        },
        location: None,
        from: Some(from),
        to: Some(to),
        explained_by: stopped.into_iter().collect(),
        message,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::report::ChainReport;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + minutes * 60)
    }

    fn chain(windows: &[(i64, i64)]) -> Chain {
        Chain {
            report: ChainReport {
                account_id: "1".to_owned(),
                trail: "t".to_owned(),
                home_region: "r".to_owned(),
                ..ChainReport::default()
            },
            windows: windows.iter().map(|(from, to)| (at(*from), at(*to))).collect(),
            begins: Vec::new(),
            newest_log: None,
            stopped: None,
        }
    }

    fn control(name: &str, minutes: i64) -> Control {
        Control {
            event_time: at(minutes).iso8601(),
            event_name: name.to_owned(),
            event_id: "e".to_owned(),
            who: "a".to_owned(),
            account: "1".to_owned(),
            trail: "t".to_owned(),
            region: "r".to_owned(),
            validation: None,
        }
    }

    fn found(windows: &[(i64, i64)], controls: &[Control], until: i64) -> Vec<(FindingKind, Verdict, usize)> {
        let mut chain = chain(windows);
        judge(&mut chain, controls, Some(at(until)), None);
        let findings = chain.report.findings.iter();
        findings
            .map(|finding| (finding.kind, finding.verdict, finding.explained_by.len()))
            .collect()
    }

    #[test]
    fn a_chain_that_begins_where_another_ends_must_have_a_reason() {
        for (events, verdict) in [
            (vec![], Verdict::Incomplete),
            (vec![control("StopLogging", 59)], Verdict::Valid),
        ] {
            let mut chain = chain(&[(0, 60), (60, 120)]);
            chain.begins = vec![at(60), at(0)];
            judge(&mut chain, &events, Some(at(120)), None);
            let [finding] = chain.report.findings.as_slice() else {
                unreachable!("one")
            };
            assert_eq!((finding.kind, finding.verdict), (FindingKind::BegunAnew, verdict));
        }
    }

    #[test]
    fn hours_without_digests_are_found_and_explained() {
        let whole = [(0, 60), (60, 120)];
        assert_eq!(found(&whole, &[], 240), []);
        assert_eq!(
            found(&whole, &[], 241),
            [(FindingKind::TruncatedTail, Verdict::Incomplete, 0)]
        );
        let stopped = [control("StopLogging", 110)];
        assert_eq!(
            found(&whole, &stopped, 999),
            [(FindingKind::TruncatedTail, Verdict::Valid, 1)]
        );
        let again = [control("StopLogging", 110), control("StartLogging", 115)];
        assert_eq!(
            found(&whole, &again, 999),
            [(FindingKind::TruncatedTail, Verdict::Incomplete, 0)]
        );
        let holed = [(0, 60), (300, 360)];
        assert_eq!(found(&holed, &[], 360), [(FindingKind::Gap, Verdict::Incomplete, 0)]);
        let explained = [control("StopLogging", 55), control("StartLogging", 301)];
        assert_eq!(found(&holed, &explained, 360), [(FindingKind::Gap, Verdict::Valid, 2)]);
        let of_another = stopped.clone().map(|control| Control {
            account: "2".to_owned(),
            ..control
        });
        assert_eq!(
            found(&whole, &of_another, 999),
            [(FindingKind::TruncatedTail, Verdict::Incomplete, 0)]
        );
        let unrelated = [control("StopLogging", 200)];
        assert_eq!(
            found(&holed, &unrelated, 360),
            [(FindingKind::Gap, Verdict::Incomplete, 0)]
        );
        assert_eq!(
            found(&[(0, 60), (30, 90)], &[], 90),
            [(FindingKind::Overlap, Verdict::Incomplete, 0)]
        );
    }
}

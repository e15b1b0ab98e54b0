//! What CloudTrail says of trails today, beside what their files say: files can be taken away without a trace, the trail's state not.
//!
//! A chain may end with a StopLogging of its own, and with it all that came after a later StartLogging may have been removed: the
//! trail's state tells when it was started last and when its last digest was delivered. And a trail all of whose digests are gone
//! leaves nothing to look at but that it should have some.

use super::{
    What,
    calendar::{HOUR, LATE},
    group::{Chain, Stopped},
    report::{ChainReport, Finding, FindingKind, Verdict},
};
use crate::{
    aws::{Client, Error},
    message,
    message::Message,
};
use base::Timestamp;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;
use wire::ServiceName;

/// An event and what the trail's state says of it may be so far apart.
const NEAR: std::time::Duration = std::time::Duration::from_secs(15 * 60);

/// A trail as DescribeTrails has it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Trail {
    #[serde(rename = "TrailARN")]
    pub(super) arn: Option<String>,
    #[serde(rename = "S3BucketName")]
    pub(super) bucket: Option<String>,
    #[serde(rename = "S3KeyPrefix")]
    pub(super) prefix: Option<String>,
    #[serde(rename = "IsMultiRegionTrail", default)]
    pub(super) is_of_all_regions: bool,
    #[serde(rename = "LogFileValidationEnabled", default)]
    has_digests: bool,
}

/// What GetTrailStatus says; times in seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    #[serde(default)]
    is_logging: bool,
    start_logging_time: Option<f64>,
    stop_logging_time: Option<f64>,
    latest_digest_delivery_time: Option<f64>,
}

impl Status {
    fn time(seconds: Option<f64>) -> Option<Timestamp> {
        seconds.map(|seconds| Timestamp::from_secs(seconds as i64))
    }

    fn started(&self) -> Option<Timestamp> {
        Status::time(self.start_logging_time)
    }

    fn delivered(&self) -> Option<Timestamp> {
        Status::time(self.latest_digest_delivery_time)
    }
}

/// Asks for the state of each trail whose chain ends by its own account, and tells where the state says otherwise. Without a client
/// nobody can be asked, which is said.
pub(super) async fn confirm(client: Option<&Client>, chains: &mut [Chain], owner: Option<&str>) {
    let mut under_way = JoinSet::new();
    for (place, chain) in chains.iter().enumerate() {
        let Some(stopped) = chain.stopped else { continue };
        let arn = arn_of(&chain.report, owner);
        let client = client.map(|client| client.in_region(&chain.report.region));
        under_way.spawn(async move {
            let status = match client {
                Some(client) => Some(status(&client, &arn).await),
                None => None,
            };
            (place, stopped, status)
        });
    }
    let mut asked = Vec::new();
    while let Some(done) = under_way.join_next().await {
        asked.extend(done.ok());
    }
    asked.sort_by_key(|(place, ..)| *place);
    for (place, stopped, status) in asked {
        let told = match status {
            Some(Ok(status)) => contradiction(stopped, status).map(|message| (Verdict::Incomplete, message)),
            Some(Err(error)) => Some((Verdict::Valid, unknown(&error.to_string()))),
            None => Some((Verdict::Valid, unknown("no endpoint"))),
        };
        if let (Some((verdict, message)), Some(chain)) = (told, chains.get_mut(place)) {
            let kind = match verdict {
                Verdict::Valid => FindingKind::StatusUnknown,
                _ => FindingKind::TruncatedTail,
            };
            chain.report.find(Finding {
                kind,
                verdict,
                location: None,
                from: Some(stopped.reached.iso8601()),
                to: Some(stopped.until.iso8601()),
                explained_by: Vec::new(),
                message,
            });
        }
    }
}

fn unknown(why: &str) -> Message {
    message!(
        "Whether the trail was started again since is not known: GetTrailStatus could not be asked ({why}).",
        "その後証跡が再開されたかどうかは不明です: GetTrailStatus を呼び出せません ({why})。"
    )
}

/// Why the trail's state and the end of its chain do not agree.
fn contradiction(stopped: Stopped, status: Status) -> Option<Message> {
    let Stopped { reached, at, until } = stopped;
    let reached_text = reached.iso8601();
    // Of a delivery after the time that is looked at, nothing follows for that time.
    if let Some(delivered) = status.delivered()
        && delivered > reached.plus(HOUR + LATE)
        && delivered <= until.plus(HOUR)
    {
        let delivered = delivered.iso8601();
        return Some(message!(
            "CloudTrail says that it delivered a digest at {delivered}; the newest one that is here ends at {reached_text}: the end of the chain was cut off.",
            "CloudTrail は {delivered} にダイジェストを配信したと回答していますが、ここにある最新のものは {reached_text} までです。チェーンの末尾が削除されています。"
        ));
    }
    if let Some(started) = status.started()
        && started > at
        && started.plus(HOUR + LATE) < until
    {
        let started = started.iso8601();
        return Some(message!(
            "CloudTrail says that the trail was started again at {started}; the newest digest that is here ends at {reached_text}: the end of the chain may have been cut off.",
            "CloudTrail は証跡が {started} に再開されたと回答していますが、ここにある最新のダイジェストは {reached_text} までです。チェーンの末尾が削除された可能性があります。"
        ));
    }
    let stopped_later = Status::time(status.stop_logging_time).filter(|time| *time > at.plus(NEAR) && *time <= until);
    stopped_later.filter(|_| !status.is_logging).map(|time| {
        let time = time.iso8601();
        message!(
            "CloudTrail says that the trail was stopped at {time}, after the stop that is here: digests between the two may have been removed.",
            "CloudTrail は証跡が {time} に停止されたと回答しており、ここにある停止より後です。その間のダイジェストが削除された可能性があります。"
        )
    })
}

/// Chains of trails that should have digests in their home Regions, and of which there are none.
pub(super) async fn missing(
    client: &Client,
    trails: &[Trail],
    chains: &[Chain],
    what: &What,
    now: Timestamp,
) -> Vec<Chain> {
    let mut found = Vec::new();
    for trail in trails.iter().filter(|trail| trail.has_digests) {
        let Some((arn, [home, owner, name])) = trail.arn.as_deref().and_then(|arn| Some((arn, parts(arn)?))) else {
            continue;
        };
        let is_meant = what.account.as_deref().is_none_or(|account| account == owner)
            && (what.regions.is_empty() || what.regions.iter().any(|region| region == home));
        let is_there = chains.iter().any(|chain| {
            let report = &chain.report;
            (report.trail == name || report.trail == "-") && report.region == home && report.account_id == owner
        });
        if !is_meant || is_there {
            continue;
        }
        let told = match status(&client.in_region(home), arn).await {
            Ok(status) => should_have_digests(status, what, now),
            Err(error) => Some(message!(
                "There are no digests of the trail. Whether there should be some is not known: GetTrailStatus could not be asked ({error}).",
                "証跡のダイジェストがありません。あるはずかどうかは不明です: GetTrailStatus を呼び出せません ({error})。"
            )),
        };
        let Some(message) = told else { continue };
        let mut report = ChainReport {
            account_id: owner.to_owned(),
            region: home.to_owned(),
            trail: name.to_owned(),
            home_region: home.to_owned(),
            ..ChainReport::default()
        };
        report.find(Finding {
            kind: FindingKind::NoDigests,
            verdict: Verdict::Incomplete,
            location: trail.bucket.as_ref().map(|bucket| format!("s3://{bucket}")),
            from: what.start.map(Timestamp::iso8601),
            to: what.end.map(Timestamp::iso8601),
            explained_by: Vec::new(),
            message,
        });
        found.push(Chain::bare(report));
    }
    found
}

fn should_have_digests(status: Status, what: &What, now: Timestamp) -> Option<Message> {
    let (from, until) = (what.start.unwrap_or(Timestamp::EPOCH), what.end.unwrap_or(now));
    if let Some(delivered) = status
        .delivered()
        .filter(|delivered| *delivered >= from && *delivered <= until.plus(HOUR))
    {
        let delivered = delivered.iso8601();
        return Some(message!(
            "There are no digests of the trail, and CloudTrail says that it delivered one at {delivered}.",
            "証跡のダイジェストがありませんが、CloudTrail は {delivered} に配信したと回答しています。"
        ));
    }
    let started = status
        .started()
        .filter(|started| status.is_logging && started.plus(HOUR + LATE) < until)?;
    let started = started.iso8601();
    Some(message!(
        "There are no digests of the trail, and CloudTrail says that it has been logging since {started}.",
        "証跡のダイジェストがありませんが、CloudTrail は {started} から記録中と回答しています。"
    ))
}

async fn status(client: &Client, arn: &str) -> Result<Status, Error> {
    client
        .ask(ServiceName::CloudTrail, "GetTrailStatus", &json!({ "Name": arn }))
        .await
}

/// Home Region, account and name.
pub(super) fn parts(arn: &str) -> Option<[&str; 3]> {
    let (head, name) = arn.split_once(":trail/")?;
    let mut parts = head.rsplit(':');
    let (owner, home) = (parts.next()?, parts.next()?);
    Some([home, owner, name])
}

fn arn_of(report: &ChainReport, owner: Option<&str>) -> String {
    let ChainReport { home_region, trail, .. } = report;
    let owner = owner
        .filter(|_| report.organization_id.is_some())
        .unwrap_or(&report.account_id);
    let partition = match home_region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if home_region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    format!("arn:{partition}:cloudtrail:{home_region}:{owner}:trail/{trail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + minutes * 60)
    }

    #[test]
    fn a_stop_that_the_trails_state_does_not_know_is_told() {
        let stopped = Stopped {
            reached: at(60),
            at: at(50),
            until: at(600),
        };
        let seconds = |minutes: i64| Some(at(minutes).as_secs() as f64);
        let state = |is_logging: bool, start: i64, stop: i64, delivered: i64| Status {
            is_logging,
            start_logging_time: seconds(start),
            stop_logging_time: seconds(stop),
            latest_digest_delivery_time: seconds(delivered),
        };
        let differs = |status: Status| contradiction(stopped, status).is_some();
        assert!(!differs(state(false, 0, 50, 65)), "stopped, and never started again");
        assert!(differs(state(false, 0, 50, 400)), "a later digest was delivered");
        assert!(differs(state(true, 200, 50, 65)), "started again");
        assert!(!differs(state(true, 500, 50, 65)), "started just now: no digest yet");
        assert!(!differs(state(true, 700, 50, 900)), "after the time that is looked at");
        assert!(differs(state(false, 40, 300, 65)), "stopped once more");
        assert!(!differs(Status::default()), "what is not said is no reason");
    }

    #[test]
    fn arns_are_taken_apart_and_made() {
        let arn = "arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/a.b";
        assert_eq!(parts(arn), Some(["cn-north-1", "111122223333", "a.b"]));
        let report = ChainReport {
            account_id: "111122223333".to_owned(),
            home_region: "cn-north-1".to_owned(),
            trail: "a.b".to_owned(),
            ..ChainReport::default()
        };
        assert_eq!(arn_of(&report, Some("999988887777")), arn);
        assert_eq!(parts("audit"), None);
    }
}

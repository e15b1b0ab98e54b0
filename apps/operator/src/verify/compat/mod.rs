//! What `aws cloudtrail validate-logs` prints, byte for byte, with the same arguments (awscli 1.46.3), in less time: digests are
//! read ahead by the listing, log files of many digests at once; what was found is said in the stock validator's order.
//!
//! The chain is walked as the stock validator walks it, with its own turns: a previous digest in another bucket, a starting
//! digest after a gap, a digest that is missing or bad, after which it goes on with the next listed one.
//!
//! SPEC: <https://docs.aws.amazon.com/cli/latest/reference/cloudtrail/validate-logs.html>

mod date;
mod files;
mod report;
pub(crate) mod stock;
mod walk;

use crate::aws::{Budget, Client, Error, Service};
use base::Timestamp;
use date::Date;
use files::{Bounds, Files, Range, raised};
use report::Report;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;
use walk::{Chain, Walk};
use wire::ServiceName;

/// What the command was told, as it was told.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// `--trail-arn`
    pub trail_arn: String,
    /// `--start-time`
    pub start_time: String,
    /// `--end-time`; without it, now.
    pub end_time: Option<String>,
    /// `--s3-bucket`
    pub s3_bucket: Option<String>,
    /// `--s3-prefix`
    pub s3_prefix: Option<String>,
    /// `--account-id`
    pub account_id: Option<String>,
    /// `--verbose`
    pub verbose: bool,
    /// `--region`, if it was given: the Region whose digests are looked at, else the trail's home Region's.
    pub region: Option<String>,
}

/// Where a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How much may be under way at once.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Calls.
    pub calls: usize,
    /// Bytes of bodies.
    pub bytes: u64,
    /// Threads at work on bytes.
    pub cores: usize,
}

impl Effort {
    /// So many files are worked on at once: one more than there are cores, so that none waits while a file is handed over.
    pub(crate) fn turns(&self) -> usize {
        self.cores.max(1) + 1
    }
}

/// Ends the command with an exit status other than that of the findings.
#[derive(Debug)]
pub(crate) enum Raised {
    /// A service said no (botocore's `ClientError`).
    Client { code: String, message: String },
    /// A digest is bad; the text is the whole line.
    Digest(String),
    /// Anything else that Python would raise, by its text.
    Other(String),
    /// The stock validator would never end. It has no words for that; these are ours.
    Endless(String),
    /// There are no credentials.
    NoCredentials,
}

/// The stock validator's status when it cannot go on.
const FAILED: u8 = 255;

/// Validates as the stock validator does, and says through `say` what it prints. Without a client there is no Region, which is
/// said in its words. The answer is the exit status: 0 when all is valid, 1 when something is not, 255 when it cannot go on.
pub async fn validate_logs(
    client: Option<&Client>,
    arguments: Arguments,
    effort: Effort,
    now: Timestamp,
    say: &mut (dyn FnMut(Stream, &str) + Send),
) -> u8 {
    let mut report = Report::new(say, arguments.verbose);
    match run(client, &arguments, effort, now, &mut report).await {
        Ok(()) => u8::from(report.has_invalid()),
        Err(raised) => {
            report.fail(&raised);
            FAILED
        }
    }
}

async fn run(
    client: Option<&Client>,
    arguments: &Arguments,
    effort: Effort,
    now: Timestamp,
    report: &mut Report<'_>,
) -> Result<(), Raised> {
    let range = range(arguments, now)?;
    let no_region = "You must specify a region. You can also configure your region by running \"aws configure\".";
    let client = client.ok_or_else(|| Raised::Digest(no_region.to_owned()))?;
    let chain = chain(client, arguments).await?;
    report.begin(&arguments.trail_arn, range);
    let bounds = Bounds {
        calls: Arc::new(Semaphore::new(effort.calls.max(1))),
        budget: Budget::new(effort.bytes),
        cores: Arc::new(Semaphore::new(effort.turns())),
    };
    let files = Files::new(client.clone(), bounds);
    let walk = Walk::new(client.clone(), files, chain, range, today(now));
    walk.run(report).await?;
    report.end(range);
    Ok(())
}

fn range(arguments: &Arguments, now: Timestamp) -> Result<Range, Raised> {
    let read = |text: &str| {
        Date::read(text, today(now))
            .map(Date::normalized)
            .map_err(Raised::Other)
    };
    let start = read(&arguments.start_time)?;
    let end = match arguments.end_time.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => read(text)?,
        None => read(&now.iso8601())?,
    };
    if start.compare(end).map_err(Raised::Other)?.is_gt() {
        let said = "Invalid time range specified: start-time must occur before end-time";
        return Err(Raised::Other(said.to_owned()));
    }
    Ok(Range { start, end })
}

/// Reads a time, in UTC whatever zone is written.
pub(super) fn read_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    let read = Date::read(text, today(now)).ok()?;
    Some(Timestamp::from_secs(read.normalized().epoch()))
}

fn today(now: Timestamp) -> jiff::civil::Date {
    let at = jiff::Timestamp::from_second(now.as_secs()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Which chain is meant, by the ARN, the options and what DescribeTrails says.
async fn chain(client: &Client, arguments: &Arguments) -> Result<Chain, Raised> {
    let arn = arguments.trail_arn.as_str();
    if !is_trail_arn(arn) {
        return Err(Raised::Other(format!("Invalid trail ARN provided: {arn}")));
    }
    let mut bucket = arguments.s3_bucket.clone();
    let mut prefix = arguments.s3_prefix.clone();
    let account = arguments.account_id.clone().filter(|account| !account.is_empty());
    let mut organization = None;
    if bucket.is_none() {
        let trail = described(client, arn).await?;
        prefix = trail.prefix;
        bucket = Some(trail.bucket.ok_or_else(|| Raised::Other("'S3BucketName'".to_owned()))?);
        if trail.is_organization {
            if account.is_none() {
                let said = "Missing required parameter for organization trail: '--account-id'";
                return Err(Raised::Other(said.to_owned()));
            }
            organization = Some(organization_id(client).await?);
        }
    }
    let parts: Vec<&str> = arn.split(':').collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default().to_owned();
    let home_region = part(3);
    Ok(Chain {
        bucket: bucket.unwrap_or_default(),
        prefix: prefix.filter(|prefix| !prefix.is_empty()),
        account: account.unwrap_or_else(|| part(4)),
        organization,
        region: arguments.region.clone().unwrap_or_else(|| home_region.clone()),
        home_region,
        trail: arn.rsplit('/').next().unwrap_or_default().to_owned(),
    })
}

/// `arn:.+:cloudtrail:.+:\d{12}:trail/.+`, anything after it.
fn is_trail_arn(arn: &str) -> bool {
    let shape = regex_lite::Regex::new(r"^arn:.+:cloudtrail:.+:\d{12}:trail/.+");
    shape.is_ok_and(|shape| shape.is_match(arn))
}

#[derive(Deserialize)]
struct Described {
    #[serde(rename = "trailList", default)]
    trails: Vec<DescribedTrail>,
}

#[derive(Deserialize)]
struct DescribedTrail {
    #[serde(rename = "TrailARN")]
    arn: Option<String>,
    #[serde(rename = "S3BucketName")]
    bucket: Option<String>,
    #[serde(rename = "S3KeyPrefix")]
    prefix: Option<String>,
    #[serde(rename = "IsOrganizationTrail", default)]
    is_organization: bool,
}

async fn described(client: &Client, arn: &str) -> Result<DescribedTrail, Raised> {
    let asked = client.ask(ServiceName::CloudTrail, "DescribeTrails", &json!({})).await;
    let described: Described = asked.map_err(|error: Error| raised("DescribeTrails", error))?;
    let mut trails = described.trails.into_iter();
    let found = trails.find(|trail| trail.arn.as_deref() == Some(arn));
    found.ok_or_else(|| Raised::Other(format!("A trail could not be found for {arn}")))
}

async fn organization_id(client: &Client) -> Result<String, Raised> {
    let asked = client
        .json(Service::ORGANIZATIONS, "DescribeOrganization", &json!({}))
        .await;
    let answer = asked.map_err(|error| raised("DescribeOrganization", error))?;
    match &answer["Organization"]["Id"] {
        Value::String(id) => Ok(id.clone()),
        _ => Err(Raised::Other("'Organization'".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trail_arns_are_taken() {
        assert!(is_trail_arn("arn:aws:cloudtrail:us-east-1:000000000000:trail/audit"));
        assert!(is_trail_arn("arn:aws-cn:cloudtrail:cn-north-1:000000000000:trail/a/b"));
        for arn in [
            "audit",
            "arn:aws:cloudtrail:us-east-1:00000000000:trail/audit",
            "arn:aws:cloudtrail:us-east-1:000000000000:trail/",
            "arn:aws:s3:::b",
        ] {
            assert!(!is_trail_arn(arn), "{arn}");
        }
    }

    #[tokio::test]
    async fn what_cannot_begin_says_so_in_the_stock_words() {
        let check = async |arguments: Arguments, expected: &str| {
            let mut said = String::new();
            let effort = Effort {
                calls: 1,
                bytes: 1,
                cores: 1,
            };
            let now = Timestamp::from_secs(1_800_000_000);
            let status = validate_logs(None, arguments, effort, now, &mut |stream, text| {
                assert_eq!(stream, Stream::Err);
                said.push_str(text);
            })
            .await;
            assert_eq!((status, said.as_str()), (255, expected));
        };
        let arguments = |start: &str, end: &str| Arguments {
            start_time: start.to_owned(),
            end_time: Some(end.to_owned()),
            ..Arguments::default()
        };
        check(arguments("never", ""), "\nUnable to parse date value: never\n").await;
        check(
            arguments("2020-01-02", "2020-01-01"),
            "\nInvalid time range specified: start-time must occur before end-time\n",
        )
        .await;
        check(
            arguments("2020-01-02", ""),
            "You must specify a region. You can also configure your region by running \"aws configure\".\n",
        )
        .await;
    }
}

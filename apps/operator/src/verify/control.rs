//! The trail's own events: who stopped, started, changed or deleted it, as its log files tell.

use base::Timestamp;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::LazyLock;

/// An event by which a trail's digests may begin or end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Control {
    /// When.
    pub event_time: String,
    /// `StopLogging`, `StartLogging`, `UpdateTrail`, `CreateTrail` or `DeleteTrail`.
    pub event_name: String,
    /// Its id.
    pub event_id: String,
    /// The caller's ARN.
    pub who: String,
    /// The trail's account.
    #[serde(default)]
    pub account: String,
    /// The trail's name.
    pub trail: String,
    /// The trail's home Region.
    pub region: String,
    /// What it says of the validation of log files, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<bool>,
}

impl Control {
    /// Whether digests end with it.
    pub fn ends(&self) -> bool {
        match self.event_name.as_str() {
            "StopLogging" | "DeleteTrail" => true,
            "UpdateTrail" => self.validation == Some(false),
            _ => false,
        }
    }

    /// Whether digests begin with it.
    pub fn begins(&self) -> bool {
        match self.event_name.as_str() {
            "StartLogging" => true,
            "UpdateTrail" | "CreateTrail" => self.validation == Some(true),
            _ => false,
        }
    }

    pub(crate) fn time(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.event_time)
    }
}

const NAMES: [&str; 5] = [
    "StopLogging",
    "StartLogging",
    "UpdateTrail",
    "CreateTrail",
    "DeleteTrail",
];

#[derive(Deserialize)]
struct File<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<Record<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    event_name: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    event_source: std::borrow::Cow<'a, str>,
    #[serde(default)]
    event_time: String,
    #[serde(rename = "eventID", default)]
    event_id: String,
    #[serde(default)]
    aws_region: String,
    #[serde(default)]
    user_identity: Value,
    #[serde(default)]
    request_parameters: Value,
    error_code: Option<String>,
}

/// What every log file with such an event has somewhere: the service that the event is of.
pub(crate) fn of_trails() -> &'static Finder<'static> {
    static SERVICE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"cloudtrail."));
    &SERVICE
}

/// The events of this kind in a log file's content.
pub(crate) fn controls(content: &[u8]) -> Vec<Control> {
    static ENDINGS: LazyLock<[Finder<'static>; 2]> =
        LazyLock::new(|| [Finder::new("Logging\""), Finder::new("Trail\"")]);
    // Most files have none, and are not parsed.
    if !ENDINGS.iter().any(|ending| ending.find(content).is_some()) {
        return Vec::new();
    }
    let Ok(file) = serde_json::from_slice::<File<'_>>(content) else {
        return Vec::new();
    };
    file.records.into_iter().filter_map(control).collect()
}

fn control(record: Record<'_>) -> Option<Control> {
    let is_one = record.event_source == "cloudtrail.amazonaws.com" && NAMES.contains(&record.event_name.as_ref());
    if !is_one || record.error_code.is_some() {
        return None;
    }
    let named = record.request_parameters["name"].as_str()?;
    // Without an ARN it is of the account whose log file it is.
    let (trail, region, account) = match named.strip_prefix("arn:") {
        Some(arn) => (arn.rsplit('/').next()?, arn.split(':').nth(2)?, arn.split(':').nth(3)?),
        None => (named, record.aws_region.as_str(), ""),
    };
    Some(Control {
        event_time: record.event_time,
        event_name: record.event_name.into_owned(),
        event_id: record.event_id,
        who: record.user_identity["arn"].as_str().unwrap_or_default().to_owned(),
        account: account.to_owned(),
        trail: trail.to_owned(),
        region: region.to_owned(),
        validation: record.request_parameters["enableLogFileValidation"].as_bool(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, more: &str) -> String {
        format!(
            r#"{{"Records":[{{"eventName":"Decrypt","eventSource":"kms.amazonaws.com"}},{{"eventName":"{name}","eventSource":"cloudtrail.amazonaws.com","eventTime":"2026-11-01T01:02:03Z","eventID":"e","awsRegion":"us-east-1","userIdentity":{{"arn":"a"}},{more}}}]}}"#
        )
    }

    #[test]
    fn only_what_was_done_to_a_trail_is_told() {
        let found = controls(file("StopLogging", r#""requestParameters":{"name":"audit"}"#).as_bytes());
        let [control] = found.as_slice() else {
            unreachable!("one")
        };
        assert!(control.ends() && !control.begins());
        assert_eq!((control.trail.as_str(), control.who.as_str()), ("audit", "a"));
        let arn = r#""requestParameters":{"name":"arn:aws:cloudtrail:eu-west-1:000000000000:trail/t","enableLogFileValidation":true}"#;
        let found = controls(file("UpdateTrail", arn).as_bytes());
        assert_eq!((found[0].trail.as_str(), found[0].region.as_str()), ("t", "eu-west-1"));
        assert!(found[0].begins() && !found[0].ends());
        let refused = r#""errorCode":"AccessDenied","requestParameters":{"name":"audit"}"#;
        assert!(controls(file("StopLogging", refused).as_bytes()).is_empty());
        assert!(controls(file("GetTrail", r#""requestParameters":{"name":"audit"}"#).as_bytes()).is_empty());
        assert!(controls(b"no JSON, Logging\"").is_empty());
    }
}

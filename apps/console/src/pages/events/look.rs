//! Looking events up, page by page, no further than a request may.

use super::asked::Asked;
use crate::AGENT;
use base::Timestamp;
use operator::{
    aws::{Client, Error},
    search::{Event, Matcher},
    shoseki::{Condition, Outcome},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wire::{EpochSeconds, ServiceName};

/// Events in an answer of LookupEvents, at most.
const PAGE: usize = 50;

/// An event as LookupEvents tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) event_id: String,
    #[serde(default)]
    pub(super) event_name: String,
    #[serde(default)]
    event_source: String,
    #[serde(default)]
    read_only: String,
    pub(super) access_key_id: Option<String>,
    event_time: Option<EpochSeconds>,
    pub(super) username: Option<String>,
    #[serde(default)]
    pub(super) resources: Vec<Resource>,
    /// The record, as a log file has it.
    #[serde(default)]
    pub(super) cloud_trail_event: String,
}

/// What an event was about.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Resource {
    pub(super) resource_type: Option<String>,
    pub(super) resource_name: Option<String>,
}

impl Entry {
    /// The record's parts.
    pub(super) fn event(&self) -> Event<'_> {
        Event::of(&self.cloud_trail_event)
    }

    /// How the call ended.
    pub(super) fn outcome(&self) -> Outcome {
        Outcome::of(self.event().error_code().as_deref())
    }

    /// Whether the console made the call in order to show something.
    pub(super) fn is_own_read(&self) -> bool {
        let event = self.event();
        event.read_only() == Some(true) && event.user_agent().starts_with(AGENT)
    }

    /// Whether the event has an attribute, as LookupEvents compares it.
    fn has(&self, one: &Condition) -> bool {
        let value = Some(one.value.as_str());
        match one.key.as_str() {
            "AccessKeyId" => self.access_key_id.as_deref() == value,
            // A bucket is known by its name and by its ARN.
            "ResourceName" => {
                let wanted = one.value.strip_prefix("arn:aws:s3:::").unwrap_or(&one.value);
                let mut names = self
                    .resources
                    .iter()
                    .filter_map(|resource| resource.resource_name.as_deref());
                names.any(|name| name == wanted || name == one.value)
            }
            "EventName" => Some(self.event_name.as_str()) == value,
            "Username" => self.username.as_deref() == value,
            "EventSource" => Some(self.event_source.as_str()) == value,
            "ReadOnly" => Some(self.read_only.as_str()) == value,
            _ => false,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    events: Vec<Entry>,
    next_token: Option<String>,
}

/// How far one request goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// When so many events are found, no further page is asked for.
    pub(super) events: usize,
    /// Calls.
    pub(super) calls: usize,
    /// Time, after which no further call is made.
    pub(super) time: Duration,
}

/// What a page of the console shows at once.
pub(super) const OF_A_PAGE: Reach = Reach {
    events: PAGE,
    calls: 10,
    time: Duration::from_secs(3),
};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The events, newest first.
    pub(super) entries: Vec<Entry>,
    /// Reads of the console itself among what was looked at, which were left out.
    pub(super) hidden: usize,
    /// So many events were looked at.
    pub(super) looked_at: usize,
    /// When the last of them happened.
    pub(super) back_to: Option<Timestamp>,
    /// With what the same question goes on; nothing when that is all.
    pub(super) next: Option<String>,
}

fn input(asked: &Asked, attribute: Option<&Condition>, token: Option<&str>) -> Value {
    let mut input = json!({
        "MaxResults": PAGE, "StartTime": asked.from.as_secs_f64(), "EndTime": asked.end().as_secs_f64(),
    });
    if let Some(one) = attribute {
        input["LookupAttributes"] = json!([{"AttributeKey": one.key, "AttributeValue": one.value}]);
    }
    if let Some(token) = token {
        input["NextToken"] = token.into();
    }
    input
}

/// Looks for what is asked for: LookupEvents compares one attribute, the rest is compared here. It ends with the page in which the
/// reach is used up.
pub(super) async fn look(client: &Client, asked: &Asked, token: Option<&str>, reach: Reach) -> Result<Found, Error> {
    let attributes = asked.attributes();
    let (first, others) = match attributes.split_first() {
        Some((first, others)) => (Some(first), others),
        None => (None, &[] as &[Condition]),
    };
    let matcher = Matcher::new(asked.query());
    let mut found = Found {
        next: token.map(str::to_owned),
        ..Found::default()
    };
    let (begun, mut small) = (Instant::now(), Vec::new());
    for _ in 0..reach.calls {
        let input = input(asked, first, found.next.as_deref());
        let answer: Answer = client.ask(ServiceName::CloudTrail, "LookupEvents", &input).await?;
        found.looked_at += answer.events.len();
        if let Some(last) = answer.events.last() {
            found.back_to = last.event_time.map(|time| time.0);
        }
        for entry in answer.events {
            let is_meant = others.iter().all(|one| entry.has(one))
                && asked.ended_as_wanted(entry.outcome())
                && matcher.matches(&entry.event(), &mut small);
            match is_meant {
                true if !asked.own && entry.is_own_read() => found.hidden += 1,
                true => found.entries.push(entry),
                false => {}
            }
        }
        // A service that gives a token again would be asked for ever.
        found.next = answer.next_token.filter(|next| found.next.as_deref() != Some(next));
        if found.next.is_none() || found.entries.len() >= reach.events || begun.elapsed() >= reach.time {
            break;
        }
    }
    Ok(found)
}

/// The event of this id; nothing when the history does not have it.
pub(super) async fn one(client: &Client, id: &str) -> Result<Option<Entry>, Error> {
    let input = json!({ "LookupAttributes": [{"AttributeKey": "EventId", "AttributeValue": id}] });
    let answer: Answer = client.ask(ServiceName::CloudTrail, "LookupEvents", &input).await?;
    Ok(answer.events.into_iter().find(|entry| entry.event_id == id))
}

/// Events around a moment, newest first: with this access key, else all. One call.
pub(super) async fn around(
    client: &Client,
    at: Timestamp,
    span: Duration,
    key: Option<&str>,
) -> Result<Vec<Entry>, Error> {
    let end = at.plus(span).plus(Duration::from_micros(999_999));
    let mut input =
        json!({ "MaxResults": PAGE, "StartTime": at.minus(span).as_secs_f64(), "EndTime": end.as_secs_f64() });
    if let Some(key) = key {
        input["LookupAttributes"] = json!([{"AttributeKey": "AccessKeyId", "AttributeValue": key}]);
    }
    let answer: Answer = client.ask(ServiceName::CloudTrail, "LookupEvents", &input).await?;
    Ok(answer.events)
}

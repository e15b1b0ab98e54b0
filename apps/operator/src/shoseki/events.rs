//! Counts of the events that LookupEvents would find, over time and by what they were.

use super::{maybe_time, time};
use crate::aws::{Client, Error};
use base::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wire::ServiceName;

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has no error code.
    Succeeded,
    /// Its error code says that a right was missing.
    Denied,
    /// It has another error code.
    Failed,
}

impl Outcome {
    /// Of a record's `errorCode`, as SummariseEvents takes it; without one it succeeded.
    pub fn of(error_code: Option<&str>) -> Outcome {
        let Some(code) = error_code.filter(|code| !code.is_empty()) else {
            return Outcome::Succeeded;
        };
        // EC2's codes stand behind whose fault it was.
        match code.rsplit('.').next().unwrap_or_default() {
            "AccessDenied"
            | "AccessDeniedException"
            | "AuthorizationError"
            | "AuthorizationErrorException"
            | "Forbidden"
            | "NotAuthorized"
            | "NotAuthorizedException"
            | "UnauthorizedException"
            | "UnauthorizedOperation" => Outcome::Denied,
            _ => Outcome::Failed,
        }
    }

    /// The name in calls.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Succeeded => "Succeeded",
            Outcome::Denied => "Denied",
            Outcome::Failed => "Failed",
        }
    }
}

/// An attribute that events must have, with one of LookupEvents' names: `EventName`, `Username`, `ResourceName` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The attribute's key.
    pub key: String,
    /// Its value, exactly.
    pub value: String,
}

/// Which events are counted, and how. The default counts all of this Region that the server still keeps, in 60 bins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsQuestion {
    /// They happened then or later. Without it, since the history begins.
    pub start: Option<Timestamp>,
    /// They happened then or earlier. Without it, until now.
    pub end: Option<Timestamp>,
    /// Into how many bins the time is cut, 1 to 1,000. Not with a period.
    pub bins: Option<u32>,
    /// How many seconds a bin has. Not with a number of bins.
    pub period_seconds: Option<u64>,
    /// All of these hold; at most 8.
    pub conditions: Vec<Condition>,
    /// Whether they changed nothing.
    pub read_only: Option<bool>,
    /// How they ended.
    pub outcome: Option<Outcome>,
    /// Reads by clients whose user agent begins with one of these are not counted; at most 8.
    pub exclude_reads_by: Vec<String>,
    /// How many of the most frequent names, sources, callers and errors are told; at most 100, 10 without it.
    pub top: Option<u32>,
    /// Goes on where an answer was cut.
    pub next_token: Option<String>,
}

impl EventsQuestion {
    fn input(&self) -> Value {
        let mut input = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                input.insert(name.to_owned(), value);
            }
        };
        put("StartTime", self.start.map(|time| json!(time.as_secs_f64())));
        put("EndTime", self.end.map(|time| json!(time.as_secs_f64())));
        put("Bins", self.bins.map(Value::from));
        put("PeriodSeconds", self.period_seconds.map(Value::from));
        let conditions = self.conditions.iter();
        let conditions: Vec<Value> = conditions
            .map(|one| json!({"AttributeKey": one.key, "AttributeValue": one.value}))
            .collect();
        put(
            "LookupAttributes",
            (!conditions.is_empty()).then_some(Value::Array(conditions)),
        );
        put("ReadOnly", self.read_only.map(Value::from));
        put("Outcome", self.outcome.map(|outcome| outcome.as_str().into()));
        let agents = &self.exclude_reads_by;
        put("ExcludeReadsBy", (!agents.is_empty()).then(|| json!(agents)));
        put("Top", self.top.map(Value::from));
        put("NextToken", self.next_token.as_deref().map(Value::from));
        Value::Object(input)
    }
}

/// The events of a part of the time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Bin {
    /// When it begins. It ends where the next begins; the last with the time asked for.
    #[serde(deserialize_with = "time")]
    pub start_time: Timestamp,
    /// How many events happened in it, however they ended.
    pub events: u64,
    /// How many of them were denied.
    pub denied: u64,
    /// How many of them failed otherwise.
    pub failed: u64,
}

/// The events that have a value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Count {
    /// The value.
    pub value: String,
    /// How many have it, however they ended.
    pub events: u64,
    /// How many of them were denied.
    pub denied: u64,
    /// How many of them failed otherwise.
    pub failed: u64,
}

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventsSummary {
    /// When the first bin begins.
    #[serde(deserialize_with = "time")]
    pub start_time: Timestamp,
    /// When the last bin ends.
    #[serde(deserialize_with = "time")]
    pub end_time: Timestamp,
    /// How long a bin is.
    pub period_seconds: u64,
    /// How many events there are, however they ended.
    pub events: u64,
    /// How many of them were denied.
    pub denied: u64,
    /// How many of them failed otherwise.
    pub failed: u64,
    /// How many of them changed nothing.
    pub read_only: u64,
    /// All bins, in order, empty ones too.
    pub bins: Vec<Bin>,
    /// The most frequent `eventName`s.
    pub event_names: Vec<Count>,
    /// The most frequent `eventSource`s.
    pub event_sources: Vec<Count>,
    /// The most frequent callers, by the name by which LookupEvents finds them.
    pub usernames: Vec<Count>,
    /// The most frequent `errorCode`s.
    pub error_codes: Vec<Count>,
    /// Whether all events were counted. If not, those committed before `counted_back_to` are missing.
    pub complete: bool,
    /// Back to where events were counted; `None` when all were.
    #[serde(default, deserialize_with = "maybe_time")]
    pub counted_back_to: Option<Timestamp>,
    /// With what the same question counts those that are missing; `None` when none are.
    pub next_token: Option<String>,
    /// Whether there were so many different values that the most frequent ones are of those seen first only.
    pub values_cut: bool,
}

/// SummariseEvents: one call, in the client's Region. Demands `shoseki:SummariseEvents` and `cloudtrail:LookupEvents`.
pub async fn summarise_events(client: &Client, question: &EventsQuestion) -> Result<EventsSummary, Error> {
    client
        .ask(ServiceName::Shoseki, "SummariseEvents", &question.input())
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_says_only_what_is_asked() {
        assert_eq!(EventsQuestion::default().input(), json!({}));
        let question = EventsQuestion {
            start: Some(Timestamp::from_secs(10)),
            bins: Some(3),
            conditions: vec![Condition {
                key: "EventName".to_owned(),
                value: "Decrypt".to_owned(),
            }],
            outcome: Some(Outcome::Denied),
            exclude_reads_by: vec!["console/".to_owned()],
            ..EventsQuestion::default()
        };
        let expected = json!({
            "StartTime": 10.0,
            "Bins": 3,
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "Decrypt"}],
            "Outcome": "Denied",
            "ExcludeReadsBy": ["console/"],
        });
        assert_eq!(question.input(), expected);
    }
}

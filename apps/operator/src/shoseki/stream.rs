//! Events as they are committed, and what trails deliver, by one call that goes on.

use super::{maybe_time, time};
use crate::aws::{Client, Error, Lines};
use base::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};
use wire::ServiceName;

/// What is wanted. The default is every management event of the account in the client's Region from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionQuestion {
    /// Of these Regions; without any, of the client's.
    pub regions: Vec<String>,
    /// Of these event sources; without any, of all.
    pub event_sources: Vec<String>,
    /// Whether events that change nothing are left out.
    pub exclude_read_only: bool,
    /// Reads by clients whose user agent begins with one of these are left out; at most 8.
    pub exclude_reads_by: Vec<String>,
    /// Whether no events are wanted, but only what is told of trails.
    pub no_events: bool,
    /// What these trails of the account deliver, by ARN, is told too, whether they are there yet or not; at most 20.
    pub trail_arns: Vec<String>,
    /// Goes on after this position of an earlier stream.
    pub after: Option<String>,
}

impl SubscriptionQuestion {
    fn input(&self) -> Value {
        let mut input = Map::new();
        for (name, list) in [
            ("Regions", &self.regions),
            ("EventSources", &self.event_sources),
            ("ExcludeReadsBy", &self.exclude_reads_by),
            ("TrailARNs", &self.trail_arns),
        ] {
            if !list.is_empty() {
                input.insert(name.to_owned(), json!(list));
            }
        }
        for (name, set) in [
            ("ExcludeReadOnly", self.exclude_read_only),
            ("NoEvents", self.no_events),
        ] {
            if set {
                input.insert(name.to_owned(), true.into());
            }
        }
        if let Some(after) = &self.after {
            input.insert("After".to_owned(), after.as_str().into());
        }
        Value::Object(input)
    }
}

/// A line of the stream.
#[derive(Debug, Deserialize)]
pub enum Line {
    /// The stream is open: what comes after this position is told.
    #[serde(rename_all = "PascalCase")]
    Open {
        /// The position.
        position: String,
        /// The server's time.
        #[serde(deserialize_with = "time")]
        time: Timestamp,
        /// A line comes at least this often; a stream that is silent for longer is broken.
        heartbeat_seconds: u64,
    },
    /// An event.
    #[serde(rename_all = "PascalCase")]
    Event {
        /// Where it stands: with this as `after` another stream goes on behind it.
        position: String,
        /// The record, as in a log file.
        record: Box<RawValue>,
    },
    /// Nothing has happened.
    #[serde(rename_all = "PascalCase")]
    Heartbeat {
        /// Everything up to here has been told.
        position: String,
        /// The server's time.
        #[serde(deserialize_with = "time")]
        time: Timestamp,
    },
    /// The reader was so slow, or came back so late, that what happened between these positions is not told. LookupEvents has it.
    #[serde(rename_all = "PascalCase")]
    Lost {
        /// After here,
        from: String,
        /// and up to here.
        to: String,
    },
    /// How a trail that was asked for stands when the stream opens.
    Trail(TrailState),
    /// A trail that was asked for has delivered something.
    Delivery(Delivered),
    /// The stream ends, and why: `ServerStopping`, `ExpiredToken`, `AccessDenied` or `InternalFailure`.
    #[serde(rename_all = "PascalCase")]
    End {
        /// A name for the reason.
        reason: String,
        /// It in words.
        message: String,
    },
}

/// How a trail stands, over all its Regions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrailState {
    /// Which.
    #[serde(rename = "TrailARN")]
    pub trail_arn: String,
    /// Whether it is there.
    pub exists: bool,
    /// Whether it logs.
    pub is_logging: bool,
    /// When it delivered a log file last.
    #[serde(default, deserialize_with = "maybe_time")]
    pub latest_delivery_time: Option<Timestamp>,
    /// When it delivered a digest last.
    #[serde(default, deserialize_with = "maybe_time")]
    pub latest_digest_delivery_time: Option<Timestamp>,
}

/// What a trail delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum DeliveryKind {
    /// A log file.
    LogFile,
    /// A signed digest.
    Digest,
}

/// What a trail has delivered, or could not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Delivered {
    /// Which trail.
    #[serde(rename = "TrailARN")]
    pub trail_arn: String,
    /// Of which Region the file is.
    pub region: String,
    /// What it is.
    pub kind: DeliveryKind,
    /// The bucket.
    pub bucket: String,
    /// The object's key; `None` when it was refused.
    pub key: Option<String>,
    /// When, in the server's time.
    #[serde(deserialize_with = "time")]
    pub time: Timestamp,
    /// Why it was refused; `None` when it was delivered.
    pub error: Option<String>,
}

/// A stream that is open.
pub struct Subscription(Lines);

impl Subscription {
    /// The next line; `None` at the end. Lines of kinds that are not known are passed over. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Line, Error>> {
        loop {
            let line = match self.0.next().await? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            match serde_json::from_slice::<Line>(&line) {
                Ok(line) => return Some(Ok(line)),
                Err(fault) if is_unknown(&line) => drop(fault),
                Err(fault) => {
                    return Some(Err(Error::Unreadable {
                        operation: "SubscribeEvents".to_owned(),
                        reason: fault.to_string(),
                    }));
                }
            }
        }
    }
}

/// Whether a line is an object of one member with a name that has no meaning here: a newer server's.
fn is_unknown(line: &[u8]) -> bool {
    const KNOWN: [&str; 7] = ["Open", "Event", "Heartbeat", "Lost", "Trail", "Delivery", "End"];
    match serde_json::from_slice::<Map<String, Value>>(line) {
        Ok(members) => members.len() == 1 && members.keys().all(|name| !KNOWN.contains(&name.as_str())),
        Err(_) => false,
    }
}

/// SubscribeEvents: one call, recorded once, whose answer goes on until either side ends it. Demands `shoseki:SubscribeEvents`,
/// `cloudtrail:LookupEvents` in each Region, and `cloudtrail:GetTrailStatus` on each trail.
pub async fn subscribe(client: &Client, question: &SubscriptionQuestion) -> Result<Subscription, Error> {
    let lines = client
        .stream(ServiceName::Shoseki, "SubscribeEvents", &question.input())
        .await?;
    Ok(Subscription(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let read = |text: &str| serde_json::from_str::<Line>(text);
        assert!(matches!(
            read(r#"{"Open":{"Position":"1-0","Time":5,"HeartbeatSeconds":15}}"#),
            Ok(Line::Open { position, time, heartbeat_seconds: 15 }) if position == "1-0" && time.as_secs() == 5
        ));
        assert!(matches!(
            read(r#"{"Event":{"Position":"1-0","Record":{"eventName":"A", "x":1}}}"#),
            Ok(Line::Event { record, .. }) if record.get() == r#"{"eventName":"A", "x":1}"#
        ));
        assert!(matches!(
            read(r#"{"Trail":{"TrailARN":"a","Exists":false,"IsLogging":false}}"#),
            Ok(Line::Trail(TrailState {
                latest_delivery_time: None,
                ..
            }))
        ));
        assert!(matches!(
            read(r#"{"Delivery":{"TrailARN":"a","Region":"r","Kind":"Digest","Bucket":"b","Key":"k","Time":1}}"#),
            Ok(Line::Delivery(Delivered {
                kind: DeliveryKind::Digest,
                ..
            }))
        ));
        assert!(is_unknown(br#"{"Weather":{}}"#));
        assert!(!is_unknown(br#"{"Open":{}}"#) && !is_unknown(b"x"));
    }
}

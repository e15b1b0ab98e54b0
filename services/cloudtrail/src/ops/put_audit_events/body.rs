//! The body of PutAuditEvents, read in one pass.

use crate::ChannelError;
use base64::{Engine, engine::general_purpose::STANDARD};
use record::{FaultCode, Served, Submission, SubmissionFault};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{fmt, sync::LazyLock};
use wire::{ServiceName, WireFault};

/// A call brings at most so many events.
const EVENTS_MAX: usize = 100;
const ID_LENGTH_MAX: usize = 128;

/// The services that are here.
static SERVED: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let label = |service: ServiceName| service.event_source().split('.').next().unwrap_or_default();
    let mut labels: Vec<&str> = ServiceName::ALL.into_iter().map(label).collect();
    labels.extend(ServiceName::ALL.into_iter().map(ServiceName::signing_name));
    labels.sort_unstable();
    labels.dedup();
    labels
});

/// An event of the call.
pub(super) struct Sent {
    /// By which the answer names it.
    pub(super) id: String,
    /// What it is, or why it is refused.
    pub(super) submission: Result<Submission, SubmissionFault>,
}

/// Why a body is refused as a whole.
pub(super) enum BodyFault {
    /// It is no JSON of the right shape.
    Wire(WireFault),
    /// It breaks a constraint of the model.
    Told(ChannelError),
}

/// Reads a body.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Sent>, BodyFault> {
    let Ok(Request(events)) = serde_json::from_slice(body) else {
        return Err(BodyFault::Wire(WireFault::Malformed("not the JSON of PutAuditEvents")));
    };
    let told = |value: &dyn fmt::Display, at: &str, constraint: &str| {
        BodyFault::Told(ChannelError::constraint(value, at, constraint))
    };
    let not_null = "Member must not be null";
    let events = events.ok_or_else(|| told(&"null", "auditEvents", not_null))?;
    if !(1..=EVENTS_MAX).contains(&events.len()) {
        let constraint = "Member must have length between 1 and 100";
        return Err(told(
            &format_args!("{} events", events.len()),
            "auditEvents",
            constraint,
        ));
    }
    let mut sent = Vec::with_capacity(events.len());
    for (at, event) in events.into_iter().enumerate() {
        let at = |member: &str| format!("auditEvents.{}.member.{member}", at + 1);
        let id = event.id.ok_or_else(|| told(&"null", &at("id"), not_null))?;
        if !is_id(&id) {
            let constraint =
                "Member must have length between 1 and 128 and satisfy regular expression pattern: ^[-_A-Za-z0-9]+$";
            return Err(told(&id, &at("id"), constraint));
        }
        let data = event.data.ok_or_else(|| told(&"null", &at("eventData"), not_null))?;
        let submission =
            checked(&data, event.checksum.as_deref()).and_then(|()| Submission::parse(data, Served(&SERVED)));
        sent.push(Sent { id, submission });
    }
    Ok(sent)
}

fn is_id(text: &str) -> bool {
    (1..=ID_LENGTH_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Compares an event with its checksum, if it came with one: the SHA-256 of its text, in base64.
fn checked(data: &str, checksum: Option<&str>) -> Result<(), SubmissionFault> {
    let Some(checksum) = checksum else { return Ok(()) };
    let sum = record::sha256(data.as_bytes());
    match STANDARD.decode(checksum).is_ok_and(|told| told == sum) {
        true => Ok(()),
        false => Err(SubmissionFault {
            code: FaultCode::InvalidChecksum,
            message: "eventDataChecksum is not the base64 of the SHA-256 of eventData.".to_owned(),
        }),
    }
}

/// The body as it is sent: an object, never a list in its place; `null` is as nothing.
struct Request(Option<Vec<Event>>);

#[derive(Default)]
struct Event {
    id: Option<String>,
    data: Option<String>,
    checksum: Option<String>,
}

/// A member's name, without a copy of it.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Name {
    Id,
    EventData,
    EventDataChecksum,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = Request;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Request, A::Error> {
                let mut events = None;
                while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    match &*name {
                        "auditEvents" => events = map.next_value::<Option<Events>>()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Request(events.map(|Events(events)| events)))
            }
        }

        deserializer.deserialize_map(Visit)
    }
}

/// No more of them are kept than it takes to tell that there are too many.
struct Events(Vec<Event>);

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = Events;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Events, A::Error> {
                let mut events = Vec::with_capacity(EVENTS_MAX);
                while events.len() <= EVENTS_MAX {
                    match seq.next_element()? {
                        Some(event) => events.push(event),
                        None => return Ok(Events(events)),
                    }
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Events(events))
            }
        }

        deserializer.deserialize_seq(Visit)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = Event;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
                let mut event = Event::default();
                while let Some(name) = map.next_key()? {
                    match name {
                        Name::Id => event.id = map.next_value()?,
                        Name::EventData => event.data = map.next_value()?,
                        Name::EventDataChecksum => event.checksum = map.next_value()?,
                        Name::Other => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(event)
            }
        }

        deserializer.deserialize_map(Visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> Result<Vec<Sent>, String> {
        parse(body.as_bytes()).map_err(|fault| match fault {
            BodyFault::Wire(fault) => fault.to_string(),
            BodyFault::Told(error) => wire::AwsError::message(&error),
        })
    }

    #[test]
    fn a_body_is_read_or_refused_whole() {
        let check = |body: &str, word: &str| {
            let found = told(body).map(|sent| sent.len());
            assert!(
                found.clone().is_err_and(|error| error.contains(word)),
                "{body}: {found:?}"
            );
        };
        check("", "JSON");
        check("[]", "JSON");
        check("{}", "auditEvents");
        check(r#"{"auditEvents":null}"#, "auditEvents");
        check(r#"{"auditEvents":{}}"#, "JSON");
        check(r#"{"auditEvents":[]}"#, "0 events");
        check(r#"{"auditEvents":[["a","b"]]}"#, "JSON");
        check(r#"{"auditEvents":[{"eventData":"{}"}]}"#, "auditEvents.1.member.id");
        check(r#"{"auditEvents":[{"id":"a"}]}"#, "auditEvents.1.member.eventData");
        check(r#"{"auditEvents":[{"id":"a b","eventData":"{}"}]}"#, "pattern");
        let many = |count: usize| {
            let all: Vec<String> = (0..count)
                .map(|n| format!(r#"{{"id":"{n}","eventData":"{{}}"}}"#))
                .collect();
            format!(r#"{{"auditEvents":[{}],"more":1}}"#, all.join(","))
        };
        check(&many(101), "101 events");
        check(&many(1000), "101 events");
        assert_eq!(told(&many(100)).map(|sent| sent.len()), Ok(100));
    }

    #[test]
    fn a_checksum_must_be_that_of_the_text() {
        let code = |checksum: &str| {
            let body = format!(r#"{{"auditEvents":[{{"id":"a","eventData":"x","eventDataChecksum":{checksum}}}]}}"#);
            let sent = told(&body).unwrap().pop().unwrap();
            sent.submission.err().map(|fault| fault.code)
        };
        // `x` is no JSON, which shows only when the checksum is right.
        let right = format!("{:?}", STANDARD.encode(record::sha256(b"x")));
        assert_eq!(code(&right), Some(FaultCode::InvalidData));
        assert_eq!(code("null"), Some(FaultCode::InvalidData));
        assert_eq!(code("\"\""), Some(FaultCode::InvalidChecksum));
        assert_eq!(code("\"AAAA\""), Some(FaultCode::InvalidChecksum));
    }

    #[test]
    fn every_service_that_is_here_is_served() {
        for label in [
            "s3",
            "kms",
            "iam",
            "sts",
            "cloudtrail",
            "cloudtrail-data",
            "shoseki",
            "ec2",
        ] {
            assert!(SERVED.contains(&label), "{label}");
        }
    }
}

//! Which events are asked for, as the page's address says it.

use crate::{AGENT, ROOT, context::Context, form::Form};
use base::Timestamp;
use operator::{
    message,
    message::Message,
    search::{End, Query, SourceIp, Wildcard, time},
    shoseki::{Condition, EventsQuestion, Outcome},
};
use std::time::Duration;

/// How long back the page looks when nothing is said.
pub(super) const SPAN: &str = "7d";
/// Longer values are none of an event's.
const VALUE_CHARS_MAX: usize = 2_000;

/// How a call must have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Anyhow.
    Any,
    /// With any error.
    Errors,
    /// So.
    As(Outcome),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The first second.
    pub(super) from: Timestamp,
    /// The last second.
    pub(super) to: Timestamp,
    event: String,
    source: String,
    who: String,
    resource: String,
    key: String,
    ip: Vec<SourceIp>,
    text: String,
    read_only: Option<bool>,
    pub(super) ended: Ended,
    /// Whether the console's own reads are wanted too.
    pub(super) own: bool,
    /// What cannot be understood, by the name of its field.
    pub(super) wrong: Vec<(&'static str, Message)>,
}

fn whole_second(time: Timestamp) -> Timestamp {
    time.floor_second()
}

impl Asked {
    /// Of a query, seen from this moment.
    pub(super) fn of(form: &Form, now: Timestamp) -> Asked {
        let mut wrong = Vec::new();
        let mut at = |name: &'static str, missing: &str, end: End| {
            let text = form.given(name).unwrap_or(missing);
            if text.is_empty() {
                return now;
            }
            match time(text, end, now) {
                // A day belongs to the time, and the second after it does not.
                Ok(found) if end == End::Until && is_day(text) => found.minus(Duration::from_secs(1)),
                Ok(found) => found,
                Err(_) => {
                    wrong.push((name, message!(
                        "This is no time. Write 2026-11-22T15:04:05Z, 2026-11-22, or how long ago: 90m, 2h, 3d.",
                        "時刻として読めません。2026-11-22T15:04:05Z、2026-11-22、または「どれだけ前か」を 90m、2h、3d のように書いてください。"
                    )));
                    now
                }
            }
        };
        let from = whole_second(at("from", SPAN, End::Since));
        let to = whole_second(at("to", "", End::Until));
        if from > to {
            wrong.push((
                "to",
                message!("The end lies before the beginning.", "終了が開始より前です。"),
            ));
        }
        let ip = form.given("ip").map(SourceIp::parse).transpose().unwrap_or_else(|_| {
            wrong.push((
                "ip",
                message!(
                    "This is no address, no network (10.0.0.0/8) and no service's name.",
                    "IP アドレス、ネットワーク (10.0.0.0/8)、サービス名のいずれでもありません。"
                ),
            ));
            None
        });
        let text = |name: &str| form.get(name).chars().take(VALUE_CHARS_MAX).collect::<String>();
        Asked {
            from,
            to,
            event: text("event"),
            source: match text("source") {
                source if source.is_empty() || source.contains(['.', '*', '?']) => source,
                source => source + ".amazonaws.com",
            },
            who: text("who"),
            resource: text("resource"),
            key: text("key"),
            ip: ip.into_iter().collect(),
            text: text("text"),
            read_only: match form.get("ro") {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            ended: match form.get("ended") {
                "errors" => Ended::Errors,
                "denied" => Ended::As(Outcome::Denied),
                "failed" => Ended::As(Outcome::Failed),
                "succeeded" => Ended::As(Outcome::Succeeded),
                _ => Ended::Any,
            },
            own: form.is_on("own"),
            wrong,
        }
    }

    pub(super) fn error(&self, name: &str) -> Option<Message> {
        self.wrong
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, says)| says.clone())
    }

    /// The end as calls take it: the last second belongs to it, with all its parts.
    pub(super) fn end(&self) -> Timestamp {
        self.to.plus(Duration::from_micros(999_999))
    }

    /// The attributes that LookupEvents and SummariseEvents compare exactly, those that leave out most first.
    pub(super) fn attributes(&self) -> Vec<Condition> {
        let plain = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty() && !text.contains(['*', '?']));
        let all = [
            ("AccessKeyId", plain(&self.key)),
            ("ResourceName", plain(&self.resource)),
            ("EventName", plain(&self.event)),
            ("Username", plain(&self.who).filter(|who| !who.starts_with("arn:"))),
            ("EventSource", plain(&self.source)),
            ("ReadOnly", self.read_only.map(|read_only| read_only.to_string())),
        ];
        let given = all.into_iter().filter_map(|(key, value)| {
            Some(Condition {
                key: key.to_owned(),
                value: value?,
            })
        });
        given.collect()
    }

    /// What attributes cannot say: patterns, networks and texts.
    pub(super) fn query(&self) -> Query {
        let pattern = |text: &str, is_compared: bool| match text {
            "" => Vec::new(),
            _ if is_compared => Vec::new(),
            text => vec![Wildcard::new(text)],
        };
        let attributes = self.attributes();
        let has = |key: &str| attributes.iter().any(|one| one.key == key);
        Query {
            principals: pattern(&self.who, has("Username"))
                .into_iter()
                .chain(pattern(&self.key, has("AccessKeyId")))
                .collect(),
            events: pattern(&self.event, has("EventName")),
            sources: pattern(&self.source, has("EventSource")),
            resources: pattern(&self.resource, has("ResourceName")),
            source_ips: self.ip.clone(),
            text: Some(self.text.clone())
                .filter(|text| !text.is_empty())
                .into_iter()
                .collect(),
            ..Query::default()
        }
    }

    /// Whether something is asked for that is not counted over time: a pattern, a network, a text.
    pub(super) fn is_more_than_counted(&self) -> bool {
        let query = self.query();
        let lists = [&query.principals, &query.events, &query.sources, &query.resources];
        lists.iter().any(|list| !list.is_empty()) || !query.source_ips.is_empty() || !query.text.is_empty()
    }

    /// The same as a question for counts over time.
    pub(super) fn counted(&self, bins: u32) -> EventsQuestion {
        let conditions = self.attributes().into_iter().filter(|one| one.key != "ReadOnly");
        EventsQuestion {
            start: Some(self.from),
            end: Some(self.end()),
            bins: Some(bins),
            conditions: conditions.collect(),
            read_only: self.read_only,
            outcome: match self.ended {
                Ended::As(outcome) => Some(outcome),
                Ended::Any | Ended::Errors => None,
            },
            exclude_reads_by: if self.own { Vec::new() } else { vec![AGENT.to_owned()] },
            top: Some(8),
            ..EventsQuestion::default()
        }
    }

    /// Whether a call may have ended so.
    pub(super) fn ended_as_wanted(&self, outcome: Outcome) -> bool {
        match self.ended {
            Ended::Any => true,
            Ended::Errors => outcome != Outcome::Succeeded,
            Ended::As(wanted) => outcome == wanted,
        }
    }

    /// How many of the filters are set, beside the time.
    pub(super) fn filters(form: &Form) -> usize {
        let names = [
            "event", "source", "who", "resource", "key", "ip", "text", "ro", "ended", "own",
        ];
        names.iter().filter(|name| form.given(name).is_some()).count()
    }
}

fn is_day(text: &str) -> bool {
    text.len() == 10
}

/// The page of events with these filters, in the Region that is looked at.
pub(super) fn address(c: &Context, changed: &[(&str, &str)]) -> String {
    let mut all: Vec<(&str, &str)> = changed.to_vec();
    for name in ["next", "part", "format"] {
        if all.iter().all(|(other, _)| *other != name) {
            all.push((name, ""));
        }
    }
    if all.iter().all(|(name, _)| *name != "region") {
        all.push(("region", &c.region));
    }
    format!("{ROOT}/events?{}", c.query.with(&all))
}

/// The page of events with this filter alone, in a Region.
pub(super) fn only(region: &str, filters: &[(&str, &str)]) -> String {
    let mut all = vec![("region", region)];
    all.extend(filters);
    format!("{ROOT}/events?{}", Form::default().with(&all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        Asked::of(
            &Form::parse(query.as_bytes()),
            Timestamp::parse("2026-11-22T12:00:00.5Z").unwrap(),
        )
    }

    fn span(query: &str) -> String {
        let asked = asked(query);
        format!("{} {}", asked.from.iso8601(), asked.to.iso8601())
    }

    #[test]
    fn times_belong_to_the_span_with_their_last_second() {
        assert_eq!(span(""), "2026-11-15T12:00:00Z 2026-11-22T12:00:00Z");
        assert_eq!(
            span("from=2026-11-01&to=2026-11-02"),
            "2026-11-01T00:00:00Z 2026-11-02T23:59:59Z"
        );
        assert_eq!(span("from=2h&to=1h"), "2026-11-22T10:00:00Z 2026-11-22T11:00:00Z");
        assert_eq!(
            asked("to=2026-11-22T11:00:00Z").end().iso8601_millis(),
            "2026-11-22T11:00:00.999Z"
        );
        for wrong in ["from=never", "to=2026-13-01", "from=1h&to=2h", "ip=10.0.0.0/40"] {
            assert_eq!(asked(wrong).wrong.len(), 1, "{wrong}");
        }
    }

    #[test]
    fn what_the_service_compares_is_not_compared_again() {
        let attributes = |query: &str| {
            let all = asked(query).attributes();
            let all: Vec<String> = all.iter().map(|one| format!("{}={}", one.key, one.value)).collect();
            all.join(" ")
        };
        assert_eq!(
            attributes("event=Get*&source=s3&ro=false"),
            "EventSource=s3.amazonaws.com ReadOnly=false"
        );
        assert_eq!(
            attributes("event=A&key=AKIA&who=taro"),
            "AccessKeyId=AKIA EventName=A Username=taro"
        );
        assert_eq!(attributes("who=arn:aws:iam::000000000000:user/taro"), "");
        assert!(!asked("event=A&source=s3&ended=denied").is_more_than_counted());
        for more in [
            "event=A*",
            "text=x",
            "ip=10.0.0.1",
            "who=arn:aws:iam::000000000000:root",
            "key=AK*",
        ] {
            assert!(asked(more).is_more_than_counted(), "{more}");
        }
    }
}

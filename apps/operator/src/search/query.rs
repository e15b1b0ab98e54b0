//! What is searched for, and how a record is tested for it.

use super::{
    event::Event,
    name::LogName,
    pattern::{SourceIp, Wildcard},
};
use base::Timestamp;
use memchr::memmem::{Finder, find};
use std::time::Duration;

/// What is searched for: all conditions must hold; of several values of one, any.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// Who called: ARN, user name, access key, role, session name, `root`.
    pub principals: Vec<Wildcard>,
    /// `eventName`.
    pub events: Vec<Wildcard>,
    /// `eventSource`; without a dot, the service's name alone.
    pub sources: Vec<Wildcard>,
    /// An ARN of `resources`, or a value in what was asked or answered.
    pub resources: Vec<Wildcard>,
    /// `errorCode`.
    pub errors: Vec<Wildcard>,
    /// `sourceIPAddress`.
    pub source_ips: Vec<SourceIp>,
    /// `awsRegion`.
    pub regions: Vec<Wildcard>,
    /// `recipientAccountId`, else the caller's account.
    pub accounts: Vec<String>,
    /// `readOnly`.
    pub read_only: Option<bool>,
    /// A file that was delivered so much later than the end of the time is not looked into. CloudTrail tells no upper bound; it
    /// usually delivers within minutes, and tries again for 30 days when the bucket refuses.
    pub late: Option<Duration>,
    /// Anywhere in the record as it is written, whatever the case of ASCII letters.
    pub text: Vec<String>,
}

/// A query that is ready to test records.
pub struct Matcher {
    query: Query,
    /// The times as records write them.
    since: Option<String>,
    until: Option<String>,
    /// The last minute of delivery that a file may have, as its name writes it.
    last: Option<String>,
    /// A record has one of each list, or it is not meant.
    needles: Vec<Vec<Finder<'static>>>,
    /// The same, in small letters.
    text: Vec<Finder<'static>>,
}

impl Matcher {
    /// Of a query.
    pub fn new(mut query: Query) -> Matcher {
        for source in &mut query.sources {
            if source.literal().is_some_and(|text| !text.contains('.')) {
                *source = Wildcard::new(format!("{}.amazonaws.com", source.literal().unwrap_or_default()));
            }
        }
        let lists = [
            &query.principals,
            &query.events,
            &query.sources,
            &query.resources,
            &query.errors,
            &query.regions,
        ];
        let needles = lists.iter().filter_map(|list| finders(list)).collect();
        let text = query
            .text
            .iter()
            .flat_map(|text| spellings(text))
            .map(|text| Finder::new(&text).into_owned());
        Matcher {
            since: query.since.map(whole_second).map(Timestamp::iso8601),
            until: query.until.map(whole_second).map(Timestamp::iso8601),
            last: query
                .until
                .zip(query.late)
                .map(|(until, late)| minute_of(&until.plus(late).iso8601())),
            needles,
            text: text.collect(),
            query,
        }
    }

    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Whether some of these bytes may be meant. No is for sure.
    pub(super) fn may_be_in(&self, bytes: &[u8], small: &mut Vec<u8>) -> bool {
        let has_needles = |list: &Vec<Finder<'_>>| list.iter().any(|needle| needle.find(bytes).is_some());
        self.needles.iter().all(has_needles) && self.has_text(bytes, small)
    }

    fn has_text(&self, bytes: &[u8], small: &mut Vec<u8>) -> bool {
        if self.text.is_empty() {
            return true;
        }
        small.clear();
        small.extend_from_slice(bytes);
        small.make_ascii_lowercase();
        self.text.iter().any(|text| text.find(small).is_some())
    }

    /// Whether a record is meant. `small` is room to work in.
    pub fn matches(&self, event: &Event<'_>, small: &mut Vec<u8>) -> bool {
        let query = &self.query;
        self.is_in_time(event)
            && any(&query.events, |event_name| event_name.matches(&event.name()))
            && any(&query.sources, |source| source.matches(&event.source()))
            && any(&query.regions, |region| region.matches(&event.region()))
            && query
                .read_only
                .is_none_or(|read_only| event.read_only() == Some(read_only))
            && any(&query.errors, |code| {
                event.error_code().is_some_and(|found| code.matches(&found))
            })
            && any(&query.source_ips, |ip| ip.matches(&event.source_ip()))
            && any(&query.accounts, |account| event.account() == account.as_str())
            && any(&query.principals, |who| event.is_called(|name| who.matches(name)))
            && any(&query.resources, |what| is_about(event, what))
            && self.has_text(event.raw(), small)
    }

    fn is_in_time(&self, event: &Event<'_>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        // As nearly all records write it, texts are in the order of times.
        if let Some(time) = plain_time(event.raw_time()) {
            return self.since.as_deref().is_none_or(|since| time >= since.as_bytes())
                && self.until.as_deref().is_none_or(|until| time < until.as_bytes());
        }
        event.time().is_some_and(|time| {
            self.query.since.is_none_or(|since| time >= since) && self.query.until.is_none_or(|until| time < until)
        })
    }

    /// Whether a file of this name was delivered later than the query cares for.
    pub(super) fn is_too_late(&self, name: &str) -> bool {
        match (&self.last, LogName::parse(name)) {
            (Some(last), Some(name)) => name.minute_text() > *last,
            _ => false,
        }
    }

    /// Whether a file of this name may hold what is searched for. A name that is none of CloudTrail's may hold anything. A
    /// file that is delivered at a moment has events from before it.
    pub fn may_be_in_file(&self, file: &str) -> bool {
        let Some(name) = LogName::parse(file) else {
            return true;
        };
        let is_late_enough = self
            .since
            .as_deref()
            .is_none_or(|since| name.minute_text() >= minute_of(since));
        let is_of_region = any(&self.query.regions, |region| region.matches(name.region));
        let is_of_account = any(&self.query.accounts, |account| account == name.account);
        is_late_enough && is_of_region && is_of_account && !self.is_too_late(file)
    }
}

/// The first whole second from this moment on. A record that tells whole seconds is before it just when it is before the moment.
fn whole_second(time: Timestamp) -> Timestamp {
    match time.as_micros().rem_euclid(1_000_000) {
        0 => time,
        past => Timestamp::from_micros(time.as_micros() - past + 1_000_000),
    }
}

/// `2026-11-22T15:49` as file names write it.
fn minute_of(iso8601: &str) -> String {
    iso8601
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take("20261122T1549".len())
        .collect()
}

/// The time without its quotes, when it is of the form `2026-11-22T15:49:46Z`.
fn plain_time(raw: &[u8]) -> Option<&[u8]> {
    let time = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let form = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = |(byte, form): (&u8, &u8)| {
        if *form == b'd' {
            byte.is_ascii_digit()
        } else {
            byte == form
        }
    };
    (time.len() == form.len() && time.iter().zip(form).all(fits)).then_some(time)
}

fn any<T>(list: &[T], is: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(is)
}

fn is_about(event: &Event<'_>, what: &Wildcard) -> bool {
    if what.needle().is_some_and(|needle| find(event.raw(), needle).is_none()) {
        return false;
    }
    event.resources().iter().any(|arn| what.matches(arn)) || event.has_parameter(|value| what.matches(value))
}

/// What one of a list's values must leave in a record; nothing when one of them need not leave anything.
fn finders(list: &[Wildcard]) -> Option<Vec<Finder<'static>>> {
    if list.is_empty() {
        return None;
    }
    let finder = |wildcard: &Wildcard| match wildcard.matches("root") {
        // Who is called so is of the type `Root`.
        true => None,
        false => wildcard.needle().map(|needle| Finder::new(needle).into_owned()),
    };
    list.iter().map(finder).collect()
}

/// A text in small letters, as JSON may write it: as it is, with its quotes and backslashes escaped, with all but ASCII escaped.
fn spellings(text: &str) -> Vec<String> {
    let quoted = serde_json::Value::from(text).to_string();
    let escaped = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let mut units = [0; 2];
    let ascii: String = escaped
        .chars()
        .map(|c| match c.is_ascii() {
            true => c.to_string(),
            false => c
                .encode_utf16(&mut units)
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect(),
        })
        .collect();
    let mut spellings = vec![
        text.to_ascii_lowercase(),
        escaped.to_ascii_lowercase(),
        ascii.to_ascii_lowercase(),
    ];
    spellings.dedup();
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn record(n: usize, name: &str, who: &str) -> Value {
        json!({
            "eventTime": format!("2026-11-22T{:02}:00:00Z", n % 24), "eventName": name, "eventSource": "s3.amazonaws.com",
            "awsRegion": "us-east-1", "sourceIPAddress": format!("10.0.{n}.1"), "readOnly": n.is_multiple_of(2),
            "userIdentity": {"type": "IAMUser", "userName": who, "accountId": "012345678901"},
            "requestParameters": {"bucketName": format!("b{n}-証跡")},
        })
    }

    fn found(query: Query, record: &str) -> bool {
        let (matcher, mut small) = (Matcher::new(query), Vec::new());
        let matches = matcher.matches(&Event::of(record), &mut small);
        assert!(
            !matches || matcher.may_be_in(record.as_bytes(), &mut small),
            "the quick look rejects what is meant"
        );
        matches
    }

    #[test]
    fn parts_of_a_second_count() {
        let record = |time: &str| json!({ "eventTime": time }).to_string();
        let time = |text: &str| Some(Timestamp::parse(text).unwrap());
        let since = || Query {
            since: time("2026-11-22T10:00:00.5Z"),
            ..Query::default()
        };
        let until = || Query {
            until: time("2026-11-22T10:00:00.5Z"),
            ..Query::default()
        };
        let check = |text: &str, is_after: bool| {
            assert_eq!(found(since(), &record(text)), is_after, "{text}");
            assert_eq!(found(until(), &record(text)), !is_after, "{text}");
        };
        check("2026-11-22T10:00:00Z", false);
        check("2026-11-22T10:00:00.4Z", false);
        check("2026-11-22T10:00:00.5Z", true);
        check("2026-11-22T10:00:01Z", true);
    }

    #[test]
    fn conditions_are_all_and_their_values_any() {
        let text = record(3, "GetObject", "taro").to_string();
        let wild = |list: &[&str]| list.iter().map(|text| Wildcard::new(*text)).collect::<Vec<_>>();
        let base = || Query {
            events: wild(&["Put*", "Get*"]),
            ..Query::default()
        };
        assert!(found(base(), &text));
        assert!(found(
            Query {
                principals: wild(&["taro"]),
                ..base()
            },
            &text
        ));
        assert!(!found(
            Query {
                principals: wild(&["hanako"]),
                ..base()
            },
            &text
        ));
        assert!(found(
            Query {
                sources: wild(&["s3"]),
                resources: wild(&["b3-*"]),
                ..base()
            },
            &text
        ));
        assert!(!found(
            Query {
                sources: wild(&["kms"]),
                ..base()
            },
            &text
        ));
        assert!(!found(
            Query {
                errors: wild(&["*"]),
                ..base()
            },
            &text
        ));
        assert!(found(
            Query {
                read_only: Some(false),
                ..base()
            },
            &text
        ));
        assert!(found(
            Query {
                text: vec!["B3-証跡".to_owned()],
                ..base()
            },
            &text
        ));
        assert!(!found(
            Query {
                text: vec!["b4-証跡".to_owned()],
                ..base()
            },
            &text
        ));
        assert!(found(
            Query {
                source_ips: vec![SourceIp::parse("10.0.3.0/24").unwrap()],
                ..base()
            },
            &text
        ));
        assert!(found(
            Query {
                accounts: vec!["012345678901".to_owned()],
                ..base()
            },
            &text
        ));
        let hour = |hour: i64| Some(Timestamp::parse(&format!("2026-11-22T{hour:02}:00:00Z")).unwrap());
        assert!(found(
            Query {
                since: hour(3),
                until: hour(4),
                ..base()
            },
            &text
        ));
        assert!(!found(
            Query {
                since: hour(4),
                ..base()
            },
            &text
        ));
        assert!(!found(
            Query {
                until: hour(3),
                ..base()
            },
            &text
        ));
        let odd = text.replace("T03:00:00Z", "T12:00:00+09:00");
        assert!(found(
            Query {
                since: hour(3),
                until: hour(4),
                ..base()
            },
            &odd
        ));
    }

    #[test]
    fn a_text_is_found_however_json_spells_it() {
        let mut spelled = vec![record(1, "x", "a\"b\\c").to_string()];
        spelled.push(spelled[0].replace("証跡", "\\u8A3c\\u8de1"));
        for text in &spelled {
            assert!(
                found(
                    Query {
                        text: vec!["A\"b\\C".to_owned()],
                        ..Query::default()
                    },
                    text
                ),
                "{text}"
            );
            assert!(
                found(
                    Query {
                        text: vec!["証跡".to_owned()],
                        ..Query::default()
                    },
                    text
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn files_are_left_out_by_their_names_only_when_they_cannot_have_it() {
        let query = Query {
            since: Timestamp::parse("2026-11-22T10:30:20Z"),
            until: Timestamp::parse("2026-11-22T11:00:00Z"),
            regions: vec![Wildcard::new("us-*")],
            late: Some(Duration::from_secs(86_400)),
            ..Query::default()
        };
        let matcher = Matcher::new(query);
        let file =
            |region: &str, time: &str| format!("a/012345678901_CloudTrail_{region}_{time}_aaaaaaaaaaaaaaaa.json.gz");
        let check = |name: &str, expected: bool| assert_eq!(matcher.may_be_in_file(name), expected, "{name}");
        check(&file("us-east-1", "20261122T1029Z"), false);
        check(&file("us-east-1", "20261122T1030Z"), true);
        check(&file("us-east-1", "20261123T1100Z"), true);
        check(&file("us-east-1", "20261123T1101Z"), false);
        check(&file("eu-west-1", "20261122T1030Z"), false);
        check("mine.json.gz", true);
    }

    proptest! {
        /// The quick look at many records at once never rejects one that is meant.
        #[test]
        fn nothing_that_is_meant_is_left_out(
            names in prop::collection::vec("[abGP][eu]tOb[a-c]{1,3}", 1..6), who in "[a-z\"é]{1,4}",
            pattern in prop_oneof!["[*]?[abGP][eu]tOb[*]?", "[a-z]{3,4}"], text in "[a-zT\"é]{1,3}",
        ) {
            let records: Vec<String> = names.iter().enumerate().map(|(n, name)| record(n, name, &who).to_string()).collect();
            let file = format!("{{\"Records\":[{}]}}", records.join(","));
            for query in [
                Query { events: vec![Wildcard::new(pattern.clone())], ..Query::default() },
                Query { text: vec![text.clone()], ..Query::default() },
                Query { principals: vec![Wildcard::new(who.clone())], ..Query::default() },
            ] {
                let (matcher, mut small) = (Matcher::new(query.clone()), Vec::new());
                let meant = records.iter().any(|record| found(query.clone(), record));
                prop_assert!(!meant || matcher.may_be_in(file.as_bytes(), &mut small));
            }
            let lower = |text: &str| text.to_ascii_lowercase();
            let with_text = Query { text: vec![text.clone()], ..Query::default() };
            for record in &records {
                let quoted = Value::from(text.as_str()).to_string();
                let plainly = lower(record).contains(&lower(&text)) || lower(record).contains(&lower(quoted.trim_matches('"')));
                prop_assert!(!plainly || found(with_text.clone(), record));
            }
        }
    }
}

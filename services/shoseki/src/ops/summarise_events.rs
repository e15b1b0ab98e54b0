//! SummariseEvents: how many of the events that LookupEvents would find there are, over time and by what they were.
//!
//! It tells nothing that LookupEvents does not, and needs the right to that too. An answer takes a bounded time: when there is
//! more to count it says so, and goes on by its token.

use crate::{ShosekiError, access};
use base::{Fault, Timestamp, arn};
use gateway::{
    Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn,
    history::{self, Attribute, Counts, EndedAs, Filter, Plan, Query, Summary},
};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, time::Duration};
use store::{EntryPos, ReadView};
use tokio::sync::Semaphore;
use wire::{EpochSeconds, ServiceName};

const BINS_MAX: u64 = 1_000;
const BINS: u64 = 60;
const CONDITIONS_MAX: usize = 8;
const VALUE_CHARS_MAX: usize = 2_000;
/// A summary keeps so much of a user agent.
const AGENT_BYTES_MAX: usize = 64;
const TOP_MAX: usize = 100;
const TOP: usize = 10;
/// Counts that go on at once: each takes a core while it lasts.
static COUNTING: Semaphore = Semaphore::const_new(2);

/// The operation.
pub(crate) struct SummariseEvents;

/// Its input.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SummariseEventsRequest {
    start_time: Option<EpochSeconds>,
    end_time: Option<EpochSeconds>,
    bins: Option<u64>,
    period_seconds: Option<u64>,
    #[serde(default)]
    lookup_attributes: Vec<LookupAttribute>,
    read_only: Option<bool>,
    /// `Succeeded`, `Denied` or `Failed`.
    outcome: Option<String>,
    /// What user agents begin with whose reads are left out.
    #[serde(default)]
    exclude_reads_by: Vec<String>,
    top: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LookupAttribute {
    attribute_key: String,
    attribute_value: String,
}

/// Its output.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SummariseEventsResponse {
    start_time: EpochSeconds,
    end_time: EpochSeconds,
    period_seconds: u64,
    events: u64,
    denied: u64,
    failed: u64,
    read_only: u64,
    bins: Vec<Bin>,
    event_names: Vec<Valued>,
    event_sources: Vec<Valued>,
    usernames: Vec<Valued>,
    error_codes: Vec<Valued>,
    /// Whether that is all. If not, what was committed before `CountedBackTo` is not counted.
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    counted_back_to: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    /// Whether some values were not told apart, there were so many.
    values_cut: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Bin {
    start_time: EpochSeconds,
    events: u64,
    denied: u64,
    failed: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Valued {
    value: String,
    events: u64,
    denied: u64,
    failed: u64,
}

impl Evident for SummariseEventsRequest {
    fn evident(&self) -> Params {
        let attribute = |attribute: &LookupAttribute| {
            Params::new()
                .text("attributeKey", &attribute.attribute_key)
                .text("attributeValue", &attribute.attribute_value)
        };
        let params = Params::new()
            .maybe_moment("startTime", self.start_time.map(|time| time.0))
            .maybe_moment("endTime", self.end_time.map(|time| time.0))
            .maybe_number("bins", self.bins)
            .maybe_number("periodSeconds", self.period_seconds);
        let params = match self.lookup_attributes.as_slice() {
            [] => params,
            some => params.objects("lookupAttributes", some.iter().map(attribute)),
        };
        let params = params
            .maybe_flag("readOnly", self.read_only)
            .maybe_text("outcome", self.outcome.as_deref());
        let params = match self.exclude_reads_by.as_slice() {
            [] => params,
            some => params.texts("excludeReadsBy", some),
        };
        params
            .maybe_number("top", self.top)
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

impl Evident for SummariseEventsResponse {
    fn evident(&self) -> Params {
        Params::new()
    }
}

fn invalid<T>(text: impl Into<String>) -> Result<T, ShosekiError> {
    Err(ShosekiError::Validation(text.into()))
}

/// A question that can be asked of the history.
struct Asked {
    query: Query,
    filter: Filter,
    plan: Plan,
    top: usize,
}

impl SummariseEventsRequest {
    fn asked(&self, ctx: &Ctx) -> Result<Asked, ShosekiError> {
        let (start, end, before) = match &self.next_token {
            Some(token) => self.place_of(token)?,
            None => {
                let now = ctx.now();
                let oldest = now.minus(ctx.settings().event_history);
                let start = self.start_time.map_or(oldest, |time| time.0);
                let end = self.end_time.map_or(now, |time| time.0);
                if start > end {
                    return invalid("StartTime must not be after EndTime.");
                }
                (start.max(oldest), end.max(oldest), None)
            }
        };
        let mut conditions = self.conditions()?;
        // The first goes by the index: what is in few blocks is the best.
        conditions.sort_by_key(|(attribute, _)| match attribute {
            Attribute::EventId => 0,
            Attribute::ReadOnly => 2,
            _ => 1,
        });
        let mut conditions = conditions.into_iter();
        Ok(Asked {
            query: Query {
                account: ctx.account,
                region: ctx.region.clone(),
                attribute: conditions.next(),
                start,
                end,
                before,
            },
            filter: Filter {
                also: conditions.collect(),
                read_only: self.read_only,
                ended: self.ended()?,
                exclude_reads_by: self.agents()?,
            },
            plan: self.plan(start, end)?,
            top: match self.top.unwrap_or(TOP) {
                top @ 0..=TOP_MAX => top,
                top => return invalid(format!("Top must be at most {TOP_MAX}, and is {top}.")),
            },
        })
    }

    fn plan(&self, start: Timestamp, end: Timestamp) -> Result<Plan, ShosekiError> {
        let span = end.since(start).as_micros();
        let seconds = u64::try_from(span.div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let period = match (self.bins, self.period_seconds) {
            (Some(_), Some(_)) => return invalid("Give Bins or PeriodSeconds, not both."),
            (None, Some(0)) => return invalid("PeriodSeconds must be at least 1."),
            (None, Some(period)) => period,
            (bins, None) => match bins.unwrap_or(BINS) {
                bins @ 1..=BINS_MAX => seconds.div_ceil(bins).max(1),
                bins => return invalid(format!("Bins must be between 1 and {BINS_MAX}, and is {bins}.")),
            },
        };
        let bins = seconds.div_ceil(period).max(1);
        match usize::try_from(bins) {
            Ok(count) if bins <= BINS_MAX => Ok(Plan {
                period: Duration::from_secs(period),
                bins: count,
            }),
            _ => invalid(format!(
                "With PeriodSeconds {period} there would be {bins} bins; there are at most {BINS_MAX}."
            )),
        }
    }

    fn conditions(&self) -> Result<Vec<(Attribute, String)>, ShosekiError> {
        if self.lookup_attributes.len() > CONDITIONS_MAX {
            return invalid(format!("LookupAttributes must be at most {CONDITIONS_MAX}."));
        }
        let one = |one: &LookupAttribute| match Attribute::named(&one.attribute_key) {
            None => invalid(format!("`{}` is no lookup attribute.", one.attribute_key)),
            Some(_) if !(1..=VALUE_CHARS_MAX).contains(&one.attribute_value.chars().count()) => invalid(format!(
                "The value of a lookup attribute must have 1 to {VALUE_CHARS_MAX} characters."
            )),
            Some(attribute) => Ok((attribute, one.attribute_value.clone())),
        };
        self.lookup_attributes.iter().map(one).collect()
    }

    fn ended(&self) -> Result<Option<EndedAs>, ShosekiError> {
        Ok(Some(match self.outcome.as_deref() {
            None => return Ok(None),
            Some("Succeeded") => EndedAs::Succeeded,
            Some("Denied") => EndedAs::Denied,
            Some("Failed") => EndedAs::Failed,
            Some(other) => {
                return invalid(format!(
                    "Outcome must be Succeeded, Denied or Failed, and is `{other}`."
                ));
            }
        }))
    }

    fn agents(&self) -> Result<Vec<String>, ShosekiError> {
        checked_agents(&self.exclude_reads_by)
    }

    /// Of all that makes the question, so that a token serves that question only.
    fn fingerprint(&self) -> String {
        let conditions = self.lookup_attributes.iter();
        let conditions: Vec<_> = conditions
            .map(|one| (&one.attribute_key, &one.attribute_value))
            .collect();
        let time = |time: Option<EpochSeconds>| time.map(|time| time.0.as_micros());
        let text = format!(
            "{:?}",
            (
                conditions,
                time(self.start_time),
                time(self.end_time),
                (self.bins, self.period_seconds),
                self.read_only,
                &self.outcome,
                &self.exclude_reads_by,
            )
        );
        record::sha256_hex(text.as_bytes()).chars().take(16).collect()
    }

    /// A token is where counting broke off, the times as they were meant then, and the question's fingerprint.
    fn token(&self, at: EntryPos, query: &Query) -> String {
        let (start, end) = (query.start.as_micros(), query.end.as_micros());
        format!("{:x}.{:x}.{start}.{end}.{}", at.seq, at.index, self.fingerprint())
    }

    fn place_of(&self, token: &str) -> Result<(Timestamp, Timestamp, Option<EntryPos>), ShosekiError> {
        let place = || {
            let mut parts = token.split('.');
            let pos = EntryPos {
                seq: u64::from_str_radix(parts.next()?, 16).ok()?,
                index: u32::from_str_radix(parts.next()?, 16).ok()?,
            };
            let mut time = || parts.next()?.parse().ok().map(Timestamp::from_micros);
            let (start, end) = (time()?, time()?);
            let is_ours = parts.next()? == self.fingerprint() && parts.next().is_none() && start <= end;
            is_ours.then_some((start, end, Some(pos)))
        };
        match place() {
            Some(place) => Ok(place),
            None => invalid("NextToken is none of ours, or of another question."),
        }
    }

    fn answer(&self, asked: Asked, summary: Summary) -> SummariseEventsResponse {
        let Asked { query, plan, top, .. } = asked;
        let period = plan.period;
        let bins = summary.bins.iter().zip(0_u32..).map(|(counts, at)| Bin {
            start_time: EpochSeconds(query.start.plus(period.saturating_mul(at))),
            events: counts.events,
            denied: counts.denied,
            failed: counts.failed,
        });
        SummariseEventsResponse {
            start_time: EpochSeconds(query.start),
            end_time: EpochSeconds(query.end),
            period_seconds: period.as_secs(),
            events: summary.all.events,
            denied: summary.all.denied,
            failed: summary.all.failed,
            read_only: summary.read_only,
            bins: bins.collect(),
            event_names: most_frequent(summary.names, top),
            event_sources: most_frequent(summary.sources, top),
            usernames: most_frequent(summary.users, top),
            error_codes: most_frequent(summary.errors, top),
            complete: summary.cut.is_none(),
            counted_back_to: summary.cut.map(|cut| EpochSeconds(cut.committed)),
            next_token: summary.cut.map(|cut| self.token(cut.before, &query)),
            values_cut: summary.values_cut,
        }
    }
}

/// Beginnings of user agents, as few and as long as they may be.
pub(crate) fn checked_agents(agents: &[String]) -> Result<Vec<String>, ShosekiError> {
    if agents.len() > CONDITIONS_MAX {
        return invalid(format!("ExcludeReadsBy must be at most {CONDITIONS_MAX}."));
    }
    match agents.iter().all(|agent| (1..=AGENT_BYTES_MAX).contains(&agent.len())) {
        true => Ok(agents.to_vec()),
        false => invalid(format!(
            "What a user agent begins with must have 1 to {AGENT_BYTES_MAX} bytes."
        )),
    }
}

/// The most frequent first; of those that are as frequent, the first by name.
fn most_frequent(mut values: Vec<(String, Counts)>, top: usize) -> Vec<Valued> {
    values.sort_unstable_by(|(a, a_counts), (b, b_counts)| {
        (Reverse(a_counts.events), a).cmp(&(Reverse(b_counts.events), b))
    });
    values.truncate(top);
    values
        .into_iter()
        .map(|(value, counts)| Valued {
            value,
            events: counts.events,
            denied: counts.denied,
            failed: counts.failed,
        })
        .collect()
}

impl Operation for SummariseEvents {
    const NAME: &'static str = "SummariseEvents";
    const SERVICE: ServiceName = ServiceName::Shoseki;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<SummariseEventsRequest>;
    type Output = Json<SummariseEventsResponse>;
    type Error = ShosekiError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, ShosekiError> {
        Ok(Demands::All(vec![
            access::own("shoseki:SummariseEvents", arn::any()),
            Demand::on("cloudtrail:LookupEvents", arn::any()),
        ]))
    }

    async fn run(
        ctx: &Ctx,
        _: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ShosekiError> {
        let asked = input.asked(ctx)?;
        let history = ctx.world().history();
        let turn = COUNTING
            .acquire()
            .await
            .map_err(|_| Fault::Bug("the turn to count events was closed"))?;
        let count = move || {
            // Also a count whose caller has gone away has its turn until it ends.
            let _turn = turn;
            let summary = history::summarise(&history, &asked.query, &asked.filter, asked.plan);
            summary.map(|summary| (asked, summary))
        };
        let (asked, summary) = tokio::task::spawn_blocking(count)
            .await
            .map_err(|error| Fault::io("counting events", error))??;
        Ok(Json(input.answer(asked, summary)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> SummariseEventsRequest {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn time_is_cut_into_bins() {
        let check = |text: &str, seconds: i64, expected: Result<(u64, usize), &str>| {
            let (start, end) = (Timestamp::from_secs(50), Timestamp::from_secs(50 + seconds));
            let plan = request(text)
                .plan(start, end)
                .map(|plan| (plan.period.as_secs(), plan.bins));
            let plan = plan.map_err(|error| wire::AwsError::message(&error));
            assert_eq!(
                plan.as_ref().map_err(String::as_str),
                expected.as_ref().map_err(|text| *text),
                "{text}"
            );
        };
        check("{}", 3_600, Ok((60, 60)));
        check("{}", 0, Ok((1, 1)));
        check(r#"{"Bins":7}"#, 20, Ok((3, 7)));
        check(r#"{"Bins":7}"#, 15, Ok((3, 5)));
        check(r#"{"PeriodSeconds":60}"#, 61, Ok((60, 2)));
        check(r#"{"Bins":0}"#, 60, Err("Bins must be between 1 and 1000, and is 0."));
        check(r#"{"PeriodSeconds":0}"#, 60, Err("PeriodSeconds must be at least 1."));
        check(
            r#"{"PeriodSeconds":1}"#,
            1_001,
            Err("With PeriodSeconds 1 there would be 1001 bins; there are at most 1000."),
        );
        check(
            r#"{"PeriodSeconds":1,"Bins":1}"#,
            60,
            Err("Give Bins or PeriodSeconds, not both."),
        );
    }

    #[test]
    fn a_token_serves_its_question_alone() {
        let query = Query {
            account: base::AccountId::FIRST,
            region: base::Region::us_east_1(),
            attribute: None,
            start: Timestamp::from_micros(-3),
            end: Timestamp::from_secs(9),
            before: None,
        };
        let at = EntryPos { seq: 300, index: 2 };
        let token = request(r#"{"Top":3}"#).token(at, &query);
        // How many are told is no part of what is counted.
        let place = request(r#"{"Top":5}"#).place_of(&token).unwrap();
        assert_eq!(place, (query.start, query.end, Some(at)));
        for other in [
            r#"{"ReadOnly":true}"#,
            r#"{"StartTime":1}"#,
            r#"{"ExcludeReadsBy":["x"]}"#,
        ] {
            assert!(request(other).place_of(&token).is_err(), "{other}");
        }
        for wrong in ["", "1.2.3", &format!("{token}.1"), "x"] {
            assert!(request("{}").place_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_most_frequent_come_first() {
        let counts = |events| Counts {
            events,
            ..Counts::default()
        };
        let values = [("b", 2), ("c", 5), ("a", 2), ("d", 1)];
        let values = values.map(|(name, events)| (name.to_owned(), counts(events))).to_vec();
        let told: Vec<_> = most_frequent(values, 3).into_iter().map(|one| one.value).collect();
        assert_eq!(told, ["c", "a", "b"]);
    }
}

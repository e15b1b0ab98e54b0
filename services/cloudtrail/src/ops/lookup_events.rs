//! LookupEvents: the management events of the last 90 days (a setting) in this Region, newest first, whether or not a trail
//! logs.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>

use crate::CloudTrailError;
use base::{Fault, arn};
use gateway::{
    Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn,
    history::{self, Attribute, Found, Query},
};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use store::{EntryPos, History, ReadView};
use tokio::sync::Semaphore;
use wire::{EpochSeconds, ServiceName};

/// Events a page may have; also the default.
const RESULTS_MAX: u32 = 50;
/// The longest attribute value, where some characters count double.
const VALUE_MAX: usize = 2_000;
const COUNT_DOUBLE: [char; 4] = ['_', ' ', ',', '\n'];
/// Searches that go on at once. One may read the whole journal, as the first ones do of a directory whose history is yet to
/// be archived: the others wait their turn rather than hold a thread and a piece of the journal each.
static SEARCHING: Semaphore = Semaphore::const_new(4);

/// The operation.
pub(super) struct LookupEvents;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    lookup_attributes: Option<Vec<LookupAttribute>>,
    start_time: Option<EpochSeconds>,
    end_time: Option<EpochSeconds>,
    event_category: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LookupAttribute {
    attribute_key: String,
    attribute_value: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let attribute = |attribute: &LookupAttribute| {
            Params::new()
                .text("attributeKey", &attribute.attribute_key)
                .text("attributeValue", &attribute.attribute_value)
        };
        let attributes = self.lookup_attributes.as_deref();
        Params::new()
            .maybe_objects("lookupAttributes", attributes.map(|all| all.iter().map(attribute)))
            .maybe_moment("startTime", self.start_time.as_ref().map(|time| time.0))
            .maybe_moment("endTime", self.end_time.as_ref().map(|time| time.0))
            .maybe_number("maxResults", self.max_results)
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    events: Vec<Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    event_id: String,
    event_name: String,
    read_only: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<String>,
    event_time: EpochSeconds,
    event_source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    resources: Vec<Resource>,
    cloud_trail_event: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    resource_type: String,
    resource_name: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// The question, and how many answers a page has.
fn question(ctx: &Ctx, input: &Input) -> Result<(Query, usize), CloudTrailError> {
    match input.event_category.as_deref() {
        None => {}
        Some("insight") => return Err(CloudTrailError::NotImplemented("EventCategory insight")),
        Some(_) => return Err(CloudTrailError::InvalidEventCategory),
    }
    let attribute = match input.lookup_attributes.as_deref().unwrap_or(&[]) {
        [] => None,
        [one] => Some(one.checked()?),
        _ => return Err(bad_attribute("You can provide only one lookup attribute.")),
    };
    let results_max = match input.max_results {
        None => RESULTS_MAX,
        Some(n) => u32::try_from(n)
            .ok()
            .filter(|n| (1..=RESULTS_MAX).contains(n))
            .ok_or(CloudTrailError::InvalidMaxResults)?,
    };
    let now = ctx.now();
    let oldest = now.minus(ctx.settings().event_history);
    let end = input.end_time.as_ref().map_or(now, |time| time.0);
    let start = input.start_time.as_ref().map_or(oldest, |time| time.0);
    if input.start_time.is_some() && start > end {
        return Err(CloudTrailError::InvalidTimeRange);
    }
    let query = Query {
        account: ctx.account,
        region: ctx.region.clone(),
        attribute,
        start: start.max(oldest),
        end,
        before: input
            .next_token
            .as_deref()
            .map(|token| place_of(token, input))
            .transpose()?,
    };
    Ok((query, results_max as usize))
}

impl LookupAttribute {
    fn checked(&self) -> Result<(Attribute, String), CloudTrailError> {
        let key = Attribute::named(&self.attribute_key);
        let key = key.ok_or_else(|| bad_attribute("The lookup attribute key is not valid."))?;
        let value = &self.attribute_value;
        let length: usize = value.chars().map(|c| 1 + usize::from(COUNT_DOUBLE.contains(&c))).sum();
        match (1..=VALUE_MAX).contains(&length) {
            true => Ok((key, value.clone())),
            false => Err(bad_attribute(
                "The lookup attribute value must be 1 to 2000 characters long.",
            )),
        }
    }
}

fn bad_attribute(message: &str) -> CloudTrailError {
    CloudTrailError::InvalidLookupAttributes(message.to_owned())
}

/// A token is the place where the page ended and a fingerprint of the question, so that it serves that question only. The
/// place never changes, so that it serves however much is committed meanwhile.
fn token(at: EntryPos, input: &Input) -> String {
    format!("{:x}-{:x}-{}", at.seq, at.index, fingerprint(input))
}

fn place_of(token: &str, input: &Input) -> Result<EntryPos, CloudTrailError> {
    let mut parts = token.split('-');
    let mut hex = || parts.next().and_then(|part| u64::from_str_radix(part, 16).ok());
    let place = hex().zip(hex()).and_then(|(seq, index)| {
        Some(EntryPos {
            seq,
            index: u32::try_from(index).ok()?,
        })
    });
    match (place, parts.next(), parts.next()) {
        (Some(at), Some(print), None) if print == fingerprint(input) => Ok(at),
        _ => Err(CloudTrailError::InvalidNextToken),
    }
}

fn fingerprint(input: &Input) -> String {
    let attributes = input.lookup_attributes.as_deref().unwrap_or(&[]);
    let attributes: Vec<_> = attributes
        .iter()
        .map(|a| (&a.attribute_key, &a.attribute_value))
        .collect();
    let time = |time: &Option<EpochSeconds>| time.as_ref().map(|time| time.0.as_micros());
    let text = format!("{attributes:?}{:?}{:?}", time(&input.start_time), time(&input.end_time));
    record::sha256_hex(text.as_bytes()).chars().take(16).collect()
}

fn event_of(found: Found) -> Event {
    let index = found.index;
    let resources = index.resources.iter().map(|resource| Resource {
        resource_type: resource.resource_type.clone().into_owned(),
        resource_name: history::resource_name(resource).to_owned(),
    });
    Event {
        resources: resources.collect(),
        event_id: index.event_id,
        event_name: index.event_name,
        read_only: index.read_only.to_string(),
        access_key_id: index.access_key_id,
        event_time: EpochSeconds(index.event_time),
        event_source: index.event_source,
        username: index.user_name,
        cloud_trail_event: String::from_utf8_lossy(&found.json).into_owned(),
    }
}

/// A page of events, and where it ended if it is full. Blocks its thread.
fn page(history: &History, query: &Query, results_max: usize) -> Result<(Vec<Event>, Option<EntryPos>), Fault> {
    let (mut events, mut last) = (Vec::new(), None);
    history::search(
        history,
        query,
        |_| true,
        |found| {
            let pos = found.pos;
            events.push(event_of(found));
            if events.len() < results_max {
                return Ok(ControlFlow::Continue(()));
            }
            last = Some(pos);
            Ok(ControlFlow::Break(()))
        },
    )?;
    Ok((events, last))
}

impl Operation for LookupEvents {
    const NAME: &'static str = "LookupEvents";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = CloudTrailError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, CloudTrailError> {
        Ok(Demand::on("cloudtrail:LookupEvents", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        _: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let (query, results_max) = question(ctx, input)?;
        let history = ctx.world().history();
        let turn = SEARCHING
            .acquire()
            .await
            .map_err(|_| Fault::Bug("the turn to search the event history was closed"))?;
        let search = move || {
            // Also a search whose caller has gone away has its turn until it ends.
            let _turn = turn;
            page(&history, &query, results_max)
        };
        let (events, next) = tokio::task::spawn_blocking(search)
            .await
            .map_err(|error| Fault::io("searching the event history", error))??;
        let next_token = next.map(|at| token(at, input));
        Ok(Json(Output { events, next_token }))
    }
}

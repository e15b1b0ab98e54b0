//! LookupEvents: the management events of the last 90 days in this Region, newest first, whether or not a trail logs.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>

use crate::CloudTrailError;
use base::{AccountId, Fault, Region, Timestamp, arn};
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn, journal};
use policy::Authorized;
use record::{Evident, IndexFields, Params};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{EntryPos, Journal, Placed, ReadView};
use wire::{EpochSeconds, ServiceName};

/// How long the event history reaches back.
pub(crate) const HISTORY: Duration = Duration::from_secs(90 * 24 * 3600);
/// Events a page may have; also the default.
const RESULTS_MAX: u32 = 50;
/// The journal is read back in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

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
    attribute_key: AttributeKey,
    attribute_value: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum AttributeKey {
    AccessKeyId,
    EventId,
    EventName,
    EventSource,
    ReadOnly,
    ResourceName,
    ResourceType,
    Username,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let attributes = self
            .lookup_attributes
            .as_deref()
            .unwrap_or(&[])
            .iter()
            .map(|attribute| {
                Params::new()
                    .text("attributeKey", format!("{:?}", attribute.attribute_key))
                    .text("attributeValue", &attribute.attribute_value)
            });
        let text = |time: &Option<EpochSeconds>| time.as_ref().map(|time| time.0.iso8601());
        Params::new()
            .objects("lookupAttributes", attributes)
            .maybe_text("startTime", text(&self.start_time))
            .maybe_text("endTime", text(&self.end_time))
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

/// What is looked for.
#[derive(Clone)]
struct Query {
    account: AccountId,
    region: Region,
    attribute: Option<LookupAttribute>,
    start: Timestamp,
    end: Timestamp,
    results_max: usize,
    /// Where the page before ended.
    before: Option<EntryPos>,
}

impl Query {
    fn parse(ctx: &Ctx, input: &Input) -> Result<Query, CloudTrailError> {
        if input
            .event_category
            .as_deref()
            .is_some_and(|category| !category.is_empty())
        {
            return Err(CloudTrailError::NotImplemented("EventCategory insight"));
        }
        let attribute = match input.lookup_attributes.as_deref().unwrap_or(&[]) {
            [] => None,
            [one] if (1..=2000).contains(&one.attribute_value.len()) => Some(one.clone()),
            [_] => {
                return Err(bad_attribute(
                    "The lookup attribute value must be 1 to 2000 characters long.",
                ));
            }
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
        let end = input.end_time.as_ref().map_or(now, |time| time.0);
        let start = input.start_time.as_ref().map_or(now.minus(HISTORY), |time| time.0);
        if start > end {
            return Err(CloudTrailError::InvalidTimeRange);
        }
        let query = Query {
            account: ctx.account,
            region: ctx.region.clone(),
            attribute,
            start: start.max(now.minus(HISTORY)),
            end,
            results_max: results_max as usize,
            before: None,
        };
        let before = input
            .next_token
            .as_deref()
            .map(|token| query.parse_token(token, input))
            .transpose()?;
        Ok(Query { before, ..query })
    }

    fn wants(&self, placed: &Placed, index: &IndexFields) -> bool {
        placed.entry.management
            && index.recipient_account_id == self.account
            && index.aws_region == self.region
            && index.event_time >= self.start
            && index.event_time <= self.end
            && self.attribute.as_ref().is_none_or(|attribute| attribute.matches(index))
    }

    /// A token is the place where the page ended and a fingerprint of the question, so that it serves that question only.
    fn token(at: EntryPos, input: &Input) -> String {
        format!("{:x}-{:x}-{}", at.seq, at.index, fingerprint(input))
    }

    fn parse_token(&self, token: &str, input: &Input) -> Result<EntryPos, CloudTrailError> {
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
}

fn bad_attribute(message: &str) -> CloudTrailError {
    CloudTrailError::InvalidLookupAttributes(message.to_owned())
}

fn fingerprint(input: &Input) -> String {
    let attributes = input.lookup_attributes.as_deref().unwrap_or(&[]);
    let attributes: Vec<_> = attributes
        .iter()
        .map(|a| (format!("{:?}", a.attribute_key), &a.attribute_value))
        .collect();
    let time = |time: &Option<EpochSeconds>| time.as_ref().map(|time| time.0.as_micros());
    let text = format!("{attributes:?}{:?}{:?}", time(&input.start_time), time(&input.end_time));
    record::sha256_hex(text.as_bytes()).chars().take(16).collect()
}

impl LookupAttribute {
    fn matches(&self, index: &IndexFields) -> bool {
        let wanted = self.attribute_value.as_str();
        match self.attribute_key {
            AttributeKey::AccessKeyId => index.access_key_id.as_deref() == Some(wanted),
            AttributeKey::EventId => index.event_id == wanted,
            AttributeKey::EventName => index.event_name == wanted,
            AttributeKey::EventSource => index.event_source == wanted,
            AttributeKey::ReadOnly => index.read_only.to_string().eq_ignore_ascii_case(wanted),
            AttributeKey::ResourceName => index
                .resources
                .iter()
                .any(|r| r.arn.as_str() == wanted || name_of(r) == wanted),
            AttributeKey::ResourceType => index.resources.iter().any(|r| r.resource_type == wanted),
            AttributeKey::Username => index.user_name.as_deref() == Some(wanted),
        }
    }
}

/// A resource's name: a bucket by its name, anything else by its ARN.
fn name_of(resource: &record::Resource) -> &str {
    let arn = resource.arn.as_str();
    arn.strip_prefix("arn:aws:s3:::").unwrap_or(arn)
}

fn event_of(index: IndexFields, json: &[u8]) -> Event {
    let resources = index.resources.iter().map(|resource| Resource {
        resource_type: resource.resource_type.clone().into_owned(),
        resource_name: name_of(resource).to_owned(),
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
        cloud_trail_event: String::from_utf8_lossy(json).into_owned(),
    }
}

/// Reads the journal back until the page is full or the start of the range is passed. Blocks its thread.
fn search(journal: &Journal, query: &Query) -> Result<(Vec<Event>, Option<EntryPos>), Fault> {
    let mut events = Vec::new();
    let mut to = query.before.map_or(journal.head(), |before| before.seq);
    loop {
        let page = journal.read_back(0, to, PIECE_BYTES)?;
        for placed in &page.entries {
            if query.before.is_some_and(|before| placed.pos >= before) {
                continue;
            }
            // An event is committed after it happened, never before.
            if placed.time < query.start {
                return Ok((events, None));
            }
            if !placed.entry.management {
                continue;
            }
            let entry = journal::decode(&placed.entry.payload)?;
            if query.wants(placed, &entry.index) {
                events.push(event_of(entry.index, &entry.json));
                if events.len() == query.results_max {
                    return Ok((events, Some(placed.pos)));
                }
            }
        }
        match page.next {
            Some(next) => to = next,
            None => return Ok((events, None)),
        }
    }
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
        let query = Query::parse(ctx, input)?;
        let journal = ctx.world().journal();
        let (events, next) = tokio::task::spawn_blocking(move || search(&journal, &query))
            .await
            .map_err(|error| Fault::io("searching the journal", error))??;
        let next_token = next.map(|at| Query::token(at, input));
        Ok(Json(Output { events, next_token }))
    }
}

//! PutAuditEvents: events from elsewhere come in by a channel.
//!
//! The call is a data event of the channel; what it brings is in the journal in the same commit. Each event is judged by
//! itself: what is wrong with one is told of that one. Events are parsed where the body is, before authorisation, once,
//! however often the call is repeated; what they are admitted under is known only in the transaction.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtraildata/latest/APIReference/API_PutAuditEvents.html>

mod body;

use super::channel_shapes;
use crate::{
    ChannelError,
    channel_error::Unreached,
    model::{
        channel::{Channel, ChannelReference, Ingestion},
        channel_policy,
        name::TrailReference,
        trail::Trail,
    },
    table::{self, channels},
};
use base::{Arn, Fault, Region, Timestamp, ids};
use body::Sent;
use gateway::{
    Call, Ctx, Demand, Demands, EventClass, Ingested, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn,
};
use policy::{Authorized, Policy, PolicyKind, PolicySource, ResourceKind};
use record::{Admission, Evident, IngestedRecord, Params, Schema, SubmissionFault};
use serde::Serialize;
use std::{collections::HashSet, sync::Arc, time::Duration};
use store::ReadView;
use wire::{AwsError, ErrorReply, ServiceName};

const ACTION: &str = "cloudtrail-data:PutAuditEvents";
const TYPE: &str = "AWS::CloudTrail::Channel";
/// While nothing but time changes, what came in last is written no more often.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// The operation.
pub(super) struct PutAuditEvents;

/// The call.
pub(super) struct Input {
    channel: String,
    external_id: Option<String>,
    events: Vec<Sent>,
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Input, ErrorReply> {
        let said = |error: ChannelError| ErrorReply::of(&error as &dyn AwsError);
        let value = |name: &str| call.head.query_value(name).map(std::borrow::Cow::into_owned);
        let channel = value("channelArn").filter(|text| !text.is_empty()).ok_or_else(|| {
            said(ChannelError::constraint(
                "null",
                "channelArn",
                "Member must not be null",
            ))
        })?;
        let external_id = value("externalId");
        if let Some(id) = external_id.as_deref().filter(|id| !is_external_id(id)) {
            let constraint =
                "Member must have length between 2 and 1224 and satisfy regular expression pattern: ^[\\w+=,.@:\\/-]*$";
            return Err(said(ChannelError::constraint(id, "externalId", constraint)));
        }
        let events = body::parse(&call.body).map_err(|fault| match fault {
            body::BodyFault::Wire(fault) => ErrorReply::of_wire(&fault, call.service),
            body::BodyFault::Told(error) => said(error),
        })?;
        Ok(Input {
            channel,
            external_id,
            events,
        })
    }
}

fn is_external_id(text: &str) -> bool {
    (2..=1224).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b))
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("channelArn", &self.channel)
            .maybe_text("externalId", self.external_id.as_deref())
    }
}

/// The answer.
#[derive(Serialize)]
pub(super) struct Output {
    failed: Vec<Failed>,
    successful: Vec<Successful>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    error_code: &'static str,
    error_message: String,
    id: String,
}

#[derive(Serialize)]
struct Successful {
    #[serde(rename = "eventID")]
    event_id: String,
    id: String,
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        match serde_json::to_vec(&self) {
            Ok(body) => Reply::with_body(200, wire::json::REST_CONTENT_TYPE, body),
            Err(_) => Reply::empty(500),
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        let failed = self.failed.iter().map(|one| {
            Params::new()
                .text("id", &one.id)
                .text("errorCode", one.error_code)
                .text("errorMessage", &one.error_message)
        });
        Params::new().objects("failed", failed)
    }
}

/// The channel that a caller means, by its ARN also one of another account.
async fn channel_of(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<Channel, ChannelError> {
    let meant = ChannelReference::parse(text).ok_or_else(|| ChannelError::InvalidChannelArn(text.to_owned()))?;
    let account = meant.account.unwrap_or(ctx.account);
    let here = meant.region.as_ref().is_none_or(|region| *region == ctx.region);
    let found = match here {
        true => channels::get(view, account, &ctx.region, &meant.id).await?,
        false => None,
    };
    found.ok_or_else(|| ChannelError::DataNotFound(text.to_owned()))
}

fn policy_of(channel: &Channel) -> Result<Option<Arc<Policy>>, Fault> {
    let Some(text) = &channel.policy else { return Ok(None) };
    let policy =
        Policy::parse(text, PolicyKind::Resource).map_err(|e| Fault::corrupt_by("the policy of a channel", e))?;
    Ok(Some(Arc::new(policy.with_source(PolicySource {
        arn: None,
        name: format!("resource policy of {}", channel.arn()).into(),
    }))))
}

/// The trails that the channel names and that take its events: they are there, log, and cover its Region. When there is none
/// what came in would be nowhere, so nothing comes in.
async fn trails_of(view: &ReadView<'_>, channel: &Channel) -> Result<Vec<Trail>, ChannelError> {
    let mut trails = Vec::with_capacity(channel.trails.len());
    let mut why = Unreached::Gone;
    for named in &channel.trails {
        if let Ok(TrailReference::Arn { home, name, .. }) = TrailReference::parse(named.as_str())
            && let Some(trail) = table::trail(view, channel.account, name.as_str(), &home).await?
        {
            match unreached(&trail, &channel.region) {
                None => trails.push(trail),
                Some(one) => why = why.max(one),
            }
        }
    }
    match trails.is_empty() {
        true => Err(ChannelError::NoDestination {
            channel: channel.arn(),
            why,
        }),
        false => Ok(trails),
    }
}

/// Why a trail that is there takes nothing that comes in by a channel of the Region.
fn unreached(trail: &Trail, region: &Region) -> Option<Unreached> {
    match (trail.is_in(region), trail.logging) {
        (false, _) => Some(Unreached::Elsewhere),
        (true, false) => Some(Unreached::Silent),
        (true, true) => None,
    }
}

/// The Regions of which an event may be: those that all the channel's trails cover.
fn regions_of(trails: &[Trail], enabled: &[Region]) -> Vec<Region> {
    let covered = |region: &&Region| trails.iter().all(|trail| trail.is_in(region));
    enabled.iter().filter(covered).cloned().collect()
}

impl Input {
    /// Two of one id could not be told apart in the answer.
    fn check_ids(&self) -> Result<(), ChannelError> {
        let mut seen = HashSet::with_capacity(self.events.len());
        match self.events.iter().find(|event| !seen.insert(event.id.as_str())) {
            Some(twice) => Err(ChannelError::DuplicatedAuditEventId(twice.id.clone())),
            None => Ok(()),
        }
    }

    fn has(&self, schema: Schema) -> bool {
        let mut found = self.events.iter().filter_map(|event| event.submission.as_ref().ok());
        found.any(|submission| submission.schema() == schema)
    }

    fn is_of_no_known_schema(&self) -> bool {
        let unknown = |event: &Sent| matches!(&event.submission, Ok(one) if one.schema() == Schema::Unknown);
        self.events.iter().all(unknown)
    }

    fn admitted(&self, ctx: &Ctx, under: &Admission<'_>) -> (Output, Vec<IngestedRecord>) {
        let mut records = Vec::with_capacity(self.events.len());
        let mut output = Output {
            failed: Vec::new(),
            successful: Vec::with_capacity(self.events.len()),
        };
        for event in &self.events {
            let event_id = ids::uuid(ctx.random());
            let taken = match &event.submission {
                Ok(submission) => submission.admit(under, event_id.clone()),
                Err(fault) => Err(fault.clone()),
            };
            let id = event.id.clone();
            match taken {
                Ok(record) => {
                    records.push(record);
                    output.successful.push(Successful { event_id, id });
                }
                Err(SubmissionFault { code, message }) => output.failed.push(Failed {
                    error_code: code.as_str(),
                    error_message: message,
                    id,
                }),
            }
        }
        (output, records)
    }
}

/// What came in last, when it is worth a write.
fn status_after(before: &Ingestion, output: &Output, now: Timestamp) -> Option<Ingestion> {
    let succeeded = output.successful.last().map(|one| (now, one.event_id.clone()));
    let failed = output.failed.last();
    let attempted = failed.map(|one| (now, one.id.clone())).or_else(|| succeeded.clone());
    let error = failed.map(|one| one.error_code.to_owned());
    let old = before
        .attempted
        .as_ref()
        .is_none_or(|(at, _)| now >= at.plus(STATUS_EVERY));
    let other = error.is_some() && error != before.error;
    (old || other || (succeeded.is_some() && before.succeeded.is_none())).then(|| Ingestion {
        succeeded: succeeded.or_else(|| before.succeeded.clone()),
        attempted,
        error: error.or_else(|| before.error.clone()),
    })
}

impl Operation for PutAuditEvents {
    const NAME: &'static str = "PutAuditEvents";
    const SERVICE: ServiceName = ServiceName::CloudTrailData;
    const EVENT: EventClass = EventClass::Data {
        resource_type: TYPE,
        read_only: false,
    };
    type Input = Input;
    type Output = Output;
    type Error = ChannelError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, ChannelError> {
        let channel = channel_of(ctx, view, &input.channel).await?;
        let policy = policy_of(&channel)?;
        if policy.is_none() && ctx.caller.account() != Some(channel.account) {
            return Err(ChannelError::InsufficientPermission);
        }
        let demand = |action| {
            let demand = Demand::on(action, channel.arn());
            channel_shapes::tagged(demand, &channel)
                .guarded(ResourceKind::Other, channel.account, policy.clone())
                .with_some("cloudtrail:ExternalId", input.external_id.as_deref())
                .shown_as(TYPE)
        };
        let mut demands = vec![demand(ACTION)];
        // Who may tell what an application did may not for that reason write records of other services.
        if input.has(Schema::Record) {
            demands.push(demand(channel_policy::INGEST));
        }
        Ok(Demands::All(demands))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, ChannelError> {
        input.check_ids()?;
        if input.is_of_no_known_schema() {
            return Err(ChannelError::UnsupportedSchema);
        }
        let channel = channel_of(ctx, &txn.view(), &input.channel).await?;
        let trails = trails_of(&txn.view(), &channel).await?;
        let (arn, now): (Arn, Timestamp) = (channel.arn(), ctx.now());
        let under = Admission {
            channel: &arn,
            account: channel.account,
            region: &channel.region,
            regions: &regions_of(&trails, &ctx.settings().regions),
            now,
        };
        let (output, records) = input.admitted(ctx, &under);
        txn.ingest(Ingested {
            records,
            trails: trails.into_iter().map(|trail| trail.id).collect(),
        });
        let before = channels::ingestion(&txn.view(), &channel.id).await?;
        if let Some(status) = status_after(&before, &output, now) {
            channels::put_ingestion(txn, &channel.id, &status);
        }
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(accepted: &[&str], refused: &[(&str, &'static str)]) -> Output {
        Output {
            failed: refused
                .iter()
                .map(|(id, error_code)| Failed {
                    error_code,
                    error_message: String::new(),
                    id: (*id).to_owned(),
                })
                .collect(),
            successful: accepted
                .iter()
                .map(|id| Successful {
                    event_id: (*id).to_owned(),
                    id: String::new(),
                })
                .collect(),
        }
    }

    #[test]
    fn what_came_in_last_is_written_seldom_and_failures_at_once() {
        let at = Timestamp::from_secs;
        let first = status_after(&Ingestion::default(), &output(&["a", "b"], &[]), at(100)).unwrap();
        assert_eq!(first.succeeded, Some((at(100), "b".to_owned())));
        assert_eq!(first.attempted, first.succeeded);
        assert_eq!(status_after(&first, &output(&["c"], &[]), at(109)), None);
        let failed = status_after(&first, &output(&["c"], &[("x", "InvalidData")]), at(101)).unwrap();
        assert_eq!(failed.error.as_deref(), Some("InvalidData"));
        assert_eq!(failed.attempted, Some((at(101), "x".to_owned())));
        assert_eq!(
            status_after(&failed, &output(&[], &[("y", "InvalidData")]), at(102)),
            None
        );
        let later = status_after(&failed, &output(&["d"], &[]), at(120)).unwrap();
        assert_eq!(later.succeeded, Some((at(120), "d".to_owned())));
        assert_eq!(later.error.as_deref(), Some("InvalidData"));
    }

    #[test]
    fn external_ids_are_awss() {
        assert!(is_external_id("a:b/c=,.@+-_9") && !is_external_id("a") && !is_external_id("a b"));
        assert!(is_external_id(&"x".repeat(1224)) && !is_external_id(&"x".repeat(1225)));
    }
}

//! SubscribeEvents: the management events of the caller's account as they are committed, and what trails deliver, as lines of
//! JSON in an answer that goes on.
//!
//! It is recorded once, before its first line, and tells nothing that LookupEvents and GetTrailStatus do not: it needs the right
//! to these in each Region and on each trail that it is asked for, now and for as long as it goes on (`feed`).

use super::summarise_events::checked_agents;
use crate::{
    ShosekiError, access,
    feed::{Asked, Feed, Place},
};
use base::{Arn, Region, arn};
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Render, RenderCtx, Reply, ReplyBody, Staged, Txn};
use http_body_util::BodyExt;
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

const REGIONS_MAX: usize = 64;
const SOURCES_MAX: usize = 64;
const TRAILS_MAX: usize = 20;

/// The operation.
pub(crate) struct SubscribeEvents;

/// Its input.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SubscribeEventsRequest {
    /// Of which Regions; without any, of that of the call.
    regions: Vec<String>,
    event_sources: Vec<String>,
    exclude_read_only: bool,
    /// What user agents begin with whose reads are left out.
    exclude_reads_by: Vec<String>,
    /// Tells of trails alone.
    no_events: bool,
    #[serde(rename = "TrailARNs")]
    trail_arns: Vec<String>,
    /// The position of an earlier stream after which this one goes on.
    after: Option<String>,
    /// Ends when everything is told that there was when it began.
    up_to_now: bool,
}

impl Evident for SubscribeEventsRequest {
    fn evident(&self) -> Params {
        let mut params = Params::new();
        for (name, list) in [
            ("regions", &self.regions),
            ("eventSources", &self.event_sources),
            ("excludeReadsBy", &self.exclude_reads_by),
            ("trailARNs", &self.trail_arns),
        ] {
            if !list.is_empty() {
                params = params.texts(name, list);
            }
        }
        for (name, set) in [
            ("excludeReadOnly", self.exclude_read_only),
            ("noEvents", self.no_events),
            ("upToNow", self.up_to_now),
        ] {
            if set {
                params = params.flag(name, true);
            }
        }
        params.maybe_text("after", self.after.as_deref())
    }
}

fn invalid<T>(text: impl Into<String>) -> Result<T, ShosekiError> {
    Err(ShosekiError::Validation(text.into()))
}

impl SubscribeEventsRequest {
    fn regions(&self, ctx: &Ctx) -> Result<Vec<Region>, ShosekiError> {
        if self.regions.len() > REGIONS_MAX {
            return invalid(format!("Regions must be at most {REGIONS_MAX}."));
        }
        let enabled = &ctx.settings().regions;
        let one = |name: &String| match Region::parse(name) {
            Ok(region) if enabled.contains(&region) => Ok(region),
            _ => invalid(format!("`{name}` is no Region that is enabled.")),
        };
        match self.regions.as_slice() {
            [] => Ok(vec![ctx.region.clone()]),
            some => some.iter().map(one).collect(),
        }
    }

    /// The trails, which must be of the caller's account, whether they are there or not.
    fn trails(&self, ctx: &Ctx) -> Result<Vec<Arn>, ShosekiError> {
        if self.trail_arns.len() > TRAILS_MAX {
            return invalid(format!("TrailARNs must be at most {TRAILS_MAX}."));
        }
        let one = |text: &String| {
            let parsed = Arn::parse(text);
            let own = parsed.filter(|arn| {
                let parts = arn.parts();
                parts.service == "cloudtrail"
                    && parts.account == ctx.account.as_str()
                    && parts.resource.starts_with("trail/")
            });
            own.map_or_else(|| invalid(format!("`{text}` is no trail of this account.")), Ok)
        };
        self.trail_arns.iter().map(one).collect()
    }

    fn demanded(&self, ctx: &Ctx) -> Result<Vec<Demand>, ShosekiError> {
        let mut demands = vec![access::own("shoseki:SubscribeEvents", arn::any())];
        if !self.no_events {
            let look_up = |region: Region| {
                Demand::on("cloudtrail:LookupEvents", arn::any()).with("aws:RequestedRegion", region.as_str())
            };
            demands.extend(self.regions(ctx)?.into_iter().map(look_up));
        }
        let status = |trail| Demand::on("cloudtrail:GetTrailStatus", trail);
        demands.extend(self.trails(ctx)?.into_iter().map(status));
        Ok(demands)
    }

    fn asked(&self, ctx: &Ctx) -> Result<Asked, ShosekiError> {
        if self.event_sources.len() > SOURCES_MAX {
            return invalid(format!("EventSources must be at most {SOURCES_MAX}."));
        }
        let after = match self.after.as_deref().map(Place::parse) {
            None => None,
            Some(Some(place)) => Some(place),
            Some(None) => return invalid("After is no position of ours."),
        };
        Ok(Asked {
            regions: match self.no_events {
                true => Vec::new(),
                false => self.regions(ctx)?,
            },
            sources: self.event_sources.clone(),
            exclude_read_only: self.exclude_read_only,
            exclude_reads_by: checked_agents(&self.exclude_reads_by)?,
            trails: self.trails(ctx)?,
            after,
            up_to_now: self.up_to_now,
        })
    }
}

/// Its output: what goes on once it is rendered.
pub(crate) struct SubscribeEventsResponse(Feed);

impl Evident for SubscribeEventsResponse {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for SubscribeEventsResponse {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let mut reply = Reply::with_body(200, "application/x-ndjson", Vec::new());
        reply.body = ReplyBody::Endless(self.0.begin().boxed_unsync());
        reply
    }
}

impl Operation for SubscribeEvents {
    const NAME: &'static str = "SubscribeEvents";
    const SERVICE: ServiceName = ServiceName::Shoseki;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<SubscribeEventsRequest>;
    type Output = SubscribeEventsResponse;
    type Error = ShosekiError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, ShosekiError> {
        Ok(Demands::All(input.demanded(ctx)?))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ShosekiError> {
        let (asked, demands) = (input.asked(ctx)?, input.demanded(ctx)?);
        let now = Place::after_all_of(txn.view().seq());
        if asked.after.is_some_and(|after| after > now) {
            return invalid("After is a position that has not come yet.");
        }
        let feed = Feed::new(ctx, asked, demands, now)?;
        Ok(SubscribeEventsResponse(feed))
    }
}

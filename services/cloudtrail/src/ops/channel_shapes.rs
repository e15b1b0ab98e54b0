//! What the operations on channels have in common: finding one, its destinations, shapes.

use crate::{
    ChannelError,
    model::{
        channel::{Channel, ChannelReference, DESTINATIONS_MAX},
        name::TrailReference,
        trail::Trail,
    },
    table,
};
use base::{Arn, Fault, arn};
use gateway::{Ctx, Demand, Demands};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;

/// Where a channel's events go.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Destination {
    #[serde(rename = "Type")]
    kind: String,
    location: String,
}

const SERVICE: &str = "AWS_SERVICE";
const EVENT_DATA_STORE: &str = "EVENT_DATA_STORE";

/// Input that names one channel.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedChannel {
    pub(super) channel: String,
}

impl Evident for NamedChannel {
    fn evident(&self) -> Params {
        Params::new().text("channel", &self.channel)
    }
}

/// Destinations as a record shows them.
pub(super) fn shown(destinations: &[Destination]) -> impl Iterator<Item = Params> {
    destinations.iter().map(|destination| {
        Params::new()
            .text("type", &destination.kind)
            .text("location", &destination.location)
    })
}

/// A channel's destinations as they are answered.
pub(super) fn destinations_of(channel: &Channel) -> Vec<Destination> {
    let destination = |trail: &Arn| Destination {
        kind: SERVICE.to_owned(),
        location: trail.as_str().to_owned(),
    };
    channel.trails.iter().map(destination).collect()
}

/// The trails that destinations name: of the caller's account, and in the Region, at home or as a shadow.
pub(super) async fn trails_of(
    ctx: &Ctx,
    view: &ReadView<'_>,
    destinations: &[Destination],
) -> Result<Vec<Arn>, ChannelError> {
    if destinations.is_empty() || destinations.len() > DESTINATIONS_MAX {
        return Err(ChannelError::InvalidParameter(format!(
            "A channel has 1 to {DESTINATIONS_MAX} destinations."
        )));
    }
    let trails = table::trails_of(view, ctx.account).await?;
    let mut arns: Vec<Arn> = Vec::with_capacity(destinations.len());
    for destination in destinations {
        match destination.kind.as_str() {
            SERVICE => {}
            EVENT_DATA_STORE => return Err(ChannelError::NotImplemented("The destination type EVENT_DATA_STORE")),
            other => {
                return Err(ChannelError::constraint(
                    other,
                    "destinations.member.type",
                    "Member must satisfy enum value set: [EVENT_DATA_STORE, AWS_SERVICE]",
                ));
            }
        }
        let arn = trail_at(ctx, &trails, &destination.location)?;
        if !arns.contains(&arn) {
            arns.push(arn);
        }
    }
    Ok(arns)
}

fn trail_at(ctx: &Ctx, trails: &[Trail], location: &str) -> Result<Arn, ChannelError> {
    let bad = |why: &str| ChannelError::InvalidParameter(format!("The destination {location} {why}"));
    if !matches!(TrailReference::parse(location), Ok(TrailReference::Arn { .. })) {
        return Err(bad("is not the ARN of a trail."));
    }
    let named = trails.iter().find(|trail| trail.arn().as_str() == location);
    match named {
        None => Err(bad("is not a trail of this account.")),
        Some(trail) if !trail.is_in(&ctx.region) => Err(bad(
            "is a trail of another Region; a channel needs one of its own Region or of all Regions.",
        )),
        Some(trail) => Ok(trail.arn()),
    }
}

/// The ARN that a caller's words stand for in the Region that is called.
fn arn_meant(ctx: &Ctx, text: &str) -> Result<(ChannelReference, Arn), ChannelError> {
    let reference = ChannelReference::parse(text).ok_or_else(|| ChannelError::ArnInvalid(text.to_owned()))?;
    let region = reference.region.as_ref().unwrap_or(&ctx.region);
    let arn = arn::channel(region, reference.account.unwrap_or(ctx.account), &reference.id);
    Ok((reference, arn))
}

/// A demand with the condition keys that tell of the channel's tags.
pub(super) fn tagged(demand: Demand, channel: &Channel) -> Demand {
    channel.tags.iter().fold(demand, |demand, (key, value)| {
        demand.with(format!("aws:ResourceTag/{key}"), value.as_deref().unwrap_or_default())
    })
}

/// A demand on the channel that a caller means, there or not.
pub(super) async fn demand_on(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    text: &str,
) -> Result<Demands, ChannelError> {
    let (reference, arn) = arn_meant(ctx, text)?;
    let demand = Demand::on(action, arn.clone());
    Ok(match found(ctx, view, &reference, &arn).await? {
        Some(channel) => tagged(demand, &channel).into(),
        None => demand.into(),
    })
}

async fn found(
    ctx: &Ctx,
    view: &ReadView<'_>,
    reference: &ChannelReference,
    arn: &Arn,
) -> Result<Option<Channel>, Fault> {
    let found = table::channels::get(view, ctx.account, &ctx.region, &reference.id).await?;
    Ok(found.filter(|channel| channel.arn() == *arn))
}

/// The caller's channel of an ARN or id in the Region that is called.
pub(super) async fn find(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<Channel, ChannelError> {
    let (reference, arn) = arn_meant(ctx, text)?;
    found(ctx, view, &reference, &arn)
        .await?
        .ok_or_else(|| ChannelError::NotFound(text.to_owned()))
}

//! CreateChannel: a way in for events from elsewhere.
//!
//! AWS's channels lead to event data stores, which are not here; here a channel leads to trails.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateChannel.html>

use super::{
    channel_shapes::{Destination, destinations_of, shown, trails_of},
    shapes::TagShape,
};
use crate::{
    ChannelError, CloudTrailError,
    model::{
        channel::{CHANNELS_PER_REGION_MAX, CUSTOM, Channel, is_name, is_source},
        tag::parse_tags,
    },
    table::channels,
};
use base::{arn, ids};
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct CreateChannel;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    name: String,
    source: String,
    destinations: Vec<Destination>,
    tags: Option<Vec<TagShape>>,
}

impl Input {
    fn tags(&self) -> &[TagShape] {
        self.tags.as_deref().unwrap_or(&[])
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let out = Params::new()
            .text("name", &self.name)
            .text("source", &self.source)
            .objects("destinations", shown(&self.destinations));
        match &self.tags {
            Some(tags) => out.objects("tags", TagShape::shown(tags)),
            None => out,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    channel_arn: String,
    name: String,
    source: String,
    destinations: Vec<Destination>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<TagShape>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        let out = Params::new()
            .text("channelArn", &self.channel_arn)
            .text("name", &self.name)
            .text("source", &self.source)
            .objects("destinations", shown(&self.destinations));
        match self.tags.as_slice() {
            [] => out,
            tags => out.objects("tags", TagShape::shown(tags)),
        }
    }
}

/// A name is given once in account and Region, and a partner has one channel there; `Custom` may have several.
pub(super) async fn check_room(ctx: &Ctx, view: &ReadView<'_>, channel: &Channel) -> Result<(), ChannelError> {
    let mut others = channels::all(view, ctx.account, &ctx.region).await?;
    others.retain(|other| other.id != channel.id);
    let taken = |what, text: &String| ChannelError::AlreadyExists {
        what,
        text: text.clone(),
    };
    if others.iter().any(|other| other.name == channel.name) {
        return Err(taken("name", &channel.name));
    }
    if channel.source != CUSTOM && others.iter().any(|other| other.source == channel.source) {
        return Err(taken("source", &channel.source));
    }
    if others.len() >= CHANNELS_PER_REGION_MAX {
        return Err(ChannelError::MaxLimitExceeded {
            account: ctx.account,
            region: ctx.region.clone(),
        });
    }
    Ok(())
}

pub(super) fn check_name(name: &str) -> Result<(), ChannelError> {
    match is_name(name) {
        true => Ok(()),
        false => Err(ChannelError::InvalidParameter(
            "A channel's name is 3 to 128 letters, digits, periods, underscores and hyphens.".to_owned(),
        )),
    }
}

impl Operation for CreateChannel {
    const NAME: &'static str = "CreateChannel";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "destinations of type EVENT_DATA_STORE; here they are trails, of type AWS_SERVICE";
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = ChannelError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, ChannelError> {
        let arn = arn::channel(&ctx.region, ctx.account, "*");
        let tags = input.tags();
        let mut demands = vec![TagShape::on(Demand::on("cloudtrail:CreateChannel", arn.clone()), tags)];
        if !tags.is_empty() {
            demands.push(TagShape::on(Demand::on("cloudtrail:AddTags", arn), tags));
        }
        Ok(Demands::All(demands))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ChannelError> {
        check_name(&input.name)?;
        if !is_source(&input.source) {
            return Err(ChannelError::InvalidSource(input.source.clone()));
        }
        let channel = Channel {
            id: ids::uuid(ctx.random()),
            account: ctx.account,
            region: ctx.region.clone(),
            name: input.name.clone(),
            source: input.source.clone(),
            trails: trails_of(ctx, &txn.view(), &input.destinations).await?,
            policy: None,
            tags: parse_tags(TagShape::typed(input.tags())).map_err(CloudTrailError::from)?,
        };
        check_room(ctx, &txn.view(), &channel).await?;
        channels::put(txn, &channel);
        Ok(Json(Output {
            channel_arn: channel.arn().as_str().to_owned(),
            destinations: destinations_of(&channel),
            tags: channel.tags.into_iter().map(TagShape::from).collect(),
            name: channel.name,
            source: channel.source,
        }))
    }
}

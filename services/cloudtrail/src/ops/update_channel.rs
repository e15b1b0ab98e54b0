//! UpdateChannel: another name, other destinations.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateChannel.html>

use super::{
    channel_shapes::{Destination, demand_on, destinations_of, find, shown, trails_of},
    create_channel::{check_name, check_room},
};
use crate::{ChannelError, table::channels};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UpdateChannel;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    channel: String,
    destinations: Option<Vec<Destination>>,
    name: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let out = Params::new().text("channel", &self.channel);
        match &self.destinations {
            Some(destinations) => out.objects("destinations", shown(destinations)),
            None => out,
        }
        .maybe_text("name", self.name.as_deref())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    channel_arn: String,
    name: String,
    source: String,
    destinations: Vec<Destination>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
            .text("channelArn", &self.channel_arn)
            .text("name", &self.name)
            .text("source", &self.source)
            .objects("destinations", shown(&self.destinations))
    }
}

impl Operation for UpdateChannel {
    const NAME: &'static str = "UpdateChannel";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = ChannelError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, ChannelError> {
        demand_on(ctx, view, "cloudtrail:UpdateChannel", &input.channel).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ChannelError> {
        let mut channel = find(ctx, &txn.view(), &input.channel).await?;
        if let Some(name) = &input.name {
            check_name(name)?;
            channel.name.clone_from(name);
        }
        if let Some(destinations) = &input.destinations {
            channel.trails = trails_of(ctx, &txn.view(), destinations).await?;
        }
        check_room(ctx, &txn.view(), &channel).await?;
        channels::put(txn, &channel);
        Ok(Json(Output {
            channel_arn: channel.arn().as_str().to_owned(),
            destinations: destinations_of(&channel),
            name: channel.name,
            source: channel.source,
        }))
    }
}

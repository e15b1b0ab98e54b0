//! What the operations on resource policies have in common.

use super::channel_shapes;
use crate::{ChannelError, model::channel::Channel};
use base::{Arn, arn};
use gateway::{Ctx, Demands, principals};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;

/// Input that names one resource.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedResource {
    pub(super) resource_arn: String,
}

impl Evident for NamedResource {
    fn evident(&self) -> Params {
        Params::new().text("resourceArn", &self.resource_arn)
    }
}

/// A resource with its policy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GuardedResource {
    pub(super) resource_arn: String,
    pub(super) resource_policy: String,
}

impl Evident for GuardedResource {
    fn evident(&self) -> Params {
        Params::new()
            .text("resourceArn", &self.resource_arn)
            .text("resourcePolicy", &self.resource_policy)
    }
}

/// The ARN of something that may have a policy: of a channel.
fn resource(text: &str) -> Result<Arn, ChannelError> {
    let parts = arn::split(text).filter(|parts| parts.service == "cloudtrail");
    match (Arn::parse(text), parts) {
        (Some(arn), Some(parts)) if parts.resource.starts_with("channel/") => Ok(arn),
        (Some(_), Some(parts)) if parts.resource.contains('/') => {
            Err(ChannelError::ResourceTypeNotSupported(text.to_owned()))
        }
        _ => Err(ChannelError::ResourceArnNotValid(text.to_owned())),
    }
}

pub(super) async fn demand_on(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    text: &str,
) -> Result<Demands, ChannelError> {
    let arn = resource(text)?;
    channel_shapes::demand_on(ctx, view, action, arn.as_str())
        .await
        .map_err(of_resource)
}

/// The caller's channel of an ARN.
pub(super) async fn find(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<Channel, ChannelError> {
    let arn = resource(text)?;
    channel_shapes::find(ctx, view, arn.as_str()).await.map_err(of_resource)
}

/// A channel's errors in the words of the operations on resource policies.
fn of_resource(error: ChannelError) -> ChannelError {
    match error {
        ChannelError::ArnInvalid(text) => ChannelError::ResourceArnNotValid(text),
        ChannelError::NotFound(text) => ChannelError::ResourceNotFound(text),
        other => other,
    }
}

/// A channel's policy as it is shown.
pub(super) async fn shown(ctx: &Ctx, view: &ReadView<'_>, channel: &Channel) -> Result<GuardedResource, ChannelError> {
    let arn = channel.arn().as_str().to_owned();
    match &channel.policy {
        None => Err(ChannelError::ResourcePolicyNotFound(arn)),
        Some(stored) => Ok(GuardedResource {
            resource_arn: arn,
            resource_policy: principals::to_arns(ctx, view, stored).await?,
        }),
    }
}

//! What has tags: trails and channels, named by their ARNs.

use super::{channel_shapes, find};
use crate::{
    CloudTrailError,
    model::{
        channel::{Channel, ChannelReference},
        name::TrailReference,
        tag::Tag,
        trail::Trail,
    },
    table,
};
use base::Arn;
use gateway::{Ctx, Demand, Txn};
use store::ReadView;

/// A resource with its tags.
pub(super) enum Tagged {
    /// A trail, home or shadow.
    Trail(Trail),
    /// A channel of the Region that is called.
    Channel(Channel),
}

/// The demand of a tag operation on a resource, there or not. The tags of channels may decide, those of trails do not.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/security_iam_service-with-iam.html>
pub(super) async fn demand_on(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    id: &str,
) -> Result<Demand, CloudTrailError> {
    let invalid = || CloudTrailError::CloudTrailArnInvalid(id.to_owned());
    let arn = Arn::parse(id).filter(|arn| arn.parts().service == "cloudtrail");
    let demand = Demand::on(action, arn.ok_or_else(invalid)?);
    Ok(match channel(ctx, view, id).await? {
        Some(channel) => channel_shapes::tagged(demand, &channel),
        None => demand,
    })
}

/// The caller's channel of an ARN.
async fn channel(ctx: &Ctx, view: &ReadView<'_>, id: &str) -> Result<Option<Channel>, CloudTrailError> {
    let Some(reference) = ChannelReference::parse(id) else {
        return Ok(None);
    };
    let channel = table::channels::get(view, ctx.account, &ctx.region, &reference.id).await?;
    Ok(channel.filter(|channel| channel.arn().as_str() == id))
}

impl Tagged {
    /// The resource of an ARN, as the Region sees it that is called.
    pub(super) async fn find(ctx: &Ctx, view: &ReadView<'_>, id: &str) -> Result<Tagged, CloudTrailError> {
        let arn = Arn::parse(id).ok_or_else(|| CloudTrailError::CloudTrailArnInvalid(id.to_owned()))?;
        let found = match arn.parts().resource.split('/').next() {
            Some("trail") => find::find(ctx, view, &TrailReference::parse(id)?)
                .await?
                .map(Tagged::Trail),
            Some("channel") if ChannelReference::parse(id).is_some() => {
                channel(ctx, view, id).await?.map(Tagged::Channel)
            }
            Some("eventdatastore" | "dashboard") => {
                return Err(CloudTrailError::ResourceTypeNotSupported(id.to_owned()));
            }
            _ => return Err(CloudTrailError::CloudTrailArnInvalid(id.to_owned())),
        };
        found.ok_or_else(|| CloudTrailError::ResourceNotFound(id.to_owned()))
    }

    /// The tags.
    pub(super) fn tags(&self) -> &[Tag] {
        match self {
            Tagged::Trail(trail) => &trail.tags,
            Tagged::Channel(channel) => &channel.tags,
        }
    }

    /// Stores it with other tags. A shadow cannot be changed.
    pub(super) fn put(self, ctx: &Ctx, txn: &mut Txn, tags: Vec<Tag>) -> Result<(), CloudTrailError> {
        match self {
            Tagged::Trail(trail) => {
                find::at_home(ctx, &trail)?;
                table::put_trail(txn, &Trail { tags, ..trail }, ctx.random());
            }
            Tagged::Channel(channel) => table::channels::put(txn, &Channel { tags, ..channel }),
        }
        Ok(())
    }
}

//! What has tags: trails and channels, named by their ARNs.

use super::find;
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

/// The demand of a tag operation on a resource.
pub(super) fn demand_on(action: &'static str, id: &str) -> Result<Demand, CloudTrailError> {
    match Arn::parse(id) {
        Some(arn) if arn.parts().service == "cloudtrail" => Ok(Demand::on(action, arn)),
        _ => Err(CloudTrailError::CloudTrailArnInvalid(id.to_owned())),
    }
}

impl Tagged {
    /// The resource of an ARN, as the Region sees it that is called.
    pub(super) async fn find(ctx: &Ctx, view: &ReadView<'_>, id: &str) -> Result<Tagged, CloudTrailError> {
        let arn = Arn::parse(id).ok_or_else(|| CloudTrailError::CloudTrailArnInvalid(id.to_owned()))?;
        let found = match arn.parts().resource.split('/').next() {
            Some("trail") => find::find(ctx, view, &TrailReference::parse(id)?)
                .await?
                .map(Tagged::Trail),
            Some("channel") => {
                let reference =
                    ChannelReference::parse(id).ok_or_else(|| CloudTrailError::CloudTrailArnInvalid(id.to_owned()))?;
                let channel = table::channels::get(view, ctx.account, &ctx.region, &reference.id).await?;
                channel.filter(|channel| channel.arn() == arn).map(Tagged::Channel)
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

//! What trails write with, as those ask who want to know who could read it, and how they stand. Nothing is decided here.

use crate::{table, work::regions_of};
use base::{Arn, Fault};
use gateway::{
    World,
    ports::{TrailPlace, TrailStanding},
};
use store::ReadView;

/// The trails of all accounts.
pub(crate) async fn trails(view: &ReadView<'_>) -> Result<Vec<TrailPlace>, Fault> {
    let trails = table::all_trails(view).await?;
    let place = |trail: crate::model::trail::Trail| TrailPlace {
        arn: trail.arn(),
        account: trail.account,
        name: trail.name,
        home: trail.home,
        multi_region: trail.multi_region,
        bucket: trail.bucket,
        prefix: trail.prefix,
        kms_key: trail.kms_key,
    };
    Ok(trails.into_iter().map(place).collect())
}

/// How a trail stands, over all its Regions.
pub(crate) async fn standing(world: &World, view: &ReadView<'_>, arn: &Arn) -> Result<Option<TrailStanding>, Fault> {
    let mut trails = table::all_trails(view).await?.into_iter();
    let Some(trail) = trails.find(|trail| trail.arn() == *arn) else {
        return Ok(None);
    };
    let mut standing = TrailStanding {
        is_logging: trail.logging,
        ..TrailStanding::default()
    };
    for region in regions_of(&trail, &world.settings.regions) {
        let delivered = table::delivery(view, &trail.id, &region).await?.delivered;
        let digested = table::digested(view, &trail.id, &region).await?.delivered;
        standing.delivered = standing.delivered.max(delivered);
        standing.digested = standing.digested.max(digested);
    }
    Ok(Some(standing))
}

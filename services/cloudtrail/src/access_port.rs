//! What trails write with, as those ask who want to know who could read it. Nothing is decided here.

use crate::table;
use base::Fault;
use gateway::ports::TrailPlace;
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

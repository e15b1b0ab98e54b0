//! Background work: delivery of log files, signing of digests and the keys that sign, the archive of events.

pub mod archive;
pub mod chains;
pub mod deliver;
pub mod digest;
mod fill;
pub mod logs;
mod signing;
#[cfg(test)]
mod tests;

use crate::{model::trail::Trail, ops::as_cloudtrail, table};
use base::{Fault, Region, Timestamp};
use gateway::{Deliveries, Delivery, DeliveryKind, Txn, World, work::Work};
use std::{sync::Arc, time::Duration};
use store::ReadView;
use wire::ServiceName;

/// A transaction repeats at most so often after conflicts before the tick gives up until its next turn.
const ATTEMPTS_MAX: u32 = 16;

/// A transaction of CloudTrail acting for a trail, in a Region.
fn begin(world: &Arc<World>, trail: &Trail, region: &Region) -> Work {
    Work::begin(world, ServiceName::CloudTrail, as_cloudtrail(trail), region.clone())
}

/// Tells whoever listens what a trail has put in a Region, by its key, or why it was refused; once the transaction is durable.
fn told(
    world: &Arc<World>,
    txn: &mut Txn,
    trail: &Trail,
    (region, time): (&Region, Timestamp),
    kind: DeliveryKind,
    put: Result<String, String>,
) {
    let deliveries = world.kept::<Deliveries>();
    let (key, error) = match put {
        Ok(key) => (Some(key), None),
        Err(code) => (None, Some(code)),
    };
    let delivery = Delivery {
        trail: trail.arn(),
        region: region.clone(),
        kind,
        bucket: trail.bucket.clone(),
        key,
        time,
        error,
    };
    txn.once_committed(move || deliveries.tell(delivery));
}

/// The Regions that a trail covers.
pub fn regions_of(trail: &Trail, enabled: &[Region]) -> Vec<Region> {
    let mut regions: Vec<Region> = enabled.iter().filter(|region| trail.is_in(region)).cloned().collect();
    if !regions.contains(&trail.home) {
        regions.push(trail.home.clone());
    }
    regions
}

/// The Regions where a trail can have a chain: all that are enabled, for it may have left some, and its home.
fn chain_regions(trail: &Trail, enabled: &[Region]) -> Vec<Region> {
    let mut regions = enabled.to_vec();
    if !regions.contains(&trail.home) {
        regions.push(trail.home.clone());
    }
    regions
}

/// A refused file or digest is tried again each turn for an hour, then hourly, for thirty days.
const EAGER: Duration = Duration::from_secs(3600);
/// See [`EAGER`].
const PATIENT: Duration = Duration::from_secs(3600);

/// What could not be delivered for so long is lost, and the loss is told.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-get-and-view-log-files.html>
const REDELIVERY: Duration = Duration::from_secs(30 * 24 * 3600);

/// When a refused file is tried again, which was refused first at `since` and last at `attempted`: with the next interval
/// for an hour, then hourly. Falls on the edge of an interval, so that one pass serves all Regions.
fn retry_at(since: Timestamp, attempted: Timestamp, interval: Duration) -> Timestamp {
    if attempted.since(since) < EAGER {
        attempted.floor_to(interval).plus(interval)
    } else {
        attempted.plus(PATIENT.max(interval)).floor_to(interval)
    }
}

/// The trails that select, have selected, or are deleted and not done: each with whether it is deleted.
async fn delivering(view: &ReadView<'_>) -> Result<Vec<(Trail, bool)>, Fault> {
    let mut trails: Vec<(Trail, bool)> = Vec::new();
    // A trail that was never started has selected nothing.
    let started = table::all_trails(view)
        .await?
        .into_iter()
        .filter(|trail| trail.generation > 0);
    trails.extend(started.map(|trail| (trail, false)));
    trails.extend(
        table::closing_trails(view)
            .await?
            .into_iter()
            .map(|trail| (trail, true)),
    );
    Ok(trails)
}

/// Up to where every trail has delivered what it selected, in every Region and to every place. No entry after this
/// sequence may leave the journal.
pub async fn delivered_through(view: &ReadView<'_>, head: u64) -> Result<u64, Fault> {
    let mut through = head;
    for (trail, _) in delivering(view).await? {
        let cursor = table::cursor(view, &trail.id).await?.unwrap_or_default();
        through = through.min(cursor.delivered_through());
        if let Some(logs) = table::logs(view, &trail.id).await? {
            through = through.min(logs.through);
        }
    }
    Ok(through)
}

fn conflicted() -> Fault {
    Fault::Bug("background work conflicted without end")
}

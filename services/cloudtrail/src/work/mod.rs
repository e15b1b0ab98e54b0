//! Background work: delivery of log files, signing of digests and the keys that sign, compaction of the journal.

pub mod chains;
pub mod compact;
pub mod deliver;
pub mod digest;
mod signing;

use crate::{model::trail::Trail, ops::as_cloudtrail};
use base::{Fault, Region};
use gateway::{World, work::Work};
use std::{sync::Arc, time::Duration};
use wire::ServiceName;

/// A transaction repeats at most so often after conflicts before the tick gives up until its next turn.
const ATTEMPTS_MAX: u32 = 16;

/// A transaction of CloudTrail acting for a trail, in a Region.
fn begin(world: &Arc<World>, trail: &Trail, region: &Region) -> Work {
    Work::begin(world, ServiceName::CloudTrail, as_cloudtrail(trail), region.clone())
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

fn conflicted() -> Fault {
    Fault::Bug("background work conflicted without end")
}

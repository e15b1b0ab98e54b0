//! Background work: delivery of log files, signing of digests and the keys that sign, compaction of the journal.

pub mod chains;
pub mod compact;
pub mod deliver;
pub mod digest;
mod signing;

use crate::{model::trail::Trail, ops::as_cloudtrail};
use base::{Fault, Region};
use gateway::{World, work::Work};
use std::sync::Arc;
use wire::ServiceName;

/// A transaction repeats at most so often after conflicts before the tick gives up until its next turn.
const ATTEMPTS_MAX: u32 = 16;

/// A transaction of CloudTrail acting for a trail, in a Region.
fn begin(world: &Arc<World>, trail: &Trail, region: &Region) -> Work {
    Work::begin(world, ServiceName::CloudTrail, as_cloudtrail(trail), region.clone())
}

/// The Regions that a trail covers.
fn regions_of<'a>(trail: &'a Trail, enabled: &'a [Region]) -> Vec<Region> {
    let mut regions: Vec<Region> = enabled.iter().filter(|region| trail.is_in(region)).cloned().collect();
    if !regions.contains(&trail.home) {
        regions.push(trail.home.clone());
    }
    regions
}

fn conflicted() -> Fault {
    Fault::Bug("background work conflicted without end")
}

//! When digest chains begin and end: with logging and validation, per Region.

use crate::{
    model::trail::Trail,
    table::{self, ChainRow},
};
use base::{Fault, Region, Timestamp};
use gateway::Txn;

/// Brings a trail's chains in step with its settings.
///
/// A trail that logs with validation has a chain in every Region that it covers; a new one starts now, so all share the
/// minute and second of their windows. When logging stops, the next digest is a chain's last, so that what was delivered
/// until then is proven. When validation is switched off the chain is broken at once, and what waits for a digest never
/// gets one: that is AWS's rule.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>
pub async fn align(txn: &mut Txn, trail: &Trail, enabled: &[Region], now: Timestamp) -> Result<(), Fault> {
    let covered = super::regions_of(trail, enabled);
    let mut all: Vec<Region> = enabled.to_vec();
    all.extend(covered.iter().filter(|region| !enabled.contains(region)).cloned());
    for region in &all {
        let chain = table::chain(&txn.view(), &trail.id, region).await?;
        match (chain, trail.validation && covered.contains(region)) {
            (None, false) => {}
            (Some(_), false) => drop_chain(txn, trail, region).await?,
            (Some(mut chain), true) if !trail.logging => {
                chain.closing = true;
                table::put_chain(txn, &trail.id, region, &chain);
            }
            (None, true) if !trail.logging => {}
            (Some(chain), true) if !chain.closing => {}
            (_, true) => table::put_chain(txn, &trail.id, region, &ChainRow::starting(now.floor_second())),
        }
    }
    Ok(())
}

async fn drop_chain(txn: &mut Txn, trail: &Trail, region: &Region) -> Result<(), Fault> {
    table::delete_chain(txn, &trail.id, region);
    for (key, _) in table::pending(&txn.view(), &trail.id, region).await? {
        txn.delete(key);
    }
    Ok(())
}

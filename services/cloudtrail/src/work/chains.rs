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
/// minute and second of their windows. When logging stops, or the Region is left, the next digest is a chain's last, so that what was delivered
/// until then is proven. When validation is switched off the chain is broken at once, and what waits for a digest never
/// gets one: that is AWS's rule.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>
pub async fn align(txn: &mut Txn, trail: &Trail, enabled: &[Region], now: Timestamp) -> Result<(), Fault> {
    let known = table::chains(&txn.view(), &trail.id, super::chain_regions(trail, enabled)).await?;
    if !trail.validation {
        for (region, _) in &known {
            drop_chain(txn, trail, region).await?;
        }
        return Ok(());
    }
    let covered = super::regions_of(trail, enabled);
    let goes_on = |region: &Region| trail.logging && covered.contains(region);
    for (region, chain) in &known {
        if !goes_on(region) {
            table::put_chain(
                txn,
                &trail.id,
                region,
                &ChainRow {
                    closing: true,
                    ..chain.clone()
                },
            );
        }
    }
    for region in covered.iter().filter(|region| goes_on(region)) {
        if !known.iter().any(|(known, chain)| known == region && !chain.closing) {
            table::put_chain(txn, &trail.id, region, &ChainRow::starting(now.floor_second()));
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

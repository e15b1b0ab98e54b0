//! When digest chains begin and end: with logging and validation, per Region.

use crate::{
    model::trail::Trail,
    table::{self, ChainRow, PendingFile},
};
use base::{Fault, Region, Timestamp};
use gateway::Txn;
use std::time::Duration;

/// Brings a trail's chains in step with its settings.
///
/// A trail that logs with validation has a chain in every Region that it covers; a new one starts now, so all share the
/// minute and second of their windows. When logging stops, validation is switched off or the Region is left, the next
/// digest is a chain's last, so that what was delivered until then is proven. When it begins again before that, the last
/// digest of the old chain ends where the first of the new one starts. What is delivered while validation is off never gets
/// a digest: that is AWS's rule.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>
pub async fn align(txn: &mut Txn, trail: &Trail, enabled: &[Region], now: Timestamp) -> Result<(), Fault> {
    let known = table::chains(&txn.view(), &trail.id).await?;
    let covered = super::regions_of(trail, enabled);
    let goes_on = |region: &Region| trail.logging && trail.validation && covered.contains(region);
    for (region, chain) in &known {
        if !goes_on(region) && chain.ended.is_none() {
            let ended = Some(now);
            table::put_chain(txn, &trail.id, region, &ChainRow { ended, ..chain.clone() });
        }
    }
    let start = start_beside_predecessors(txn, trail, now).await?;
    for region in covered.iter().filter(|region| goes_on(region)) {
        let chain = known.iter().find(|(known, _)| known == region).map(|(_, chain)| chain);
        let row = match chain {
            Some(chain) if chain.ended.is_none() => continue,
            // Ended in the second in which it began: nothing can be between the two.
            Some(chain) if chain.window_start >= start => ChainRow {
                ended: None,
                ..chain.clone()
            },
            Some(chain) => {
                let ended = Some(start);
                table::put_ending(txn, &trail.id, region, &ChainRow { ended, ..chain.clone() });
                ChainRow::starting(start)
            }
            None => ChainRow::starting(start),
        };
        table::put_chain(txn, &trail.id, region, &row);
    }
    Ok(())
}

/// When a chain that begins now starts: this second, but for a trail whose predecessor of the same name and home has chains
/// of that second that still wait for their last digest. Digests are named by the second in which their window ends, so one of
/// the two would be written over the other; the new chains then start in the next second that is free.
async fn start_beside_predecessors(txn: &Txn, trail: &Trail, now: Timestamp) -> Result<Timestamp, Fault> {
    let mut taken = Vec::new();
    for other in table::closing_trails(&txn.view()).await? {
        if other.id == trail.id || other.arn() != trail.arn() {
            continue;
        }
        let chains = table::chains(&txn.view(), &other.id).await?;
        taken.extend(chains.iter().map(|(_, chain)| chain.window_start));
        let endings = table::endings(&txn.view(), &other.id).await?;
        taken.extend(endings.iter().map(|(_, chain)| chain.window_start));
    }
    let mut start = now.floor_second();
    while taken.contains(&start) {
        start = start.plus(Duration::from_secs(1));
    }
    Ok(start)
}

/// Remembers a delivered file for the digest that will name it.
///
/// That is the digest of the window in which it was delivered. A file is **late** when that digest is signed without it, or
/// when the Region has no chain any more: then it is for the next backfill digest.
pub async fn note_file(
    txn: &mut Txn,
    trail: &Trail,
    region: &Region,
    seq: u64,
    file: &PendingFile,
) -> Result<(), Fault> {
    let chain = table::chain(&txn.view(), &trail.id, region).await?;
    match chain {
        Some(chain) if chain.window_start <= file.delivered => {
            table::put_pending(txn, &trail.id, region, seq, file);
            Ok(())
        }
        _ => note_late(txn, trail, region, seq, file).await,
    }
}

/// Remembers a delivered file for the next backfill digest.
async fn note_late(txn: &mut Txn, trail: &Trail, region: &Region, seq: u64, file: &PendingFile) -> Result<(), Fault> {
    table::put_late(txn, &trail.id, region, seq, file);
    let mut head = table::backfill(&txn.view(), &trail.id, region).await?;
    head.since = head.since.or(Some(file.delivered));
    table::put_backfill(txn, &trail.id, region, &head);
    Ok(())
}

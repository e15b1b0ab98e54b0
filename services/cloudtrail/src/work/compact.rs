//! Compaction of the journal: what no delivery and no history needs any more goes.
//!
//! A data event stays until every trail has passed it; then it is dropped, for it never shows in LookupEvents. Management
//! events are the event history and stay 90 days.

use super::ATTEMPTS_MAX;
use crate::{
    ops::{HISTORY, PRINCIPAL},
    table::{self, CompactionRow},
};
use base::{Fault, Timestamp};
use gateway::{Boxed, ServiceCaller, World, ports::Worker, work::Work};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::{CommitError, Journal, JournalCut, Maintenance};
use wire::ServiceName;

/// How often the journal is compacted.
const INTERVAL: Duration = Duration::from_secs(3600);
/// Blocks are looked at in pieces of this size; each piece is one transaction.
const PIECE_BYTES: usize = 8 << 20;

/// The worker.
#[derive(Default)]
pub struct Compact;

impl Worker for Compact {
    fn name(&self) -> &'static str {
        "cloudtrail compaction"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let row = {
                let snapshot = world.snapshot();
                table::compaction(&snapshot.view()).await?
            };
            let first = world.journal().next_block(row.through + 1)?;
            Ok(first.map(|(_, committed)| row.done.unwrap_or(committed).plus(INTERVAL)))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let (mut row, delivered) = {
                let snapshot = world.snapshot();
                let view = snapshot.view();
                (
                    table::compaction(&view).await?,
                    super::delivered_through(&view, world.journal().head()).await?,
                )
            };
            while row.through < delivered {
                let (journal, from) = (world.journal(), row.through + 1);
                let (keep, through) = tokio::task::spawn_blocking(move || thin(&journal, from, delivered))
                    .await
                    .map_err(|error| Fault::io("reading the journal", error))??;
                row = CompactionRow {
                    through,
                    done: Some(now),
                };
                commit(
                    world,
                    &row,
                    Maintenance::Compaction(JournalCut {
                        keep,
                        drop_before: None,
                    }),
                )
                .await?;
            }
            retain(world, delivered, CompactionRow { done: Some(now), ..row }, now).await
        })
    }
}

/// Sequences of blocks, each with the indexes of the entries that stay.
type Kept = Vec<(u64, Vec<u32>)>;

/// Which entries of some blocks stay, for the blocks that lose any. Blocks its thread.
fn thin(journal: &Journal, from: u64, to: u64) -> Result<(Kept, u64), Fault> {
    let page = journal.read(from, to, PIECE_BYTES)?;
    let mut blocks: BTreeMap<u64, (Vec<u32>, bool)> = BTreeMap::new();
    for placed in &page.entries {
        let (kept, loses) = blocks.entry(placed.pos.seq).or_default();
        if placed.entry.management {
            kept.push(placed.pos.index);
        } else {
            *loses = true;
        }
    }
    let keep = blocks
        .into_iter()
        .filter(|(_, (_, loses))| *loses)
        .map(|(seq, (kept, _))| (seq, kept))
        .collect();
    Ok((keep, page.next.map_or(to, |next| next.saturating_sub(1))))
}

/// Drops history that is older than it is kept, as far as it was delivered.
async fn retain(world: &Arc<World>, delivered: u64, row: CompactionRow, now: Timestamp) -> Result<(), Fault> {
    let journal = world.journal();
    let young = journal.seq_at(now.minus(HISTORY))?.unwrap_or(journal.head() + 1);
    let before = young.min(delivered + 1);
    let old = journal.first()?.is_some_and(|first| first < before);
    let why = if old {
        Maintenance::Retention(JournalCut {
            drop_before: Some(before),
            keep: Vec::new(),
        })
    } else {
        Maintenance::Cursor
    };
    commit(world, &row, why).await
}

async fn commit(world: &Arc<World>, row: &CompactionRow, why: Maintenance) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let caller = ServiceCaller {
            name: PRINCIPAL,
            source_arn: None,
            source_account: world.settings.first_account,
        };
        let mut work = Work::begin(world, ServiceName::CloudTrail, caller, world.settings.region.clone());
        let (_, txn) = work.parts();
        table::put_compaction(txn, row);
        match work.commit(why.clone()).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(super::conflicted())
}

//! The archive: management events move from the journal into the event history, and what the journal no longer needs goes.
//!
//! A block of the journal goes once the archive and every trail's delivery have passed it; data events vanish with it, for
//! they never show in LookupEvents. Archiving does not wait for delivery. It is eager, so that what a lookup has to read of
//! the journal stays short: as soon as some thousands of events wait, else once an hour.

use super::ATTEMPTS_MAX;
use crate::{ops::PRINCIPAL, table};
use base::{Fault, Timestamp};
use gateway::{Boxed, ServiceCaller, World, history, ports::Worker, work::Work};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{CommitError, HistoryChange, JournalCut, Maintenance};
use wire::ServiceName;

/// How long an event waits at most, when few come.
const INTERVAL: Duration = Duration::from_secs(3600);
/// How often the history is looked at when nothing comes.
const IDLE_INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// So many management events, or bytes of any, that wait are archived at once.
const WAITING_EVENTS: u64 = 2_000;
const WAITING_BYTES: u64 = 16 << 20;
/// A tick takes so many pieces of the journal, a hundred megabytes or so, then lets others work.
const PIECES_AT_ONCE: usize = 16;
/// When that was not all, it goes on after this.
const REST: Duration = Duration::from_secs(1);
/// Expired blocks are dropped so many in a transaction.
const EXPIRED_AT_ONCE: usize = 64;

/// The worker.
#[derive(Default)]
pub struct Archive {
    /// What the last tick left.
    left: Mutex<Left>,
}

/// What a tick leaves for the next.
#[derive(Clone, Copy, Default)]
struct Left {
    /// How much had been committed when all of it was archived; `None` before the first tick.
    archived: Option<(u64, u64)>,
    /// When to go on, if there was more to do than one tick does.
    resume: Option<Timestamp>,
}

impl Archive {
    fn left(&self) -> Left {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether so much waits that it is archived at once. After a start nobody knows, and so it is.
    fn is_crowded(&self, world: &World) -> bool {
        let (events, bytes) = world.journal().committed();
        self.left().archived.is_none_or(|(events_then, bytes_then)| {
            events.saturating_sub(events_then) >= WAITING_EVENTS || bytes.saturating_sub(bytes_then) >= WAITING_BYTES
        })
    }
}

impl Worker for Archive {
    fn name(&self) -> &'static str {
        "cloudtrail archive"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            if let Some(resume) = self.left().resume {
                return Ok(Some(resume));
            }
            let row = {
                let snapshot = world.snapshot();
                table::archive(&snapshot.view()).await?
            };
            let history = world.history().view();
            let first = world.journal().next_block(row.dropped + 1)?;
            let Some((_, committed)) = first else {
                // What is there grows older all the same.
                let kept = history.partitions().next().transpose()?;
                return Ok(row.done.filter(|_| kept.is_some()).map(|done| done.plus(IDLE_INTERVAL)));
            };
            let unarchived = world.journal().next_block(history.through()? + 1)?;
            if unarchived.is_some() && self.is_crowded(world) {
                return Ok(Some(committed));
            }
            Ok(Some(row.done.unwrap_or(committed).plus(INTERVAL)))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let committed = world.journal().committed();
            let archived = archive(world, now).await?;
            let kept = retain(world, now).await?;
            let done = archived && kept;
            let left = Left {
                archived: if done { Some(committed) } else { self.left().archived },
                resume: (!done).then(|| now.plus(REST)),
            };
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = left;
            Ok(())
        })
    }
}

/// Archives what waits and drops what of the journal is not needed any more. Says whether that was all.
async fn archive(world: &Arc<World>, now: Timestamp) -> Result<bool, Fault> {
    let upto = world.journal().head();
    for _ in 0..PIECES_AT_ONCE {
        let history = world.history();
        let step = tokio::task::spawn_blocking(move || history::archive(&history))
            .await
            .map_err(|error| Fault::io("archiving events", error))??;
        let through = step.as_ref().map(|step| step.through);
        let change = step.map(|step| step.change).unwrap_or_default();
        let all_cut = commit_step(world, change, through, now).await?;
        // What was committed meanwhile, this archive's own steps included, waits for the next tick.
        if through.is_none_or(|through| through >= upto) && all_cut {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One step: blocks of the history, how far it reaches, and the journal's blocks that go. Says whether all of these went.
async fn commit_step(
    world: &Arc<World>,
    change: HistoryChange,
    through: Option<u64>,
    now: Timestamp,
) -> Result<bool, Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world);
        let (_, txn) = work.parts();
        let mut row = table::archive(&txn.view()).await?;
        let archived = match through {
            Some(through) => through,
            None => world.history().view().through()?,
        };
        let end = super::delivered_through(&txn.view(), archived).await? + 1;
        let cut = cut_of(world, row.dropped + 1, end)?;
        row.dropped = row.dropped.max(cut.before.saturating_sub(1));
        row.done = Some(now);
        table::put_archive(txn, &row);
        match work.commit(Maintenance::Archive(change.clone(), cut)).await {
            Ok(()) => return Ok(row.dropped + 1 >= end),
            // Another step was committed: what this one would change was made on what is no longer so.
            Err(CommitError::Conflict) if through.is_some() => return Ok(false),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(super::conflicted())
}

/// The next blocks to drop, from one sequence to before another, no more than one transaction takes.
fn cut_of(world: &World, from: u64, end: u64) -> Result<JournalCut, Fault> {
    let Some((first, _)) = world.journal().next_block(from)?.filter(|(first, _)| *first < end) else {
        let before = end.max(from);
        return Ok(JournalCut { from: before, before });
    };
    Ok(JournalCut {
        from: first,
        before: end.min(first.saturating_add(JournalCut::BLOCKS_MAX as u64)),
    })
}

/// Drops history that is older than it is kept. Says whether that was all.
async fn retain(world: &Arc<World>, now: Timestamp) -> Result<bool, Fault> {
    for _ in 0..PIECES_AT_ONCE {
        let (history, before) = (world.history(), now.minus(world.settings.event_history));
        let expired = tokio::task::spawn_blocking(move || history::expired(&history, before, EXPIRED_AT_ONCE))
            .await
            .map_err(|error| Fault::io("reading the event history", error))??;
        let Some(change) = expired else { return Ok(true) };
        match begin(world).commit(Maintenance::Retention(change)).await {
            Ok(()) | Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Ok(false)
}

fn begin(world: &Arc<World>) -> Work {
    let caller = ServiceCaller {
        name: PRINCIPAL,
        source_arn: None,
        source_account: world.settings.first_account,
    };
    Work::begin(world, ServiceName::CloudTrail, caller, world.settings.region.clone())
}

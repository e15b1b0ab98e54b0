//! Deletes events that their group does not keep any more, a group at a time, once a day.
//!
//! Readers do not see such events from the moment on at which their time is over; a chunk goes when its newest event's is.
//! Each step asks the group how long it keeps events, in the transaction that deletes them: with a policy that is changed
//! meanwhile it conflicts, and goes on with the new one.

use super::begin;
use crate::{
    model::{group::LogGroup, position::Millis, stream::LogStream},
    table::{self, Due, ROWS_AT_ONCE},
};
use base::{Fault, Timestamp};
use gateway::{Boxed, Txn, World, ports::Worker};
use std::{sync::Arc, time::Duration};
use store::{CommitError, Maintenance};

const DAY: Duration = Duration::from_secs(86_400);
/// A tick has at most so many transactions, each of which deletes up to one scan of chunks, then lets others work. What is
/// left is due still.
const STEPS_AT_ONCE: usize = 64;
/// And it looks at no more than so many streams.
const STREAMS_AT_ONCE: usize = 64 * ROWS_AT_ONCE;

/// The worker: once a day for each group with a retention, and at once when that is set.
pub struct Retain;

impl Worker for Retain {
    fn name(&self) -> &'static str {
        "logs: retention"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let dues = table::dues(&world.snapshot().view(), 1).await?;
            Ok(dues.first().map(|(at, _)| *at))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let mut dues = table::dues(&world.snapshot().view(), ROWS_AT_ONCE).await?;
            dues.retain(|(at, _)| *at <= now);
            let mut failed = None;
            let mut left = Left {
                steps: STEPS_AT_ONCE,
                streams: STREAMS_AT_ONCE,
            };
            for (_, due) in &dues {
                if left.is_none() {
                    break;
                }
                // One group that cannot be read holds up none of the others.
                if let Err(fault) = sweep(world, due, now, &mut left).await {
                    failed = Some(fault);
                }
            }
            failed.map_or(Ok(()), Err)
        })
    }
}

/// What a tick may do still.
struct Left {
    steps: usize,
    streams: usize,
}

impl Left {
    fn is_none(&self) -> bool {
        self.steps == 0 || self.streams == 0
    }
}

/// Looks through a group, and sets when it is next looked through once that is done.
async fn sweep(world: &Arc<World>, due: &Due, now: Timestamp, left: &mut Left) -> Result<(), Fault> {
    let snapshot = world.snapshot();
    let group = table::group(&snapshot.view(), due.account, &due.region, &due.name).await?;
    if let Some(group) = group.filter(|group| group.retention_days.is_some()) {
        let kept_since = group.kept_since(now);
        let mut after = None;
        loop {
            let streams =
                table::streams(&snapshot.view(), &group.id, "", after.as_deref(), (ROWS_AT_ONCE, false)).await?;
            for stream in &streams {
                if stream.first_event.is_none_or(|first| first >= kept_since) {
                    continue;
                }
                loop {
                    if left.steps == 0 {
                        return Ok(());
                    }
                    let step = sweep_stream(world, &group, &stream.name, now).await?;
                    // Those that only looked do not count: they would be the same in the next tick.
                    if !matches!(step, Step::Nothing) {
                        left.steps -= 1;
                    }
                    if !matches!(step, Step::More) {
                        break;
                    }
                }
            }
            left.streams = left.streams.saturating_sub(streams.len());
            match streams.last() {
                Some(last) if streams.len() == ROWS_AT_ONCE => after = Some(last.name.clone()),
                _ => break,
            }
        }
    }
    settle(world, due, now).await
}

/// What a step did to a stream.
enum Step {
    /// Nothing was to be deleted.
    Nothing,
    /// All was deleted that was to be.
    Done,
    /// There may be more.
    More,
}

/// Deletes some chunks of a stream, by what its group keeps at the moment of the transaction.
async fn sweep_stream(world: &Arc<World>, seen: &LogGroup, name: &str, now: Timestamp) -> Result<Step, Fault> {
    let mut work = begin(world, seen.account, seen.region.clone());
    let (_, txn) = work.parts();
    // Read here so that a change of it conflicts with this transaction.
    let group = table::group(&txn.view(), seen.account, &seen.region, &seen.name).await?;
    let Some(group) = group.filter(|group| group.id == seen.id && group.retention_days.is_some()) else {
        return Ok(Step::Nothing);
    };
    let Some(before) = table::stream(&txn.view(), &group.id, name).await? else {
        return Ok(Step::Nothing);
    };
    let (stream, more) = without_old(txn, &group, &before, group.kept_since(now)).await?;
    if stream == before {
        return Ok(Step::Nothing);
    }
    table::put_stream(txn, &group.id, &stream, Some(&before));
    match work.commit(Maintenance::LogRetention).await {
        Ok(()) if more => Ok(Step::More),
        Ok(()) => Ok(Step::Done),
        // Somebody put events or changed the group at the same time: once more.
        Err(CommitError::Conflict) => Ok(Step::More),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}

/// Deletes up to one scan of chunks whose events are all too old. Answers the stream without them, and whether there may be
/// more.
async fn without_old(
    txn: &mut Txn,
    group: &LogGroup,
    before: &LogStream,
    kept_since: Millis,
) -> Result<(LogStream, bool), Fault> {
    let mut stream = before.clone();
    let ids = (&group.id, &before.id);
    let found = table::spans(&txn.view(), ids, (0, Millis::MAX), None, false).await?;
    let is_page = found.len() == ROWS_AT_ONCE;
    let mut kept: Option<Millis> = None;
    let mut deleted = 0_usize;
    for (at, span) in found {
        if span.newest >= kept_since {
            kept = Some(kept.map_or(at.oldest, |known| known.min(at.oldest)));
            continue;
        }
        table::delete_chunk(txn, &group.id, &before.id, at);
        deleted += 1;
        stream.bytes = stream.bytes.saturating_sub(span.bytes);
        if stream.growing.is_some_and(|growing| growing.number == at.number) {
            stream.growing = None;
        }
    }
    match (kept, is_page) {
        (Some(oldest), _) => stream.first_event = Some(oldest),
        (None, false) => (stream.first_event, stream.last_event) = (None, None),
        (None, true) => {}
    }
    Ok((stream, is_page && deleted > 0))
}

async fn settle(world: &Arc<World>, due: &Due, now: Timestamp) -> Result<(), Fault> {
    let mut work = begin(world, due.account, due.region.clone());
    let (_, txn) = work.parts();
    let group = table::group(&txn.view(), due.account, &due.region, &due.name).await?;
    let Some(before) = group else {
        return Ok(());
    };
    let mut group = before.clone();
    group.retention_due = group.retention_days.map(|_| now.plus(DAY));
    table::put_group(txn, &group, Some(&before));
    match work.commit(Maintenance::LogRetention).await {
        // Somebody changed the group at the same time: it is due still, and the next tick does it.
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}

//! Delivery to CloudWatch Logs: the same events, one log event each, under the trail's role. It has a cursor of its own, so
//! that it and the bucket do not hold each other back.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/send-cloudtrail-events-to-cloudwatch-logs.html>

use super::{ATTEMPTS_MAX, REDELIVERY, begin, conflicted, delivering, fill, retry_at};
use crate::{
    model::trail::{LogsTarget, Trail},
    ops::assume,
    table::{self, LogsRow},
};
use base::{Fault, Timestamp};
use gateway::{
    Boxed, Ctx, PortRefusal, RoleSession, Txn, World,
    ctx::By,
    journal,
    ports::{LogEvent, Worker},
};
use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{CommitError, EntryRef, Journal, Maintenance, ReadView, Visitor};

/// Longer events are in the log files only.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>
const EVENT_BYTES_MAX: usize = 256 * 1024;
/// One transaction takes about so much of the journal.
const PIECE_BYTES: usize = 4 << 20;
/// A session of the role is used for so long.
const SESSION_AGE_MAX: Duration = Duration::from_secs(3600);

/// The worker, with the sessions that it keeps, by trail.
#[derive(Default)]
pub struct DeliverLogs {
    sessions: Mutex<HashMap<String, (String, RoleSession)>>,
}

/// A trail with a log group that has something to come.
struct Place {
    trail: Trail,
    target: LogsTarget,
    row: LogsRow,
    closing: bool,
}

async fn places(view: &ReadView<'_>) -> Result<Vec<Place>, Fault> {
    let mut places = Vec::new();
    for (trail, closing) in delivering(view).await? {
        let Some(target) = trail.logs.clone() else { continue };
        if let Some(row) = table::logs(view, &trail.id).await? {
            places.push(Place {
                trail,
                target,
                row,
                closing,
            });
        }
    }
    Ok(places)
}

impl Place {
    fn due(&self, world: &World) -> Result<Option<Timestamp>, Fault> {
        let interval = world.settings.delivery_interval;
        if let (Some(since), Some(passed)) = (self.row.refused_since, self.row.passed) {
            return Ok(Some(retry_at(since, passed, interval)));
        }
        let waits = self.closing || world.journal().next_block(self.row.through + 1)?.is_some();
        let last = self.row.passed.or(self.trail.started).unwrap_or(Timestamp::EPOCH);
        Ok(waits.then(|| last.floor_to(interval).plus(interval)))
    }
}

impl Worker for DeliverLogs {
    fn name(&self) -> &'static str {
        "cloudtrail delivery to logs"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let snapshot = world.snapshot();
            let mut due = None;
            for place in places(&snapshot.view()).await? {
                due = [due, place.due(world)?].into_iter().flatten().min();
            }
            Ok(due)
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            // All that a trail selected before its deletion is before the snapshot in which it is deleted.
            let (places, cut) = {
                let snapshot = world.snapshot();
                let view = snapshot.view();
                (places(&view).await?, view.seq())
            };
            let mut result = Ok(());
            for place in places {
                if place.due(world)?.is_some_and(|due| due <= now) {
                    result = result.and(self.pass(world, &place, cut, now).await);
                }
            }
            result
        })
    }
}

impl DeliverLogs {
    /// Delivers what a trail selected up to the cut, in pieces, until one is refused.
    async fn pass(&self, world: &Arc<World>, place: &Place, cut: u64, now: Timestamp) -> Result<(), Fault> {
        let mut from = place.row.through + 1;
        loop {
            let (journal, trail) = (world.journal(), place.trail.id.clone());
            let piece = tokio::task::spawn_blocking(move || read(&journal, &trail, from, cut, now))
                .await
                .map_err(|error| Fault::io("reading the journal", error))??;
            let last = piece.next.is_none();
            let through = piece.next.map_or(cut, |next| next - 1).max(place.row.through);
            let done = Done {
                through,
                finished: last && place.closing,
                first: from,
                first_time: piece.first_time,
                cut,
            };
            if !self.put(world, place, piece.events, &done, now).await? || last {
                return Ok(());
            }
            from = through + 1;
        }
    }

    /// Puts some events in one transaction with the cursor. Answers whether they were taken; if not, the row says why.
    async fn put(
        &self,
        world: &Arc<World>,
        place: &Place,
        events: Vec<LogEvent>,
        done: &Done,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let trail = &place.trail;
        for _ in 0..ATTEMPTS_MAX {
            let mut work = begin(world, trail, &trail.home);
            let (ctx, txn) = work.parts();
            let Some(row) = table::logs(&txn.view(), &trail.id).await? else {
                return Ok(false);
            };
            let mut delivered = row.delivered;
            let mut session = None;
            if !events.is_empty() {
                match self.put_events(ctx, txn, place, events.clone(), now).await? {
                    Ok(used) => session = Some(used),
                    Err(refusal) => {
                        work.abandon().await?;
                        self.forget(&trail.id);
                        refused(world, place, &refusal, done, now).await?;
                        return Ok(false);
                    }
                }
                delivered = Some(now);
            }
            if done.finished {
                table::delete_logs(txn, &trail.id);
            } else {
                let row = LogsRow {
                    through: done.through,
                    passed: Some(now),
                    delivered,
                    refused_since: None,
                    error: None,
                    lost: row.lost,
                };
                table::put_logs(txn, &trail.id, &row);
            }
            match work.commit(Maintenance::Cursor).await {
                Ok(()) => {
                    if let Some(session) = session {
                        self.keep(trail, &place.target, session);
                    }
                    return Ok(true);
                }
                Err(CommitError::Conflict) => {}
                Err(CommitError::Fault(fault)) => return Err(fault),
            }
        }
        Err(conflicted())
    }

    async fn put_events(
        &self,
        ctx: &Ctx,
        txn: &mut Txn,
        place: &Place,
        events: Vec<LogEvent>,
        now: Timestamp,
    ) -> Result<Result<RoleSession, PortRefusal>, Fault> {
        let session = match self.kept(&place.trail, &place.target, now) {
            Some(session) => session,
            None => match assume(ctx, txn, &place.trail, &place.target.role).await? {
                Ok(session) => session,
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let logs = &ctx.world().ports()?.logs;
        let (by, stream) = (By::Role(session.clone()), place.trail.log_stream());
        let put = logs
            .put_events(ctx, txn, by, &place.target.group, &stream, events)
            .await;
        Ok(put.map(|_| session))
    }

    /// The session of before, if it is of this role and young enough.
    fn kept(&self, trail: &Trail, target: &LogsTarget, now: Timestamp) -> Option<RoleSession> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let (role, session) = sessions.get(&trail.id)?;
        let issued = session.caller.session.as_ref()?.issued;
        (*role == target.role && now.since(issued) < SESSION_AGE_MAX).then(|| session.clone())
    }

    fn keep(&self, trail: &Trail, target: &LogsTarget, session: RoleSession) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(trail.id.clone(), (target.role.clone(), session));
    }

    fn forget(&self, trail: &str) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.remove(trail);
    }
}

/// Where a piece of the journal stands.
struct Done {
    /// It ends here.
    through: u64,
    /// Nothing will ever come after it.
    finished: bool,
    /// It begins here,
    first: u64,
    /// with an entry that was committed then.
    first_time: Option<Timestamp>,
    /// The end of the pass.
    cut: u64,
}

/// Says in the row why events could not be put, and gives up what was refused for 30 days.
async fn refused(
    world: &Arc<World>,
    place: &Place,
    refusal: &PortRefusal,
    done: &Done,
    now: Timestamp,
) -> Result<(), Fault> {
    let trail = &place.trail;
    let (mut through, mut lost) = (done.first - 1, 0);
    if done.first_time.is_some_and(|time| time.plus(REDELIVERY) <= now) {
        let (journal, id, range) = (world.journal(), trail.id.clone(), (done.first, done.cut));
        let before = now.minus(REDELIVERY);
        let (next, count) = tokio::task::spawn_blocking(move || fill::count_older(&journal, &id, None, range, before))
            .await
            .map_err(|error| Fault::io("reading the journal", error))??;
        (through, lost) = (next - 1, count);
    }
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, &trail.home);
        let (_, txn) = work.parts();
        let Some(row) = table::logs(&txn.view(), &trail.id).await? else {
            return Ok(());
        };
        let row = LogsRow {
            through: row.through.max(through),
            passed: Some(now),
            delivered: row.delivered,
            refused_since: row.refused_since.or(Some(now)),
            error: Some(refusal.code.clone()),
            lost: row.lost + lost,
        };
        table::put_logs(txn, &trail.id, &row);
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => {
                if lost > 0 {
                    tracing::warn!(trail = %trail.arn(), lost, "events could not be put into the log group for 30 days and are lost to it");
                }
                return Ok(());
            }
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(conflicted())
}

/// Some of the journal, as log events.
struct Piece {
    events: Vec<LogEvent>,
    /// When the first of them was committed.
    first_time: Option<Timestamp>,
    next: Option<u64>,
}

/// Reads on from `from` what a trail selected. The log events are of now: AWS's are of their delivery. Blocks its thread.
fn read(journal: &Journal, trail: &str, from: u64, cut: u64, now: Timestamp) -> Result<Piece, Fault> {
    let mut gather = Gather {
        trail,
        now,
        events: Vec::new(),
        bytes: 0,
        first_time: None,
    };
    let next = journal.visit(from, cut, &mut gather)?;
    Ok(Piece {
        events: gather.events,
        first_time: gather.first_time,
        next,
    })
}

struct Gather<'a> {
    trail: &'a str,
    now: Timestamp,
    events: Vec<LogEvent>,
    bytes: usize,
    first_time: Option<Timestamp>,
}

impl Visitor for Gather<'_> {
    fn block(&mut self, _: u64, _: Timestamp, bytes: usize) -> ControlFlow<()> {
        match self.bytes > 0 && self.bytes + bytes > PIECE_BYTES {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn entry(&mut self, entry: EntryRef<'_>) -> Result<(), Fault> {
        if !entry.selected.contains(self.trail) {
            return Ok(());
        }
        let (_, json) = journal::decode_record(entry.payload)?;
        if json.len() > EVENT_BYTES_MAX {
            return Ok(());
        }
        let message = std::str::from_utf8(json).map_err(|e| Fault::corrupt_by("an event's record", e))?;
        self.first_time = self.first_time.or(Some(entry.time));
        self.bytes += message.len();
        self.events.push(LogEvent {
            timestamp: self.now,
            message: message.to_owned(),
        });
        Ok(())
    }
}

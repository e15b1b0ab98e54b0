//! Delivery of log files: what trails selected, from the journal into their buckets.
//!
//! A pass takes the entries committed before its cut; the events that it makes itself belong to a later cut, so a pass
//! never feeds itself, and a trail that logs its own bucket and key makes at most one file per Region and interval. A long
//! backlog is taken in rounds, each of which makes a file per Region; that bounds memory, and a file. A Region whose file
//! is refused is held back by itself and tried again from there, while the others go on.

use super::{
    ATTEMPTS_MAX, REDELIVERY, begin, chains, conflicted, delivering,
    fill::{self, Filled, Limits, Of, Spare, Starts},
    retry_at,
};
use crate::{
    model::trail::Trail,
    ops::{as_cloudtrail, seal_of},
    table::{self, CursorRow, DeliveryRow, Held, Notice, PendingFile},
};
use base::{Fault, Region, Timestamp, ids};
use bytes::Bytes;
use gateway::{
    Boxed, Ctx, DeliveryKind, PortRefusal, Txn, World,
    ctx::By,
    ports::{ServiceMessage, ServiceObject, Worker},
};
use record::{LogFileBytes, LogFileKind};
use std::{collections::BTreeMap, sync::Arc};
use store::{CommitError, Maintenance, ReadView};
use tokio::{sync::Semaphore, task::JoinSet};

/// The worker.
#[derive(Default)]
pub struct Deliver;

impl Worker for Deliver {
    fn name(&self) -> &'static str {
        "cloudtrail delivery"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let snapshot = world.snapshot();
            let view = snapshot.view();
            let mut due: Option<Timestamp> = None;
            for (trail, closing) in delivering(&view).await? {
                let next = due_of(world, &view, &trail, closing).await?;
                due = [due, next].into_iter().flatten().min();
            }
            Ok(due)
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let mut due = Vec::new();
            // All that a trail selected before its deletion is before the snapshot in which it is deleted.
            let cut;
            {
                let snapshot = world.snapshot();
                let view = snapshot.view();
                cut = view.seq();
                for (trail, closing) in delivering(&view).await? {
                    if due_of(world, &view, &trail, closing)
                        .await?
                        .is_some_and(|due| due <= now)
                    {
                        due.push((trail, closing));
                    }
                }
            }
            let mut result = Ok(());
            for (trail, closing) in due {
                // One trail that faults does not keep the others waiting.
                let pass = Pass {
                    world,
                    trail: Arc::new(trail),
                    cut,
                    now,
                };
                result = result.and(pass.run(closing).await);
            }
            result
        })
    }
}

/// When a trail's next pass is due: the next multiple of the interval after the last, if something was committed since, or
/// when a Region that is held back is to be tried again.
async fn due_of(world: &World, view: &ReadView<'_>, trail: &Trail, closing: bool) -> Result<Option<Timestamp>, Fault> {
    let interval = world.settings.delivery_interval;
    let cursor = table::cursor(view, &trail.id).await?.unwrap_or_default();
    let waits = closing || world.journal().next_block(cursor.through + 1)?.is_some();
    let last = cursor.passed.or(trail.started).unwrap_or(Timestamp::EPOCH);
    let next = waits.then(|| last.floor_to(interval).plus(interval));
    Ok([next, cursor.retry].into_iter().flatten().min())
}

/// One pass over what a trail has selected up to a cut.
struct Pass<'a> {
    world: &'a Arc<World>,
    trail: Arc<Trail>,
    cut: u64,
    now: Timestamp,
}

impl Pass<'_> {
    async fn run(&self, closing: bool) -> Result<(), Fault> {
        let (cursor, mut starts) = self.plan().await?;
        let mut spare = Spare::default();
        let mut from = starts.first();
        while from <= self.cut {
            let (journal, trail, cut, reading) =
                (self.world.journal(), Arc::clone(&self.trail), self.cut, starts.clone());
            let round = tokio::task::spawn_blocking(move || {
                let of = Of {
                    trail: &trail.id,
                    validation: trail.validation,
                };
                fill::round(&journal, of, from, cut, &reading, spare, Limits::STANDARD)
            })
            .await
            .map_err(|error| Fault::io("reading the journal", error))??;
            spare = round.spare;
            if self.learn(&mut starts, &cursor, &round.files).await? {
                continue;
            }
            let held = self.deliver(round.files, &mut spare).await?;
            held.into_iter().for_each(|region| starts.hold(region));
            from = starts.first_from(round.next.unwrap_or(self.cut + 1));
        }
        self.finish(closing, starts).await
    }

    /// Where to read on, for each Region: those that are held back from where they stopped if it is time to try again, else
    /// not at all.
    async fn plan(&self) -> Result<(CursorRow, Starts), Fault> {
        let snapshot = self.world.snapshot();
        let view = snapshot.view();
        let cursor = table::cursor(&view, &self.trail.id).await?.unwrap_or_default();
        let mut starts = Starts::after(cursor.through);
        let enabled = super::chain_regions(&self.trail, &self.world.settings.regions);
        for region in enabled.iter().chain(&cursor.held) {
            let row = table::delivery(&view, &self.trail.id, region).await?;
            self.plan_region(&mut starts, &cursor, region.clone(), &row);
        }
        Ok((cursor, starts))
    }

    fn plan_region(&self, starts: &mut Starts, cursor: &CursorRow, region: Region, row: &DeliveryRow) {
        // What was delivered before a crash, and not yet in the trail's cursor, is not delivered again.
        let delivered = row.through + 1;
        match row.held {
            None => starts.read(region, delivered.max(cursor.through + 1)),
            Some(held) if self.is_due(row, held) => starts.read(region, held.from.max(delivered)),
            Some(_) => starts.hold(region),
        }
    }

    fn is_due(&self, row: &DeliveryRow, held: Held) -> bool {
        let attempted = row.attempted.unwrap_or(held.since);
        retry_at(held.since, attempted, self.world.settings.delivery_interval) <= self.now
    }

    /// Regions that are not enabled any more can still have entries. Their rows are asked for when one is met; whether
    /// the round must be read again says the answer.
    async fn learn(
        &self,
        starts: &mut Starts,
        cursor: &CursorRow,
        files: &BTreeMap<Region, Filled>,
    ) -> Result<bool, Fault> {
        let unknown: Vec<_> = files.keys().filter(|region| !starts.knows(region)).cloned().collect();
        let snapshot = self.world.snapshot();
        for region in &unknown {
            let row = table::delivery(&snapshot.view(), &self.trail.id, region).await?;
            self.plan_region(starts, cursor, region.clone(), &row);
        }
        Ok(!unknown.is_empty())
    }

    /// Delivers a round's files, Regions side by side, and answers the Regions that were refused.
    async fn deliver(&self, files: BTreeMap<Region, Filled>, spare: &mut Spare) -> Result<Vec<Region>, Fault> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = Arc::new(Semaphore::new(cores));
        let mut running = JoinSet::new();
        for (region, filled) in files {
            let (world, trail, now, cut) = (Arc::clone(self.world), Arc::clone(&self.trail), self.now, self.cut);
            let turns = Arc::clone(&turns);
            running.spawn(async move {
                let delivery = Delivery {
                    world: &world,
                    trail: &trail,
                    region: &region,
                    now,
                };
                let done = delivery.run(filled, cut, &turns).await;
                done.map(|(done, json)| ((!done).then_some(region), json))
            });
        }
        let (mut held, mut result) = (Vec::new(), Ok(()));
        while let Some(done) = running.join_next().await {
            match done
                .map_err(|error| Fault::io("delivering a log file", error))
                .and_then(|done| done)
            {
                Ok((refused, json)) => {
                    held.extend(refused);
                    spare.put(json);
                }
                Err(fault) => result = result.and(Err(fault)),
            }
        }
        result.map(|()| held)
    }

    /// Remembers how far the pass came. A deleted trail that has nothing left to deliver or to prove is forgotten.
    async fn finish(&self, closing: bool, starts: Starts) -> Result<(), Fault> {
        let (trail, interval) = (&self.trail, self.world.settings.delivery_interval);
        for _ in 0..ATTEMPTS_MAX {
            let mut work = begin(self.world, trail, &trail.home);
            let (_, txn) = work.parts();
            let mut cursor = CursorRow {
                through: self.cut.max(starts.after),
                passed: Some(self.now),
                ..CursorRow::default()
            };
            for (region, goes_on) in starts.regions() {
                let mut row = table::delivery(&txn.view(), &trail.id, region).await?;
                let Some(held) = row.held else { continue };
                if goes_on {
                    row.held = None;
                    row.error = None;
                    table::put_delivery(txn, &trail.id, region, &row);
                    continue;
                }
                let retry = retry_at(held.since, row.attempted.unwrap_or(held.since), interval);
                cursor.retry = [cursor.retry, Some(retry)].into_iter().flatten().min();
                cursor.held_from = [cursor.held_from, Some(held.from)].into_iter().flatten().min();
                cursor.held.push(region.clone());
            }
            let elsewhere = table::logs(&txn.view(), &trail.id).await?.is_some();
            let drained = closing && !elsewhere && cursor.held_from.is_none();
            if drained && !super::digest::waits(&txn.view(), trail).await? {
                table::forget_trail(txn, trail).await?;
            } else {
                table::put_cursor(txn, &trail.id, &cursor);
            }
            match work.commit(Maintenance::Cursor).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Fault(fault)) => return Err(fault),
            }
        }
        Err(conflicted())
    }
}

/// The delivery of one file.
struct Delivery<'a> {
    world: &'a Arc<World>,
    trail: &'a Trail,
    region: &'a Region,
    now: Timestamp,
}

impl Delivery<'_> {
    /// Closes the file and puts it. Answers whether it was taken, and the buffer that it was filled in. If not, the Region's
    /// row says why and from where it is to go on.
    async fn run(&self, filled: Filled, cut: u64, turns: &Semaphore) -> Result<(bool, Vec<u8>), Fault> {
        let Filled {
            file,
            first,
            first_time,
            last,
        } = filled;
        let mut bytes = {
            let _turn = turns.acquire().await.map_err(|_| Fault::Stopping)?;
            tokio::task::spawn_blocking(move || file.finish(&mut record::Gzip::new()))
                .await
                .map_err(|error| Fault::io("closing a log file", error))??
        };
        let json = std::mem::take(&mut bytes.json);
        let gzip = Bytes::from(std::mem::take(&mut bytes.gzip));
        let pending = self.pending(&bytes);
        for _ in 0..ATTEMPTS_MAX {
            let mut work = begin(self.world, self.trail, self.region);
            let (ctx, txn) = work.parts();
            let row = table::delivery(&txn.view(), &self.trail.id, self.region).await?;
            let objects = &ctx.world().ports()?.objects;
            let object = object_of(self.trail, &pending, gzip.clone());
            if let Err(refusal) = objects.put_object(ctx, txn, By::Forward, object).await {
                work.abandon().await?;
                self.refused(&refusal, first, first_time, cut).await?;
                return Ok((false, json));
            }
            if self.trail.validation {
                chains::note_file(txn, self.trail, self.region, last, &pending).await?;
            }
            let notice = self.notify(ctx, txn, &pending, row.notice.clone()).await?;
            let row = DeliveryRow {
                through: last,
                delivered: Some(self.now),
                attempted: Some(self.now),
                error: None,
                // What was held back is delivered up to here. Whether all of it is, the end of the pass says.
                held: row.held.map(|held| Held { from: last + 1, ..held }),
                notice,
                ..row
            };
            table::put_delivery(txn, &self.trail.id, self.region, &row);
            self.told(txn, Ok(pending.key.clone()));
            match work.commit(Maintenance::Cursor).await {
                Ok(()) => return Ok((true, json)),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Fault(fault)) => return Err(fault),
            }
        }
        Err(conflicted())
    }

    /// Tells whoever listens, once the transaction is durable.
    fn told(&self, txn: &mut Txn, put: Result<String, String>) {
        super::told(
            self.world,
            txn,
            self.trail,
            (self.region, self.now),
            DeliveryKind::LogFile,
            put,
        );
    }

    /// Tells the trail's topic of the file, in the transaction that puts it. A refusal is told by the status and stops
    /// nothing.
    async fn notify(&self, ctx: &Ctx, txn: &mut Txn, file: &PendingFile, before: Notice) -> Result<Notice, Fault> {
        let Some(topic) = &self.trail.sns_topic else {
            return Ok(before);
        };
        let text = serde_json::json!({"s3Bucket": file.bucket, "s3ObjectKey": [file.key]});
        let message = ServiceMessage {
            subject: None,
            message: text.to_string(),
        };
        let by = By::Service(as_cloudtrail(self.trail));
        let published = ctx.world().ports()?.topics.publish(ctx, txn, by, topic, message).await;
        Ok(match published {
            Ok(_) => Notice {
                attempted: Some(self.now),
                delivered: Some(self.now),
                error: None,
            },
            Err(refusal) => Notice {
                attempted: Some(self.now),
                error: Some(refusal.code),
                ..before
            },
        })
    }

    fn pending(&self, bytes: &LogFileBytes) -> PendingFile {
        let (trail, kind) = (self.trail, LogFileKind::CloudTrail);
        let suffix = ids::log_file_suffix(&self.world.random);
        let prefix = trail.prefix.as_deref();
        PendingFile {
            bucket: trail.bucket.clone(),
            key: record::log_file_key(prefix, None, trail.account, self.region, kind, self.now, &suffix),
            hash: bytes.sha256.clone(),
            newest: bytes.newest_event_time.unwrap_or(self.now),
            oldest: bytes.oldest_event_time.unwrap_or(self.now),
            delivered: self.now,
        }
    }

    /// Says in the Region's row why the file could not be put, and gives up what was refused for 30 days.
    async fn refused(&self, refusal: &PortRefusal, first: u64, first_time: Timestamp, cut: u64) -> Result<(), Fault> {
        let (mut from, mut lost) = (first, 0);
        if first_time.plus(REDELIVERY) <= self.now {
            let (journal, trail, region) = (self.world.journal(), self.trail.id.clone(), self.region.clone());
            let before = self.now.minus(REDELIVERY);
            (from, lost) = tokio::task::spawn_blocking(move || {
                fill::count_older(&journal, &trail, Some(region.as_str()), (first, cut), before)
            })
            .await
            .map_err(|error| Fault::io("reading the journal", error))??;
        }
        for _ in 0..ATTEMPTS_MAX {
            let mut work = begin(self.world, self.trail, self.region);
            let (_, txn) = work.parts();
            let row = table::delivery(&txn.view(), &self.trail.id, self.region).await?;
            let since = row.held.map_or(self.now, |held| held.since);
            let row = DeliveryRow {
                attempted: Some(self.now),
                error: Some(refusal.code.clone()),
                held: Some(Held { from, since }),
                lost: row.lost + lost,
                ..row
            };
            table::put_delivery(txn, &self.trail.id, self.region, &row);
            self.told(txn, Err(refusal.code.clone()));
            match work.commit(Maintenance::Cursor).await {
                Ok(()) => {
                    if lost > 0 {
                        tracing::warn!(trail = %self.trail.arn(), region = %self.region, lost, "events were undeliverable for 30 days and are lost");
                    }
                    return Ok(());
                }
                Err(CommitError::Conflict) => {}
                Err(CommitError::Fault(fault)) => return Err(fault),
            }
        }
        Err(conflicted())
    }
}

fn object_of(trail: &Trail, file: &PendingFile, gzip: Bytes) -> ServiceObject {
    ServiceObject {
        bucket: file.bucket.clone(),
        key: file.key.clone(),
        body: gzip,
        seal: seal_of(trail),
        acl: Some("bucket-owner-full-control"),
        content_type: "application/json",
        content_encoding: Some("gzip"),
        metadata: Vec::new(),
    }
}

//! Delivery of log files: what trails selected, from the journal into their buckets.
//!
//! A pass takes the entries committed before its cut; the events that it makes itself belong to a later cut, so a pass
//! never feeds itself, and a trail that logs its own bucket and key makes at most one file per Region and interval.

use super::{ATTEMPTS_MAX, EAGER, PATIENT, REDELIVERY, begin, conflicted};
use crate::{
    model::trail::Trail,
    ops::seal_of,
    table::{self, CursorRow, DeliveryRow, PendingFile},
};
use base::{Fault, Region, Timestamp, ids};
use gateway::{
    Boxed, PortRefusal, World,
    ctx::By,
    journal,
    ports::{ServiceObject, Worker},
};
use record::{Gzip, LogFile, LogFileBytes, LogFileKind};
use std::{collections::BTreeMap, sync::Arc};
use store::{CommitError, EntryPos, Maintenance, ReadView};

/// The journal is read in pieces of this size, each of which becomes a file per Region: it bounds memory, and a file.
const PIECE_BYTES: usize = 24 << 20;

/// The worker.
#[derive(Default)]
pub struct Deliver;

async fn trails(view: &ReadView<'_>) -> Result<Vec<(Trail, bool)>, Fault> {
    let mut trails: Vec<(Trail, bool)> = Vec::new();
    trails.extend(table::all_trails(view).await?.into_iter().map(|trail| (trail, false)));
    trails.extend(
        table::closing_trails(view)
            .await?
            .into_iter()
            .map(|trail| (trail, true)),
    );
    // A trail that was never started has selected nothing.
    trails.retain(|(trail, closing)| trail.generation > 0 || *closing);
    Ok(trails)
}

impl Worker for Deliver {
    fn name(&self) -> &'static str {
        "cloudtrail delivery"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let snapshot = world.snapshot();
            let view = snapshot.view();
            let mut due: Option<Timestamp> = None;
            for (trail, closing) in trails(&view).await? {
                let next = due_of(world, &view, &trail, closing).await?;
                due = [due, next].into_iter().flatten().min();
            }
            Ok(due)
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let cut = world.journal().head();
            let mut due = Vec::new();
            {
                let snapshot = world.snapshot();
                let view = snapshot.view();
                for (trail, closing) in trails(&view).await? {
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
                result = result.and(pass(world, &trail, closing, cut, now).await);
            }
            result
        })
    }
}

/// When a trail's next pass is due: the next multiple of the interval after the last, if something was committed since;
/// later when passes have been refused for long.
async fn due_of(world: &World, view: &ReadView<'_>, trail: &Trail, closing: bool) -> Result<Option<Timestamp>, Fault> {
    let interval = world.settings.delivery_interval;
    let cursor = table::cursor(view, &trail.id).await?.unwrap_or_default();
    if !closing && world.journal().next_block(cursor.through + 1)?.is_none() {
        return Ok(None);
    }
    let last = cursor.passed.or(trail.started).unwrap_or(Timestamp::EPOCH);
    Ok(Some(match cursor.refused_since {
        Some(since) if last.since(since) >= EAGER => last.plus(PATIENT.max(interval)),
        _ => last.floor_to(interval).plus(interval),
    }))
}

/// Delivers one trail's entries up to the cut.
async fn pass(world: &Arc<World>, trail: &Trail, closing: bool, cut: u64, now: Timestamp) -> Result<(), Fault> {
    let before = {
        let snapshot = world.snapshot();
        table::cursor(&snapshot.view(), &trail.id).await?.unwrap_or_default()
    };
    let (mut through, mut delivered) = (before.through, true);
    while through < cut && delivered {
        let (reading, id) = (world.journal(), trail.id.clone());
        let piece = tokio::task::spawn_blocking(move || read_piece(&reading, &id, through + 1, cut))
            .await
            .map_err(|error| Fault::io("reading the journal", error))??;
        for (region, entries) in &piece.regions {
            delivered &= deliver_region(world, trail, region, entries, now).await?;
        }
        if delivered {
            through = piece.through;
        }
    }
    let row = CursorRow {
        through,
        passed: Some(now),
        refused_since: (!delivered).then(|| before.refused_since.unwrap_or(now)),
    };
    finish_pass(world, trail, closing && delivered, row).await
}

/// Remembers how far the pass came. A deleted trail whose last entry is delivered and whose chains are closed is forgotten.
async fn finish_pass(world: &Arc<World>, trail: &Trail, drained: bool, row: CursorRow) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, &trail.home);
        let (_, txn) = work.parts();
        let regions = super::chain_regions(trail, &world.settings.regions);
        if drained && table::chains(&txn.view(), &trail.id, regions).await?.is_empty() {
            table::forget_trail(txn, trail).await?;
        } else {
            table::put_cursor(txn, &trail.id, &row);
        }
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(conflicted())
}

/// A selected entry on its way into a file.
struct Selected {
    pos: EntryPos,
    committed: Timestamp,
    event_time: Timestamp,
    json: bytes::Bytes,
}

/// Some of the journal, by Region.
struct Piece {
    regions: BTreeMap<Region, Vec<Selected>>,
    through: u64,
}

/// Reads on from `from` and keeps what this trail selected. Blocks its thread.
fn read_piece(journal: &store::Journal, trail_id: &str, from: u64, cut: u64) -> Result<Piece, Fault> {
    let page = journal.read(from, cut, PIECE_BYTES)?;
    let mut regions: BTreeMap<String, Vec<Selected>> = BTreeMap::new();
    for placed in page.entries {
        let entry = placed.entry;
        if entry.selected.iter().any(|selection| selection.trail == trail_id) {
            let (event_time, json) = journal::decode_record(&entry.payload)?;
            let selected = Selected {
                pos: placed.pos,
                committed: placed.time,
                event_time,
                json,
            };
            match regions.get_mut(&entry.region) {
                Some(entries) => entries.push(selected),
                None => drop(regions.insert(entry.region, vec![selected])),
            }
        }
    }
    let typed = |(region, entries): (String, _)| match Region::parse(&region) {
        Ok(region) => Ok((region, entries)),
        Err(invalid) => Err(Fault::corrupt_by("the Region of a journal entry", invalid)),
    };
    let regions = regions.into_iter().map(typed).collect::<Result<_, Fault>>()?;
    Ok(Piece {
        regions,
        through: page.next.map_or(cut, |next| next.saturating_sub(1)),
    })
}

/// One delivery is one transaction: the object, its KMS event, the Region's cursor, the row for the next digest. Says
/// whether it was done; if not, the Region's row says why, and the next pass tries again.
async fn deliver_region(
    world: &Arc<World>,
    trail: &Trail,
    region: &Region,
    entries: &[Selected],
    now: Timestamp,
) -> Result<bool, Fault> {
    let (kept, lost): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.committed.plus(REDELIVERY) > now);
    if let Some(last) = lost.last() {
        write_off(world, trail, region, &lost, last.pos.seq).await?;
    }
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, region);
        let (ctx, txn) = work.parts();
        let row = table::delivery(&txn.view(), &trail.id, region).await?;
        // After a crash between two Regions of a piece, this one may have been delivered already.
        let fresh: Vec<&Selected> = kept
            .iter()
            .filter(|entry| entry.pos.seq > row.through)
            .copied()
            .collect();
        let Some(last) = fresh.last() else { return Ok(true) };
        let (bytes, pending) = file_of(trail, region, &fresh, now, &ids::log_file_suffix(ctx.random()))?;
        let object = object_of(trail, &pending, bytes);
        let objects = &ctx.world().ports()?.objects;
        if let Err(refusal) = objects.put_object(ctx, txn, By::Forward, object).await {
            work.abandon().await?;
            refused(world, trail, region, &refusal, now).await?;
            return Ok(false);
        }
        if trail.validation {
            table::put_pending(txn, &trail.id, region, last.pos.seq, &pending);
        }
        let row = DeliveryRow {
            through: last.pos.seq,
            delivered: Some(now),
            attempted: Some(now),
            error: None,
            lost: row.lost,
        };
        table::put_delivery(txn, &trail.id, region, &row);
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(true),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(conflicted())
}

/// Gives up entries that could not be delivered for 30 days, and counts them for the status.
async fn write_off(
    world: &Arc<World>,
    trail: &Trail,
    region: &Region,
    lost: &[&Selected],
    through: u64,
) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, region);
        let (_, txn) = work.parts();
        let mut row = table::delivery(&txn.view(), &trail.id, region).await?;
        let count = lost.iter().filter(|entry| entry.pos.seq > row.through).count();
        if count == 0 {
            return Ok(());
        }
        row.lost += count as u64;
        row.through = row.through.max(through);
        table::put_delivery(txn, &trail.id, region, &row);
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => {
                tracing::warn!(trail = %trail.arn(), %region, count, "events were undeliverable for 30 days and are lost");
                return Ok(());
            }
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(conflicted())
}

fn file_of(
    trail: &Trail,
    region: &Region,
    entries: &[&Selected],
    now: Timestamp,
    suffix: &str,
) -> Result<(LogFileBytes, PendingFile), Fault> {
    let mut file = LogFile::new();
    for entry in entries {
        file.push(&entry.json, entry.event_time);
    }
    let bytes = file.finish(&mut Gzip::new())?;
    let kind = LogFileKind::CloudTrail;
    let pending = PendingFile {
        bucket: trail.bucket.clone(),
        key: record::log_file_key(trail.prefix.as_deref(), None, trail.account, region, kind, now, suffix),
        hash: bytes.sha256.clone(),
        newest: bytes.newest_event_time.unwrap_or(now),
        oldest: bytes.oldest_event_time.unwrap_or(now),
        delivered: now,
    };
    Ok((bytes, pending))
}

fn object_of(trail: &Trail, file: &PendingFile, bytes: LogFileBytes) -> ServiceObject {
    ServiceObject {
        bucket: file.bucket.clone(),
        key: file.key.clone(),
        body: bytes::Bytes::from(bytes.gzip),
        seal: seal_of(trail),
        acl: Some("bucket-owner-full-control"),
        content_type: "application/json",
        content_encoding: Some("gzip"),
        metadata: Vec::new(),
    }
}

/// Says in the Region's row why the file could not be put.
async fn refused(
    world: &Arc<World>,
    trail: &Trail,
    region: &Region,
    refusal: &PortRefusal,
    now: Timestamp,
) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, region);
        let (_, txn) = work.parts();
        let row = table::delivery(&txn.view(), &trail.id, region).await?;
        let row = DeliveryRow {
            attempted: Some(now),
            error: Some(refusal.code.clone()),
            ..row
        };
        table::put_delivery(txn, &trail.id, region, &row);
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(conflicted())
}

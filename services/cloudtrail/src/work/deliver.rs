//! Delivery of log files: what trails selected, from the journal into their buckets.
//!
//! A pass takes the entries committed before its cut; the events that it makes itself belong to a later cut, so a pass
//! never feeds itself, and a trail that logs its own bucket and key makes at most one file per Region and interval.

use super::{ATTEMPTS_MAX, begin, conflicted};
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
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::{CommitError, EntryPos, Maintenance, ReadView};

/// The journal is read in pieces of this size, each of which becomes a file per Region: it bounds memory, and a file.
const PIECE_BYTES: usize = 24 << 20;
/// What could not be delivered for so long is lost, and the loss is told.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-get-and-view-log-files.html>
const REDELIVERY: Duration = Duration::from_secs(30 * 24 * 3600);

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

    /// The next multiple of the interval after the last pass, if something was committed since.
    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let journal = world.journal();
            let interval = world.settings.delivery_interval;
            let snapshot = world.snapshot();
            let view = snapshot.view();
            let mut due: Option<Timestamp> = None;
            for (trail, closing) in trails(&view).await? {
                let cursor = table::cursor(&view, &trail.id).await?.unwrap_or_default();
                if !closing && journal.next_block(cursor.through + 1)?.is_none() {
                    continue;
                }
                let last = cursor.passed.or(trail.started).unwrap_or(Timestamp::EPOCH);
                let next = last.floor_to(interval).plus(interval);
                due = Some(due.map_or(next, |due| due.min(next)));
            }
            Ok(due)
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let cut = world.journal().head();
            let trails = {
                let snapshot = world.snapshot();
                trails(&snapshot.view()).await?
            };
            let mut result = Ok(());
            for (trail, closing) in trails {
                // One trail that faults does not keep the others waiting.
                result = result.and(pass(world, &trail, closing, cut, now).await);
            }
            result
        })
    }
}

/// Delivers one trail's entries up to the cut.
async fn pass(world: &Arc<World>, trail: &Trail, closing: bool, cut: u64, now: Timestamp) -> Result<(), Fault> {
    let mut through = {
        let snapshot = world.snapshot();
        table::cursor(&snapshot.view(), &trail.id)
            .await?
            .unwrap_or_default()
            .through
    };
    let mut delivered = true;
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
    finish_pass(
        world,
        trail,
        closing && delivered,
        CursorRow {
            through,
            passed: Some(now),
        },
    )
    .await
}

/// Remembers how far the pass came. A deleted trail whose last entry is delivered and whose chains are closed is forgotten.
async fn finish_pass(world: &Arc<World>, trail: &Trail, drained: bool, row: CursorRow) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, &trail.home);
        let (_, txn) = work.parts();
        let mut open_chains = 0;
        for region in super::regions_of(trail, &world.settings.regions) {
            open_chains += usize::from(table::chain(&txn.view(), &trail.id, &region).await?.is_some());
        }
        if drained && open_chains == 0 {
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
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, region);
        let (ctx, txn) = work.parts();
        let mut row = table::delivery(&txn.view(), &trail.id, region).await?;
        let fresh = entries.iter().filter(|entry| entry.pos.seq > row.through);
        let (kept, lost): (Vec<_>, Vec<_>) = fresh.partition(|entry| entry.committed.plus(REDELIVERY) > now);
        row.lost += lost.len() as u64;
        let Some(last) = entries.last() else { return Ok(true) };
        row.through = row.through.max(last.pos.seq);
        row.attempted = Some(now);
        if !lost.is_empty() {
            tracing::warn!(trail = %trail.arn(), %region, lost = lost.len(), "events were undeliverable for 30 days and are lost");
        }
        if !kept.is_empty() {
            let (bytes, pending) = file_of(trail, region, &kept, now, &ids::log_file_suffix(ctx.random()))?;
            let object = object_of(trail, &pending, bytes);
            if let Err(refusal) = ctx
                .world()
                .ports()?
                .objects
                .put_object(ctx, txn, By::Forward, object)
                .await
            {
                work.abandon().await?;
                refused(world, trail, region, &refusal, now).await?;
                return Ok(false);
            }
            row.delivered = Some(now);
            row.error = None;
            if trail.validation {
                table::put_pending(txn, &trail.id, region, last.pos.seq, &pending);
            }
        }
        table::put_delivery(txn, &trail.id, region, &row);
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(true),
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

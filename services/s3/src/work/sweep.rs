//! Removes blobs that no row names: of puts that failed after their body was written, and of crashes.

use crate::table;
use base::{Fault, Timestamp};
use gateway::{Boxed, World, ports::Worker};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::BlobId;

/// How often.
const INTERVAL: Duration = Duration::from_secs(3600);
/// A finished blob is left alone so long: its row is still to be committed, which takes seconds, not minutes.
const STAGED_BLOB_AGE_MAX: Duration = Duration::from_secs(3600);

/// The worker: at the start and hourly.
#[derive(Default)]
pub struct Sweep {
    last: Mutex<Option<Last>>,
}

#[derive(Clone, Copy)]
struct Last {
    /// When a tick last came, in domain time.
    tick: Timestamp,
    /// When blobs were last looked at, in real time, by which they age.
    swept: Timestamp,
}

impl Sweep {
    fn last(&self) -> Option<Last> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker for Sweep {
    fn name(&self) -> &'static str {
        "s3 sweep"
    }

    fn next_due<'a>(&'a self, _: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        let due = match self.last() {
            Some(last) => last.tick.plus(INTERVAL),
            // A time that has come, whichever reading of the clock the asker goes by.
            None => Timestamp::EPOCH,
        };
        Box::pin(async move { Ok(Some(due)) })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let real = world.clock.real_now();
            let last = self.last();
            // A rehearsal moves domain time by months; files age in real time, so there is nothing to find.
            let is_due = last.is_none_or(|last| real >= last.swept.plus(INTERVAL));
            let swept = if is_due {
                real
            } else {
                last.map_or(real, |last| last.swept)
            };
            if is_due {
                sweep(world).await?;
            }
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Last { tick: now, swept });
            Ok(())
        })
    }
}

async fn sweep(world: &Arc<World>) -> Result<(), Fault> {
    let named = named(world).await?;
    let blobs = world.blobs().clone();
    // Rows committed since `named` was read name blobs younger than `STAGED_BLOB_AGE_MAX`.
    let swept = tokio::task::spawn_blocking(move || blobs.sweep(|id| named.contains(id), STAGED_BLOB_AGE_MAX))
        .await
        .map_err(|e| Fault::io("sweeping blobs", e))??;
    if swept.removed > 0 || swept.strange > 0 {
        tracing::info!(removed = swept.removed, strange = swept.strange, "swept blobs");
    }
    Ok(())
}

/// Every blob that a row names, by one snapshot.
async fn named(world: &Arc<World>) -> Result<HashSet<BlobId>, Fault> {
    let snapshot = world.snapshot();
    let view = snapshot.view();
    let mut named = HashSet::new();
    let mut after = None;
    loop {
        let (blobs, next) = table::blobs_named(&view, after.as_deref()).await?;
        named.extend(blobs);
        match next {
            Some(next) => after = Some(next),
            None => return Ok(named),
        }
        tokio::task::yield_now().await;
    }
}

//! Frees the space of deleted groups and streams, in small steps.

use super::begin;
use crate::table;
use base::{Fault, Timestamp};
use gateway::{Boxed, World, ports::Worker};
use std::sync::Arc;
use store::{CommitError, Maintenance};

/// Rows that one transaction deletes.
const ROWS_PER_STEP: usize = 512;
/// A tick takes so many steps, then lets others work; what is left is due still.
const STEPS_AT_ONCE: usize = 64;
/// More conflicts of one step than this are left to the next tick. Nobody else writes these rows but rotations of keys.
const ATTEMPTS_MAX: u32 = 32;

/// The worker: whenever something was deleted.
pub struct Reclaim;

impl Reclaim {
    /// One step; `false` when there is nothing left.
    async fn step(world: &Arc<World>) -> Result<bool, Fault> {
        let settings = &world.settings;
        for _ in 0..ATTEMPTS_MAX {
            let mut work = begin(world, settings.first_account, settings.region.clone());
            let (_, txn) = work.parts();
            let Some(doomed) = table::doomed(&txn.view()).await? else {
                return Ok(false);
            };
            table::reclaim(txn, &doomed, ROWS_PER_STEP).await?;
            match work.commit(Maintenance::LogRetention).await {
                Ok(()) => return Ok(true),
                Err(CommitError::Conflict) => continue,
                Err(CommitError::Fault(fault)) => return Err(fault),
            }
        }
        Ok(false)
    }
}

impl Worker for Reclaim {
    fn name(&self) -> &'static str {
        "logs: reclaim"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let doomed = table::doomed(&world.snapshot().view()).await?;
            Ok(doomed.map(|_| world.clock.now()))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, _: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            for _ in 0..STEPS_AT_ONCE {
                if !Reclaim::step(world).await? {
                    break;
                }
            }
            Ok(())
        })
    }
}

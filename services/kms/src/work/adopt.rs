//! Keys that were made before keys were rotated.

use crate::{
    model::{Key, KeyManager},
    table,
};
use base::{Fault, Timestamp};
use gateway::{Boxed, World, ports::Worker};
use std::sync::Arc;
use store::{CommitError, Maintenance};

/// How many keys are read at a time.
const BATCH: usize = 256;

/// Gives the keys that AWS services manage their place in the schedule of rotations, once: their rows say when they are
/// rotated, but those of earlier releases were written before there was a schedule.
pub struct AdoptManagedKeys;

impl Worker for AdoptManagedKeys {
    fn name(&self) -> &'static str {
        "kms: adopt managed keys"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let done = table::is_adopted(&world.snapshot().view()).await?;
            Ok((!done).then(|| world.clock.now()))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, _: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let mut after: Option<Vec<u8>> = None;
            loop {
                let page = table::every_key(&world.snapshot().view(), after.as_deref(), BATCH).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                for (_, key) in page.iter().filter(|(_, key)| key.manager == KeyManager::Aws) {
                    adopt(world, key).await?;
                }
            }
            finish(world).await
        })
    }
}

async fn adopt(world: &Arc<World>, key: &Key) -> Result<(), Fault> {
    loop {
        let mut work = super::begin(world, key.account, key.region.clone());
        let (_, txn) = work.parts();
        if let Some(key) = table::key(&txn.view(), key.shelf(), &key.id).await? {
            table::put_rotation_due(txn, &key);
        }
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
}

async fn finish(world: &Arc<World>) -> Result<(), Fault> {
    let mut work = super::begin(world, world.settings.first_account, world.settings.region.clone());
    table::put_adopted(work.parts().1);
    match work.commit(Maintenance::Cursor).await {
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}

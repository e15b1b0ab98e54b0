//! What becomes of keys by itself, in domain time: they are deleted, their material expires or is replaced.

mod adopt;
mod delete;
mod expire;
mod rotate;

pub use adopt::AdoptManagedKeys;
pub(crate) use rotate::rotated;

use crate::{
    cache,
    model::Key,
    table::{self, Due, DueKind},
};
use base::{AccountId, Fault, Region, Timestamp};
use gateway::{Boxed, ServiceCaller, World, ports::Worker, work::Work};
use std::sync::Arc;
use store::{CommitError, Maintenance};
use wire::ServiceName;

/// How many keys are read at a time.
const BATCH: usize = 64;

/// Does one kind of thing to the keys to which it is due.
pub struct DueKeys {
    name: &'static str,
    kind: DueKind,
    deed: Deed,
    why: Maintenance,
}

/// Does what is due to a key, in a transaction that has just read it, at the key's place.
type Deed = for<'a> fn(&'a mut Work, &'a Key) -> Boxed<'a, Result<(), Fault>>;

impl DueKeys {
    /// Deletes keys whose waiting period is over: material, policy, aliases, grants and row. What they sealed stays sealed
    /// for good.
    ///
    /// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html>
    pub fn deletions() -> DueKeys {
        DueKeys {
            name: "kms: delete keys",
            kind: DueKind::Delete,
            deed: |work, key| Box::pin(delete::delete(work, key)),
            why: Maintenance::Expiry,
        }
    }

    /// Deletes brought material that has expired; its key waits for it to be brought again.
    pub fn expiries() -> DueKeys {
        DueKeys {
            name: "kms: expire material",
            kind: DueKind::Expire,
            deed: |work, key| Box::pin(expire::expire(work, key)),
            why: Maintenance::Expiry,
        }
    }

    /// Replaces material whose time has come.
    pub fn rotations() -> DueKeys {
        DueKeys {
            name: "kms: rotate keys",
            kind: DueKind::Rotate,
            deed: |work, key| Box::pin(rotate::rotate(work, key)),
            why: Maintenance::KeyGeneration,
        }
    }

    async fn settle(&self, world: &Arc<World>, due: &Due) -> Result<(), CommitError> {
        let mut work = begin(world, due.account, due.region.clone());
        let (_, txn) = work.parts();
        let key = table::key(&txn.view(), due.shelf(), &due.key)
            .await
            .map_err(CommitError::Fault)?;
        // Read again in the transaction that does it: only a key to which it is still due on this date suffers it.
        let key = key.filter(|key| due.is_of(self.kind, key));
        table::delete_due(txn, self.kind, due);
        if let Some(key) = &key {
            (self.deed)(&mut work, key).await.map_err(CommitError::Fault)?;
        }
        work.commit(self.why.clone()).await?;
        if let (Some(key), DueKind::Delete | DueKind::Expire) = (&key, self.kind) {
            cache::forget(key);
        }
        Ok(())
    }
}

/// A transaction of KMS's own in an account.
fn begin(world: &Arc<World>, account: AccountId, region: Region) -> Work {
    let caller = ServiceCaller {
        name: "kms.amazonaws.com",
        source_arn: None,
        source_account: account,
    };
    Work::begin(world, ServiceName::Kms, caller, region)
}

impl Worker for DueKeys {
    fn name(&self) -> &'static str {
        self.name
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let dues = table::dues(&world.snapshot().view(), self.kind, 1).await?;
            Ok(dues.first().map(|due| due.at))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            loop {
                let mut dues = table::dues(&world.snapshot().view(), self.kind, BATCH).await?;
                dues.retain(|due| due.at <= now);
                if dues.is_empty() {
                    return Ok(());
                }
                let mut failed = None;
                for due in &dues {
                    match self.settle(world, due).await {
                        // A conflict is somebody who changed the key in time; the next round sees what became of it.
                        Ok(()) | Err(CommitError::Conflict) => {}
                        // One key that cannot be read holds up none of the others.
                        Err(CommitError::Fault(fault)) => failed = Some(fault),
                    }
                }
                if let Some(fault) = failed {
                    return Err(fault);
                }
            }
        })
    }
}

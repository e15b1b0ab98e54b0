//! Deletes the keys whose waiting period is over, in domain time.

use crate::{access::RESOURCE_TYPE, cache, table};
use base::{Fault, Timestamp};
use gateway::{Boxed, ServiceCaller, World, event::ServiceEvent, ports::Worker, work::Work};
use record::Params;
use std::sync::Arc;
use store::{CommitError, Maintenance};
use wire::ServiceName;

/// How many deletions are read at a time.
const BATCH: usize = 64;

/// Deletes keys that are due: material, policy, aliases, grants and row. What they sealed stays sealed for good.
///
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html>
pub struct DeleteKeys;

impl Worker for DeleteKeys {
    fn name(&self) -> &'static str {
        "kms: delete keys"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let dues = table::dues(&world.snapshot().view(), 1).await?;
            Ok(dues.first().map(|due| due.deletion_date))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            loop {
                let mut dues = table::dues(&world.snapshot().view(), BATCH).await?;
                dues.retain(|due| due.deletion_date <= now);
                if dues.is_empty() {
                    return Ok(());
                }
                for due in &dues {
                    match delete(world, due).await {
                        // A conflict is somebody's CancelKeyDeletion in time; the next round sees what became of it.
                        Ok(()) | Err(CommitError::Conflict) => {}
                        Err(CommitError::Fault(fault)) => return Err(fault),
                    }
                }
            }
        })
    }
}

async fn delete(world: &Arc<World>, due: &table::Due) -> Result<(), CommitError> {
    let caller = ServiceCaller {
        name: "kms.amazonaws.com",
        source_arn: None,
        source_account: due.account,
    };
    let mut work = Work::begin(world, ServiceName::Kms, caller, due.region.clone());
    let (_, txn) = work.parts();
    let shelf = table::Shelf {
        account: due.account,
        region: &due.region,
    };
    let key = table::key(&txn.view(), shelf, &due.key)
        .await
        .map_err(CommitError::Fault)?;
    // Read again in the transaction that deletes: only a key that is still to go on this date goes.
    let key = key.filter(|key| key.state.deletion_date() == Some(due.deletion_date));
    table::delete_due(txn, due);
    if let Some(key) = &key {
        table::delete_key(txn, key).await.map_err(CommitError::Fault)?;
        work.service_event(ServiceEvent {
            name: "DeleteKey",
            account: key.account,
            resource: key.arn(),
            resource_type: RESOURCE_TYPE,
            details: Params::new().text("keyId", key.arn().as_str()),
        });
    }
    work.commit(Maintenance::Expiry).await?;
    if let Some(key) = &key {
        cache::forget(key);
    }
    Ok(())
}

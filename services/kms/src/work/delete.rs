//! A key whose waiting period is over.

use crate::{
    access::RESOURCE_TYPE,
    model::{Key, KeyState},
    table,
};
use base::{Fault, Timestamp};
use gateway::{Txn, event::ServiceEvent, work::Work};
use record::Params;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

pub(super) async fn delete(work: &mut Work, key: &Key) -> Result<(), Fault> {
    let (ctx, txn) = work.parts();
    let now = ctx.now();
    table::delete_key(txn, key).await?;
    for related in table::related(&txn.view(), key).await? {
        leave(txn, key, &related, now);
    }
    work.service_event(ServiceEvent {
        as_call: false,
        name: "DeleteKey",
        account: key.account,
        resource: key.arn(),
        resource_type: RESOURCE_TYPE,
        response: Params::new().text("keyId", key.arn().as_str()),
        details: Params::new(),
    });
    Ok(())
}

/// Tells a related key that a replica is no more. A primary that waited for the last one begins its own window.
///
/// A primary with replicas is never deleted, so what is deleted beside related keys is a replica.
fn leave(txn: &mut Txn, key: &Key, before: &Key, now: Timestamp) {
    let mut after = before.clone();
    after.multi_region = before
        .multi_region
        .as_ref()
        .map(|multi| multi.without_replica(&key.region));
    let waits = !after.is_replica() && after.related().is_empty();
    if let (KeyState::PendingReplicaDeletion { window_days }, true) = (after.state, waits) {
        after.state = KeyState::PendingDeletion {
            deletion_date: now.plus(DAY.saturating_mul(window_days)),
        };
    }
    table::put_key(txn, &after, Some(before));
}

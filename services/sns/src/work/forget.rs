//! Tokens whose time is over are forgotten, and with them subscriptions that nobody confirmed.

use crate::{
    model::{SubscriptionRef, subscription::TOKEN_TIME},
    signing::begin,
    table::{self, ExpiryRow},
};
use base::{Fault, Timestamp};
use bytes::Bytes;
use gateway::{Boxed, World, ports::Worker};
use std::sync::Arc;
use store::{CommitError, Maintenance};

/// So many tokens are forgotten in one transaction.
const BATCH: usize = 100;
/// A tick has at most so many transactions, those included that met a conflict; what is left is due still.
const STEPS_AT_ONCE: usize = 64;

/// Forgets what has expired.
pub struct Forget;

impl Worker for Forget {
    fn name(&self) -> &'static str {
        "sns tokens"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let snapshot = world.snapshot();
            let first = table::expiries(&snapshot.view(), 1).await?;
            Ok(first.first().map(|(_, _, at)| *at))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            for _ in 0..STEPS_AT_ONCE {
                if !forget(world, now).await? {
                    break;
                }
            }
            Ok(())
        })
    }
}

/// Forgets the first that have expired. Whether there may be more.
async fn forget(world: &Arc<World>, now: Timestamp) -> Result<bool, Fault> {
    let mut work = begin(world, world.settings.first_account, &world.settings.region);
    let (_, txn) = work.parts();
    let expired = table::expiries(&txn.view(), BATCH).await?;
    let expired: Vec<(Bytes, ExpiryRow, Timestamp)> = expired.into_iter().filter(|(_, _, at)| *at <= now).collect();
    if expired.is_empty() {
        return Ok(false);
    }
    for (key, row, _) in expired {
        table::delete_expiry(txn, key);
        let Some(token) = table::token(&txn.view(), &row.topic, &row.sha256).await? else {
            continue;
        };
        table::delete_token(txn, &row.topic, &row.sha256, &token);
        let at = SubscriptionRef {
            topic: row.topic,
            id: token.id,
        };
        if let Some(subscription) = table::subscription(&txn.view(), &at).await?
            && subscription.confirmed.is_none()
            && subscription.created.plus(TOKEN_TIME) <= now
        {
            table::delete_subscription(txn, &subscription);
        }
    }
    match work.commit(Maintenance::Expiry).await {
        Ok(()) | Err(CommitError::Conflict) => Ok(true),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}

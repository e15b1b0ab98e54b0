//! Background work: sessions that have ended go, what was noted of the use of credentials becomes rows, and the users of
//! the first release get into the index of ids.

use crate::{
    port::IdentityStore,
    table::{self, sessions, users},
};
use base::{Fault, Timestamp};
use gateway::{Boxed, ServiceCaller, World, ports::Worker, work::Work};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::{CommitError, Maintenance};
use wire::ServiceName;

/// How often the work is done at most.
const PERIOD: Duration = Duration::from_secs(60);

/// How long a session that has ended is still known, so that its callers hear that it has ended and not that there is no
/// such key.
const ENDED_KEPT: Duration = Duration::from_secs(24 * 3600);

/// How many sessions go in one transaction.
const BATCH: usize = 256;

/// Forgets sessions a day after their end, in real time, writes down when access keys and roles were used last, and once
/// indexes old users.
pub struct Housekeeping {
    identities: Arc<IdentityStore>,
    /// When it was done last, in domain time.
    last: Mutex<Option<Timestamp>>,
}

impl Housekeeping {
    /// The worker of a store that is wired as the port.
    pub fn new(identities: Arc<IdentityStore>) -> Housekeeping {
        Housekeeping {
            identities,
            last: Mutex::default(),
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker for Housekeeping {
    fn name(&self) -> &'static str {
        "iam: housekeeping"
    }

    /// Nothing is due for a session that is still to end: that is a matter of real time, and this is asked often enough.
    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let snapshot = world.snapshot();
            let view = snapshot.view();
            let to_index = !users::are_indexed(&view).await?;
            let ends = sessions::ends(&view, 1).await?;
            let ended = ends.first().is_some_and(|(end, _)| *end <= forgotten_before(world));
            let due = (*self.last()).map_or(Timestamp::EPOCH, |last| last.plus(PERIOD));
            Ok((ended || to_index || self.identities.has_uses()).then_some(due))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            index_users(world).await?;
            write_uses(&self.identities, world).await?;
            forget_sessions(world).await?;
            *self.last() = Some(now);
            Ok(())
        })
    }
}

/// Sessions that ended at this time or before are forgotten.
fn forgotten_before(world: &World) -> Timestamp {
    world.clock.real_now().minus(ENDED_KEPT)
}

fn begin(world: &Arc<World>) -> Work {
    let caller = ServiceCaller {
        name: "iam.amazonaws.com",
        source_arn: None,
        source_account: world.settings.first_account,
    };
    Work::begin(world, ServiceName::Iam, caller, world.settings.region.clone())
}

async fn commit(work: Work, why: Maintenance) -> Result<(), Fault> {
    match work.commit(why).await {
        // The next round does it.
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}

/// One transaction, so that the mark that all are indexed is never there before they are.
async fn index_users(world: &Arc<World>) -> Result<(), Fault> {
    let mut work = begin(world);
    let (_, txn) = work.parts();
    if users::are_indexed(&txn.view()).await? {
        return Ok(());
    }
    users::index(txn).await?;
    commit(work, Maintenance::Cursor).await
}

/// Writes what was noted. A crash before loses at most a period of it.
async fn write_uses(identities: &IdentityStore, world: &Arc<World>) -> Result<(), Fault> {
    let used = identities.take_used();
    if used.is_empty() {
        return Ok(());
    }
    let mut work = begin(world);
    let (_, txn) = work.parts();
    for (id, row) in &used {
        // A key or role that went meanwhile leaves nothing behind.
        let there = match id.starts_with("AROA") {
            true => table::id(&txn.view(), id).await?.is_some(),
            false => table::access_key_row(&txn.view(), id).await?.is_some(),
        };
        if there {
            sessions::put_last_used(txn, id, row);
        }
    }
    commit(work, Maintenance::Cursor).await
}

async fn forget_sessions(world: &Arc<World>) -> Result<(), Fault> {
    let end = forgotten_before(world);
    loop {
        let mut work = begin(world);
        let (_, txn) = work.parts();
        let mut ended = sessions::ends(&txn.view(), BATCH).await?;
        ended.retain(|(expires, _)| *expires <= end);
        if ended.is_empty() {
            return Ok(());
        }
        for (expires, id) in &ended {
            sessions::delete_session(txn, *expires, id);
        }
        commit(work, Maintenance::Expiry).await?;
    }
}

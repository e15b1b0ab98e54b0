//! The work on stacks: what an operation asked for is done after its answer, from rows alone, so that a restart goes on where
//! the server stopped.
//!
//! [`run`] is the task that does it: one `run::drive` for each stack of which there is an [`Operation`] row, which takes it
//! from phase to phase until the row is gone. A step of a phase is one transaction (`step`): the calls of the resource's
//! service, the resource's row and the stack's events; it begins by finding the operation unchanged.

mod crew;
mod deploy;
mod events;
mod outputs;
mod phase;
mod remove;
mod restore;
mod run;
mod secrets;
mod state;
mod step;

use crate::{model::stack::StackRef, table};
use base::{Fault, Timestamp};
use gateway::{Boxed, ServiceCaller, Txn, World, error::Chain, ports::Worker, work::Work};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use store::{CommitError, Maintenance};
use tokio::{
    sync::{Mutex, Notify, Semaphore, watch},
    task::JoinSet,
};
use wire::ServiceName;

pub use events::PRINCIPAL;
pub(crate) use events::{Told, tell};
pub(crate) use phase::shown_deployment;
pub(crate) use run::{assumes, is_role_of};
pub(crate) use secrets::hidden;
pub(crate) use state::{Wanted, metadata, pseudo};

/// Stacks are looked for at least this often; they are told of at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A stack whose work failed by our own fault rests for a quarter of a second, then a half, one and so on, up to this.
const REST_MAX: Duration = Duration::from_secs(60);
/// So many stacks are worked on at once, not counting those that are nested in others: who waits for such a one holds the
/// place that it would wait for.
const STACKS_AT_ONCE: usize = 32;
/// So long a tick waits for the stacks that are under way.
const TICK_MAX: Duration = Duration::from_secs(3);
/// Deleted stacks are known for so long.
///
/// SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html>
pub(crate) const DELETED_FOR: Duration = Duration::from_secs(90 * 86_400);
/// Of a deleted stack so many rows are forgotten in one transaction.
const FORGET_ROWS: usize = 1_000;

/// How those who ask and those who work tell each other.
pub(crate) struct Bell {
    /// There may be an operation that nobody works on.
    asked: Notify,
    /// An operation came to a phase or to its end.
    pub(crate) moved: Notify,
    /// Of each service whose calls conflict, who works now: such steps meet no second conflict with each other.
    turns: std::sync::Mutex<HashMap<String, Arc<Mutex<()>>>>,
    /// Of an operation and a resource, how often its step has failed by our own fault.
    faults: std::sync::Mutex<HashMap<(String, String), u32>>,
    /// Outermost stacks that may still be worked on at once.
    places: Semaphore,
}

impl Default for Bell {
    fn default() -> Bell {
        Bell {
            asked: Notify::default(),
            moved: Notify::default(),
            turns: std::sync::Mutex::default(),
            faults: std::sync::Mutex::default(),
            places: Semaphore::new(STACKS_AT_ONCE),
        }
    }
}

impl Bell {
    /// The turn at a service, once its calls have been met to conflict.
    fn turn(&self, service: &str) -> Option<Arc<Mutex<()>>> {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.get(service).cloned()
    }

    /// How often an operation's step for a resource has failed by our own fault since the server started.
    fn faults_of(&self, operation: &str, resource: &str) -> u32 {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (operation.to_owned(), resource.to_owned());
        faults.get(&key).copied().unwrap_or_default()
    }

    /// It has done so once more.
    fn note_fault(&self, operation: &str, resource: &str) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        *faults.entry((operation.to_owned(), resource.to_owned())).or_default() += 1;
    }

    /// The operation has come to another phase: what failed in the one before may succeed.
    fn forget_faults(&self, operation: &str) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.retain(|(of, _), _| of != operation);
    }

    /// Calls of the service conflict when they are made at once: from now on one is made after the other.
    fn take_turns(&self, service: &str) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(service.to_owned()).or_default();
    }
}

/// Has the work begin once the transaction is durable.
pub(crate) fn wake(world: &Arc<World>, txn: &mut Txn) {
    let bell = world.kept::<Bell>();
    txn.once_committed(move || {
        bell.asked.notify_one();
        bell.moved.notify_waiters();
    });
}

/// Waits until the stack is in no progress, or for so long.
pub(crate) async fn settled(world: &World, at: &StackRef, patience: Duration) -> Result<(), Fault> {
    let bell = world.kept::<Bell>();
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let moved = bell.moved.notified();
        tokio::pin!(moved);
        moved.as_mut().enable();
        if table::operation(&world.snapshot().view(), at).await?.is_none()
            || tokio::time::timeout_at(deadline, moved).await.is_err()
        {
            return Ok(());
        }
    }
}

/// How the work on one stack has fared.
struct Fared {
    failures: u32,
    rests_until: Instant,
}

/// Does the work on all stacks until told to stop; steps that are under way are ended first.
pub async fn run(world: Arc<World>, mut stop: watch::Receiver<bool>) {
    let bell = world.kept::<Bell>();
    let mut under_way: JoinSet<(StackRef, Result<(), Fault>)> = JoinSet::new();
    let mut ids: HashMap<tokio::task::Id, StackRef> = HashMap::new();
    let mut fared: HashMap<StackRef, Fared> = HashMap::new();
    while !*stop.borrow() {
        let busy: HashSet<&StackRef> = ids.values().collect();
        let rests = |at: &StackRef| fared.get(at).is_some_and(|fared| fared.rests_until > Instant::now());
        let asked = match table::operations(&world.snapshot().view()).await {
            Ok(operations) => operations,
            Err(fault) => {
                tracing::error!(error = %Chain(&fault), "the stacks that are under way cannot be read");
                Vec::new()
            }
        };
        let free: Vec<StackRef> = asked
            .into_iter()
            .map(|operation| operation.at)
            .filter(|at| !busy.contains(at) && !rests(at))
            .collect();
        for at in free {
            let (world, stop, stack) = (Arc::clone(&world), stop.clone(), at.clone());
            let task = under_way.spawn(async move {
                let result = run::drive(&world, &at, stop).await;
                (at, result)
            });
            ids.insert(task.id(), stack);
        }
        tokio::select! {
            () = bell.asked.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => {}
            Some(ended) = under_way.join_next_with_id() => note(ended, &mut ids, &mut fared),
        }
    }
    while under_way.join_next().await.is_some() {}
}

type Ended = Result<(tokio::task::Id, (StackRef, Result<(), Fault>)), tokio::task::JoinError>;

/// How one stack's work went. A panic is the fault of that stack's work alone.
fn note(ended: Ended, ids: &mut HashMap<tokio::task::Id, StackRef>, fared: &mut HashMap<StackRef, Fared>) {
    let (id, result) = match ended {
        Ok((id, (_, result))) => (id, result),
        Err(error) => (error.id(), Err(Fault::Bug("the work on a stack panicked"))),
    };
    let Some(at) = ids.remove(&id) else { return };
    match result {
        Ok(()) | Err(Fault::Stopping) => {
            fared.remove(&at);
        }
        Err(fault) => {
            tracing::error!(stack = %at.arn(), error = %Chain(&fault), "work on a stack failed; it will be tried again");
            let failures = fared.get(&at).map_or(0, |fared| fared.failures);
            let rest = Duration::from_millis(250 << failures.min(12)).min(REST_MAX);
            let rests_until = Instant::now() + rest;
            let failures = failures + 1;
            fared.insert(at, Fared { failures, rests_until });
        }
    }
}

/// Lets AdvanceClock see that stacks are under way: they get their time before the clock moves on.
pub struct Stacks;

impl Worker for Stacks {
    fn name(&self) -> &'static str {
        "work on stacks"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            // Only where time is moved is there a reason to wait: the work has a task of its own.
            if !world.settings.rehearsal {
                return Ok(None);
            }
            let waits = !table::operations(&world.snapshot().view()).await?.is_empty();
            Ok(waits.then(|| world.clock.now()))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, _: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let bell = world.kept::<Bell>();
            let deadline = tokio::time::Instant::now() + TICK_MAX;
            loop {
                let moved = bell.moved.notified();
                tokio::pin!(moved);
                moved.as_mut().enable();
                if table::operations(&world.snapshot().view()).await?.is_empty()
                    || tokio::time::timeout_at(deadline, moved).await.is_err()
                {
                    return Ok(());
                }
            }
        })
    }
}

/// Forgets stacks that were deleted long ago.
pub struct Forget;

impl Worker for Forget {
    fn name(&self) -> &'static str {
        "deleted stacks"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move { Ok(table::first_gone(&world.snapshot().view()).await?.map(|(at, _)| at)) })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            while let Some((until, at)) = table::first_gone(&world.snapshot().view()).await?
                && until <= now
            {
                let mut work = begin(world, &at);
                table::forget(work.parts().1, until, &at, FORGET_ROWS).await?;
                match work.commit(Maintenance::Expiry).await {
                    Ok(()) | Err(CommitError::Conflict) => {}
                    Err(CommitError::Fault(fault)) => return Err(fault),
                }
            }
            Ok(())
        })
    }
}

/// Begins a transaction for a stack, as CloudFormation.
fn begin(world: &Arc<World>, at: &StackRef) -> Work {
    let caller = ServiceCaller {
        name: PRINCIPAL,
        source_arn: Some(at.arn()),
        source_account: at.account,
    };
    Work::begin(world, ServiceName::CloudFormation, caller, at.region.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_a_step_count_until_its_phase_is_done() {
        let bell = Bell::default();
        for _ in 0..3 {
            bell.note_fault("operation", "A");
        }
        bell.note_fault("other", "A");
        assert_eq!(bell.faults_of("operation", "A"), 3);
        assert_eq!(bell.faults_of("operation", "B"), 0);
        bell.forget_faults("operation");
        assert_eq!((bell.faults_of("operation", "A"), bell.faults_of("other", "A")), (0, 1));
    }
}

//! Background tasks: the only place of this crate that spawns them.
//!
//! One task works for all rooms, in the order in which the ports list their workers: what is due at one moment is done
//! in one order, here and when AdvanceClock moves time (log files before the digest that names them).

use base::{Fault, Timestamp};
use gateway::{Boxed, World, error::Chain, ports::Worker};
use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
    time::Instant,
};

/// The workers are asked at least this often; a setting or a moved clock can make them due at any time.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// A worker that failed is left alone for one second, then for two, four and so on, up to this.
const BACK_OFF_MAX: Duration = Duration::from_secs(300);

/// Starts a background task.
pub(crate) fn spawn<F: Future<Output: Send + 'static> + Send + 'static>(task: F) -> JoinHandle<F::Output> {
    tokio::spawn(task)
}

/// Ends when the server is to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that whoever could say so is gone, and then nobody would.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Lets no two of the given workers work at once: the background task and AdvanceClock take turns.
pub(crate) fn in_turns(workers: Vec<Arc<dyn Worker>>) -> Vec<Arc<dyn Worker>> {
    let turn = Arc::new(Mutex::new(()));
    let one = |worker| {
        Arc::new(InTurn {
            worker,
            turn: Arc::clone(&turn),
            worked: AtomicI64::new(i64::MIN),
        }) as Arc<dyn Worker>
    };
    workers.into_iter().map(one).collect()
}

struct InTurn {
    worker: Arc<dyn Worker>,
    turn: Arc<Mutex<()>>,
    /// The latest time at which it has worked.
    worked: AtomicI64,
}

impl Worker for InTurn {
    fn name(&self) -> &'static str {
        self.worker.name()
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        self.worker.next_due(world)
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            // Whoever had the turn before may have done, at a later time, all that is due now.
            if self.worked.load(Ordering::Relaxed) >= now.as_micros() {
                return Ok(());
            }
            self.worker.tick(world, now).await?;
            self.worked.store(now.as_micros(), Ordering::Relaxed);
            Ok(())
        })
    }
}

/// How one worker has fared.
#[derive(Default)]
struct Fared {
    failures: u32,
    rests_until: Option<Instant>,
}

/// Works for every room until told to stop; the tick at hand is finished first.
pub(crate) async fn run(world: Arc<World>, mut stop: watch::Receiver<bool>) {
    let Ok(ports) = world.ports() else { return };
    let mut fared: Vec<Fared> = ports.workers.iter().map(|_| Fared::default()).collect();
    loop {
        // One reading for the whole round: a worker that comes late in the order must not see a later time than the
        // one before it did.
        let now = world.clock.now();
        for (worker, fared) in ports.workers.iter().zip(&mut fared) {
            if *stop.borrow() {
                return;
            }
            if fared.rests_until.is_none_or(|until| until <= Instant::now()) {
                fared.note(worker.name(), work(worker.as_ref(), &world, now).await);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(ASK_EVERY) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

async fn work(worker: &dyn Worker, world: &Arc<World>, now: Timestamp) -> Result<(), Fault> {
    let turn = async {
        match worker.next_due(world).await? {
            Some(due) if due <= now => worker.tick(world, now).await,
            _ => Ok(()),
        }
    };
    Caught::new(turn).await.unwrap_or(Err(Fault::Bug("a worker panicked")))
}

impl Fared {
    fn note(&mut self, name: &str, result: Result<(), Fault>) {
        match result {
            Ok(()) => *self = Fared::default(),
            Err(Fault::Stopping) => {}
            Err(fault) => {
                tracing::error!(worker = name, error = %Chain(&fault), "background work failed; it will be tried again");
                let rest = Duration::from_secs(1 << self.failures.min(16)).min(BACK_OFF_MAX);
                self.failures += 1;
                self.rests_until = Some(Instant::now() + rest);
            }
        }
    }
}

/// A future whose panic is caught: its output is `None` then. A call or a tick that panics must not take others with it.
pub(crate) struct Caught<F>(Pin<Box<F>>);

impl<F: Future> Caught<F> {
    pub(crate) fn new(future: F) -> Caught<F> {
        Caught(Box::pin(future))
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // After a panic the future is dropped and not looked at again; what it shared with others is transactions, which
        // leave nothing behind when dropped, and locks that forgive poisoning.
        match std::panic::catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_and_an_output_is_passed_on() {
        assert_eq!(Caught::new(async { 1 }).await, Some(1));
        let panics = async {
            tokio::task::yield_now().await;
            assert_eq!(1, 2, "this panic is the test's own");
        };
        assert_eq!(Caught::new(panics).await, None);
    }

    #[test]
    fn a_failing_worker_rests_longer_each_time_and_then_is_forgiven() {
        let mut fared = Fared::default();
        for _ in 0..40 {
            fared.note("test", Err(Fault::Bug("test")));
        }
        let rest = fared
            .rests_until
            .map(|until| until.saturating_duration_since(Instant::now()));
        assert!(rest.is_some_and(|rest| rest <= BACK_OFF_MAX && rest > BACK_OFF_MAX / 2));
        fared.note("test", Ok(()));
        assert_eq!((fared.failures, fared.rests_until), (0, None));
    }
}

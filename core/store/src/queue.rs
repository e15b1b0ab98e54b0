//! Where transactions wait for the committer.
//!
//! A channel would wake the committer for each of them. Here it is woken when as many wait as it expects, so that one
//! batch costs one waking.

use crate::commit::Request;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The most transactions, and about the most bytes, that share a sync. A batch is held in memory and sealed as one block.
const BATCH_TXNS_MAX: usize = 1024;
const BATCH_BYTES_MAX: usize = 8 << 20;

/// How long a batch that is not complete waits for one more, and how long in all: about as long as a sync takes.
const GATHER_STEP: Duration = Duration::from_micros(80);
const GATHER_MAX: Duration = Duration::from_micros(400);
/// After this much silence nobody in particular is expected.
const STALE: Duration = Duration::from_millis(2);

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    bytes: usize,
    /// How many must wait for the committer to be woken; it does not sleep when this is `None`.
    wanted: Option<usize>,
    closed: bool,
}

impl Queue {
    /// Adds a transaction; drops it when the queue is closed.
    pub(crate) fn push(&self, request: Request) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.bytes += request.bytes;
        state.requests.push(request);
        if state
            .wanted
            .is_some_and(|wanted| state.requests.len() >= wanted || state.is_full())
        {
            state.wanted = None;
            drop(state);
            self.bell.notify_one();
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().requests.len()
    }

    /// Takes no more; those that wait are still served.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_one();
    }

    /// The next batch: those that wait, and those that are `expected` if they come soon. Sleeps while there are none;
    /// `None` when the queue is closed and empty.
    pub(crate) fn next(&self, mut expected: usize) -> Option<Vec<Request>> {
        let mut state = self.lock();
        let idle = Instant::now();
        while state.requests.is_empty() {
            if state.closed {
                return None;
            }
            state.wanted = Some(1);
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.wanted = None;
        }
        if idle.elapsed() > STALE {
            expected = 0;
        }
        let start = Instant::now();
        while state.requests.len() < expected && !state.is_full() && !state.closed && start.elapsed() < GATHER_MAX {
            let before = state.requests.len();
            state.wanted = Some(expected);
            let woken = self.bell.wait_timeout(state, GATHER_STEP);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
            state.wanted = None;
            if state.requests.len() == before {
                break;
            }
        }
        Some(state.take())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.requests.len() >= BATCH_TXNS_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    /// Takes a batch off the front.
    fn take(&mut self) -> Vec<Request> {
        let (mut count, mut bytes) = (0, 0);
        for request in self.requests.iter().take(BATCH_TXNS_MAX) {
            if count > 0 && bytes + request.bytes > BATCH_BYTES_MAX {
                break;
            }
            count += 1;
            bytes += request.bytes;
        }
        let rest = self.requests.split_off(count);
        self.bytes -= bytes;
        std::mem::replace(&mut self.requests, rest)
    }
}

/// Closes the queue and drops those that wait, who then learn that nobody will answer.
pub(crate) struct CloseOnDrop<'q>(pub(crate) &'q Queue);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        let abandoned = std::mem::take(&mut state.requests);
        drop(state);
        drop(abandoned);
    }
}

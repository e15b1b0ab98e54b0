//! What is to be done when, while time is moved: which moment is next, and which workers are due at it.
//!
//! INVARIANT: moments only grow, and no worker is due twice at one moment. A worker that does not move on (its delivery
//! is refused, say) is asked again after [`Agenda::retry`], so that time goes on.

use base::Timestamp;
use std::time::Duration;

/// Remembers when each worker was last asked to work.
pub(crate) struct Agenda {
    asked: Vec<Option<Timestamp>>,
    retry: Duration,
}

impl Agenda {
    /// For so many workers; one that is stuck is asked again after `retry`.
    pub(crate) fn new(workers: usize, retry: Duration) -> Agenda {
        Agenda {
            asked: vec![None; workers],
            retry: retry.max(Duration::from_secs(1)),
        }
    }

    /// When a worker is next to be asked, given when it says that it is due.
    pub(crate) fn next(&self, worker: usize, due: Option<Timestamp>) -> Option<Timestamp> {
        let due = due?;
        match self.asked.get(worker).copied().flatten() {
            Some(asked) if due <= asked => Some(asked.plus(self.retry)),
            _ => Some(due),
        }
    }

    /// The worker was asked to work at `now`.
    pub(crate) fn asked(&mut self, worker: usize, now: Timestamp) {
        if let Some(asked) = self.asked.get_mut(worker) {
            *asked = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks ten seconds with one worker that is due as `due` says (given how often it has worked), and lists when it worked.
    fn check(due: impl Fn(usize) -> Option<i64>, expected: &[i64]) {
        let mut agenda = Agenda::new(1, Duration::from_secs(3));
        let mut worked = Vec::new();
        let mut now = Timestamp::from_secs(0);
        while let Some(next) = agenda.next(0, due(worked.len()).map(Timestamp::from_secs)) {
            if next > Timestamp::from_secs(10) {
                break;
            }
            now = now.max(next);
            agenda.asked(0, now);
            worked.push(now.as_secs());
        }
        assert_eq!(worked, expected);
    }

    #[test]
    fn a_worker_works_when_due_and_a_stuck_one_does_not_stop_time() {
        check(|_| None, &[]);
        check(|worked| Some(4 * worked as i64 + 1), &[1, 5, 9]);
        check(|_| Some(2), &[2, 5, 8]);
        check(|_| Some(-5), &[0, 3, 6, 9]);
        check(|worked| (worked == 0).then_some(10), &[10]);
        check(|_| Some(11), &[]);
    }
}

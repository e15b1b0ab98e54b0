//! In which order the steps of an operation on a stack are done: each after those it needs, whatever is independent together.
//! Pure: who does the steps says how they went.

/// The steps of an operation, by their places in the list that they were made of.
#[derive(Debug)]
pub struct Plan {
    /// Of each step, how many it still waits for.
    waits_for: Vec<usize>,
    /// Of each step, which wait for it.
    awaited_by: Vec<Vec<usize>>,
    /// Steps that may begin, the next one last.
    ready: Vec<usize>,
    unfinished: usize,
    stopped: bool,
}

impl Plan {
    /// Steps of which each is done after the ones it lists. A place that is no step's, and the step itself, count for nothing.
    pub fn new(needs: &[Vec<usize>]) -> Plan {
        let mut plan = Plan {
            waits_for: vec![0; needs.len()],
            awaited_by: vec![Vec::new(); needs.len()],
            ready: Vec::new(),
            unfinished: needs.len(),
            stopped: false,
        };
        for (step, needed) in needs.iter().enumerate() {
            let mut needed: Vec<usize> = needed.iter().copied().filter(|other| *other != step).collect();
            needed.sort_unstable();
            needed.dedup();
            for other in needed {
                if let Some(waiting) = plan.awaited_by.get_mut(other) {
                    waiting.push(step);
                    if let Some(count) = plan.waits_for.get_mut(step) {
                        *count += 1;
                    }
                }
            }
        }
        let free = plan.waits_for.iter().enumerate().filter(|(_, count)| **count == 0);
        plan.ready = free.map(|(step, _)| step).rev().collect();
        plan
    }

    /// The same steps in the opposite order: each before those it lists.
    pub fn reversed(needs: &[Vec<usize>]) -> Plan {
        let mut reversed = vec![Vec::new(); needs.len()];
        for (step, needed) in needs.iter().enumerate() {
            for other in needed {
                if let Some(after) = reversed.get_mut(*other) {
                    after.push(step);
                }
            }
        }
        Plan::new(&reversed)
    }

    /// A step to begin now; `None` when all that are not begun wait, or after [`Plan::stop`].
    pub fn take(&mut self) -> Option<usize> {
        if self.stopped {
            return None;
        }
        self.ready.pop()
    }

    /// A step is done: those that waited for nothing else may begin.
    pub fn done(&mut self, step: usize) {
        self.unfinished = self.unfinished.saturating_sub(1);
        let mut freed = Vec::new();
        for waiting in self.awaited_by.get(step).cloned().unwrap_or_default() {
            if let Some(count) = self.waits_for.get_mut(waiting) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    freed.push(waiting);
                }
            }
        }
        self.ready.extend(freed.into_iter().rev());
    }

    /// No further step begins.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether every step is done.
    pub fn is_done(&self) -> bool {
        self.unfinished == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any graph without cycles: each step needs some of those before it, and the places are shuffled.
    fn graphs() -> impl Strategy<Value = Vec<Vec<usize>>> {
        (1usize..40).prop_flat_map(|count| {
            let edges = prop::collection::vec(
                (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
                0..count * 3,
            );
            let places = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
            (edges, places).prop_map(move |(edges, places)| {
                let mut needs = vec![Vec::new(); count];
                for (one, other) in edges {
                    let (one, other) = (one.index(count), other.index(count));
                    if one != other {
                        needs[places[one.max(other)]].push(places[one.min(other)]);
                    }
                }
                needs
            })
        })
    }

    /// Runs a plan with up to `wide` steps under way, of which any may end first; `fails` stops it.
    fn run(needs: &[Vec<usize>], mut plan: Plan, wide: usize, pick: &[usize], fails: Option<usize>) -> Vec<usize> {
        let (mut under_way, mut order, mut picks) = (Vec::new(), Vec::new(), pick.iter().cycle());
        loop {
            while under_way.len() < wide {
                let Some(step) = plan.take() else { break };
                under_way.push(step);
            }
            if under_way.is_empty() {
                break;
            }
            let step = under_way.swap_remove(picks.next().unwrap() % under_way.len());
            match fails == Some(step) {
                true => plan.stop(),
                false => {
                    order.push(step);
                    plan.done(step);
                }
            }
        }
        assert_eq!(plan.is_done(), order.len() == needs.len());
        order
    }

    proptest! {
        #[test]
        fn each_step_is_done_once_and_after_what_it_needs(
            needs in graphs(), wide in 1usize..20, pick in prop::collection::vec(any::<usize>(), 1..20)
        ) {
            let order = run(&needs, Plan::new(&needs), wide, &pick, None);
            let mut all = order.clone();
            all.sort_unstable();
            prop_assert_eq!(all, (0..needs.len()).collect::<Vec<_>>());
            for (step, needed) in needs.iter().enumerate() {
                let at = |step| order.iter().position(|done| *done == step);
                prop_assert!(needed.iter().all(|other| at(*other) < at(step)));
            }
        }

        #[test]
        fn after_a_failure_nothing_begins_and_what_was_made_can_be_taken_away_in_reverse(
            needs in graphs(), wide in 1usize..20, pick in prop::collection::vec(any::<usize>(), 1..20),
            failing in any::<prop::sample::Index>()
        ) {
            let failing = failing.index(needs.len());
            let made = run(&needs, Plan::new(&needs), wide, &pick, Some(failing));
            prop_assert!(!made.contains(&failing));
            // Whatever was made has all that it needs: nothing rests on what failed.
            for step in &made {
                prop_assert!(needs[*step].iter().all(|other| made.contains(other)));
            }
            let kept: Vec<Vec<usize>> = made
                .iter()
                .map(|step| needs[*step].iter().filter_map(|other| made.iter().position(|made| made == other)).collect())
                .collect();
            let gone = run(&kept, Plan::reversed(&kept), wide, &pick, None);
            prop_assert_eq!(gone.len(), made.len());
            for (step, needed) in kept.iter().enumerate() {
                let at = |step| gone.iter().position(|done| *done == step);
                prop_assert!(needed.iter().all(|other| at(step) < at(*other)));
            }
        }
    }

    #[test]
    fn steps_in_a_cycle_never_begin() {
        let mut plan = Plan::new(&[vec![1], vec![0], vec![]]);
        assert_eq!(plan.take(), Some(2));
        plan.done(2);
        assert_eq!((plan.take(), plan.is_done()), (None, false));
    }
}

//! The steps that are under way: so many at once, each a task of its own.

use super::{
    run::Run,
    step::{Outcome, Step},
};
use base::Fault;
use std::sync::Arc;
use tokio::task::JoinSet;

/// So many steps of one stack are under way at once.
const WIDE: usize = 16;

/// The steps of one phase that are under way.
#[derive(Default)]
pub(super) struct Crew {
    steps: JoinSet<(usize, Result<Outcome, Fault>)>,
}

impl Crew {
    /// Whether another step fits.
    pub(super) fn has_room(&self) -> bool {
        self.steps.len() < WIDE
    }

    /// Begins a step.
    pub(super) fn begin(&mut self, run: &Arc<Run>, at: usize, step: Step) {
        let run = Arc::clone(run);
        self.steps.spawn(async move { (at, step.perform(run).await) });
    }

    /// The next step that ends; `None` when none is under way.
    pub(super) async fn ended(&mut self) -> Result<Option<(usize, Outcome)>, Fault> {
        match self.steps.join_next().await {
            None => Ok(None),
            Some(Ok((at, outcome))) => Ok(Some((at, outcome?))),
            Some(Err(_)) => Err(Fault::Bug("a step of a stack panicked")),
        }
    }
}

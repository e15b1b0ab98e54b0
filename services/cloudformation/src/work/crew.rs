//! The steps that are under way: so many at once, each a task of its own.

use super::{
    run::Run,
    step::{Outcome, Step},
};
use base::Fault;
use gateway::error::Chain;
use std::{collections::HashMap, sync::Arc};
use tokio::task::{Id, JoinSet};

/// So many steps of one stack are under way at once.
const WIDE: usize = 16;
/// So often a step may fail by our own fault; then its resource fails by it.
const FAULTS_MAX: u32 = 5;

/// The steps of one phase that are under way.
pub(super) struct Crew {
    run: Arc<Run>,
    steps: JoinSet<(usize, Result<Outcome, Fault>)>,
    /// The resource of each.
    of: HashMap<Id, String>,
}

impl Crew {
    /// Nobody yet.
    pub(super) fn of(run: &Arc<Run>) -> Crew {
        Crew {
            run: Arc::clone(run),
            steps: JoinSet::new(),
            of: HashMap::new(),
        }
    }

    /// Whether another step fits.
    pub(super) fn has_room(&self) -> bool {
        self.steps.len() < WIDE
    }

    /// Begins a step.
    pub(super) fn begin(&mut self, at: usize, step: Step) {
        let run = Arc::clone(&self.run);
        let resource = step.resource.row.logical_id.clone();
        let is_hopeless = run.bell.faults_of(&run.operation.id, &resource) >= FAULTS_MAX;
        let task = self.steps.spawn(async move {
            let outcome = match is_hopeless {
                true => step.fail_by_us(&run).await,
                false => step.perform(run).await,
            };
            (at, outcome)
        });
        self.of.insert(task.id(), resource);
    }

    /// The next step that ends; `None` when none is under way. After a fault the others come to their end first.
    pub(super) async fn ended(&mut self) -> Result<Option<(usize, Outcome)>, Fault> {
        let mut failed = None;
        while let Some(ended) = self.steps.join_next_with_id().await {
            let (id, result) = match ended {
                Ok((id, (at, result))) => (id, result.map(|outcome| (at, outcome))),
                Err(error) => (error.id(), Err(Fault::Bug("a step of a stack panicked"))),
            };
            let resource = self.of.remove(&id).unwrap_or_default();
            match result {
                Ok(ended) if failed.is_none() => return Ok(Some(ended)),
                Ok(_) => {}
                Err(fault) => {
                    self.note(&resource, &fault);
                    failed = failed.or(Some(fault));
                }
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// Counts what would be so again and again. A disk that refuses may take more tomorrow.
    fn note(&self, resource: &str, fault: &Fault) {
        if matches!(fault, Fault::Bug(_) | Fault::Corrupt { .. }) {
            let stack = self.run.at.arn();
            tracing::error!(%stack, resource, error = %Chain(fault), "a step of a stack failed by our own fault");
            self.run.bell.note_fault(&self.run.operation.id, resource);
        }
    }
}

//! The way back from an update: what it changed is changed back, what it replaced is taken up again.

use super::{
    crew::Crew,
    outputs,
    phase::{self, Next},
    run::Run,
    state::{State, Wanted},
    step::{Change, Outcome, Step},
};
use crate::{
    model::{
        plan::Plan,
        stack::{Phase, ResourceStatus, Stack, StackStatus},
    },
    table::Resource,
};
use base::Fault;
use std::{collections::HashMap, sync::Arc};

/// Changes back. A resource that is skipped stays as it is, and is taken for what it was.
pub(super) async fn restore(run: &Arc<Run>, stack: &Stack) -> Result<(), Fault> {
    let state = State::of(run).await?;
    let mut changed: Vec<Resource> = Vec::new();
    for mut resource in state.resources.into_values() {
        let id = &resource.row.logical_id;
        if resource.held.before.is_none() && resource.row.status != ResourceStatus::UpdateFailed {
            continue;
        }
        if run.operation.spared.contains(id) {
            if let Some(before) = &resource.held.before {
                resource.row.deployment = before.deployment;
            }
            resource.held.let_go();
            resource.row.status = ResourceStatus::UpdateComplete;
            phase::put(run, &resource).await?;
            continue;
        }
        changed.push(resource);
    }
    let places: HashMap<&str, usize> = changed
        .iter()
        .enumerate()
        .map(|(at, resource)| (resource.row.logical_id.as_str(), at))
        .collect();
    let needs: Vec<Vec<usize>> = changed
        .iter()
        .map(|resource| {
            let before = resource.held.before.as_ref();
            let needed = before.map_or(&resource.row.depends_on, |before| &before.depends_on);
            needed
                .iter()
                .filter_map(|id| places.get(id.as_str()).copied())
                .collect()
        })
        .collect();
    drop(places);
    let mut plan = Plan::new(&needs);
    let mut waiting: Vec<Option<Resource>> = changed.into_iter().map(Some).collect();
    let mut crew = Crew::of(run);
    let (mut failed, mut given) = (Vec::new(), false);
    loop {
        while crew.has_room() && !run.is_stopping() {
            let Some(at) = plan.take() else { break };
            let Some(resource) = waiting.get_mut(at).and_then(Option::take) else {
                continue;
            };
            crew.begin(at, step(resource));
        }
        match crew.ended().await? {
            None => break,
            Some((at, Outcome::Done(_))) => plan.done(at),
            Some((_, Outcome::Failed(resource))) => failed.push(resource.row.logical_id),
            Some((_, Outcome::Given)) => {
                given = true;
                plan.stop();
            }
        }
    }
    if given || (failed.is_empty() && !plan.is_done()) {
        return run.given();
    }
    if !failed.is_empty() {
        failed.sort();
        let next = Next::end(
            StackStatus::UpdateRollbackFailed,
            Some(phase::failed_to("update", &failed)),
        );
        return phase::turn(run, next, |_, _, _| Ok(())).await;
    }
    let imports = imports(run, stack).await?;
    let next = Next::phase(
        StackStatus::UpdateRollbackCompleteCleanupInProgress,
        None,
        Phase::UpdateRollbackCleanup,
    );
    phase::turn(run, next, |txn, _, stack| {
        outputs::set_imports(txn, stack, imports.clone());
        Ok(())
    })
    .await
}

fn step(resource: Resource) -> Step {
    let before = resource.held.before.clone();
    let shown = before.as_ref().map(|before| before.thing.shown.clone());
    let under_way = resource.row.status == ResourceStatus::UpdateInProgress && before.is_none();
    let change = match before {
        Some(before) => Change::Restore(Box::new(before)),
        None if under_way => Change::Await,
        None => Change::Keep,
    };
    Step {
        resource,
        shown,
        change,
        original: None,
        begun: under_way,
    }
}

/// The exports that the deployment uses to which the stack goes back.
async fn imports(run: &Run, stack: &Stack) -> Result<Vec<String>, Fault> {
    let names = match Wanted::of(run, stack, stack.deployed).await? {
        Ok(wanted) => wanted.scope().and_then(|scope| scope.exports_imported()),
        Err(refused) => Err(refused),
    };
    // A template that is not taken any more keeps hold of all that the stack used.
    Ok(names.unwrap_or_else(|_| stack.imports.clone()))
}

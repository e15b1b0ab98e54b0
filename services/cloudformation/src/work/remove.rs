//! Taking away: all of a stack, what was made of one that failed, and what an update leaves behind.

use super::{
    crew::Crew,
    outputs,
    phase::{self, Next},
    run::Run,
    state::State,
    step::{Change, Outcome, Step},
};
use crate::{
    model::{
        plan::Plan,
        stack::{Phase, ResourceStatus, Stack, StackStatus},
    },
    table::{self, Keep, Resource},
};
use base::Fault;
use std::{collections::HashMap, sync::Arc};

/// What becomes of removing some resources.
enum Removed {
    /// All are gone but these.
    Failed(Vec<String>),
    /// Another operation has taken over, or the server stops.
    Given,
}

/// Deletes a stack's resources: those of a stack that is deleted, or whose creation failed.
pub(super) async fn everything(run: &Arc<Run>, stack: &Stack) -> Result<(), Fault> {
    let deletes = run.operation.phase == Phase::Delete;
    if deletes && let Some(why) = outputs::end_exports(run).await? {
        // Nothing was begun: it stays what it was.
        let next = Next::end(run.operation.was, Some(why));
        return phase::turn(run, next, |_, _, stack| {
            stack.deleted = None;
            Ok(())
        })
        .await;
    }
    let state = State::of(run).await?;
    let is_there = |resource: &Resource| {
        !matches!(
            resource.row.status,
            ResourceStatus::DeleteComplete | ResourceStatus::DeleteSkipped
        )
    };
    let mut resources: Vec<Resource> = state.resources.into_values().filter(is_there).collect();
    resources.iter_mut().for_each(|resource| resource.held.let_go());
    let keeps = |resource: &Resource| {
        run.operation.spared.contains(&resource.row.logical_id)
            || match resource.row.keep {
                Keep::No => false,
                Keep::Always => deletes || !stack.retain_except_on_create,
                Keep::ExceptOnCreate => deletes,
            }
    };
    let change = |resource: &Resource| Change::Remove {
        keep: keeps(resource),
        leftovers_only: false,
        forget: false,
    };
    let failed = match remove(run, resources, false, change).await? {
        Removed::Given => return run.given(),
        Removed::Failed(failed) => failed,
    };
    let left_behind = deletes && run.operation.force;
    if !failed.is_empty() && !left_behind {
        let status = match deletes {
            true => StackStatus::DeleteFailed,
            false => StackStatus::RollbackFailed,
        };
        let next = Next::end(status, Some(phase::failed_to("delete", &failed)));
        return phase::turn(run, next, |_, _, _| Ok(())).await;
    }
    match deletes {
        false => {
            phase::turn(run, Next::end(StackStatus::RollbackComplete, None), |txn, _, stack| {
                outputs::set_imports(txn, stack, Vec::new());
                Ok(())
            })
            .await
        }
        true => phase::gone(run).await,
    }
}

/// Deletes what an update, or the way back from one, has left: things that others replaced, and resources that the template
/// does not have. What cannot be deleted is left to the account.
pub(super) async fn what_is_left(run: &Arc<Run>, stack: &Stack) -> Result<(), Fault> {
    let back = run.operation.phase == Phase::UpdateRollbackCleanup;
    let state = State::of(run).await?;
    let mut left = Vec::new();
    for mut resource in state.resources.into_values() {
        let goes = goes(stack, &resource, back);
        let changed = resource.held.before.is_some();
        match back {
            false => resource.held.let_go(),
            true => resource.held.before = None,
        }
        if changed && !goes && resource.held.leftovers.is_empty() {
            phase::put(run, &resource).await?;
            continue;
        }
        if goes || !resource.held.leftovers.is_empty() {
            left.push(resource);
        }
    }
    let change = |resource: &Resource| Change::Remove {
        keep: match resource.row.keep {
            Keep::No => false,
            Keep::Always => !(back && stack.retain_except_on_create),
            Keep::ExceptOnCreate => !back,
        },
        leftovers_only: !goes(stack, resource, back),
        forget: goes(stack, resource, back),
    };
    let ids: Vec<(String, bool)> = left
        .iter()
        .map(|resource| (resource.row.logical_id.clone(), goes(stack, resource, back)))
        .collect();
    let failed = match remove(run, left, true, change).await? {
        Removed::Given => return run.given(),
        Removed::Failed(failed) => failed,
    };
    let status = match back {
        true => StackStatus::UpdateRollbackComplete,
        false => StackStatus::UpdateComplete,
    };
    let reason =
        (!failed.is_empty()).then(|| "Update successful. One or more resources could not be deleted.".to_owned());
    phase::turn(run, Next::end(status, reason), |txn, _, stack| {
        for (id, _) in ids.iter().filter(|(id, goes)| *goes && failed.contains(id)) {
            table::forget_resource(txn, &stack.at, id);
        }
        phase::forget_deployments(txn, stack);
        Ok(())
    })
    .await
}

/// Whether the stack has the resource no more: the new template does not have it, or of an update that is taken back it is new.
fn goes(stack: &Stack, resource: &Resource, back: bool) -> bool {
    match back {
        true => resource.row.since > stack.deployed,
        false => resource.row.deployment != stack.deployed,
    }
}

/// Removes resources, each before those it was made after. What fails keeps those it needs, and nothing else, if it is not
/// left behind.
async fn remove(
    run: &Arc<Run>,
    resources: Vec<Resource>,
    leaves_behind: bool,
    change: impl Fn(&Resource) -> Change,
) -> Result<Removed, Fault> {
    let places: HashMap<&str, usize> = resources
        .iter()
        .enumerate()
        .map(|(at, resource)| (resource.row.logical_id.as_str(), at))
        .collect();
    let needs: Vec<Vec<usize>> = resources
        .iter()
        .map(|resource| {
            let needed = resource.row.depends_on.iter();
            needed.filter_map(|id| places.get(id.as_str()).copied()).collect()
        })
        .collect();
    drop(places);
    let mut plan = Plan::reversed(&needs);
    let mut waiting: Vec<Option<Resource>> = resources.into_iter().map(Some).collect();
    let mut crew = Crew::of(run);
    let (mut failed, mut given) = (Vec::new(), false);
    loop {
        while crew.has_room() && !run.is_stopping() {
            let Some(at) = plan.take() else { break };
            let Some(resource) = waiting.get_mut(at).and_then(Option::take) else {
                continue;
            };
            let awaited = resource.row.status == ResourceStatus::DeleteInProgress;
            let step = Step {
                change: change(&resource),
                shown: resource.held.thing.as_ref().map(|thing| thing.shown.clone()),
                original: None,
                begun: awaited,
                resource,
            };
            crew.begin(at, step);
        }
        match crew.ended().await? {
            None => break,
            Some((at, Outcome::Done(_))) => plan.done(at),
            Some((at, Outcome::Failed(resource))) => {
                failed.push(resource.row.logical_id);
                if leaves_behind {
                    plan.done(at);
                }
            }
            Some((_, Outcome::Given)) => {
                given = true;
                plan.stop();
            }
        }
    }
    failed.sort();
    match given || (!plan.is_done() && (failed.is_empty() || run.is_stopping())) {
        true => Ok(Removed::Given),
        false => Ok(Removed::Failed(failed)),
    }
}

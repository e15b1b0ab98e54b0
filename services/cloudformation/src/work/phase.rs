//! From one phase to the next: the stack's status and event, and what is to be done then, in one transaction.

use super::{
    DELETED_FOR,
    events::tell,
    run::{ATTEMPTS_MAX, Run},
};
use crate::{
    model::stack::{OnFailure, Phase, Stack, StackStatus},
    table::{self, Resource, Seal},
};
use base::Fault;
use gateway::Txn;

/// What a stack comes to.
pub(super) struct Next {
    pub(super) status: StackStatus,
    pub(super) reason: Option<String>,
    phase: Option<Phase>,
}

impl Next {
    /// Nothing more is to be done.
    pub(super) fn end(status: StackStatus, reason: Option<String>) -> Next {
        Next {
            status,
            reason,
            phase: None,
        }
    }

    /// Something is to be done.
    pub(super) fn phase(status: StackStatus, reason: Option<String>, phase: Phase) -> Next {
        Next {
            status,
            reason,
            phase: Some(phase),
        }
    }
}

/// Takes the stack to what is next, with whatever else changes then. Does nothing when another operation has taken over.
pub(super) async fn turn(
    run: &Run,
    next: Next,
    edit: impl Fn(&mut Txn, &Seal, &mut Stack) -> Result<(), Fault>,
) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut api = run.own();
        if !run.is_current(&mut api).await? {
            return Ok(());
        }
        let seal = run.seal(&mut api).await?;
        let (ctx, txn) = api.parts();
        let stack = table::by_id(&txn.view(), run.at.account, &run.at.region, &run.at.id).await?;
        let mut stack = stack.ok_or_else(|| Fault::corrupt("an operation on no stack"))?;
        stack.status = next.status;
        stack.reason.clone_from(&next.reason);
        edit(txn, &seal, &mut stack)?;
        let happened = (next.status, next.reason.as_deref());
        tell(ctx, txn, &seal, &run.at, &run.told, happened).await?;
        store(run, txn, &stack, &next);
        if run.commit(api).await? {
            return Ok(());
        }
    }
    Err(Fault::Bug("a stack's next phase conflicted without end"))
}

/// Stores the stack and what is to be done next.
pub(super) fn store(run: &Run, txn: &mut Txn, stack: &Stack, next: &Next) {
    table::put_stack(txn, stack);
    match next.phase {
        None => table::end_operation(txn, &run.at),
        Some(phase) => {
            let mut operation = run.operation.clone();
            operation.phase = phase;
            table::put_operation(txn, &operation);
        }
    }
}

/// The stack is deleted: its name is free, and what it used is nobody's. It exports nothing since its deletion began.
pub(super) async fn gone(run: &Run) -> Result<(), Fault> {
    turn(run, Next::end(StackStatus::DeleteComplete, None), |txn, _, stack| {
        for import in std::mem::take(&mut stack.imports) {
            table::set_import(txn, &stack.at, &import, false);
        }
        let now = run.world.clock.now();
        stack.deleted = Some(now);
        stack.termination_protection = false;
        table::free_name(txn, &stack.at);
        table::put_gone(txn, now.plus(DELETED_FOR), &stack.at);
        Ok(())
    })
    .await
}

/// An operation that makes or changes has failed for this reason, without its last sentence. Secrets
/// in it stay untold.
pub(super) async fn failed(run: &Run, stack: &Stack, why: String) -> Result<(), Fault> {
    let why = super::hidden(&run.world, &run.at, &why).await?;
    let creates = run.operation.phase == Phase::Create;
    // Without a deployment to go back to, going back is taking away.
    let from_nothing = creates || stack.deployed == 0;
    let requested = |what: &str| {
        Some(format!(
            "{}. {what} requested by user.",
            why.trim_end().trim_end_matches('.')
        ))
    };
    let next = match (run.operation.on_failure, from_nothing) {
        (OnFailure::DoNothing, _) => {
            let status = match creates {
                true => StackStatus::CreateFailed,
                false => StackStatus::UpdateFailed,
            };
            Next::end(status, Some(why))
        }
        (OnFailure::Rollback, true) => Next::phase(
            StackStatus::RollbackInProgress,
            requested("Rollback"),
            Phase::CreateRollback,
        ),
        (OnFailure::Delete, true) => Next::phase(StackStatus::DeleteInProgress, requested("Delete"), Phase::Delete),
        (_, false) => Next::phase(StackStatus::UpdateRollbackInProgress, Some(why), Phase::UpdateRollback),
    };
    turn(run, next, |_, _, _| Ok(())).await
}

/// `The following resource(s) failed to VERB: [A, B]. `, with AWS's blank at the end.
pub(super) fn failed_to(verb: &str, resources: &[String]) -> String {
    format!(
        "The following resource(s) failed to {verb}: [{}]. ",
        resources.join(", ")
    )
}

/// Which deployment a stack shows: the one that is being made, else the one it has.
pub(crate) fn shown_deployment(stack: &Stack) -> u32 {
    match stack.status {
        StackStatus::CreateInProgress | StackStatus::UpdateInProgress | StackStatus::UpdateFailed => stack.wanted,
        _ if stack.deployed == 0 => stack.wanted,
        _ => stack.deployed,
    }
}

/// Only the deployment that the stack has is still needed.
pub(super) fn forget_deployments(txn: &mut Txn, stack: &mut Stack) {
    for number in stack.oldest..=stack.wanted {
        if number != stack.deployed {
            table::forget_deployment(txn, &stack.at, number);
        }
    }
    stack.oldest = stack.deployed;
}

/// Writes a resource.
pub(super) async fn put(run: &Run, resource: &Resource) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut api = run.own();
        if !run.is_current(&mut api).await? {
            return Ok(());
        }
        let seal = run.seal(&mut api).await?;
        table::put_resource(api.parts().1, &seal, &run.at, resource)?;
        if run.commit(api).await? {
            return Ok(());
        }
    }
    Err(Fault::Bug("a resource's row conflicted without end"))
}

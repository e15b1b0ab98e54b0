//! The end of making and changing: outputs, exports and imports, with the stack's status.

use super::{
    events::tell,
    phase::{self, Next},
    run::{ATTEMPTS_MAX, Run},
    state::{State, Wanted},
};
use crate::{
    model::{
        held::{Output, Outputs},
        stack::{Phase, Stack, StackStatus},
    },
    table::{self, Resource, Seal},
};
use base::Fault;
use gateway::Txn;
use serde_json::Value;
use std::collections::BTreeMap;
use template::{EvaluateError, Scope, TemplateError, export_name, output_text};

/// What becomes of using exports.
pub(super) enum Imported {
    /// The exports with their values, which stay as they are from now on.
    All(BTreeMap<String, String>),
    /// This one is not there.
    Missing(String),
    /// Another operation has taken over.
    Given,
}

/// Says which exports a stack uses from now on, so that they stay as they are, and reads them in the same transaction.
pub(super) async fn begin_imports(run: &Run, imports: &[String]) -> Result<Imported, Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut api = run.own();
        if !run.is_current(&mut api).await? {
            return Ok(Imported::Given);
        }
        let seal = run.seal(&mut api).await?;
        let (_, txn) = api.parts();
        let mut stack = now(run, txn).await?;
        let (mut exports, mut grows) = (BTreeMap::new(), false);
        for name in imports {
            let place = (run.at.account, &run.at.region);
            match table::export(&txn.view(), &seal, place, name).await? {
                Some((_, value)) => drop(exports.insert(name.clone(), value)),
                None => return Ok(Imported::Missing(name.clone())),
            }
            if !stack.imports.contains(name) {
                table::set_import(txn, &stack.at, name, true);
                stack.imports.push(name.clone());
                grows = true;
            }
        }
        if !grows {
            return Ok(Imported::All(exports));
        }
        table::put_stack(txn, &stack);
        if run.commit(api).await? {
            return Ok(Imported::All(exports));
        }
    }
    Err(Fault::Bug("a stack's imports conflicted without end"))
}

/// A stack that is to be deleted exports nothing any more; or tells why it stays: another uses what it exports.
pub(super) async fn end_exports(run: &Run) -> Result<Option<String>, Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut api = run.own();
        if !run.is_current(&mut api).await? {
            return Ok(None);
        }
        let seal = run.seal(&mut api).await?;
        let (_, txn) = api.parts();
        let mut stack = now(run, txn).await?;
        let mut outputs = table::outputs(&seal, &stack)?;
        if outputs.iter().all(|output| output.export.is_none()) {
            return Ok(None);
        }
        // Once nothing is exported, another stack may export by the same names.
        outputs.iter_mut().for_each(|output| output.export = None);
        if let Some(why) = change_exports(txn, &seal, &stack, &outputs).await? {
            return Ok(Some(why));
        }
        table::set_outputs(&seal, &mut stack, &outputs)?;
        table::put_stack(txn, &stack);
        if run.commit(api).await? {
            return Ok(None);
        }
    }
    Err(Fault::Bug("the end of a stack's exports conflicted without end"))
}

/// A stack uses these exports and no others.
pub(super) fn set_imports(txn: &mut Txn, stack: &mut Stack, imports: Vec<String>) {
    for name in &stack.imports {
        if !imports.contains(name) {
            table::set_import(txn, &stack.at, name, false);
        }
    }
    for name in &imports {
        table::set_import(txn, &stack.at, name, true);
    }
    stack.imports = imports;
}

/// Everything is made: the stack has its outputs, and is complete, but for what an update leaves to be deleted.
pub(super) async fn succeed(
    run: &Run,
    stack: &Stack,
    (wanted, scope): (&Wanted, &Scope<'_>),
    state: &State,
    unchanged: Vec<Resource>,
    imports: Vec<String>,
) -> Result<(), Fault> {
    let outputs = match outputs(scope, state)? {
        Ok(outputs) => outputs,
        Err(TemplateError(text)) => return phase::failed(run, stack, text).await,
    };
    let next = match run.operation.phase {
        Phase::Create => Next::end(StackStatus::CreateComplete, None),
        _ => Next::phase(StackStatus::UpdateCompleteCleanupInProgress, None, Phase::UpdateCleanup),
    };
    for _ in 0..ATTEMPTS_MAX {
        let mut api = run.own();
        if !run.is_current(&mut api).await? {
            return Ok(());
        }
        let seal = run.seal(&mut api).await?;
        let (ctx, txn) = api.parts();
        let mut stack = now(run, txn).await?;
        if let Some(why) = change_exports(txn, &seal, &stack, &outputs).await? {
            return phase::failed(run, &stack, why).await;
        }
        for resource in &unchanged {
            table::put_resource(txn, &seal, &run.at, resource)?;
        }
        table::set_outputs(&seal, &mut stack, &outputs)?;
        set_imports(txn, &mut stack, imports.clone());
        stack.deployed = wanted.number;
        stack.description = wanted.description().map(str::to_owned);
        stack.status = next.status;
        stack.reason = None;
        tell(ctx, txn, &seal, &run.at, &run.told, (next.status, None)).await?;
        phase::store(run, txn, &stack, &next);
        if run.commit(api).await? {
            return Ok(());
        }
    }
    Err(Fault::Bug("a stack's end conflicted without end"))
}

async fn now(run: &Run, txn: &Txn) -> Result<Stack, Fault> {
    let stack = table::by_id(&txn.view(), run.at.account, &run.at.region, &run.at.id).await?;
    stack.ok_or_else(|| Fault::corrupt("an operation on no stack"))
}

/// Exports what the outputs say and nothing else; or tells why that cannot be.
async fn change_exports(txn: &mut Txn, seal: &Seal, stack: &Stack, outputs: &Outputs) -> Result<Option<String>, Fault> {
    let place = (stack.at.account, &stack.at.region);
    let old = table::outputs(seal, stack)?;
    let name_of = |output: &Output| output.export.clone();
    for output in outputs {
        let Some(name) = &output.export else { continue };
        let found = table::export(&txn.view(), seal, place, name).await?;
        match found {
            Some((owner, _)) if owner != stack.at => {
                return Ok(Some(format!(
                    "Export with name {name} is already exported by stack {}",
                    owner.name
                )));
            }
            Some((_, value)) if value == output.value => continue,
            Some(_) => {
                if let Some(user) = table::importers(&txn.view(), place, name, None, 1).await?.first() {
                    let user = &user.name;
                    return Ok(Some(format!(
                        "Export {name} cannot be updated as it is in use by {user}"
                    )));
                }
            }
            None => {}
        }
        table::put_export(txn, seal, &stack.at, name, &output.value)?;
    }
    for name in old.iter().filter_map(name_of) {
        if outputs.iter().any(|output| output.export.as_ref() == Some(&name)) {
            continue;
        }
        if let Some(user) = table::importers(&txn.view(), place, &name, None, 1).await?.first() {
            let user = &user.name;
            return Ok(Some(format!(
                "Export {name} cannot be deleted as it is in use by {user}"
            )));
        }
        table::forget_export(txn, &stack.at, &name);
    }
    Ok(None)
}

/// The outputs whose conditions hold.
fn outputs(scope: &Scope<'_>, state: &State) -> Result<Result<Outputs, TemplateError>, Fault> {
    let mut outputs = Outputs::new();
    for declared in scope.outputs() {
        let evaluated = |value: &Value| match scope.evaluate(value, state) {
            Ok(value) => Ok(Ok(value)),
            Err(EvaluateError::Refused(refused)) => Ok(Err(refused)),
            Err(EvaluateError::NotYet(_)) => Err(Fault::Bug("an output of what is not made")),
        };
        let value = match evaluated(&declared.value)?.and_then(|value| output_text(&value)) {
            Ok(value) => value,
            Err(refused) => return Ok(Err(refused)),
        };
        let export = match declared.export.as_ref().map(evaluated).transpose()? {
            None => None,
            Some(name) => match name.and_then(|name| export_name(&declared.name, &name)) {
                Ok(name) => Some(name),
                Err(refused) => return Ok(Err(refused)),
            },
        };
        outputs.push(Output {
            key: declared.name.clone(),
            value,
            description: declared.description.clone(),
            export,
        });
    }
    Ok(Ok(outputs))
}

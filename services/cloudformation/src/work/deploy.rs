//! Making and changing: each resource of the deployment that is wanted, after those it needs, independent ones together.

use super::{
    crew::Crew,
    outputs::{self, Imported},
    phase,
    run::Run,
    state::{State, Wanted},
    step::{self, Change, Outcome, Step},
};
use crate::{
    model::{
        changes::{Effect, effect},
        held::Before,
        plan::Plan,
        stack::{ResourceStatus, Stack},
        stack_policy::{StackPolicy, UpdateAction},
    },
    table::{Keep, Resource},
    types::{self, cloudformation::stack as nested, schema},
};
use base::Fault;
use std::{collections::HashMap, sync::Arc};
use template::{DeletionPolicy, EvaluateError, Node, Scope};

/// What is to be done for a resource.
enum Decision {
    /// Nothing, or it was done before.
    Done(Resource),
    /// A step.
    Step(Step),
    /// It cannot be, for this reason.
    Fails(Step, String),
}

/// Those that failed, by what was to be done with them.
#[derive(Default)]
struct Failures {
    create: Vec<String>,
    update: Vec<String>,
    late: bool,
}

impl Failures {
    fn add(&mut self, resource: Resource) {
        match resource.row.status {
            ResourceStatus::CreateFailed => self.create.push(resource.row.logical_id),
            _ => self.update.push(resource.row.logical_id),
        }
    }

    fn are_some(&self) -> bool {
        self.late || !self.create.is_empty() || !self.update.is_empty()
    }

    fn text(mut self) -> String {
        let mut text = String::new();
        if self.late {
            text.push_str("Stack creation time exceeded the specified timeout. ");
        }
        for (verb, failed) in [("create", &mut self.create), ("update", &mut self.update)] {
            failed.sort();
            if !failed.is_empty() {
                text.push_str(&phase::failed_to(verb, failed));
            }
        }
        text
    }
}

/// Brings a stack's resources to the deployment that is wanted.
pub(super) async fn deploy(run: &Arc<Run>, stack: &Stack) -> Result<(), Fault> {
    let wanted = match Wanted::of(run, stack, stack.wanted).await? {
        Ok(wanted) => wanted,
        Err(refused) => return phase::failed(run, stack, refused.0).await,
    };
    let scope = match wanted.scope() {
        Ok(scope) => scope,
        Err(refused) => return phase::failed(run, stack, refused.0).await,
    };
    let imports = match scope.exports_imported() {
        Ok(imports) => imports,
        Err(refused) => return phase::failed(run, stack, refused.0).await,
    };
    let mut state = State::of(run).await?;
    if let Some(why) = deletion_refused(run, &scope, &state) {
        return phase::failed(run, stack, why).await;
    }
    state.exports = match outputs::begin_imports(run, &imports).await? {
        Imported::All(exports) => exports,
        Imported::Missing(name) => return phase::failed(run, stack, format!("No export named {name} found")).await,
        Imported::Given => return run.given(),
    };
    let mut unchanged = Vec::new();
    match bring(run, &wanted, &scope, &mut state, &mut unchanged).await? {
        None => run.given(),
        Some(failures) if failures.are_some() => phase::failed(run, stack, failures.text()).await,
        Some(_) => outputs::succeed(run, stack, (&wanted, &scope), &state, unchanged, imports).await,
    }
}

/// Why the stack policy does not let a resource be deleted that the template has no more.
fn deletion_refused(run: &Run, scope: &Scope<'_>, state: &State) -> Option<String> {
    let policy = StackPolicy::parse(run.operation.policy.as_deref()?).ok()?;
    let stays = |id: &str| scope.resources().iter().any(|node| node.resource.logical_id == id);
    let mut gone = state
        .resources
        .values()
        .filter(|resource| resource.held.thing.is_some() && !stays(&resource.row.logical_id));
    gone.find_map(|resource| {
        let (id, name) = (&resource.row.logical_id, &resource.row.type_name);
        policy.check(UpdateAction::Delete, id, name).err()
    })
}

/// Takes every step; `None` when that was broken off.
async fn bring(
    run: &Arc<Run>,
    wanted: &Wanted,
    scope: &Scope<'_>,
    state: &mut State,
    unchanged: &mut Vec<Resource>,
) -> Result<Option<Failures>, Fault> {
    let nodes = scope.resources();
    let places: HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .map(|(at, node)| (node.resource.logical_id.as_str(), at))
        .collect();
    let needed = |node: &Node<'_>| {
        node.dependencies
            .iter()
            .filter_map(|id| places.get(id).copied())
            .collect()
    };
    let mut plan = Plan::new(&nodes.iter().map(needed).collect::<Vec<_>>());
    let mut crew = Crew::of(run);
    let (mut failures, mut given) = (Failures::default(), false);
    loop {
        if run.is_late() && !failures.are_some() {
            failures.late = true;
            plan.stop();
            run.cancel();
        }
        while crew.has_room() && !run.is_stopping() {
            let Some((at, node)) = plan.take().and_then(|at| nodes.get(at).map(|node| (at, node))) else {
                break;
            };
            let outcome = match decide(run, wanted, scope, state, node)? {
                Decision::Step(step) => {
                    crew.begin(at, step);
                    continue;
                }
                Decision::Done(resource) => {
                    if state.resources.get(&resource.row.logical_id) != Some(&resource) {
                        unchanged.push(resource.clone());
                        state.put(resource);
                    }
                    plan.done(at);
                    continue;
                }
                Decision::Fails(step, reason) => step.fail(run, &reason).await?,
            };
            note(run, &mut plan, state, &mut failures, &mut given, (at, outcome));
        }
        match crew.ended().await? {
            None if plan.is_done() || failures.are_some() || given || run.is_stopping() => break,
            None => return Err(Fault::Bug("steps of a stack wait for each other")),
            Some(ended) => note(run, &mut plan, state, &mut failures, &mut given, ended),
        }
    }
    let whole = plan.is_done() || failures.are_some();
    Ok((whole && !given).then_some(failures))
}

fn note(
    run: &Run,
    plan: &mut Plan,
    state: &mut State,
    failures: &mut Failures,
    given: &mut bool,
    (at, outcome): (usize, Outcome),
) {
    match outcome {
        Outcome::Done(resource) => {
            state.put(*resource);
            plan.done(at);
        }
        Outcome::Failed(resource) => {
            failures.add((*resource).clone());
            state.put(*resource);
            plan.stop();
            run.cancel();
        }
        Outcome::Given => {
            *given = true;
            plan.stop();
            run.cancel();
        }
    }
}

/// Looks at what a resource is and what it is to be.
fn decide(run: &Run, wanted: &Wanted, scope: &Scope<'_>, state: &State, node: &Node<'_>) -> Result<Decision, Fault> {
    let declared = node.resource;
    let id = declared.logical_id.as_str();
    let found = state.resources.get(id);
    let mut resource = match found {
        Some(found) => found.clone(),
        None => step::new(id, &declared.type_name, wanted.number, run),
    };
    let is_now = resource.row.deployment == wanted.number;
    let is_made = resource.held.thing.is_some();
    match resource.row.status {
        ResourceStatus::CreateComplete | ResourceStatus::UpdateComplete if is_now && is_made => {
            return Ok(Decision::Done(resource));
        }
        ResourceStatus::CreateInProgress | ResourceStatus::UpdateInProgress if is_now && is_made => {
            let shown = resource.held.thing.as_ref().map(|thing| thing.shown.clone());
            let (change, begun, original) = (Change::Await, true, None);
            return Ok(Decision::Step(Step {
                resource,
                shown,
                change,
                begun,
                original,
            }));
        }
        _ => {}
    }
    resource.row.deployment = wanted.number;
    resource.row.depends_on = node.dependencies.iter().map(|id| (*id).to_owned()).collect();
    resource.row.keep = keep(declared.deletion_policy);
    let step = |resource, shown, change| Step {
        resource,
        shown,
        change,
        original: found.cloned().map(Box::new),
        begun: false,
    };
    let desired = |properties| Box::new(step::desired(run, id, properties));
    let (properties, shown, kind) = match properties(wanted, scope, state, node)? {
        Ok(evaluated) => evaluated,
        Err(reason) => {
            let change = match is_made {
                true => Change::Modify(desired(serde_json::Value::Null)),
                false => Change::Create(desired(serde_json::Value::Null)),
            };
            return Ok(Decision::Fails(step(resource, None, change), reason));
        }
    };
    let shown = Some(shown);
    let Some(thing) = resource.held.thing.clone() else {
        resource.row.type_name.clone_from(&declared.type_name);
        return Ok(Decision::Step(step(
            resource,
            shown,
            Change::Create(desired(properties)),
        )));
    };
    let effect = match thing.type_name == declared.type_name {
        true => effect(kind.properties, &thing.properties, &properties),
        false => Effect::Replace,
    };
    if effect == Effect::Unchanged && kind.name != nested::NAME {
        if resource.row.status == ResourceStatus::UpdateFailed {
            resource.row.status = ResourceStatus::UpdateComplete;
            resource.row.reason = None;
        }
        return Ok(Decision::Done(resource));
    }
    if let Some(reason) = refused(run, effect, &declared.logical_id, &declared.type_name) {
        let change = Change::Modify(desired(properties));
        return Ok(Decision::Fails(step(resource, shown, change), reason));
    }
    let row = found.map_or(&resource.row, |found| &found.row);
    let before = Before {
        thing,
        deployment: row.deployment,
        depends_on: row.depends_on.clone(),
        replaced: effect == Effect::Replace,
        keep: row.keep,
        keep_replaced: keep(declared.update_replace_policy) != Keep::No,
        nested: None,
    };
    change_of(&mut resource, before);
    Ok(Decision::Step(match effect {
        Effect::Replace => {
            resource.row.type_name.clone_from(&declared.type_name);
            step(resource, shown, Change::Create(desired(properties)))
        }
        _ => step(resource, shown, Change::Modify(desired(properties))),
    }))
}

/// Why the stack policy does not let it be done.
fn refused(run: &Run, effect: Effect, logical_id: &str, type_name: &str) -> Option<String> {
    // Every text that is kept as a policy was read before.
    let policy = StackPolicy::parse(run.operation.policy.as_deref()?).ok()?;
    let action = match effect {
        Effect::Unchanged | Effect::Modify => UpdateAction::Modify,
        Effect::Replace => UpdateAction::Replace,
    };
    policy.check(action, logical_id, type_name).err()
}

/// Remembers what a resource was, for the way back. What it was before an update that failed and was not taken back counts.
fn change_of(resource: &mut Resource, now: Before) {
    match &mut resource.held.before {
        None => resource.held.before = Some(now),
        Some(_) if !now.replaced => {}
        Some(before) if before.replaced => resource.held.leftovers.push((now.thing, now.keep_replaced)),
        Some(before) => {
            before.replaced = true;
            before.keep_replaced = now.keep_replaced;
        }
    }
}

type Evaluated = (serde_json::Value, String, &'static types::ResourceType);

/// The properties as they are wanted, and as events show them; or why there are none.
fn properties(
    wanted: &Wanted,
    scope: &Scope<'_>,
    state: &State,
    node: &Node<'_>,
) -> Result<Result<Evaluated, String>, Fault> {
    let declared = node.resource;
    let Some(kind) = types::find(&declared.type_name) else {
        let name = &declared.type_name;
        return Ok(Err(format!(
            "Template format error: Unrecognized resource types: [{name}]"
        )));
    };
    let refused = |error| match error {
        EvaluateError::Refused(refused) => Ok(refused.0),
        EvaluateError::NotYet(_) => Err(Fault::Bug("a resource is made before one that it refers to")),
    };
    let given = match scope.evaluate(&declared.properties, state) {
        Ok(given) => given,
        Err(error) => return refused(error).map(Err),
    };
    let shown = match scope.evaluate_shown(&declared.properties, state) {
        Ok(shown) => shown.to_string(),
        Err(error) => return refused(error).map(Err),
    };
    let checked = match schema::check(kind, &declared.logical_id, &given) {
        Ok(checked) => checked,
        Err(reason) => return Ok(Err(reason)),
    };
    let tags = wanted.tags_of(kind, &declared.logical_id);
    Ok(Ok((schema::with_stack_tags(kind, checked, &tags), shown, kind)))
}

fn keep(policy: Option<DeletionPolicy>) -> Keep {
    match policy.unwrap_or_default() {
        // Of no type here a snapshot can be made; a template that asks for one is refused when it is given.
        DeletionPolicy::Delete | DeletionPolicy::Snapshot => Keep::No,
        DeletionPolicy::Retain => Keep::Always,
        DeletionPolicy::RetainExceptOnCreate => Keep::ExceptOnCreate,
    }
}

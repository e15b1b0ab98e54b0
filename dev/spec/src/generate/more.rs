//! One thing more for a case: what the laws of policies speak about.

use super::documents::{self, Aim};
use crate::{
    case::{Caller, Case, Kind},
    choices::Choices,
};
use policy::PolicyKind;
use serde_json::Value;

/// What to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// A boundary, in place of none.
    Boundary,
    /// A statement that denies, in any document.
    Deny,
    /// A level of resource control policies.
    ResourceControl,
    /// A level of service control policies.
    ServiceControl,
    /// Session policies, in place of none.
    Session,
}

/// The case with that added; `None` where it has no place.
pub fn more(choices: &mut Choices<'_>, case: &Case, what: More) -> Option<Case> {
    let mut changed = case.clone();
    let aim = Aim::of(case, choices.chance(50));
    let is_holder = matches!(case.caller, Caller::Session { .. } | Caller::User { .. });
    let is_session = matches!(case.caller, Caller::Session { .. });
    match what {
        More::Boundary if is_holder && case.boundary.is_none() => {
            changed.boundary = Some(documents::document(choices, &aim, PolicyKind::PermissionsBoundary));
        }
        More::Session if is_session && case.session.is_none() => {
            changed.session = Some(vec![documents::document(choices, &aim, PolicyKind::Session)]);
        }
        More::ServiceControl => {
            let level = vec![documents::document(choices, &aim, PolicyKind::ServiceControl)];
            let place = choices.below(case.service_control.len() + 1);
            changed.service_control.insert(place, level);
        }
        More::ResourceControl if case.kind != Kind::Other => {
            let mut level = vec![documents::document(choices, &aim, PolicyKind::ResourceControl)];
            if choices.chance(80) {
                level.push(documents::full_access(PolicyKind::ResourceControl));
            }
            let place = choices.below(case.resource_control.len() + 1);
            changed.resource_control.insert(place, level);
        }
        More::Deny => deny(choices, &aim, &mut changed)?,
        More::Boundary | More::Session | More::ResourceControl => return None,
    }
    Some(changed)
}

fn deny(choices: &mut Choices<'_>, aim: &Aim, case: &mut Case) -> Option<()> {
    let documents: Vec<(PolicyKind, &mut Value)> = case.documents_mut().collect();
    let place = choices.below(documents.len());
    let (kind, document) = documents.into_iter().nth(place)?;
    let statement = documents::denying(choices, aim, kind);
    let short = document.to_string().len() + statement.to_string().len() < 2_000;
    let statements = document.get_mut("Statement").filter(|_| short)?;
    if let Value::Object(_) = statements {
        *statements = Value::Array(vec![statements.take()]);
    }
    let list = statements.as_array_mut()?;
    list.insert(choices.below(list.len() + 1), statement);
    Some(())
}

/// The case with its statements, policies, levels and grants in another order.
pub fn shuffled(choices: &mut Choices<'_>, case: &Case) -> Case {
    let mut changed = case.clone();
    shuffle(choices, &mut changed.identity);
    changed.session.iter_mut().for_each(|list| shuffle(choices, list));
    shuffle(choices, &mut changed.service_control);
    shuffle(choices, &mut changed.resource_control);
    shuffle(choices, &mut changed.grants);
    let levels = changed.service_control.iter_mut().chain(&mut changed.resource_control);
    levels.for_each(|level| shuffle(choices, level));
    for (_, document) in changed.documents_mut() {
        if let Some(Value::Array(statements)) = document.get_mut("Statement") {
            shuffle(choices, statements);
        }
    }
    changed
}

fn shuffle<T>(choices: &mut Choices<'_>, list: &mut [T]) {
    for end in (1..list.len()).rev() {
        list.swap(end, choices.below(end + 1));
    }
}

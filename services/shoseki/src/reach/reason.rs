//! Why a decision came out as it did, in one line.

use super::subject::Subject;
use policy::{Check, Decision, Effect, Grounds, Policies, Policy, PolicyType, StatementTrace, TraceOutcome, explain};

/// The statement that decided, or what is missing.
pub(crate) fn reason(subject: &Subject, check: &Check<'_>, decision: &Decision) -> String {
    let statement = |policy: PolicyType, nth: usize, index: usize, sid: Option<&str>| {
        let place = source_of(check, policy, nth);
        format!("{} of {place}", named(index, sid))
    };
    match decision.grounds() {
        Grounds::Statement {
            policy,
            nth,
            index,
            sid,
        } => statement(*policy, *nth, *index, sid.as_deref()),
        Grounds::Grant { nth } => {
            let id = check.policies.grants.get(*nth).map_or("", |grant| grant.id());
            format!("grant {id}")
        }
        Grounds::RootOfAccount if subject.is_foreign() => {
            let allows = allowing(check).map_or_else(String::new, |found| format!("{found}; "));
            format!("{allows}the account's own policies decide")
        }
        Grounds::RootOfAccount => match allowing(check) {
            Some(found) => format!("root of its account; {found}"),
            None => "root of the account".to_owned(),
        },
        Grounds::ExplicitDeny {
            policy,
            nth,
            index,
            sid,
            ..
        } => format!("denied by {}", statement(*policy, *nth, *index, sid.as_deref())),
        Grounds::NothingAllows { missing } => missing_text(check, *missing),
    }
}

/// A statement by its id, or by its place counted from one.
fn named(index: usize, sid: Option<&str>) -> String {
    match sid {
        Some(sid) => format!("statement {} \"{sid}\"", index + 1),
        None => format!("statement {}", index + 1),
    }
}

fn source_of(check: &Check<'_>, policy: PolicyType, nth: usize) -> String {
    let policies = &check.policies;
    let found: Option<&Policy> = match policy {
        PolicyType::Identity => policies.identity.get(nth).map(AsRef::as_ref),
        PolicyType::PermissionsBoundary => policies.boundary,
        PolicyType::Resource | PolicyType::RoleTrust => policies.resource,
        PolicyType::ResourceControl => policies.resource_control.iter().flatten().nth(nth).map(AsRef::as_ref),
        PolicyType::ServiceControl => policies.service_control.iter().flatten().nth(nth).map(AsRef::as_ref),
        PolicyType::Session => policies.session.and_then(|all| all.get(nth)).map(AsRef::as_ref),
    };
    let source = found.and_then(Policy::source).map(|source| source.name.to_string());
    source.unwrap_or_else(|| format!("the {policy}"))
}

/// What becomes of the statements of the resource's policy alone.
fn of_resource(check: &Check<'_>) -> Vec<StatementTrace> {
    let policies = Policies {
        resource: check.policies.resource,
        ..Policies::default()
    };
    explain(&Check {
        request: check.request,
        policies,
    })
    .statements
}

/// The statement of the resource's policy that allows, or leaves it to the caller's account.
fn allowing(check: &Check<'_>) -> Option<String> {
    let allows =
        |trace: &StatementTrace| trace.effect == Effect::Allow && matches!(trace.outcome, TraceOutcome::Matched { .. });
    let found = of_resource(check).into_iter().find(allows)?;
    let place = source_of(check, PolicyType::Resource, 0);
    Some(format!("{} of {place}", named(found.index, found.sid.as_deref())))
}

fn missing_text(check: &Check<'_>, missing: PolicyType) -> String {
    match missing {
        PolicyType::Identity => "no policy of its own allows it".to_owned(),
        PolicyType::Resource => {
            if check.policies.resource.is_none() {
                return "the resource has no policy that allows it to others".to_owned();
            }
            let place = source_of(check, PolicyType::Resource, 0);
            let none = format!("{place} does not allow it");
            near(check).map_or(none.clone(), |near| format!("{none}: {near}"))
        }
        other => format!("no {other} allows it"),
    }
}

/// The statement that would allow but for a condition.
fn near(check: &Check<'_>) -> Option<String> {
    of_resource(check).into_iter().find_map(|trace| match trace.outcome {
        TraceOutcome::Condition {
            operator,
            key,
            wanted,
            found,
            ..
        } if trace.effect == Effect::Allow => {
            let saw = found.map_or_else(|| "has none".to_owned(), |found| format!("has {}", found.join(", ")));
            let statement = named(trace.index, trace.sid.as_deref());
            let wanted = wanted.join(", ");
            Some(format!(
                "{statement} wants {operator} {key} {wanted}, and the request {saw}"
            ))
        }
        _ => None,
    })
}

//! Laws that hold for the real engine whatever the documents say.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

use policy::{Change, Check, Policy, PolicyType, apply_patch, remedy};
use serde_json::Value;
use spec::{
    case::Case,
    choices::Choices,
    generate::{self, More},
};

fn allows(case: &Case) -> bool {
    let real = case.real().unwrap();
    policy::decide(&real.request(), &real.policies()).is_allowed()
}

fn show(case: &Case) -> String {
    serde_json::to_string_pretty(case).unwrap()
}

/// For each of these seeds: with one thing more, what was not allowed is not allowed.
fn only_narrows(seeds: std::ops::Range<u64>, what: More) {
    let mut applied = 0;
    let mut taken = 0;
    for seed in seeds.clone() {
        let mut choices = Choices::seeded(seed);
        let before = generate::case(&mut choices);
        let Some(after) = generate::more(&mut choices, &before, what) else {
            continue;
        };
        applied += 1;
        match (allows(&before), allows(&after)) {
            (false, true) => panic!(
                "seed {seed}: {what:?} opens a door\nbefore {}\nafter {}",
                show(&before),
                show(&after)
            ),
            (true, false) => taken += 1,
            _ => {}
        }
    }
    assert!(
        applied * 5 > seeds.end - seeds.start,
        "{what:?} applied to {applied} cases only"
    );
    assert!(taken * 50 > applied, "{what:?} took {taken} of {applied} only");
}

#[test]
fn a_deny_statement_never_allows() {
    only_narrows(0..25_000, More::Deny);
}

#[test]
fn a_boundary_only_narrows() {
    only_narrows(25_000..40_000, More::Boundary);
}

#[test]
fn a_session_policy_only_narrows() {
    only_narrows(40_000..55_000, More::Session);
}

#[test]
fn a_level_of_service_control_only_narrows() {
    only_narrows(55_000..65_000, More::ServiceControl);
}

#[test]
fn a_level_of_resource_control_only_narrows() {
    only_narrows(65_000..75_000, More::ResourceControl);
}

#[test]
fn the_order_of_statements_and_policies_is_nothing() {
    for seed in 75_000..100_000 {
        let mut choices = Choices::seeded(seed);
        let case = generate::case(&mut choices);
        let other = generate::shuffled(&mut choices, &case);
        assert_eq!(
            allows(&case),
            allows(&other),
            "seed {seed}\n{}\n{}",
            show(&case),
            show(&other)
        );
    }
}

// The normal form of a policy decides as the policy does, and is its own normal form.
#[test]
fn printing_and_parsing_change_nothing() {
    let printed = |document: &Value, kind| {
        let first = Policy::parse(&document.to_string(), kind).unwrap().to_json();
        let again = Policy::parse(&first, kind).unwrap().to_json();
        assert_eq!(first, again);
        serde_json::from_str::<Value>(&first).unwrap()
    };
    for seed in 100_000..115_000 {
        let case = generate::case(&mut Choices::seeded(seed));
        let mut other = case.clone();
        for (kind, document) in other.documents_mut() {
            *document = printed(document, kind);
        }
        let grounds = |case: &Case| {
            let real = case.real().unwrap();
            policy::decide(&real.request(), &real.policies()).grounds().clone()
        };
        assert_eq!(
            grounds(&case),
            grounds(&other),
            "seed {seed}\n{}\n{}",
            show(&case),
            show(&other)
        );
    }
}

/// The case with a change made in it.
fn changed(mut case: Case, change: &Change) -> Case {
    let patched = |document: &str| {
        let text = apply_patch(document, &change.patch);
        let text = text.unwrap_or_else(|| panic!("no place for {change:?} in {document}"));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let Some(nth) = change.nth else {
        let new = patched("");
        match change.policy {
            PolicyType::Identity => case.identity.push(new),
            PolicyType::Resource | PolicyType::RoleTrust => case.resource_policy = Some(new),
            PolicyType::Session => case.session.as_mut().unwrap().push(new),
            PolicyType::ServiceControl => case.service_control[change.level.unwrap()].push(new),
            PolicyType::ResourceControl => case.resource_control[change.level.unwrap()].push(new),
            PolicyType::PermissionsBoundary => panic!("a boundary is not added: {change:?}"),
        }
        return case;
    };
    let document = match change.policy {
        PolicyType::Identity => case.identity.get_mut(nth),
        PolicyType::PermissionsBoundary => case.boundary.as_mut(),
        PolicyType::Resource | PolicyType::RoleTrust => case.resource_policy.as_mut(),
        PolicyType::ResourceControl => case.resource_control.iter_mut().flatten().nth(nth),
        PolicyType::ServiceControl => case.service_control.iter_mut().flatten().nth(nth),
        PolicyType::Session => case.session.iter_mut().flatten().nth(nth),
    };
    let document = document.unwrap();
    *document = patched(&document.to_string());
    case
}

#[test]
fn a_remedy_allows_what_was_denied() {
    let (mut denied, mut remedied) = (0, 0);
    for seed in 115_000..125_000 {
        let case = generate::case(&mut Choices::seeded(seed));
        let real = case.real().unwrap();
        let changes = remedy(&Check {
            request: real.request(),
            policies: real.policies(),
        });
        if allows(&case) {
            assert!(changes.is_empty(), "seed {seed}: {changes:?} for what is allowed");
            continue;
        }
        denied += 1;
        if changes.is_empty() {
            continue;
        }
        remedied += 1;
        // Places are those of the policies given: what is new comes last.
        let (there, new): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.nth.is_some());
        let after = there.into_iter().chain(new).fold(case.clone(), changed);
        assert!(
            allows(&after),
            "seed {seed}: {changes:?} does not allow\n{}\n{}",
            show(&case),
            show(&after)
        );
    }
    assert!(
        remedied * 10 > denied * 7,
        "{remedied} of {denied} denials have a remedy"
    );
}

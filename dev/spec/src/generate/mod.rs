//! Cases whose documents and request match often.
//!
//! The request is made first and documents are aimed at it: each element of a statement names what is asked with a high
//! chance, exactly, by a wildcard or by a variable, and something else otherwise. Small alphabets do the rest.

mod conditions;
mod documents;
mod more;
mod people;
mod world;

use crate::{
    case::{Caller, Case, CaseGrant, Kind},
    choices::Choices,
};
use documents::Aim;
pub use more::{More, more, shuffled};
use policy::PolicyKind;
use serde_json::Value;

/// Makes a case from choices.
pub fn case(choices: &mut Choices<'_>) -> Case {
    let mut case = question(choices);
    let has_account = case.caller.account().is_some();
    let has_policies = matches!(case.caller, Caller::Session { .. } | Caller::User { .. });
    let aim = Aim::of(&case, choices.chance(75));
    if has_policies {
        let count = choices.below(3);
        case.identity = (0..count)
            .map(|_| documents::document(choices, &aim, PolicyKind::Identity))
            .collect();
        case.boundary = choices
            .chance(30)
            .then(|| documents::document(choices, &aim, PolicyKind::PermissionsBoundary));
    }
    if matches!(case.caller, Caller::Session { .. }) && choices.chance(35) {
        let count = 1 + choices.below(2);
        case.session = Some(
            (0..count)
                .map(|_| documents::document(choices, &aim, PolicyKind::Session))
                .collect(),
        );
    }
    case.resource_policy = resource_policy(choices, &aim, case.kind);
    if has_account || choices.chance(5) {
        case.service_control = levels(choices, &aim, PolicyKind::ServiceControl, 30);
    }
    if case.kind != Kind::Other {
        case.resource_control = levels(choices, &aim, PolicyKind::ResourceControl, 20);
    }
    if case.kind == Kind::Key && choices.chance(35) {
        case.grants = (0..=choices.below(2)).map(|_| grant(choices, &case)).collect();
    }
    case
}

fn question(choices: &mut Choices<'_>) -> Case {
    let caller = people::caller(choices);
    let kind = match choices.below(10) {
        0..=3 => Kind::Bucket,
        4..=6 => Kind::Key,
        7 => Kind::Other,
        _ => Kind::Role,
    };
    let owner = match caller.account() {
        Some(own) if choices.chance(65) => own.to_owned(),
        _ => choices.one(&people::ACCOUNTS).to_owned(),
    };
    let is_own = caller.account() == Some(owner.as_str());
    Case {
        action: choices.one(world::actions(kind)).to_owned(),
        resource: choices.one(&world::resources(kind, &owner)),
        owner: (!is_own || choices.chance(70)).then_some(owner),
        kind,
        context: world::context(choices),
        caller,
        identity: Vec::new(),
        boundary: None,
        session: None,
        resource_policy: None,
        service_control: Vec::new(),
        resource_control: Vec::new(),
        grants: Vec::new(),
    }
}

fn resource_policy(choices: &mut Choices<'_>, aim: &Aim, kind: Kind) -> Option<Value> {
    let (form, percent) = match kind {
        Kind::Bucket => (PolicyKind::BucketPolicy, 75),
        Kind::Key => (PolicyKind::KeyPolicy, 100),
        Kind::Role => (PolicyKind::Trust, 100),
        Kind::Other => return None,
    };
    choices.chance(percent).then(|| documents::document(choices, aim, form))
}

fn levels(choices: &mut Choices<'_>, aim: &Aim, form: PolicyKind, percent: usize) -> Vec<Vec<Value>> {
    if !choices.chance(percent) {
        return Vec::new();
    }
    (0..=choices.below(3))
        .map(|_| {
            let mut level: Vec<Value> = (0..choices.below(2))
                .map(|_| documents::document(choices, aim, form))
                .collect();
            if choices.chance(80) {
                level.push(documents::full_access(form));
            }
            level
        })
        .collect()
}

fn grant(choices: &mut Choices<'_>, case: &Case) -> CaseGrant {
    let mut forms = people::forms(&case.caller);
    if forms.is_empty() || choices.chance(30) {
        forms = people::forms(&people::caller(choices));
    }
    // Grants to services are refused by name when they are made.
    forms.retain(|(kind, _)| *kind == "AWS");
    let (_, grantee) = choices.one(&forms);
    let mut actions = vec![choices.one(world::actions(Kind::Key)).to_owned()];
    if choices.chance(60) {
        actions.push(case.action.clone());
    }
    CaseGrant {
        grantee: if grantee.is_empty() {
            "arn:aws:iam::111111111111:user/alice".to_owned()
        } else {
            grantee
        },
        actions,
        met: choices.chance(80),
    }
}

//! Whom a policy names.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>

use super::texts;
use crate::case::Caller;
use serde_json::Value;

/// How a resource's policy speaks of the caller; a later one gives more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// Through the account: the account's own policies decide.
    Account,
    /// Through the role of the session: what limits the role still limits.
    Role,
    /// The one who asks, or everyone.
    Direct,
}

/// The `kind: text` entries of a principal element; the bare `*` has the kind `*`.
fn entries(element: &Value) -> Vec<(String, String)> {
    match element {
        Value::Object(kinds) => kinds
            .iter()
            .flat_map(|(kind, named)| texts(named).into_iter().map(move |text| (kind.clone(), text)))
            .collect(),
        other => texts(other).into_iter().map(|text| (text.clone(), text)).collect(),
    }
}

/// How a statement with `Principal` speaks of the caller.
pub(super) fn named(element: &Value, caller: &Caller) -> Option<Naming> {
    entries(element)
        .iter()
        .filter_map(|(kind, text)| naming(kind, text, caller))
        .max()
}

fn naming(kind: &str, text: &str, caller: &Caller) -> Option<Naming> {
    match kind {
        "*" => Some(Naming::Direct),
        "AWS" if text == "*" => every_aws(caller),
        "AWS" => account(text, caller).or_else(|| arn_or_id(text, caller)),
        "Service" => service(text, caller),
        // Nobody is signed in by another provider here.
        _ => None,
    }
}

/// Users, sessions and anonymous callers, not services; no other permission is needed in the same account, and nothing
/// but an explicit deny limits it.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-anonymous>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles>
fn every_aws(caller: &Caller) -> Option<Naming> {
    (!matches!(caller, Caller::Service { .. })).then_some(Naming::Direct)
}

/// An account stands for all its principals, whom its own policies then must allow; for its root user it is the name.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts>
fn account(text: &str, caller: &Caller) -> Option<Naming> {
    let own = caller.account()?;
    if text != own && text != format!("arn:aws:iam::{own}:root") {
        return None;
    }
    Some(match caller {
        Caller::Root { .. } => Naming::Direct,
        _ => Naming::Account,
    })
}

/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>
/// (resource-based policies: user, role, role session)
fn arn_or_id(text: &str, caller: &Caller) -> Option<Naming> {
    match caller {
        Caller::User { arn, id, .. } => (text == arn || text == id).then_some(Naming::Direct),
        Caller::Session { session, .. } if text == session => Some(Naming::Direct),
        Caller::Session { role, id, .. } => (text == role || text == id).then_some(Naming::Role),
        Caller::Anonymous | Caller::Root { .. } | Caller::Service { .. } => None,
    }
}

/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services>
fn service(text: &str, caller: &Caller) -> Option<Naming> {
    matches!(caller, Caller::Service { name } if name == text).then_some(Naming::Direct)
}

/// How an `Allow` with `NotPrincipal` speaks of the caller: as `*` does, of all whom it does not list.
pub(super) fn allowed_by_not(element: &Value, caller: &Caller) -> Option<Naming> {
    match named(element, caller) {
        Some(_) => None,
        None => Some(Naming::Direct),
    }
}

/// Whether a `Deny` with `NotPrincipal` denies the caller. Whoever has a boundary is always denied; others are spared
/// when every form of them that AWS checks is listed: account, role, session.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html#notprincipal-key-points>
pub(super) fn denied_by_not(element: &Value, caller: &Caller, has_boundary: bool) -> bool {
    if has_boundary {
        return true;
    }
    let listed = entries(element);
    let lists = |wanted: &[&str]| {
        listed
            .iter()
            .any(|(kind, text)| kind == "AWS" && wanted.contains(&text.as_str()))
    };
    let lists_service = |wanted: &str| listed.iter().any(|(kind, text)| kind == "Service" && text == wanted);
    if listed.iter().any(|(kind, _)| kind == "*") {
        return false;
    }
    let root = caller.account().map(|account| format!("arn:aws:iam::{account}:root"));
    let account = lists(&[caller.account().unwrap_or("-"), root.as_deref().unwrap_or("-")]);
    match caller {
        Caller::Service { name } => !lists_service(name),
        _ if lists(&["*"]) => false,
        Caller::Anonymous => true,
        Caller::Root { .. } => !account,
        Caller::Session { role, session, id, .. } => !(account && lists(&[session]) && lists(&[role, id])),
        Caller::User { arn, id, .. } => !(account && lists(&[arn, id])),
    }
}

/// How a grant speaks of the caller. A grant to an account is one to its root alone.
///
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-grantee-principal>
pub(super) fn grantee(text: &str, caller: &Caller) -> Option<Naming> {
    service(text, caller)
        .or_else(|| arn_or_id(text, caller))
        .or_else(|| account(text, caller).filter(|naming| *naming == Naming::Direct))
}

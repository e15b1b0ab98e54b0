//! Whether one statement speaks about a request.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use super::{
    condition,
    keys::Keys,
    pattern,
    principal::{self, Naming},
    texts,
};
use crate::case::{Caller, Case, Kind};
use serde_json::Value;

/// A request as statements see it.
pub(super) struct Asked<'a> {
    caller: &'a Caller,
    has_boundary: bool,
    is_role: bool,
    action: &'a str,
    resource: &'a str,
    keys: Keys,
}

impl Asked<'_> {
    pub(super) fn of(case: &Case) -> Asked<'_> {
        Asked {
            caller: &case.caller,
            has_boundary: case.boundary.is_some(),
            is_role: case.kind == Kind::Role,
            action: &case.action,
            resource: &case.resource,
            keys: Keys::of(case),
        }
    }
}

/// The closest naming among the statements that allow. A policy that has no principals names its holder directly.
pub(super) fn allowing(document: &Value, asked: &Asked<'_>) -> Option<Naming> {
    statements(document)
        .iter()
        .filter(|statement| effect(statement) == "Allow")
        .filter_map(|statement| applies(document, statement, asked))
        .max()
}

/// The places of the statements that deny.
pub(super) fn denying(document: &Value, asked: &Asked<'_>) -> Vec<usize> {
    statements(document)
        .iter()
        .enumerate()
        .filter(|(_, statement)| effect(statement) == "Deny" && applies(document, statement, asked).is_some())
        .map(|(index, _)| index)
        .collect()
}

/// One statement may stand without its list.
fn statements(document: &Value) -> Vec<&Value> {
    match document.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn effect(statement: &Value) -> &str {
    statement.get("Effect").and_then(Value::as_str).unwrap_or_default()
}

fn applies(document: &Value, statement: &Value, asked: &Asked<'_>) -> Option<Naming> {
    let variables = has_variables(document);
    let holds = action(statement, asked)
        && resource(statement, asked, variables)
        && condition::holds(
            statement.get("Condition").unwrap_or(&Value::Null),
            &asked.keys,
            variables,
        );
    holds.then(|| who(statement, asked)).flatten()
}

/// Variables came with this version; before it `${` is text.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
fn has_variables(document: &Value) -> bool {
    document.get("Version").and_then(Value::as_str) == Some("2012-10-17")
}

fn who(statement: &Value, asked: &Asked<'_>) -> Option<Naming> {
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(element), _) => principal::named(element, asked.caller),
        (None, Some(element)) if effect(statement) == "Allow" => principal::allowed_by_not(element, asked.caller),
        (None, Some(element)) => {
            principal::denied_by_not(element, asked.caller, asked.has_boundary).then_some(Naming::Direct)
        }
        (None, None) => Some(Naming::Direct),
    }
}

/// SPEC: names ignore case,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>
fn action(statement: &Value, asked: &Asked<'_>) -> bool {
    let action = asked.action.to_ascii_lowercase();
    let any = |element: &Value| {
        texts(element)
            .iter()
            .any(|text| pattern::like(&pattern::plain(&text.to_ascii_lowercase()), &action))
    };
    match (statement.get("Action"), statement.get("NotAction")) {
        (Some(element), _) => any(element),
        (None, Some(element)) => !any(element),
        (None, None) => false,
    }
}

/// A resource whose variable has no value is none. A trust policy has no resource: it is its role's. A key policy may
/// leave it out, and then says nothing.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value>,
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html>
fn resource(statement: &Value, asked: &Asked<'_>, variables: bool) -> bool {
    let marks = |text: &String| match variables {
        true => pattern::expanded(text, &asked.keys),
        false => Some(pattern::plain(text)),
    };
    let any = |element: &Value| {
        texts(element)
            .iter()
            .filter_map(marks)
            .any(|marks| pattern::like(&marks, asked.resource))
    };
    match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(element), _) => any(element),
        (None, Some(element)) if effect(statement) == "Allow" => {
            !any(element) && has_every_value(texts(element).iter().map(marks))
        }
        (None, Some(element)) => !any(element),
        (None, None) => asked.is_role,
    }
}

/// Stricter than AWS on purpose: an `Allow` with `NotResource` does not open what a variable without a value fails to
/// leave out.
fn has_every_value(marks: impl IntoIterator<Item = Option<Vec<pattern::Mark>>>) -> bool {
    marks.into_iter().all(|marks| marks.is_some())
}

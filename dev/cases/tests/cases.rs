//! Every case before the library, and what the cases cover together.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use cases::{Case, Expected};
use policy::PolicyType;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

const CASES_MIN: usize = 320;
const SERVER_CASES_MIN: usize = 100;

const OPERATORS: [&str; 27] = [
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "BinaryEquals",
    "Bool",
    "DateEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateNotEquals",
    "IpAddress",
    "NotIpAddress",
    "Null",
    "NumericEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericNotEquals",
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "StringNotEquals",
    "StringNotEqualsIgnoreCase",
    "StringNotLike",
];

const TYPES: [PolicyType; 7] = [
    PolicyType::Identity,
    PolicyType::PermissionsBoundary,
    PolicyType::Resource,
    PolicyType::ResourceControl,
    PolicyType::RoleTrust,
    PolicyType::ServiceControl,
    PolicyType::Session,
];

/// Forms of a principal in a policy.
const NAMED: [&str; 11] = [
    "*",
    "AWS *",
    "AWS account",
    "AWS root",
    "AWS user",
    "AWS role",
    "AWS session",
    "AWS federated-user",
    "AWS AIDA",
    "AWS AROA",
    "Service",
];

fn load() -> Vec<Case> {
    cases::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).unwrap()
}

#[test]
fn every_case_is_decided_as_documented() {
    let mut failures = Vec::new();
    for case in load() {
        let label = format!("{}/{} ({})", case.file, case.name, case.source);
        match cases::decide(&case) {
            Err(error) => failures.push(format!("{label}\n  is not well made: {error:#}")),
            Ok(verdict) if verdict.complaints.is_empty() => {}
            Ok(verdict) => {
                let complaints = verdict.complaints.join("\n  ");
                failures.push(format!("{label}\n  {complaints}\n{}", verdict.trace));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failed\n\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn the_cases_are_many_and_each_has_a_name_and_a_source() {
    let cases = load();
    assert!(cases.len() >= CASES_MIN, "{} cases", cases.len());
    let server = cases.iter().filter(|case| case.server).count();
    assert!(server >= SERVER_CASES_MIN, "{server} server cases");
    let mut names = BTreeSet::new();
    for case in &cases {
        assert!(names.insert(&case.name), "{} twice", case.name);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(case.name.chars().all(plain), "name `{}`", case.name);
        assert!(!case.source.is_empty(), "{}", case.name);
    }
}

#[test]
fn every_type_of_policy_denies_and_is_missing() {
    let cases = load();
    for policy in TYPES {
        let denies = |case: &Case| matches!(&case.expected, Expected::Denied(place) if place.policy == policy);
        assert!(cases.iter().any(denies), "{policy} never denies");
        let missing = |case: &Case| case.expected == Expected::Missing(policy);
        assert!(cases.iter().any(missing), "{policy} is never missing");
    }
    for policy in [PolicyType::Identity, PolicyType::Resource, PolicyType::RoleTrust] {
        let allows = |case: &Case| matches!(&case.expected, Expected::Allowed(place) if place.policy == policy);
        assert!(cases.iter().any(allows), "{policy} never allows");
    }
    assert!(cases.iter().any(|case| case.expected == Expected::Root));
    assert!(cases.iter().any(|case| matches!(case.expected, Expected::Granted(_))));
}

#[test]
fn every_operator_is_met_with_and_without_its_key() {
    let mut met: BTreeMap<String, BTreeSet<bool>> = BTreeMap::new();
    let mut affixes = BTreeSet::new();
    for case in load() {
        for (operator, key) in conditions(&case) {
            let (prefix, rest) = match operator.split_once(':') {
                Some((prefix, rest)) => (prefix, rest),
                None => ("", operator.as_str()),
            };
            let base = rest.strip_suffix("IfExists").unwrap_or(rest);
            affixes.insert(prefix.to_owned());
            affixes.insert(rest.get(base.len()..).unwrap().to_owned());
            let has = |name: &String| name.eq_ignore_ascii_case(&key);
            let tagged = case
                .tags
                .keys()
                .any(|tag| format!("aws:PrincipalTag/{tag}").eq_ignore_ascii_case(&key));
            let present = case.context.keys().any(has) || tagged;
            met.entry(base.to_owned()).or_default().insert(present);
        }
    }
    for operator in OPERATORS {
        assert_eq!(met.get(operator).map(BTreeSet::len), Some(2), "{operator}");
    }
    assert_eq!(
        affixes.iter().map(String::as_str).collect::<Vec<_>>(),
        ["", "ForAllValues", "ForAnyValue", "IfExists"]
    );
}

#[test]
fn every_form_of_a_principal_asks_and_is_named() {
    let cases = load();
    for part in [":user/", ":root", ":assumed-role/", ".amazonaws.com", "anonymous"] {
        assert!(cases.iter().any(|case| case.who.contains(part)), "nobody is `{part}`");
    }
    let named: BTreeSet<&str> = cases.iter().flat_map(principals).collect();
    for form in NAMED {
        assert!(named.contains(form), "no policy names `{form}`");
    }
}

fn statements(case: &Case) -> Vec<Value> {
    let documents = case
        .policies()
        .map(|policy| serde_json::from_str::<Value>(&policy.text).unwrap());
    documents
        .flat_map(|document| match &document["Statement"] {
            Value::Array(statements) => statements.clone(),
            one => vec![one.clone()],
        })
        .collect()
}

/// Operators with their keys.
fn conditions(case: &Case) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for statement in statements(case) {
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for key in keys.as_object().into_iter().flatten() {
                found.push((operator.clone(), key.0.clone()));
            }
        }
    }
    found
}

fn principals(case: &Case) -> Vec<&'static str> {
    let mut found = Vec::new();
    for statement in statements(case) {
        for element in [&statement["Principal"], &statement["NotPrincipal"]] {
            match element {
                Value::String(_) => found.push("*"),
                Value::Object(kinds) => {
                    for (kind, value) in kinds {
                        let texts = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                        found.extend(texts.iter().map(|text| form(kind, text.as_str().unwrap())));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

fn form(kind: &str, text: &str) -> &'static str {
    let starts = |start: &str| text.starts_with(start);
    match kind {
        "Service" => "Service",
        _ if text == "*" => "AWS *",
        _ if text.ends_with(":root") => "AWS root",
        _ if text.contains(":user/") => "AWS user",
        _ if text.contains(":role/") => "AWS role",
        _ if text.contains(":assumed-role/") => "AWS session",
        _ if text.contains(":federated-user/") => "AWS federated-user",
        _ if starts("AIDA") => "AWS AIDA",
        _ if starts("AROA") => "AWS AROA",
        _ => "AWS account",
    }
}

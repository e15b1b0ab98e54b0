//! The operators of `Condition`.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>

use super::{
    keys::Keys,
    pattern::{self, Mark},
    texts,
    value::{address, address_in, instant, number},
};
use serde_json::Value;

/// Whether every operator and every key of the block holds.
pub(super) fn holds(block: &Value, keys: &Keys, variables: bool) -> bool {
    let Some(operators) = block.as_object() else {
        return true;
    };
    operators.iter().all(|(operator, tests)| {
        tests
            .as_object()
            .into_iter()
            .flatten()
            .all(|(key, wanted)| test(operator, keys.values(key), &texts(wanted), keys, variables))
    })
}

fn test(operator: &str, asked: &[String], wanted: &[String], keys: &Keys, variables: bool) -> bool {
    if operator == "Null" {
        return null(asked, wanted);
    }
    let (set, operator) = match operator.split_once(':') {
        Some((set, operator)) => (set, operator),
        None => ("", operator),
    };
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let (operator, negated) = positive(operator);
    if asked.is_empty() {
        return absent(set, if_exists, negated);
    }
    let matches = |value: &String| wanted.iter().any(|text| one(operator, value, text, keys, variables));
    match set {
        // "A null dataset, such as an empty string" is no value.
        "ForAllValues" if asked.iter().all(String::is_empty) => true,
        "ForAllValues" => asked.iter().all(|value| matches(value) != negated),
        "ForAnyValue" => asked.iter().any(|value| matches(value) != negated),
        // Several values without a set operator: negated matching is the opposite of matching.
        _ => asked.iter().any(matches) != negated,
    }
}

/// `true` asks for absence, `false` for presence; several values are alternatives.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Null>
fn null(asked: &[String], wanted: &[String]) -> bool {
    wanted
        .iter()
        .any(|text| text.eq_ignore_ascii_case("true") == asked.is_empty())
}

/// What an absent key means.
///
/// SPEC: the box `Important` of the operators' page; `IfExists`; `ForAllValues`; `ForAnyValue`
fn absent(set: &str, if_exists: bool, negated: bool) -> bool {
    match set {
        _ if if_exists => true,
        "ForAllValues" => true,
        "ForAnyValue" => false,
        _ => negated,
    }
}

/// The operator that a negated one is the opposite of.
fn positive(operator: &str) -> (&str, bool) {
    match operator {
        "StringNotEquals" => ("StringEquals", true),
        "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase", true),
        "StringNotLike" => ("StringLike", true),
        "NumericNotEquals" => ("NumericEquals", true),
        "DateNotEquals" => ("DateEquals", true),
        "NotIpAddress" => ("IpAddress", true),
        "ArnNotEquals" | "ArnNotLike" => ("ArnLike", true),
        "ArnEquals" => ("ArnLike", false),
        other => (other, false),
    }
}

/// One value of the request against one of the policy.
fn one(operator: &str, asked: &str, wanted: &str, keys: &Keys, variables: bool) -> bool {
    let marks = || marks(wanted, keys, variables);
    match operator {
        "StringEquals" => marks().is_some_and(|marks| pattern::literal(&marks) == asked),
        "StringEqualsIgnoreCase" => {
            marks().is_some_and(|marks| pattern::literal(&marks).to_lowercase() == asked.to_lowercase())
        }
        "StringLike" => marks().is_some_and(|marks| pattern::like(&marks, asked)),
        "ArnLike" => arn_like(asked, wanted, keys, variables),
        "Bool" => asked.eq_ignore_ascii_case(wanted),
        // Both are base64 of the value.
        "BinaryEquals" => asked == wanted,
        "IpAddress" => address(asked).is_some_and(|asked| address_in(asked, wanted)),
        _ => match operator.strip_prefix("Numeric") {
            Some(relation) => ordered(relation, number(asked), number(wanted)),
            None => ordered(
                operator.strip_prefix("Date").unwrap_or(operator),
                instant(asked),
                instant(wanted),
            ),
        },
    }
}

fn marks(text: &str, keys: &Keys, variables: bool) -> Option<Vec<Mark>> {
    match variables {
        true => pattern::expanded(text, keys),
        false => Some(pattern::plain(text)),
    }
}

fn ordered<T: PartialOrd>(relation: &str, asked: Option<T>, wanted: Option<T>) -> bool {
    let (Some(asked), Some(wanted)) = (asked, wanted) else {
        return false;
    };
    match relation {
        "Equals" => asked == wanted,
        "LessThan" => asked < wanted,
        "LessThanEquals" => asked <= wanted,
        "GreaterThan" => asked > wanted,
        "GreaterThanEquals" => asked >= wanted,
        _ => false,
    }
}

/// Each of the six parts by itself.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>
fn arn_like(asked: &str, wanted: &str, keys: &Keys, variables: bool) -> bool {
    let asked: Vec<&str> = asked.splitn(6, ':').collect();
    let (Some(wanted), 6) = (pattern::arn_parts(wanted), asked.len()) else {
        return false;
    };
    wanted
        .iter()
        .zip(asked)
        .all(|(wanted, asked)| marks(wanted, keys, variables).is_some_and(|marks| pattern::like(&marks, asked)))
}

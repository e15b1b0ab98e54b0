//! Condition blocks, aimed at a request.

use super::{
    documents::{Aim, with_mark, with_variable},
    world::{self, Key, Type},
};
use crate::choices::Choices;
use serde_json::{Map, Value, json};

const TEXT: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];
const ARN: &[&str] = &[
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "StringLike",
    "StringEquals",
];
const NUMBER: &[&str] = &[
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const DATE: &[&str] = &[
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
];

fn operators(kind: Type) -> &'static [&'static str] {
    match kind {
        Type::Arn => ARN,
        Type::Binary => &["BinaryEquals"],
        Type::Bool => &["Bool"],
        Type::Date => DATE,
        Type::Ip => &["IpAddress", "NotIpAddress"],
        Type::Number => NUMBER,
        Type::Text => TEXT,
    }
}

/// One to three operators with one or two keys.
pub(super) fn block(choices: &mut Choices<'_>, aim: &Aim, hit: usize) -> Value {
    let mut block: Map<String, Value> = Map::new();
    let count = match choices.below(8) {
        0..=4 => 1,
        5 | 6 => 2,
        _ => 3,
    };
    for _ in 0..count {
        let key = key(choices, aim, hit);
        let (operator, values) = match choices.chance(12) {
            true => ("Null".to_owned(), null(choices, aim, key, hit)),
            false => tested(choices, aim, key, hit),
        };
        let tests = block.entry(operator).or_insert_with(|| json!({}));
        if let Some(tests) = tests.as_object_mut()
            && !tests.keys().any(|name| name.eq_ignore_ascii_case(key.name))
        {
            tests.insert(spelt(choices, key.name), values);
        }
    }
    Value::Object(block)
}

/// A key, mostly one that the request has.
fn key(choices: &mut Choices<'_>, aim: &Aim, hit: usize) -> Key {
    if choices.chance(30) {
        return choices.one(&world::CALLER_KEYS);
    }
    let there: Vec<Key> = world::KEYS
        .into_iter()
        .filter(|key| aim.context.contains_key(key.name))
        .collect();
    match !there.is_empty() && choices.chance(hit) {
        true => choices.one(&there),
        false => choices.one(&world::KEYS),
    }
}

/// Names ignore case.
fn spelt(choices: &mut Choices<'_>, name: &str) -> String {
    match choices.below(8) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        _ => name.to_owned(),
    }
}

fn null(choices: &mut Choices<'_>, aim: &Aim, key: Key, hit: usize) -> Value {
    let there = aim.context.contains_key(key.name) || world::caller_value(key.name, &aim.caller).is_some();
    let absent = choices.chance(hit) != there;
    match choices.below(4) {
        0 => json!(absent),
        1 => json!([absent.to_string()]),
        _ => json!(absent.to_string()),
    }
}

/// An operator and the values it wants.
fn tested(choices: &mut Choices<'_>, aim: &Aim, key: Key, hit: usize) -> (String, Value) {
    let as_text = key.kind != Type::Text && choices.chance(10);
    let key = if as_text {
        Key {
            kind: Type::Text,
            ..key
        }
    } else {
        key
    };
    let bare = choices.one(operators(key.kind));
    let mut operator = bare.to_owned();
    if choices.chance(if key.many { 60 } else { 15 }) {
        let set = choices.one(&["ForAllValues", "ForAnyValue"]);
        operator = format!("{set}:{operator}");
    }
    if choices.chance(20) {
        operator.push_str("IfExists");
    }
    let negated = bare.contains("Not");
    let count = 1 + choices.below(8) / 5;
    let values: Vec<String> = (0..count)
        .map(|_| {
            let hits = choices.chance(hit) != negated;
            value(choices, aim, key, bare, hits)
        })
        .collect();
    let value = match values.as_slice() {
        [only] if choices.chance(60) => scalar(choices, only),
        _ => json!(values),
    };
    (operator, value)
}

/// Numbers and booleans may stand without quotes.
fn scalar(choices: &mut Choices<'_>, text: &str) -> Value {
    match (text, text.parse::<i64>()) {
        ("true", _) if choices.chance(30) => json!(true),
        ("false", _) if choices.chance(30) => json!(false),
        (_, Ok(number)) if choices.chance(30) && !text.starts_with('0') => json!(number),
        _ => json!(text),
    }
}

fn value(choices: &mut Choices<'_>, aim: &Aim, key: Key, operator: &str, hits: bool) -> String {
    let given = aim.context.get(key.name).cloned().unwrap_or_default();
    let own = world::caller_value(key.name, &aim.caller);
    let text = match own.filter(|_| hits) {
        Some(own) => own,
        None if hits && !given.is_empty() => choices.one(&given),
        None => choices.one(key.values).to_owned(),
    };
    match key.kind {
        Type::Ip => range(choices, &text),
        Type::Arn | Type::Text => written(choices, aim, operator, text),
        Type::Binary | Type::Bool | Type::Date | Type::Number => text,
    }
}

/// An address, or a range around it.
fn range(choices: &mut Choices<'_>, address: &str) -> String {
    let lengths: &[u8] = match address.contains(':') {
        true => &[0, 32, 47, 48, 64, 128],
        false => &[0, 8, 16, 23, 24, 31, 32],
    };
    match choices.below(3) {
        0 => address.to_owned(),
        _ => format!("{address}/{}", choices.one(lengths)),
    }
}

/// A text as a pattern of itself, with a variable, in another case.
fn written(choices: &mut Choices<'_>, aim: &Aim, operator: &str, text: String) -> String {
    // Variables only in an ARN's last part, so that every ARN keeps its six.
    let start = text.match_indices(':').nth(4).map_or(0, |(place, _)| place + 1);
    let (place, name) = text.split_at_checked(start).unwrap_or(("", &text));
    match choices.below(10) {
        0 if operator.contains("IgnoreCase") => text.to_uppercase(),
        1 if operator.contains("Like") && start == 0 => "*".to_owned(),
        2 | 3 if operator.starts_with("Arn") => arn_with_stars(choices, &text),
        1..=3 if operator.contains("Like") || operator.starts_with("Arn") => {
            let cut = choices.below(name.len() + 1);
            format!("{place}{}*", name.get(..cut).unwrap_or_default())
        }
        4 if operator.contains("Like") || operator.starts_with("Arn") => {
            format!("{place}{}", with_mark(choices, name))
        }
        5 | 6 => format!("{place}{}", with_variable(choices, aim, name)),
        // Without `Like`, text like any other.
        7 => format!("{place}{}", choices.one(&["*", "?", "${*}", "${?}", "${$}"])),
        _ => text,
    }
}

/// Some of the parts become `*`.
fn arn_with_stars(choices: &mut Choices<'_>, text: &str) -> String {
    let parts: Vec<&str> = text
        .splitn(6, ':')
        .enumerate()
        .map(|(nth, part)| if nth > 2 && choices.chance(40) { "*" } else { part })
        .collect();
    parts.join(":")
}

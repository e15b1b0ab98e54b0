//! When two values of a property mean the same.

use crate::types::{Kind, Property};
use serde_json::{Map, Value};

/// Whether both mean the same to a property of this kind: a number is its text, a set has no order, and a member that is
/// `null` is not there.
pub fn same(kind: &Kind, one: &Value, other: &Value) -> bool {
    normal(kind, one) == normal(kind, other)
}

/// A value in the one form that all values of its meaning share.
pub fn normal(kind: &Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Text | Kind::OneOf(_) | Kind::Integer | Kind::Boolean, value) => as_text(value),
        (Kind::List(of), Value::Array(items)) => items.iter().map(|item| normal(of, item)).collect(),
        (Kind::Set(of), Value::Array(items)) => {
            let mut items: Vec<Value> = items.iter().map(|item| normal(of, item)).collect();
            items.sort_by_cached_key(Value::to_string);
            items.dedup();
            Value::Array(items)
        }
        (Kind::Object(properties), Value::Object(members)) => Value::Object(normal_members(properties, members)),
        (Kind::Map, Value::Object(members)) => Value::Object(
            present(members)
                .map(|(name, value)| (name.clone(), as_text(value)))
                .collect(),
        ),
        (Kind::Json, value) => parsed(value),
        (_, other) => other.clone(),
    }
}

fn normal_members(properties: &[Property], members: &Map<String, Value>) -> Map<String, Value> {
    present(members)
        .map(|(name, value)| {
            let known = properties.iter().find(|property| property.name == name);
            let value = match known {
                Some(property) => normal(&property.kind, value),
                None => value.clone(),
            };
            (name.clone(), value)
        })
        .collect()
}

fn present(members: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    members.iter().filter(|(_, value)| !value.is_null())
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Bool(truth) => Value::String(truth.to_string()),
        other => other.clone(),
    }
}

/// A document may be given as its text.
fn parsed(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    static TAG: [Property; 2] = [Property::new("Key", Kind::Text), Property::new("Value", Kind::Text)];

    #[track_caller]
    fn check(kind: &Kind, one: Value, other: Value, expected: bool) {
        assert_eq!(same(kind, &one, &other), expected, "{one} {other}");
        assert_eq!(same(kind, &other, &one), expected, "{other} {one}");
    }

    #[test]
    fn values_are_compared_by_what_they_mean() {
        check(&Kind::Integer, json!("90"), json!(90), true);
        check(&Kind::Boolean, json!("true"), json!(true), true);
        check(&Kind::Boolean, json!("true"), json!(false), false);
        check(&Kind::List(&Kind::Text), json!(["a", "b"]), json!(["b", "a"]), false);
        check(&Kind::Set(&Kind::Text), json!(["a", "b"]), json!(["b", "a", "a"]), true);
        check(&Kind::Json, json!("{\"a\": [1]}"), json!({"a": [1]}), true);
        check(&Kind::Json, json!({"a": [1]}), json!({"a": ["1"]}), false);
        static OF_TAGS: Kind = Kind::Object(&TAG);
        let tags = Kind::Set(&OF_TAGS);
        check(
            &tags,
            json!([{"Key": "a", "Value": 1}, {"Key": "b", "Value": "2"}]),
            json!([{"Key": "b", "Value": "2"}, {"Value": "1", "Key": "a"}]),
            true,
        );
        check(&Kind::Object(&TAG), json!({"Key": null}), json!({}), true);
    }
}

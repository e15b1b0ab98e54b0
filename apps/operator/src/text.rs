//! JSON for people: policies in the order in which people write them, and what fits on a line stays on it.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};
use std::fmt;

/// Lines grow no longer than this where they can be broken.
const WIDTH: usize = 72;
/// How far lists and objects may lie in each other.
const DEPTH_MAX: usize = 64;

/// An object's members in their order.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

enum Shape {
    List(Vec<Box<RawValue>>),
    Object(Vec<(String, Box<RawValue>)>),
    Scalar,
}

fn shape(text: &str) -> Shape {
    let shape = match text.trim_start().chars().next() {
        Some('[') => serde_json::from_str(text).ok().map(Shape::List),
        Some('{') => serde_json::from_str::<Members>(text).ok().map(|m| Shape::Object(m.0)),
        _ => None,
    };
    shape.unwrap_or(Shape::Scalar)
}

/// The document over several lines, its members in the order that they have. What is no JSON stays as it is.
pub fn pretty(text: &str) -> String {
    if is_deep(text) {
        return text.to_owned();
    }
    let mut out = String::new();
    match shape(text) {
        // A document is easier to read, and to change, when each of its members has a line.
        Shape::Object(members) if !members.is_empty() => broken(&Shape::Object(members), 0, &mut out),
        _ => write(text, 0, 0, &mut out),
    }
    out
}

/// Writes at a depth, where `used` columns of the line are taken already.
fn write(text: &str, depth: usize, used: usize, out: &mut String) {
    let line = on_one_line(text);
    match shape(text) {
        Shape::Scalar => out.push_str(&line),
        _ if used + line.chars().count() <= WIDTH => out.push_str(&line),
        parts => broken(&parts, depth, out),
    }
}

fn broken(parts: &Shape, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth + 1);
    let (open, close) = match parts {
        Shape::List(_) => ('[', ']'),
        _ => ('{', '}'),
    };
    out.push(open);
    let items: Vec<(String, &RawValue)> = match parts {
        Shape::List(items) => items.iter().map(|item| (String::new(), item.as_ref())).collect(),
        Shape::Object(members) => members
            .iter()
            .map(|(name, value)| (format!("{}: ", quoted(name)), value.as_ref()))
            .collect(),
        Shape::Scalar => Vec::new(),
    };
    for (at, (name, value)) in items.iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&indent);
        out.push_str(name);
        write(value.get(), depth + 1, indent.len() + name.chars().count(), out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}

/// Whether lists and objects lie in each other further than any document of these services has them. Such a text is left as it is: it
/// would be walked by as many calls in each other.
fn is_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

/// On one line, with a space after each colon and comma.
pub fn inline(text: &str) -> String {
    match is_deep(text) {
        true => text.to_owned(),
        false => on_one_line(text),
    }
}

fn on_one_line(text: &str) -> String {
    match shape(text) {
        Shape::List(items) => {
            let items: Vec<String> = items.iter().map(|item| on_one_line(item.get())).collect();
            format!("[{}]", items.join(", "))
        }
        Shape::Object(members) => {
            let member =
                |(name, value): &(String, Box<RawValue>)| format!("{}: {}", quoted(name), on_one_line(value.get()));
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
        Shape::Scalar => text.trim().to_owned(),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Members of policies, in the order in which people write them.
pub(crate) const POLICY_ORDER: [&str; 12] = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// A policy or a part of one on one line, its members in the usual order; others come last, by their names.
pub fn policy_order(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(policy_order).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| format!("{}:{}", quoted(name), policy_order(value));
            let members: Vec<String> = ordered(members).into_iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        scalar => scalar.to_string(),
    }
}

fn ordered(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let place = |name: &str| POLICY_ORDER.iter().position(|known| *known == name);
    let mut members: Vec<(&String, &Value)> = members.iter().collect();
    members.sort_by_key(|(name, _)| place(name).unwrap_or(POLICY_ORDER.len()));
    members
}

/// A policy, or any JSON, with a line for each member and item, two blanks a level, in the usual order: as it is sent to AWS and as
/// two of them are compared. What is no object or list stays as it is.
pub fn policy(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() || value.is_array() => {
            let mut out = String::new();
            write_lines(&value, 0, &mut out);
            out
        }
        _ => text.to_owned(),
    }
}

fn write_lines(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let items = items.iter().map(|item| (String::new(), item));
            enclosed(('[', ']'), items, depth, out);
        }
        Value::Object(members) if !members.is_empty() => {
            let members = ordered(members).into_iter();
            let members = members.map(|(name, value)| (format!("{}: ", quoted(name)), value));
            enclosed(('{', '}'), members, depth, out);
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn enclosed<'a>(
    (open, close): (char, char),
    items: impl Iterator<Item = (String, &'a Value)>,
    depth: usize,
    out: &mut String,
) {
    out.push(open);
    for (at, (name, value)) in items.enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        out.push_str(&name);
        write_lines(value, depth + 1, out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}

/// The statements of a policy, as they are written.
pub fn statements(document: &str) -> Vec<String> {
    let Shape::Object(members) = shape(document) else {
        return Vec::new();
    };
    let statement = members.iter().find(|(name, _)| name == "Statement");
    let Some((_, statement)) = statement else {
        return Vec::new();
    };
    match shape(statement.get()) {
        Shape::List(items) => items.iter().map(|item| item.get().to_owned()).collect(),
        _ => vec![statement.get().to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_deep_stays_as_it_is() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for deep in [
            nested(100_000),
            "[".repeat(1_000_000),
            format!("{{\"a\":{}}}", nested(DEPTH_MAX)),
        ] {
            assert_eq!(pretty(&deep), deep);
            assert_eq!(inline(&deep), deep);
        }
        // Brackets in strings are none.
        let text = format!("{{\"a\":\"\\\"{}\"}}", "[".repeat(200));
        assert_ne!(pretty(&text), text);
        assert_eq!(inline("[[1,2]]"), "[[1, 2]]");
    }

    #[test]
    fn order_is_kept_and_short_parts_stay_on_their_line() {
        let document = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"aws:b":"1","aws:a":"2"}}}]}"#;
        let expected = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Read",
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:ListBucket"],
      "Resource": "arn:aws:s3:::b/*",
      "Condition": {"StringEquals": {"aws:b": "1", "aws:a": "2"}}
    }
  ]
}"#;
        assert_eq!(pretty(document), expected);
        assert_eq!(pretty(expected), expected);
        assert_eq!(pretty(r#"{"a":[]}"#), "{\n  \"a\": []\n}");
        assert_eq!(inline(r#"{ "a" : [ 1,2 ] , "b":{}}"#), r#"{"a": [1, 2], "b": {}}"#);
        assert_eq!(pretty("no json"), "no json");
    }

    #[test]
    fn a_policy_has_its_usual_order() {
        let policy: Value =
            serde_json::from_str(r#"{"Statement":[{"Action":"a","Effect":"Allow"}],"Version":"v"}"#).unwrap();
        let expected = r#"{"Version":"v","Statement":[{"Effect":"Allow","Action":"a"}]}"#;
        assert_eq!(policy_order(&policy), expected);
    }

    #[test]
    fn a_policy_has_a_line_for_each_member_in_its_usual_order() {
        let text = r#"{"Statement":[{"Resource":[],"Action":["a","b"],"Sid":"S","Condition":{"Bool":{"k":"true"}}}],"Id":"i","Version":"v"}"#;
        let expected = r#"{
  "Version": "v",
  "Id": "i",
  "Statement": [
    {
      "Sid": "S",
      "Action": [
        "a",
        "b"
      ],
      "Resource": [],
      "Condition": {
        "Bool": {
          "k": "true"
        }
      }
    }
  ]
}"#;
        assert_eq!(policy(text), expected);
        assert_eq!(policy(expected), expected);
        assert_eq!(policy("AES256"), "AES256");
        assert_eq!(policy("\"text\""), "\"text\"");
    }

    #[test]
    fn one_statement_or_a_list() {
        let check = |document: &str, expected: &[&str]| assert_eq!(statements(document), expected, "{document}");
        check(r#"{"Statement":{"Sid":"a"}}"#, &[r#"{"Sid":"a"}"#]);
        check(r#"{"Statement":[{"Sid":"a"},{}]}"#, &[r#"{"Sid":"a"}"#, "{}"]);
        check("{}", &[]);
        check("[", &[]);
    }
}

//! What a value of a template refers to.

use serde_json::Value;
use std::collections::BTreeSet;

/// A reference in a template's value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// `Ref` of a parameter or resource, also in `Fn::Sub`; pseudo parameters are left out.
    Name(String),
    /// `Fn::GetAtt` of a resource's attribute, also in `Fn::Sub`.
    Attribute(String, String),
}

/// Every reference in the value, which is in the long form.
pub fn references(value: &Value) -> BTreeSet<Reference> {
    let mut found = BTreeSet::new();
    walk(value, &mut found);
    found
}

fn walk(value: &Value, found: &mut BTreeSet<Reference>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("Ref", Value::String(name)) if members.len() == 1 => add_name(name, found),
                    ("Fn::GetAtt", _) if members.len() == 1 => add_attribute(value, found),
                    ("Fn::Sub", Value::String(text)) if members.len() == 1 => add_text(text, &[], found),
                    ("Fn::Sub", Value::Array(parts)) if members.len() == 1 => add_sub(parts, found),
                    _ => walk(value, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn add_name(name: &str, found: &mut BTreeSet<Reference>) {
    if !name.starts_with("AWS::") {
        found.insert(Reference::Name(name.to_owned()));
    }
}

fn add_attribute(value: &Value, found: &mut BTreeSet<Reference>) {
    let (id, name) = match value {
        Value::String(text) => match text.split_once('.') {
            Some((id, name)) => (id, name.to_owned()),
            None => return,
        },
        Value::Array(parts) => match parts.split_first() {
            Some((Value::String(id), rest)) => {
                rest.iter().for_each(|part| walk(part, found));
                let rest: Vec<&str> = rest.iter().filter_map(Value::as_str).collect();
                (id.as_str(), rest.join("."))
            }
            _ => return,
        },
        _ => return,
    };
    found.insert(Reference::Attribute(id.to_owned(), name));
}

fn add_sub(parts: &[Value], found: &mut BTreeSet<Reference>) {
    let own: Vec<&str> = match parts.get(1) {
        Some(Value::Object(names)) => {
            names.values().for_each(|value| walk(value, found));
            names.keys().map(String::as_str).collect()
        }
        _ => Vec::new(),
    };
    if let Some(Value::String(text)) = parts.first() {
        add_text(text, &own, found);
    }
}

/// The names in `${…}` of a text, but those that the function itself gives and literal ones (`${!…}`).
fn add_text(text: &str, own: &[&str], found: &mut BTreeSet<Reference>) {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            return;
        };
        rest = after;
        let name = name.trim();
        if name.starts_with('!') || own.contains(&name) {
            continue;
        }
        match name.split_once('.') {
            Some((id, attribute)) => {
                found.insert(Reference::Attribute(id.to_owned(), attribute.to_owned()));
            }
            None => add_name(name, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: Value, expected: &[&str]) {
        let shown: Vec<String> = references(&value)
            .into_iter()
            .map(|reference| match reference {
                Reference::Name(name) => name,
                Reference::Attribute(id, name) => format!("{id}.{name}"),
            })
            .collect();
        assert_eq!(shown, expected, "{value}");
    }

    #[test]
    fn references_are_found_wherever_they_are() {
        check(json!("Ref"), &[]);
        check(json!({"Ref": "AWS::Region"}), &[]);
        check(json!({"Fn::Join": ["-", [{"Ref": "B"}, {"Ref": "A"}]]}), &["A", "B"]);
        check(json!({"Fn::GetAtt": ["A", "Outputs.X"]}), &["A.Outputs.X"]);
        check(json!({"Fn::GetAtt": "A.Arn"}), &["A.Arn"]);
        check(json!({"Fn::GetAtt": ["A", {"Ref": "P"}]}), &["P", "A."]);
        check(
            json!({"Fn::Sub": "${!Not}-${A}-${B.Arn}-${AWS::Region}${C"}),
            &["A", "B.Arn"],
        );
        check(json!({"Fn::Sub": ["${x}-${A}", {"x": {"Ref": "B"}}]}), &["A", "B"]);
        check(json!({"Ref": "A", "Also": 1}), &[]);
        check(json!({"Properties": {"Ref": {"Ref": "A"}}}), &["A"]);
    }
}

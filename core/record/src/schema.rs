//! The published schema of the record, and what of a record is not of it.
//!
//! Debug builds hold every record that they journal against [`RECORD_SCHEMA`], so that every test of whatever part is a
//! test of its records too. What is here knows just the keywords that the schema uses and refuses any other, so that no
//! rule is passed over in silence; `dev/clients` holds the same records and the same mistakes against a validator of others.

use regex_lite::Regex;
use serde_json::{Map, Value};
use std::{collections::HashMap, fmt, sync::LazyLock};

/// `docs/record.schema.json`: JSON Schema, draft 2020-12.
pub const RECORD_SCHEMA: &str = include_str!("../../../docs/record.schema.json");

/// Mistakes that are told of one record.
const TOLD_MAX: usize = 8;

/// A record that is not of the published schema.
#[derive(Debug, thiserror::Error)]
#[error("a record is not of docs/record.schema.json: {}", .0.join("; "))]
pub struct Misfit(pub Vec<String>);

/// Whether a record, as JSON, is of the published schema; if not, where and why.
pub fn check_record(json: &[u8]) -> Result<(), Misfit> {
    static SCHEMA: LazyLock<Result<Schema, String>> = LazyLock::new(|| Schema::parse(RECORD_SCHEMA));
    let schema = SCHEMA.as_ref().map_err(|error| Misfit(vec![error.clone()]))?;
    let record: Value = serde_json::from_slice(json).map_err(|error| Misfit(vec![error.to_string()]))?;
    match schema.mistakes(&record) {
        none if none.is_empty() => Ok(()),
        mistakes => Err(Misfit(mistakes)),
    }
}

/// A schema of the keywords in [`Schema::holds`].
struct Schema {
    root: Value,
    patterns: HashMap<String, Regex>,
}

impl Schema {
    fn parse(text: &str) -> Result<Schema, String> {
        let root: Value = serde_json::from_str(text).map_err(|error| format!("the schema: {error}"))?;
        let mut schema = Schema {
            root: Value::Null,
            patterns: HashMap::new(),
        };
        schema.prepare(&root)?;
        schema.root = root;
        Ok(schema)
    }

    /// Compiles the patterns and refuses what is not known here.
    fn prepare(&mut self, schema: &Value) -> Result<(), String> {
        let Value::Object(keywords) = schema else {
            return match schema {
                Value::Bool(_) => Ok(()),
                other => Err(format!("no schema: {other}")),
            };
        };
        for (keyword, value) in keywords {
            match keyword.as_str() {
                "$schema" | "$id" | "$ref" | "title" | "description" | "const" | "enum" | "type" | "required"
                | "minLength" | "maxLength" | "minItems" | "minProperties" | "dependentRequired" => {}
                "pattern" => self.prepare_pattern(value)?,
                "additionalProperties" | "propertyNames" | "items" | "not" | "if" | "then" | "else" => {
                    self.prepare(value)?;
                }
                "oneOf" | "anyOf" | "allOf" => list(value).try_for_each(|one| self.prepare(one))?,
                "properties" | "$defs" => members(value).try_for_each(|(_, one)| self.prepare(one))?,
                unknown => return Err(format!("the keyword {unknown} of the schema is not known here")),
            }
        }
        Ok(())
    }

    fn prepare_pattern(&mut self, pattern: &Value) -> Result<(), String> {
        let pattern = pattern.as_str().unwrap_or_default();
        let regex = Regex::new(pattern).map_err(|error| format!("the pattern {pattern}: {error}"))?;
        self.patterns.insert(pattern.to_owned(), regex);
        Ok(())
    }

    /// What is wrong, told only if something is: most records are of the schema.
    fn mistakes(&self, value: &Value) -> Vec<String> {
        if self.fits(&self.root, value) {
            return Vec::new();
        }
        let mut told = Found::Told(Vec::new());
        self.check(&self.root, value, Place::TOP, &mut told);
        match told {
            Found::Told(all) => all,
            Found::Whether(_) => Vec::new(),
        }
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut found = Found::Whether(false);
        self.check(schema, value, Place::TOP, &mut found);
        !found.is_enough()
    }

    /// Adds the mistakes of a value at a place to those found before.
    fn check(&self, schema: &Value, value: &Value, place: Place<'_>, found: &mut Found) {
        match schema {
            Value::Object(keywords) => {
                for (keyword, rule) in keywords {
                    if found.is_enough() {
                        return;
                    }
                    self.holds(keywords, keyword, rule, value, place, found);
                }
            }
            Value::Bool(true) => {}
            _ => found.add(|| format!("{place} must not be there")),
        }
    }

    fn holds(
        &self,
        keywords: &Map<String, Value>,
        keyword: &str,
        rule: &Value,
        value: &Value,
        place: Place<'_>,
        found: &mut Found,
    ) {
        match keyword {
            "$ref" => self.check(self.resolve(rule), value, place, found),
            "properties" => {
                for (name, rule) in members(rule) {
                    if let Some(member) = value.get(name) {
                        self.check(rule, member, place.of(name), found);
                    }
                }
            }
            "additionalProperties" => {
                let known = keywords.get("properties").and_then(Value::as_object);
                let known = |name: &str| known.is_some_and(|all| all.contains_key(name));
                for (name, member) in members(value).filter(|(name, _)| !known(name)) {
                    self.check(rule, member, place.of(name), found);
                }
            }
            "propertyNames" => {
                for (name, _) in members(value) {
                    self.check(rule, &Value::from(name.as_str()), place.of(name), found);
                }
            }
            "items" => list(value).for_each(|item| self.check(rule, item, place.of("[]"), found)),
            "allOf" => list(rule).for_each(|rule| self.check(rule, value, place, found)),
            "if" => {
                let branch = if self.fits(rule, value) { "then" } else { "else" };
                if let Some(rule) = keywords.get(branch) {
                    self.check(rule, value, place, found);
                }
            }
            _ if self.is_so(keyword, rule, value) => {}
            _ => found.add(|| mistake(keyword, rule, value, place)),
        }
    }

    /// The rules that hold or do not, without parts.
    fn is_so(&self, keyword: &str, rule: &Value, value: &Value) -> bool {
        let text = value.as_str();
        let at_least = |count: Option<usize>| count.is_none_or(|count| rule.as_u64() <= Some(count as u64));
        match keyword {
            "const" => rule == value,
            "enum" => list(rule).any(|one| one == value),
            "type" => list(rule).chain([rule]).any(|one| one.as_str() == Some(kind(value))),
            "required" => value.as_object().is_none_or(|object| has_all(object, rule)),
            "dependentRequired" => value.as_object().is_none_or(|object| {
                members(rule).all(|(name, needs)| !object.contains_key(name) || has_all(object, needs))
            }),
            "pattern" => text.is_none_or(|text| {
                let regex = rule.as_str().and_then(|pattern| self.patterns.get(pattern));
                regex.is_some_and(|regex| regex.is_match(text))
            }),
            "minLength" => at_least(text.map(|text| text.chars().count())),
            "maxLength" => text.is_none_or(|text| rule.as_u64() >= Some(text.chars().count() as u64)),
            "minItems" => at_least(value.as_array().map(Vec::len)),
            "minProperties" => at_least(value.as_object().map(Map::len)),
            "oneOf" => list(rule).filter(|rule| self.fits(rule, value)).count() == 1,
            "anyOf" => list(rule).any(|rule| self.fits(rule, value)),
            "not" => !self.fits(rule, value),
            // What says nothing by itself; anything else was refused when the schema was read.
            _ => true,
        }
    }

    fn resolve(&self, reference: &Value) -> &Value {
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
        // A reference to nothing lets nothing pass.
        pointer
            .and_then(|pointer| self.root.pointer(pointer))
            .unwrap_or(&Value::Null)
    }
}

/// Mistakes in words, or whether there is any.
enum Found {
    Told(Vec<String>),
    Whether(bool),
}

impl Found {
    fn add(&mut self, mistake: impl FnOnce() -> String) {
        match self {
            Found::Told(all) => all.push(mistake()),
            Found::Whether(any) => *any = true,
        }
    }

    fn is_enough(&self) -> bool {
        match self {
            Found::Told(all) => all.len() >= TOLD_MAX,
            Found::Whether(any) => *any,
        }
    }
}

/// Where in a record a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    above: Option<&'a Place<'a>>,
    name: &'a str,
}

impl Place<'_> {
    const TOP: Place<'static> = Place { above: None, name: "" };

    fn of<'a>(&'a self, name: &'a str) -> Place<'a> {
        Place {
            above: Some(self),
            name,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.above {
            Some(above) => write!(f, "{above}/{}", self.name),
            None => Ok(()),
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn has_all(object: &Map<String, Value>, names: &Value) -> bool {
    list(names).all(|name| name.as_str().is_some_and(|name| object.contains_key(name)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn mistake(keyword: &str, rule: &Value, value: &Value, place: Place<'_>) -> String {
    let short = |value: &Value| crate::json::cut(&value.to_string(), 200).to_owned();
    format!("{place}: {keyword} {} is broken by {}", short(rule), short(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Params, event::tests::sample};

    fn mistakes_of(change: impl FnOnce(&mut Value)) -> usize {
        let mut json: Value = serde_json::from_slice(&sample().to_json()).unwrap();
        change(&mut json);
        check_record(json.to_string().as_bytes()).map_or_else(|misfit| misfit.0.len(), |()| 0)
    }

    /// Every mistake that the golden list names is found, and what it starts from has none.
    #[test]
    fn mistakes_are_found() {
        let golden = include_str!("../../../dev/golden/record_mistakes.json");
        let golden: Value = serde_json::from_str(golden).unwrap();
        assert_eq!(
            check_record(golden["record"].to_string().as_bytes()).map_err(|e| e.to_string()),
            Ok(())
        );
        let mistakes = golden["mistakes"].as_array().unwrap();
        assert!(mistakes.len() > 20);
        for mistake in mistakes {
            let mut record = golden["record"].clone();
            for (pointer, value) in mistake.as_object().unwrap() {
                let (parent, name) = pointer.rsplit_once('/').unwrap();
                let parent = record.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                match value.as_str() {
                    Some("(none)") => parent.remove(name),
                    _ => parent.insert(name.to_owned(), value.clone()),
                };
            }
            assert!(
                check_record(record.to_string().as_bytes()).is_err(),
                "not found: {mistake}"
            );
        }
    }

    #[test]
    fn the_sample_is_of_the_schema() {
        assert_eq!(mistakes_of(|_| ()), 0);
        assert_eq!(mistakes_of(|json| json["requestParameters"] = Value::Null), 0);
        assert!(check_record(b"{").is_err());
        assert!(check_record(b"null").is_err());
        let long = crate::EventRecord {
            request_parameters: Params::new().text("a", "x".repeat(200_000)),
            ..sample()
        };
        check_record(&long.to_json()).unwrap();
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let mut json: Value = serde_json::from_slice(&sample().to_json()).unwrap();
        json["resources"][0]["ARN"] = Value::from("key");
        let told = check_record(json.to_string().as_bytes()).unwrap_err().to_string();
        assert!(told.contains("/resources/[]/ARN: pattern"), "{told}");
    }

    #[test]
    fn what_is_not_known_here_is_refused() {
        for text in [
            r#"{"minimum": 1}"#,
            r#"{"properties": {"a": {"format": "date"}}}"#,
            r#"{"$defs": {"a": {"allOf": [{"unevaluatedProperties": false}]}}}"#,
            r#"{"pattern": "("}"#,
            r#"{"items": 1}"#,
        ] {
            assert!(Schema::parse(text).is_err(), "{text}");
        }
    }
}

//! What a template gives for a resource, held against the type's properties; the stack's tags among them.
//!
//! The words are those of the validator that AWS's resource handlers use. A value is taken for what the type declares: the text
//! `true` for a truth value, `90` for a number, a number for its text, and a policy document may be given as a text.
//!
//! SPEC: <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html>

use super::{Kind, Property, ResourceType};
use serde_json::{Map, Number, Value};

/// The properties, of the kinds that the type declares; or the resource event's reason with every fault, a line each.
///
/// `null` is no properties.
pub fn check(kind: &ResourceType, logical_id: &str, properties: &Value) -> Result<Value, String> {
    let mut faults = Faults {
        kind,
        found: Vec::new(),
    };
    let checked = match properties {
        Value::Null => faults.object(&Place::root(), kind.properties, &Value::Object(Map::new())),
        given => faults.object(&Place::root(), kind.properties, given),
    };
    if faults.found.is_empty() {
        return Ok(checked);
    }
    let faults = faults.found.join("\n");
    Err(format!(
        "Properties validation failed for resource {logical_id} with message:\n{faults}"
    ))
}

/// Checked properties with the stack's tags in the type's tags; a key that the resource has itself stays as it is.
pub fn with_stack_tags(kind: &ResourceType, mut properties: Value, stack_tags: &[(String, String)]) -> Value {
    let Some(tags) = kind.tags.filter(|_| !stack_tags.is_empty()) else {
        return properties;
    };
    let is_map = kind
        .properties
        .iter()
        .any(|property| property.name == tags.property && matches!(property.kind, Kind::Map));
    let Some(members) = properties.as_object_mut() else {
        return properties;
    };
    let empty = match is_map {
        true => Value::Object(Map::new()),
        false => Value::Array(Vec::new()),
    };
    match members.entry(tags.property).or_insert(empty) {
        Value::Object(own) => {
            for (key, value) in stack_tags {
                own.entry(key.clone()).or_insert_with(|| Value::from(value.as_str()));
            }
        }
        Value::Array(own) => {
            for (key, value) in stack_tags {
                if !own
                    .iter()
                    .any(|tag| tag.get("Key").and_then(Value::as_str) == Some(key))
                {
                    own.push(serde_json::json!({"Key": key, "Value": value}));
                }
            }
        }
        _ => {}
    }
    properties
}

/// Where in the properties something is: as the fault has it (`#/Rules/0/Id`), and as types name what they do not have
/// (`Rules.Id`).
struct Place {
    pointer: String,
    name: String,
}

impl Place {
    fn root() -> Place {
        Place {
            pointer: "#".to_owned(),
            name: String::new(),
        }
    }

    fn member(&self, member: &str) -> Place {
        Place {
            pointer: format!("{}/{member}", self.pointer),
            name: match self.name.as_str() {
                "" => member.to_owned(),
                name => format!("{name}.{member}"),
            },
        }
    }

    fn item(&self, at: usize) -> Place {
        Place {
            pointer: format!("{}/{at}", self.pointer),
            name: self.name.clone(),
        }
    }
}

struct Faults<'a> {
    kind: &'a ResourceType,
    found: Vec<String>,
}

impl Faults<'_> {
    /// What is missing, then what is too much, then what is in the members, as AWS's validator goes.
    fn object(&mut self, place: &Place, properties: &[Property], given: &Value) -> Value {
        let Value::Object(members) = given else {
            return self.another_kind(place, "JSONObject", given);
        };
        for property in properties.iter().filter(|property| property.required) {
            if !members.contains_key(property.name) {
                self.add(place, format!("required key [{}] not found", property.name));
            }
        }
        for name in members.keys() {
            if properties.iter().any(|property| property.name == name) {
                continue;
            }
            let below = place.member(name);
            match self.kind.unsupported.contains(&below.name.as_str()) {
                true => self.add(
                    &below,
                    format!(
                        "{} is a property of {} that this server does not support",
                        below.name, self.kind.name
                    ),
                ),
                false => self.add(place, format!("extraneous key [{name}] is not permitted")),
            }
        }
        let mut checked = Map::new();
        for property in properties {
            if let Some(value) = members.get(property.name) {
                let value = self.value(&place.member(property.name), &property.kind, value);
                checked.insert(property.name.to_owned(), value);
            }
        }
        Value::Object(checked)
    }

    fn value(&mut self, place: &Place, kind: &Kind, given: &Value) -> Value {
        match kind {
            Kind::Text => self.text(place, given),
            Kind::OneOf(words) => {
                let text = self.text(place, given);
                if text.as_str().is_some_and(|text| !words.contains(&text)) {
                    self.add(place, "failed validation constraint for keyword [enum]".to_owned());
                }
                text
            }
            Kind::Integer => self.integer(place, given),
            Kind::Boolean => self.boolean(place, given),
            Kind::Json => self.json(place, given),
            Kind::List(kind) | Kind::Set(kind) => match given {
                Value::Array(items) => items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| self.value(&place.item(at), kind, item))
                    .collect(),
                other => self.another_kind(place, "JSONArray", other),
            },
            Kind::Object(properties) => self.object(place, properties, given),
            Kind::Map => match given {
                Value::Object(members) => members
                    .iter()
                    .map(|(name, value)| (name.clone(), self.text(&place.member(name), value)))
                    .collect(),
                other => self.another_kind(place, "JSONObject", other),
            },
        }
    }

    fn text(&mut self, place: &Place, given: &Value) -> Value {
        match given {
            Value::String(_) => given.clone(),
            Value::Bool(truth) => Value::from(truth.to_string()),
            Value::Number(number) => Value::from(number.to_string()),
            other => self.another_kind(place, "String", other),
        }
    }

    fn integer(&mut self, place: &Place, given: &Value) -> Value {
        let number = match given {
            Value::Number(number) => whole(number),
            Value::String(text) => text.parse::<i64>().ok(),
            _ => None,
        };
        match number {
            Some(number) => Value::from(number),
            None => self.another_kind(place, "Integer", given),
        }
    }

    fn boolean(&mut self, place: &Place, given: &Value) -> Value {
        match given {
            Value::Bool(_) => given.clone(),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Value::Bool(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Value::Bool(false),
            other => self.another_kind(place, "Boolean", other),
        }
    }

    /// An object, or the text of one.
    fn json(&mut self, place: &Place, given: &Value) -> Value {
        match given {
            Value::Object(_) => given.clone(),
            Value::String(text) => match serde_json::from_str(text) {
                Ok(Value::Object(members)) => Value::Object(members),
                _ => self.another_kind(place, "JSONObject", given),
            },
            other => self.another_kind(place, "JSONObject", other),
        }
    }

    fn another_kind(&mut self, place: &Place, expected: &str, found: &Value) -> Value {
        let found = match found {
            Value::Null => "Null",
            Value::Bool(_) => "Boolean",
            Value::Number(number) if number.is_f64() => "BigDecimal",
            Value::Number(_) => "Integer",
            Value::String(_) => "String",
            Value::Array(_) => "JSONArray",
            Value::Object(_) => "JSONObject",
        };
        self.add(place, format!("expected type: {expected}, found: {found}"));
        Value::Null
    }

    fn add(&mut self, place: &Place, fault: String) {
        self.found.push(format!("{}: {fault}", place.pointer));
    }
}

/// A number without a fraction: `90`, `90.0`.
fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let text = number.to_string();
        text.strip_suffix(".0").and_then(|text| text.parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{Api, HandlerError},
        types::{Desired, Existing, Handler, Made, Tags},
    };
    use gateway::Boxed;
    use proptest::prelude::*;
    use serde_json::json;

    struct None;

    impl Handler for None {
        fn create<'a>(&'a self, _: &'a mut Api, _: &'a Desired) -> Boxed<'a, Result<Made, HandlerError>> {
            unreachable!()
        }
        fn update<'a>(
            &'a self,
            _: &'a mut Api,
            _: &'a Existing,
            _: &'a Desired,
        ) -> Boxed<'a, Result<Made, HandlerError>> {
            unreachable!()
        }
        fn delete<'a>(&'a self, _: &'a mut Api, _: &'a Existing) -> Boxed<'a, Result<(), HandlerError>> {
            unreachable!()
        }
        fn read<'a>(&'a self, _: &'a mut Api, _: &'a Existing) -> Boxed<'a, Result<Value, HandlerError>> {
            unreachable!()
        }
    }

    const RULE: Kind = Kind::Object(&[
        Property::new("Id", Kind::Text),
        Property::new("Status", Kind::OneOf(&["Enabled", "Disabled"])).required(),
    ]);

    static LISTED: ResourceType = ResourceType {
        name: "AWS::Test::Listed",
        properties: &[
            Property::new("Name", Kind::Text).required(),
            Property::new("Days", Kind::Integer),
            Property::new("On", Kind::Boolean),
            Property::new("Policy", Kind::Json),
            Property::new("Rules", Kind::List(&RULE)),
            Property::new("Tags", Kind::Set(&Kind::Map)),
        ],
        unsupported: &["Replication", "Rules.Transition"],
        attributes: &[],
        secrets: &[],
        tags: Some(Tags {
            property: "Tags",
            system: false,
        }),
        handler: &None,
    };

    static MAPPED: ResourceType = ResourceType {
        name: "AWS::Test::Mapped",
        properties: &[Property::new("Tags", Kind::Map)],
        unsupported: &[],
        attributes: &[],
        secrets: &[],
        tags: Some(Tags {
            property: "Tags",
            system: false,
        }),
        handler: &None,
    };

    fn faults(properties: &Value) -> Vec<String> {
        let text = check(&LISTED, "R", properties).expect_err("it has faults");
        let rest = text
            .strip_prefix("Properties validation failed for resource R with message:\n")
            .expect("the frame");
        rest.lines().map(str::to_owned).collect()
    }

    #[test]
    fn values_become_what_the_type_declares() {
        let given = json!({
            "Name": 5, "Days": "90", "On": "true", "Policy": "{\"Version\": \"2012-10-17\"}",
            "Rules": [{"Id": true, "Status": "Enabled"}], "Tags": [{"Key": "k", "Value": 1.5}],
        });
        let checked = check(&LISTED, "R", &given).expect("it is proper");
        assert_eq!(
            checked,
            json!({
                "Name": "5", "Days": 90, "On": true, "Policy": {"Version": "2012-10-17"},
                "Rules": [{"Id": "true", "Status": "Enabled"}], "Tags": [{"Key": "k", "Value": "1.5"}],
            })
        );
        assert_eq!(check(&LISTED, "R", &checked), Ok(checked.clone()), "once is enough");
        assert_eq!(
            check(&LISTED, "R", &json!({"Name": "n", "Days": 90.0, "On": "False"})),
            Ok(json!({"Name": "n", "Days": 90, "On": false}))
        );
        assert_eq!(check(&MAPPED, "R", &Value::Null), Ok(json!({})));
    }

    #[test]
    fn every_fault_is_told_where_it_is() {
        assert_eq!(faults(&Value::Null), ["#: required key [Name] not found"]);
        assert_eq!(
            faults(&json!({"Foo": 1, "Days": "many", "Rules": [{"Status": "On", "Bar": 2}, 3]})),
            [
                "#: required key [Name] not found",
                "#: extraneous key [Foo] is not permitted",
                "#/Days: expected type: Integer, found: String",
                "#/Rules/0: extraneous key [Bar] is not permitted",
                "#/Rules/0/Status: failed validation constraint for keyword [enum]",
                "#/Rules/1: expected type: JSONObject, found: Integer",
            ]
        );
        assert_eq!(
            faults(
                &json!({"Name": [], "Days": 1.5, "On": "yes", "Policy": "[]", "Rules": {}, "Tags": [{"Key": {}}, null]})
            ),
            [
                "#/Name: expected type: String, found: JSONArray",
                "#/Days: expected type: Integer, found: BigDecimal",
                "#/On: expected type: Boolean, found: String",
                "#/Policy: expected type: JSONObject, found: String",
                "#/Rules: expected type: JSONArray, found: JSONObject",
                "#/Tags/0/Key: expected type: String, found: JSONObject",
                "#/Tags/1: expected type: JSONObject, found: Null",
            ]
        );
    }

    #[test]
    fn what_is_not_here_is_refused_by_its_name() {
        assert_eq!(
            faults(&json!({"Name": "n", "Replication": {}, "Rules": [{"Status": "Enabled", "Transition": {}}]})),
            [
                "#/Replication: Replication is a property of AWS::Test::Listed that this server does not support",
                "#/Rules/0/Transition: Rules.Transition is a property of AWS::Test::Listed that this server does not support",
            ]
        );
    }

    #[test]
    fn tags_of_the_stack_stand_behind_the_own() {
        let stack = [
            ("a".to_owned(), "stack".to_owned()),
            ("b".to_owned(), "stack".to_owned()),
        ];
        let own = json!({"Tags": [{"Key": "b", "Value": "own"}]});
        assert_eq!(
            with_stack_tags(&LISTED, own, &stack),
            json!({"Tags": [{"Key": "b", "Value": "own"}, {"Key": "a", "Value": "stack"}]})
        );
        assert_eq!(
            with_stack_tags(&MAPPED, json!({"Tags": {"b": "own"}}), &stack),
            json!({"Tags": {"a": "stack", "b": "own"}})
        );
        assert_eq!(
            with_stack_tags(&MAPPED, json!({}), &stack),
            json!({"Tags": {"a": "stack", "b": "stack"}})
        );
        assert_eq!(with_stack_tags(&MAPPED, json!({}), &[]), json!({}));
    }

    /// Any JSON, with the names that the types have and some that they do not.
    fn json() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            Just("true".to_owned()),
            Just("90".to_owned()),
            Just("Enabled".to_owned()),
            ".{0,6}"
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        let name = prop::sample::select(vec![
            "Name", "Days", "On", "Policy", "Rules", "Tags", "Id", "Status", "Foo",
        ]);
        leaf.prop_recursive(4, 24, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name.clone(), inner, 0..6).prop_map(|members| members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()),
            ]
        })
    }

    proptest! {
        /// What was taken is taken again as it is, and what was not has a fault to tell.
        #[test]
        fn what_is_checked_stays(given in json()) {
            match check(&LISTED, "R", &given) {
                Ok(checked) => prop_assert_eq!(check(&LISTED, "R", &checked), Ok(checked.clone())),
                Err(faults) => prop_assert!(faults.lines().count() >= 2, "{}", faults),
            }
        }
    }
}

//! How a resource is now, held against what its template says: what drifted.
//!
//! Only what the template gives is compared, and of that only what can be read back. Values that mean the same are no
//! difference: sets without order, policies by their meaning, a name for the ARN that ends in it.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html>

use super::same::same;
use crate::types::{Kind, Property, ResourceType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `PropertyDifference`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// `PropertyPath`, such as `/BucketEncryption/ServerSideEncryptionConfiguration/0`.
    pub path: String,
    /// `ExpectedValue`: a text as it is, everything else as JSON; `null` for what should not be there.
    pub expected: String,
    /// `ActualValue`, in the same form.
    pub actual: String,
    /// `DifferenceType`
    pub kind: DifferenceType,
}

/// `DifferenceType`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DifferenceType {
    /// The resource has what the template does not say.
    Add,
    /// The resource has another value.
    NotEqual,
    /// The resource has no more what the template says.
    Remove,
}

impl DifferenceType {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            DifferenceType::Add => "ADD",
            DifferenceType::NotEqual => "NOT_EQUAL",
            DifferenceType::Remove => "REMOVE",
        }
    }
}

/// What was compared, and what differed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// `ExpectedProperties`: those of the template that can be read.
    pub expected: Value,
    /// `ActualProperties`: the same of the resource.
    pub actual: Value,
    /// The differences, by path.
    pub differences: Vec<Difference>,
}

/// Compares the properties that a resource was made of with those that were read.
pub fn compare(kind: &ResourceType, expected: &Value, actual: &Value) -> Comparison {
    let mut comparison = Comparison {
        expected: Value::Object(Map::new()),
        actual: Value::Object(Map::new()),
        differences: Vec::new(),
    };
    let own_tags = |name: &str, value: &Value| match kind.tags {
        Some(tags) if tags.property == name => without_system_tags(value),
        _ => value.clone(),
    };
    for (name, value) in expected.as_object().into_iter().flatten() {
        let Some(property) = kind.properties.iter().find(|property| property.name == name) else {
            continue;
        };
        if property.write_only || value.is_null() {
            continue;
        }
        let wanted = readable(&property.kind, &own_tags(name, value));
        let found = actual.get(name).filter(|value| !value.is_null());
        let found = found.map(|value| own_tags(name, value));
        let mut found_here = Differences::default();
        found_here.value(&format!("/{name}"), &property.kind, &wanted, found.as_ref());
        comparison.differences.append(&mut found_here.0);
        if let (Value::Object(members), Some(found)) = (&mut comparison.actual, found) {
            members.insert(name.clone(), found);
        }
        if let Value::Object(members) = &mut comparison.expected {
            members.insert(name.clone(), wanted);
        }
    }
    comparison
}

/// Tags that CloudFormation itself gives are nobody's drift.
fn without_system_tags(value: &Value) -> Value {
    let is_system = |key: &str| key.starts_with("aws:");
    match value {
        Value::Array(tags) => tags
            .iter()
            .filter(|tag| !tag.get("Key").and_then(Value::as_str).is_some_and(is_system))
            .cloned()
            .collect(),
        Value::Object(tags) => Value::Object(
            tags.iter()
                .filter(|(key, _)| !is_system(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// A value without what cannot be read back.
fn readable(kind: &Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Object(properties), Value::Object(members)) => {
            let kept = members.iter().filter_map(|(name, value)| {
                match properties.iter().find(|property| property.name == name) {
                    Some(property) if property.write_only => None,
                    Some(property) => Some((name.clone(), readable(&property.kind, value))),
                    None => Some((name.clone(), value.clone())),
                }
            });
            Value::Object(kept.collect())
        }
        (Kind::List(of) | Kind::Set(of), Value::Array(items)) => items.iter().map(|item| readable(of, item)).collect(),
        (_, other) => other.clone(),
    }
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn add(&mut self, path: &str, expected: Option<&Value>, actual: Option<&Value>) {
        let kind = match (expected, actual) {
            (None, _) => DifferenceType::Add,
            (_, None) => DifferenceType::Remove,
            _ => DifferenceType::NotEqual,
        };
        self.0.push(Difference {
            path: path.to_owned(),
            expected: shown(expected),
            actual: shown(actual),
            kind,
        });
    }

    fn value(&mut self, path: &str, kind: &Kind, expected: &Value, actual: Option<&Value>) {
        let Some(actual) = actual else {
            if !is_nothing(expected) {
                self.add(path, Some(expected), None);
            }
            return;
        };
        match (kind, expected, actual) {
            (Kind::Object(properties), Value::Object(wanted), Value::Object(found)) => {
                self.members(path, properties, wanted, found);
            }
            (Kind::List(of), Value::Array(wanted), Value::Array(found)) => self.list(path, of, wanted, found),
            (Kind::Set(of), Value::Array(wanted), Value::Array(found)) => self.set(path, of, wanted, found),
            (Kind::Map, Value::Object(wanted), Value::Object(found)) => self.document_members(path, wanted, found),
            (Kind::Json, wanted, found) => self.document(path, "", &parsed(wanted), &parsed(found)),
            (kind, wanted, found) => {
                if !same(kind, wanted, found) && !is_name_of(wanted, found) {
                    self.add(path, Some(expected), Some(actual));
                }
            }
        }
    }

    fn members(
        &mut self,
        path: &str,
        properties: &[Property],
        wanted: &Map<String, Value>,
        found: &Map<String, Value>,
    ) {
        for (name, value) in wanted.iter().filter(|(_, value)| !value.is_null()) {
            let known = properties.iter().find(|property| property.name == name);
            let kind = known.map_or(&Kind::Json, |property| &property.kind);
            let actual = found.get(name).filter(|value| !value.is_null());
            self.value(&format!("{path}/{name}"), kind, value, actual);
        }
    }

    fn list(&mut self, path: &str, of: &Kind, wanted: &[Value], found: &[Value]) {
        for at in 0..wanted.len().max(found.len()) {
            let path = format!("{path}/{at}");
            match (wanted.get(at), found.get(at)) {
                (Some(wanted), found) => self.value(&path, of, wanted, found),
                (None, found) => self.add(&path, None, found),
            }
        }
    }

    /// What has an equal in the other is no difference, and then what has one that only tells more; what is left is compared in
    /// pairs, in order.
    fn set(&mut self, path: &str, of: &Kind, wanted: &[Value], found: &[Value]) {
        let mut left: Vec<(usize, &Value)> = found.iter().enumerate().collect();
        let mut missing: Vec<(usize, &Value)> = wanted.iter().enumerate().collect();
        let is_within = |wanted: &Value, found: &Value| is_same_item(of, wanted, found);
        let is_equal = |wanted: &Value, found: &Value| is_within(wanted, found) && is_within(found, wanted);
        pair_off(&mut missing, &mut left, is_equal);
        pair_off(&mut missing, &mut left, is_within);
        let mut left = left.into_iter();
        for (at, wanted) in missing {
            self.value(&format!("{path}/{at}"), of, wanted, left.next().map(|(_, found)| found));
        }
        for (at, found) in left {
            self.add(&format!("{path}/{at}"), None, Some(found));
        }
    }

    /// A document is compared by its meaning, and where that differs, member by member.
    fn document(&mut self, path: &str, name: &str, expected: &Value, actual: &Value) {
        if meaning(name, expected) == meaning(name, actual) {
            return;
        }
        match (expected, actual) {
            (Value::Object(wanted), Value::Object(found)) => self.document_members(path, wanted, found),
            (Value::Array(wanted), Value::Array(found)) if wanted.iter().chain(found).all(Value::is_object) => {
                for at in 0..wanted.len().max(found.len()) {
                    let path = format!("{path}/{at}");
                    match (wanted.get(at), found.get(at)) {
                        (Some(wanted), Some(found)) => self.document(&path, "", wanted, found),
                        (wanted, found) => self.add(&path, wanted, found),
                    }
                }
            }
            _ => self.add(path, Some(expected), Some(actual)),
        }
    }

    fn document_members(&mut self, path: &str, wanted: &Map<String, Value>, found: &Map<String, Value>) {
        for (name, value) in wanted {
            let path = format!("{path}/{name}");
            match found.get(name) {
                Some(actual) => self.document(&path, name, value, actual),
                None => self.add(&path, Some(value), None),
            }
        }
        for (name, value) in found.iter().filter(|(name, _)| !wanted.contains_key(*name)) {
            self.add(&format!("{path}/{name}"), None, Some(value));
        }
    }
}

/// Takes out of both what there is of the one in the other.
fn pair_off(
    wanted: &mut Vec<(usize, &Value)>,
    found: &mut Vec<(usize, &Value)>,
    is_same: impl Fn(&Value, &Value) -> bool,
) {
    wanted.retain(
        |(_, wanted)| match found.iter().position(|(_, found)| is_same(wanted, found)) {
            Some(same) => {
                found.remove(same);
                false
            }
            None => true,
        },
    );
}

fn is_same_item(of: &Kind, wanted: &Value, found: &Value) -> bool {
    let mut differences = Differences::default();
    differences.value("", of, wanted, Some(found));
    differences.0.is_empty()
}

/// What is at its default may be left out where it is read.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_nothing),
        Value::String(text) => text.is_empty() || text == "false",
        Value::Number(_) | Value::Bool(true) => false,
    }
}

/// Whether one is an ARN and the other the name or id that it ends in. A log group's ARN ends in `:*` or does not.
fn is_name_of(one: &Value, other: &Value) -> bool {
    let (Value::String(one), Value::String(other)) = (one, other) else {
        return false;
    };
    let (one, other) = (one.trim_end_matches(":*"), other.trim_end_matches(":*"));
    let ends = |arn: &str, name: &str| {
        arn.starts_with("arn:")
            && !name.starts_with("arn:")
            && !name.is_empty()
            && arn
                .strip_suffix(name)
                .is_some_and(|rest| rest.ends_with('/') || rest.ends_with(':'))
    };
    one == other || ends(one, other) || ends(other, one)
}

fn parsed(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

/// A policy document in the one form that all of its meaning share: one text is a list of one, lists of texts have no order,
/// actions no case, and an account is its root's ARN. `name` is the member that holds the value.
fn meaning(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), meaning(name, value)))
                .collect(),
        ),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| one_meaning(name, item)).collect();
            if items.iter().all(Value::is_string) {
                items.sort_by_cached_key(Value::to_string);
                items.dedup();
            }
            Value::Array(items)
        }
        other => match name {
            "Version" | "Id" | "Sid" | "Effect" => one_meaning(name, other),
            _ => Value::Array(vec![one_meaning(name, other)]),
        },
    }
    .into_list_if(name == "Statement")
}

trait IntoListIf {
    fn into_list_if(self, is: bool) -> Value;
}

impl IntoListIf for Value {
    fn into_list_if(self, is: bool) -> Value {
        match self {
            Value::Array(_) => self,
            other if is => Value::Array(vec![other]),
            other => other,
        }
    }
}

fn one_meaning(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) => meaning("", value),
        Value::Number(number) => Value::String(number.to_string()),
        Value::Bool(truth) => Value::String(truth.to_string()),
        Value::String(text) => Value::String(match name {
            "Action" | "NotAction" => text.to_ascii_lowercase(),
            "AWS" if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("arn:aws:iam::{text}:root")
            }
            _ => text.clone(),
        }),
        Value::Null => Value::Null,
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "null".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{Api, HandlerError},
        types::{Desired, Existing, Handler, Made, Tags},
    };
    use gateway::Boxed;
    use serde_json::json;

    struct Nothing;

    impl Handler for Nothing {
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

    static RULE: Kind = Kind::Object(&[
        Property::new("Algorithm", Kind::Text),
        Property::new("KeyEnabled", Kind::Boolean),
        Property::new("Once", Kind::Text).write_only(),
    ]);
    static TAG: Kind = Kind::Object(&[Property::new("Key", Kind::Text), Property::new("Value", Kind::Text)]);
    static THING: ResourceType = ResourceType {
        name: "Test::A::Thing",
        properties: &[
            Property::new("KeyId", Kind::Text),
            Property::new("Rules", Kind::List(&RULE)),
            Property::new("Policy", Kind::Json),
            Property::new("Days", Kind::Integer),
            Property::new("On", Kind::Boolean),
            Property::new("Names", Kind::Set(&Kind::Text)),
            Property::new("Acl", Kind::Text).write_only(),
            Property::new("Tags", Kind::Set(&TAG)),
        ],
        unsupported: &[],
        attributes: &[],
        secrets: &[],
        tags: Some(Tags {
            property: "Tags",
            system: true,
        }),
        handler: &Nothing,
    };

    #[track_caller]
    fn check(expected: Value, actual: Value, differences: &[&str]) {
        let found: Vec<String> = compare(&THING, &expected, &actual)
            .differences
            .into_iter()
            .map(|one| format!("{} {} {} {}", one.path, one.kind.as_str(), one.expected, one.actual))
            .collect();
        assert_eq!(found, differences, "{expected} {actual}");
    }

    #[test]
    fn what_the_template_says_is_held_against_what_is_read() {
        check(json!({}), json!({"KeyId": "k", "On": true}), &[]);
        check(json!({"KeyId": "k"}), json!({}), &["/KeyId REMOVE k null"]);
        check(json!({"Days": "90"}), json!({"Days": 90}), &[]);
        check(json!({"On": false, "Names": []}), json!({}), &[]);
        check(json!({"On": true}), json!({"On": false}), &["/On NOT_EQUAL true false"]);
        check(json!({"Acl": "LogDeliveryWrite"}), json!({}), &[]);
        check(
            json!({"Rules": [{"Algorithm": "aws:kms", "Once": "x"}]}),
            json!({"Rules": [{"Algorithm": "AES256", "KeyEnabled": true}, {"Algorithm": "x"}]}),
            &[
                "/Rules/0/Algorithm NOT_EQUAL aws:kms AES256",
                "/Rules/1 ADD null {\"Algorithm\":\"x\"}",
            ],
        );
        check(
            json!({"Names": ["a", "b", "c"]}),
            json!({"Names": ["c", "x", "a", "y"]}),
            &["/Names/1 NOT_EQUAL b x", "/Names/3 ADD null y"],
        );
        check(
            json!({"Tags": [{"Key": "k", "Value": "v"}]}),
            json!({"Tags": [{"Key": "aws:cloudformation:stack-name", "Value": "s"}, {"Key": "k", "Value": "w"}]}),
            &["/Tags/0/Value NOT_EQUAL v w"],
        );
    }

    #[test]
    fn an_equal_item_comes_before_one_that_only_tells_more() {
        let (one, more) = (json!({"Key": "a"}), json!({"Key": "a", "Value": "b"}));
        check(json!({"Tags": [one, more]}), json!({"Tags": [more, one]}), &[]);
        check(json!({"Tags": [one]}), json!({"Tags": [more]}), &[]);
        check(
            json!({"Tags": [one, more]}),
            json!({"Tags": [one]}),
            &["/Tags/1 REMOVE {\"Key\":\"a\",\"Value\":\"b\"} null"],
        );
    }

    #[test]
    fn a_name_is_taken_for_its_arn() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/1234";
        check(json!({"KeyId": "1234"}), json!({"KeyId": arn}), &[]);
        check(json!({"KeyId": arn}), json!({"KeyId": "1234"}), &[]);
        check(
            json!({"KeyId": "234"}),
            json!({"KeyId": arn}),
            &[format!("/KeyId NOT_EQUAL 234 {arn}").as_str()],
        );
        check(json!({"KeyId": "arn:a:g:*"}), json!({"KeyId": "arn:a:g"}), &[]);
    }

    #[test]
    fn policies_are_compared_by_what_they_mean() {
        let policy = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": ["s3:PutObject", "S3:GetObject"],
            "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": true}}}});
        let read = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]}, "Resource": ["*"],
            "Action": ["s3:getobject", "s3:putobject"], "Condition": {"Bool": {"aws:SecureTransport": ["true"]}}}]});
        check(json!({"Policy": policy}), json!({"Policy": read.to_string()}), &[]);
        let other = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Deny", "Principal": {"AWS": "111122223333"}, "Action": "s3:*", "Sid": "x",
            "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]});
        check(
            json!({"Policy": read}),
            json!({"Policy": other}),
            &[
                "/Policy/Statement/0/Action NOT_EQUAL [\"s3:getobject\",\"s3:putobject\"] s3:*",
                "/Policy/Statement/0/Effect NOT_EQUAL Allow Deny",
                "/Policy/Statement/0/Sid ADD null x",
            ],
        );
    }

    #[test]
    fn what_was_compared_is_told() {
        let found = compare(
            &THING,
            &json!({"Acl": "x", "Days": 1, "Rules": [{"Once": "x"}]}),
            &json!({"Days": 2, "KeyId": "k"}),
        );
        assert_eq!(found.expected, json!({"Days": 1, "Rules": [{}]}));
        assert_eq!(found.actual, json!({"Days": 2}));
    }
}

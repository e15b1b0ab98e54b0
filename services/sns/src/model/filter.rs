//! Filter policies: which messages a subscription wants, by their attributes or by their bodies.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>

use crate::error::SnsError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::HashSet, net::IpAddr};

/// SPEC: <https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html>
const POLICY_BYTES_MAX: usize = 256 * 1024;
const KEYS_MAX: usize = 5;
const COMBINATIONS_MAX: usize = 150;
const DEPTH_MAX: usize = 32;

/// What a filter policy speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FilterScope {
    /// The message's attributes.
    #[default]
    MessageAttributes,
    /// The message's body, which is JSON.
    MessageBody,
}

impl FilterScope {
    /// Reads the attribute.
    pub fn parse(text: &str) -> Result<FilterScope, SnsError> {
        match text {
            "MessageAttributes" => Ok(FilterScope::MessageAttributes),
            "MessageBody" => Ok(FilterScope::MessageBody),
            _ => Err(SnsError::InvalidParameter(format!(
                "FilterPolicyScope: Invalid value [{text}]. Please use either MessageBody or MessageAttributes"
            ))),
        }
    }

    /// AWS's name.
    pub fn as_str(self) -> &'static str {
        match self {
            FilterScope::MessageAttributes => "MessageAttributes",
            FilterScope::MessageBody => "MessageBody",
        }
    }
}

/// A filter policy: every key must be met, by one of its rules.
#[derive(Debug)]
pub struct Filter(Level);

#[derive(Debug, Default)]
struct Level {
    keys: Vec<(String, Want)>,
    /// `$or`: one of each list must be met.
    either: Vec<Vec<Level>>,
}

#[derive(Debug)]
enum Want {
    Below(Level),
    OneOf(Vec<Rule>),
}

#[derive(Debug)]
enum Rule {
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    Suffix(String),
    AnythingBut(Box<Rule>),
    /// One of a list, which may be long.
    In {
        texts: HashSet<String>,
        /// By their bits, zero as one.
        numbers: HashSet<u64>,
    },
    Cidr(IpAddr, u8),
    Exists(bool),
    Numeric(Vec<(Compare, f64)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why a text is no filter policy; said after `FilterPolicy: `.
type Why = String;

impl Filter {
    /// Reads a policy of a scope. `within` is said before the reason: `Attributes Reason: ` in Subscribe.
    pub fn parse(text: &str, scope: FilterScope, within: &str) -> Result<Filter, SnsError> {
        parse(text, scope).map_err(|why| SnsError::InvalidParameter(format!("{within}FilterPolicy: {why}")))
    }

    /// Whether a message is wanted. `attributes` are its attributes by name, `body` is its text.
    pub fn wants(&self, scope: FilterScope, attributes: &Map<String, Value>, body: &str) -> bool {
        match scope {
            FilterScope::MessageAttributes => self.0.is_met(attributes),
            // A body that is no JSON object meets no policy of bodies.
            FilterScope::MessageBody => match serde_json::from_str(body) {
                Ok(Value::Object(members)) => self.0.is_met(&members),
                _ => false,
            },
        }
    }
}

fn parse(text: &str, scope: FilterScope) -> Result<Filter, Why> {
    if text.len() > POLICY_BYTES_MAX {
        return Err("Filter policy is too large".to_owned());
    }
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return Err("failed to parse JSON.".to_owned());
    };
    let (mut keys, mut combinations) = (0, 1);
    let level = parse_level(&members, scope, 1, &mut keys, &mut combinations)?;
    if keys > KEYS_MAX {
        return Err("Filter policy can not have more than 5 keys".to_owned());
    }
    if combinations > COMBINATIONS_MAX {
        return Err("Filter policy is too complex".to_owned());
    }
    Ok(Filter(level))
}

fn parse_level(
    members: &Map<String, Value>,
    scope: FilterScope,
    depth: usize,
    keys: &mut usize,
    combinations: &mut usize,
) -> Result<Level, Why> {
    let mut level = Level::default();
    if depth > DEPTH_MAX {
        return Err("Filter policy is too complex".to_owned());
    }
    for (name, value) in members {
        match value {
            Value::Array(all) if name == "$or" && all.len() > 1 && all.iter().all(Value::is_object) => {
                let mut sum = 0_usize;
                let mut choices = Vec::with_capacity(all.len());
                for members in all.iter().filter_map(Value::as_object) {
                    let mut own = 1;
                    choices.push(parse_level(members, scope, depth + 1, keys, &mut own)?);
                    sum = sum.saturating_add(own);
                }
                *combinations = combinations.saturating_mul(sum);
                level.either.push(choices);
            }
            Value::Array(rules) if rules.is_empty() => {
                return Err("Empty arrays are not allowed".to_owned());
            }
            Value::Array(rules) => {
                *keys += 1;
                // A key below others weighs as many times as it is deep.
                *combinations = combinations.saturating_mul(rules.len().saturating_mul(depth));
                let rules = rules.iter().map(parse_rule).collect::<Result<_, Why>>()?;
                level.keys.push((name.clone(), Want::OneOf(rules)));
            }
            Value::Object(_) if scope == FilterScope::MessageAttributes => {
                return Err("Filter policy scope MessageAttributes does not support nested filter policy".to_owned());
            }
            Value::Object(members) => {
                let below = parse_level(members, scope, depth + 1, keys, combinations)?;
                level.keys.push((name.clone(), Want::Below(below)));
            }
            _ => return Err(format!("\"{name}\" must be an object or an array")),
        }
    }
    Ok(level)
}

fn parse_rule(value: &Value) -> Result<Rule, Why> {
    let members = match value {
        Value::Array(_) => return Err("Match value must be String, number, true, false, or null".to_owned()),
        Value::Object(members) => members,
        exact => return Ok(Rule::Equals(exact.clone())),
    };
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((operator, operand)), None) => parse_operator(operator, operand),
        _ => Err("Only one key allowed in match expression".to_owned()),
    }
}

fn parse_operator(operator: &str, operand: &Value) -> Result<Rule, Why> {
    let text = |operand: &Value| {
        let text = operand.as_str().map(str::to_owned);
        text.ok_or_else(|| format!("{operator} match pattern must be a string"))
    };
    match operator {
        "prefix" => text(operand).map(Rule::Prefix),
        "suffix" => text(operand).map(Rule::Suffix),
        "equals-ignore-case" => text(operand).map(|text| Rule::EqualsIgnoreCase(text.to_lowercase())),
        "anything-but" => parse_anything_but(operand).map(|rule| Rule::AnythingBut(Box::new(rule))),
        "cidr" => {
            let malformed = || "Malformed CIDR, one '/' required".to_owned();
            let text = text(operand)?;
            let (address, bits) = text.split_once('/').ok_or_else(malformed)?;
            let address: IpAddr = address.parse().map_err(|_| "Malformed CIDR address".to_owned())?;
            let bits_max = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.parse().ok().filter(|bits| *bits <= bits_max);
            Ok(Rule::Cidr(
                address,
                bits.ok_or_else(|| "Malformed CIDR, mask bits must be an integer".to_owned())?,
            ))
        }
        "exists" => match operand {
            Value::Bool(exists) => Ok(Rule::Exists(*exists)),
            _ => Err("exists match pattern must be either true or false.".to_owned()),
        },
        "numeric" => parse_numeric(operand).map(Rule::Numeric),
        other => Err(format!("Unrecognized match type {other}")),
    }
}

fn parse_anything_but(operand: &Value) -> Result<Rule, Why> {
    match operand {
        Value::Array(values) if values.is_empty() => Err("Anything-But list must not be empty".to_owned()),
        Value::Array(values) if values.iter().all(|value| value.is_string() || value.is_number()) => Ok(Rule::In {
            texts: values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            numbers: values.iter().filter_map(Value::as_f64).map(bits).collect(),
        }),
        Value::String(_) | Value::Number(_) => Ok(Rule::Equals(operand.clone())),
        Value::Object(_) => match parse_rule(operand)? {
            rule @ (Rule::Prefix(_) | Rule::Suffix(_) | Rule::EqualsIgnoreCase(_)) => Ok(rule),
            _ => Err("Unsupported anything-but pattern".to_owned()),
        },
        _ => Err("Inside anything but list, start|null|boolean is not supported.".to_owned()),
    }
}

fn parse_numeric(operand: &Value) -> Result<Vec<(Compare, f64)>, Why> {
    let members = operand.as_array().ok_or("Value of numeric must be an array.")?;
    let bad = |value: Option<&Value>| {
        let shown = value.map_or_else(|| "]".to_owned(), Value::to_string);
        format!("Invalid member in numeric match: {shown}")
    };
    let first = members
        .first()
        .and_then(Value::as_str)
        .ok_or_else(|| bad(members.first()))?;
    let number = |named: &str, value: Option<&Value>| {
        let number = value.and_then(Value::as_f64).filter(|n| n.abs() <= 1e9);
        number.ok_or_else(|| format!("Value of {named} must be numeric"))
    };
    let bottom = match first {
        "=" => (Compare::Equal, number("equals", members.get(1))?),
        "<" => (Compare::Less, number(first, members.get(1))?),
        "<=" => (Compare::LessOrEqual, number(first, members.get(1))?),
        ">" => (Compare::Greater, number(first, members.get(1))?),
        ">=" => (Compare::GreaterOrEqual, number(first, members.get(1))?),
        other => return Err(format!("Unrecognized numeric range operator: {other}")),
    };
    let Some(second) = members.get(2) else {
        return Ok(vec![bottom]);
    };
    if !matches!(bottom.0, Compare::Greater | Compare::GreaterOrEqual) {
        return Err("Too many elements in numeric expression".to_owned());
    }
    let second = second
        .as_str()
        .ok_or_else(|| format!("Bad value in numeric range: {second}"))?;
    let compare = match second {
        "<" => Compare::Less,
        "<=" => Compare::LessOrEqual,
        other => return Err(format!("Bad numeric range operator: {other}")),
    };
    let top = (compare, number(second, members.get(3))?);
    if members.len() > 4 {
        return Err("Too many terms in numeric range expression".to_owned());
    }
    if bottom.1 >= top.1 {
        return Err("Bottom must be less than top".to_owned());
    }
    Ok(vec![bottom, top])
}

impl Level {
    fn is_met(&self, members: &Map<String, Value>) -> bool {
        self.keys.iter().all(|(name, want)| want.is_met(members.get(name)))
            && self
                .either
                .iter()
                .all(|choices| choices.iter().any(|choice| choice.is_met(members)))
    }
}

impl Want {
    fn is_met(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Want::OneOf(rules), value) => rules.iter().any(|rule| rule.is_met_by_any(value)),
            (Want::Below(level), Some(Value::Object(members))) => level.is_met(members),
            // A list of objects: one of them.
            (Want::Below(level), Some(Value::Array(items))) => items
                .iter()
                .any(|item| item.as_object().is_some_and(|members| level.is_met(members))),
            (Want::Below(level), _) => level.is_met(&Map::new()),
        }
    }
}

impl Rule {
    /// Whether the value, or one of those that it lists, is meant.
    fn is_met_by_any(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Rule::Exists(wanted), value) => *wanted == value.is_some(),
            (_, None) => false,
            (_, Some(Value::Array(items))) => items.iter().any(|item| self.is_met(item)),
            (_, Some(value)) => self.is_met(value),
        }
    }

    fn is_met(&self, value: &Value) -> bool {
        match (self, value) {
            (Rule::Equals(Value::Number(wanted)), Value::Number(number)) => wanted.as_f64() == number.as_f64(),
            (Rule::Equals(wanted), value) => wanted == value,
            (Rule::EqualsIgnoreCase(wanted), Value::String(text)) => text.to_lowercase() == *wanted,
            (Rule::Prefix(wanted), Value::String(text)) => text.starts_with(wanted),
            (Rule::Suffix(wanted), Value::String(text)) => text.ends_with(wanted),
            (Rule::AnythingBut(unwanted), Value::String(_) | Value::Number(_)) => !unwanted.is_met(value),
            (Rule::In { texts, .. }, Value::String(text)) => texts.contains(text),
            (Rule::In { numbers, .. }, Value::Number(number)) => {
                number.as_f64().is_some_and(|number| numbers.contains(&bits(number)))
            }
            (Rule::Cidr(network, bits), Value::String(text)) => text.parse().is_ok_and(|ip| is_in(ip, *network, *bits)),
            (Rule::Numeric(bounds), Value::Number(number)) => number
                .as_f64()
                .is_some_and(|number| bounds.iter().all(|(compare, bound)| compare.holds(number, *bound))),
            _ => false,
        }
    }
}

/// What two numbers that are equal have in common.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

impl Compare {
    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Compare::Equal => (number - bound).abs() < 1e-5,
            Compare::Less => number < bound,
            Compare::LessOrEqual => number <= bound,
            Compare::Greater => number > bound,
            Compare::GreaterOrEqual => number >= bound,
        }
    }
}

fn is_in(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            u32::from(ip) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            u128::from(ip) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wire::AwsError;

    fn wants(scope: FilterScope, policy: Value, message: Value) -> bool {
        let filter = Filter::parse(&policy.to_string(), scope, "").unwrap();
        match scope {
            FilterScope::MessageAttributes => filter.wants(scope, message.as_object().unwrap(), ""),
            FilterScope::MessageBody => filter.wants(scope, &Map::new(), &message.to_string()),
        }
    }

    #[test]
    fn every_key_is_met_by_one_of_its_rules() {
        let check = |policy: Value, message: Value, expected| {
            for scope in [FilterScope::MessageAttributes, FilterScope::MessageBody] {
                assert_eq!(
                    wants(scope, policy.clone(), message.clone()),
                    expected,
                    "{policy} {message}"
                );
            }
        };
        let policy = json!({"store": ["a", "b"], "price": [{"numeric": [">=", 10, "<", 20]}]});
        check(policy.clone(), json!({"store": "a", "price": 10}), true);
        check(policy.clone(), json!({"store": "b", "price": 19.5}), true);
        check(policy.clone(), json!({"store": "c", "price": 10}), false);
        check(policy.clone(), json!({"store": "a", "price": 20}), false);
        check(policy, json!({"store": "a"}), false);
        check(json!({"k": [{"exists": false}]}), json!({}), true);
        check(json!({"k": [{"exists": false}]}), json!({"k": "v"}), false);
        check(json!({"k": [{"exists": true}]}), json!({"k": "v"}), true);
        check(json!({"k": [{"anything-but": ["a", 1]}]}), json!({"k": "b"}), true);
        check(json!({"k": [{"anything-but": ["a", 1]}]}), json!({"k": 1}), false);
        check(
            json!({"k": [{"anything-but": ["a", 1, -0.0]}]}),
            json!({"k": 1.0}),
            false,
        );
        check(json!({"k": [{"anything-but": ["a", 1, -0.0]}]}), json!({"k": 0}), false);
        check(json!({"k": [{"anything-but": ["a", 1]}]}), json!({"k": "1"}), true);
        check(
            json!({"k": [{"anything-but": {"prefix": "a"}}]}),
            json!({"k": "ab"}),
            false,
        );
        check(json!({"k": [{"anything-but": "a"}]}), json!({}), false);
        check(
            json!({"k": [{"prefix": "ab"}, {"suffix": "yz"}]}),
            json!({"k": "xyz"}),
            true,
        );
        check(json!({"k": [{"equals-ignore-case": "AbC"}]}), json!({"k": "aBc"}), true);
        check(json!({"k": [{"cidr": "10.0.0.0/8"}]}), json!({"k": "10.1.2.3"}), true);
        check(json!({"k": [{"cidr": "10.0.0.0/8"}]}), json!({"k": "11.1.2.3"}), false);
        check(json!({"k": [{"cidr": "::/0"}]}), json!({"k": "2001:db8::1"}), true);
        check(json!({"k": [5, true, null]}), json!({"k": 5.0}), true);
        check(json!({"k": [5]}), json!({"k": "5"}), false);
        check(json!({"k": ["a"]}), json!({"k": ["b", "a"]}), true);
        let either = json!({"s": ["x"], "$or": [{"m": ["a"]}, {"n": [1]}]});
        check(either.clone(), json!({"s": "x", "m": "a"}), true);
        check(either.clone(), json!({"s": "x", "n": 1}), true);
        check(either, json!({"s": "x"}), false);
    }

    #[test]
    fn bodies_are_looked_into() {
        let check = |policy: Value, body: Value, expected| {
            assert_eq!(
                wants(FilterScope::MessageBody, policy.clone(), body.clone()),
                expected,
                "{policy} {body}"
            );
        };
        check(json!({"a": {"b": ["x"]}}), json!({"a": {"b": "x"}}), true);
        check(json!({"a": {"b": ["x"]}}), json!({"a": [{"b": "y"}, {"b": "x"}]}), true);
        check(json!({"a": {"b": ["x"]}}), json!({"a": "x"}), false);
        check(json!({"a": {"b": [{"exists": false}]}}), json!({}), true);
        check(json!({"a": ["x"]}), json!("x"), false);
    }

    #[test]
    fn bad_policies_are_refused_in_snss_words() {
        let check = |scope, policy: &str, expected: &str| {
            let message = Filter::parse(policy, scope, "").unwrap_err().message();
            assert_eq!(
                message,
                format!("Invalid parameter: FilterPolicy: {expected}"),
                "{policy}"
            );
        };
        let on = FilterScope::MessageAttributes;
        check(on, "[]", "failed to parse JSON.");
        check(on, r#"{"k":"v"}"#, "\"k\" must be an object or an array");
        check(
            on,
            r#"{"k":[["v"]]}"#,
            "Match value must be String, number, true, false, or null",
        );
        check(on, r#"{"k":[{"wrong":true}]}"#, "Unrecognized match type wrong");
        check(
            on,
            r#"{"k":[{"suffix":"a","prefix":"b"}]}"#,
            "Only one key allowed in match expression",
        );
        check(on, r#"{"k":[{"suffix":100}]}"#, "suffix match pattern must be a string");
        check(
            on,
            r#"{"k":[{"exists":"no"}]}"#,
            "exists match pattern must be either true or false.",
        );
        check(on, r#"{"k":[{"numeric":[]}]}"#, "Invalid member in numeric match: ]");
        check(
            on,
            r#"{"k":[{"numeric":[1,"<="]}]}"#,
            "Invalid member in numeric match: 1",
        );
        check(
            on,
            r#"{"k":[{"numeric":["operator"]}]}"#,
            "Unrecognized numeric range operator: operator",
        );
        check(
            on,
            r#"{"k":[{"numeric":["=","000"]}]}"#,
            "Value of equals must be numeric",
        );
        check(on, r#"{"k":[{"numeric":[">="]}]}"#, "Value of >= must be numeric");
        check(
            on,
            r#"{"k":[{"numeric":["<",100,">",10]}]}"#,
            "Too many elements in numeric expression",
        );
        check(
            on,
            r#"{"k":[{"numeric":[">=",1,">",2]}]}"#,
            "Bad numeric range operator: >",
        );
        check(
            on,
            r#"{"k":[{"numeric":[">",3,"<",1]}]}"#,
            "Bottom must be less than top",
        );
        check(
            on,
            r#"{"k":[{"numeric":[">",20,30]}]}"#,
            "Bad value in numeric range: 30",
        );
        check(
            on,
            r#"{"k":[{"numeric":[">",20,"<",30,"<",50]}]}"#,
            "Too many terms in numeric range expression",
        );
        let many = |n: usize| format!("[{}]", vec!["1"; n].join(","));
        check(on, &format!(r#"{{"k":{}}}"#, many(151)), "Filter policy is too complex");
        check(
            on,
            r#"{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}"#,
            "Filter policy can not have more than 5 keys",
        );
        check(
            on,
            r#"{"a":{"b":[1]}}"#,
            "Filter policy scope MessageAttributes does not support nested filter policy",
        );
        assert!(Filter::parse(&format!(r#"{{"k":{}}}"#, many(150)), on, "").is_ok());
    }
}

//! Stack policies: which resources of a stack an update may modify, replace or delete.
//!
//! A stack without a policy lets everything be done. With one, what no statement allows is refused, and a `Deny` wins.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html>

use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest policy, in bytes.
pub const POLICY_BYTES_MAX: usize = 16_384;

/// What an update does to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateAction {
    /// It is changed in place.
    Modify,
    /// A new one takes its place.
    Replace,
    /// It is deleted.
    Delete,
}

impl UpdateAction {
    /// As policies write it.
    pub fn as_str(self) -> &'static str {
        match self {
            UpdateAction::Modify => "Update:Modify",
            UpdateAction::Replace => "Update:Replace",
            UpdateAction::Delete => "Update:Delete",
        }
    }
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackPolicy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    is_deny: bool,
    actions: Names,
    resources: Names,
    /// Patterns of resource types, of which one must fit in each list.
    types: Vec<Vec<String>>,
}

/// Patterns of which one fits, or of which none does.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Names {
    is_not: bool,
    patterns: Vec<String>,
}

/// A text that is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPolicy;

impl StackPolicy {
    /// Reads a policy: JSON with statements of `Effect`, `Action` or `NotAction`, `Principal` (`*`, which alone there is),
    /// `Resource` or `NotResource` and perhaps a `Condition` on `ResourceType`.
    pub fn parse(text: &str) -> Result<StackPolicy, InvalidPolicy> {
        let document: Map<String, Value> = serde_json::from_str(text).map_err(|_| InvalidPolicy)?;
        if document
            .keys()
            .any(|name| !["Statement", "Version", "Id"].contains(&name.as_str()))
        {
            return Err(InvalidPolicy);
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().collect(),
            Some(statement @ Value::Object(_)) => vec![statement],
            None if document.is_empty() => Vec::new(),
            _ => return Err(InvalidPolicy),
        };
        let statements = statements.into_iter().map(statement).collect::<Result<_, _>>()?;
        Ok(StackPolicy { statements })
    }

    /// Refuses what the policy does not let be done, with the reason of the resource's event.
    pub fn check(&self, action: UpdateAction, logical_id: &str, resource_type: &str) -> Result<(), String> {
        let resource = format!("LogicalResourceId/{logical_id}");
        let fits = |statement: &Statement| statement.fits(action, &resource, resource_type);
        let denying: Vec<String> = (1..)
            .zip(&self.statements)
            .filter(|(_, statement)| statement.is_deny && fits(statement))
            .map(|(number, _)| {
                format!(
                    "Statement [#{number}] does not allow [{}] for resource [{resource}];",
                    action.as_str()
                )
            })
            .collect();
        if !denying.is_empty() {
            return Err(format!("Action denied by stack policy: {}", denying.join(" ")));
        }
        match self
            .statements
            .iter()
            .any(|statement| !statement.is_deny && fits(statement))
        {
            true => Ok(()),
            false => Err("Action not allowed by stack policy".to_owned()),
        }
    }

    /// Whether it says nothing, as the empty object does: then it is no policy.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }
}

impl Statement {
    fn fits(&self, action: UpdateAction, resource: &str, resource_type: &str) -> bool {
        self.actions.fit(action.as_str(), true)
            && self.resources.fit(resource, false)
            && self
                .types
                .iter()
                .all(|patterns| patterns.iter().any(|pattern| matches(pattern, resource_type)))
    }
}

impl Names {
    fn fit(&self, name: &str, ignore_case: bool) -> bool {
        let found = self.patterns.iter().any(|pattern| match ignore_case {
            true => matches(&pattern.to_ascii_lowercase(), &name.to_ascii_lowercase()),
            false => matches(pattern, name),
        });
        found != self.is_not
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawStatement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: String,
    action: Option<OneOrMore>,
    not_action: Option<OneOrMore>,
    principal: Option<Value>,
    not_principal: Option<Value>,
    resource: Option<OneOrMore>,
    not_resource: Option<OneOrMore>,
    condition: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn into_list(self) -> Vec<String> {
        match self {
            OneOrMore::One(text) => vec![text],
            OneOrMore::More(texts) => texts,
        }
    }
}

fn statement(value: &Value) -> Result<Statement, InvalidPolicy> {
    let raw = RawStatement::deserialize(value).map_err(|_| InvalidPolicy)?;
    let is_deny = match raw.effect.as_str() {
        "Allow" => false,
        "Deny" => true,
        _ => return Err(InvalidPolicy),
    };
    if raw.principal != Some(Value::from("*")) || raw.not_principal.is_some() {
        return Err(InvalidPolicy);
    }
    let actions = names(raw.action, raw.not_action)?;
    if !actions.patterns.iter().all(|pattern| is_action(pattern)) {
        return Err(InvalidPolicy);
    }
    let resources = names(raw.resource, raw.not_resource)?;
    let is_resource = |pattern: &String| pattern == "*" || pattern.starts_with("LogicalResourceId/");
    if !resources.patterns.iter().all(is_resource) {
        return Err(InvalidPolicy);
    }
    Ok(Statement {
        is_deny,
        actions,
        resources,
        types: raw.condition.map(condition).transpose()?.unwrap_or_default(),
    })
}

fn names(is: Option<OneOrMore>, is_not: Option<OneOrMore>) -> Result<Names, InvalidPolicy> {
    let names = match (is, is_not) {
        (Some(names), None) => Names {
            is_not: false,
            patterns: names.into_list(),
        },
        (None, Some(names)) => Names {
            is_not: true,
            patterns: names.into_list(),
        },
        _ => return Err(InvalidPolicy),
    };
    match names.patterns.is_empty() {
        true => Err(InvalidPolicy),
        false => Ok(names),
    }
}

/// An action that there is, or a pattern of one.
fn is_action(pattern: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    ["update:modify", "update:replace", "update:delete"]
        .iter()
        .any(|action| matches(&pattern, action))
}

/// `{"StringEquals" | "StringLike": {"ResourceType": …}}`; no other condition is there.
fn condition(operators: Map<String, Value>) -> Result<Vec<Vec<String>>, InvalidPolicy> {
    let mut lists = Vec::new();
    for (operator, keys) in operators {
        if operator != "StringEquals" && operator != "StringLike" {
            return Err(InvalidPolicy);
        }
        let Value::Object(keys) = keys else {
            return Err(InvalidPolicy);
        };
        for (key, value) in keys {
            if key != "ResourceType" {
                return Err(InvalidPolicy);
            }
            let patterns = OneOrMore::deserialize(value).map_err(|_| InvalidPolicy)?.into_list();
            lists.push(patterns);
        }
    }
    Ok(lists)
}

/// Whether the name fits the pattern, in which `*` is any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ALLOW: &str = r#"{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}"#;

    #[track_caller]
    fn check(policy: &Value, action: UpdateAction, resource: (&str, &str), expected: Result<(), &str>) {
        let policy = StackPolicy::parse(&policy.to_string()).expect("it is a policy");
        let found = policy.check(action, resource.0, resource.1);
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn what_no_statement_allows_is_refused_and_a_deny_wins() {
        let allow: Value = serde_json::from_str(ALLOW).expect("JSON");
        let topic = ("Topic", "AWS::SNS::Topic");
        check(&json!({"Statement": [allow]}), UpdateAction::Delete, topic, Ok(()));
        let policy = json!({"Statement": [
            allow,
            {"Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*", "Resource": "*",
             "Condition": {"StringEquals": {"ResourceType": ["AWS::SNS::Topic", "AWS::KMS::Key"]}}},
        ]});
        check(&policy, UpdateAction::Modify, topic, Ok(()));
        check(&policy, UpdateAction::Replace, ("Other", "AWS::S3::Bucket"), Ok(()));
        check(
            &policy,
            UpdateAction::Replace,
            topic,
            Err(
                "Action denied by stack policy: Statement [#2] does not allow [Update:Replace] for resource \
                 [LogicalResourceId/Topic];",
            ),
        );
        let only = json!({"Statement": {"Effect": "Allow", "NotAction": "update:delete", "Principal": "*",
                                        "NotResource": "LogicalResourceId/Topic*"}});
        check(&only, UpdateAction::Modify, ("Key", "AWS::KMS::Key"), Ok(()));
        let refused = Err("Action not allowed by stack policy");
        check(&only, UpdateAction::Delete, ("Key", "AWS::KMS::Key"), refused);
        check(&only, UpdateAction::Modify, ("Topic2", "AWS::SNS::Topic"), refused);
        let like = json!({"Statement": [{"Effect": "Allow", "Action": "Update:M*", "Principal": "*",
            "Resource": "LogicalResourceId/A*Z", "Condition": {"StringLike": {"ResourceType": "AWS::S3::*"}}}]});
        check(&like, UpdateAction::Modify, ("AtoZ", "AWS::S3::Bucket"), Ok(()));
        check(&like, UpdateAction::Modify, ("AtoZ", "AWS::KMS::Key"), refused);
        check(&like, UpdateAction::Modify, ("AtoY", "AWS::S3::Bucket"), refused);
        assert_eq!(StackPolicy::parse("{}").map(|policy| policy.is_empty()), Ok(true));
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for text in [
            "policy",
            "[]",
            r#"{"Statement": "no"}"#,
            r#"{"Statement": [{"Effect": "Allow", "Action": "Update:*", "Resource": "*"}]}"#,
            r#"{"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "root", "Resource": "*"}]}"#,
            r#"{"Statement": [{"Effect": "Allow", "Action": "Delete:*", "Principal": "*", "Resource": "*"}]}"#,
            r#"{"Statement": [{"Effect": "Maybe", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}"#,
            r#"{"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "arn:aws:s3:::b"}]}"#,
            r#"{"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*",
                "Condition": {"StringEquals": {"aws:x": "y"}}}]}"#,
            r#"{"Statement": [{"Effect": "Allow", "Action": [], "Principal": "*", "Resource": "*"}]}"#,
        ] {
            assert_eq!(StackPolicy::parse(text), Err(InvalidPolicy), "{text}");
        }
    }
}

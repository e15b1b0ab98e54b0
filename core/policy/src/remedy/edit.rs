//! The operations on documents that a remedy is made of. They know the shapes that a document may have: one statement or
//! a list, one value or a list.

use crate::{
    Context, PatchOp, Policy, PolicyKind, Principal, Statement,
    condition::Condition,
    json::{self, Json, Scalar},
    patch::{Op, escaped},
    principal::{Named, Who},
    statement::{Asked, Element, Miss, Outcome, Side},
};
use serde_json::{Value, json};

/// A statement by its id, or by its place counted from one.
pub(super) fn named(statement: &Statement, index: usize) -> String {
    match statement.sid() {
        Some(sid) => format!("the statement `{sid}`"),
        None => format!("statement {}", index + 1),
    }
}

/// The condition that leaves out who asks: operator, key, value. `None` when the context does not say who that is, or
/// when the value would be more than itself in a policy.
fn exemption(asked: Asked<'_>) -> Option<(&'static str, &'static str, &str)> {
    let (operator, key) = match asked.principal {
        Principal::Anonymous => ("StringNotEquals", "aws:PrincipalType"),
        Principal::Service { .. } => ("StringNotEquals", "aws:PrincipalServiceName"),
        Principal::Root { .. } | Principal::Session { .. } | Principal::User { .. } => {
            ("ArnNotEquals", "aws:PrincipalArn")
        }
    };
    match asked.context.get(key) {
        Some([value]) if !value.contains(['*', '?', '$']) => Some((operator, key, value)),
        _ => None,
    }
}

/// Adds the condition that leaves out who asks.
pub(super) fn spare(policy: &Policy, index: usize, asked: Asked<'_>) -> Option<PatchOp> {
    let (operator, key, value) = exemption(asked)?;
    let (path, statement) = statement_at(policy, index)?;
    let path = format!("{path}/Condition");
    let Some(condition) = statement.member("Condition") else {
        return Some(add(path, json!({operator: {key: value}})));
    };
    let Some((operator, keys)) = condition.member_ignoring_case(operator) else {
        return Some(add(format!("{path}/{operator}"), json!({key: value})));
    };
    let path = format!("{path}/{}", escaped(operator));
    Some(match keys.member_ignoring_case(key) {
        None => add(format!("{path}/{}", escaped(key)), value.into()),
        Some((key, values)) => one_more(format!("{path}/{}", escaped(key)), values, value),
    })
}

/// Takes a statement away, when it is not the only one.
pub(super) fn remove(policy: &Policy, index: usize) -> Option<PatchOp> {
    let (path, _) = statement_at(policy, index)?;
    (policy.statements().len() > 1).then_some(PatchOp {
        op: Op::Remove,
        path,
        value: None,
    })
}

/// The operations that may make an `Allow` match by one more value, each with what it adds, in words.
pub(super) fn extend(policy: &Policy, index: usize, side: Side, asked: Asked<'_>) -> Vec<(PatchOp, String)> {
    let Some(statement) = policy.statements().get(index) else {
        return Vec::new();
    };
    let met = statement.meet(side, asked);
    if !misses_only_once(statement, met, side, asked) || !gives_no_more(statement, policy.kind(), met, asked) {
        return Vec::new();
    }
    let Some((path, written)) = statement_at(policy, index) else {
        return Vec::new();
    };
    let one = |member: &str, value: &str, words: String| {
        let op = written.member(member)?;
        Some((one_more(format!("{path}/{member}"), op, value), words))
    };
    let found = match met {
        Outcome::Unmatched(Miss::Action) => one("Action", asked.action, format!("the action {}", asked.action)),
        Outcome::Unmatched(Miss::Resource) => {
            let resource = resource(policy.kind(), policy.variables, asked);
            one("Resource", &resource, format!("the resource {resource}"))
        }
        // A match here is one by the account, where the caller's own name is asked for.
        Outcome::Unmatched(Miss::Principal) | Outcome::Matched(_) => written
            .member("Principal")
            .and_then(|names| one_more_name(format!("{path}/Principal"), names, asked.principal)),
        Outcome::Unmatched(Miss::Condition(at)) => {
            return statement
                .conditions
                .get(at)
                .map(|condition| one_more_wanted(&path, &written, condition, policy.variables, asked.context))
                .unwrap_or_default();
        }
        Outcome::Unmatched(Miss::Inert) | Outcome::Undecidable(_) => None,
    };
    found.into_iter().collect()
}

/// Whether the statement would match were it not for its first miss. Most statements of a policy are of other things, and
/// this tells without a look at the document.
fn misses_only_once(statement: &Statement, met: Outcome, side: Side, asked: Asked<'_>) -> bool {
    let mut without = statement.clone();
    match met {
        Outcome::Matched(_) => return true,
        Outcome::Undecidable(_) | Outcome::Unmatched(Miss::Inert) => return false,
        Outcome::Unmatched(Miss::Action) => match Element::actions(false, &["*"]) {
            Ok(every) => without.actions = every,
            Err(_) => return false,
        },
        Outcome::Unmatched(Miss::Resource) => without.resources = None,
        Outcome::Unmatched(Miss::Principal) => {
            without.who = Some(Box::new(Who {
                not: false,
                named: vec![Named::Everyone],
                texts: Vec::new(),
            }));
        }
        Outcome::Unmatched(Miss::Condition(miss)) => {
            let conditions = without.conditions.iter().enumerate();
            without.conditions = conditions
                .filter(|(at, _)| *at != miss)
                .map(|(_, condition)| condition.clone())
                .collect();
        }
    }
    matches!(without.meet(side, asked), Outcome::Matched(_))
}

/// Whether one more value in the element that was missed gives nothing but what was asked: a statement of other actions or
/// resources too would give those as well, and is left alone. A condition's value narrows what is already given.
fn gives_no_more(statement: &Statement, kind: PolicyKind, met: Outcome, asked: Asked<'_>) -> bool {
    let just = |not: bool, texts: &[Box<str>], wanted: &str| {
        !not && matches!(texts, [one] if one.eq_ignore_ascii_case(wanted))
    };
    let this_action = || just(statement.actions.not, &statement.actions.texts, asked.action);
    // The resource of a key policy and of a trust policy is what it is on.
    let this_resource = || {
        matches!(kind, PolicyKind::KeyPolicy | PolicyKind::Trust)
            || statement
                .resources
                .as_ref()
                .is_some_and(|element| just(element.not, &element.texts, asked.resource))
    };
    match met {
        Outcome::Unmatched(Miss::Condition(_)) => true,
        Outcome::Unmatched(Miss::Action) => this_resource(),
        Outcome::Unmatched(Miss::Resource) => this_action(),
        Outcome::Unmatched(Miss::Principal) | Outcome::Matched(_) => this_action() && this_resource(),
        Outcome::Unmatched(Miss::Inert) | Outcome::Undecidable(_) => false,
    }
}

fn one_more_name(path: String, names: &Json, principal: &Principal) -> Option<(PatchOp, String)> {
    let (kind, name) = name(principal)?;
    let Json::Object(_) = names else { return None };
    let path = format!("{path}/{kind}");
    let op = match names.member(kind) {
        Some(values) => one_more(path, values, &name),
        None => add(path, name.clone().into()),
    };
    Some((op, format!("the principal {name}")))
}

/// One operation for each value that the request has for the condition's key.
fn one_more_wanted(
    path: &str,
    statement: &Json,
    condition: &Condition,
    variables: bool,
    context: &Context,
) -> Vec<(PatchOp, String)> {
    let (operator, key) = (&condition.operator, &condition.key);
    let wanted = statement
        .member("Condition")
        .and_then(|operators| operators.member(operator)?.member(key));
    let path = format!("{path}/Condition/{}/{}", escaped(operator), escaped(key));
    let found = context.get(key).unwrap_or_default();
    wanted
        .map(|wanted| {
            let op = |value| one_more(path.clone(), wanted, &literal(value, variables));
            let each = found
                .iter()
                .map(|value| (op(value), format!("the value `{value}` of {key}")));
            each.collect()
        })
        .unwrap_or_default()
}

/// Who asks as a policy names them: the member of `Principal` and the name. Of a session: its role.
fn name(principal: &Principal) -> Option<(&'static str, String)> {
    match principal {
        Principal::Anonymous => None,
        Principal::Service { name } => Some(("Service", name.clone())),
        Principal::Session { role_arn, .. } => Some(("AWS", role_arn.clone())),
        Principal::Root { .. } | Principal::User { .. } => Some(("AWS", principal.arn()?)),
    }
}

/// A statement that allows what was asked, for a policy of this kind.
pub(super) fn statement(kind: PolicyKind, variables: bool, asked: Asked<'_>) -> Option<Value> {
    if kind == PolicyKind::ResourceControl {
        // The only allow that there is: that of RCPFullAWSAccess.
        return Some(json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}));
    }
    let mut statement = json!({"Effect": "Allow", "Action": asked.action});
    let members = statement.as_object_mut()?;
    if kind != PolicyKind::Trust {
        members.insert("Resource".into(), resource(kind, variables, asked).into());
    }
    if matches!(
        kind,
        PolicyKind::BucketPolicy | PolicyKind::KeyPolicy | PolicyKind::Resource | PolicyKind::Trust
    ) {
        let principal = match name(asked.principal) {
            Some((member, name)) => json!({member: name}),
            // Only buckets are for callers without a name.
            None if kind == PolicyKind::BucketPolicy => "*".into(),
            None => return None,
        };
        members.insert("Principal".into(), principal);
    }
    // A service is let in for the one resource that it acts for.
    if let (Principal::Service { .. }, Some([source])) = (asked.principal, asked.context.get("aws:SourceArn")) {
        let source = literal(source, variables);
        members.insert("Condition".into(), json!({"StringEquals": {"aws:SourceArn": source}}));
    }
    Some(statement)
}

/// The resource as a policy of this kind writes it: in a key policy `*` is the key.
fn resource(kind: PolicyKind, variables: bool, asked: Asked<'_>) -> String {
    match (kind, asked.resource) {
        (PolicyKind::KeyPolicy, _) | (_, "*") => "*".to_owned(),
        (_, resource) => literal(resource, variables),
    }
}

/// A text that a policy takes for itself. Without variables nothing can be escaped: a wildcard then also matches itself.
fn literal(text: &str, variables: bool) -> String {
    if !variables {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => escaped.extend(["${", c.encode_utf8(&mut [0; 4]), "}"]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Adds a statement behind the last.
pub(super) fn append(policy: &Policy, statement: Value) -> Option<PatchOp> {
    let document = json::parse(policy.document()).ok()?;
    let statements = document.member("Statement")?;
    Some(match statements {
        Json::List(_) => add("/Statement/-".into(), statement),
        one => PatchOp {
            op: Op::Replace,
            path: "/Statement".into(),
            value: Some(Value::Array(vec![one.into(), statement])),
        },
    })
}

/// Makes a document of one statement.
pub(super) fn create(statement: Value) -> PatchOp {
    add(
        String::new(),
        json!({"Version": "2012-10-17", "Statement": [statement]}),
    )
}

fn add(path: String, value: Value) -> PatchOp {
    PatchOp {
        op: Op::Add,
        path,
        value: Some(value),
    }
}

/// Adds a value to a list, or makes a list of the one that is there.
fn one_more(path: String, values: &Json, value: &str) -> PatchOp {
    match values {
        Json::List(_) => add(format!("{path}/-"), value.into()),
        one => PatchOp {
            op: Op::Replace,
            path,
            value: Some(Value::Array(vec![one.into(), value.into()])),
        },
    }
}

/// A statement's pointer, and the statement as it is written.
fn statement_at(policy: &Policy, index: usize) -> Option<(String, Json)> {
    let document = json::parse(policy.document()).ok()?;
    Some(match document.member("Statement")? {
        Json::List(items) => (format!("/Statement/{index}"), items.get(index)?.clone()),
        one => ("/Statement".to_owned(), one.clone()),
    })
}

impl Json {
    fn member(&self, name: &str) -> Option<&Json> {
        let Json::Object(members) = self else { return None };
        members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The member's name as it is written, and its value.
    fn member_ignoring_case(&self, name: &str) -> Option<(&str, &Json)> {
        let Json::Object(members) = self else { return None };
        let found = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(key, value)| (key.as_str(), value))
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Text(text, Scalar::String) => Value::String(text.clone()),
            Json::Text(text, Scalar::Other) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
            Json::List(items) => Value::Array(items.iter().map(Value::from).collect()),
            Json::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.clone(), Value::from(value)));
                Value::Object(members.collect())
            }
        }
    }
}

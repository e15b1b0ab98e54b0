//! Policy documents, aimed at a request.

use super::{conditions, people, world};
use crate::{
    case::{Caller, Case, Kind},
    choices::Choices,
};
use policy::PolicyKind;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

fn has_principal(kind: PolicyKind) -> bool {
    matches!(
        kind,
        PolicyKind::BucketPolicy | PolicyKind::KeyPolicy | PolicyKind::ResourceControl | PolicyKind::Trust
    )
}

/// The most statements, so that every document is within its limit.
fn statements_max(kind: PolicyKind) -> usize {
    match kind {
        PolicyKind::Session | PolicyKind::Trust => 2,
        _ => 3,
    }
}

/// What documents are aimed at.
pub(super) struct Aim {
    pub(super) caller: Caller,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) owner: String,
    pub(super) kind: Kind,
    pub(super) context: BTreeMap<String, Vec<String>>,
    /// Whether nearly every element should match.
    pub(super) well: bool,
}

impl Aim {
    pub(super) fn of(case: &Case, well: bool) -> Aim {
        let own = case.caller.account().unwrap_or_default();
        Aim {
            caller: case.caller.clone(),
            action: case.action.clone(),
            resource: case.resource.clone(),
            owner: case.owner.clone().unwrap_or_else(|| own.to_owned()),
            kind: case.kind,
            context: case.context.clone(),
            well,
        }
    }
}

/// What AWS attaches to every level at first.
pub(super) fn full_access(kind: PolicyKind) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    if let (PolicyKind::ResourceControl, Some(members)) = (kind, statement.as_object_mut()) {
        members.insert("Principal".to_owned(), json!("*"));
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// A document.
pub(super) fn document(choices: &mut Choices<'_>, aim: &Aim, kind: PolicyKind) -> Value {
    let mut members = Map::new();
    let version = match choices.below(10) {
        _ if matches!(kind, PolicyKind::ResourceControl | PolicyKind::ServiceControl) => Some("2012-10-17"),
        0 => None,
        1 => Some("2008-10-17"),
        _ => Some("2012-10-17"),
    };
    if let Some(version) = version {
        members.insert("Version".to_owned(), json!(version));
    }
    let count = 1 + choices.below(statements_max(kind));
    let mut statements: Vec<Value> = (0..count)
        .map(|nth| {
            // But for AWS's own, a resource control policy only denies.
            let denies = choices.chance(17) || kind == PolicyKind::ResourceControl;
            let mut statement = statement(choices, aim, kind, denies);
            if let (true, Some(members)) = (choices.chance(30), statement.as_object_mut()) {
                members.insert("Sid".to_owned(), json!(format!("S{nth}")));
            }
            statement
        })
        .collect();
    let alone = statements.len() == 1 && choices.chance(30);
    let statements = match statements.pop() {
        Some(only) if alone => only,
        last => Value::Array(statements.into_iter().chain(last).collect()),
    };
    members.insert("Statement".to_owned(), statements);
    Value::Object(members)
}

/// A statement that denies.
pub(super) fn denying(choices: &mut Choices<'_>, aim: &Aim, kind: PolicyKind) -> Value {
    statement(choices, aim, kind, true)
}

fn statement(choices: &mut Choices<'_>, aim: &Aim, kind: PolicyKind, denies: bool) -> Value {
    let hit = match (denies, aim.well) {
        (false, true) => 95,
        (false, false) => 75,
        (true, _) => 65,
    };
    let mut members = Map::new();
    members.insert("Effect".to_owned(), json!(if denies { "Deny" } else { "Allow" }));
    if has_principal(kind) {
        let (name, element) = principal(choices, aim, kind, denies, hit);
        members.insert(name.to_owned(), element);
    }
    let not = kind != PolicyKind::ResourceControl && choices.chance(12);
    let element = list(choices, |choices| {
        let hits = choices.chance(hit) != not;
        let text = action(choices, aim, hits);
        // A resource control policy names its services.
        match kind {
            PolicyKind::ResourceControl if text == "*" => aim.action.clone(),
            _ => text,
        }
    });
    members.insert(if not { "NotAction" } else { "Action" }.to_owned(), element);
    if kind != PolicyKind::Trust {
        let not = choices.chance(10);
        let element = list(choices, |choices| {
            let hits = choices.chance(hit) != not;
            resource(choices, aim, hits)
        });
        members.insert(if not { "NotResource" } else { "Resource" }.to_owned(), element);
    }
    if choices.chance(40) {
        members.insert("Condition".to_owned(), conditions::block(choices, aim, hit));
    }
    Value::Object(members)
}

/// One or two of them, one sometimes without its list.
fn list(choices: &mut Choices<'_>, mut one: impl FnMut(&mut Choices<'_>) -> String) -> Value {
    let first = one(choices);
    match choices.below(4) {
        0 | 1 => json!(first),
        2 => json!([first]),
        _ => json!([first, one(choices)]),
    }
}

fn principal(
    choices: &mut Choices<'_>,
    aim: &Aim,
    kind: PolicyKind,
    denies: bool,
    hit: usize,
) -> (&'static str, Value) {
    if kind == PolicyKind::ResourceControl {
        return ("Principal", json!("*"));
    }
    let not = kind != PolicyKind::Trust && choices.chance(if denies { 30 } else { 4 });
    let name = if not { "NotPrincipal" } else { "Principal" };
    if choices.chance(if not { 3 } else { 15 }) {
        return (name, json!("*"));
    }
    let mut named: Vec<(&str, String)> = Vec::new();
    let own = people::forms(&aim.caller);
    if not && choices.chance(60) {
        // All forms of the caller, but for one now and then.
        named.extend(own.into_iter().filter(|_| choices.chance(92)));
    } else {
        for _ in 0..=choices.below(2) {
            named.push(match choices.chance(hit) {
                true if own.is_empty() || choices.chance(10) => ("AWS", "*".to_owned()),
                true => choices.one(&own),
                false => stranger(choices, kind),
            });
        }
    }
    if named.is_empty() {
        named.push(stranger(choices, kind));
    }
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (kind, text) in named {
        kinds.entry(kind).or_default().push(text);
    }
    let bare = choices.chance(50);
    let element = kinds.into_iter().map(|(kind, texts)| {
        let value = match texts.as_slice() {
            [only] if bare => json!(only),
            _ => json!(texts),
        };
        (kind.to_owned(), value)
    });
    (name, Value::Object(element.collect()))
}

fn stranger(choices: &mut Choices<'_>, kind: PolicyKind) -> (&'static str, String) {
    match choices.below(24) {
        0 => return ("AWS", "arn:aws:sts::111111111111:federated-user/alice".to_owned()),
        1 if kind == PolicyKind::Trust => return ("Federated", "cognito-identity.amazonaws.com".to_owned()),
        _ => {}
    }
    let other = people::caller(choices);
    let forms = people::forms(&other);
    match forms.is_empty() {
        true => ("Service", choices.one(&people::SERVICES).to_owned()),
        false => choices.one(&forms),
    }
}

/// A pattern of the action asked, or of another.
fn action(choices: &mut Choices<'_>, aim: &Aim, hits: bool) -> String {
    let text = match hits {
        true => aim.action.clone(),
        false => choices.one(world::actions(aim.kind)).to_owned(),
    };
    let (service, name) = text.split_once(':').unwrap_or((&text, ""));
    match choices.below(10) {
        0 if hits => "*".to_owned(),
        1 | 2 if hits => format!("{service}:*"),
        3 => format!("{service}:{}*", head(choices, name)),
        4 => format!("{service}:{}", with_mark(choices, name)),
        5 => text.to_uppercase(),
        6 => format!("{service}:*{}", tail(choices, name)),
        _ => text,
    }
}

/// A pattern of the resource asked, or of another.
fn resource(choices: &mut Choices<'_>, aim: &Aim, hits: bool) -> String {
    let text = match hits {
        true => aim.resource.clone(),
        false => choices.one(&world::resources(aim.kind, &aim.owner)),
    };
    if text == "*" {
        return if hits {
            text
        } else {
            format!("arn:aws:cloudtrail:*:{}:trail/t1", aim.owner)
        };
    }
    let start = text.match_indices(':').nth(4).map_or(0, |(place, _)| place + 1);
    let (place, name) = text.split_at_checked(start).unwrap_or(("", &text));
    match choices.below(10) {
        0 | 1 if hits => "*".to_owned(),
        2 => format!("{place}{}*", head(choices, name)),
        3 => format!("{place}{}", with_mark(choices, name)),
        4 => format!("{place}{}*{}", head(choices, name), tail(choices, name)),
        5 | 6 => format!("{place}{}", with_variable(choices, aim, name)),
        7 => {
            let parts: Vec<&str> = text.splitn(6, ':').collect();
            match parts.as_slice() {
                [arn, aws, service, region, account, name] if !account.is_empty() => {
                    let region = if region.is_empty() { "" } else { "*" };
                    format!("{arn}:{aws}:{service}:{region}:*:{name}")
                }
                _ => text,
            }
        }
        _ => text,
    }
}

fn head(choices: &mut Choices<'_>, text: &str) -> String {
    text.chars().take(choices.below(text.len() + 1)).collect()
}

fn tail(choices: &mut Choices<'_>, text: &str) -> String {
    text.chars().skip(choices.below(text.len() + 1)).collect()
}

/// One character becomes `?`.
pub(super) fn with_mark(choices: &mut Choices<'_>, text: &str) -> String {
    let at = choices.below(text.len());
    text.chars()
        .enumerate()
        .map(|(place, c)| if place == at { '?' } else { c })
        .collect()
}

/// A part of the text becomes a variable that has it for a value, or had it if it had one.
pub(super) fn with_variable(choices: &mut Choices<'_>, aim: &Aim, text: &str) -> String {
    let mut found: Vec<(&str, String)> = Vec::new();
    for key in world::CALLER_KEYS {
        let value = world::caller_value(key.name, &aim.caller);
        found.extend(value.map(|value| (key.name, value)));
    }
    for (name, values) in &aim.context {
        found.extend(values.iter().map(|value| (name.as_str(), value.clone())));
    }
    found.retain(|(_, value)| !value.is_empty() && text.contains(value.as_str()));
    let missing = ["aws:PrincipalTag/team", "aws:username", "aws:TagKeys"];
    let (name, value) = match found.is_empty() || choices.chance(25) {
        true => (choices.one(&missing), head(choices, text)),
        false => choices.one(&found),
    };
    if value.is_empty() {
        return format!("${{{name}}}{text}");
    }
    let variable = match choices.below(8) {
        0 | 1 => format!("${{{name}, '{value}'}}"),
        2 => format!("${{{}}}", name.to_uppercase()),
        3 => "${*}".to_owned(),
        _ => format!("${{{name}}}"),
    };
    text.replacen(&value, &variable, 1)
}

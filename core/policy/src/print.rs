//! A policy as text again, the same for all documents that say the same in the same order.

use crate::{
    Effect, Policy, PolicyKind, Statement,
    json::{Json, Letters},
    principal::{Named, Who},
    statement::Element,
};

impl Policy {
    /// The policy in normal form: no white space, members in the order of AWS's grammar, a single statement or value
    /// without a list around it, numbers and booleans as strings; `Id` is left out. [`Policy::parse`] makes of it a policy
    /// that decides alike.
    pub fn to_json(&self) -> String {
        let mut members = Vec::new();
        if self.variables {
            members.push(member("Version", "2012-10-17".into()));
        }
        let statements: Vec<Json> = self.statements().iter().map(statement).collect();
        members.push(member("Statement", one_or_list(statements)));
        let letters = match self.kind() {
            PolicyKind::KeyPolicy => Letters::Latin1,
            _ => Letters::All,
        };
        Json::Object(members).print(letters)
    }
}

fn member(name: &str, value: Json) -> (String, Json) {
    (name.to_owned(), value)
}

fn one_or_list(mut items: Vec<Json>) -> Json {
    match (items.pop(), items.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            items.extend(last);
            Json::List(items)
        }
    }
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a Box<str>>) -> Json {
    one_or_list(texts.into_iter().map(|text| Json::from(text.as_ref())).collect())
}

fn statement(statement: &Statement) -> Json {
    let mut members = Vec::new();
    if let Some(sid) = statement.sid() {
        members.push(member("Sid", sid.into()));
    }
    let effect = match statement.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    members.push(member("Effect", effect.into()));
    if let Some(who) = &statement.who {
        let name = if who.not { "NotPrincipal" } else { "Principal" };
        members.push(member(name, principals(who)));
    }
    // What makes a statement inert is an element that is not there.
    if !(statement.inert && statement.actions.texts.is_empty()) {
        members.push(element("Action", &statement.actions));
    }
    if let Some(resources) = &statement.resources {
        members.push(element("Resource", resources));
    }
    if !statement.conditions.is_empty() {
        members.push(member("Condition", conditions(statement)));
    }
    Json::Object(members)
}

fn element<P>(name: &str, element: &Element<P>) -> (String, Json) {
    let not = if element.not { "Not" } else { "" };
    (format!("{not}{name}"), texts(&element.texts))
}

fn principals(who: &Who) -> Json {
    let mut kinds: Vec<(&str, Vec<Json>)> = Vec::new();
    for (named, text) in who.named.iter().zip(&who.texts) {
        let kind = match named {
            Named::Everyone => return "*".into(),
            Named::EveryAws | Named::Account(_) | Named::Arn(_) | Named::Id(_) => "AWS",
            Named::Service(_) => "Service",
            Named::Federated => "Federated",
        };
        let text = Json::from(text.as_ref());
        match kinds.iter_mut().find(|(name, _)| *name == kind) {
            Some((_, texts)) => texts.push(text),
            None => kinds.push((kind, vec![text])),
        }
    }
    let members = kinds.into_iter().map(|(kind, texts)| member(kind, one_or_list(texts)));
    Json::Object(members.collect())
}

/// By operator, as they stand in the document.
fn conditions(statement: &Statement) -> Json {
    let mut operators: Vec<(String, Json)> = Vec::new();
    for condition in &statement.conditions {
        let test = member(&condition.key, texts(&condition.wanted));
        match operators.last_mut() {
            Some((operator, Json::Object(tests))) if **operator == *condition.operator => tests.push(test),
            _ => operators.push(member(&condition.operator, Json::Object(vec![test]))),
        }
    }
    Json::Object(operators)
}

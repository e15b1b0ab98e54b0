//! Makes a case small while it keeps what is wrong with it.

use crate::case::Case;
use serde_json::Value;

/// The smallest case found that is still `wrong`: documents, statements, elements, values and keys are left out one after
/// the other until nothing more can be.
pub fn shrink(case: Case, wrong: impl Fn(&Case) -> bool) -> Case {
    let mut best = case;
    while let Some(smaller) = smaller(&best).into_iter().find(&wrong) {
        best = smaller;
    }
    best
}

/// Every case with one thing less.
fn smaller(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Case)| {
        let mut changed = case.clone();
        change(&mut changed);
        if changed != *case {
            all.push(changed);
        }
    };
    add(&|case| case.boundary = None);
    add(&|case| case.session = None);
    add(&|case| case.resource_policy = None);
    add(&|case| case.service_control.clear());
    add(&|case| case.resource_control.clear());
    add(&|case| case.grants.clear());
    add(&|case| case.identity.clear());
    for nth in 0..case.identity.len() {
        add(&|case| drop(case.identity.remove(nth)));
    }
    for nth in 0..case.session.as_ref().map_or(0, Vec::len) {
        add(&|case| {
            case.session.iter_mut().for_each(|list| drop(list.remove(nth)));
        });
    }
    for nth in 0..case.service_control.len() {
        add(&|case| drop(case.service_control.remove(nth)));
    }
    for nth in 0..case.resource_control.len() {
        add(&|case| drop(case.resource_control.remove(nth)));
    }
    for nth in 0..case.grants.len() {
        add(&|case| drop(case.grants.remove(nth)));
    }
    for key in case.context.keys() {
        add(&|case| drop(case.context.remove(key)));
    }
    let documents = case.clone().documents_mut().count();
    for nth in 0..documents {
        let document = case
            .clone()
            .documents_mut()
            .nth(nth)
            .map(|(_, document)| document.clone());
        for smaller in document.iter().flat_map(smaller_values) {
            add(&|case| {
                if let Some((_, place)) = case.documents_mut().nth(nth) {
                    *place = smaller.clone();
                }
            });
        }
    }
    all
}

/// Every value with one member, element or nested one less.
fn smaller_values(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Array(list) => {
            for nth in 0..list.len() {
                let mut shorter = list.clone();
                shorter.remove(nth);
                all.push(Value::Array(shorter));
            }
            for (nth, element) in list.iter().enumerate() {
                for smaller in smaller_values(element) {
                    let mut changed = list.clone();
                    changed.splice(nth..=nth, [smaller]);
                    all.push(Value::Array(changed));
                }
            }
        }
        Value::Object(members) => {
            for name in members.keys() {
                let mut fewer = members.clone();
                fewer.remove(name);
                all.push(Value::Object(fewer));
            }
            for (name, member) in members {
                for smaller in smaller_values(member) {
                    let mut changed = members.clone();
                    changed.insert(name.clone(), smaller);
                    all.push(Value::Object(changed));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all
}

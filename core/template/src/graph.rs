//! What depends on what: references of values, and the order in which resources are made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::conditions::settled;
use crate::functions::{DEPTH_MAX, Piece, attribute_of, function, pieces, refused};
use crate::scope::{EvaluateError, Nothing, Scope};
use crate::{Resource, TemplateError};

/// A resource that is to be, and what it depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'a> {
    /// The resource.
    pub resource: &'a Resource,
    /// The logical ids of the resources that must be made before it, by `DependsOn` and by references, in the order of the
    /// template. Those whose condition does not hold are left out.
    pub dependencies: Vec<&'a str>,
}

/// Something that a value refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `Ref` of a parameter.
    Parameter(String),
    /// `Ref` of a resource.
    Resource(String),
    /// `Fn::GetAtt`: resource and attribute.
    Attribute(String, String),
    /// `Fn::ImportValue`: the name of the export, still with its functions.
    Import(Value),
}

/// The references of a value.
pub(crate) fn references(scope: &Scope<'_>, value: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    // What is nested too deeply has been refused when the scope was made.
    let _ = walk(scope, value, 0, &mut found);
    let mut once = Vec::with_capacity(found.len());
    for reference in found {
        if !once.contains(&reference) {
            once.push(reference);
        }
    }
    once
}

/// Adds what a value refers to, through the branches of `Fn::If` that hold.
fn walk(scope: &Scope<'_>, value: &Value, depth: usize, found: &mut Vec<Reference>) -> Result<(), EvaluateError> {
    if depth > DEPTH_MAX {
        return refused(format!(
            "Template error: values are nested more than {DEPTH_MAX} levels deep"
        ));
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| walk(scope, item, depth + 1, found)),
        Value::Object(members) => match function(members) {
            Some(("Ref", Value::String(name))) => {
                named(scope, name, found);
                Ok(())
            }
            Some(("Fn::GetAtt", argument)) => {
                attribute(scope, argument, found);
                Ok(())
            }
            Some(("Fn::Sub", argument)) => substituted(scope, argument, depth, found),
            Some(("Fn::If", argument @ Value::Array(_))) => branches(scope, argument)
                .iter()
                .try_for_each(|branch| walk(scope, branch, depth + 1, found)),
            Some(("Fn::ImportValue", name)) => {
                found.push(Reference::Import(name.clone()));
                walk(scope, name, depth + 1, found)
            }
            _ => members
                .values()
                .try_for_each(|member| walk(scope, member, depth + 1, found)),
        },
        _ => Ok(()),
    }
}

fn named(scope: &Scope<'_>, name: &str, found: &mut Vec<Reference>) {
    if scope.parameters.named(name).is_some() {
        found.push(Reference::Parameter(name.to_owned()));
    } else if name != "AWS::NoValue" && scope.pseudo.value(name).is_none() {
        found.push(Reference::Resource(name.to_owned()));
    }
}

fn attribute(scope: &Scope<'_>, argument: &Value, found: &mut Vec<Reference>) {
    let Some((logical_id, attribute)) = attribute_of(argument) else {
        return;
    };
    let name = match &attribute {
        Value::String(name) => Some(name.clone()),
        by_reference => {
            let parameter = by_reference.get("Ref").and_then(Value::as_str).unwrap_or_default();
            found.push(Reference::Parameter(parameter.to_owned()));
            scope
                .parameters
                .named(parameter)
                .map(|parameter| parameter.text.clone())
        }
    };
    found.push(Reference::Attribute(logical_id.to_owned(), name.unwrap_or_default()));
}

/// `Fn::Sub`: the names in the text, and the values of its variables.
fn substituted(
    scope: &Scope<'_>,
    argument: &Value,
    depth: usize,
    found: &mut Vec<Reference>,
) -> Result<(), EvaluateError> {
    let (text, variables) = match argument {
        Value::String(text) => (text.as_str(), None),
        other => (
            other.get(0).and_then(Value::as_str).unwrap_or_default(),
            other.get(1).and_then(Value::as_object),
        ),
    };
    for piece in pieces(text).unwrap_or_default() {
        match piece {
            Piece::Variable(name) if variables.is_none_or(|variables| !variables.contains_key(name)) => {
                match name.split_once('.') {
                    Some((logical_id, attribute)) => {
                        found.push(Reference::Attribute(logical_id.to_owned(), attribute.to_owned()));
                    }
                    None => named(scope, name, found),
                }
            }
            Piece::Variable(_) | Piece::Literal(_) => (),
        }
    }
    variables
        .into_iter()
        .flat_map(|variables| variables.values())
        .try_for_each(|value| walk(scope, value, depth + 1, found))
}

/// Of a `Fn::If` the branch that holds; both where no condition says.
pub(crate) fn branches<'v>(scope: &Scope<'_>, argument: &'v Value) -> &'v [Value] {
    let three = argument.as_array().map(Vec::as_slice).unwrap_or_default();
    let holds = three
        .first()
        .and_then(Value::as_str)
        .and_then(|name| scope.condition(name));
    match (holds, three) {
        (Some(true), [_, then, _]) => std::slice::from_ref(then),
        (Some(false), [_, _, otherwise]) => std::slice::from_ref(otherwise),
        _ => three,
    }
}

/// The resources whose condition holds, each after what it depends on.
pub(crate) fn nodes<'a>(scope: &Scope<'a>) -> Result<Vec<Node<'a>>, TemplateError> {
    let held: BTreeMap<&'a str, usize> = scope
        .template
        .resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| scope.holds(resource.condition.as_deref()))
        .map(|(index, resource)| (resource.logical_id.as_str(), index))
        .collect();
    let mut unresolved = Vec::new();
    let mut nodes = Vec::with_capacity(held.len());
    for resource in &scope.template.resources {
        if !held.contains_key(resource.logical_id.as_str()) {
            continue;
        }
        let mut depends: BTreeSet<usize> = resource
            .depends_on
            .iter()
            .filter_map(|id| held.get(id.as_str()).copied())
            .collect();
        // References in the metadata are waited for, too.
        for value in std::iter::once(&resource.properties).chain(&resource.metadata) {
            for id in resources_of(scope, value)? {
                match held.get(id.as_str()) {
                    Some(index) => {
                        depends.insert(*index);
                    }
                    None if unresolved.contains(&id) => (),
                    None => unresolved.push(id),
                }
            }
        }
        nodes.push((resource, depends));
    }
    resolved(&unresolved, "Resources")?;
    outputs_resolved(scope, &held)?;
    ordered(scope, nodes)
}

/// The logical ids that a value refers to.
fn resources_of(scope: &Scope<'_>, value: &Value) -> Result<Vec<String>, TemplateError> {
    let mut found = Vec::new();
    walk(scope, value, 0, &mut found).map_err(settled)?;
    let of = |reference| match reference {
        Reference::Resource(id) | Reference::Attribute(id, _) => Some(id),
        Reference::Parameter(_) | Reference::Import(_) => None,
    };
    Ok(found.into_iter().filter_map(of).collect())
}

/// Refuses outputs of resources that are not to be.
fn outputs_resolved(scope: &Scope<'_>, held: &BTreeMap<&str, usize>) -> Result<(), TemplateError> {
    let mut unresolved = Vec::new();
    for output in scope.outputs() {
        for value in std::iter::once(&output.value).chain(&output.export) {
            for id in resources_of(scope, value)? {
                if !held.contains_key(id.as_str()) && !unresolved.contains(&id) {
                    unresolved.push(id);
                }
            }
        }
    }
    resolved(&unresolved, "Outputs")
}

fn resolved(unresolved: &[String], block: &str) -> Result<(), TemplateError> {
    let start = if block == "Resources" {
        "Template format error: "
    } else {
        ""
    };
    match unresolved.is_empty() {
        true => Ok(()),
        false => Err(TemplateError(format!(
            "{start}Unresolved resource dependencies [{}] in the {block} block of the template",
            unresolved.join(", ")
        ))),
    }
}

/// The nodes, each after what it depends on, else in the order of the template. A cycle whatever the conditions is refused
/// when the template is read; one by the conditions that hold, here.
fn ordered<'a>(scope: &Scope<'a>, nodes: Vec<(&'a Resource, BTreeSet<usize>)>) -> Result<Vec<Node<'a>>, TemplateError> {
    let resources = &scope.template.resources;
    let index_of: BTreeMap<&str, usize> = resources
        .iter()
        .enumerate()
        .map(|(index, resource)| (resource.logical_id.as_str(), index))
        .collect();
    let mut waiting: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut waited_for: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut all: BTreeMap<usize, Node<'a>> = BTreeMap::new();
    for (resource, depends) in nodes {
        let Some(index) = index_of.get(resource.logical_id.as_str()).copied() else {
            continue;
        };
        let dependencies = depends
            .iter()
            .filter_map(|on| resources.get(*on).map(|resource| resource.logical_id.as_str()))
            .collect();
        depends
            .iter()
            .for_each(|on| waited_for.entry(*on).or_default().push(index));
        waiting.insert(index, depends);
        all.insert(index, Node { resource, dependencies });
    }
    let mut ready: BTreeSet<usize> = waiting
        .iter()
        .filter(|(_, depends)| depends.is_empty())
        .map(|(index, _)| *index)
        .collect();
    let mut order = Vec::with_capacity(all.len());
    while let Some(index) = ready.pop_first() {
        order.extend(all.remove(&index));
        for next in waited_for.remove(&index).unwrap_or_default() {
            if let Some(depends) = waiting.get_mut(&next) {
                depends.remove(&index);
                if depends.is_empty() {
                    ready.insert(next);
                }
            }
        }
    }
    if all.is_empty() {
        return Ok(order);
    }
    let cycle: Vec<&str> = all.values().map(|node| node.resource.logical_id.as_str()).collect();
    Err(TemplateError(format!(
        "Circular dependency between resources: [{}]",
        cycle.join(", ")
    )))
}

/// The names of the exports that are imported.
pub(crate) fn exports_imported(scope: &Scope<'_>) -> Result<Vec<String>, TemplateError> {
    let mut found = Vec::new();
    let properties = scope.resources().iter().map(|node| &node.resource.properties);
    let outputs = scope
        .outputs()
        .flat_map(|output| std::iter::once(&output.value).chain(&output.export));
    for value in properties.chain(outputs) {
        walk(scope, value, 0, &mut found).map_err(settled)?;
    }
    let evaluator = scope.evaluator(&Nothing, false);
    let mut names = Vec::new();
    for reference in found {
        if let Reference::Import(argument) = reference {
            let name = evaluator.export_name(&argument).map_err(settled)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Ok(names)
}

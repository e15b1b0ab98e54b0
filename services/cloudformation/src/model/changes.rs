//! What an update does to a resource: nothing, a change in place or a new one, and why.
//!
//! [`effect`] is for the engine, which knows both values; [`change`] is for change sets, which tell it in AWS's details
//! before it is done. What is not known before it is done has [`KNOWN_AFTER_APPLY`] for its value.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html>

use super::{
    references::{Reference, references},
    same::same,
};
use crate::types::{Kind, Property, ResourceType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use template::Resource;

/// The value of what only the update itself will tell, such as the ARN of a resource that is not there yet.
pub const KNOWN_AFTER_APPLY: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// What an update does to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Its properties are as they were.
    Unchanged,
    /// It is changed in place.
    Modify,
    /// A new one takes its place.
    Replace,
}

/// What the change of properties from `before` to `after` does, both whole and evaluated.
pub fn effect(properties: &[Property], before: &Value, after: &Value) -> Effect {
    let changed = changed_names(properties, before, after);
    let needed = changed
        .iter()
        .map(|name| recreation(properties, name, before.get(name), after.get(name)))
        .max();
    match needed {
        None => Effect::Unchanged,
        Some(Recreation::Always) => Effect::Replace,
        Some(_) => Effect::Modify,
    }
}

/// The names of the top properties whose values differ, in order.
pub fn changed_names(properties: &[Property], before: &Value, after: &Value) -> BTreeSet<String> {
    names(before, after)
        .into_iter()
        .filter(|name| !same_value(properties, name, before.get(name), after.get(name)))
        .collect()
}

/// `Replacement`: whether a resource is made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Replacement {
    /// It is not.
    #[default]
    False,
    /// It may be.
    Conditional,
    /// It is.
    True,
}

/// `RequiresRecreation`: whether a change of this property takes a new resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Recreation {
    /// It does not.
    Never,
    /// It does in some cases.
    Conditionally,
    /// It does.
    Always,
}

/// `Attribute`: which part of a resource's declaration changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the variants are the members of a declaration")]
pub enum Attribute {
    CreationPolicy,
    DeletionPolicy,
    Metadata,
    Properties,
    Tags,
    UpdatePolicy,
    UpdateReplacePolicy,
}

/// `Evaluation`: whether the new value is known before the update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evaluation {
    /// It is not.
    Dynamic,
    /// It is.
    Static,
}

/// `ChangeSource`: what makes the value another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeSource {
    /// A nested stack's template may have changed.
    Automatic,
    /// The template says another value.
    DirectModification,
    /// A parameter has another value.
    ParameterReference,
    /// An attribute of a resource may have another value.
    ResourceAttribute,
    /// A resource is made anew.
    ResourceReference,
}

/// `AttributeChangeType`: whether the value is new, another or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeType {
    /// There was none.
    Add,
    /// There is another.
    Modify,
    /// There is none any more.
    Remove,
}

/// `ResourceChangeDetail`: one reason why a part of a resource changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// The part.
    pub attribute: Attribute,
    /// The property, be it the one that holds tags; `None` for the other parts and for the stack's tags.
    pub name: Option<String>,
    /// Whether a new resource is needed.
    pub recreation: Recreation,
    /// Whether the value is known.
    pub evaluation: Evaluation,
    /// What makes it another.
    pub source: ChangeSource,
    /// The parameter, resource or `RESOURCE.ATTRIBUTE`.
    pub causing_entity: Option<String>,
    /// What kind of change it is.
    pub change_type: ChangeType,
    /// The value before.
    pub before: Option<Value>,
    /// The value after.
    pub after: Option<Value>,
}

/// What an update does to a resource that stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Whether it is made anew.
    pub replacement: Replacement,
    /// Which parts change, in order.
    pub scope: Vec<Attribute>,
    /// Why.
    pub details: Vec<Detail>,
}

/// A resource's declaration with its evaluated properties.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The declaration.
    pub resource: &'a Resource,
    /// The evaluated properties.
    pub properties: &'a Value,
    /// The stack's tags.
    pub stack_tags: &'a [(String, String)],
}

/// What changes beside a resource, that it may refer to.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    /// The parameters with another value than before.
    pub parameters: BTreeSet<String>,
    /// The resources that are changed or added, by logical id.
    pub resources: BTreeMap<String, Replacement>,
}

impl Causes {
    /// Takes in what happens to a resource, for those that refer to it.
    pub fn add(&mut self, logical_id: &str, replacement: Replacement) {
        self.resources.insert(logical_id.to_owned(), replacement);
    }
}

/// What the update does to a resource of one type, or `None` when it leaves it alone.
pub fn change(kind: &ResourceType, before: Side<'_>, after: Side<'_>, causes: &Causes) -> Option<Change> {
    let mut details = Vec::new();
    for name in names(before.properties, after.properties) {
        details.extend(property_details(kind, &name, before, after, causes));
    }
    details.extend(part_details(kind, before, after, &details));
    if details.is_empty() {
        return None;
    }
    let replacement = details.iter().map(replacement_of).max().unwrap_or_default();
    let scope: BTreeSet<Attribute> = details.iter().map(|detail| detail.attribute).collect();
    Some(Change {
        replacement,
        scope: scope.into_iter().collect(),
        details,
    })
}

fn replacement_of(detail: &Detail) -> Replacement {
    match (detail.recreation, detail.evaluation) {
        (Recreation::Always, Evaluation::Static) => Replacement::True,
        (Recreation::Always, Evaluation::Dynamic) | (Recreation::Conditionally, _) => Replacement::Conditional,
        (Recreation::Never, _) => Replacement::False,
    }
}

/// The details of one property: what it refers to that changes, and the template's own change.
fn property_details(
    kind: &ResourceType,
    name: &str,
    before: Side<'_>,
    after: Side<'_>,
    causes: &Causes,
) -> Vec<Detail> {
    let (old, new) = (before.properties.get(name), after.properties.get(name));
    let is_same = same_value(kind.properties, name, old, new);
    let (old_text, new_text) = (
        before.resource.properties.get(name),
        after.resource.properties.get(name),
    );
    let caused = caused_by(new_text, causes, is_same);
    if is_same && caused.is_empty() {
        return Vec::new();
    }
    let mut details: Vec<(Evaluation, ChangeSource, Option<String>)> = Vec::new();
    let is_by_parameter = caused
        .iter()
        .any(|(_, source, _)| *source == ChangeSource::ParameterReference);
    let is_rewritten = old_text != new_text;
    match caused.is_empty() {
        true => details.push((Evaluation::Static, ChangeSource::DirectModification, None)),
        false => {
            details.extend(
                caused
                    .into_iter()
                    .map(|(how, source, entity)| (how, source, Some(entity))),
            );
            if is_rewritten || is_by_parameter {
                details.push((Evaluation::Dynamic, ChangeSource::DirectModification, None));
            }
        }
    }
    let tags = kind.tags.is_some_and(|tags| tags.property == name);
    let recreation = recreation(kind.properties, name, old, new);
    details
        .into_iter()
        .map(|(evaluation, source, causing_entity)| Detail {
            attribute: if tags { Attribute::Tags } else { Attribute::Properties },
            name: Some(name.to_owned()),
            recreation,
            evaluation,
            source,
            causing_entity,
            change_type: change_type(old, new),
            before: old.cloned(),
            after: new.cloned(),
        })
        .collect()
}

/// What a property's text refers to that changes. A parameter counts only where the value is another.
fn caused_by(text: Option<&Value>, causes: &Causes, is_same: bool) -> Vec<(Evaluation, ChangeSource, String)> {
    let of = |replacement: Replacement| match replacement {
        Replacement::True => Evaluation::Static,
        Replacement::Conditional | Replacement::False => Evaluation::Dynamic,
    };
    let mut caused = Vec::new();
    for reference in text.map(references).unwrap_or_default() {
        match reference {
            Reference::Name(name) if causes.parameters.contains(&name) && !is_same => {
                caused.push((Evaluation::Static, ChangeSource::ParameterReference, name));
            }
            Reference::Name(name) => match causes.resources.get(&name) {
                None | Some(Replacement::False) => {}
                Some(made_anew) => caused.push((of(*made_anew), ChangeSource::ResourceReference, name)),
            },
            Reference::Attribute(id, name) => {
                if let Some(made_anew) = causes.resources.get(&id) {
                    caused.push((of(*made_anew), ChangeSource::ResourceAttribute, format!("{id}.{name}")));
                }
            }
        }
    }
    caused
}

/// The parts beside the properties.
fn part_details(kind: &ResourceType, before: Side<'_>, after: Side<'_>, known: &[Detail]) -> Vec<Detail> {
    let (old, new) = (before.resource, after.resource);
    let policy = |policy: Option<template::DeletionPolicy>| policy.map(|policy| Value::from(policy_name(policy)));
    let mut parts = vec![
        (
            Attribute::CreationPolicy,
            old.creation_policy.clone(),
            new.creation_policy.clone(),
        ),
        (
            Attribute::DeletionPolicy,
            policy(old.deletion_policy),
            policy(new.deletion_policy),
        ),
        (Attribute::Metadata, old.metadata.clone(), new.metadata.clone()),
        (
            Attribute::UpdatePolicy,
            old.update_policy.clone(),
            new.update_policy.clone(),
        ),
        (
            Attribute::UpdateReplacePolicy,
            policy(old.update_replace_policy),
            policy(new.update_replace_policy),
        ),
    ];
    if kind.tags.is_some() && !known.iter().any(|detail| detail.attribute == Attribute::Tags) {
        parts.push((
            Attribute::Tags,
            tags_value(before.stack_tags),
            tags_value(after.stack_tags),
        ));
    }
    parts
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(attribute, old, new)| Detail {
            attribute,
            name: None,
            recreation: Recreation::Never,
            evaluation: Evaluation::Static,
            source: ChangeSource::DirectModification,
            causing_entity: None,
            change_type: change_type(old.as_ref(), new.as_ref()),
            before: old,
            after: new,
        })
        .collect()
}

/// As templates write it.
pub fn policy_name(policy: template::DeletionPolicy) -> &'static str {
    match policy {
        template::DeletionPolicy::Delete => "Delete",
        template::DeletionPolicy::Retain => "Retain",
        template::DeletionPolicy::RetainExceptOnCreate => "RetainExceptOnCreate",
        template::DeletionPolicy::Snapshot => "Snapshot",
    }
}

fn tags_value(tags: &[(String, String)]) -> Option<Value> {
    let sorted: BTreeMap<&str, &str> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    (!sorted.is_empty()).then(|| {
        sorted
            .into_iter()
            .map(|(key, value)| serde_json::json!({"Key": key, "Value": value}))
            .collect()
    })
}

fn change_type(before: Option<&Value>, after: Option<&Value>) -> ChangeType {
    match (before, after) {
        (None, _) => ChangeType::Add,
        (_, None) => ChangeType::Remove,
        _ => ChangeType::Modify,
    }
}

/// The names that either has, in order; a `null` counts as absent.
fn names(before: &Value, after: &Value) -> BTreeSet<String> {
    let of = |value: &Value| -> Vec<String> {
        value
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, _)| name.clone())
            .collect()
    };
    of(before).into_iter().chain(of(after)).collect()
}

fn same_value(properties: &[Property], name: &str, before: Option<&Value>, after: Option<&Value>) -> bool {
    let (before, after) = (
        before.filter(|value| !value.is_null()),
        after.filter(|value| !value.is_null()),
    );
    let (Some(before), Some(after)) = (before, after) else {
        return before.is_none() && after.is_none();
    };
    match properties.iter().find(|property| property.name == name) {
        Some(property) => same(&property.kind, before, after),
        None => before == after,
    }
}

/// Whether a change of this property takes a new resource: when it is create-only, or what changes inside it is.
fn recreation(properties: &[Property], name: &str, before: Option<&Value>, after: Option<&Value>) -> Recreation {
    let Some(property) = properties.iter().find(|property| property.name == name) else {
        return Recreation::Never;
    };
    if property.create_only {
        return Recreation::Always;
    }
    let Kind::Object(members) = property.kind else {
        return Recreation::Never;
    };
    let empty = Value::Object(Map::new());
    let (before, after) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
    changed_names(members, before, after)
        .iter()
        .map(|name| recreation(members, name, before.get(name), after.get(name)))
        .max()
        .unwrap_or(Recreation::Never)
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
            Box::pin(async { unreachable!() })
        }
        fn update<'a>(
            &'a self,
            _: &'a mut Api,
            _: &'a Existing,
            _: &'a Desired,
        ) -> Boxed<'a, Result<Made, HandlerError>> {
            Box::pin(async { unreachable!() })
        }
        fn delete<'a>(&'a self, _: &'a mut Api, _: &'a Existing) -> Boxed<'a, Result<(), HandlerError>> {
            Box::pin(async { unreachable!() })
        }
        fn read<'a>(&'a self, _: &'a mut Api, _: &'a Existing) -> Boxed<'a, Result<Value, HandlerError>> {
            Box::pin(async { unreachable!() })
        }
    }

    static INNER: [Property; 2] = [
        Property::new("Fixed", Kind::Text).create_only(),
        Property::new("Free", Kind::Text),
    ];
    static PROPERTIES: [Property; 5] = [
        Property::new("Name", Kind::Text).create_only(),
        Property::new("Title", Kind::Text),
        Property::new("Days", Kind::Integer),
        Property::new("Inner", Kind::Object(&INNER)),
        Property::new("Tags", Kind::Set(&Kind::Map)),
    ];
    static KIND: ResourceType = ResourceType {
        name: "Test::A::Thing",
        properties: &PROPERTIES,
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
    fn check_effect(before: Value, after: Value, expected: Effect) {
        assert_eq!(effect(&PROPERTIES, &before, &after), expected, "{before} {after}");
    }

    #[test]
    fn what_is_create_only_takes_a_new_resource() {
        check_effect(json!({"Name": "a"}), json!({"Name": "a"}), Effect::Unchanged);
        check_effect(json!({"Name": "a"}), json!({"Name": "b"}), Effect::Replace);
        check_effect(json!({"Name": "a"}), json!({}), Effect::Replace);
        check_effect(
            json!({"Days": "9", "Title": null}),
            json!({"Days": 9}),
            Effect::Unchanged,
        );
        check_effect(json!({"Days": 9}), json!({"Days": 8}), Effect::Modify);
        check_effect(
            json!({"Inner": {"Fixed": "a", "Free": "a"}}),
            json!({"Inner": {"Fixed": "a", "Free": "b"}}),
            Effect::Modify,
        );
        check_effect(
            json!({"Inner": {"Fixed": "a"}}),
            json!({"Inner": {"Fixed": "b"}}),
            Effect::Replace,
        );
        check_effect(
            json!({"Tags": [{"a": "1"}, {"b": "2"}]}),
            json!({"Tags": [{"b": "2"}, {"a": "1"}]}),
            Effect::Unchanged,
        );
    }

    fn declared(properties: Value) -> Resource {
        Resource {
            logical_id: "R".to_owned(),
            type_name: KIND.name.to_owned(),
            properties,
            condition: None,
            depends_on: Vec::new(),
            deletion_policy: None,
            update_replace_policy: None,
            metadata: None,
            creation_policy: None,
            update_policy: None,
        }
    }

    fn changed(before: (&Resource, Value), after: (&Resource, Value), causes: &Causes) -> Option<Change> {
        let side = |resource, properties| Side {
            resource,
            properties,
            stack_tags: &[],
        };
        change(&KIND, side(before.0, &before.1), side(after.0, &after.1), causes)
    }

    /// Each detail as `ATTRIBUTE NAME RECREATION EVALUATION SOURCE ENTITY`.
    #[track_caller]
    fn check(
        before: (Value, Value),
        after: (Value, Value),
        causes: &Causes,
        replacement: Replacement,
        expected: &[&str],
    ) {
        let (old, new) = (declared(before.0), declared(after.0));
        let change = changed((&old, before.1), (&new, after.1), causes).unwrap();
        let shown: Vec<String> = change
            .details
            .iter()
            .map(|detail| {
                format!(
                    "{:?} {} {:?} {:?} {:?} {}",
                    detail.attribute,
                    detail.name.as_deref().unwrap_or("-"),
                    detail.recreation,
                    detail.evaluation,
                    detail.source,
                    detail.causing_entity.as_deref().unwrap_or("-")
                )
            })
            .collect();
        assert_eq!(shown, expected);
        assert_eq!(change.replacement, replacement);
    }

    #[test]
    fn a_change_of_the_template_is_a_static_one() {
        check(
            (json!({"Title": "a"}), json!({"Title": "a"})),
            (json!({"Title": "b"}), json!({"Title": "b"})),
            &Causes::default(),
            Replacement::False,
            &["Properties Title Never Static DirectModification -"],
        );
        check(
            (json!({"Name": "a"}), json!({"Name": "a"})),
            (json!({"Name": "b"}), json!({"Name": "b"})),
            &Causes::default(),
            Replacement::True,
            &["Properties Name Always Static DirectModification -"],
        );
    }

    #[test]
    fn a_parameter_causes_two_details() {
        let text = json!({"Name": {"Ref": "P"}, "Title": {"Fn::Sub": "${Q}"}});
        let causes = Causes {
            parameters: BTreeSet::from(["P".to_owned(), "Q".to_owned()]),
            ..Causes::default()
        };
        check(
            (text.clone(), json!({"Name": "a", "Title": "t"})),
            (text, json!({"Name": "b", "Title": "t"})),
            &causes,
            Replacement::True,
            &[
                "Properties Name Always Static ParameterReference P",
                "Properties Name Always Dynamic DirectModification -",
            ],
        );
    }

    #[test]
    fn what_refers_to_a_changed_resource_may_change() {
        let text = json!({"Name": {"Fn::GetAtt": ["A", "Arn"]}, "Title": {"Ref": "A"}});
        let values = json!({"Name": "arn", "Title": "a"});
        let mut causes = Causes::default();
        causes.add("A", Replacement::False);
        let same = (text.clone(), values.clone());
        check(
            same.clone(),
            same.clone(),
            &causes,
            Replacement::Conditional,
            &["Properties Name Always Dynamic ResourceAttribute A.Arn"],
        );
        causes.add("A", Replacement::True);
        check(
            same.clone(),
            (text, json!({"Name": KNOWN_AFTER_APPLY, "Title": KNOWN_AFTER_APPLY})),
            &causes,
            Replacement::True,
            &[
                "Properties Name Always Static ResourceAttribute A.Arn",
                "Properties Title Never Static ResourceReference A",
            ],
        );
        let alone = declared(same.0);
        assert_eq!(
            changed((&alone, same.1.clone()), (&alone, same.1), &Causes::default()),
            None
        );
    }

    #[test]
    fn the_other_parts_of_a_declaration_count_too() {
        let (old, mut new) = (declared(json!({})), declared(json!({})));
        new.metadata = Some(json!({"a": 1}));
        new.deletion_policy = Some(template::DeletionPolicy::Retain);
        let change = changed((&old, json!({})), (&new, json!({})), &Causes::default()).unwrap();
        assert_eq!(change.scope, [Attribute::DeletionPolicy, Attribute::Metadata]);
        assert_eq!(change.replacement, Replacement::False);
        let tagged = change_of_tags(&old);
        assert_eq!(tagged.scope, [Attribute::Tags]);
        assert_eq!(
            tagged.details.first().map(|detail| detail.change_type),
            Some(ChangeType::Add)
        );
    }

    fn change_of_tags(resource: &Resource) -> Change {
        let (properties, tags) = (json!({}), [("k".to_owned(), "v".to_owned())]);
        let side = |stack_tags| Side {
            resource,
            properties: &properties,
            stack_tags,
        };
        change(&KIND, side(&[]), side(&tags), &Causes::default()).unwrap()
    }
}

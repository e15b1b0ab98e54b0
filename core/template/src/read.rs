//! From a document's tree to a [`Template`]: the sections, their members, and what each of them may be.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>; limits:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>

use serde_json::{Map, Value};

use crate::model::{DeletionPolicy, Output, Resource, Rule, Template};
use crate::ordered::{Ordered, scalar_text};
use crate::scope::{LANGUAGE_EXTENSIONS, export_name};
use crate::{TemplateError, check, declare, document};

/// The most bytes that a template may have; what an API call takes with it is bounded further.
pub const TEMPLATE_BYTES_MAX: usize = 1_000_000;
const RESOURCES_MAX: usize = 500;
const OUTPUTS_MAX: usize = 200;
const MAPPINGS_MAX: usize = 200;
const MAPPING_ATTRIBUTES_MAX: usize = 200;
const DESCRIPTION_BYTES_MAX: usize = 1024;
const LOGICAL_NAME_CHARS_MAX: usize = 255;

const SECTIONS: [&str; 10] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Resources",
    "Outputs",
];

const FOR_EACH: &str = "Fn::ForEach::";

pub(crate) type Read<T> = Result<T, TemplateError>;

pub(crate) fn refuse<T>(text: impl Into<String>) -> Read<T> {
    Err(TemplateError(text.into()))
}

impl Template {
    /// Reads a template, YAML or JSON, and looks for its static faults.
    ///
    /// A template with transforms keeps its document in `unexpanded`: what it is, and whether it is free of faults, is known
    /// only when they have been applied.
    ///
    /// # Errors
    /// The document is not well-formed (with line and column), or is no template: the first fault, in AWS's words.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        if text.len() > TEMPLATE_BYTES_MAX {
            return refuse(format!("Template may not exceed {TEMPLATE_BYTES_MAX} bytes in size."));
        }
        template(document::read(text)?, Stage::Written)
    }

    /// The template of a document to which its transforms have been applied.
    ///
    /// # Errors
    /// As those of [`Template::parse`].
    pub(crate) fn of_expanded(document: Ordered) -> Result<Template, TemplateError> {
        template(document, Stage::Expanded)
    }
}

/// Whether the transforms of a document have been applied to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Written,
    Expanded,
}

fn template(mut document: Ordered, stage: Stage) -> Read<Template> {
    if document.members().is_none() {
        return refuse("Template format error: unsupported structure.");
    }
    check::nulls(&document)?;
    split_attributes(&mut document);
    let transforms = transforms(document.member("Transform"))?;
    known_sections(&document, &transforms)?;
    let pending = stage == Stage::Written && !transforms.is_empty();
    let mut template = Template {
        format_version: format_version(document.member("AWSTemplateFormatVersion"))?,
        description: description(document.member("Description"))?,
        metadata: document.member("Metadata").map(Value::from),
        parameters: declare::parameters(section(&document, "Parameters")?)?,
        rules: rules(section(&document, "Rules")?)?,
        mappings: mappings(section(&document, "Mappings")?)?,
        conditions: conditions(section(&document, "Conditions")?, pending)?,
        resources: resources(&document, pending)?,
        outputs: outputs(section(&document, "Outputs")?, pending)?,
        transforms,
        unexpanded: None,
    };
    if pending {
        template.unexpanded = Some(document);
    } else {
        check::whole(&document, &template)?;
    }
    Ok(template)
}

/// `Fn::GetAtt: A.B.C` is `Fn::GetAtt: [A, B.C]`.
fn split_attributes(tree: &mut Ordered) {
    match tree {
        Ordered::Array(items) => items.iter_mut().for_each(split_attributes),
        Ordered::Object(members) => {
            for (name, value) in members {
                let split = match value.text().and_then(|text| text.split_once('.')) {
                    Some((id, attribute)) if name == "Fn::GetAtt" && !id.is_empty() && !attribute.is_empty() => {
                        Some([id, attribute].map(|part| Ordered::String(part.to_owned())))
                    }
                    _ => None,
                };
                match split {
                    Some(parts) => *value = Ordered::Array(parts.into()),
                    None => split_attributes(value),
                }
            }
        }
        Ordered::Null | Ordered::Bool(_) | Ordered::Number(_) | Ordered::String(_) => (),
    }
}

/// Macros may bring sections of their own.
fn known_sections(document: &Ordered, transforms: &[String]) -> Read<()> {
    let unknown: Vec<&str> = document
        .members()
        .unwrap_or_default()
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !SECTIONS.contains(name))
        .collect();
    if unknown.is_empty() || transforms.iter().any(|name| name != LANGUAGE_EXTENSIONS) {
        return Ok(());
    }
    if unknown == ["Hooks"] {
        return refuse("The section Hooks of a template is not supported here");
    }
    refuse(format!(
        "Invalid template property or properties [{}]",
        unknown.join(", ")
    ))
}

fn format_version(version: Option<&Ordered>) -> Read<Option<String>> {
    match version {
        None => Ok(None),
        Some(Ordered::String(version)) if version == "2010-09-09" => Ok(Some(version.clone())),
        Some(_) => refuse("Template format error: unsupported value for AWSTemplateFormatVersion."),
    }
}

fn description(description: Option<&Ordered>) -> Read<Option<String>> {
    let text = text_member(description, "Description")?;
    if text.as_ref().is_some_and(|text| text.len() > DESCRIPTION_BYTES_MAX) {
        return refuse(format!(
            "Template format error: 'Description' length is greater than {DESCRIPTION_BYTES_MAX}."
        ));
    }
    Ok(text)
}

/// A member that is a text; a number or boolean is one, too.
pub(crate) fn text_member(value: Option<&Ordered>, name: &str) -> Read<Option<String>> {
    match value {
        None => Ok(None),
        Some(value) => match scalar_text(value) {
            Some(text) => Ok(Some(text)),
            None => refuse(format!("Template format error: Every {name} member must be a string.")),
        },
    }
}

fn transforms(transform: Option<&Ordered>) -> Read<Vec<String>> {
    let name = |transform: &Ordered| match transform {
        Ordered::String(name) => Ok(name.clone()),
        Ordered::Object(_) => match transform.member("Name") {
            Some(Ordered::String(name)) => Ok(name.clone()),
            _ => refuse("Key Name of transform definition must be a string."),
        },
        _ => refuse("Template format error: Every Transform member must be a string or an object."),
    };
    match transform {
        None => Ok(Vec::new()),
        Some(Ordered::Array(transforms)) => transforms.iter().map(name).collect(),
        Some(transform) => name(transform).map(|name| vec![name]),
    }
}

/// The members of a section; those of one that is not there are none.
fn section<'a>(document: &'a Ordered, name: &str) -> Read<&'a [(String, Ordered)]> {
    match document.member(name) {
        None => Ok(&[]),
        Some(section) => match section.members() {
            Some(members) => Ok(members),
            None => refuse(format!("Template format error: Any {name} member must be an object.")),
        },
    }
}

/// Letters and digits, at least one.
pub(crate) fn alphanumeric(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

pub(crate) fn logical_name(kind: &str, name: &str) -> Read<()> {
    if !alphanumeric(name) {
        return refuse(format!(
            "Template format error: {kind} name {name} is non alphanumeric."
        ));
    }
    if name.len() > LOGICAL_NAME_CHARS_MAX {
        return refuse(format!(
            "Template format error: {kind} name {name} is longer than {LOGICAL_NAME_CHARS_MAX} characters."
        ));
    }
    Ok(())
}

pub(crate) fn at_most(kind: &str, count: usize, max: usize) -> Read<()> {
    if count > max {
        return refuse(format!(
            "Template format error: {kind} count {count} is greater than max allowed {max}"
        ));
    }
    Ok(())
}

/// In `pending` sections loops and macros stand beside members: they are no members yet.
fn is_loop(pending: bool, name: &str) -> bool {
    pending && (name.starts_with(FOR_EACH) || name == "Fn::Transform")
}

fn mappings(section: &[(String, Ordered)]) -> Read<Value> {
    at_most("Mappings", section.len(), MAPPINGS_MAX)?;
    for (name, mapping) in section {
        logical_name("Mapping", name)?;
        for (key, attributes) in mapping_members(name, mapping)? {
            mapping_key(key)?;
            let attributes = mapping_members(key, attributes)?;
            at_most("Mapping attributes", attributes.len(), MAPPING_ATTRIBUTES_MAX)?;
            for (attribute, value) in attributes {
                mapping_key(attribute)?;
                value
                    .items()
                    .unwrap_or(std::slice::from_ref(value))
                    .iter()
                    .try_for_each(mapping_value)?;
            }
        }
    }
    Ok(object(section))
}

fn mapping_members<'a>(name: &str, mapping: &'a Ordered) -> Read<&'a [(String, Ordered)]> {
    match mapping.members() {
        Some(members) => Ok(members),
        None => refuse(format!(
            "Template format error: Every Mappings member {name} must be a map"
        )),
    }
}

fn mapping_value(value: &Ordered) -> Read<()> {
    match scalar_text(value) {
        Some(text) => check::no_dynamic_reference(&text),
        None => refuse("Template format error: Every Mappings attribute must be a String or a List."),
    }
}

fn mapping_key(key: &str) -> Read<()> {
    if !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
        return Ok(());
    }
    refuse(format!(
        "Template format error: Mappings element name '{key}' must be non-empty and can contain only alphanumerics, '-' or '.'"
    ))
}

fn object(members: &[(String, Ordered)]) -> Value {
    Value::Object(
        members
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value)))
            .collect::<Map<_, _>>(),
    )
}

fn conditions(section: &[(String, Ordered)], pending: bool) -> Read<Vec<(String, Value)>> {
    let mut conditions = Vec::with_capacity(section.len());
    for (name, expression) in section.iter().filter(|(name, _)| !is_loop(pending, name)) {
        logical_name("Condition", name)?;
        conditions.push((name.clone(), Value::from(expression)));
    }
    Ok(conditions)
}

fn rules(section: &[(String, Ordered)]) -> Read<Vec<Rule>> {
    section
        .iter()
        .map(|(name, rule)| {
            logical_name("Rule", name)?;
            let Some(members) = rule.members() else {
                return refuse("Template format error: Any Rules member must be an object.");
            };
            if let Some((unknown, _)) = members
                .iter()
                .find(|(name, _)| !matches!(name.as_str(), "RuleCondition" | "Assertions"))
            {
                return refuse(format!("Invalid template rule property '{unknown}'"));
            }
            let Some(assertions) = rule.member("Assertions").and_then(Ordered::items) else {
                return refuse(format!(
                    "Template format error: Rule {name} must contain a list of Assertions."
                ));
            };
            Ok(Rule {
                name: name.clone(),
                condition: rule.member("RuleCondition").map(Value::from),
                assertions: assertions
                    .iter()
                    .map(|assertion| assertion_of(name, assertion))
                    .collect::<Read<_>>()?,
            })
        })
        .collect()
}

fn assertion_of(rule: &str, assertion: &Ordered) -> Read<(Value, Option<String>)> {
    let Some(assert) = assertion.member("Assert") else {
        return refuse(format!(
            "Template format error: Every assertion of rule {rule} must contain an Assert member."
        ));
    };
    let description = text_member(assertion.member("AssertDescription"), "AssertDescription")?;
    Ok((Value::from(assert), description))
}

fn resources(document: &Ordered, pending: bool) -> Read<Vec<Resource>> {
    let section = section(document, "Resources")?;
    if section.is_empty() {
        return refuse("Template format error: At least one Resources member must be defined.");
    }
    if section.len() > RESOURCES_MAX {
        return refuse(format!(
            "Template format error: Number of resources, {}, is greater than maximum allowed, {RESOURCES_MAX}",
            section.len()
        ));
    }
    let members = section.iter().filter(|(name, _)| !is_loop(pending, name));
    members
        .map(|(logical_id, resource)| resource_of(logical_id, resource, pending))
        .collect()
}

const RESOURCE_MEMBERS: [&str; 9] = [
    "Type",
    "Properties",
    "Condition",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
    "CreationPolicy",
    "UpdatePolicy",
];

fn resource_of(logical_id: &str, resource: &Ordered, pending: bool) -> Read<Resource> {
    logical_name("Resource", logical_id)?;
    let fault = |what: &str| refuse(format!("Template format error: [/Resources/{logical_id}] {what}"));
    let Some(members) = resource.members() else {
        return fault("resource definition is malformed");
    };
    let type_name = match resource.member("Type") {
        None => return fault("Every Resources object must contain a Type member."),
        Some(Ordered::String(name)) => name.clone(),
        Some(_) => return fault("Every Type member must be a string."),
    };
    let known = |name: &str| RESOURCE_MEMBERS.contains(&name) || is_loop(pending, name);
    if let Some((unknown, _)) = members.iter().find(|(name, _)| !known(name)) {
        return refuse(format!("Invalid template resource property '{unknown}'"));
    }
    let properties = match resource.member("Properties") {
        None => Value::Object(Map::new()),
        Some(Ordered::Object(members)) => object(members),
        Some(_) => return fault("Every Properties member must be an object."),
    };
    let policy = |name: &str| deletion_policy(logical_id, &type_name, name, resource.member(name), pending);
    Ok(Resource {
        logical_id: logical_id.to_owned(),
        properties,
        condition: condition_name(resource.member("Condition"))?,
        depends_on: depends_on(resource.member("DependsOn"))?,
        deletion_policy: policy("DeletionPolicy")?,
        update_replace_policy: policy("UpdateReplacePolicy")?,
        metadata: resource.member("Metadata").map(Value::from),
        creation_policy: resource.member("CreationPolicy").map(Value::from),
        update_policy: resource.member("UpdatePolicy").map(Value::from),
        type_name,
    })
}

fn condition_name(condition: Option<&Ordered>) -> Read<Option<String>> {
    match condition {
        None => Ok(None),
        Some(Ordered::String(name)) => Ok(Some(name.clone())),
        Some(_) => refuse("Template format error: Every Condition member must be a string."),
    }
}

fn depends_on(depends_on: Option<&Ordered>) -> Read<Vec<String>> {
    match depends_on {
        None => Ok(Vec::new()),
        Some(Ordered::String(id)) => Ok(vec![id.clone()]),
        Some(Ordered::Array(ids)) => ids
            .iter()
            .map(|id| match id {
                Ordered::String(id) => Ok(id.clone()),
                _ => refuse("Template format error: Every DependsOn value must be a string."),
            })
            .collect(),
        Some(_) => refuse("Template format error: DependsOn must be a string or list of strings."),
    }
}

/// Types of which AWS makes snapshots.
const SNAPSHOT_TYPES: [&str; 9] = [
    "AWS::DocDB::DBCluster",
    "AWS::EC2::Volume",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Neptune::DBCluster",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
    "AWS::MemoryDB::Cluster",
];

/// Language extensions allow functions here; they are read when they have been applied.
fn deletion_policy(
    logical_id: &str,
    type_name: &str,
    name: &str,
    policy: Option<&Ordered>,
    pending: bool,
) -> Read<Option<DeletionPolicy>> {
    match policy {
        None => Ok(None),
        Some(Ordered::Object(_)) if pending => Ok(None),
        Some(Ordered::String(policy)) => match policy.as_str() {
            "Delete" => Ok(Some(DeletionPolicy::Delete)),
            "Retain" => Ok(Some(DeletionPolicy::Retain)),
            "RetainExceptOnCreate" if name == "DeletionPolicy" => Ok(Some(DeletionPolicy::RetainExceptOnCreate)),
            "Snapshot" if !SNAPSHOT_TYPES.contains(&type_name) => refuse(format!(
                "Template error: resource type {type_name} does not support deletion policy Snapshot"
            )),
            "Snapshot" => Ok(Some(DeletionPolicy::Snapshot)),
            _ => refuse(format!(
                "Template format error: Unrecognized {name} {policy} for resource {logical_id}"
            )),
        },
        Some(_) => refuse(format!("Template format error: Every {name} member must be a string.")),
    }
}

fn outputs(section: &[(String, Ordered)], pending: bool) -> Read<Vec<Output>> {
    at_most("Outputs", section.len(), OUTPUTS_MAX)?;
    section
        .iter()
        .filter(|(name, _)| !is_loop(pending, name))
        .map(|(name, output)| output_of(name, output))
        .collect()
}

fn output_of(name: &str, output: &Ordered) -> Read<Output> {
    logical_name("Output", name)?;
    let Some(value) = output.member("Value") else {
        return refuse("Template format error: Every Outputs member must contain a Value object");
    };
    let members = output.members().unwrap_or_default();
    let known = |name: &str| matches!(name, "Value" | "Description" | "Export" | "Condition");
    if let Some((unknown, _)) = members.iter().find(|(name, _)| !known(name)) {
        return refuse(format!("Invalid template output property '{unknown}'"));
    }
    if scalar_text(value).is_none() && !check::is_function(value) {
        return refuse("Template format error: The Value field of every Outputs member must evaluate to a String.");
    }
    Ok(Output {
        name: name.to_owned(),
        value: Value::from(value),
        description: text_member(output.member("Description"), "Description")?,
        export: export(name, output.member("Export"))?,
        condition: condition_name(output.member("Condition"))?,
    })
}

fn export(output: &str, export: Option<&Ordered>) -> Read<Option<Value>> {
    let Some(export) = export else { return Ok(None) };
    let name = export.member("Name");
    let value = name.map(Value::from).unwrap_or_default();
    if !name.is_some_and(check::is_function) {
        export_name(output, &value)?;
    }
    Ok(Some(value))
}

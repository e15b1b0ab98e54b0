//! The faults of a template as a whole that can be seen without values: references to nothing, unknown conditions and
//! functions, cycles.
//!
//! Names are told in the order in which the document has them.

use std::collections::{HashMap, HashSet};

use crate::functions::{BESIDE_CONDITIONS, Piece, pieces};
use crate::model::Template;
use crate::ordered::Ordered;
use crate::read::{Read, refuse};
use crate::scope::LANGUAGE_EXTENSIONS;
use crate::shape;

const PSEUDO_PARAMETERS: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// AWS's list, in its order.
const FUNCTIONS: [&str; 23] = [
    "Fn::Base64",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Split",
    "Fn::FindInMap",
    "Fn::Select",
    "Ref",
    "Fn::Equals",
    "Fn::If",
    "Fn::Not",
    "Condition",
    "Fn::And",
    "Fn::Or",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
    "Fn::RefAll",
    "Fn::Sub",
    "Fn::Cidr",
];

/// Whether the value is a function call, so that what it gives is not known here.
pub(crate) fn is_function(value: &Ordered) -> bool {
    shape::function(value).is_some()
}

/// Refuses the first `null`. The path names a resource's properties as AWS does: by `Type`.
pub(crate) fn nulls(document: &Ordered) -> Read<()> {
    let mut path = Vec::new();
    if !has_null(document, &mut path) {
        return Ok(());
    }
    if let [section, _, properties, _, ..] = path.as_mut_slice()
        && section == "Resources"
        && properties == "Properties"
    {
        "Type".clone_into(properties);
    }
    refuse(format!(
        "[/{}] 'null' values are not allowed in templates",
        path.join("/")
    ))
}

fn has_null(tree: &Ordered, path: &mut Vec<String>) -> bool {
    let mut found = |name: &dyn Fn() -> String, value: &Ordered| {
        if matches!(value, Ordered::Bool(_) | Ordered::Number(_) | Ordered::String(_)) {
            return false;
        }
        path.push(name());
        let found = has_null(value, path);
        if !found {
            path.pop();
        }
        found
    };
    match tree {
        Ordered::Null => true,
        Ordered::Array(items) => items
            .iter()
            .enumerate()
            .any(|(index, item)| found(&|| index.to_string(), item)),
        Ordered::Object(members) => members.iter().any(|(name, value)| found(&|| name.clone(), value)),
        Ordered::Bool(_) | Ordered::Number(_) | Ordered::String(_) => false,
    }
}

/// Looks for the faults of a template whose transforms, if it had any, have been applied.
pub(crate) fn whole(document: &Ordered, template: &Template) -> Read<()> {
    let names = Names::of(template)?;
    conditions(document, &names)?;
    let mut rules = Walk::new(&names, Place::Rules);
    for (_, rule) in members_of(document, "Rules") {
        rules.value(rule, Kind::Boolean)?;
    }
    rules.resolved()?;
    let edges = resources(document, &names)?;
    outputs(document, &names)?;
    acyclic(template, &edges)
}

fn members_of<'a>(document: &'a Ordered, section: &str) -> &'a [(String, Ordered)] {
    document.member(section).and_then(Ordered::members).unwrap_or_default()
}

struct Names<'a> {
    parameters: HashSet<&'a str>,
    resources: HashMap<&'a str, usize>,
    conditions: HashSet<&'a str>,
    mappings: HashSet<&'a str>,
    extensions: bool,
}

impl<'a> Names<'a> {
    fn of(template: &'a Template) -> Read<Names<'a>> {
        let names = Names {
            parameters: template
                .parameters
                .iter()
                .map(|parameter| parameter.name.as_str())
                .collect(),
            resources: template
                .resources
                .iter()
                .enumerate()
                .map(|(at, resource)| (resource.logical_id.as_str(), at))
                .collect(),
            conditions: template.conditions.iter().map(|(name, _)| name.as_str()).collect(),
            mappings: template
                .mappings
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect(),
            extensions: template.transforms.iter().any(|name| name == LANGUAGE_EXTENSIONS),
        };
        match template
            .resources
            .iter()
            .find(|resource| names.parameters.contains(resource.logical_id.as_str()))
        {
            Some(twice) => refuse(format!(
                "Template format error: Resource name {} is also the name of a parameter.",
                twice.logical_id
            )),
            None => Ok(names),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Conditions,
    Rules,
    Resources,
    Outputs,
}

/// What a value is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Anything: a member `Condition` is data.
    Data,
    /// A condition: `{"Condition": "Name"}` is a function.
    Boolean,
}

/// A walk through the values of one section.
struct Walk<'a> {
    names: &'a Names<'a>,
    place: Place,
    /// What is referred to and is not there, each once.
    unresolved: Vec<String>,
    missed: HashSet<String>,
    /// The first attribute of nothing.
    undefined: Option<String>,
    /// The resources that are referred to whatever the conditions.
    edges: Vec<usize>,
    /// How many branches of `Fn::If` the walk is in.
    branches: usize,
}

impl<'a> Walk<'a> {
    fn new(names: &'a Names<'a>, place: Place) -> Walk<'a> {
        Walk {
            names,
            place,
            unresolved: Vec::new(),
            missed: HashSet::new(),
            undefined: None,
            edges: Vec::new(),
            branches: 0,
        }
    }

    fn value(&mut self, value: &Ordered, kind: Kind) -> Read<()> {
        match value {
            Ordered::String(text) => no_dynamic_reference(text),
            Ordered::Array(items) => items.iter().try_for_each(|item| self.value(item, kind)),
            Ordered::Object(members) => match value.only() {
                Some((name, argument)) if name == "Ref" || name.starts_with("Fn::") => self.function(name, argument),
                Some(("Condition", Ordered::String(name))) if kind == Kind::Boolean => {
                    self.condition(name, "Condition")
                }
                _ => members.iter().try_for_each(|(name, member)| match name.as_str() {
                    "Fn::Transform" => self.function(name, member),
                    name if name.starts_with("Fn::") => {
                        refuse(format!("Template error: {name} must be the only member of its object"))
                    }
                    _ => self.value(member, kind),
                }),
            },
            Ordered::Null | Ordered::Bool(_) | Ordered::Number(_) => Ok(()),
        }
    }

    fn function(&mut self, name: &str, argument: &Ordered) -> Read<()> {
        self.supported(name, argument)?;
        shape::arguments(name, argument)?;
        match (name, argument) {
            ("Ref", Ordered::String(name)) => {
                self.reference(name);
                Ok(())
            }
            ("Fn::GetAtt", Ordered::Array(parts)) => self.attribute(parts),
            ("Fn::Sub", _) => self.sub(argument),
            ("Fn::If", Ordered::Array(parts)) => {
                let [Ordered::String(condition), then, otherwise] = parts.as_slice() else { return Ok(()) };
                self.condition(condition, "Fn::If")?;
                self.branches += 1;
                self.value(then, Kind::Data)?;
                self.value(otherwise, Kind::Data)?;
                self.branches -= 1;
                Ok(())
            }
            ("Fn::FindInMap", Ordered::Array(parts)) => {
                self.mapping(parts)?;
                self.value(argument, Kind::Data)
            }
            ("Fn::And" | "Fn::Or" | "Fn::Not", _) => self.value(argument, Kind::Boolean),
            ("Fn::ImportValue", _) => self.constant(
                argument,
                "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs",
            ),
            // The arguments of these are names, not values.
            ("Fn::RefAll" | "Fn::ValueOf" | "Fn::ValueOfAll", _) => Ok(()),
            _ => self.value(argument, Kind::Data),
        }
    }

    /// Refuses functions that are not there, or not in this section.
    fn supported(&self, name: &str, argument: &Ordered) -> Read<()> {
        match name {
            "Fn::Transform" => {
                let macro_name = argument.member("Name").unwrap_or(argument);
                match macro_name.text() {
                    Some(name) => refuse(format!("The transform {name} is not supported here")),
                    None => refuse("Key Name of transform definition must be a string."),
                }
            }
            "Fn::Length" | "Fn::ToJsonString" if self.names.extensions => Ok(()),
            _ if !FUNCTIONS.contains(&name) => refuse(format!(
                "Template format error: Encountered unsupported function: {name} Supported functions are: [{}]",
                FUNCTIONS.join(", ")
            )),
            "Fn::Contains"
            | "Fn::EachMemberEquals"
            | "Fn::EachMemberIn"
            | "Fn::ValueOf"
            | "Fn::ValueOfAll"
            | "Fn::RefAll"
                if self.place != Place::Rules =>
            {
                refuse(format!("Template error: {name} can only be used in Rules"))
            }
            "Fn::And" | "Fn::Equals" | "Fn::Not" | "Fn::Or"
                if matches!(self.place, Place::Resources | Place::Outputs) =>
            {
                refuse(format!("Template error: {name} cannot be partially collapsed"))
            }
            "Fn::And" | "Fn::Equals" | "Fn::Not" | "Fn::Or" => Ok(()),
            "Fn::Contains"
            | "Fn::EachMemberEquals"
            | "Fn::EachMemberIn"
            | "Fn::RefAll"
            | "Fn::ValueOf"
            | "Fn::ValueOfAll" => Ok(()),
            _ if matches!(self.place, Place::Conditions | Place::Rules) && !BESIDE_CONDITIONS.contains(&name) => {
                refuse(format!("Template error: Cannot use {name} in {:?}.", self.place))
            }
            _ => Ok(()),
        }
    }

    fn reference(&mut self, name: &str) {
        if self.names.parameters.contains(name) || PSEUDO_PARAMETERS.contains(&name) {
            return;
        }
        match self.names.resources.get(name) {
            Some(resource) if matches!(self.place, Place::Resources | Place::Outputs) => self.edge(*resource),
            _ => self.miss(name),
        }
    }

    fn edge(&mut self, resource: usize) {
        if self.branches == 0 {
            self.edges.push(resource);
        }
    }

    fn miss(&mut self, name: &str) {
        if self.missed.insert(name.to_owned()) {
            self.unresolved.push(name.to_owned());
        }
    }

    fn attribute(&mut self, parts: &[Ordered]) -> Read<()> {
        let [Ordered::String(id), attribute] = parts else {
            return Ok(());
        };
        if matches!(self.place, Place::Conditions | Place::Rules) {
            self.miss(id);
            return Ok(());
        }
        match self.names.resources.get(id.as_str()) {
            Some(resource) => self.edge(*resource),
            None => {
                self.undefined.get_or_insert_with(|| {
                    format!("Template error: instance of Fn::GetAtt references undefined resource {id}")
                });
            }
        }
        self.value(attribute, Kind::Data)
    }

    fn sub(&mut self, argument: &Ordered) -> Read<()> {
        let (text, variables) = match argument {
            Ordered::Array(parts) => match parts.as_slice() {
                [Ordered::String(text), variables] => (text, Some(variables)),
                _ => return Ok(()),
            },
            Ordered::String(text) => (text, None),
            _ => return Ok(()),
        };
        no_dynamic_reference(text)?;
        let own: HashSet<&str> = variables
            .and_then(Ordered::members)
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        for piece in pieces(text)? {
            let Piece::Variable(name) = piece else { continue };
            if own.contains(name) {
                continue;
            }
            match name.split_once('.') {
                None => self.reference(name),
                Some((id, _)) if matches!(self.place, Place::Conditions | Place::Rules) => self.miss(id),
                Some((id, _)) => match self.names.resources.get(id) {
                    Some(resource) => self.edge(*resource),
                    None => {
                        self.undefined.get_or_insert_with(|| {
                            format!("Template error: instance of Fn::Sub references invalid resource attribute {name}")
                        });
                    }
                },
            }
        }
        variables.map_or(Ok(()), |variables| self.value(variables, Kind::Data))
    }

    fn condition(&self, name: &str, function: &str) -> Read<()> {
        if self.names.conditions.contains(name) {
            return Ok(());
        }
        refuse(format!(
            "Template error: unresolved condition dependency {name} in {function}"
        ))
    }

    /// Without language extensions only `Ref` and `Fn::FindInMap` may make a key, and there is no default.
    fn mapping(&self, parts: &[Ordered]) -> Read<()> {
        let plain =
            |key: &Ordered| shape::function(key).is_none_or(|(name, _)| matches!(name, "Ref" | "Fn::FindInMap"));
        let plain = parts.len() == 3 && parts.iter().all(plain);
        if !plain && !self.names.extensions {
            return refuse(shape::FIND_IN_MAP_FORM);
        }
        match parts {
            [Ordered::String(map), rest @ ..] if rest.len() == 2 && !self.names.mappings.contains(map.as_str()) => {
                refuse(format!(
                    "Template error: Mapping named '{map}' is not present in the 'Mappings' section of template."
                ))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a value with `fault` that depends on resources, exports or zones.
    fn constant(&mut self, value: &Ordered, fault: &str) -> Read<()> {
        let mut inner = Walk::new(self.names, self.place);
        inner.value(value, Kind::Data)?;
        if !inner.edges.is_empty()
            || inner.undefined.is_some()
            || calls(value, &["Fn::ImportValue", "Fn::GetAZs", "Fn::GetAtt"])
        {
            return refuse(fault);
        }
        inner.unresolved.iter().for_each(|name| self.miss(name));
        Ok(())
    }

    /// Refuses the section when something in it refers to nothing.
    fn resolved(self) -> Read<Vec<usize>> {
        if !self.unresolved.is_empty() {
            let names = self.unresolved.join(", ");
            return match self.place {
                Place::Resources => refuse(format!(
                    "Template format error: Unresolved resource dependencies [{names}] in the Resources block of the template"
                )),
                Place::Outputs => refuse(format!(
                    "Unresolved resource dependencies [{names}] in the Outputs block of the template"
                )),
                Place::Conditions | Place::Rules => refuse(format!(
                    "Template format error: Unresolved dependencies [{names}]. Cannot reference resources in the {:?} block of the \
                     template",
                    self.place
                )),
            };
        }
        self.undefined.map_or(Ok(self.edges), refuse)
    }
}

/// Whether one of the functions is called anywhere in the value.
fn calls(value: &Ordered, functions: &[&str]) -> bool {
    match value {
        Ordered::Array(items) => items.iter().any(|item| calls(item, functions)),
        Ordered::Object(members) => members
            .iter()
            .any(|(name, member)| functions.contains(&name.as_str()) || calls(member, functions)),
        Ordered::Null | Ordered::Bool(_) | Ordered::Number(_) | Ordered::String(_) => false,
    }
}

/// There is nothing here that dynamic references could be resolved from.
pub(crate) fn no_dynamic_reference(text: &str) -> Read<()> {
    match text.find("{{resolve:").map(|at| &text[at..]) {
        None => Ok(()),
        Some(reference) => {
            let end = reference.find("}}").map_or(reference.len(), |end| end + 2);
            refuse(format!(
                "Template error: dynamic references are not supported here: {}",
                &reference[..end]
            ))
        }
    }
}

fn conditions(document: &Ordered, names: &Names<'_>) -> Read<()> {
    let section = members_of(document, "Conditions");
    let mut walk = Walk::new(names, Place::Conditions);
    for (_, expression) in section {
        let valid = match expression.only() {
            Some((function, _)) => matches!(
                function,
                "Condition" | "Fn::And" | "Fn::Or" | "Fn::Not" | "Fn::Equals" | "Fn::Transform"
            ),
            None => false,
        };
        if !valid {
            return refuse(
                "Template format error: Conditions can only be boolean operations on parameters and other conditions",
            );
        }
        walk.value(expression, Kind::Boolean)?;
    }
    walk.resolved()?;
    let mut edges: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, expression) in section {
        condition_names(expression, edges.entry(name).or_default());
    }
    let order: Vec<&str> = section.iter().map(|(name, _)| name.as_str()).collect();
    match remainder(&order, |name| edges.get(name).cloned().unwrap_or_default()).as_slice() {
        [] => Ok(()),
        cycle => refuse(format!(
            "Template format error: Circular dependency between conditions: [{}]",
            cycle.join(", ")
        )),
    }
}

/// The conditions that an expression names.
fn condition_names<'a>(value: &'a Ordered, found: &mut Vec<&'a str>) {
    match value {
        Ordered::Array(items) => items.iter().for_each(|item| condition_names(item, found)),
        Ordered::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("Condition", Ordered::String(name)) => found.push(name),
                    ("Fn::If", Ordered::Array(parts)) => {
                        found.extend(parts.first().and_then(Ordered::text));
                        parts.iter().for_each(|part| condition_names(part, found));
                    }
                    _ => condition_names(member, found),
                }
            }
        }
        Ordered::Null | Ordered::Bool(_) | Ordered::Number(_) | Ordered::String(_) => (),
    }
}

/// Checks the resources; gives for each what it depends on whatever the conditions.
fn resources(document: &Ordered, names: &Names<'_>) -> Read<Vec<Vec<usize>>> {
    let mut walk = Walk::new(names, Place::Resources);
    let mut edges = Vec::new();
    for (logical_id, resource) in members_of(document, "Resources") {
        for (member, value) in resource.members().unwrap_or_default() {
            match (member.as_str(), value) {
                ("DependsOn", Ordered::String(id)) => depend(&mut walk, id),
                ("DependsOn", Ordered::Array(ids)) => ids
                    .iter()
                    .filter_map(Ordered::text)
                    .for_each(|id| depend(&mut walk, id)),
                ("Condition", Ordered::String(name)) if !names.conditions.contains(name.as_str()) => {
                    return refuse(format!(
                        "Template format error: Unresolved condition dependency {name} in the Resources block of the template"
                    ));
                }
                ("Properties" | "Metadata" | "CreationPolicy" | "UpdatePolicy", value) => {
                    walk.value(value, Kind::Data)?
                }
                ("Fn::Transform", value) => walk.function("Fn::Transform", value)?,
                _ => (),
            }
        }
        let mut depends = std::mem::take(&mut walk.edges);
        // Whether it is there at all is a matter of values.
        if resource.member("Condition").is_some() {
            depends.clear();
        }
        debug_assert_eq!(names.resources.get(logical_id.as_str()), Some(&edges.len()));
        edges.push(depends);
    }
    walk.resolved()?;
    Ok(edges)
}

fn depend(walk: &mut Walk<'_>, id: &str) {
    match walk.names.resources.get(id) {
        Some(resource) => walk.edge(*resource),
        None => walk.miss(id),
    }
}

fn outputs(document: &Ordered, names: &Names<'_>) -> Read<()> {
    let mut walk = Walk::new(names, Place::Outputs);
    for (name, output) in members_of(document, "Outputs") {
        if let Some(condition) = output.member("Condition").and_then(Ordered::text)
            && !names.conditions.contains(condition)
        {
            return refuse(format!(
                "Template format error: Unresolved condition dependency {condition} in the Outputs block of the template"
            ));
        }
        if let Some(value) = output.member("Value") {
            walk.value(value, Kind::Data)?;
        }
        if let Some(export) = output.member("Export").and_then(|export| export.member("Name")) {
            walk.constant(
                export,
                &format!(
                    "Template format error: Output {name} is malformed. The Name field of Export must not depend on any resources, \
                     imported values, or Fn::GetAZs."
                ),
            )?;
        }
    }
    walk.resolved().map(|_| ())
}

fn acyclic(template: &Template, edges: &[Vec<usize>]) -> Read<()> {
    let order: Vec<usize> = (0..template.resources.len()).collect();
    let cycle = remainder(&order, |resource| edges.get(resource).cloned().unwrap_or_default());
    if cycle.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = cycle
        .iter()
        .filter_map(|resource| template.resources.get(*resource))
        .map(|resource| resource.logical_id.as_str())
        .collect();
    refuse(format!("Circular dependency between resources: [{}]", names.join(", ")))
}

/// What is left in order when all has been taken away, again and again, of which nothing is left that it depends on: what is in
/// a cycle, and what depends on that.
pub(crate) fn remainder<T: Copy + Eq + std::hash::Hash>(order: &[T], depends: impl Fn(T) -> Vec<T>) -> Vec<T> {
    let mut waiting: HashMap<T, usize> = HashMap::new();
    let mut waited_for: HashMap<T, Vec<T>> = HashMap::new();
    for item in order {
        let depends = depends(*item);
        waiting.insert(*item, depends.len());
        for on in depends {
            waited_for.entry(on).or_default().push(*item);
        }
    }
    let mut ready: Vec<T> = order
        .iter()
        .copied()
        .filter(|item| waiting.get(item) == Some(&0))
        .collect();
    while let Some(item) = ready.pop() {
        waiting.remove(&item);
        for next in waited_for.remove(&item).unwrap_or_default() {
            if let Some(count) = waiting.get_mut(&next) {
                *count -= 1;
                if *count == 0 {
                    ready.push(next);
                }
            }
        }
    }
    order
        .iter()
        .copied()
        .filter(|item| waiting.contains_key(item))
        .collect()
}

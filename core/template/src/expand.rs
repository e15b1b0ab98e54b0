//! Language extensions: `Fn::ForEach`, and functions where only texts could stand, expanded with the values of parameters.
//! What else they bring (`Fn::Length`, `Fn::ToJsonString`, defaults of `Fn::FindInMap`) is evaluated like all functions.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html>

use std::collections::BTreeMap;

use serde_json::Value;

use crate::conditions::{self, settled};
use crate::functions::{DEPTH_MAX, Evaluator, Place, scalar};
use crate::ordered::Ordered;
use crate::scope::{EVALUATED_BYTES_MAX, LANGUAGE_EXTENSIONS, Nothing, Pseudo, Scope};
use crate::{Parameters, Template, TemplateError};

/// The sections that are expanded.
const SECTIONS: [&str; 3] = ["Conditions", "Resources", "Outputs"];

/// What the key of a loop begins with.
const FOR_EACH: &str = "Fn::ForEach::";

/// The most values that an expansion makes, counting each turn of a loop.
const STEPS_MAX: usize = 100_000;

/// AWS's transforms that are not here.
const NOT_HERE: [&str; 6] = [
    "AWS::CodeDeployBlueGreen",
    "AWS::Include",
    "AWS::SecretsManager-2020-07-23",
    "AWS::SecretsManager-2024-09-16",
    "AWS::Serverless-2016-10-31",
    "AWS::ServiceCatalog",
];

impl Template {
    /// The template as its transforms make it. Of AWS's transforms `AWS::LanguageExtensions` is here. The result is to be
    /// made again for other parameters.
    ///
    /// # Errors
    /// A transform that is not here; what cannot be expanded, or would be larger than a template may be; and every static
    /// fault of what it expands to.
    pub fn expanded(&self, parameters: &Parameters, pseudo: &Pseudo) -> Result<Template, TemplateError> {
        for name in &self.transforms {
            if NOT_HERE.contains(&name.as_str()) {
                return Err(TemplateError(format!("The transform {name} is not supported here")));
            }
            if name != LANGUAGE_EXTENSIONS {
                return Err(TemplateError(format!("No transform named {name} found.")));
            }
        }
        match &self.unexpanded {
            None => Ok(self.clone()),
            Some(document) => Template::of_expanded(expand(self, document, parameters, pseudo)?),
        }
    }

    /// The whole document as its transforms make it, without them; `None` where there are none, for it stays as it was written.
    ///
    /// # Errors
    /// Those of [`Template::expanded`].
    pub fn processed(&self, parameters: &Parameters, pseudo: &Pseudo) -> Result<Option<Ordered>, TemplateError> {
        self.expanded(parameters, pseudo)?;
        let Some(document) = &self.unexpanded else {
            return Ok(None);
        };
        let mut processed = expand(self, document, parameters, pseudo)?;
        if let Ordered::Object(sections) = &mut processed {
            sections.retain(|(name, _)| name != "Transform");
        }
        Ok(Some(processed))
    }
}

/// A refusal of the transform.
fn failed<T>(what: impl std::fmt::Display) -> Result<T, TemplateError> {
    Err(TemplateError(format!(
        "Transform {LANGUAGE_EXTENSIONS} failed with: {what}"
    )))
}

/// A document with its language extensions applied.
pub(crate) fn expand(
    template: &Template,
    document: &Ordered,
    parameters: &Parameters,
    pseudo: &Pseudo,
) -> Result<Ordered, TemplateError> {
    let none = BTreeMap::new();
    let scope = Scope::undecided(template, parameters, pseudo, none);
    let mut expansion = Expansion {
        scope: &scope,
        turns: Vec::new(),
        bytes: 0,
        steps: 0,
    };
    let mut sections = Vec::new();
    for (name, section) in document.members().unwrap_or_default() {
        let section = match SECTIONS.contains(&name.as_str()) {
            true => expansion.value(section, 0)?,
            false => section.clone(),
        };
        sections.push((name.clone(), section));
    }
    policies(template, &mut sections, parameters, pseudo)?;
    Ok(Ordered::Object(sections))
}

/// Evaluates the functions that stand in `DeletionPolicy` and `UpdateReplacePolicy`.
fn policies(
    template: &Template,
    sections: &mut [(String, Ordered)],
    parameters: &Parameters,
    pseudo: &Pseudo,
) -> Result<(), TemplateError> {
    let conditions = sections.iter().find(|(name, _)| name == "Conditions");
    let conditions = conditions
        .and_then(|(_, section)| section.members())
        .unwrap_or_default();
    let with_conditions = Template {
        conditions: conditions
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value)))
            .collect(),
        mappings: template.mappings.clone(),
        transforms: template.transforms.clone(),
        ..Template::default()
    };
    let mut scope = None;
    let resources = sections.iter_mut().find(|(name, _)| name == "Resources");
    let Some((_, Ordered::Object(resources))) = resources else {
        return Ok(());
    };
    for (_, resource) in resources {
        let Ordered::Object(members) = resource else { continue };
        for (name, value) in members {
            let policy = name == "DeletionPolicy" || name == "UpdateReplacePolicy";
            if !policy || value.text().is_some() {
                continue;
            }
            if scope.is_none() {
                scope = Some(decided(&with_conditions, parameters, pseudo)?);
            }
            if let Some(scope) = &scope {
                *value = evaluated(scope, value)?;
            }
        }
    }
    Ok(())
}

fn decided<'a>(
    template: &'a Template,
    parameters: &'a Parameters,
    pseudo: &'a Pseudo,
) -> Result<Scope<'a>, TemplateError> {
    let undecided = Scope::undecided(template, parameters, pseudo, BTreeMap::new());
    let conditions = conditions::decide(&undecided)?;
    Ok(Scope::undecided(template, parameters, pseudo, conditions))
}

/// A value evaluated without any resource.
fn evaluated(scope: &Scope<'_>, value: &Ordered) -> Result<Ordered, TemplateError> {
    let evaluator = Evaluator {
        place: Place::Expansion,
        ..scope.evaluator(&Nothing, false)
    };
    match evaluator.value(&Value::from(value)) {
        Ok(value) => Ok(Ordered::from(value.unwrap_or_default())),
        Err(error) => failed(scope.parameters.hidden(settled(error))),
    }
}

/// One expansion.
struct Expansion<'s> {
    scope: &'s Scope<'s>,
    /// The identifiers of the loops around, each with the item of this turn.
    turns: Vec<(String, String)>,
    bytes: usize,
    steps: usize,
}

impl Expansion<'_> {
    /// A value, expanded.
    fn value(&mut self, value: &Ordered, depth: usize) -> Result<Ordered, TemplateError> {
        if depth > DEPTH_MAX {
            return failed(format!("values are nested more than {DEPTH_MAX} levels deep"));
        }
        self.step(1)?;
        Ok(match value {
            Ordered::String(text) => Ordered::String(self.text(text)?),
            Ordered::Array(items) => Ordered::Array(
                items
                    .iter()
                    .map(|item| self.value(item, depth + 1))
                    .collect::<Result<_, _>>()?,
            ),
            Ordered::Object(members) => match value.only() {
                Some(("Ref", argument)) => self.reference(argument, depth)?,
                Some(("Fn::GetAtt", Ordered::Array(two))) => self.attribute(two, depth)?,
                _ => Ordered::Object(self.members(members, depth)?),
            },
            Ordered::Null | Ordered::Bool(_) | Ordered::Number(_) => value.clone(),
        })
    }

    /// The members of an object: those of loops are put in place of the loops.
    fn members(
        &mut self,
        members: &[(String, Ordered)],
        depth: usize,
    ) -> Result<Vec<(String, Ordered)>, TemplateError> {
        let mut made = Vec::with_capacity(members.len());
        for (name, value) in members {
            match name.strip_prefix(FOR_EACH) {
                Some(name) => self.repeat(name, value, depth, &mut made)?,
                None => made.push((self.text(name)?, self.value(value, depth + 1)?)),
            }
        }
        let mut names: Vec<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|two| two.first() == two.last()) {
            Some(two) => failed(format!("Duplicate key: {}", two.first().unwrap_or(&""))),
            None => Ok(made),
        }
    }

    /// A loop: its members once for each item of its collection.
    fn repeat(
        &mut self,
        name: &str,
        value: &Ordered,
        depth: usize,
        made: &mut Vec<(String, Ordered)>,
    ) -> Result<(), TemplateError> {
        let Some([Ordered::String(identifier), collection, Ordered::Object(body)]) = value.items() else {
            return failed(format!("Fn::ForEach layout is incorrect: {FOR_EACH}{name}"));
        };
        let taken = self.turns.iter().any(|(is, _)| is == identifier);
        if taken || identifier.is_empty() || self.scope.parameters.named(identifier).is_some() {
            return failed(format!(
                "Fn::ForEach identifier {identifier} of {FOR_EACH}{name} is the name of something else"
            ));
        }
        let collection = self.value(collection, depth + 1)?;
        let items = evaluated(self.scope, &collection)?;
        let Some(items) = items.items() else {
            return failed(format!("Fn::ForEach collection of {FOR_EACH}{name} must be a list"));
        };
        for item in items {
            let Some(item) = scalar(&Value::from(item)) else {
                return failed(format!(
                    "Fn::ForEach collection of {FOR_EACH}{name} must be a list of strings"
                ));
            };
            self.step(1)?;
            self.turns.push((identifier.clone(), item));
            let members = self.members(body, depth + 1);
            self.turns.pop();
            made.extend(members?);
        }
        Ok(())
    }

    /// `Ref`: of the identifier of a loop it is the item; its name may be made by a function.
    fn reference(&mut self, argument: &Ordered, depth: usize) -> Result<Ordered, TemplateError> {
        let argument = self.named(argument, depth)?;
        let item = argument
            .text()
            .and_then(|name| self.turns.iter().find(|(is, _)| is == name));
        match item {
            Some((_, item)) => Ok(Ordered::String(item.clone())),
            None => Ok(Ordered::Object(vec![("Ref".to_owned(), argument)])),
        }
    }

    /// `Fn::GetAtt`: both names may be made by functions.
    fn attribute(&mut self, two: &[Ordered], depth: usize) -> Result<Ordered, TemplateError> {
        let names = two
            .iter()
            .map(|name| self.named(name, depth))
            .collect::<Result<_, _>>()?;
        Ok(Ordered::Object(vec![("Fn::GetAtt".to_owned(), Ordered::Array(names))]))
    }

    /// A name that a function may make.
    fn named(&mut self, name: &Ordered, depth: usize) -> Result<Ordered, TemplateError> {
        let name = self.value(name, depth + 1)?;
        match name {
            Ordered::Object(_) => evaluated(self.scope, &name),
            _ => Ok(name),
        }
    }

    /// A text with the items in place of `${Identifier}` and, without what is not alphanumeric, of `&{Identifier}`.
    fn text(&mut self, text: &str) -> Result<String, TemplateError> {
        let mut made = text.to_owned();
        for (identifier, item) in &self.turns {
            if made.contains(identifier.as_str()) {
                let plain: String = item.chars().filter(char::is_ascii_alphanumeric).collect();
                made = made
                    .replace(&format!("${{{identifier}}}"), item)
                    .replace(&format!("&{{{identifier}}}"), &plain);
            }
        }
        self.bytes = self.bytes.saturating_add(made.len());
        match self.bytes > EVALUATED_BYTES_MAX {
            true => failed(format!("the template would be larger than {EVALUATED_BYTES_MAX} bytes")),
            false => Ok(made),
        }
    }

    fn step(&mut self, steps: usize) -> Result<(), TemplateError> {
        self.steps = self.steps.saturating_add(steps);
        match self.steps > STEPS_MAX {
            true => failed(format!("the template would have more than {STEPS_MAX} values")),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ParameterDeclaration;

    fn expanded(document: Value) -> Result<Value, String> {
        let list = |name: &str, kind: &str, default: &str| ParameterDeclaration {
            name: name.to_owned(),
            kind: kind.to_owned(),
            default: Some(default.to_owned()),
            ..ParameterDeclaration::default()
        };
        let template = Template {
            transforms: vec![LANGUAGE_EXTENSIONS.to_owned()],
            parameters: vec![
                list("Names", "CommaDelimitedList", "red,blue"),
                list("Keep", "String", "Retain"),
            ],
            mappings: json!({"Map": {"one": {"list": ["x", "y"]}}}),
            ..Template::default()
        };
        let parameters = template.bind(&[], None).unwrap();
        let document = Ordered::from(document);
        match expand(&template, &document, &parameters, &Pseudo::default()) {
            Ok(document) => Ok(Value::from(&document)),
            Err(TemplateError(what)) => Err(what),
        }
    }

    #[test]
    fn loops_are_written_out() {
        let cases = [
            (
                json!({"Fn::ForEach::Topics": ["Name", {"Ref": "Names"}, {"Topic${Name}": {
                    "Properties": {"TopicName": {"Fn::Join": [".", [{"Ref": "Name"}, "fifo"]]}, "Text": "a ${Name}"},
                    "DependsOn": "Other${Name}",
                }}], "Plain": {"Type": "T"}}),
                json!({
                    "Topicred": {
                        "Properties": {"TopicName": {"Fn::Join": [".", ["red", "fifo"]]}, "Text": "a red"},
                        "DependsOn": "Otherred",
                    },
                    "Topicblue": {
                        "Properties": {"TopicName": {"Fn::Join": [".", ["blue", "fifo"]]}, "Text": "a blue"},
                        "DependsOn": "Otherblue",
                    },
                    "Plain": {"Type": "T"},
                }),
            ),
            // Loops in loops, with names of resources and attributes that functions make.
            (
                json!({"Fn::ForEach::Outer": ["Id", ["A", "B"], {"Fn::ForEach::Inner": ["Of", ["Arn"], {
                    "Bucket${Id}${Of}": {"Value": {"Fn::GetAtt": [{"Fn::Sub": "Bucket${Id}"}, {"Ref": "Of"}]}},
                }]}]}),
                json!({
                    "BucketAArn": {"Value": {"Fn::GetAtt": ["BucketA", "Arn"]}},
                    "BucketBArn": {"Value": {"Fn::GetAtt": ["BucketB", "Arn"]}},
                }),
            ),
            // In properties; what is not alphanumeric is left out of `&{}`.
            (
                json!({"R": {"Properties": {"Fn::ForEach::P": ["X", ["a-1", 2], {"Key&{X}": "${X}"}]}}}),
                json!({"R": {"Properties": {"Keya1": "a-1", "Key2": "2"}}}),
            ),
            (
                json!({"Fn::ForEach::M": ["X", {"Fn::FindInMap": ["Map", "one", "list"]}, {"R${X}": {"Ref": {"Fn::Sub": "Q${X}"}}}]}),
                json!({"Rx": {"Ref": "Qx"}, "Ry": {"Ref": "Qy"}}),
            ),
            (
                json!({"R": {"DeletionPolicy": {"Ref": "Keep"}}, "S": {"UpdateReplacePolicy": {"Fn::If": ["Never", "Retain", "Delete"]}}}),
                json!({"R": {"DeletionPolicy": "Retain"}, "S": {"UpdateReplacePolicy": "Delete"}}),
            ),
        ];
        for (resources, is) in cases {
            let conditions = json!({"Never": {"Fn::Equals": ["a", "b"]}});
            let document = json!({"Conditions": conditions, "Resources": resources, "Metadata": {"${Name}": 1}});
            let expected = json!({"Conditions": conditions, "Resources": is, "Metadata": {"${Name}": 1}});
            assert_eq!(expanded(document.clone()), Ok(expected), "{document}");
        }
    }

    #[test]
    fn what_cannot_be_written_out_is_refused() {
        let nested = |depth: usize| {
            let hundred: Vec<String> = (0..100).map(|n| n.to_string()).collect();
            (0..depth).fold(
                json!({}),
                |body, level| json!({format!("Fn::ForEach::L{level}"): [format!("I{level}"), hundred, body]}),
            )
        };
        let wide = json!({"Fn::ForEach::W": ["I", vec!["x".repeat(2000); 900], {"R": "${I}"}]});
        let cases = [
            (
                json!({"Fn::ForEach::A": ["X", {"Ref": "Names"}]}),
                "Fn::ForEach layout is incorrect: Fn::ForEach::A",
            ),
            (
                json!({"Fn::ForEach::A": ["Keep", ["a"], {}]}),
                "is the name of something else",
            ),
            (json!({"Fn::ForEach::A": ["X", {"Ref": "Keep"}, {}]}), "must be a list"),
            (
                json!({"Fn::ForEach::A": ["X", [["a"]], {}]}),
                "must be a list of strings",
            ),
            (
                json!({"Fn::ForEach::A": ["X", ["a", "b"], {"Same": 1}]}),
                "Duplicate key: Same",
            ),
            (
                json!({"Fn::ForEach::A": ["X", [{"Ref": "Bucket"}], {}]}),
                "Bucket is a resource",
            ),
            (nested(12), "more than 100000 values"),
            (wide, "larger than"),
        ];
        for (resources, what) in cases {
            let refusal = expanded(json!({"Resources": resources})).unwrap_err();
            assert!(
                refusal.starts_with("Transform AWS::LanguageExtensions failed with: "),
                "{refusal}"
            );
            assert!(refusal.contains(what), "{refusal} has no {what}");
        }
    }

    const WRITTEN: &str = r#"
Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList, Default: "red,blue"}
  Keep: {Type: String, Default: Retain}
Conditions:
  Fn::ForEach::Wanted:
    - Name
    - !Ref Names
    - Want${Name}: !Equals [!Ref Name, red]
Resources:
  Fn::ForEach::Topics:
    - Name
    - !Ref Names
    - Topic${Name}:
        Type: AWS::SNS::Topic
        Condition: Want${Name}
        DeletionPolicy: !Ref Keep
        Properties:
          DisplayName: !If ["Want${Name}", !Ref Name, !Ref AWS::NoValue]
          TopicName: !Sub ["${Name}-${Of}.fifo", {Of: {"Fn::Length": !Ref Names}}]
  Last:
    Type: AWS::SNS::Topic
    DependsOn: Topicred
Outputs:
  Fn::ForEach::Of:
    - Attribute
    - [TopicName, TopicArn]
    - Red${Attribute}:
        Value: !GetAtt [!Sub "Topicred", !Ref Attribute]
"#;

    #[test]
    fn what_is_written_out_is_read_as_a_template() {
        let template = Template::parse(WRITTEN).unwrap();
        let parameters = template.bind(&[], None).unwrap();
        let pseudo = Pseudo::default();
        let expanded = template.expanded(&parameters, &pseudo).unwrap();
        assert_eq!(expanded.unexpanded, None);
        let scope = Scope::new(&expanded, &parameters, &pseudo).unwrap();
        let ids: Vec<&str> = scope
            .resources()
            .iter()
            .map(|node| node.resource.logical_id.as_str())
            .collect();
        assert_eq!(ids, ["Topicred", "Last"]);
        let red = scope.resources()[0].resource;
        assert_eq!(red.deletion_policy, Some(crate::DeletionPolicy::Retain));
        assert_eq!(
            scope.evaluate(&red.properties, &Nothing),
            Ok(json!({"DisplayName": "red", "TopicName": "red-2.fifo"}))
        );
        let outputs: Vec<&Value> = scope.outputs().map(|output| &output.value).collect();
        let attribute = |name: &str| json!({"Fn::GetAtt": ["Topicred", name]});
        assert_eq!(outputs, [&attribute("TopicName"), &attribute("TopicArn")]);
    }

    #[test]
    fn what_is_written_out_has_the_faults_of_a_template() {
        let wrong = WRITTEN.replace("DependsOn: Topicred", "DependsOn: Topicgreen");
        let template = Template::parse(&wrong).unwrap();
        let parameters = template.bind(&[], None).unwrap();
        let refusal = template.expanded(&parameters, &Pseudo::default()).unwrap_err();
        assert!(refusal.0.contains("Topicgreen"), "{refusal}");
    }
}

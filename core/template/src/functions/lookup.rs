//! Functions that look a value up: `Ref`, `Fn::GetAtt`, `Fn::If`, `Fn::FindInMap`, `Fn::ImportValue`, `Fn::GetAZs`.

use serde_json::Value;

use super::{Evaluated, Evaluator, Place, function, refused, scalar};
use crate::parameters::NO_ECHO;
use crate::scope::{EvaluateError, Unknown};
use crate::shape::FIND_IN_MAP_FORM;

/// The Availability Zones of every Region.
const ZONES: [&str; 3] = ["a", "b", "c"];

/// AWS's words for a `Fn::GetAtt` that is of the wrong form.
const GET_ATT_FORM: &str = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute";

const IMPORT_FORM: &str =
    "Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string";

const IMPORT_OF: &str = "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, \
     or Fn::GetAZs";

/// The resource and the attribute of a `Fn::GetAtt`, in either form; the attribute may be a `Ref`. `None` where the form is
/// another.
pub(crate) fn attribute_of(argument: &Value) -> Option<(&str, Value)> {
    let (logical_id, attribute) = match argument {
        Value::String(text) => text
            .split_once('.')
            .map(|(logical_id, attribute)| (logical_id, Value::from(attribute)))?,
        Value::Array(two) => match two.as_slice() {
            [Value::String(logical_id), attribute] => (logical_id.as_str(), attribute.clone()),
            _ => return None,
        },
        _ => return None,
    };
    let is = match &attribute {
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => matches!(function(members), Some(("Ref", _))),
        _ => false,
    };
    (is && !logical_id.is_empty()).then_some((logical_id, attribute))
}

impl Evaluator<'_> {
    /// `Ref`
    pub(super) fn reference(&self, argument: &Value) -> Evaluated {
        let Value::String(name) = argument else {
            return refused("Template error: every Ref object must have a single String value.");
        };
        self.named(name)
    }

    /// What `Ref` of a name gives.
    pub(super) fn named(&self, name: &str) -> Evaluated {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.pseudo.value(name) {
            return self.counted(value).map(Some);
        }
        match self.parameters.named(name) {
            Some(parameter) if parameter.no_echo && self.shown => Ok(Some(Value::from(NO_ECHO))),
            Some(parameter) => self.counted(parameter.value()).map(Some),
            None => {
                self.resource(name)?;
                let known = self.known.reference(name);
                let value = known.ok_or_else(|| EvaluateError::NotYet(name.to_owned()))?;
                self.counted(value).map(Some)
            }
        }
    }

    /// Refuses what is no resource, and resources where they may not be named.
    fn resource(&self, logical_id: &str) -> Result<(), EvaluateError> {
        let there = self.template.resources.iter().any(|is| is.logical_id == logical_id);
        match self.place {
            Place::Conditions => refused(format!(
                "Template format error: Unresolved dependencies [{logical_id}]. Cannot reference resources in the \
                 Conditions block of the template"
            )),
            Place::Rules => refused(format!(
                "Template format error: Unresolved dependencies [{logical_id}]. Cannot reference resources in the Rules \
                 block of the template"
            )),
            Place::Import => refused(IMPORT_OF),
            Place::Expansion => refused(format!(
                "{logical_id} is a resource, and none may be referenced where the template is expanded"
            )),
            Place::Resources if there => Ok(()),
            Place::Resources => refused(format!(
                "Template format error: Unresolved resource dependencies [{logical_id}] in the Resources block of the \
                 template"
            )),
        }
    }

    /// A value that came from without: its texts are counted.
    fn counted(&self, value: Value) -> Result<Value, EvaluateError> {
        match &value {
            Value::String(text) => self.text(text.clone()),
            Value::Array(items) => {
                for item in items {
                    match item {
                        Value::String(text) => self.text(text.clone()).map(|_| ())?,
                        _ => self.count(0)?,
                    }
                }
                Ok(value)
            }
            _ => Ok(value),
        }
    }

    /// `Fn::GetAtt`
    pub(super) fn attribute(&self, argument: &Value) -> Evaluated {
        let Some((logical_id, attribute)) = attribute_of(argument) else {
            return refused(GET_ATT_FORM);
        };
        match self.value(&attribute)? {
            Some(Value::String(attribute)) if !attribute.is_empty() => self.attribute_named(logical_id, &attribute),
            _ => refused(GET_ATT_FORM),
        }
    }

    /// What `Fn::GetAtt` of two names gives.
    pub(super) fn attribute_named(&self, logical_id: &str, name: &str) -> Evaluated {
        if self.place == Place::Conditions || self.place == Place::Rules {
            return refused(format!("Template error: Cannot use Fn::GetAtt in {:?}.", self.place));
        }
        let there = |id: &str| self.template.resources.iter().any(|is| is.logical_id == id);
        if self.place == Place::Resources && !there(logical_id) {
            return refused(format!(
                "Template error: instance of Fn::GetAtt references undefined resource {logical_id}"
            ));
        }
        self.resource(logical_id)?;
        match self.known.attribute(logical_id, name) {
            Ok(_) if self.shown && self.known.is_secret(logical_id, name) => Ok(Some(Value::from(NO_ECHO))),
            Ok(value) => self.counted(value).map(Some),
            Err(Unknown::NotYet) => Err(EvaluateError::NotYet(logical_id.to_owned())),
            Err(Unknown::NoSuchAttribute) => refused(format!(
                "Template error: resource {logical_id} does not support attribute type {name} in Fn::GetAtt"
            )),
        }
    }

    /// `Fn::If`
    pub(super) fn choose(&self, argument: &Value) -> Evaluated {
        let arguments = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let (condition, then, otherwise) = match arguments {
            [Value::String(condition), then, otherwise] => (condition, then, otherwise),
            [Value::String(_), ..] => {
                return refused("Template error: Fn::If requires a list argument with three elements");
            }
            _ => {
                return refused(
                    "Template error: Fn::If requires a list argument with the first element being a condition",
                );
            }
        };
        match self.condition(condition)? {
            Some(true) => self.value(then),
            Some(false) => self.value(otherwise),
            None => refused(format!(
                "Template error: unresolved condition dependency {condition} in Fn::If"
            )),
        }
    }

    /// `Fn::FindInMap`
    pub(super) fn find_in_map(&self, argument: &Value) -> Evaluated {
        let arguments = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let (keys, default) = match arguments {
            [map, top, second] => ([map, top, second], None),
            [map, top, second, default] if self.extended() => match default.get("DefaultValue") {
                Some(default) => ([map, top, second], Some(default)),
                None => return refused(FIND_IN_MAP_FORM),
            },
            _ => return refused(FIND_IN_MAP_FORM),
        };
        let mut names = Vec::with_capacity(keys.len());
        for key in keys {
            match self.map_key(key)? {
                Some(name) => names.push(name),
                None => return refused(FIND_IN_MAP_FORM),
            }
        }
        let [map, top, second] = names.as_slice() else {
            return refused(FIND_IN_MAP_FORM);
        };
        let Some(mapping) = self.template.mappings.get(map) else {
            return refused(format!(
                "Template error: Mapping named '{map}' is not present in the 'Mappings' section of template."
            ));
        };
        match (mapping.get(top).and_then(|mapping| mapping.get(second)), default) {
            (Some(value), _) => self.counted(value.clone()).map(Some),
            (None, Some(default)) => self.value(default),
            (None, None) => refused(format!(
                "Template error: Unable to get mapping for {map}::{top}::{second}"
            )),
        }
    }

    /// A key of a mapping: without the language extensions only `Ref` and `Fn::FindInMap` may make one.
    fn map_key(&self, key: &Value) -> Result<Option<String>, EvaluateError> {
        let called = key.as_object().and_then(function).map(|(name, _)| name);
        match called {
            Some("Ref" | "Fn::FindInMap") => self.scalar(key),
            Some(_) if self.extended() => self.scalar(key),
            Some(_) => Ok(None),
            None => Ok(scalar(key)),
        }
    }

    /// `Fn::ImportValue`
    pub(super) fn import(&self, argument: &Value) -> Evaluated {
        if matches!(self.place, Place::Import | Place::Expansion) {
            return refused(IMPORT_OF);
        }
        let name = self.export_name(argument)?;
        match self.known.export(&name) {
            Some(value) => self.text(value).map(Some),
            None if self.exports_later => Err(EvaluateError::NotYet(name)),
            None => refused(format!("No export named {name} found")),
        }
    }

    /// The name of the export that a `Fn::ImportValue` imports.
    pub(crate) fn export_name(&self, argument: &Value) -> Result<String, EvaluateError> {
        let within = Evaluator {
            place: Place::Import,
            bytes: self.bytes.clone(),
            depth: self.depth.clone(),
            ..*self
        };
        let name = within.value(argument)?;
        self.bytes.set(within.bytes.get());
        match name {
            Some(Value::String(name)) => Ok(name),
            _ => refused(IMPORT_FORM),
        }
    }

    /// `Fn::GetAZs`
    pub(super) fn zones(&self, argument: &Value) -> Evaluated {
        if self.place == Place::Import {
            return refused(IMPORT_OF);
        }
        match self.value(argument)? {
            Some(Value::String(region)) => {
                let region = if region.is_empty() {
                    &self.pseudo.region
                } else {
                    &region
                };
                self.texts_made(ZONES.iter().map(|zone| format!("{region}{zone}")).collect())
            }
            _ => refused("Template error: every Fn::GetAZs object must have a single String value."),
        }
    }
}

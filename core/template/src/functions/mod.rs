//! Intrinsic functions: what each makes of its arguments.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>

mod cidr;
mod list;
mod lookup;
mod text;

#[cfg(test)]
mod tests;

use std::cell::Cell;

use serde_json::{Map, Value};

pub(crate) use lookup::attribute_of;
pub(crate) use text::{Piece, pieces};

use crate::conditions::Decided;
use crate::parameters::NO_ECHO;
use crate::scope::{EVALUATED_BYTES_MAX, EvaluateError, Known, LANGUAGE_EXTENSIONS, Pseudo};
use crate::{Parameters, Template, TemplateError};

/// How deep values and conditions may be nested.
pub(crate) const DEPTH_MAX: usize = 100;

/// What AWS names when it refuses a function.
const FUNCTIONS: &str = "Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, \
     Fn::Select, Ref, Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals, \
     Fn::EachMemberIn, Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr";

/// The functions that may make the operands of conditions and rules.
pub(crate) const BESIDE_CONDITIONS: [&str; 9] = [
    "Ref",
    "Fn::FindInMap",
    "Fn::Sub",
    "Fn::Join",
    "Fn::Select",
    "Fn::Split",
    "Fn::Length",
    "Fn::ToJsonString",
    // Refused for the resource that it names, which says more.
    "Fn::GetAtt",
];

/// What a value is, or `None` for `AWS::NoValue`.
pub(crate) type Evaluated = Result<Option<Value>, EvaluateError>;

/// Where a value stands: it says which functions may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a resource or an output.
    Resources,
    /// In a condition.
    Conditions,
    /// In a rule.
    Rules,
    /// In the name of an export to import.
    Import,
    /// In what language extensions expand.
    Expansion,
}

/// One evaluation.
pub(crate) struct Evaluator<'s> {
    pub(crate) template: &'s Template,
    pub(crate) parameters: &'s Parameters,
    pub(crate) pseudo: &'s Pseudo,
    pub(crate) conditions: Decided<'s>,
    pub(crate) known: &'s dyn Known,
    pub(crate) place: Place,
    pub(crate) shown: bool,
    /// An export that is not known is waited for.
    pub(crate) exports_later: bool,
    /// The bytes of text that have been made.
    pub(crate) bytes: Cell<usize>,
    pub(crate) depth: Cell<usize>,
}

/// A refusal.
pub(crate) fn refused<T>(message: impl Into<String>) -> Result<T, EvaluateError> {
    Err(EvaluateError::Refused(TemplateError(message.into())))
}

/// The name and the argument of a function: the only member of an object, `Ref` or one whose name begins with `Fn::`.
pub(crate) fn function(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((name, argument)), None) if name == "Ref" || name.starts_with("Fn::") => Some((name, argument)),
        _ => None,
    }
}

/// The text of a scalar.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(crate::ordered::number_text(number)),
        Value::Bool(is) => Some(is.to_string()),
        _ => None,
    }
}

impl Evaluator<'_> {
    /// A value with its functions evaluated.
    pub(crate) fn value(&self, value: &Value) -> Evaluated {
        self.deeper(|| match value {
            Value::String(text) => self.text(text.clone()).map(Some),
            Value::Array(items) => self.items(items).map(Value::Array).map(Some),
            Value::Object(members) => match function(members) {
                Some((name, argument)) => match self.call(name, argument) {
                    // What no value can be made of without the secret is shown as the secret is.
                    Err(EvaluateError::Refused(_)) if self.shown => Ok(Some(Value::from(NO_ECHO))),
                    called => called,
                },
                None => self.members(members).map(Value::Object).map(Some),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Some(value.clone())),
        })
    }

    /// Runs one level deeper.
    pub(crate) fn deeper<T>(&self, run: impl FnOnce() -> Result<T, EvaluateError>) -> Result<T, EvaluateError> {
        let depth = self.depth.get();
        if depth >= DEPTH_MAX {
            return refused(format!(
                "Template error: values are nested more than {DEPTH_MAX} levels deep"
            ));
        }
        self.depth.set(depth + 1);
        let done = run();
        self.depth.set(depth);
        done
    }

    /// A text that was made: it is counted, and refused where it is a dynamic reference.
    pub(crate) fn text(&self, text: String) -> Result<Value, EvaluateError> {
        self.count(text.len())?;
        match text.find("{{resolve:") {
            Some(_) => refused(
                "Dynamic references ({{resolve:ssm:…}}, {{resolve:ssm-secure:…}}, {{resolve:secretsmanager:…}}) are not \
                 supported here: pass the value as a parameter",
            ),
            None => Ok(Value::String(text)),
        }
    }

    /// The texts one after the other, with a delimiter between them. They are counted before they are written.
    pub(crate) fn joined(&self, texts: &[&str], delimiter: &str) -> Evaluated {
        let between = delimiter.len().saturating_mul(texts.len().saturating_sub(1));
        let bytes = texts
            .iter()
            .fold(between, |bytes, text| bytes.saturating_add(text.len()));
        if bytes > EVALUATED_BYTES_MAX {
            self.count(bytes)?;
        }
        self.text(texts.join(delimiter)).map(Some)
    }

    /// A list of texts that was made.
    pub(crate) fn texts_made(&self, texts: Vec<String>) -> Evaluated {
        texts.iter().try_for_each(|text| self.count(text.len()))?;
        Ok(Some(texts.into_iter().map(Value::from).collect()))
    }

    /// Counts what was made. An item is worth a few bytes even where it is empty.
    pub(crate) fn count(&self, bytes: usize) -> Result<(), EvaluateError> {
        const ITEM_BYTES: usize = 4;
        let bytes = self.bytes.get().saturating_add(bytes).saturating_add(ITEM_BYTES);
        if bytes > EVALUATED_BYTES_MAX {
            return refused(format!(
                "Template error: functions make more than {EVALUATED_BYTES_MAX} bytes of text"
            ));
        }
        self.bytes.set(bytes);
        Ok(())
    }

    /// The items of a list, without those that are `AWS::NoValue`.
    fn items(&self, items: &[Value]) -> Result<Vec<Value>, EvaluateError> {
        items.iter().filter_map(|item| self.value(item).transpose()).collect()
    }

    /// The members of an object, without those whose value is `AWS::NoValue`.
    fn members(&self, members: &Map<String, Value>) -> Result<Map<String, Value>, EvaluateError> {
        if let Some(name) = members.keys().find(|name| name.starts_with("Fn::")) {
            return refused(format!("Template error: {name} must be the only member of its object"));
        }
        members
            .iter()
            .filter_map(|(name, value)| {
                let value = self.value(value).transpose()?;
                Some(value.map(|value| (name.clone(), value)))
            })
            .collect()
    }

    /// A function of an argument.
    fn call(&self, name: &str, argument: &Value) -> Evaluated {
        if matches!(self.place, Place::Conditions | Place::Rules) && !BESIDE_CONDITIONS.contains(&name) {
            return refused(format!("Template error: Cannot use {name} in {:?}.", self.place));
        }
        match name {
            "Ref" => self.reference(argument),
            "Fn::GetAtt" => self.attribute(argument),
            "Fn::Sub" => self.sub(argument),
            "Fn::Join" => self.join(argument),
            "Fn::Split" => self.split(argument),
            "Fn::Select" => self.select(argument),
            "Fn::If" => self.choose(argument),
            "Fn::FindInMap" => self.find_in_map(argument),
            "Fn::ImportValue" => self.import(argument),
            "Fn::Base64" => self.base64(argument),
            "Fn::Cidr" => self.cidr(argument),
            "Fn::GetAZs" => self.zones(argument),
            "Fn::Length" | "Fn::ToJsonString" if !self.extended() => refused(format!(
                "Template error: {name} needs the transform {LANGUAGE_EXTENSIONS}"
            )),
            "Fn::Length" => self.length(argument),
            "Fn::ToJsonString" => self.json(argument),
            "Fn::And" | "Fn::Or" | "Fn::Not" | "Fn::Equals" => {
                refused(format!("Template error: {name} cannot be partially collapsed"))
            }
            "Fn::Transform" => refused(transform_refused(argument)),
            _ => refused(format!(
                "Template format error: Encountered unsupported function: {name} Supported functions are: [{FUNCTIONS}]"
            )),
        }
    }

    /// Whether the template has the language extensions.
    pub(crate) fn extended(&self) -> bool {
        self.template.transforms.iter().any(|name| name == LANGUAGE_EXTENSIONS)
    }

    /// A value that is a scalar, as text; `None` where it is none.
    pub(crate) fn scalar(&self, value: &Value) -> Result<Option<String>, EvaluateError> {
        Ok(self.value(value)?.as_ref().and_then(scalar))
    }

    /// A value that is a list; `None` where it is none.
    pub(crate) fn list(&self, value: &Value) -> Result<Option<Vec<Value>>, EvaluateError> {
        match self.value(value)? {
            Some(Value::Array(items)) => Ok(Some(items)),
            _ => Ok(None),
        }
    }
}

/// Why a macro in the middle of a template is refused.
pub(crate) fn transform_refused(argument: &Value) -> String {
    match argument.get("Name").and_then(Value::as_str) {
        Some("AWS::Include") => "The transform AWS::Include is not supported here".to_owned(),
        Some(name) => format!("No transform named {name} found."),
        None => "Template format error: Fn::Transform requires a Name".to_owned(),
    }
}

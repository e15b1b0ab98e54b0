//! A template with its parameters and its stack: conditions are decided, functions can be evaluated.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::conditions::{self, Decided};
use crate::functions::{Evaluator, Place, function, scalar};
use crate::graph::{self, Node, Reference};
use crate::{Output, Parameters, Template, TemplateError};

/// The transform that brings `Fn::Length`, `Fn::ToJsonString`, `Fn::ForEach` and defaults of `Fn::FindInMap`.
pub(crate) const LANGUAGE_EXTENSIONS: &str = "AWS::LanguageExtensions";

/// The most bytes of text that one evaluation makes, counting what lies between.
pub(crate) const EVALUATED_BYTES_MAX: usize = 1 << 20;

/// The stack that a template is for: of it the pseudo parameters are made.
///
/// SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/pseudo-parameter-reference.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pseudo {
    /// `AWS::AccountId`
    pub account_id: String,
    /// `AWS::Region`; of it come `AWS::Partition` and `AWS::URLSuffix` too.
    pub region: String,
    /// `AWS::StackName`
    pub stack_name: String,
    /// `AWS::StackId`
    pub stack_id: String,
    /// `AWS::NotificationARNs`
    pub notification_arns: Vec<String>,
}

impl Pseudo {
    /// The value of a pseudo parameter; `None` for another name, and for `AWS::NoValue`.
    pub fn value(&self, name: &str) -> Option<Value> {
        let china = self.region.starts_with("cn-");
        Some(match name {
            "AWS::AccountId" => Value::from(self.account_id.as_str()),
            "AWS::NotificationARNs" => Value::from(self.notification_arns.clone()),
            "AWS::Partition" if china => Value::from("aws-cn"),
            "AWS::Partition" if self.region.starts_with("us-gov-") => Value::from("aws-us-gov"),
            "AWS::Partition" => Value::from("aws"),
            "AWS::Region" => Value::from(self.region.as_str()),
            "AWS::StackId" => Value::from(self.stack_id.as_str()),
            "AWS::StackName" => Value::from(self.stack_name.as_str()),
            "AWS::URLSuffix" if china => Value::from("amazonaws.com.cn"),
            "AWS::URLSuffix" => Value::from("amazonaws.com"),
            _ => return None,
        })
    }
}

/// What is known of the things that a stack has made, and of the exports of its Region.
pub trait Known {
    /// What `Ref` of a resource gives; `None` as long as it is not known.
    fn reference(&self, logical_id: &str) -> Option<Value>;

    /// What `Fn::GetAtt` gives. The name of a nested stack's output begins with `Outputs.`.
    ///
    /// # Errors
    /// The resource is not made yet, or its type has no such attribute.
    fn attribute(&self, logical_id: &str, name: &str) -> Result<Value, Unknown>;

    /// The value of an export; `None` where there is none of that name.
    fn export(&self, name: &str) -> Option<String>;

    /// Whether an attribute is to be shown to nobody, as a parameter with `NoEcho` is.
    fn is_secret(&self, _logical_id: &str, _name: &str) -> bool {
        false
    }
}

/// Nothing is known: what a template says before anything is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Known for Nothing {
    fn reference(&self, _: &str) -> Option<Value> {
        None
    }

    fn attribute(&self, _: &str, _: &str) -> Result<Value, Unknown> {
        Err(Unknown::NotYet)
    }

    fn export(&self, _: &str) -> Option<String> {
        None
    }
}

/// Why an attribute is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The resource is not made yet.
    NotYet,
    /// The resource's type has no attribute of that name.
    NoSuchAttribute,
}

/// Why a value cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// It needs a resource, named by its logical id, that is not made yet.
    #[error("{0} is not made yet")]
    NotYet(String),
    /// It has no value; in AWS's words.
    #[error(transparent)]
    Refused(#[from] TemplateError),
}

/// A template, its parameters and its stack, with its conditions decided.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    pub(crate) template: &'a Template,
    pub(crate) parameters: &'a Parameters,
    pub(crate) pseudo: &'a Pseudo,
    pub(crate) conditions: BTreeMap<&'a str, bool>,
    nodes: Vec<Node<'a>>,
}

impl<'a> Scope<'a> {
    /// Decides the conditions and orders the resources. The template is an expanded one ([`Template::expanded`]) and the
    /// parameters are bound to it.
    ///
    /// # Errors
    /// AWS's words for a condition that cannot be decided, and for a reference to a resource whose condition does not hold.
    pub fn new(
        template: &'a Template,
        parameters: &'a Parameters,
        pseudo: &'a Pseudo,
    ) -> Result<Scope<'a>, TemplateError> {
        let mut scope = Scope::undecided(template, parameters, pseudo, BTreeMap::new());
        scope.conditions = conditions::decide(&scope).map_err(|refusal| parameters.hidden(refusal))?;
        scope.nodes = graph::nodes(&scope)?;
        Ok(scope)
    }

    /// A scope with the conditions that are given, and no resources.
    pub(crate) fn undecided(
        template: &'a Template,
        parameters: &'a Parameters,
        pseudo: &'a Pseudo,
        conditions: BTreeMap<&'a str, bool>,
    ) -> Scope<'a> {
        Scope {
            template,
            parameters,
            pseudo,
            conditions,
            nodes: Vec::new(),
        }
    }

    /// The template.
    pub fn template(&self) -> &'a Template {
        self.template
    }

    /// Whether a condition holds; `None` where the template has none of that name.
    pub fn condition(&self, name: &str) -> Option<bool> {
        self.conditions.get(name).copied()
    }

    /// The resources whose condition holds, each after all that it depends on; else in the order of the template.
    pub fn resources(&self) -> &[Node<'a>] {
        &self.nodes
    }

    /// The outputs whose condition holds.
    pub fn outputs(&self) -> impl Iterator<Item = &'a Output> {
        let held = |output: &&Output| self.holds(output.condition.as_deref());
        self.template.outputs.iter().filter(held)
    }

    /// A value with its functions evaluated and every `AWS::NoValue` removed; `null` where it is itself `AWS::NoValue`.
    /// Values of parameters with `NoEcho` are in it.
    ///
    /// # Errors
    /// It needs a resource that `known` does not know yet, or it has no value. More than 1 MB of text is refused.
    pub fn evaluate(&self, value: &Value, known: &dyn Known) -> Result<Value, EvaluateError> {
        let value = self.evaluator(known, false).value(value);
        value.map(Option::unwrap_or_default).map_err(|error| self.hidden(error))
    }

    /// The same as it may be shown to people: `****` in place of each value of a parameter with `NoEcho` and of each
    /// attribute that is secret, and of what a function cannot make without it. What [`Scope::evaluate`] evaluates can be shown.
    ///
    /// # Errors
    /// As [`Scope::evaluate`].
    pub fn evaluate_shown(&self, value: &Value, known: &dyn Known) -> Result<Value, EvaluateError> {
        self.evaluator(known, true)
            .value(value)
            .map(|value| value.unwrap_or_default())
    }

    /// Looks for what can be seen to have no value before anything is made. Exports are left to the operation itself.
    ///
    /// # Errors
    /// AWS's words for the first such value of a resource or an output, and for an output whose value is no text.
    pub fn check_values(&self) -> Result<(), TemplateError> {
        for node in &self.nodes {
            self.check_value(&node.resource.properties)?;
        }
        for output in self.outputs() {
            if let Some(value) = self.check_value(&output.value)? {
                output_text(&value)?;
            }
            if let Some(name) = &output.export
                && let Some(name) = self.check_value(name)?
            {
                export_name(&output.name, &name)?;
            }
        }
        Ok(())
    }

    /// Refuses a value that has none, looking past what waits for a resource; the value where it has one.
    fn check_value(&self, value: &Value) -> Result<Option<Value>, TemplateError> {
        let evaluator = Evaluator {
            exports_later: true,
            ..self.evaluator(&Nothing, false)
        };
        match evaluator.value(value) {
            Ok(value) => return Ok(Some(value.unwrap_or_default())),
            Err(EvaluateError::Refused(refusal)) => return Err(self.parameters.hidden(refusal)),
            Err(EvaluateError::NotYet(_)) => (),
        }
        let within: Vec<&Value> = match value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(members) => match function(members) {
                Some(("Fn::If", argument)) => graph::branches(self, argument).iter().collect(),
                _ => members.values().collect(),
            },
            _ => Vec::new(),
        };
        for value in within {
            self.check_value(value)?;
        }
        Ok(None)
    }

    /// What a value refers to, through the branches of `Fn::If` that hold, each once, in the order of the text.
    pub fn references(&self, value: &Value) -> Vec<Reference> {
        graph::references(self, value)
    }

    /// The names of the exports that resources and outputs import, each once, in their order.
    ///
    /// # Errors
    /// A name that has no value.
    pub fn exports_imported(&self) -> Result<Vec<String>, TemplateError> {
        graph::exports_imported(self).map_err(|refusal| self.parameters.hidden(refusal))
    }

    fn hidden(&self, error: EvaluateError) -> EvaluateError {
        match error {
            EvaluateError::Refused(refusal) => EvaluateError::Refused(self.parameters.hidden(refusal)),
            EvaluateError::NotYet(_) => error,
        }
    }

    pub(crate) fn holds(&self, condition: Option<&str>) -> bool {
        condition.is_none_or(|name| self.condition(name) == Some(true))
    }

    pub(crate) fn evaluator<'s>(&'s self, known: &'s dyn Known, shown: bool) -> Evaluator<'s> {
        Evaluator {
            template: self.template,
            parameters: self.parameters,
            pseudo: self.pseudo,
            conditions: Decided::All(&self.conditions),
            known,
            place: Place::Resources,
            shown,
            exports_later: false,
            bytes: Cell::new(0),
            depth: Cell::new(0),
        }
    }
}

/// The text of an output's value, once it is evaluated.
///
/// # Errors
/// It is a list or an object.
pub fn output_text(value: &Value) -> Result<String, TemplateError> {
    scalar(value).ok_or_else(|| {
        TemplateError(
            "Template format error: The Value field of every Outputs member must evaluate to a String.".to_owned(),
        )
    })
}

/// The name of an output's export, once it is evaluated.
///
/// SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/outputs-section-structure.html>
///
/// # Errors
/// It is empty or has other characters than letters, digits, colons and hyphens.
pub fn export_name(output: &str, value: &Value) -> Result<String, TemplateError> {
    let is_proper = |name: &String| {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, ':' | '-');
        !name.is_empty() && name.chars().all(fits)
    };
    scalar(value).filter(is_proper).ok_or_else(|| {
        TemplateError(format!(
            "Template format error: Output {output} is malformed. The Name field of every Export member must be specified, \
             and consist only of alphanumeric characters, colons, or hyphens."
        ))
    })
}

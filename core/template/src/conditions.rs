//! Conditions: which hold.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html>

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::Value;

use crate::functions::{Evaluator, Place, refused, scalar};
use crate::scope::{EvaluateError, Nothing, Scope};
use crate::{Template, TemplateError};

/// How many operands `Fn::And` and `Fn::Or` have.
const OPERANDS: std::ops::RangeInclusive<usize> = 2..=10;

/// The conditions that an evaluation knows.
#[derive(Clone, Copy)]
pub(crate) enum Decided<'s> {
    /// All of them.
    All(&'s BTreeMap<&'s str, bool>),
    /// Each is decided when it is first asked for.
    Deciding(&'s Deciding<'s>),
}

/// Conditions that are being decided.
pub(crate) struct Deciding<'s> {
    template: &'s Template,
    /// `None` for one that is being decided.
    done: RefCell<BTreeMap<&'s str, Option<bool>>>,
}

/// Decides all conditions.
pub(crate) fn decide<'a>(scope: &Scope<'a>) -> Result<BTreeMap<&'a str, bool>, TemplateError> {
    let deciding = Deciding {
        template: scope.template,
        done: RefCell::default(),
    };
    let evaluator = Evaluator {
        template: scope.template,
        parameters: scope.parameters,
        pseudo: scope.pseudo,
        conditions: Decided::Deciding(&deciding),
        known: &Nothing,
        place: Place::Conditions,
        shown: false,
        exports_later: false,
        bytes: Cell::new(0),
        depth: Cell::new(0),
    };
    let mut decided = BTreeMap::new();
    for (name, _) in &scope.template.conditions {
        let holds = evaluator.condition(name).map_err(settled)?;
        decided.insert(name.as_str(), holds.unwrap_or(false));
    }
    Ok(decided)
}

/// The refusal of something that needs no resource.
pub(crate) fn settled(error: EvaluateError) -> TemplateError {
    match error {
        EvaluateError::Refused(refusal) => refusal,
        EvaluateError::NotYet(logical_id) => TemplateError(format!(
            "Template format error: Unresolved resource dependencies [{logical_id}]"
        )),
    }
}

impl Evaluator<'_> {
    /// Whether a condition holds; `None` where there is none of that name.
    pub(crate) fn condition(&self, name: &str) -> Result<Option<bool>, EvaluateError> {
        let deciding = match self.conditions {
            Decided::All(all) => return Ok(all.get(name).copied()),
            Decided::Deciding(deciding) => deciding,
        };
        let declared = deciding.template.conditions.iter().find(|(is, _)| is == name);
        let Some((name, expression)) = declared else {
            return Ok(None);
        };
        let found = deciding.done.borrow().get(name.as_str()).copied();
        match found {
            Some(Some(holds)) => Ok(Some(holds)),
            Some(None) => refused(format!("Circular dependency between conditions: [{name}]")),
            None => {
                deciding.done.borrow_mut().insert(name, None);
                let holds = self.truth(expression)?;
                deciding.done.borrow_mut().insert(name, Some(holds));
                Ok(Some(holds))
            }
        }
    }

    /// Whether an expression of a condition or a rule holds.
    pub(crate) fn truth(&self, expression: &Value) -> Result<bool, EvaluateError> {
        let mut members = expression.as_object().into_iter().flatten();
        let (Some((name, argument)), None) = (members.next(), members.next()) else {
            return self.no_condition();
        };
        self.deeper(|| match (name.as_str(), self.place) {
            ("Condition", Place::Conditions) => self.named_condition(argument),
            ("Fn::Equals", _) => self.equals(argument),
            ("Fn::And", _) => self
                .operands(name, argument)?
                .iter()
                .try_fold(true, |holds, operand| Ok(self.truth(operand)? && holds)),
            ("Fn::Or", _) => self
                .operands(name, argument)?
                .iter()
                .try_fold(false, |holds, operand| Ok(self.truth(operand)? || holds)),
            ("Fn::Not", _) => match argument.as_array().map(Vec::as_slice) {
                Some([operand]) => self.truth(operand).map(|holds| !holds),
                _ => refused("Template error: every Fn::Not object requires one boolean parameter."),
            },
            (_, Place::Rules) => self.rule(name, argument),
            _ => self.no_condition(),
        })
    }

    fn no_condition(&self) -> Result<bool, EvaluateError> {
        refused(format!(
            "Template format error: {:?} can only be boolean operations on parameters and other conditions",
            self.place
        ))
    }

    fn named_condition(&self, argument: &Value) -> Result<bool, EvaluateError> {
        let name = argument.as_str().unwrap_or_default();
        match self.condition(name)? {
            Some(holds) => Ok(holds),
            None => refused(format!(
                "Template error: unresolved condition dependency {name} in Condition"
            )),
        }
    }

    /// Whether two values are the same text.
    fn equals(&self, argument: &Value) -> Result<bool, EvaluateError> {
        const FORM: &str = "Template error: every Fn::Equals object requires a list of 2 string parameters.";
        let Some([one, other]) = argument.as_array().map(Vec::as_slice) else {
            return refused(FORM);
        };
        let (one, other) = (self.value(one)?, self.value(other)?);
        match (one.as_ref().and_then(scalar), other.as_ref().and_then(scalar)) {
            (Some(one), Some(other)) => Ok(one == other),
            _ => refused(FORM),
        }
    }

    fn operands<'v>(&self, name: &str, argument: &'v Value) -> Result<&'v [Value], EvaluateError> {
        match argument.as_array() {
            Some(operands) if OPERANDS.contains(&operands.len()) => Ok(operands),
            _ => refused(format!(
                "Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters."
            )),
        }
    }
}

//! Rules: what the values of parameters must keep together.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-rules.html>

use serde_json::Value;

use crate::conditions::settled;
use crate::functions::{Evaluator, Place, refused, scalar};
use crate::scope::{EvaluateError, Nothing, Scope};
use crate::{Rule, TemplateError};

impl Scope<'_> {
    /// Refuses parameters that break a rule.
    ///
    /// # Errors
    /// The descriptions of the assertions that do not hold; or why an expression has no value.
    pub fn check_rules(&self) -> Result<(), TemplateError> {
        for rule in &self.template.rules {
            let evaluator = Evaluator {
                place: Place::Rules,
                ..self.evaluator(&Nothing, false)
            };
            broken(&evaluator, rule).map_err(|error| self.parameters.hidden(settled(error)))?;
        }
        Ok(())
    }
}

/// Refuses what breaks one rule.
fn broken(evaluator: &Evaluator<'_>, rule: &Rule) -> Result<(), EvaluateError> {
    if let Some(condition) = &rule.condition
        && !evaluator.truth(condition)?
    {
        return Ok(());
    }
    for (assertion, description) in &rule.assertions {
        if !evaluator.truth(assertion)? {
            let said = description.as_deref().unwrap_or("its assertion does not hold");
            return refused(format!("Template error: Rule {}: {said}", rule.name));
        }
    }
    Ok(())
}

impl Evaluator<'_> {
    /// A function that only rules have.
    pub(crate) fn rule(&self, name: &str, argument: &Value) -> Result<bool, EvaluateError> {
        let two = match argument.as_array().map(Vec::as_slice) {
            Some([one, other]) => Some((one, other)),
            _ => None,
        };
        let form = || {
            refused(format!(
                "Template error: every {name} object requires a list of strings and a string."
            ))
        };
        match (name, two) {
            ("Fn::Contains", Some((list, value))) => match (self.texts(list)?, self.scalar(value)?) {
                (Some(list), Some(value)) => Ok(list.contains(&value)),
                _ => form(),
            },
            ("Fn::EachMemberEquals", Some((list, value))) => match (self.texts(list)?, self.scalar(value)?) {
                (Some(list), Some(value)) => Ok(list.iter().all(|item| *item == value)),
                _ => form(),
            },
            ("Fn::EachMemberIn", Some((list, of))) => match (self.texts(list)?, self.texts(of)?) {
                (Some(list), Some(of)) => Ok(list.iter().all(|item| of.contains(item))),
                _ => refused("Template error: every Fn::EachMemberIn object requires two lists of strings."),
            },
            ("Fn::Contains" | "Fn::EachMemberEquals", None) => form(),
            ("Fn::EachMemberIn", None) => {
                refused("Template error: every Fn::EachMemberIn object requires two lists of strings.")
            }
            ("Fn::RefAll" | "Fn::ValueOf" | "Fn::ValueOfAll", _) => refused(format!(
                "Template error: {name} is not supported here: it asks for things of services that are not here"
            )),
            _ => refused(format!("Template error: {name} cannot be used in Rules")),
        }
    }

    /// A list of scalars, as texts; `None` where it is none.
    fn texts(&self, value: &Value) -> Result<Option<Vec<String>>, EvaluateError> {
        let items = self.list(value)?;
        Ok(items.and_then(|items| items.iter().map(scalar).collect()))
    }
}

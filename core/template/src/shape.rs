//! What arguments each intrinsic function takes, as far as it can be seen without values.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>

use crate::ordered::{Ordered, scalar_text};
use crate::read::{Read, refuse};

const CONDITION_OPERANDS_MIN: usize = 2;
const CONDITION_OPERANDS_MAX: usize = 10;

/// A function call: an object whose only member is the function.
pub(crate) fn function(value: &Ordered) -> Option<(&str, &Ordered)> {
    value
        .only()
        .filter(|(name, _)| *name == "Ref" || name.starts_with("Fn::"))
}

/// Refuses arguments that the function never takes.
pub(crate) fn arguments(name: &str, argument: &Ordered) -> Read<()> {
    match name {
        "Ref" => match argument {
            Ordered::String(name) if !name.is_empty() => Ok(()),
            _ => refuse("Template error: every Ref object must have a single String value."),
        },
        "Fn::GetAtt" => get_att(argument),
        "Fn::Sub" => sub(argument),
        "Fn::Join" => match argument.items() {
            Some([Ordered::String(_), list]) if list.items().is_some() || function(list).is_some() => Ok(()),
            _ => refuse(
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to \
                 be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
            ),
        },
        "Fn::Select" => match argument.items() {
            Some([index, list]) if is_index(index) && (list.items().is_some() || function(list).is_some()) => Ok(()),
            _ => refuse(
                "Template error: Fn::Select requires a list argument with two elements: an integer index and a list",
            ),
        },
        "Fn::Split" => match argument.items() {
            Some([Ordered::String(_), source]) if is_text(source) => Ok(()),
            _ => refuse(
                "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be \
                 split or a function that returns a string to be split.",
            ),
        },
        "Fn::If" => match argument.items() {
            Some([Ordered::String(_), _, _]) => Ok(()),
            Some([_, _, _]) => {
                refuse("Template error: Fn::If requires a list argument with the first element being a condition")
            }
            _ => refuse("Template error: Fn::If requires a list argument with three elements"),
        },
        "Fn::Equals" => match argument.items() {
            Some([left, right]) if is_text(left) && is_text(right) => Ok(()),
            _ => refuse("Template error: every Fn::Equals object requires a list of 2 string parameters."),
        },
        "Fn::And" | "Fn::Or" => match argument.items() {
            Some(operands) if (CONDITION_OPERANDS_MIN..=CONDITION_OPERANDS_MAX).contains(&operands.len()) => Ok(()),
            _ => refuse(format!(
                "Template error: every {name} object requires a list of at least {CONDITION_OPERANDS_MIN} and at most \
                 {CONDITION_OPERANDS_MAX} boolean parameters."
            )),
        },
        "Fn::Not" => match argument.items() {
            Some([_]) => Ok(()),
            _ => refuse("Template error: every Fn::Not object requires one boolean parameter."),
        },
        "Fn::FindInMap" => find_in_map(argument),
        "Fn::Base64" if !is_text(argument) => {
            refuse("Template error: every Fn::Base64 object must have a String-typed value.")
        }
        "Fn::ImportValue" => import_value(argument),
        "Fn::GetAZs" if !is_text(argument) => {
            refuse("Template error: every Fn::GetAZs object must have a single String value.")
        }
        _ => Ok(()),
    }
}

/// A text, or a function that may give one.
fn is_text(value: &Ordered) -> bool {
    scalar_text(value).is_some() || function(value).is_some()
}

fn is_index(index: &Ordered) -> bool {
    match index {
        Ordered::Number(number) => number.is_u64(),
        Ordered::String(text) => text.parse::<u64>().is_ok(),
        index => function(index).is_some(),
    }
}

fn get_att(argument: &Ordered) -> Read<()> {
    let named = |name: &Ordered| name.text().is_some_and(|name| !name.is_empty());
    match argument {
        Ordered::String(_) => refuse(
            "Template error: if specifying one argument to Fn::GetAtt, that argument must be a non-empty string in format \
             <LogicalId>.<Attribute>",
        ),
        Ordered::Array(parts) => match parts.as_slice() {
            [id, attribute] if named(id) && (named(attribute) || function(attribute).is_some()) => Ok(()),
            _ => refuse(GET_ATT_FORM),
        },
        _ => refuse(GET_ATT_FORM),
    }
}

const GET_ATT_FORM: &str = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute";

fn sub(argument: &Ordered) -> Read<()> {
    let variables = match argument {
        Ordered::String(_) => return Ok(()),
        Ordered::Array(parts) => match parts.as_slice() {
            [Ordered::String(_), Ordered::Object(variables)] => Some(variables),
            _ => None,
        },
        _ => None,
    };
    let Some(variables) = variables else {
        return refuse(
            "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first \
             argument, and an optional second argument to specify a mapping of values to replace in the string",
        );
    };
    if variables.iter().all(|(_, value)| is_text(value)) {
        return Ok(());
    }
    refuse(
        "Template error: every value of the context object of every Fn::Sub object must be a string or a function that returns a \
         string",
    )
}

/// AWS's words for a `Fn::FindInMap` of the wrong form.
pub(crate) const FIND_IN_MAP_FORM: &str = "Template error: every Fn::FindInMap object requires three parameters, the map name, map key \
     and the attribute for return value";

fn find_in_map(argument: &Ordered) -> Read<()> {
    let valid = match argument.items() {
        Some([map, top, second]) => [map, top, second].into_iter().all(is_text),
        // With language extensions.
        Some([map, top, second, Ordered::Object(more)]) => {
            [map, top, second].into_iter().all(is_text)
                && matches!(more.as_slice(), [(name, _)] if name == "DefaultValue")
        }
        _ => false,
    };
    if valid {
        return Ok(());
    }
    refuse(FIND_IN_MAP_FORM)
}

fn import_value(argument: &Ordered) -> Read<()> {
    if is_text(argument) {
        return Ok(());
    }
    refuse("Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string")
}

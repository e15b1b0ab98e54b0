//! Functions that make texts: `Fn::Sub`, `Fn::Join`, `Fn::Base64`, `Fn::ToJsonString`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{Evaluated, Evaluator, refused, scalar};
use crate::{EvaluateError, TemplateError};

const SUB_FORM: &str = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a \
     string as first argument, and an optional second argument to specify a mapping of values to replace in the string";

const SUB_NAMES: &str = "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, \
     underscores, periods, and colons";

const JOIN_FORM: &str = "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a \
     list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.";

/// A piece of a text of `Fn::Sub`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// As it is.
    Literal(&'a str),
    /// `${Name}`
    Variable(&'a str),
}

/// The pieces of a text of `Fn::Sub`. `${!Literal}` is the literal `${Literal}`; an opened brace that nothing closes is a
/// literal too.
///
/// # Errors
/// A name of a variable that is none.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        pieces.push(Piece::Literal(before));
        match name.strip_prefix('!') {
            Some(literal) => pieces.extend([Piece::Literal("${"), Piece::Literal(literal), Piece::Literal("}")]),
            None => pieces.push(Piece::Variable(variable(name)?)),
        }
        rest = behind;
    }
    pieces.push(Piece::Literal(rest));
    pieces.retain(|piece| *piece != Piece::Literal(""));
    Ok(pieces)
}

fn variable(name: &str) -> Result<&str, TemplateError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
    match !name.is_empty() && name.chars().all(plain) {
        true => Ok(name),
        false => Err(TemplateError(SUB_NAMES.to_owned())),
    }
}

impl Evaluator<'_> {
    /// `Fn::Sub`
    pub(super) fn sub(&self, argument: &Value) -> Evaluated {
        let none = Map::new();
        let (text, variables) = match argument {
            Value::String(text) => (text, &none),
            Value::Array(two) => match two.as_slice() {
                [Value::String(text), Value::Object(variables)] => (text, variables),
                _ => return refused(SUB_FORM),
            },
            _ => return refused(SUB_FORM),
        };
        let pieces = pieces(text)?;
        let mut values = BTreeMap::new();
        for piece in &pieces {
            if let Piece::Variable(name) = piece
                && !values.contains_key(name)
            {
                values.insert(*name, self.variable(name, variables)?);
            }
        }
        let mut texts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => texts.push(literal),
                Piece::Variable(name) => texts.extend(values.get(name).map(String::as_str)),
            }
        }
        self.joined(&texts, "")
    }

    /// The text of a variable of `Fn::Sub`; of `AWS::NoValue` the empty one.
    fn variable(&self, name: &str, variables: &Map<String, Value>) -> Result<String, EvaluateError> {
        let value = match (variables.get(name), name.split_once('.')) {
            (Some(value), _) => self.value(value)?,
            (None, Some((logical_id, attribute))) => self.attribute_named(logical_id, attribute)?,
            (None, None) => self.named(name)?,
        };
        match value.as_ref().map(scalar) {
            None => Ok(String::new()),
            Some(Some(text)) => Ok(text),
            Some(None) => refused(format!(
                "Template error: variable {name} in Fn::Sub expression does not resolve to a string"
            )),
        }
    }

    /// `Fn::Join`
    pub(super) fn join(&self, argument: &Value) -> Evaluated {
        let Some([Value::String(delimiter), list]) = argument.as_array().map(Vec::as_slice) else {
            return refused(JOIN_FORM);
        };
        let Some(items) = self.list(list)? else {
            return refused(JOIN_FORM);
        };
        let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
        match texts {
            Some(texts) => self.joined(&texts.iter().map(String::as_str).collect::<Vec<_>>(), delimiter),
            None => refused(JOIN_FORM),
        }
    }

    /// `Fn::Base64`
    pub(super) fn base64(&self, argument: &Value) -> Evaluated {
        match self.scalar(argument)? {
            Some(text) => self.text(STANDARD.encode(text)).map(Some),
            None => refused("Template error: every Fn::Base64 object must have a String-typed value."),
        }
    }

    /// `Fn::ToJsonString`
    pub(super) fn json(&self, argument: &Value) -> Evaluated {
        match self.value(argument)? {
            Some(value @ (Value::Array(_) | Value::Object(_))) => self.text(value.to_string()).map(Some),
            _ => refused("Template error: every Fn::ToJsonString object must have an object or a list."),
        }
    }
}

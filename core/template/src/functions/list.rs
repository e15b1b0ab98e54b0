//! Functions of lists: `Fn::Split`, `Fn::Select`, `Fn::Length`.

use serde_json::Value;

use super::{Evaluated, Evaluator, refused};

const SELECT_FORM: &str =
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a list";

const SPLIT_FORM: &str = "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a \
     string to be split or a function that returns a string to be split.";

impl Evaluator<'_> {
    /// `Fn::Split`
    pub(super) fn split(&self, argument: &Value) -> Evaluated {
        let Some([Value::String(delimiter), source]) = argument.as_array().map(Vec::as_slice) else {
            return refused(SPLIT_FORM);
        };
        match self.scalar(source)? {
            Some(text) if !delimiter.is_empty() => Ok(Some(text.split(delimiter.as_str()).map(Value::from).collect())),
            _ => refused(SPLIT_FORM),
        }
    }

    /// `Fn::Select`
    pub(super) fn select(&self, argument: &Value) -> Evaluated {
        let Some([index, list]) = argument.as_array().map(Vec::as_slice) else {
            return refused(SELECT_FORM);
        };
        let index = self.scalar(index)?;
        let Some(index) = index.and_then(|index| index.trim().parse::<usize>().ok()) else {
            return refused(SELECT_FORM);
        };
        let Some(mut items) = self.list(list)? else {
            return refused(SELECT_FORM);
        };
        match index < items.len() {
            true => Ok(Some(items.swap_remove(index))),
            false => refused(format!(
                "Template error: Fn::Select cannot select nonexistent value at index {index}"
            )),
        }
    }

    /// `Fn::Length`
    pub(super) fn length(&self, argument: &Value) -> Evaluated {
        match self.list(argument)? {
            Some(items) => Ok(Some(Value::from(items.len()))),
            None => {
                refused("Template error: every Fn::Length object must have a list or a function that returns a list.")
            }
        }
    }
}

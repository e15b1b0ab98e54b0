//! Shapes that several operations share.

use crate::{
    CloudFormationError,
    model::stack::{Stack, Tag},
};
use base::Timestamp;
use gateway::{Demand, Render, Reply, operation::RenderCtx};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use template::Given;

/// How many things a page of a listing has.
pub const PAGE: usize = 100;

/// The answer of an operation without a result, which has no result element.
pub struct Done;

impl Render for Done {
    fn render(self, ctx: &RenderCtx<'_>) -> Reply {
        wire::xml::query_response_empty(ctx.service, ctx.operation, ctx.request_id).into()
    }
}

impl Evident for Done {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// Input that names a stack.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamedStack {
    /// Its name or ARN.
    pub stack_name: String,
}

impl Evident for NamedStack {
    fn evident(&self) -> Params {
        Params::new().text("stackName", &self.stack_name)
    }
}

/// Where a listing goes on: what was listed last, in hex.
pub fn next_token(last: &str) -> String {
    use std::fmt::Write;
    last.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads where a listing goes on.
pub fn parse_token(token: Option<&str>) -> Result<Option<String>, CloudFormationError> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    let pairs = token.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|pair| {
            let digits = std::str::from_utf8(pair).ok().filter(|digits| digits.len() == 2)?;
            u8::from_str_radix(digits, 16).ok()
        })
        .collect();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Some)
        .ok_or_else(|| CloudFormationError::invalid("Invalid NextToken"))
}

/// `Parameter` of a request. No value is shown: the template says which are secret, and is not read by then.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ParameterShape {
    pub(super) parameter_key: String,
    pub(super) parameter_value: Option<String>,
    pub(super) use_previous_value: Option<bool>,
}

impl ParameterShape {
    /// As the language takes them.
    pub(super) fn given(all: &[ParameterShape]) -> Vec<Given> {
        all.iter()
            .map(|parameter| Given {
                name: parameter.parameter_key.clone(),
                value: parameter.parameter_value.clone(),
                use_previous: parameter.use_previous_value.unwrap_or_default(),
            })
            .collect()
    }
}

impl Evident for ParameterShape {
    fn evident(&self) -> Params {
        Params::new()
            .text("parameterKey", &self.parameter_key)
            .maybe_flag("usePreviousValue", self.use_previous_value)
    }
}

/// `parameters` of a record.
pub(super) fn evident_parameters(params: Params, parameters: &[ParameterShape]) -> Params {
    match parameters.is_empty() {
        true => params,
        false => params.objects("parameters", parameters.iter().map(Evident::evident)),
    }
}

/// `tags` of a record.
pub(super) fn evident_tags(params: Params, tags: Option<&Vec<Tag>>) -> Params {
    let shown = |tag: &Tag| Params::new().text("key", &tag.key).text("value", &tag.value);
    params.maybe_objects("tags", tags.map(|tags| tags.iter().map(shown)))
}

/// A list of texts of a record, when there is one.
pub(super) fn evident_texts(params: Params, name: &str, texts: Option<&Vec<String>>) -> Params {
    match texts {
        None => params,
        Some(texts) => params.texts(name, texts),
    }
}

/// The answer that names a stack.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StackIdShape {
    pub(super) stack_id: String,
}

impl StackIdShape {
    pub(super) fn of(stack: &Stack) -> StackIdShape {
        StackIdShape {
            stack_id: stack.at.arn().to_string(),
        }
    }
}

impl Evident for StackIdShape {
    fn evident(&self) -> Params {
        Params::new().text("stackId", &self.stack_id)
    }
}

/// `Parameter` of an answer; of a secret one `****`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ParameterOut {
    parameter_key: String,
    parameter_value: String,
}

impl ParameterOut {
    pub(super) fn all(parameters: &template::Parameters) -> Vec<ParameterOut> {
        parameters
            .iter()
            .map(|parameter| ParameterOut {
                parameter_key: parameter.name.clone(),
                parameter_value: parameter.shown().to_owned(),
            })
            .collect()
    }
}

/// A moment, as the query protocol has it.
pub(super) fn moment(at: Timestamp) -> String {
    at.iso8601_millis()
}

/// A demand with the tags that the call gives.
pub(super) fn with_tags(mut demand: Demand, tags: Option<&Vec<Tag>>) -> Demand {
    let Some(tags) = tags.filter(|tags| !tags.is_empty()) else {
        return demand;
    };
    for tag in tags {
        demand = demand.with(format!("aws:RequestTag/{}", tag.key), &tag.value);
    }
    demand.with_all("aws:TagKeys", tags.iter().map(|tag| tag.key.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_go_on_where_they_ended() {
        assert_eq!(
            parse_token(Some(&next_token("a/é"))).ok().flatten().as_deref(),
            Some("a/é")
        );
        assert!(matches!(parse_token(Some("")), Ok(None)));
        for token in ["no", "6", "6é", "ff"] {
            assert!(parse_token(Some(token)).is_err(), "{token}");
        }
    }
}

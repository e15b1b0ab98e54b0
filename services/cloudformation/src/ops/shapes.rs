//! Shapes that several operations share.

use crate::CloudFormationError;
use gateway::{Render, Reply, operation::RenderCtx};
use record::{Evident, Params};
use serde::Deserialize;

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

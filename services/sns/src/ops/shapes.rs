//! Shapes that several operations share.

use crate::error::SnsError;
use gateway::{Render, Reply, operation::RenderCtx};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many things a page of a listing has.
///
/// SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html>, "up to 100".
pub(super) const PAGE: usize = 100;

/// The answer of an operation without a result, which has no result element.
pub(super) struct Done;

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

/// A map as the query protocol writes one.
#[derive(Deserialize)]
pub(super) struct Entries<T> {
    #[serde(default = "Vec::new")]
    pub(super) entry: Vec<T>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries { entry: Vec::new() }
    }
}

/// A pair of a map of attributes.
#[derive(Deserialize)]
pub(super) struct Pair {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

impl Entries<Pair> {
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entry.iter().map(|pair| (pair.key.as_str(), pair.value.as_str()))
    }

    pub(super) fn evident(&self, params: Params) -> Params {
        match self.entry.is_empty() {
            true => params,
            false => params.pairs("attributes", self.pairs()),
        }
    }
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

impl Evident for Tag {
    fn evident(&self) -> Params {
        Params::new().text("key", &self.key).text("value", &self.value)
    }
}

/// Input that names a topic.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedTopic {
    pub(super) topic_arn: String,
}

impl Evident for NamedTopic {
    fn evident(&self) -> Params {
        Params::new().text("topicArn", &self.topic_arn)
    }
}

/// Input that names a subscription.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedSubscription {
    pub(super) subscription_arn: String,
}

impl Evident for NamedSubscription {
    fn evident(&self) -> Params {
        Params::new().text("subscriptionArn", &self.subscription_arn)
    }
}

/// Attributes, as answers show them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    pub(super) attributes: BTreeMap<&'static str, String>,
}

impl Evident for Attributes {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// Where a listing goes on: the key of the last thing that was listed, in hex.
pub(super) fn next_token(last: &str) -> String {
    hex::encode(last)
}

/// Reads where a listing goes on.
pub(super) fn parse_token(token: Option<&str>) -> Result<Option<String>, SnsError> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    let bytes = hex::decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some).ok_or_else(|| SnsError::invalid("NextToken"))
}

#[cfg(test)]
pub(super) fn read<T: serde::de::DeserializeOwned>(form: &str) -> T {
    wire::query::parse(&wire::Form::parse(form.as_bytes()).unwrap()).unwrap()
}

#[cfg(test)]
pub(super) fn shown(evident: &impl Evident) -> String {
    let mut out = Vec::new();
    evident.evident().write_to(&mut out);
    String::from_utf8(out).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_go_on_where_they_ended() {
        assert_eq!(parse_token(Some(&next_token("a/b"))).unwrap().as_deref(), Some("a/b"));
        assert_eq!(parse_token(Some("")).unwrap(), None);
        assert!(parse_token(Some("no")).is_err());
    }
}

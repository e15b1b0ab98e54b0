//! Tags in demands and shapes.

use super::shapes::Tag;
use crate::{
    SnsError,
    model::{
        Topic, TopicRef,
        tags::{self, Tags},
    },
    table,
};
use gateway::Demand;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;

/// The result of an operation that has one with nothing in it.
#[derive(Serialize)]
pub(super) struct Nothing {}

impl Evident for Nothing {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// Checks the tags of a call.
pub(super) fn parse(given: &[Tag]) -> Result<Tags, SnsError> {
    tags::parse(given.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))
}

/// Whether two sets of tags are one, in whatever order.
pub(super) fn are_same(one: &Tags, other: &Tags) -> bool {
    one.len() == other.len() && one.iter().all(|tag| other.contains(tag))
}

/// The demand of a call that gives these tags.
pub(super) fn of_request(demand: Demand, tags: &Tags) -> Demand {
    let demand = tags.iter().fold(demand, |demand, (key, value)| {
        demand.with(format!("aws:RequestTag/{key}"), value)
    });
    of_keys(demand, tags.iter().map(|(key, _)| key.clone()).collect())
}

/// The demand of a call that speaks of tags with these keys.
pub(super) fn of_keys(demand: Demand, keys: Vec<String>) -> Demand {
    match keys.is_empty() {
        true => demand,
        false => demand.with_all("aws:TagKeys", keys),
    }
}

/// The record's `tags`.
pub(super) fn evident(params: Params, tags: &[Tag]) -> Params {
    match tags.is_empty() {
        true => params,
        false => params.objects("tags", tags.iter().map(Evident::evident)),
    }
}

/// The topic that is to be tagged.
pub(super) async fn topic(view: &ReadView<'_>, at: &TopicRef) -> Result<Topic, SnsError> {
    table::topic(view, at).await?.ok_or(SnsError::ResourceNotFound)
}

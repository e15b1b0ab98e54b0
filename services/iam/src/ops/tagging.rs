//! Tags in demands and shapes.

use super::{page::page, shapes::Tag};
use crate::{
    IamError,
    model::tags::{self, TagCase, Tags},
};
use gateway::Demand;
use record::{Evident, Params};
use serde::Serialize;

/// Checks the tags of a call.
pub(super) fn parse(given: &[Tag], case: TagCase) -> Result<Tags, IamError> {
    tags::parse(given.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())), case)
}

/// The demand on a thing that has these tags.
pub(super) fn of_resource(demand: Demand, tags: &Tags) -> Demand {
    tags.iter().fold(demand, |demand, (key, value)| {
        demand
            .with(format!("aws:ResourceTag/{key}"), value)
            .with(format!("iam:ResourceTag/{key}"), value)
    })
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

/// The tags as answers show them; `None` when there are none.
pub(super) fn shown(tags: &Tags) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then(|| listed(tags))
}

/// The tags as listings show them.
pub(super) fn listed(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value)| Tag { key, value };
    tags::sorted(tags).into_iter().map(tag).collect()
}

/// The record's `tags`.
pub(super) fn evident(params: Params, tags: &[Tag]) -> Params {
    match tags.is_empty() {
        true => params,
        false => params.objects("tags", tags.iter().map(Evident::evident)),
    }
}

/// The answer of a listing of tags, by key.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagPage {
    tags: Vec<Tag>,
    is_truncated: bool,
    marker: Option<String>,
}

impl TagPage {
    pub(super) fn of(tags: &Tags, max_items: Option<i64>, marker: Option<&str>) -> Result<TagPage, IamError> {
        let page = page(listed(tags), |tag| &tag.key, max_items, marker)?;
        Ok(TagPage {
            tags: page.items,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        })
    }
}

impl Evident for TagPage {
    fn evident(&self) -> Params {
        Params::new()
    }
}

//! The `x-amz-expiration` header: when a current version ends, and by which rule.

use crate::{
    model::lifecycle::{self, Rule, Subject},
    table::{self, Bucket, Object},
};
use base::Fault;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};
use store::ReadView;

type Known = HashMap<[u8; 32], Arc<Vec<Rule>>>;

/// Rules by the hash that a bucket's row has of them.
static RULES: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

/// When so many are kept, all are forgotten.
const RULES_MAX: usize = 1024;

/// The header's value of a current version; `None` where no rule ends it. Costs nothing in a bucket without rules.
pub async fn told(
    view: &ReadView<'_>,
    (name, key): (&str, &str),
    bucket: &Bucket,
    object: &Object,
) -> Result<Option<String>, Fault> {
    let Some(sha256) = bucket.lifecycle_sha256 else {
        return Ok(None);
    };
    let known = RULES
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&sha256)
        .cloned();
    let rules = match known {
        Some(rules) => rules,
        None => {
            let found = table::lifecycle(view, name).await?.map(|found| found.rules);
            let rules = Arc::new(found.unwrap_or_default());
            let mut all = RULES.write().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= RULES_MAX {
                all.clear();
            }
            all.insert(sha256, Arc::clone(&rules));
            rules
        }
    };
    let subject = Subject {
        key,
        size: object.size,
        tags: &object.tags,
    };
    Ok(
        lifecycle::of_current(&rules, &subject, object.modified).map(|(at, rule)| {
            let id = utf8_percent_encode(&rule.id, ID_KEEPS);
            format!(r#"expiry-date="{}", rule-id="{id}""#, at.http_date())
        }),
    )
}

const ID_KEEPS: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

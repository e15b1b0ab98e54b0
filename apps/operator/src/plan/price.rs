//! What the changes would cost or save in a month.

use crate::{
    cost::{Estimate, KeyFacts, Money, Prices, Usage},
    message,
    message::Message,
    survey::{Key, Survey},
};
use serde::Serialize;

/// The keys' cost of a month, now and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostChange {
    /// Now.
    pub before: Money,
    /// After the changes.
    pub after: Money,
    /// How the amount after comes about.
    pub lines: Vec<String>,
    /// What it rests on.
    pub remarks: Vec<Message>,
}

pub(super) fn of(before: &Survey, after: &Survey) -> CostChange {
    let (now, then) = (estimate(before), estimate(after));
    CostChange {
        before: now.total,
        after: then.total,
        lines: then
            .lines
            .into_iter()
            .filter(|line| line.amount != Money::ZERO)
            .map(|line| line.formula)
            .collect(),
        remarks: vec![message!(
            "Keys only, each as if never rotated; requests to KMS, storage and events are not counted (see shoseki cost)",
            "キーの料金のみ (ローテーションなしと仮定)。KMS リクエスト・保管・イベントは含みません (shoseki cost を参照)"
        )],
    }
}

fn estimate(survey: &Survey) -> Estimate {
    let keys = survey.keys.values().filter(|key| !key.is_gone()).filter_map(facts);
    Prices::default().monthly(&Usage {
        keys: keys.collect(),
        ..Usage::default()
    })
}

fn facts(key: &Key) -> Option<KeyFacts> {
    let metadata = key.metadata.known()?;
    Some(KeyFacts {
        name: Some(key.arn.clone()),
        aws_managed: metadata.manager == "AWS",
        replicas: u32::try_from(metadata.replicas.len()).unwrap_or(u32::MAX),
        pending_deletion: metadata.state == "PendingDeletion",
        ..KeyFacts::default()
    })
}

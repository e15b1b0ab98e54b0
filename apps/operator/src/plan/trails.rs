//! What becomes of the trails.

use super::refusal::{self, Refusal};
use crate::{
    rights::{Allowed, Moment, Right, World},
    survey::Trail,
};
use serde::Serialize;

/// One thing that a trail does, before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Whether it works now.
    pub before: Allowed,
    /// Whether it would work.
    pub after: Allowed,
    /// The error that it would show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Refusal>,
}

impl Part {
    /// Whether it works now, or may, and would not.
    pub fn stops(&self) -> bool {
        self.before != Allowed::No && self.after == Allowed::No
    }

    /// Whether it does not work now, and would.
    pub fn starts(&self) -> bool {
        self.before == Allowed::No && self.after == Allowed::Yes
    }
}

/// What becomes of a trail.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrailOutcome {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Whether the change is to the trail itself: then it is made by an UpdateTrail, which may be refused.
    pub changed: bool,
    /// The exception that UpdateTrail would get; absent when it would be taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_trail: Option<Refusal>,
    /// The delivery of log files.
    pub log_files: Part,
    /// The delivery of digests; absent for a trail that would have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digests: Option<Part>,
    /// The writing to the log group; absent for a trail without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group: Option<Part>,
    /// The messages to the topic; absent for a trail without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<Part>,
    /// Whether digests would no longer be made: the chain that proves the log files would end.
    pub validation_ends: bool,
    /// CloudTrail's calls that would not be allowed, or of which it is not known.
    pub missing: Vec<Right>,
}

impl TrailOutcome {
    /// Everything that the trail does, with its name for people in AWS's words.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &Part)> {
        let some = [
            ("digests", &self.digests),
            ("log group", &self.log_group),
            ("topic", &self.topic),
        ];
        let some = some.into_iter().filter_map(|(name, part)| Some((name, part.as_ref()?)));
        std::iter::once(("log files", &self.log_files)).chain(some)
    }

    /// Whether something that works would work no more, or its UpdateTrail would be refused.
    pub fn breaks(&self) -> bool {
        let refused = self.changed && self.update_trail.as_ref().is_some_and(|refusal| refusal.certain);
        refused || self.validation_ends || self.parts().any(|(_, part)| part.stops())
    }
}

/// Every trail of the survey.
pub(super) fn outcomes(before: &World, after: &World) -> Vec<TrailOutcome> {
    let trails = before.survey().trails.iter().zip(&after.survey().trails);
    trails.map(|(old, new)| outcome((before, old), (after, new))).collect()
}

fn outcome((before, old): (&World, &Trail), (after, new): (&World, &Trail)) -> TrailOutcome {
    let (had, has) = (before.trail_rights(old), after.trail_rights(new));
    let part = |at: Moment| {
        let needed = |rights: &[Right]| rights.iter().any(|right| right.at == at);
        needed(&has).then(|| Part {
            before: match needed(&had) {
                true => worst(&had, at, refusal::of_delivery(before, old, &had, at)),
                false => Allowed::No,
            },
            after: worst(&has, at, refusal::of_delivery(after, new, &has, at)),
            error: refusal::of_delivery(after, new, &has, at),
        })
    };
    let log_files = part(Moment::Delivery).unwrap_or(Part {
        before: Allowed::Unknown,
        after: Allowed::Unknown,
        error: None,
    });
    TrailOutcome {
        name: new.name.clone(),
        arn: new.arn.clone(),
        changed: old != new,
        update_trail: refusal::of_update(after, new, &has),
        digests: part(Moment::Digest),
        log_group: part(Moment::Logs),
        topic: part(Moment::Notification),
        validation_ends: old.validation && !new.validation,
        missing: has
            .into_iter()
            .filter(|right| right.verdict.allowed != Allowed::Yes)
            .collect(),
        log_files,
    }
}

/// What holds of all calls of a moment together.
fn worst(rights: &[Right], at: Moment, refused: Option<Refusal>) -> Allowed {
    match refused {
        Some(refusal) if refusal.certain => Allowed::No,
        Some(_) => Allowed::Unknown,
        None => {
            let rights = rights.iter().filter(|right| right.at == at);
            rights
                .map(|right| right.verdict.allowed)
                .min()
                .unwrap_or(Allowed::Unknown)
        }
    }
}

//! Whether an account's trails are as they should be: the controls of CIS, Security Hub, PCI, NIST and AWS Config, and this
//! product's own beyond them.
//!
//! A check is a pure function of a [`Survey`], of what was found in the buckets ([`Evidence`]) and of what is intended
//! ([`Options`]). What could not be read never makes a control pass: it is NOT_AVAILABLE, with the call named. Trails of other
//! accounts (an organization's, seen from a member) count where one trail is enough, and are not judged by themselves.

mod access;
mod account;
mod bucket;
mod controls;
mod delivery;
mod document;
mod drawing;
mod evidence;
mod fix;
mod framework;
mod key;
mod known;
mod lifecycle;
mod model;
mod outside;
mod outsiders;
mod picture;
mod selection;
mod tail;
mod trail;

#[cfg(test)]
mod tests;

pub use controls::{CONTROLS, Control};
pub use document::Document;
pub use drawing::{Drawing, Line, PLACE_HEIGHT, PLACE_WIDTH, Spot, WIDTH, shortened};
pub use evidence::{Digest, Evidence, LogFile, gather};
pub use fix::{FixOptions, fixes};
pub use framework::{Framework, controls_named, requirements};
pub use lifecycle::RETENTION_DAYS;
pub use model::{Finding, Fix, Report, Resource, Severity, Status, Summary};
pub use picture::{Edge, Picture, Place, PlaceKind, Seen};

use crate::{
    message::Message,
    rights::World,
    survey::{Missing, Survey, Trail},
};
use base::Timestamp;
use known::Known;
use outsiders::Inside;

/// What is intended, and what is looked at.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// These controls; all, when empty.
    pub controls: Vec<&'static Control>,
    /// Those that matter so much at least.
    pub severity: Option<Severity>,
    /// The ARNs of those who are to read the log files.
    pub readers: Vec<String>,
    /// The ARNs of those who are to administer trail, bucket and key.
    pub administrators: Vec<String>,
    /// The numbers of other accounts that may be let in.
    pub trusted_accounts: Vec<String>,
    /// How many days log files have to be kept.
    pub retention_days: Option<u32>,
    /// The keys of tags that trails have to have; any tag, when empty.
    pub required_tags: Vec<String>,
    /// In how many hours events must have gone to CloudWatch Logs; not looked at without.
    pub delivery_window_hours: Option<u32>,
}

impl Options {
    fn looks_at(&self, control: &Control) -> bool {
        let is_named = self.controls.is_empty() || self.controls.contains(&control);
        is_named && self.severity.is_none_or(|least| control.severity >= least)
    }
}

/// What controls are evaluated on.
struct Ground<'a> {
    survey: &'a Survey,
    world: World,
    evidence: &'a Evidence,
    options: &'a Options,
    now: Timestamp,
}

/// What a control says of a resource.
#[derive(Clone, Debug)]
struct Judgement {
    resource: Resource,
    status: Status,
    reasons: Vec<Message>,
    missing: Vec<Missing>,
}

impl Judgement {
    /// By an answer; `good` says what is so when it is a yes.
    fn of(resource: Resource, known: Known, good: Message) -> Judgement {
        let (status, reasons, missing) = match known {
            Known::Yes => (Status::Passed, vec![good], Vec::new()),
            Known::No(whys) => (Status::Failed, whys, Vec::new()),
            Known::Unknown(missing) => (Status::NotAvailable, known::sentences(&missing), missing),
        };
        Judgement {
            resource,
            status,
            reasons,
            missing,
        }
    }

    fn warning(resource: Resource, reason: Message) -> Judgement {
        Judgement {
            resource,
            status: Status::Warning,
            reasons: vec![reason],
            missing: Vec::new(),
        }
    }
}

impl Ground<'_> {
    /// The trails that the account owns. A trail of several Regions is one.
    fn trails(&self) -> impl Iterator<Item = &Trail> {
        let account = self.survey.account.as_str();
        self.survey
            .trails
            .iter()
            .filter(move |trail| trail.account() == account)
    }

    fn trail_resource(&self, trail: &Trail) -> Resource {
        Resource {
            kind: "AWS::CloudTrail::Trail",
            id: trail.arn.clone(),
            region: trail.home_region.clone(),
        }
    }

    fn each_trail(&self, judge: impl Fn(&Trail) -> (Known, Message)) -> Vec<Judgement> {
        let judged = self.trails().map(|trail| {
            let (known, good) = judge(trail);
            Judgement::of(self.trail_resource(trail), known, good)
        });
        judged.collect()
    }

    /// The calls that would have told of more trails: of Regions that did not answer, and of those whose names could not be had.
    fn unseen(&self) -> Vec<Missing> {
        let regions = self.survey.by_region.values();
        let refused = regions.filter_map(|region| region.trails.missing());
        refused.chain(self.survey.all_regions.missing()).cloned().collect()
    }

    /// What a control says, and that it says nothing of trails that could not be seen, nor of their buckets and keys.
    fn judged(&self, control: &Control) -> Vec<Judgement> {
        let mut judged = (control.evaluate)(self);
        let unseen = self.unseen();
        if control.is_of_trails(self.options) && !unseen.is_empty() {
            let resource = account::resource(self.survey);
            judged.push(Judgement::of(resource, Known::Unknown(unseen), Message::plain("")));
        }
        judged
    }

    fn inside<'a>(&'a self, canonical_id: Option<&'a str>) -> Inside<'a> {
        Inside {
            account: &self.survey.account,
            trusted: &self.options.trusted_accounts,
            canonical_id,
        }
    }
}

/// Looks at the controls that are asked for, as of a time.
pub fn check(survey: &Survey, evidence: &Evidence, options: &Options, now: Timestamp) -> Report {
    let ground = Ground {
        survey,
        world: World::of(survey),
        evidence,
        options,
        now,
    };
    let controls: Vec<&'static Control> = CONTROLS.iter().filter(|control| options.looks_at(control)).collect();
    let mut findings = Vec::new();
    for control in &controls {
        for judgement in ground.judged(control) {
            findings.push(Finding {
                control,
                resource: judgement.resource,
                status: judgement.status,
                reasons: judgement.reasons,
                missing: judgement.missing,
            });
        }
    }
    Report {
        account: survey.account.clone(),
        partition: survey.partition.clone(),
        caller: survey.caller.clone(),
        regions: survey.regions.clone(),
        checked_at: now.iso8601(),
        controls,
        pictures: picture::of(&ground, &findings),
        findings,
    }
}

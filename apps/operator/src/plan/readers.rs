//! Who could no longer read which log files, and who newly could.

use crate::{
    rights::{Allowed, Kind, Reader, World},
    survey::Trail,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Which log files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Files {
    /// Those that are there and those to come.
    All,
    /// Those that are there: they keep the place and the key that they were put with.
    Existing,
    /// Those to come.
    ToCome,
}

/// Somebody whose reading would change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReaderChange {
    /// The trail's name.
    pub trail: String,
    /// Whose: an ARN, an account's number, a service's name, `anonymous`.
    pub principal: String,
    /// What it is.
    pub kind: Kind,
    /// Which log files.
    pub files: Files,
    /// The prefixes of the log files; of all Regions alike, one.
    pub prefixes: Vec<String>,
    /// Whether they read now.
    pub before: Allowed,
    /// Whether they would.
    pub after: Allowed,
    /// Why, after the change.
    pub why: crate::message::Message,
}

impl ReaderChange {
    /// Whether somebody who reads would not, or perhaps not.
    pub fn loses(&self) -> bool {
        self.after < self.before
    }
}

/// Everybody whose reading would change, and how many would read as before.
pub(super) fn changes(before: &World, after: &World) -> (Vec<ReaderChange>, usize) {
    let mut changes = Vec::new();
    let mut same = 0;
    for (old, new) in before.survey().trails.iter().zip(&after.survey().trails) {
        let moved = (&old.bucket, &old.prefix, &old.kms_key) != (&new.bucket, &new.prefix, &new.kms_key);
        let (kinds, trails): (&[Files], [&Trail; 2]) = match moved {
            false => (&[Files::All], [new, new]),
            true => (&[Files::Existing, Files::ToCome], [old, new]),
        };
        for (files, then) in kinds.iter().zip(trails) {
            let (found, alike) = of_trail((before, old), (after, then), *files);
            changes.extend(found);
            same += alike;
        }
    }
    (changes, same)
}

fn of_trail(
    (before, old): (&World, &Trail),
    (after, then): (&World, &Trail),
    files: Files,
) -> (Vec<ReaderChange>, usize) {
    let regions = regions(before, old);
    let mut found: Vec<ReaderChange> = Vec::new();
    // Where in `found` a principal with this change is.
    let mut places: BTreeMap<(String, Allowed, Allowed), usize> = BTreeMap::new();
    let mut steady: BTreeMap<String, bool> = BTreeMap::new();
    for region in &regions {
        let now = before.readers_in(old, region);
        let later = after.readers_in(then, region);
        for (had, has) in pairs((before, old), &now, (after, then), &later, region) {
            let (was, is) = (had.reads().allowed, has.reads());
            steady
                .entry(has.arn.clone())
                .and_modify(|same| *same &= was == is.allowed)
                .or_insert(was == is.allowed);
            if was == is.allowed {
                continue;
            }
            let place = *places.entry((has.arn.clone(), was, is.allowed)).or_insert(found.len());
            let same = found.get_mut(place);
            let prefix = format!("{}{}/CloudTrail/{region}/", then.folder(), then.account());
            match same {
                Some(known) => known.prefixes.push(prefix),
                None => found.push(ReaderChange {
                    trail: then.name.clone(),
                    principal: has.arn.clone(),
                    kind: has.kind,
                    files,
                    prefixes: vec![prefix],
                    before: was,
                    after: is.allowed,
                    why: is.why,
                }),
            }
        }
    }
    for change in &mut found {
        if change.prefixes.len() == regions.len() && regions.len() > 1 {
            change.prefixes = vec![format!("{}{}/CloudTrail/", then.folder(), then.account())];
        }
    }
    (found, steady.values().filter(|same| **same).count())
}

/// Everybody who is known before or after, each with both.
fn pairs(
    (before, old): (&World, &Trail),
    now: &[Reader],
    (after, then): (&World, &Trail),
    later: &[Reader],
    region: &str,
) -> Vec<(Reader, Reader)> {
    let mut pairs = Vec::new();
    let known: BTreeMap<&str, &Reader> = now.iter().map(|reader| (reader.arn.as_str(), reader)).collect();
    for has in later {
        let had = match known.get(has.arn.as_str()) {
            Some(had) => Some((*had).clone()),
            None => before.reader_in(old, region, &has.arn),
        };
        pairs.extend(had.map(|had| (had, has.clone())));
    }
    let still: BTreeSet<&str> = later.iter().map(|reader| reader.arn.as_str()).collect();
    for had in now.iter().filter(|had| !still.contains(had.arn.as_str())) {
        pairs.extend(after.reader_in(then, region, &had.arn).map(|has| (had.clone(), has)));
    }
    pairs
}

fn regions(world: &World, trail: &Trail) -> Vec<String> {
    match trail.multi_region && !world.survey().regions.is_empty() {
        true => world.survey().regions.clone(),
        false => vec![trail.home_region.clone()],
    }
}

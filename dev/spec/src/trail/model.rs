//! What each trail is, and which calls it must have delivered.

use std::collections::{BTreeMap, BTreeSet};

/// The trails. Each has two buckets of its own, so that what lies there is its own.
pub const NAMES: [&str; 2] = ["first", "second"];
/// The home of all trails and buckets.
pub const HOME: &str = "us-east-1";
/// Another Region.
pub const AWAY: &str = "eu-west-1";
/// The bucket whose objects are data that trails may log.
pub const DATA: &str = "data-of-tests";

/// What a trail selects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selectors {
    /// All management events: what a new trail has.
    #[default]
    Management,
    /// Management events that only read.
    Reads,
    /// Management events that write.
    Writes,
    /// Management events but those of KMS.
    WithoutKms,
    /// Objects' events alone, also of the trail's own buckets.
    Data,
    /// All management events and all of objects, also of the trail's own buckets.
    Everything,
}

/// What selection knows of an event.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// A management event, else one of an object.
    pub management: bool,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// Whether it is of KMS.
    pub kms: bool,
}

impl Selectors {
    /// Whether an event of this kind is selected.
    pub fn select(self, kind: Kind) -> bool {
        match self {
            Selectors::Management => kind.management,
            Selectors::Reads => kind.management && kind.read_only,
            Selectors::Writes => kind.management && !kind.read_only,
            Selectors::WithoutKms => kind.management && !kind.kms,
            Selectors::Data => !kind.management,
            Selectors::Everything => true,
        }
    }
}

/// A trail that exists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trail {
    /// Whether it covers all Regions.
    pub multi_region: bool,
    /// Whether it logs.
    pub logging: bool,
    /// What it selects.
    pub selectors: Selectors,
}

/// A call: its request id and its event's name.
pub type Call = (String, String);

/// What is remembered of all trails that had a name.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The trail that has the name now.
    pub trail: Option<Trail>,
    /// Whether a trail of this name was ever without validation.
    pub ever_unproven: bool,
    /// Whether one ever covered all Regions.
    pub ever_everywhere: bool,
    /// All that they ever selected by.
    pub ever_selected: BTreeSet<Selectors>,
    /// The calls that must be in the log files, each once.
    pub expected: BTreeSet<Call>,
}

/// The trails and the calls.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// By the place of the name in [`NAMES`].
    pub named: [Named; 2],
    /// Every call that was made.
    pub calls: BTreeSet<Call>,
}

impl Model {
    /// What is remembered of a name.
    pub fn named(&mut self, name: usize) -> &mut Named {
        let [first, second] = &mut self.named;
        if name == 0 { first } else { second }
    }

    /// The trail of a name.
    pub fn trail(&self, name: usize) -> Option<Trail> {
        self.named.get(name).and_then(|named| named.trail)
    }

    /// A call was made: whoever selects it now must deliver it.
    pub fn call(&mut self, call: &Call, kind: Kind, region: &str) {
        self.calls.insert(call.clone());
        for name in 0..NAMES.len() {
            if let Some(trail) = self.trail(name) {
                self.select(name, trail, call, kind, region);
            }
        }
    }

    /// A trail, as it was or is, selects a call if it does.
    pub fn select(&mut self, name: usize, trail: Trail, call: &Call, kind: Kind, region: &str) {
        if trail.logging && trail.selectors.select(kind) && (trail.multi_region || region == HOME) {
            self.named(name).expected.insert(call.clone());
        }
    }

    /// A trail is this from now on.
    pub fn set(&mut self, name: usize, trail: Trail) {
        let named = self.named(name);
        named.trail = Some(trail);
        named.ever_everywhere |= trail.multi_region;
        named.ever_selected.insert(trail.selectors);
    }
}

/// How often something happened, by what.
pub type Outcomes = BTreeMap<String, u64>;

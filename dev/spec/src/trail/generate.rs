//! Sequences from a seed.

use super::model::{Model, NAMES, Selectors};
use crate::choices::Choices;

/// What the rest of the world does beside trails.
#[derive(Clone, Copy, Debug, Default)]
pub enum Act {
    /// A management event of KMS that reads, in either Region.
    #[default]
    ListKeys,
    /// One that writes.
    CreateKey,
    /// A management event of S3 that reads.
    GetBucketPolicy,
    /// One that writes.
    PutBucketTagging,
    /// A management event of CloudTrail that reads, in either Region.
    DescribeTrails,
    /// An object is written.
    PutObject,
    /// An object is read that may not be there.
    GetObject,
}

/// What of a bucket is closed to CloudTrail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// Nothing.
    #[default]
    Open,
    /// Everything.
    Closed,
    /// Log files.
    NoLogs,
    /// Log files of the other Region.
    NoLogsOfAway,
    /// Digests.
    NoDigests,
}

/// What becomes of the trails' key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyState {
    /// It can be used.
    #[default]
    Usable,
    /// It is disabled.
    Disabled,
    /// Its policy has no word for CloudTrail.
    Refusing,
}

/// A change of a trail.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Validation on or off.
    Validation(bool),
    /// All Regions or one.
    MultiRegion(bool),
    /// One or the other of its buckets.
    Bucket(usize),
    /// With the key or without.
    Key(bool),
}

/// One step.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A call, in the other Region if it can be.
    Act(Act, bool),
    /// CreateTrail.
    Create {
        /// Which name.
        name: usize,
        /// For all Regions.
        multi_region: bool,
        /// With digests.
        validation: bool,
        /// With the key.
        key: bool,
        /// Whether CloudTrail's own deliveries are selected as other calls are.
        recursive: bool,
        /// Which of its buckets.
        bucket: usize,
    },
    /// UpdateTrail.
    Update(usize, Change),
    /// PutEventSelectors.
    Select(usize, Selectors),
    /// StartLogging.
    Start(usize),
    /// StopLogging.
    Stop(usize),
    /// DeleteTrail.
    Delete(usize),
    /// PutBucketPolicy of one of a trail's buckets.
    Door(usize, usize, Door),
    /// The key changes.
    Key(KeyState),
    /// Time moves.
    Advance {
        /// By so much.
        minutes: u64,
    },
    /// The server is killed and starts again.
    Kill,
    /// The server ends and starts again.
    Restart,
}

/// The next step, from what there is.
pub fn step(choices: &mut Choices<'_>, model: &Model) -> Step {
    let name = choices.below(NAMES.len());
    let Some(trail) = model.trail(name) else {
        return match choices.below(3) {
            0 => act(choices),
            _ => Step::Create {
                name,
                multi_region: choices.chance(50),
                validation: choices.chance(85),
                key: choices.chance(50),
                recursive: choices.chance(70),
                bucket: choices.below(2),
            },
        };
    };
    if !trail.logging && choices.chance(40) {
        return Step::Start(name);
    }
    match choices.below(100) {
        0..40 => act(choices),
        40..64 => Step::Advance {
            minutes: minutes(choices),
        },
        64..70 => Step::Door(name, choices.below(2), door(choices)),
        70..75 => Step::Key(choices.one(&[
            KeyState::Usable,
            KeyState::Disabled,
            KeyState::Refusing,
            KeyState::Usable,
        ])),
        75..83 => Step::Update(name, change(choices)),
        83..88 => Step::Select(name, selectors(choices)),
        88..91 => Step::Stop(name),
        91..93 => Step::Delete(name),
        93..97 => Step::Kill,
        97 => Step::Restart,
        _ => act(choices),
    }
}

fn act(choices: &mut Choices<'_>) -> Step {
    let act = choices.one(&[
        Act::ListKeys,
        Act::CreateKey,
        Act::GetBucketPolicy,
        Act::PutBucketTagging,
        Act::DescribeTrails,
        Act::PutObject,
        Act::GetObject,
    ]);
    Step::Act(act, choices.chance(40))
}

fn minutes(choices: &mut Choices<'_>) -> u64 {
    match choices.below(20) {
        0..9 => 1 + choices.below(9) as u64,
        9..15 => 5 * (1 + choices.below(8) as u64),
        15..19 => 60 + choices.below(120) as u64,
        _ => 60 * (4 + choices.below(8) as u64),
    }
}

fn door(choices: &mut Choices<'_>) -> Door {
    choices.one(&[
        Door::Open,
        Door::Closed,
        Door::NoLogs,
        Door::NoLogs,
        Door::NoLogsOfAway,
        Door::NoDigests,
    ])
}

fn selectors(choices: &mut Choices<'_>) -> Selectors {
    choices.one(&[
        Selectors::Management,
        Selectors::Reads,
        Selectors::Writes,
        Selectors::WithoutKms,
        Selectors::Data,
        Selectors::Everything,
    ])
}

fn change(choices: &mut Choices<'_>) -> Change {
    match choices.below(4) {
        0 => Change::Validation(choices.chance(60)),
        1 => Change::MultiRegion(choices.chance(50)),
        2 => Change::Bucket(choices.below(2)),
        _ => Change::Key(choices.chance(50)),
    }
}

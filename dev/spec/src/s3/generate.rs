//! Operations from a source of choices, made so that they meet: few buckets, few keys, versions that are there.

use super::lifecycle::{Expiration, Noncurrent, Rule};
use super::{
    listing::Listing,
    model::{Condition, INVALID_ID, Item, Model, Operation, PART_BYTES_MIN, Retention, UploadAt},
};
use crate::choices::Choices;

/// The buckets.
pub const BUCKETS: [&str; 2] = ["spec-one", "spec-two"];

/// The keys: some are the beginning of others, some fold.
const KEYS: [&str; 7] = ["a", "a/b", "a/b/c", "a/d", "b", "b c+é", "z/"];

/// A body of so many bytes lives in a file of its own.
const LARGE: usize = 40_000;

/// One step of a sequence.
#[derive(Clone, Debug)]
pub enum Step {
    /// An operation on a bucket.
    Do(&'static str, Operation),
    /// The process is killed, and started again on its data.
    Kill,
    /// The process is ended, and started again on its data.
    Restart,
    /// Domain time moves.
    Advance {
        /// By so many days.
        days: u64,
    },
    /// Everything is listed, by pages of this size, and read.
    Look(Listing),
}

/// The next step.
pub fn step(choices: &mut Choices<'_>, model: &Model) -> Step {
    let bucket = BUCKETS.get(choices.below(BUCKETS.len())).copied().unwrap_or(BUCKETS[0]);
    match choices.below(1000) {
        0..20 => Step::Kill,
        20..30 => Step::Restart,
        30..100 => Step::Advance {
            days: 1 + choices.below(3) as u64,
        },
        100..140 => Step::Look(Listing {
            prefix: choices.one(&["", "", "a", "a/", "z"]).to_owned(),
            delimiter: choices.chance(50).then_some('/'),
            max_keys: 1 + choices.below(6),
        }),
        _ => Step::Do(bucket, operation(choices, model, bucket)),
    }
}

fn operation(choices: &mut Choices<'_>, model: &Model, bucket: &str) -> Operation {
    if !model.buckets.contains_key(bucket) && choices.chance(80) {
        return Operation::CreateBucket {
            lock: bucket == BUCKETS[1] || choices.chance(30),
        };
    }
    match choices.below(100) {
        0 => Operation::CreateBucket { lock: false },
        1..3 => Operation::DeleteBucket,
        3..6 => Operation::PutLifecycle {
            rules: match choices.chance(15) {
                true => Vec::new(),
                false => (0..=choices.below(3)).map(|_| rule(choices)).collect(),
            },
        },
        6..12 => Operation::PutVersioning {
            enabled: choices.chance(60),
        },
        12..36 => put(choices, model, bucket),
        36..45 => of_upload(choices, model, bucket),
        45..52 => {
            let source = BUCKETS.get(choices.below(BUCKETS.len())).copied().unwrap_or(BUCKETS[0]);
            let item = item(choices, model, source);
            Operation::Copy {
                key: match choices.chance(20) {
                    true => item.key.clone(),
                    false => key(choices),
                },
                from: source.to_owned(),
                source: item,
                changes: choices.chance(40),
            }
        }
        52..60 => {
            let item = item(choices, model, bucket);
            Operation::Get {
                key: item.key,
                version: item.version,
            }
        }
        60..80 => {
            let item = item(choices, model, bucket);
            Operation::Delete {
                condition: match choices.below(10) {
                    0 => Condition::Match("*".to_owned()),
                    1 => tag(choices, model, bucket, &item.key),
                    _ => Condition::None,
                },
                item,
                bypass: choices.chance(15),
            }
        }
        80..86 => Operation::DeleteMany {
            items: (0..=choices.below(4)).map(|_| item(choices, model, bucket)).collect(),
        },
        86..94 => Operation::Retain {
            item: item(choices, model, bucket),
            retention: retention(choices, model),
            bypass: choices.chance(40),
        },
        _ => Operation::Hold {
            item: item(choices, model, bucket),
            on: choices.chance(40),
        },
    }
}

fn rule(choices: &mut Choices<'_>) -> Rule {
    let expiration = match choices.below(10) {
        0..4 => Some(Expiration::Days(days(choices))),
        4..7 => Some(Expiration::Marker),
        _ => None,
    };
    let noncurrent = choices.chance(60).then(|| Noncurrent {
        days: days(choices),
        newer: choices.chance(50).then(|| 1 + choices.below(2)),
    });
    Rule {
        enabled: choices.chance(85),
        prefix: choices.one(&["", "", "a", "a/", "b"]).to_owned(),
        // A rule without any action is none.
        abort: (choices.chance(50) || (expiration.is_none() && noncurrent.is_none())).then(|| days(choices)),
        expiration,
        noncurrent,
    }
}

fn days(choices: &mut Choices<'_>) -> u64 {
    1 + choices.below(3) as u64
}

fn put(choices: &mut Choices<'_>, model: &Model, bucket: &str) -> Operation {
    let key = key(choices);
    let lock = model.buckets.get(bucket).is_some_and(|bucket| bucket.lock);
    let size = match choices.below(10) {
        0 => 0,
        1 => LARGE + choices.below(200),
        _ => choices.below(60),
    };
    Operation::Put {
        condition: match choices.below(8) {
            0 => Condition::Absent,
            1 => tag(choices, model, bucket, &key),
            _ => Condition::None,
        },
        retention: choices
            .chance(if lock { 40 } else { 4 })
            .then(|| retention(choices, model)),
        body: bytes(choices, size),
        key,
    }
}

fn of_upload(choices: &mut Choices<'_>, model: &Model, bucket: &str) -> Operation {
    let uploads = model.buckets.get(bucket).map(|bucket| &bucket.uploads);
    let number = uploads.map_or(0, |uploads| uploads.len());
    let chosen = uploads.and_then(|uploads| uploads.iter().nth(choices.below(number)));
    let Some((id, upload)) = chosen.filter(|_| !choices.chance(20)) else {
        return Operation::Begin { key: key(choices) };
    };
    let at = UploadAt {
        key: upload.key.clone(),
        id: id.clone(),
    };
    match choices.below(20) {
        0 => Operation::Abort { upload: at },
        1 => Operation::Abort {
            upload: UploadAt {
                key: "of another".to_owned(),
                ..at
            },
        },
        2..8 if !upload.parts.is_empty() => {
            let mut parts: Vec<(u32, String)> = upload
                .parts
                .iter()
                .map(|(number, (tag, _))| (*number, tag.clone()))
                .collect();
            match choices.below(10) {
                0 => parts.reverse(),
                1 => parts.push((9, "\"0123456789abcdef0123456789abcdef\"".to_owned())),
                2..5 => parts.truncate(1),
                _ => {}
            }
            Operation::Complete {
                condition: match choices.below(5) {
                    0 => Condition::Absent,
                    _ => Condition::None,
                },
                upload: at,
                parts,
            }
        }
        _ => Operation::Part {
            number: 1 + choices.below(4) as u32,
            body: match choices.below(8) {
                0 => bytes(choices, PART_BYTES_MIN),
                1 => bytes(choices, LARGE),
                _ => bytes(choices, 20),
            },
            upload: at,
        },
    }
}

fn bytes(choices: &mut Choices<'_>, size: usize) -> Vec<u8> {
    let first = choices.below(256);
    (0..size).map(|place| ((first + place * 7) % 251) as u8).collect()
}

fn key(choices: &mut Choices<'_>) -> String {
    choices.one(&KEYS).to_owned()
}

/// Of days that begin tomorrow at the earliest.
fn retention(choices: &mut Choices<'_>, model: &Model) -> Retention {
    Retention {
        compliance: choices.chance(30),
        until: model.today + 1 + choices.below(6) as u64,
    }
}

/// The current object's tag, mostly.
fn tag(choices: &mut Choices<'_>, model: &Model, bucket: &str, key: &str) -> Condition {
    let current = model.buckets.get(bucket).and_then(|bucket| bucket.current(key));
    let tag = current.map(|object| object.etag.clone());
    let wrong = "\"d41d8cd98f00b204e9800998ecf8427f\"".to_owned();
    Condition::Match(tag.filter(|_| choices.chance(60)).unwrap_or(wrong))
}

/// A key, and mostly a version that it has.
fn item(choices: &mut Choices<'_>, model: &Model, bucket: &str) -> Item {
    let key = key(choices);
    let versions = model.buckets.get(bucket).and_then(|bucket| bucket.keys.get(&key));
    let versions = versions.map(Vec::as_slice).unwrap_or_default();
    let version = match choices.below(20) {
        0..8 => None,
        8..16 if !versions.is_empty() => versions
            .get(choices.below(versions.len()))
            .map(|version| version.id.clone()),
        16 => Some(INVALID_ID.to_owned()),
        17 => model.gone.get(choices.below(model.gone.len())).cloned(),
        _ => Some("null".to_owned()),
    };
    Item { key, version }
}

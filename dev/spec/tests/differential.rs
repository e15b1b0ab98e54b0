//! The real engine against the decider by the book, and whether the cases reach every outcome.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use spec::{
    case::Case,
    choices::Choices,
    compare::{Trouble, compare},
    decider::{self, Verdict},
    generate, shrink,
};
use std::collections::BTreeMap;

/// Prints the case, as small as it gets, with its seed and both answers.
fn fail(seed: u64, case: Case, trouble: &Trouble) -> ! {
    let small = match trouble {
        Trouble::Disagreement { .. } => {
            shrink::shrink(case, |case| matches!(compare(case), Err(Trouble::Disagreement { .. })))
        }
        Trouble::Refused(_) => case,
    };
    let text = serde_json::to_string_pretty(&small).unwrap();
    panic!("seed {seed}\n{}\n{text}", compare(&small).unwrap_err());
}

fn compare_all(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let case = generate::case(&mut Choices::seeded(seed));
        if let Err(trouble) = compare(&case) {
            fail(seed, case, &trouble);
        }
    }
}

// Two halves, so that two cores share the work: 100,000 cases.
#[test]
fn the_engine_decides_as_the_book_does() {
    compare_all(0..50_000);
}

#[test]
fn the_engine_decides_as_the_book_does_in_other_cases() {
    compare_all(1_000_000..1_050_000);
}

// A decider that never meets an outcome proves nothing about it.
#[test]
fn no_outcome_is_starved() {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..20_000 {
        let case = generate::case(&mut Choices::seeded(seed));
        let name = match decider::decide(&case) {
            Verdict::Allowed => format!("allowed {:?}", case.kind),
            Verdict::ExplicitDeny(places) => format!("denied by {:?}", places[0].policy),
            Verdict::ImplicitDeny(types) => format!("nothing in {:?}", types[0]),
        };
        *counts.entry(name).or_default() += 1;
    }
    for name in [
        "allowed Bucket",
        "allowed Key",
        "allowed Other",
        "allowed Role",
        "denied by Identity",
        "denied by PermissionsBoundary",
        "denied by Resource",
        "denied by ResourceControl",
        "denied by RoleTrust",
        "denied by ServiceControl",
        "denied by Session",
        "nothing in Identity",
        "nothing in PermissionsBoundary",
        "nothing in Resource",
        "nothing in ResourceControl",
        "nothing in RoleTrust",
        "nothing in ServiceControl",
        "nothing in Session",
    ] {
        let count = counts.get(name).copied().unwrap_or_default();
        assert!(
            count >= 60,
            "{name}: {count} of 20,000, under 3 per mille; all: {counts:?}"
        );
    }
}

#[test]
fn a_seed_makes_one_case() {
    for seed in 0..200 {
        let make = || generate::case(&mut Choices::seeded(seed));
        assert_eq!(make(), make());
    }
}

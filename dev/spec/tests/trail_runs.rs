//! Generated histories of trails against the real binary: the short form. `--bin trail-runs` is the long one.

use anyhow::{Result, ensure};
use spec::trail::{drive, model::Outcomes};

/// So many histories of a test; `cargo xtask test --long` asks for the longer form.
#[expect(clippy::disallowed_methods, reason = "how a test is told to be long")]
fn runs() -> u64 {
    if std::env::var_os("SHOSEKI_LONG").is_some() {
        1000
    } else {
        12
    }
}

/// Runs the histories. They must meet what matters: runs that never meet a case prove nothing about it.
async fn histories(seeds: std::ops::Range<u64>, steps: usize) -> Result<()> {
    let mut all = Outcomes::new();
    for seed in seeds {
        for (outcome, count) in drive::run(seed, steps).await? {
            *all.entry(outcome).or_default() += count;
        }
    }
    for outcome in [
        "DeleteTrail: done",
        "StopLogging: done",
        "UpdateTrail: done",
        "backfill digest",
        "call delivered",
        "digest",
        "file of a quiet hour",
        "gap",
        "killed",
        "log file proven",
    ] {
        ensure!(all.contains_key(outcome), "no history met `{outcome}`: {all:?}");
    }
    Ok(())
}

// Two halves, so that two cores share the work.
#[tokio::test]
#[ignore = "slow: cargo xtask test runs it"]
async fn trails_deliver_what_they_selected_and_prove_it() -> Result<()> {
    histories(0..runs(), 60).await
}

#[tokio::test]
#[ignore = "slow: cargo xtask test runs it"]
async fn trails_deliver_what_they_selected_and_prove_it_in_other_histories() -> Result<()> {
    histories(1000..1000 + runs(), 60).await
}

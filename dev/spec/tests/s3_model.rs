//! The real binary against the model of S3: the short form, of a few seconds. `--bin s3-model` is the long one.

use anyhow::{Result, ensure};
use spec::s3::drive::{self, Outcomes};

/// Runs the sequences. They must meet what matters: a model that never meets a case proves nothing about it.
async fn sequences(seeds: std::ops::Range<u64>, steps: usize, rare: &[&str]) -> Result<()> {
    let mut all = Outcomes::new();
    for seed in seeds {
        for (outcome, count) in drive::run(seed, steps).await? {
            *all.entry(outcome).or_default() += count;
        }
    }
    for outcome in [
        "Complete 200",
        "Copy 200",
        "Copy 400 InvalidRequest",
        "Copy 404 NoSuchKey",
        "Copy 404 NoSuchVersion",
        "Delete 204",
        "Delete 403 AccessDenied",
        "Delete 404 NoSuchKey",
        "DeleteBucket 409 BucketNotEmpty",
        "DeleteMany 204",
        "Get 200",
        "Get 404 NoSuchVersion",
        "Lifecycle ends a current version",
        "Lifecycle ends a marker",
        "Lifecycle ends a noncurrent version",
        "Lifecycle ends an upload",
        "Put 200",
        "Put 412 PreconditionFailed",
        "PutVersioning 200",
        "Retain 200",
    ]
    .iter()
    .chain(rare)
    {
        ensure!(all.contains_key(*outcome), "no sequence met `{outcome}`: {all:?}");
    }
    Ok(())
}

// Two halves, so that two cores share the work.
#[tokio::test]
#[ignore = "slow: cargo xtask test runs it"]
async fn the_server_does_as_the_model() -> Result<()> {
    sequences(0..5, 200, &[]).await
}

#[tokio::test]
#[ignore = "slow: cargo xtask test runs it"]
async fn the_server_does_as_the_model_in_other_sequences() -> Result<()> {
    let rare = ["Lifecycle keeps the newest", "Lifecycle keeps what is locked"];
    sequences(1000..1005, 200, &rare).await
}

//! The real binary against the model of S3: the short form, of a few seconds. `--bin s3-model` is the long one.

use anyhow::Result;

async fn sequences(seeds: std::ops::Range<u64>, steps: usize) -> Result<()> {
    for seed in seeds {
        spec::s3::drive::run(seed, steps).await?;
    }
    Ok(())
}

// Two halves, so that two cores share the work.
#[tokio::test]
#[ignore = "slow: cargo xtask test runs it"]
async fn the_server_does_as_the_model() -> Result<()> {
    sequences(0..4, 150).await
}

#[tokio::test]
#[ignore = "slow: cargo xtask test runs it"]
async fn the_server_does_as_the_model_in_other_sequences() -> Result<()> {
    sequences(1000..1004, 150).await
}

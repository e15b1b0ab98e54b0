//! Compares the real binary with the model of S3 at length:
//! `SHOSEKI_BIN=… cargo run -p spec --bin s3-model -- --sequences 1000 [--steps N] [--seed N]`.

use anyhow::Result;
use clap::Parser;
use spec::s3::drive::{self, Outcomes};

#[derive(Parser)]
#[command(about = "Compares the real binary with the model of S3 over generated sequences")]
struct Arguments {
    /// How many sequences, each on a new data directory.
    #[arg(long, default_value_t = 100)]
    sequences: u64,
    /// How many steps a sequence has.
    #[arg(long, default_value_t = 400)]
    steps: usize,
    /// The first sequence's seed; the others follow it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut all = Outcomes::new();
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.sequences) {
        for (outcome, count) in drive::run(seed, arguments.steps).await? {
            *all.entry(outcome).or_default() += count;
        }
        println!("seed {seed}: {} steps agree", arguments.steps);
    }
    for (outcome, count) in all {
        println!("{count:>8}  {outcome}");
    }
    Ok(())
}

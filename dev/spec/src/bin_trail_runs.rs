//! Runs generated histories of trails against the real binary at length:
//! `SHOSEKI_BIN=… cargo run -p spec --bin trail-runs -- --runs 2000 [--steps N] [--seed N]`.

use anyhow::Result;
use clap::Parser;
use spec::trail::{drive, model::Outcomes};

#[derive(Parser)]
#[command(about = "Holds what trails deliver and prove against a model, over generated histories")]
struct Arguments {
    /// How many histories, each on a new data directory.
    #[arg(long, default_value_t = 100)]
    runs: u64,
    /// How many steps a history has.
    #[arg(long, default_value_t = 60)]
    steps: usize,
    /// The first history's seed; the others follow it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Goes on after a disagreement and tells all of them at the end.
    #[arg(long)]
    keep_going: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut all = Outcomes::new();
    let mut wrong = Vec::new();
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.runs) {
        match drive::run(seed, arguments.steps).await {
            Ok(outcomes) => {
                for (outcome, count) in outcomes {
                    *all.entry(outcome).or_default() += count;
                }
                println!("seed {seed}: as it must be");
            }
            Err(error) if arguments.keep_going => {
                println!("seed {seed}: {error:?}");
                wrong.push(seed);
            }
            Err(error) => return Err(error),
        }
    }
    for (outcome, count) in all {
        println!("{count:>8}  {outcome}");
    }
    anyhow::ensure!(wrong.is_empty(), "{} histories went wrong: {wrong:?}", wrong.len());
    Ok(())
}

//! Compares the two deciders at length: `cargo run --release -p spec -- --cases 10000000 [--seed N] [--threads N]`.

use clap::Parser;
use spec::{
    case::Case,
    choices::Choices,
    compare::{Trouble, compare},
    decider::Verdict,
    generate, shrink,
};
use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

/// Seeds that a thread takes at a time.
const SEEDS: u64 = 1_000;
/// Disagreements that `--all` prints.
const PRINTED_MAX: u64 = 20;

#[derive(Parser)]
#[command(about = "Compares the slow decider with the real engine over generated cases")]
struct Arguments {
    /// How many cases.
    #[arg(long, default_value_t = 1_000_000)]
    cases: u64,
    /// The first case's seed; the others follow it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many threads share the cases.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Keep going after a disagreement, and count them.
    #[arg(long)]
    all: bool,
}

/// What the threads share: the next seed to take, and the disagreements met.
struct Work {
    arguments: Arguments,
    next: AtomicU64,
    wrong: AtomicU64,
}

type Outcomes = BTreeMap<String, u64>;

impl Work {
    fn run(&self) -> Outcomes {
        let mut outcomes = Outcomes::new();
        let end = self.arguments.seed.saturating_add(self.arguments.cases);
        loop {
            let first = self.next.fetch_add(SEEDS, Ordering::Relaxed);
            if first >= end || self.stopped() {
                return outcomes;
            }
            for seed in first..end.min(first.saturating_add(SEEDS)) {
                self.one(seed, &mut outcomes);
            }
        }
    }

    fn one(&self, seed: u64, outcomes: &mut Outcomes) {
        let case = generate::case(&mut Choices::seeded(seed));
        match compare(&case) {
            Ok(verdict) => *outcomes.entry(name(&verdict)).or_default() += 1,
            Err(trouble) => {
                let before = self.wrong.fetch_add(1, Ordering::Relaxed);
                if before == 0 || self.arguments.all && before < PRINTED_MAX {
                    report(seed, case, &trouble);
                }
            }
        }
    }

    fn stopped(&self) -> bool {
        !self.arguments.all && self.wrong.load(Ordering::Relaxed) > 0
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let work = Work {
        next: AtomicU64::new(arguments.seed),
        wrong: AtomicU64::new(0),
        arguments,
    };
    let mut outcomes = Outcomes::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..work.arguments.threads.max(1))
            .map(|_| scope.spawn(|| work.run()))
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(found) => found
                    .into_iter()
                    .for_each(|(outcome, count)| *outcomes.entry(outcome).or_default() += count),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let compared: u64 = outcomes.values().sum();
    for (outcome, count) in &outcomes {
        println!("{:>6.1} per mille  {outcome}", per(*count, compared) * 1000.0);
    }
    let wrong = work.wrong.into_inner();
    println!(
        "{compared} cases agree, {wrong} do not, in {seconds:.1} s: {:.0} a second",
        per(compared, 1) / seconds
    );
    if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn per(count: u64, of: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts stay far below what a double holds exactly"
    )]
    let ratio = count as f64 / of.max(1) as f64;
    ratio
}

fn name(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allowed => "allowed".to_owned(),
        Verdict::ExplicitDeny(places) => match places.first() {
            Some(place) => format!("explicit deny, {:?}", place.policy),
            None => "explicit deny".to_owned(),
        },
        Verdict::ImplicitDeny(types) => match types.first() {
            Some(first) => format!("implicit deny, {first:?}"),
            None => "implicit deny".to_owned(),
        },
    }
}

/// The case made small, as JSON that people can read.
fn report(seed: u64, case: Case, trouble: &Trouble) {
    let small = match trouble {
        Trouble::Disagreement { .. } => {
            shrink::shrink(case, |case| matches!(compare(case), Err(Trouble::Disagreement { .. })))
        }
        Trouble::Refused(_) => case,
    };
    println!("seed {seed}");
    if let Err(trouble) = compare(&small) {
        println!("{trouble}");
    }
    match serde_json::to_string_pretty(&small) {
        Ok(text) => println!("{text}"),
        Err(error) => println!("{error}: {small:?}"),
    }
}

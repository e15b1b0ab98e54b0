//! # bench: how fast, how soon, how much memory
//!
//! Measures the release binary beside two yardsticks in the same run on the same machine: `moto_server` from PyPI, and the
//! *floor*, which answers the same requests by the same HTTP stack with nothing but a signature check. So what is shown is
//! ratios, and the machine matters less. Run by `cargo xtask bench`.

mod big;
mod console;
mod floor;
mod generator;
mod history;
mod ingest;
mod machine;
mod pipeline;
mod policies;
mod process;
mod relay;
mod scenario;
mod search;
mod selectors;
mod stacks;
mod status;
mod storage;
mod table;
mod target;
mod verify;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use scenario::Scenario;
use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};
use table::{Report, Table};
use target::{Target, Yardsticks};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "bench", about = "Measures shoseki beside moto_server and a floor")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The release binary to measure.
    #[arg(long)]
    shoseki: Option<PathBuf>,
    /// The peer: moto_server of the pinned venv.
    #[arg(long, alias = "moto")]
    moto_server: Option<PathBuf>,
    /// A peer: s3s-fs of crates.io.
    #[arg(long)]
    s3s_fs: Option<PathBuf>,
    /// Load this server instead of one that is started here.
    #[arg(long, requires = "access_key", requires = "secret_key")]
    endpoint: Option<String>,
    /// The access key for `--endpoint`.
    #[arg(long, env = "AWS_ACCESS_KEY_ID")]
    access_key: Option<String>,
    /// The secret for `--endpoint`.
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide_env_values = true)]
    secret_key: Option<String>,
    /// What to measure; everything but `big` when not given.
    #[arg(long, value_delimiter = ',')]
    part: Vec<Part>,
    /// Also put and get 5 GiB, and list a bucket of a million keys, look up a history of ten
    /// million events, and turn the console's pages over a million.
    #[arg(long)]
    big: bool,
    /// Only these calls.
    #[arg(long, value_delimiter = ',')]
    scenario: Vec<Scenario>,
    /// How many clients at a time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    concurrency: Vec<usize>,
    /// How long each cell of the table is measured.
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// How many events the history has that is measured.
    #[arg(long, default_value_t = 10_000_000)]
    events: u64,
    /// Where to write the report as Markdown too.
    #[arg(long)]
    markdown: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Be the floor: the same HTTP stack, signature check, fixed answers.
    Floor {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Calls a second, beside the peers.
    Load,
    /// Delivery beside gzip alone.
    Pipeline,
    /// Events from elsewhere, beside the least work that they are.
    Ingest,
    /// What policies cost.
    Policies,
    /// One event against the selectors of an account.
    Selectors,
    /// Start-up and memory when idle.
    Process,
    /// S3 and KMS beside cipher, disk, library and another server.
    Storage,
    /// A bucket of a million keys.
    Listing,
    /// Thirty days of the rehearsal clock.
    Rehearsal,
    /// Ten million events of history.
    History,
    /// Stacks of 200 resources.
    Stacks,
    /// `trail status` over 17 Regions, far away.
    Status,
    /// Searching log files, beside jq and DuckDB.
    Search,
    /// The verification of a trail, beside the stock validator and the machine's limit.
    Verify,
    /// Pages over a history of a million events.
    Console,
    /// 5 GiB in and out.
    Big,
}

impl Arguments {
    fn wants(&self, part: Part) -> bool {
        match part {
            _ if self.part.contains(&part) => true,
            Part::Big | Part::Console | Part::History | Part::Listing => self.big,
            Part::Load => self.part.is_empty(),
            _ => self.part.is_empty() && self.shoseki.is_some(),
        }
    }

    fn binary(&self) -> Result<&PathBuf> {
        let binary = self.shoseki.as_ref().context("--shoseki PATH is needed")?;
        ensure!(binary.is_file(), "there is no file `{}`", binary.display());
        Ok(binary)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        Some(Command::Floor { listen }) => floor::run(*listen),
        None => run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One thread for all clients: what it does not use is the server's.
fn run(arguments: &Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut report = Report::new();
    runtime.block_on(measure(arguments, &mut report))?;
    if let Some(path) = &arguments.markdown {
        report.write(path)?;
    }
    Ok(())
}

async fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    report.text(&machine::describe()?);
    if arguments.wants(Part::Process) {
        report.table(process::start_and_idle(arguments.binary()?).await?);
    }
    if arguments.wants(Part::Load) {
        report.table(load(arguments).await?);
        report.text(generator::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Pipeline) {
        report.table(pipeline::delivery(arguments.binary()?).await?);
        report.text(pipeline::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Ingest) {
        report.table(ingest::from_elsewhere(arguments.binary()?).await?);
        report.text(ingest::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Policies) {
        report.table(policies::costs(arguments.binary()?).await?);
        report.text(policies::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Selectors) {
        report.table(selectors::rates()?);
        report.text(selectors::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Storage) {
        let span = Duration::from_secs_f64(arguments.seconds);
        report.table(storage::ratios(arguments.binary()?, arguments.s3s_fs.as_deref(), span).await?);
        report.text(storage::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Stacks) {
        report.table(stacks::stacks(arguments.binary()?).await?);
        report.text(stacks::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Status) {
        report.table(status::status(arguments.binary()?).await?);
        report.text(status::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Search) {
        let programs = arguments.moto_server.as_deref().and_then(std::path::Path::parent);
        report.table(search::search(arguments.binary()?, programs)?);
        report.text(search::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Verify) {
        let moto = arguments.moto_server.as_deref();
        let moto = moto.context("--moto-server PATH is needed, for the AWS CLI beside it")?;
        report.table(verify::verify(arguments.binary()?, moto)?);
        report.text(verify::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Listing) {
        report.table(storage::listing(arguments.binary()?).await?);
    }
    if arguments.wants(Part::History) {
        report.table(history::history(arguments.binary()?, arguments.events).await?);
        report.text(history::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Console) {
        report.table(console::pages(arguments.binary()?).await?);
        report.text(console::WHAT_IS_MEASURED);
    }
    if arguments.wants(Part::Rehearsal) {
        report.table(process::thirty_days(arguments.binary()?).await?);
    }
    if arguments.wants(Part::Big) {
        report.table(big::put_and_get(arguments.binary()?).await?);
    }
    Ok(())
}

async fn load(arguments: &Arguments) -> Result<Table> {
    let target = match &arguments.endpoint {
        Some(endpoint) => {
            Target::at(
                endpoint,
                arguments.access_key.as_deref(),
                arguments.secret_key.as_deref(),
            )
            .await?
        }
        None => Target::shoseki(arguments.binary()?).await?,
    };
    let yardsticks = Yardsticks::start(arguments.moto_server.as_deref()).await?;
    let span = Duration::from_secs_f64(arguments.seconds);
    let mut table = Table::new(&[
        "call",
        "clients",
        "calls/s",
        "p50 ms",
        "p99 ms",
        "moto/s",
        "moto p50",
        "times moto",
        "floor/s",
        "% of floor",
        "goal",
    ]);
    let all = Scenario::value_variants();
    let scenarios = if arguments.scenario.is_empty() {
        all
    } else {
        &arguments.scenario
    };
    for scenario in scenarios {
        for &clients in &arguments.concurrency {
            let ours = generator::run(&target, *scenario, clients, span).await?;
            let floor = generator::run(&yardsticks.floor, *scenario, clients, span).await?;
            let moto = match &yardsticks.moto {
                Some(moto) => Some(generator::run(moto, *scenario, clients, span).await?),
                None => None,
            };
            table.row(scenario.row(clients, &ours, moto.as_ref(), &floor));
        }
    }
    Ok(table)
}

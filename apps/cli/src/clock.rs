//! `shoseki clock advance`: moves the clock of a running rehearsal, by its AdvanceClock call.

use crate::{client, env, operate::AsJson, style::say};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::json;
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use wire::ServiceName;

/// One call moves no further, so that progress can be shown and Ctrl-C does not lose what is done.
const STEP_MAX: Duration = Duration::from_secs(86_400);

#[derive(Subcommand)]
pub(crate) enum ClockCommand {
    /// Move time forward, doing on the way all deliveries, digests and deletions that fall due.
    Advance(AdvanceArgs),
}

#[derive(Args)]
pub(crate) struct AdvanceArgs {
    /// How far, such as 90s, 5m, 1h or 30d.
    #[arg(value_parser = server::parse_duration)]
    duration: Duration,
    #[command(flatten)]
    output: AsJson,
    /// The data directory of the running server.
    #[arg(long, value_name = "DIR", default_value = "shoseki-data", env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

pub(crate) async fn run(command: ClockCommand) -> Result<ExitCode> {
    let ClockCommand::Advance(args) = command;
    let announced = env::announced(&args.data_dir)?;
    let client = client::of(&announced)?;
    let mut left = args.duration;
    let mut last = None;
    while !left.is_zero() {
        let step = left.min(STEP_MAX);
        let answer = client
            .json(
                ServiceName::Shoseki,
                "AdvanceClock",
                &json!({ "Seconds": step.as_secs() }),
            )
            .await
            .with_context(|| format!("the clock could not be moved (done: {})", days(args.duration - left)))?;
        left -= step;
        last = answer["Now"].as_f64();
        show_progress(args.duration, left);
    }
    let now = last.map(base::Timestamp::from_secs_f64);
    match now {
        now if args.output.json() => say(json!({ "now": now.map(base::Timestamp::iso8601) })),
        Some(now) => say(format_args!("the time is now {now}")),
        None => say("nothing to do: no time was asked for"),
    }
    Ok(ExitCode::SUCCESS)
}

fn show_progress(all: Duration, left: Duration) {
    if all > STEP_MAX && std::io::stderr().is_terminal() {
        let end = if left.is_zero() { "\n" } else { "" };
        let mut stderr = std::io::stderr();
        let _ = write!(stderr, "\r{} of {}{end}", days(all - left), days(all)).and_then(|()| stderr.flush());
    }
}

fn days(span: Duration) -> String {
    match (span.as_secs() / 86_400, span.as_secs() % 86_400) {
        (0, seconds) => format!("{seconds} s"),
        (days, 0) => format!("{days} d"),
        (days, seconds) => format!("{days} d {seconds} s"),
    }
}

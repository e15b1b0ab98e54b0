//! `shoseki fsck`: checks a data directory that no server uses.
//!
//! Status 0: nothing is wrong. 1: something is, repaired or not. 2: the check could not be made.

use crate::{
    operate::AsJson,
    style::{Style, say},
    table,
};
use anyhow::Result;
use clap::Args;
use server::fsck::{self, Options, Progress, RepairState, Report};
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

/// What is wrong was found.
const FOUND: u8 = 1;
/// The check could not be made.
const FAILED: u8 = 2;
/// How often progress is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(200);

#[derive(Args)]
pub(crate) struct FsckArgs {
    /// Put right what can be put right without loss: remove what belongs to nothing, write indexes anew.
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    output: AsJson,
    /// The data directory. No server may use it.
    #[arg(long, value_name = "DIR", default_value = "shoseki-data", env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

pub(crate) async fn run(args: FsckArgs) -> Result<ExitCode> {
    let options = Options {
        data_dir: args.data_dir,
        repair: args.repair,
    };
    let mut shown = None;
    let checked = fsck::run(&options, |progress| show_progress(&mut shown, progress)).await;
    if shown.is_some() {
        let _ = std::io::stderr().write_all(b"\r\x1b[K");
    }
    let report = match checked {
        Ok(report) => report,
        Err(error) => {
            crate::complain(&error);
            return Ok(ExitCode::from(FAILED));
        }
    };
    match args.output.json() {
        true => say(format_args!("{:#}", serde_json::to_value(&report)?)),
        false => tell(&report),
    }
    Ok(match report.clean {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FOUND),
    })
}

fn tell(report: &Report) {
    let style = Style::of_stdout();
    for told in &report.findings {
        let kind = format!("{:?}", told.finding.kind).to_lowercase();
        let state = match told.repair {
            RepairState::None => "",
            RepairState::Possible => " (--repair would put it right)",
            RepairState::Done => " (put right)",
        };
        say(format_args!("{}  {}", style.bold(&kind), told.finding.place));
        say(format_args!("    {}{state}", told.finding.what));
    }
    let more = report.found.saturating_sub(report.findings.len() as u64);
    if more > 0 {
        say(format_args!("and {more} more"));
    }
    let mut rows: Vec<Vec<String>> = report
        .looked_at
        .iter()
        .map(|(what, count)| vec![(*what).to_owned(), count.to_string()])
        .collect();
    rows.push(vec!["wrong".to_owned(), report.found.to_string()]);
    if report.repaired > 0 {
        rows.push(vec!["put right".to_owned(), report.repaired.to_string()]);
    }
    for line in table::aligned(&rows, &[1]) {
        say(line);
    }
    for note in &report.notes {
        say(format_args!("note: {note}"));
    }
    if report.clean {
        say(style.bold("clean"));
    }
}

fn show_progress(shown: &mut Option<Instant>, progress: Progress) {
    let mut stderr = std::io::stderr();
    let is_due = shown.is_none_or(|shown| shown.elapsed() >= SHOWN_EVERY);
    if is_due && stderr.is_terminal() {
        *shown = Some(Instant::now());
        let mebibytes = progress.bytes >> 20;
        let text = format!(
            "\r{} rows, {mebibytes} MiB, {} wrong\x1b[K",
            progress.rows, progress.found
        );
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

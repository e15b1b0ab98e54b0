//! `shoseki guard run`: once.

use super::{Common, DRIFT, How, Source, once, print};
use crate::{
    interrupt::Interruption,
    operate::{Output, tr},
    style::say,
};
use anyhow::{Result, anyhow};
use base::Clock;
use clap::Args;
use operator::{
    guard::{Mode, State},
    message::Language,
};
use std::process::ExitCode;

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  shoseki guard run baseline.yaml --once
  shoseki guard run baseline.yaml --once --enforce --output json

The first run of a baseline, and of one that was changed, only looks, unless --enforce-first is given.

Exit status: 0 all is as the baseline says, or was put back; 1 it failed, or a call that puts back failed; 2 wrong usage;
3 something differs and was not put back; 130 interrupted.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    source: Source,
    /// Run once and end, which is what this command does.
    #[arg(long)]
    once: bool,
    /// Put back what differs, whatever the baseline's mode is.
    #[arg(long)]
    enforce: bool,
    /// Put back what differs at the first run of the baseline, too.
    #[arg(long)]
    enforce_first: bool,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: RunArgs, language: Language) -> Result<ExitCode> {
    let baseline = args.source.baseline(language)?;
    let path = args.source.state_file();
    let mut state = State::read(&path).map_err(|fault| anyhow!(fault))?;
    let client = args.common.access.client()?;
    let how = How {
        mode: if args.enforce { Mode::Enforce } else { baseline.mode },
        enforce_first: args.enforce_first,
    };
    let interruption = Interruption::noted(tr!(
        language,
        "Interrupted: the call in flight is finished first; what was not put back stays as it is.",
        "中断します。実行中の呼び出しが終わるまでお待ちください。残りは変更されません。"
    ));
    let stopped = || interruption.is_set();
    let report = once(&client, &baseline, &state, how, &stopped, language).await?;
    match args.common.output {
        Output::Json => say(serde_json::to_string_pretty(&report)?),
        Output::Text => print::report(&report, language),
    }
    if interruption.is_set() {
        return Ok(ExitCode::from(130));
    }
    // A run that could not put everything back is owed still: whoever has the schedule makes it again.
    if !report.has_failed() {
        state.ran(&baseline, Clock::system().real_now());
        state.write(&path)?;
    }
    Ok(match (report.has_failed(), report.has_drift()) {
        (true, _) => ExitCode::FAILURE,
        (false, true) => ExitCode::from(DRIFT),
        (false, false) => ExitCode::SUCCESS,
    })
}

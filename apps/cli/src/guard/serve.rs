//! `shoseki guard serve`: at the baseline's times, until it is told to stop.

use super::{Common, How, Source, once, print};
use crate::{
    operate::{Output, tr},
    serve::StopSignal,
    style::say,
};
use anyhow::{Context, Result, anyhow, bail};
use base::{Clock, Timestamp};
use clap::Args;
use operator::{
    aws::Client,
    guard::{Baseline, State},
    message::Language,
};
use std::{
    io::Write,
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The clock is looked at so often: it may be set, and the machine may sleep.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A run that failed is tried again after a minute, then after two, four and so on, up to this.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// What `--help` ends with.
const EXAMPLES: &str = "\
Example:
  shoseki guard serve baseline.yaml

A run that was missed while this was stopped is made once, at the start. A run that fails is tried again. SIGTERM and SIGINT end
it after the call in flight.

Exit status: 0 it was told to stop; 1 it could not start; 2 wrong usage.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    source: Source,
    /// Put back what differs at the first run of the baseline, too.
    #[arg(long)]
    enforce_first: bool,
    #[command(flatten)]
    common: Common,
}

struct Service {
    client: Client,
    baseline: Baseline,
    state: State,
    path: PathBuf,
    how: How,
    output: Output,
    language: Language,
}

pub(crate) async fn run(args: ServeArgs, language: Language) -> Result<ExitCode> {
    let stop = StopSignal::new()?;
    let baseline = args.source.baseline(language)?;
    let path = args.source.state_file();
    let mut service = Service {
        client: args.common.access.client()?,
        how: How {
            mode: baseline.mode,
            enforce_first: args.enforce_first,
        },
        state: State::read(&path).map_err(|fault| anyhow!(fault))?,
        baseline,
        path,
        output: args.common.output,
        language,
    };
    service.state.begin(Clock::system().real_now());
    service.remember().context("the state file cannot be written")?;
    let stopping = AtomicBool::new(false);
    let stopped = async {
        stop.wait().await;
        stopping.store(true, Ordering::SeqCst);
    };
    tokio::pin!(stopped);
    let mut failures = 0;
    loop {
        let due = service.next(failures)?;
        tokio::select! {
            () = until(due) => {}
            () = &mut stopped => break,
        }
        let is_stopped = || stopping.load(Ordering::SeqCst);
        let ran = {
            let ran = service.once(&is_stopped);
            tokio::pin!(ran);
            // A run that was begun comes to the end of its call in flight.
            tokio::select! {
                ran = &mut ran => ran,
                () = &mut stopped => { let _ = ran.await; break }
            }
        };
        failures = match ran {
            Ok(()) => 0,
            Err(error) => {
                crate::complain(&error);
                failures + 1
            }
        };
    }
    say(tr!(language, "Stopped.", "停止しました。"));
    Ok(ExitCode::SUCCESS)
}

async fn until(due: Timestamp) {
    loop {
        let now = Clock::system().real_now();
        if due <= now {
            return;
        }
        tokio::time::sleep(due.since(now).min(LOOK_EVERY)).await;
    }
}

impl Service {
    fn remember(&self) -> std::io::Result<()> {
        self.state.write(&self.path)
    }

    /// When to run next: at the schedule's time after the last run, or some time after a failure.
    fn next(&self, failures: u32) -> Result<Timestamp> {
        let now = Clock::system().real_now();
        if failures > 0 {
            let pause = Duration::from_secs(60 << (failures - 1).min(6)).min(PAUSE_MAX);
            return Ok(now.plus(pause));
        }
        let since = self.state.since().unwrap_or(now);
        let due = self
            .baseline
            .schedule
            .next_after(since)
            .context("the schedule has no next run")?;
        if self.output == Output::Text {
            let shown = print::moment(&self.baseline.schedule, due.max(now));
            say(tr!(self.language, "Next run: {shown}", "次回の実行: {shown}"));
            let _ = std::io::stdout().flush();
        }
        Ok(due)
    }

    async fn once(&mut self, stopped: &(dyn Fn() -> bool + Sync)) -> Result<()> {
        let report = once(
            &self.client,
            &self.baseline,
            &self.state,
            self.how,
            stopped,
            self.language,
        )
        .await?;
        match self.output {
            Output::Json => say(serde_json::to_string(&report)?),
            Output::Text => print::report(&report, self.language),
        }
        let _ = std::io::stdout().flush();
        if report.has_failed() {
            bail!(tr!(
                self.language,
                "not everything could be put back; it is tried again before the next run of the schedule",
                "元に戻せなかった設定があります。次回の予定を待たずに再試行します"
            ));
        }
        if !stopped() {
            self.state.ran(&self.baseline, Clock::system().real_now());
            self.remember().context("the state file cannot be written")?;
        }
        Ok(())
    }
}

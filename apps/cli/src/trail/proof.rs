//! The proof by a delivered file: waiting for it, and saying by what it is sealed.

use crate::{changes::Screen, interrupt::Listening, operate::tr};
use anyhow::{Context, Result};
use clap::Args;
use operator::{
    aws::Client,
    delivery::{Folder, LogFile},
    message::Language,
};
use std::{collections::BTreeSet, process::ExitCode, time::Duration};
use tokio::time::Instant;

/// Between two looks at first: on a server whose clock is moved the file is there at once.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// Between two looks later: CloudTrail takes some five minutes.
const PAUSE_LATER: Duration = Duration::from_secs(10);
/// How long looks are frequent.
const FREQUENT: Duration = Duration::from_secs(60);

/// Whether to wait for the proof.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "The proof")]
pub(crate) struct WaitArgs {
    /// Wait until a log file has arrived, and look by what it is sealed. CloudTrail delivers about every five minutes.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait no longer than so many minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 20, requires = "wait")]
    pub(crate) wait_minutes: u64,
}

/// How waiting ended.
pub(crate) enum Waited {
    /// A log file has arrived that is sealed as it should be.
    Proven(LogFile),
    /// None has; the last that came and is sealed by something else.
    Nothing(Option<LogFile>),
    /// The person had enough.
    Interrupted,
}

/// Waits for a log file that is not among those known and is sealed by this key.
pub(crate) async fn wait(
    client: &Client,
    folder: &Folder,
    known: &BTreeSet<String>,
    key: Option<&str>,
    minutes: u64,
) -> Result<Waited> {
    let start = Instant::now();
    let end = start + Duration::from_secs(minutes.saturating_mul(60));
    let progress = indicatif::ProgressBar::new_spinner();
    progress.set_message(format!("s3://{}/{}", folder.bucket, folder.prefix));
    let mut listening = Listening::new();
    let mut odd = None;
    let mut known = known.clone();
    loop {
        progress.tick();
        let files = folder.latest(client).await.context("log files cannot be listed")?;
        // Whatever is new, in order: the last says how it is now.
        for name in files.difference(&known) {
            let file = folder.look(client, name).await;
            let file = file.with_context(|| format!("the log file {name} cannot be looked at"))?;
            if file.is_sealed_by(key) {
                progress.finish_and_clear();
                return Ok(Waited::Proven(file));
            }
            odd = Some(file);
        }
        known.extend(files);
        if Instant::now() >= end {
            progress.finish_and_clear();
            return Ok(Waited::Nothing(odd));
        }
        let pause = if start.elapsed() < FREQUENT {
            PAUSE_FIRST
        } else {
            PAUSE_LATER
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = listening.interrupted() => {
                progress.finish_and_clear();
                return Ok(Waited::Interrupted);
            }
        }
    }
}

/// The exit status of a change that was made, but not proven.
pub(crate) fn exit_code(waited: &Waited) -> ExitCode {
    match waited {
        Waited::Proven(_) => ExitCode::SUCCESS,
        Waited::Nothing(_) => ExitCode::from(3),
        Waited::Interrupted => ExitCode::from(130),
    }
}

/// Says how it ended; whether it is good.
pub(crate) fn tell(screen: &Screen, waited: &Waited, minutes: u64, language: Language) -> bool {
    match waited {
        Waited::Proven(file) => {
            let (bucket, key) = (&file.bucket, &file.key);
            let by = file.kms_key.as_deref().unwrap_or("S3 (AES256)");
            screen.say(tr!(
                language,
                "Proven by a delivered log file:\n  s3://{bucket}/{key}\n  is sealed by {by}",
                "配信されたログファイルで確認しました:\n  s3://{bucket}/{key}\n  暗号化キー: {by}"
            ));
            true
        }
        Waited::Nothing(None) => {
            screen.say(tr!(
                language,
                "No log file has arrived in {minutes} minutes. `shoseki trail status` says what CloudTrail has to say about it.",
                "{minutes} 分以内にログファイルが配信されませんでした。`shoseki trail status` で CloudTrail の状態を確認してください。"
            ));
            false
        }
        Waited::Nothing(Some(file)) => {
            let (bucket, key) = (&file.bucket, &file.key);
            let by = file.kms_key.as_deref().unwrap_or(&file.algorithm);
            screen.say(tr!(
                language,
                "The last log file that arrived is not sealed by the key:\n  s3://{bucket}/{key}\n  is sealed by {by}",
                "最後に配信されたログファイルは、このキーで暗号化されていません:\n  s3://{bucket}/{key}\n  暗号化キー: {by}"
            ));
            false
        }
        Waited::Interrupted => {
            screen.say(tr!(
                language,
                "No longer waited for: the change stays as it is.",
                "待機を中断しました。変更はそのまま有効です。"
            ));
            false
        }
    }
}

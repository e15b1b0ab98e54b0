//! `shoseki trail verify`: the stock validator's work and more, in less time.

use crate::{
    operate::{Access, Output, tr},
    style::{Style, say},
    table::aligned,
};
use anyhow::{Context, Result, bail};
use base::{Clock, Timestamp};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use operator::{
    aws::Client,
    message::Language,
    verify::{
        ChainReport, NotVerified, PathMap, Place, Progress, PublicKeys, Report, Tally, Verdict, What,
        compat::{self, Effort, Stream},
    },
};
use std::{
    io::{BufWriter, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread::available_parallelism,
    time::Duration,
};

/// The status when something was found.
const FOUND: u8 = 3;
/// The status after Ctrl-C.
const INTERRUPTED: u8 = 130;
/// The largest log file that is looked at, inflated, unless another is given.
const FILE_MIB_MAX: u32 = 512;

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  shoseki trail verify                                  every trail's bucket, all accounts and Regions in it
  shoseki trail verify --s3-bucket audit-logs --cache ~/.cache/trail-verify
  shoseki trail verify --local copy --public-keys keys.json --output json
  shoseki trail verify --s3-bucket new --path-map s3://old/logs=s3://new/logs --s3-prefix logs
  shoseki trail verify --compat --trail-arn ARN --start-time 2026-11-01T00:00:00Z --verbose

A folder of --local holds the files by their keys, as `aws s3 sync` writes them. A digest's metadata is read from
KEY.metadata.json beside it: {\"signature\": \"...\", \"signature-algorithm\": \"SHA256withRSA\"}, or what
`aws s3api head-object` prints. Without it the signature is taken from the next digest, which names it; that of the
newest one is then not available, and the verdict INCOMPLETE.

Beside the files, CloudTrail is asked what it says of the trail (GetTrailStatus), where there is an endpoint: a chain that ends with the trail's
own StopLogging is not taken to end there when the trail was started again or a later digest was delivered. Of a copy, the newest file in it tells
until when there should be digests.

The verdict: VALID; INVALID (something is not what CloudTrail delivered, or was taken away); INCOMPLETE (nothing of what is
there is wrong, but hours, the end of a chain or the proof of a file are missing).

Exit status: 0 VALID; 3 INVALID or INCOMPLETE; 1 the command failed; 2 wrong usage; 130 interrupted. With --compat that of
`aws cloudtrail validate-logs`: 0 all is valid; 1 something is not; 255 it cannot go on.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    access: Access,
    /// Print what `aws cloudtrail validate-logs` of the AWS CLI 1.46.3 prints, byte for byte, with the same arguments. That has the names of
    /// files as they are, also with control characters that a terminal obeys: do not show it on one where others can write to the bucket.
    #[arg(long, requires_all = ["trail_arn", "start_time"], conflicts_with_all = ["local", "only_region", "path_map", "public_keys", "save_public_keys", "cache", "output", "file_size_max"])]
    compat: bool,
    #[command(flatten)]
    range: RangeArgs,
    #[command(flatten)]
    more: MoreArgs,
    #[command(flatten)]
    effort: EffortArgs,
}

#[derive(Args)]
#[command(next_help_heading = "What to look at")]
struct RangeArgs {
    /// The trail's ARN [default, without --compat: all trails].
    #[arg(long, value_name = "ARN")]
    trail_arn: Option<String>,
    /// Look at what was delivered from this time on; UTC.
    #[arg(long, value_name = "TIME")]
    start_time: Option<String>,
    /// Look at what was delivered until this time; UTC [default: now].
    #[arg(long, value_name = "TIME")]
    end_time: Option<String>,
    /// The bucket of the digests [default: the trail's].
    #[arg(long, value_name = "BUCKET")]
    s3_bucket: Option<String>,
    /// What stands before AWSLogs/ in the keys [default: the trail's].
    #[arg(long, value_name = "PREFIX")]
    s3_prefix: Option<String>,
    /// Only this account; with --compat, of an organization trail, the member.
    #[arg(long, value_name = "ACCOUNT")]
    account_id: Option<String>,
    /// Say of every file that it is valid, too (--compat), or of every chain.
    #[arg(long)]
    verbose: bool,
}

#[derive(Args)]
#[command(next_help_heading = "What to look at, and how, without --compat")]
struct MoreArgs {
    /// A folder with a copy of the bucket.
    #[arg(long, value_name = "DIR", conflicts_with = "s3_bucket")]
    local: Option<PathBuf>,
    /// Only this Region; may be given several times.
    #[arg(long, value_name = "REGION")]
    only_region: Vec<String>,
    /// Where files lie that were signed elsewhere: s3://old/prefix=s3://new/prefix; may be given several times.
    #[arg(long, value_name = "MAP", value_parser = PathMap::parse)]
    path_map: Vec<PathMap>,
    /// Take the public keys from this file, and ask nobody for them.
    #[arg(long, value_name = "FILE")]
    public_keys: Option<PathBuf>,
    /// Write the public keys that were asked for to this file.
    #[arg(long, value_name = "FILE", conflicts_with = "public_keys")]
    save_public_keys: Option<PathBuf>,
    /// Keep here what was found valid; the next run looks only at what is new or changed. In a bucket a file counts as unchanged while S3 gives
    /// the same ETag and length for it, in a folder while it has the same SHA-256 as it lies. Whoever can write to this folder is believed.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Do not look at a log file that inflates to more MiB, and say so [default: 512].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    file_size_max: Option<u32>,
    /// For whom the answer is written [default: text].
    #[arg(long, value_enum)]
    output: Option<Output>,
}

#[derive(Args)]
#[command(next_help_heading = "How much at once")]
struct EffortArgs {
    /// At most so many calls.
    #[arg(long, value_name = "NUMBER", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=1024))]
    requests: u16,
    /// At most so many MiB of files that were fetched and not yet looked at.
    #[arg(long, value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    memory: u32,
}

impl EffortArgs {
    fn effort(&self) -> Effort {
        Effort {
            calls: usize::from(self.requests),
            bytes: u64::from(self.memory) << 20,
            cores: available_parallelism().map_or(1, usize::from),
        }
    }
}

pub(crate) async fn run(args: VerifyArgs, language: Language) -> Result<ExitCode> {
    match args.compat {
        true => as_the_stock_validator(args).await,
        false => verify(args, language).await,
    }
}

async fn verify(args: VerifyArgs, language: Language) -> Result<ExitCode> {
    let now = Clock::system().real_now();
    let what = what(&args, now, language)?;
    let client = match &args.more.local {
        // A copy with keys from a file needs nobody.
        Some(_) if args.more.public_keys.is_some() => None,
        _ => Some(args.access.client()?),
    };
    let mut keys = match &args.more.public_keys {
        None => PublicKeys::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            let keys = PublicKeys::read(&text).map_err(anyhow::Error::msg);
            keys.with_context(|| format!("{} holds no public keys", path.display()))?
        }
    };
    let asks = args.more.public_keys.is_none();
    let progress = Arc::new(Progress::default());
    let bar = tokio::spawn(show(Arc::clone(&progress), language));
    let report = tokio::select! {
        report = operator::verify::verify(client.as_ref(), &what, &mut keys, asks, now, &progress) => report,
        _ = tokio::signal::ctrl_c() => {
            bar.abort();
            return Ok(interrupted(&what, &progress, language));
        }
    };
    bar.abort();
    // The bar takes itself away when it is dropped.
    let _ = bar.await;
    let report = report.map_err(|fault| match fault {
        NotVerified::Call(error) => anyhow::Error::new(error),
        NotVerified::Other(message) => anyhow::Error::msg(message.in_language(language).to_owned()),
    })?;
    if let Some(path) = &args.more.save_public_keys {
        let text = serde_json::to_string_pretty(&keys)?;
        std::fs::write(path, text + "\n").with_context(|| path.display().to_string())?;
    }
    match args.more.output.unwrap_or_default() {
        Output::Json => say(serde_json::to_string_pretty(&report)?),
        Output::Text => print(&report, args.range.verbose, language),
    }
    Ok(match report.verdict {
        Verdict::Valid => ExitCode::SUCCESS,
        Verdict::Incomplete | Verdict::Invalid => ExitCode::from(FOUND),
    })
}

fn what(args: &VerifyArgs, now: Timestamp, language: Language) -> Result<What> {
    let time = |text: &Option<String>| {
        let read = text
            .as_deref()
            .map(|text| operator::verify::read_time(text, now))
            .transpose();
        read.map_err(|message| anyhow::Error::msg(message.in_language(language).to_owned()))
    };
    let (start, end) = (time(&args.range.start_time)?, time(&args.range.end_time)?);
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        bail!(tr!(
            language,
            "the start time is after the end time",
            "開始時刻が終了時刻より後です"
        ));
    }
    let prefix = args.range.s3_prefix.clone();
    let place = match (&args.more.local, &args.range.s3_bucket) {
        (Some(folder), _) if !folder.is_dir() => {
            let folder = folder.display();
            bail!(tr!(
                language,
                "{folder} is no folder",
                "{folder} はフォルダーではありません"
            ));
        }
        (Some(folder), _) => Place::Folder(folder.clone(), prefix),
        (None, Some(bucket)) => Place::Bucket(bucket.clone(), prefix),
        (None, None) => Place::Trails,
    };
    Ok(What {
        place,
        trail: args.range.trail_arn.clone(),
        account: args.range.account_id.clone(),
        regions: args.more.only_region.clone(),
        start,
        end,
        maps: args.more.path_map.clone(),
        log_bytes_max: u64::from(args.more.file_size_max.unwrap_or(FILE_MIB_MAX)) << 20,
        cache: args.more.cache.clone(),
        effort: args.effort.effort(),
    })
}

fn interrupted(what: &What, progress: &Progress, language: Language) -> ExitCode {
    let done = progress.done().logs;
    let text = match &what.cache {
        Some(folder) => {
            let folder = folder.display();
            tr!(
                language,
                "shoseki: interrupted after {done} log files. What was found valid is kept in {folder}: the same command goes on from there.",
                "shoseki: {done} 個のログファイルを検証したところで中断しました。有効と確認したものは {folder} に保存されています。同じコマンドで続きから検証できます。"
            )
        }
        None => tr!(
            language,
            "shoseki: interrupted after {done} log files. Nothing was kept; with --cache DIR the next run goes on where this one ended.",
            "shoseki: {done} 個のログファイルを検証したところで中断しました。結果は保存されていません。--cache DIR を指定すると、次回は続きから検証できます。"
        ),
    };
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(INTERRUPTED)
}

/// Shows how far the work is, on a terminal, until it is aborted.
async fn show(progress: Arc<Progress>, language: Language) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let files = tr!(language, "files", "ファイル");
    let template = format!("{{bar:30}} {{pos}}/{{len}} {files}, {{msg}}, {{eta}}");
    let Ok(style) = ProgressStyle::with_template(&template) else {
        return;
    };
    let bar = ProgressBar::new(0)
        .with_style(style)
        .with_finish(indicatif::ProgressFinish::AndClear);
    loop {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let done = progress.done();
        bar.set_length(done.digests_total + done.logs_total);
        bar.set_position(done.digests + done.logs);
        bar.set_message(format!("{:.1} MB", done.bytes as f64 / 1e6));
    }
}

fn print(report: &Report, verbose: bool, language: Language) {
    let style = Style::of_stdout();
    let head = match language {
        Language::English => [
            "Account",
            "Region",
            "Trail",
            "Verdict",
            "Digests",
            "Log files",
            "From",
            "To",
        ],
        Language::Japanese => [
            "アカウント",
            "リージョン",
            "証跡",
            "判定",
            "ダイジェスト",
            "ログファイル",
            "開始",
            "終了",
        ],
    };
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(report.chains.iter().map(row));
    for line in aligned(&rows, &[]) {
        say(line);
    }
    for chain in &report.chains {
        findings(chain, verbose, style, language);
    }
    let cached: u64 = report.chains.iter().map(|chain| chain.logs.from_cache).sum();
    if cached > 0 {
        say(tr!(
            language,
            "\n{cached} log files were found valid before and have not changed since.",
            "\n{cached} 個のログファイルは以前に有効と確認され、その後変更されていません。"
        ));
    }
    let sources = report.sources.join(", ");
    say(match report.verdict {
        Verdict::Valid => style.good(tr!(
            language,
            "\nVALID: all in {sources} is what CloudTrail delivered.",
            "\nVALID: {sources} のファイルはすべて CloudTrail が配信したとおりです。"
        )),
        Verdict::Incomplete => style.bad(tr!(
            language,
            "\nINCOMPLETE: nothing of what is in {sources} is wrong, but not all is there or proven.",
            "\nINCOMPLETE: {sources} に誤りはありませんが、欠けているか証明できないものがあります。"
        )),
        Verdict::Invalid => style.bad(tr!(
            language,
            "\nINVALID: not all in {sources} is what CloudTrail delivered.",
            "\nINVALID: {sources} に CloudTrail が配信したとおりでないものがあります。"
        )),
    });
}

fn row(chain: &ChainReport) -> Vec<String> {
    let count = |tally: &Tally| {
        let all = tally.valid + tally.invalid + tally.unproven;
        format!("{}/{all}", tally.valid)
    };
    let trail = match chain.backfill {
        true => format!("{} (backfill)", harmless(&chain.trail)),
        false => harmless(&chain.trail),
    };
    let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        chain.account_id.clone(),
        harmless(&chain.region),
        trail,
        verdict(chain.verdict).to_owned(),
        count(&chain.digests),
        count(&chain.logs),
        time(&chain.covered_from),
        time(&chain.covered_to),
    ]
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "VALID",
        Verdict::Incomplete => "INCOMPLETE",
        Verdict::Invalid => "INVALID",
    }
}

fn findings(chain: &ChainReport, verbose: bool, style: Style, language: Language) {
    // Of what is explained nothing is said, unless it is asked for or there are explanations to give.
    if chain.findings.is_empty() && !verbose {
        return;
    }
    let ChainReport {
        account_id,
        region,
        trail,
        ..
    } = chain;
    let (region, trail) = (harmless(region), harmless(trail));
    say(format!(
        "\n{}",
        style.bold(format!("{account_id} {region} {trail}: {}", verdict(chain.verdict)))
    ));
    for finding in &chain.findings {
        let message = &harmless(finding.message.in_language(language));
        let painted = match finding.verdict {
            Verdict::Valid => style.dim(message),
            Verdict::Incomplete | Verdict::Invalid => style.bad(message),
        };
        say(format!("  {painted}"));
        if let Some(location) = &finding.location {
            say(format!("    {}", harmless(location)));
        }
        for control in &finding.explained_by {
            let operator::verify::Control {
                event_time,
                event_name,
                event_id,
                who,
                ..
            } = control;
            say(harmless(&format!("    {event_time} {event_name} {who} ({event_id})")));
        }
    }
    let more = chain.findings_left_out;
    if more > 0 {
        say(tr!(language, "  and {more} more", "  ほか {more} 件"));
    }
}

/// Text of others without what a terminal takes for orders: keys may hold anything.
fn harmless(text: &str) -> String {
    let is_hidden =
        |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .flat_map(|letter| match letter.is_control() || is_hidden(letter) {
            true => letter.escape_unicode().collect::<Vec<char>>(),
            false => vec![letter],
        })
        .collect()
}

async fn as_the_stock_validator(args: VerifyArgs) -> Result<ExitCode> {
    let settings = args.access.settings()?;
    let client: Option<Client> = match settings.region() {
        Some(_) => Some(settings.client()?),
        None => None,
    };
    let arguments = compat::Arguments {
        trail_arn: args.range.trail_arn.unwrap_or_default(),
        start_time: args.range.start_time.unwrap_or_default(),
        end_time: args.range.end_time,
        s3_bucket: args.range.s3_bucket,
        s3_prefix: args.range.s3_prefix,
        account_id: args.range.account_id,
        verbose: args.range.verbose,
        region: args.access.region,
    };
    let mut out = BufWriter::new(std::io::stdout());
    // Whoever reads it may have gone; the status still tells.
    let mut say = |stream: Stream, text: &str| {
        let _ = match stream {
            Stream::Out => out.write_all(text.as_bytes()),
            Stream::Err => out.flush().and_then(|()| std::io::stderr().write_all(text.as_bytes())),
        };
    };
    let now: Timestamp = Clock::system().real_now();
    let status = compat::validate_logs(client.as_ref(), arguments, args.effort.effort(), now, &mut say).await;
    let _ = out.flush();
    Ok(ExitCode::from(status))
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn a_key_gives_the_terminal_no_orders() {
        assert_eq!(harmless("a\u{1b}[2J\u{202e}b\n証跡"), "a\\u{1b}[2J\\u{202e}b\\u{a}証跡");
    }
}

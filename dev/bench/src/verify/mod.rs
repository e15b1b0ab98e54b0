//! `shoseki trail verify` beside `aws cloudtrail validate-logs`, and beside what inflate and SHA-256 alone take.

mod trail;

use crate::{machine, relay::Relay, table::Table};
use anyhow::{Context, Result, ensure};
use base::Timestamp;
use libdeflater::Decompressor;
use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use trail::{BUCKET, TRAIL_ARN, Trail};

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "A trail of the bench's own with log files of 1.8 MB inflated, sixty an hour, answered \
for from memory by an endpoint in the bench's process, which shares the cores. Both validators print every file (`--verbose`). \
The stock one runs over the last hours only and its start (the same command over no hour) is taken off its time; this one's whole \
run counts. The cores' limit is libdeflate and SHA-256 of AWS-LC over the same files in memory, one thread for each core, and nothing else: no validator that looks at \
every byte is more times as fast as the stock one than the last column says.";

const HOURS: usize = 24;
/// What the stock validator is given of them.
const STOCK_HOURS: u64 = 3;
const STOCK_HOURS_FAR: u64 = 2;
const LATENCY: Duration = Duration::from_millis(50);
const ROUNDS: usize = 3;

/// Measures both, near and far, and the limit.
pub(crate) fn verify(binary: &Path, moto_server: &Path) -> Result<Table> {
    let aws = moto_server.with_file_name("aws");
    ensure!(aws.is_file(), "there is no AWS CLI beside `{}`", moto_server.display());
    let trail = Arc::new(Trail::make(HOURS)?);
    let near = trail.serve()?;
    let relay = Relay::start(&near, LATENCY)?;
    let limit = limit(&trail)?;
    let files_at_most = limit * 1e6 / (trail.inflated as f64 / trail.logs as f64);
    let mut table = Table::new(&[
        "trail verify",
        "files/s",
        "MB/s inflated",
        "validate-logs files/s",
        "times",
        "goal",
        "the cores' limit, times",
    ]);
    for (name, endpoint, hours, goal) in [
        ("--compat, over loopback", near.as_str(), STOCK_HOURS, 12.0),
        (
            "--compat, 50 ms on every call",
            &relay.endpoint(),
            STOCK_HOURS_FAR,
            50.0,
        ),
    ] {
        let stock = stock(&aws, endpoint, &trail, hours)?;
        let ours = ours(binary, endpoint, &trail)?;
        let times = ours / stock;
        let word = if times >= goal { "reached" } else { "MISSED" };
        table.row(vec![
            name.to_owned(),
            format!("{ours:.0}"),
            format!("{:.0}", ours * trail.inflated as f64 / trail.logs as f64 / 1e6),
            format!("{stock:.1}"),
            format!("{times:.1}"),
            format!("{goal:.0}: {word}"),
            format!("{:.1}", files_at_most / stock),
        ]);
    }
    let local = local(binary, &trail)?;
    let share = local / limit * 100.0;
    let word = if share >= 80.0 { "reached" } else { "MISSED" };
    table.row(vec![
        format!("--local, beside the machine's limit of {limit:.0} MB/s"),
        format!("{:.0}", local * 1e6 / (trail.inflated as f64 / trail.logs as f64)),
        format!("{local:.0}"),
        String::new(),
        format!("{share:.0} %"),
        format!("80 %: {word}"),
        String::new(),
    ]);
    Ok(table)
}

fn command(program: &Path, endpoint: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "AKIABENCHBENCHBENCH0")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .stdin(Stdio::null());
    command
}

/// Runs to the end; answers with the time and how many log files were valid. Anything but success is an error.
fn timed(mut command: Command) -> Result<(Duration, usize)> {
    let start = Instant::now();
    let done = command.output()?;
    let time = start.elapsed();
    let said = String::from_utf8_lossy(&done.stdout);
    ensure!(
        done.status.success(),
        "{command:?} failed: {said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let counted = said.lines().rev().find_map(|line| {
        let (valid, rest) = line.split_once('/')?;
        rest.contains("log files valid")
            .then(|| valid.trim().parse().ok())
            .flatten()
    });
    Ok((time, counted.unwrap_or(0)))
}

fn arguments(command: &mut Command, from: Timestamp, to: Timestamp) {
    command.args(["--trail-arn", TRAIL_ARN, "--verbose", "--region", "us-east-1"]);
    command.args(["--start-time", &from.iso8601(), "--end-time", &to.iso8601()]);
}

/// Log files a second of the stock validator, its start taken off.
fn stock(aws: &Path, endpoint: &str, trail: &Trail, hours: u64) -> Result<f64> {
    let run = |from: Timestamp, to: Timestamp| {
        let mut command = command(aws, endpoint);
        command.args(["cloudtrail", "validate-logs"]);
        arguments(&mut command, from, to);
        timed(command)
    };
    let before = trail.start.minus(Duration::from_secs(5 * 3600));
    let (start, none) = run(before, before.plus(Duration::from_secs(3600)))?;
    let (time, files) = run(trail.end.minus(Duration::from_secs(3600 * hours)), trail.end)?;
    ensure!(none == 0 && files > 0, "the stock validator found {files} files");
    Ok(files as f64 / time.saturating_sub(start).as_secs_f64())
}

fn ours(binary: &Path, endpoint: &str, trail: &Trail) -> Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let mut command = command(binary, endpoint);
        command.args(["trail", "verify", "--compat"]);
        arguments(&mut command, trail.start, trail.end);
        let (time, files) = timed(command)?;
        ensure!(files == trail.logs, "{files} of {} files were valid", trail.logs);
        best = best.min(time.as_secs_f64());
    }
    Ok(trail.logs as f64 / best)
}

/// MB a second of a local copy.
fn local(binary: &Path, trail: &Trail) -> Result<f64> {
    let folder = machine::directory()?;
    let (copy, keys) = (folder.path().join(BUCKET), folder.path().join("keys.json"));
    trail.write(&copy, &keys)?;
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let mut command = command(binary, "http://127.0.0.1:1");
        command.args(["trail", "verify", "--end-time", &trail.end.iso8601(), "--local"]);
        command.arg(&copy).arg("--public-keys").arg(&keys);
        best = best.min(timed(command)?.0.as_secs_f64());
    }
    Ok(trail.inflated as f64 / 1e6 / best)
}

/// MB a second of inflate and SHA-256 on all cores.
fn limit(trail: &Trail) -> Result<f64> {
    let files: Vec<_> = trail.log_files().cloned().collect();
    let cores = std::thread::available_parallelism()?.get();
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        std::thread::scope(|scope| -> Result<()> {
            let work: Vec<_> = files
                .chunks(files.len().div_ceil(cores))
                .map(|part| scope.spawn(move || hash_all(part)))
                .collect();
            for thread in work {
                thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
            }
            Ok(())
        })?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(trail.inflated as f64 / 1e6 / best)
}

fn hash_all(files: &[bytes::Bytes]) -> Result<u8> {
    let (mut inflater, mut out, mut all) = (Decompressor::new(), Vec::new(), 0);
    for file in files {
        let length = file.last_chunk::<4>().context("too short")?;
        out.resize(u32::from_le_bytes(*length) as usize, 0);
        inflater.gzip_decompress(file, &mut out)?;
        all ^= record::sha256(&out)[0];
    }
    Ok(all)
}

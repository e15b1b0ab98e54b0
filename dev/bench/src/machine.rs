//! The machine in words, and what one sync of its disk costs.

use anyhow::{Context, Result};
use std::{
    fs::File,
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const SYNCS: u32 = 200;

/// A new directory on the disk that the build is on. Not in /tmp, which may be memory, where a sync costs nothing.
pub(crate) fn directory() -> Result<TempDir> {
    let program = std::env::current_exe().context("where am I?")?;
    let folder = program.parent().map_or_else(|| PathBuf::from("."), ToOwned::to_owned);
    TempDir::with_prefix_in("bench-", folder).context("cannot make a directory")
}

/// Processor, cores, memory, system, and the cost of one durable write of 4 KiB.
pub(crate) fn describe() -> Result<String> {
    let cpu = line_of("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory_kib: f64 = line_of("/proc/meminfo", "MemTotal")
        .and_then(|l| l.split(' ').next()?.parse().ok())
        .unwrap_or(0.0);
    let system = line_of("/etc/os-release", "PRETTY_NAME=").unwrap_or_else(|| std::env::consts::OS.to_owned());
    Ok(format!(
        "Machine: {cores} cores of {cpu}, {:.0} GiB of memory, {}. One write of 4 KiB with fdatasync takes {:.2} ms here. \
         The clients, the server measured and whatever else runs share these cores.",
        memory_kib / f64::from(1 << 20),
        system.trim_matches('"'),
        ms(sync_cost()?)
    ))
}

pub(crate) fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn sync_cost() -> Result<Duration> {
    let folder = directory()?;
    let mut file = File::create(folder.path().join("sync"))?;
    let mut costs = Vec::new();
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        costs.push(start.elapsed());
    }
    costs.sort_unstable();
    costs.get(costs.len() / 2).copied().context("no syncs")
}

/// The rest of the first line that begins so, after `:` and spaces.
pub(crate) fn line_of(path: &str, start: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(start))?;
    Some(rest.trim_start_matches([' ', '\t', ':']).trim().to_owned())
}

//! Searching log files beside what people search them with: `zcat | jq` and DuckDB, over the same files, and beside inflating
//! them alone.

use crate::{ingest::record, machine, table::Table};
use anyhow::{Context, Result, ensure};
use libdeflater::Decompressor;
use record::Gzip;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

const FILES: usize = 400;
const RECORDS: usize = 2000;
/// One record in so many is of the rare event.
const RARE: usize = 9973;
/// The quick ones are measured so often, and the best counts.
const RUNS: usize = 3;
const TIMES_JQ: f64 = 5.0;

pub(crate) const WHAT_IS_MEASURED: &str = "\
Search: gzipped log files of 2000 records each, in memory of the page cache; every tool writes what it finds as JSON to a pipe, and all \
find the same. `rare` is one event name in 10 000 records, `network` the calls from a network of 256 addresses whose name \
begins with `Get`. DuckDB (its Python package) reads only the columns that it needs. `inflate alone` is libdeflate on all \
cores without looking at the text. Times are of whole processes; the best of three, of jq the only one.";

/// What is searched for, in the words of each tool.
struct Case {
    name: &'static str,
    ours: &'static [&'static str],
    jq: &'static str,
    sql: &'static str,
}

const CASES: [Case; 2] = [
    Case {
        name: "rare",
        ours: &["--event", "DeleteTable"],
        jq: r#".Records[] | select(.eventName == "DeleteTable")"#,
        sql: "r.eventName = 'DeleteTable'",
    },
    Case {
        name: "network",
        ours: &["--event", "Get*", "--source-ip", "10.3.77.0/24"],
        jq: r#".Records[] | select((.eventName | startswith("Get")) and (.sourceIPAddress | startswith("10.3.77.")))"#,
        sql: "r.eventName LIKE 'Get%' AND r.sourceIPAddress LIKE '10.3.77.%'",
    },
];

/// `programs`: the folder of the pinned venv, for DuckDB.
pub(crate) fn search(binary: &Path, programs: Option<&Path>) -> Result<Table> {
    let folder = machine::directory()?;
    let (files, inflated) = write(folder.path())?;
    let mut table = Table::new(&["search", "found", "s", "MB/s of text", "shoseki, times as fast", "goal"]);
    let alone = (0..RUNS)
        .map(|_| inflate(&files, inflated))
        .collect::<Result<Vec<f64>>>()?;
    let alone = best(&alone);
    let speed = |seconds: f64| format!("{:.0}", inflated as f64 / 1e6 / seconds);
    for case in CASES {
        let mut ours = Command::new(binary);
        ours.args(["search", "--output", "jsonl", "--files"])
            .arg(folder.path())
            .args(case.ours);
        let runs = (0..RUNS).map(|_| lines_of(&mut ours)).collect::<Result<Vec<_>>>()?;
        let (found, own) = (runs[0].0, best(&runs.iter().map(|run| run.1).collect::<Vec<_>>()));
        ensure!(found > 0, "`{}` finds nothing", case.name);
        let mut row = |tool: &str, count: Option<usize>, seconds: f64, goal: Option<f64>| -> Result<()> {
            ensure!(
                count.is_none_or(|count| count == found),
                "{tool} finds {count:?}, shoseki {found}"
            );
            let ratio = seconds / own;
            let goal = goal.map(|goal| {
                let word = if ratio >= goal { "reached" } else { "MISSED" };
                format!("at least {goal:.0}: {word}")
            });
            table.row(vec![
                format!("{}: {tool}", case.name),
                count.map_or_else(String::new, |count| count.to_string()),
                format!("{seconds:.2}"),
                speed(seconds),
                format!("{ratio:.2}"),
                goal.unwrap_or_default(),
            ]);
            Ok(())
        };
        row("shoseki search", Some(found), own, None)?;
        row("inflate alone", None, alone, None)?;
        let mut jq = Command::new("sh");
        jq.arg("-c")
            .arg("cd \"$1\" && zcat *.json.gz | jq -c \"$2\"")
            .arg("sh")
            .arg(folder.path())
            .arg(case.jq);
        let (count, seconds) = lines_of(&mut jq).context("jq and zcat must be there")?;
        row("zcat | jq", Some(count), seconds, Some(TIMES_JQ))?;
        if let Some(programs) = programs {
            let mut duckdb = duckdb(programs, folder.path(), &case);
            let runs = (0..RUNS).map(|_| lines_of(&mut duckdb)).collect::<Result<Vec<_>>>()?;
            let seconds = best(&runs.iter().map(|run| run.1).collect::<Vec<_>>());
            row("DuckDB", Some(runs[0].0), seconds, Some(1.0))?;
        }
    }
    Ok(table)
}

fn best(seconds: &[f64]) -> f64 {
    seconds.iter().copied().fold(f64::INFINITY, f64::min)
}

/// A process' lines and how long it took.
fn lines_of(command: &mut Command) -> Result<(usize, f64)> {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let took = start.elapsed().as_secs_f64();
    ensure!(
        output.status.success(),
        "{:?} ended with {}",
        command.get_program(),
        output.status
    );
    Ok((output.stdout.iter().filter(|byte| **byte == b'\n').count(), took))
}

fn duckdb(programs: &Path, folder: &Path, case: &Case) -> Command {
    let script = "\
import sys, duckdb
found = duckdb.sql(f\"\"\"
    SELECT to_json(r) FROM (
        SELECT unnest(Records) AS r FROM read_json('{sys.argv[1]}/*.json.gz', maximum_object_size=67108864, columns={{
            Records: 'STRUCT(eventTime VARCHAR, eventID VARCHAR, eventName VARCHAR, sourceIPAddress VARCHAR)[]'}})
    ) WHERE {sys.argv[2]}\"\"\").fetchall()
for row in found:
    print(row[0])
";
    let mut command = Command::new(programs.join("python"));
    command.args(["-c", script]).arg(folder).arg(case.sql);
    command
}

/// The log files, and how long their texts are together.
fn write(folder: &Path) -> Result<(Vec<PathBuf>, usize)> {
    let (mut gzip, mut files, mut inflated) = (Gzip::new(), Vec::new(), 0);
    for file in 0..FILES {
        let records: Vec<Value> = (file * RECORDS..(file + 1) * RECORDS).map(one).collect();
        let text = json!({ "Records": records }).to_string();
        inflated += text.len();
        let name = format!(
            "123456789012_CloudTrail_us-east-1_20261122T{:02}{:02}Z_{file:016}.json.gz",
            file / 60,
            file % 60
        );
        let path = folder.join(name);
        std::fs::write(&path, gzip.compress(text.as_bytes())?)?;
        files.push(path);
    }
    Ok((files, inflated))
}

fn one(number: usize) -> Value {
    let mut record = record(number);
    if number % RARE == 17 {
        record["eventName"] = "DeleteTable".into();
    }
    record["sourceIPAddress"] = format!("10.{}.{}.{}", number % 7, number % 251, number % 13).into();
    record
}

/// Seconds to inflate all files on all cores.
fn inflate(files: &[PathBuf], inflated: usize) -> Result<f64> {
    let (next, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    let worker = || -> Result<()> {
        let (mut inflater, mut text) = (Decompressor::new(), vec![0; inflated / files.len() * 2]);
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let length = inflater.gzip_decompress(&std::fs::read(path)?, &mut text)?;
            total.fetch_add(length, Ordering::Relaxed);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| Err(anyhow::anyhow!("a worker panicked")))
        })
    })?;
    ensure!(total.load(Ordering::Relaxed) == inflated, "not all was inflated");
    Ok(start.elapsed().as_secs_f64())
}

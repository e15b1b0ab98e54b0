//! Delivery beside gzip alone.

use crate::{
    generator, machine,
    process::{Cpu, cpu_s},
    scenario::{BUCKET, Scenario},
    table::Table,
    target::Target,
};
use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use record::Gzip;
use serde_json::json;
use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};
use testkit::{
    Client, Server,
    setup::{Trail, TrailPlan},
};

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "A server is loaded until its journal holds the records, and left alone until \
the archive of events has done its part, which is not delivery; then its rehearsal clock is moved by one delivery \
interval. Pipeline: all processor time that the server process uses from that call to its answer (reading the journal, selecting, serialising, gzip, sealing under the trail's KMS key, the authorised and recorded \
put, the sync), whatever the number of threads. Gzip alone: the same log files, read back and compressed again by \
the same library at the same level, processor time too. The kernel's part is files, sockets and memory touched for the first \
time, which some machines give at once and others slowly.";

/// The goal: delivery is at least so many percent of gzip alone, for each second of processor time.
const GOAL_PERCENT: f64 = 70.0;
/// The server is at rest when it used next to nothing for so long: the archive looks every second.
const REST_SPAN: Duration = Duration::from_millis(2_500);
const REST_USED_S_MAX: f64 = 0.03;
const REST_WAIT_MAX: Duration = Duration::from_secs(60);
const RECORDS_WANTED: usize = 60_000;
const LOAD_TIME_MAX: Duration = Duration::from_secs(25);
const GZIP_TIME_MIN: Duration = Duration::from_secs(1);

/// Measures one delivery of many records.
pub(crate) async fn delivery(binary: &Path) -> Result<Table> {
    let folder = machine::directory()?;
    let mut server = Server::of(binary, &folder.path().join("data"), &["--rehearsal"]);
    server.launch()?;
    let client = server.client()?;
    let plan = TrailPlan {
        name: "bench",
        with_key: true,
        multi_region: false,
        validation: false,
        data_bucket: Some(BUCKET),
    };
    let trail = client.create_trail(&plan).await?;
    advance(&client).await?;
    fill(&client).await?;
    rest(&server).await?;
    let before: BTreeSet<String> = client.log_file_keys(&trail).await?.into_iter().collect();
    let (start, before_cpu) = (Instant::now(), Cpu::of(&server)?);
    advance(&client).await?;
    let (wall_s, used) = (start.elapsed().as_secs_f64(), Cpu::of(&server)?.since(before_cpu));
    let files = new_files(&client, &trail, &before).await?;
    let json_bytes: usize = files.iter().map(Vec::len).sum();
    let records: usize = files
        .iter()
        .map(|file| record::parse_records(file).map(|list| list.len()))
        .sum::<Result<_, _>>()?;
    ensure!(records > 1_000, "only {records} records were delivered");
    let gzip = gzip_alone(&files)?;
    let per = |seconds: f64| format!("{:.0}", records as f64 / seconds);
    let mut table = Table::new(&["delivery pipeline", "found", "goal"]);
    let files_text = format!(
        "{records} in {} files, {:.0} bytes each",
        files.len(),
        json_bytes as f64 / records as f64
    );
    table.row(vec!["records".to_owned(), files_text, String::new()]);
    table.row(vec![
        "pipeline, records per second of processor time".to_owned(),
        per(used.all_s()),
        String::new(),
    ]);
    table.row(vec![
        "pipeline, records per second of real time".to_owned(),
        per(wall_s),
        String::new(),
    ]);
    table.row(vec![
        "gzip alone, records per second of processor time".to_owned(),
        per(gzip.all_s()),
        String::new(),
    ]);
    let percent = gzip.all_s() / used.all_s() * 100.0;
    let word = if percent >= GOAL_PERCENT { "reached" } else { "MISSED" };
    table.row(vec![
        "pipeline, % of gzip alone".to_owned(),
        format!("{percent:.0}"),
        format!("at least {GOAL_PERCENT:.0} %: {word}"),
    ]);
    table.row(vec![
        "the same of both without the kernel's part".to_owned(),
        format!("{:.0}", gzip.user_s / used.user_s * 100.0),
        String::new(),
    ]);
    Ok(table)
}

async fn advance(client: &Client) -> Result<()> {
    client
        .json("shoseki", "AdvanceClock", &json!({"Seconds": 300}))
        .await?
        .ok()
        .map(drop)
}

/// Fills the journal with records of all the calls that are measured.
async fn fill(client: &Client) -> Result<()> {
    let target = Target::of("pipeline", client.clone()).await?;
    let kinds = Scenario::value_variants();
    let start = Instant::now();
    let mut records = 0.0;
    while records < RECORDS_WANTED as f64 && start.elapsed() < LOAD_TIME_MAX {
        let lists: Vec<Vec<Vec<u8>>> = (0..48)
            .map(|number| {
                let kind = kinds.get(number % kinds.len()).context("no such kind")?;
                kind.requests(&target, number)
            })
            .collect::<Result<_>>()?;
        let span = Duration::from_secs(1);
        records += generator::run_requests(&target, lists, span).await?.rate * span.as_secs_f64();
    }
    Ok(())
}

async fn new_files(client: &Client, trail: &Trail, before: &BTreeSet<String>) -> Result<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    for key in client.log_file_keys(trail).await? {
        if !before.contains(&key) {
            files.push(client.log_file(trail, &key).await?);
        }
    }
    Ok(files)
}

/// Waits until the server does no work of its own any more.
async fn rest(server: &Server) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < REST_WAIT_MAX {
        let before = cpu_s(server)?;
        tokio::time::sleep(REST_SPAN).await;
        if cpu_s(server)? - before <= REST_USED_S_MAX {
            return Ok(());
        }
    }
    bail!("the server is still busy after {REST_WAIT_MAX:?}")
}

/// The processor time that it takes to compress all files once.
fn gzip_alone(files: &[Vec<u8>]) -> Result<Cpu> {
    let mut gzip = Gzip::new();
    let (start, before) = (Instant::now(), Cpu::own()?);
    let mut rounds = 0;
    while start.elapsed() < GZIP_TIME_MIN {
        for file in files {
            let packed = gzip.compress(file)?;
            ensure!(!packed.is_empty(), "nothing came out");
        }
        rounds += 1;
    }
    let all = Cpu::own()?.since(before);
    Ok(Cpu {
        user_s: all.user_s / f64::from(rounds),
        system_s: all.system_s / f64::from(rounds),
    })
}

//! `shoseki trail status` over all Regions of an account, on a network that is far away.

use crate::{
    machine::{self, ms},
    relay::Relay,
    table::Table,
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use testkit::{Client, Server, setup::Trail, setup::TrailPlan};

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "From the start of the process to its end, against a server behind a relay that puts 50 ms \
on every call and its answer; the median of seven runs. One trail: a multi-Region trail with key and validation, seen in 17 Regions. \
17 more: a trail of its own in every Region beside it, each asked for its state. All Regions are asked at once.";

const LATENCY: Duration = Duration::from_millis(50);
const ROUNDS: usize = 7;
const MS_MAX: f64 = 1_000.0;

/// One multi-Region trail, and then one of its own in every Region besides.
pub(crate) async fn status(binary: &Path) -> Result<Table> {
    let folder = machine::directory()?;
    let mut server = Server::of(binary, &folder.path().join("data"), &[]);
    server.launch()?;
    let client = server.client()?;
    let plan = TrailPlan {
        name: "bench",
        with_key: true,
        multi_region: true,
        validation: true,
        data_bucket: None,
    };
    let trail = client.create_trail(&plan).await?;
    let regions = client
        .query("ec2", "DescribeRegions", &[])
        .await?
        .ok()?
        .elements("regionName");
    let relay = Relay::start(server.endpoint()?, LATENCY)?;
    let mut table = Table::new(&["trail status, 50 ms of latency", "median, ms", "worst, ms", "goal"]);
    let one = format!("one trail, {} Regions", regions.len());
    table.row(row(&one, times(binary, &server, &relay, 1)?));
    for region in &regions {
        own_trail(&client.in_region(region), &trail).await?;
    }
    let more = format!("and {} more, one in each", regions.len());
    table.row(row(&more, times(binary, &server, &relay, 1 + regions.len())?));
    server.terminate()?;
    Ok(table)
}

async fn own_trail(client: &Client, of: &Trail) -> Result<()> {
    let input = json!({"Name": "of-region", "S3BucketName": of.bucket, "KmsKeyId": of.key_arn});
    client.json("cloudtrail", "CreateTrail", &input).await?.ok()?;
    let input = json!({"Name": "of-region"});
    client.json("cloudtrail", "StartLogging", &input).await?.ok()?;
    Ok(())
}

/// How long each run took; each must have found so many trails, all of them good.
fn times(binary: &Path, server: &Server, relay: &Relay, trails: usize) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let output = Command::new(binary)
            .args(["trail", "status", "--output", "json", "--region", "us-east-1"])
            .args(["--endpoint-url", &relay.endpoint()])
            .env("AWS_SHARED_CREDENTIALS_FILE", server.data_dir().join("credentials"))
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_ACCESS_KEY_ID")
            .stdin(Stdio::null())
            .output()
            .context("cannot start shoseki trail status")?;
        times.push(start.elapsed());
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "trail status ended with {}: {said}",
            output.status
        );
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let found = report["trails"].as_array().map_or(0, Vec::len);
        ensure!(found == trails, "trail status found {found} trails of {trails}");
    }
    times.sort_unstable();
    Ok(times)
}

fn row(name: &str, times: Vec<Duration>) -> Vec<String> {
    let median = ms(times.get(times.len() / 2).copied().unwrap_or_default());
    let worst = ms(times.last().copied().unwrap_or_default());
    let word = if median < MS_MAX { "reached" } else { "MISSED" };
    vec![
        name.to_owned(),
        format!("{median:.0}"),
        format!("{worst:.0}"),
        format!("under {MS_MAX:.0} ms: {word}"),
    ]
}

//! Kill -9 at any moment loses no answered call and leaves nothing half-visible.
//!
//! Eight writers load the real server, which is killed 50 times, sometimes also while it starts. After each restart every
//! effect that was acknowledged must be there, and every call that was not answered must have happened wholly or not at
//! all. At the end every answered call must have its event: in the event history, and in the log files of a trail.

use anyhow::{Context, Result, ensure};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use testkit::{
    Client, Server,
    load::{self, Answered, Class, Dice, Failing, Job, Place, Writer},
    setup::{Trail, TrailPlan, string_at},
};

const KILLS: u32 = 50;
const WRITERS: usize = 8;
const DATA_BUCKET: &str = "crash-data";
/// The last delivery comes at most an interval after the last call, and then takes its time in a debug build.
const DELIVERY_WAIT_MAX: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: cargo xtask test runs it"]
async fn fifty_kills_lose_no_answered_call() -> Result<()> {
    let start = Instant::now();
    let mut server = Server::start(&["--delivery-interval", "1s", "--digest-interval", "1h"])?;
    let (place, trail) = set_up(&server.client()?).await?;
    let seed = u64::from(server.pid()?);
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|number| Writer::new(number, seed, place.clone(), Failing::Gone))
        .collect();
    for kill in 0..KILLS {
        let jobs = load::start(writers, &server.client()?, Job::Work);
        tokio::time::sleep(Duration::from_millis(20 + dice.below(180))).await;
        let gave_up = jobs.iter().filter(|job| job.is_finished()).count();
        server.kill9()?;
        writers = load::join(jobs).await?;
        ensure!(
            gave_up == 0,
            "{gave_up} writers lost a call of a server that was not killed yet (kill {kill})"
        );
        if dice.below(4) == 0 {
            server.launch_and_kill(Duration::from_millis(dice.below(60)))?;
        }
        server.launch()?;
        writers = load::all(writers, &server.client()?, Job::CheckRecent)
            .await
            .with_context(|| format!("kill {kill}"))?;
    }
    let client = server.client()?;
    writers = load::all(writers, &client, Job::CheckAll).await.context("at the end")?;
    let answered: Vec<Answered> = writers
        .iter()
        .flat_map(|writer| writer.answered().iter().cloned())
        .collect();
    let watched: usize = writers.iter().map(Writer::watched).sum();
    println!(
        "{watched} things after {} answered calls, {:.1} s",
        answered.len(),
        start.elapsed().as_secs_f64()
    );
    ensure!(answered.len() > 50 * WRITERS, "too few calls to mean anything");
    check_history(&client, &answered).await?;
    println!("history checked, {:.1} s", start.elapsed().as_secs_f64());
    check_log_files(&client, &trail, &answered).await?;
    println!("log files checked, {:.1} s", start.elapsed().as_secs_f64());
    ensure!(server.terminate()?.success(), "SIGTERM at the end");
    server.assert_calm()
}

async fn set_up(client: &Client) -> Result<(Place, Trail)> {
    client.create_bucket(DATA_BUCKET).await?;
    let key_arn = client.create_key(None).await?;
    let plan = TrailPlan {
        name: "crash",
        with_key: true,
        multi_region: false,
        validation: false,
        data_bucket: Some(DATA_BUCKET),
    };
    let trail = client.create_trail(&plan).await?;
    Ok((
        Place {
            bucket: DATA_BUCKET.to_owned(),
            key_arn,
        },
        trail,
    ))
}

/// Every answered management call is in the event history, once.
async fn check_history(client: &Client, answered: &[Answered]) -> Result<()> {
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for call in answered.iter().filter(|call| call.class == Class::Management) {
        wanted.entry(call.name).or_default().insert(&call.request_id);
    }
    for (name, ids) in wanted {
        let mut found = BTreeSet::new();
        let mut events = BTreeSet::new();
        for record in client.lookup_events(Some(("EventName", name))).await? {
            let id = string_at(&record, "/eventID")?;
            ensure!(events.insert(id.clone()), "{name} event {id} is twice in the history");
            // An event of another service's call on the caller's behalf has the id of its own.
            found.insert(string_at(&record, "/requestID")?);
        }
        let lost: Vec<&&str> = ids.iter().filter(|id| !found.contains(**id)).collect();
        ensure!(
            lost.is_empty(),
            "{} of {} {name} calls are not in the history: {lost:?}",
            lost.len(),
            ids.len()
        );
    }
    Ok(())
}

/// Every answered call is in a delivered log file.
async fn check_log_files(client: &Client, trail: &Trail, answered: &[Answered]) -> Result<()> {
    let mut missing: BTreeMap<&str, &str> = answered
        .iter()
        .map(|call| (call.request_id.as_str(), call.name))
        .collect();
    let mut read = BTreeSet::new();
    let deadline = Instant::now() + DELIVERY_WAIT_MAX;
    loop {
        for key in client.log_file_keys(trail).await? {
            if read.contains(&key) {
                continue;
            }
            for record in client.log_records(trail, &key).await? {
                if let Some(id) = record.get("requestID").and_then(|id| id.as_str()) {
                    missing.remove(id);
                }
            }
            read.insert(key);
        }
        if missing.is_empty() {
            println!("{} log files", read.len());
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "{} of {} answered calls are in none of {} log files, such as {:?}; the trail's status: {}",
            missing.len(),
            answered.len(),
            read.len(),
            missing.iter().take(5).collect::<Vec<_>>(),
            status(client, trail).await?
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn status(client: &Client, trail: &Trail) -> Result<String> {
    Ok(client
        .json("cloudtrail", "GetTrailStatus", &serde_json::json!({"Name": trail.arn}))
        .await?
        .text())
}

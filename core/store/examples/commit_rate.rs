//! Commits per second of the store on this disk: `cargo run --release -p store --example commit_rate [directory]`.
//!
//! Each transaction reads five rows, writes two and carries one entry of 1 KB, as a small AWS call does.

use base::{Clock, Random};
use bytes::Bytes;
use envelope::Key256;
use std::{
    error::Error,
    path::PathBuf,
    time::{Duration, Instant},
};
use store::{CommitError, JournalEntry, Options, Selection, Store};

const ROWS: u64 = 20_000;
const RUN: Duration = Duration::from_secs(4);

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let dir = std::env::args()
        .nth(1)
        .map_or_else(|| PathBuf::from("target/commit_rate"), PathBuf::from);
    let random = Random::os();
    let options = Options {
        block_key: Key256::generate(&random),
        random,
        clock: Clock::system(),
        cache_bytes: 256 << 20,
    };
    let store = Store::open(store::lock(&dir)?, options)?;
    fill(&store).await?;
    for tasks in [1, 16, 64] {
        let (commits, conflicts, elapsed) = run(&store, tasks).await?;
        let rate = f64::from(commits) / elapsed.as_secs_f64();
        let batches = store.journal().head();
        println!("{tasks:>3} tasks: {rate:>8.0} commits/s, {conflicts} conflicts, head {batches}");
    }
    store.close().await?;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

async fn fill(store: &Store) -> Outcome<()> {
    let mut txn = store.begin();
    for row in 0..ROWS {
        txn.put(key(row), vec![7; 200]);
    }
    txn.record(Vec::new()).commit().await?;
    Ok(())
}

async fn run(store: &Store, tasks: u64) -> Outcome<(u32, u32, Duration)> {
    let start = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| tokio::spawn(caller(store.clone(), task, start)))
        .collect();
    let (mut commits, mut conflicts) = (0, 0);
    for caller in running {
        let (done, refused) = caller.await??;
        commits += done;
        conflicts += refused;
    }
    Ok((commits, conflicts, start.elapsed()))
}

async fn caller(store: Store, task: u64, start: Instant) -> Outcome<(u32, u32)> {
    let (mut done, mut refused, mut row) = (0, 0, task.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    while start.elapsed() < RUN {
        let mut txn = store.begin();
        for _ in 0..5 {
            row = row
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            txn.view().get(&key((row >> 33) % ROWS)).await?;
        }
        txn.put(key((row >> 33) % ROWS), vec![8; 200]);
        txn.put(format!("own/{task}/{}", done % 1000), vec![9; 100]);
        match txn.record(vec![entry(row)]).commit().await {
            Ok(_) => done += 1,
            Err(CommitError::Conflict) => refused += 1,
            Err(CommitError::Fault(fault)) => return Err(fault.into()),
        }
    }
    Ok((done, refused))
}

fn key(row: u64) -> Vec<u8> {
    format!("bench/{row:08}").into_bytes()
}

fn entry(salt: u64) -> JournalEntry {
    let text = format!(r#"{{"eventVersion":"1.11","eventID":"{salt:032x}","eventName":"PutObject"}}"#);
    JournalEntry {
        selected: vec![Selection {
            trail: "arn:aws:cloudtrail:us-east-1:123456789012:trail/t".to_owned(),
            generation: 1,
        }],
        management: true,
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        payload: Bytes::from(text.repeat(12)),
    }
}

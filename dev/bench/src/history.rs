//! The event history: its disk, its memory, how soon it opens, and how fast it is looked up, with millions of events.

mod events;

use crate::{
    machine::{self, ms},
    process::memory_mib,
    table::Table,
};
use anyhow::{Context, Result, ensure};
use base::{Clock, Timestamp};
use events::{Maker, RARE};
use serde_json::{Value, json};
use std::{
    os::unix::fs::MetadataExt,
    path::Path,
    sync::mpsc::sync_channel,
    thread,
    time::{Duration, Instant},
};
use store::{JournalCut, Maintenance, Store};
use testkit::{Client, Server};

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "The history is filled through the store and the archive, in one account and \
Region, over 85 days of domain time, with management events of some 40 operations of 12 services by 400 users and 60 roles \
with changing session keys. Disk: all that the data directory takes. Lookups: the real server, over HTTP, pages of 50; \
common values are in a fifth to a half of all events, rare ones in 64 of all, far apart; each time is the worst of five, and \
page 20 is the last page where there are fewer. The operating system may hold files in memory.";

const BATCH: usize = 5_000;
const SPAN: Duration = Duration::from_secs(85 * 86_400);
const OPENS: usize = 5;
const REPEATS: usize = 5;
const PAGE: usize = 20;

const DISK_BYTES_EACH_MAX: f64 = 250.0;
const OPEN_MS_MAX: f64 = 1_000.0;
const MEMORY_MIB_MAX: f64 = 200.0;
const LOOKUP_MS_MAX: f64 = 50.0;

/// Fills a directory with so many events and measures.
pub(crate) async fn history(binary: &Path, events: u64) -> Result<Table> {
    let folder = machine::directory()?;
    let data = folder.path().join("data");
    let mut server = Server::of(binary, &data, &["--rehearsal"]);
    server.launch()?;
    server.terminate()?;
    let start = Instant::now();
    let made = fill(&data, events).await?;
    let filled_s = start.elapsed().as_secs_f64();

    server.launch()?;
    let client = server.client()?;
    advance(&client).await?;
    server.terminate()?;
    let disk = disk_bytes(&data)?;
    let mut opens = Vec::new();
    for _ in 0..OPENS {
        opens.push(server.launch()?);
        if opens.len() < OPENS {
            server.terminate()?;
        }
    }
    opens.sort_unstable();
    let opened = opens.get(OPENS / 2).copied().unwrap_or_default();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = memory_mib(&server, "VmRSS")?;

    let mut table = Table::new(&["event history", "found", "goal"]);
    let each = disk as f64 / events as f64;
    let mut row = |name: &str, found: f64, goal: Option<(f64, &str)>| {
        let goal = goal.map_or_else(String::new, |(most, unit)| {
            let word = if found <= most { "reached" } else { "MISSED" };
            format!("at most {most:.0} {unit}: {word}")
        });
        table.row(vec![name.to_owned(), format!("{found:.1}"), goal]);
    };
    row("events", events as f64, None);
    row("filled in, s", filled_s, None);
    row("disk, MB", disk as f64 / 1e6, None);
    row("disk for an event, bytes", each, Some((DISK_BYTES_EACH_MAX, "bytes")));
    row("ready, ms", ms(opened), Some((OPEN_MS_MAX, "ms")));
    row("resident when open, MiB", idle, Some((MEMORY_MIB_MAX, "MiB")));
    let client = server.client()?;
    for question in questions(&made) {
        let (first, last) = question.ask(&client).await?;
        let name = |page| format!("{}: {page}, ms", question.name);
        row(&name("first page"), ms(first), Some((LOOKUP_MS_MAX, "ms")));
        if let Some((page, took)) = last {
            row(&name(&format!("page {page}")), ms(took), Some((LOOKUP_MS_MAX, "ms")));
        }
    }
    let after = memory_mib(&server, "VmRSS")?;
    row("resident after lookups, MiB", after, Some((MEMORY_MIB_MAX, "MiB")));
    row(
        "most memory, MiB",
        memory_mib(&server, "VmHWM")?,
        Some((MEMORY_MIB_MAX, "MiB")),
    );
    server.terminate()?;
    Ok(table)
}

/// What there is to look for.
pub(crate) struct Made {
    /// Ids of a few events, from the oldest to the newest.
    ids: Vec<String>,
    middle: Timestamp,
}

/// Commits the events and archives them, as a server does.
pub(crate) async fn fill(data: &Path, events: u64) -> Result<Made> {
    let began = Clock::system().now();
    let clock = Clock::manual(began);
    let store = server::open_store(data, &clock)?;
    let (sender, receiver) = sync_channel(2);
    let step = SPAN.div_f64(events as f64);
    let maker = thread::spawn(move || {
        let mut maker = Maker::new(events);
        let mut left = events;
        while left > 0 {
            let count = left.min(BATCH as u64);
            let first = began.plus(step.mul_f64((events - left) as f64));
            let batch = (0..count).map(|at| maker.next(first.plus(step.mul_f64(at as f64))));
            let Ok(batch) = batch.collect::<Result<Vec<_>>>() else {
                break;
            };
            if sender.send(batch).is_err() {
                break;
            }
            left -= count;
        }
        maker.ids
    });
    for batch in receiver {
        clock.advance(step.mul_f64(batch.len() as f64));
        store.begin().record(batch).commit().await?;
        archive(&store).await?;
    }
    store.close().await?;
    let ids = maker.join().ok().context("the maker of events panicked")?;
    let middle = began.plus(SPAN / 2);
    ensure!(ids.len() > 2, "too few events");
    Ok(Made { ids, middle })
}

async fn archive(store: &Store) -> Result<()> {
    let head = store.journal().head();
    while let Some(step) = gateway::history::archive(&store.history())? {
        let cut = JournalCut {
            from: step.through.saturating_sub(10),
            before: step.through + 1,
        };
        let txn = store.begin().maintain(Maintenance::Archive(step.change, cut));
        txn.commit().await?;
        if step.through >= head {
            break;
        }
    }
    Ok(())
}

/// Moves the clock to the end of the time that was filled.
pub(crate) async fn advance(client: &Client) -> Result<()> {
    // A day at a time: no answer has to be waited for longer than a client likes to.
    for _ in 0..=SPAN.as_secs() / 86_400 {
        client
            .json("shoseki", "AdvanceClock", &json!({"Seconds": 86_400}))
            .await?
            .ok()?;
    }
    Ok(())
}

fn disk_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += about.blocks() * 512;
        if about.is_dir() {
            bytes += disk_bytes(&entry.path())?;
        }
    }
    Ok(bytes)
}

struct Question {
    name: String,
    /// One for each repetition, with how many events it finds at least on its first page.
    inputs: Vec<(Value, usize)>,
}

fn questions(made: &Made) -> Vec<Question> {
    let by = |key: &str, value: &str| json!({"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]});
    let same = |input: Value, least| vec![(input, least); REPEATS];
    let mut questions = vec![Question {
        name: "EventId".to_owned(),
        inputs: made.ids.iter().map(|id| (by("EventId", id), 1)).collect(),
    }];
    for (key, common) in events::COMMON {
        let kinds = [
            ("common", common, PAGE),
            ("rare", events::rare(key), 50),
            ("absent", "absent-value", 0),
        ];
        for (kind, value, least) in kinds {
            if key == "ReadOnly" && kind == "rare" {
                continue;
            }
            questions.push(Question {
                name: format!("{key}, {kind}"),
                inputs: same(by(key, value), least.min(50)),
            });
        }
    }
    let end = json!(made.middle.as_secs());
    let mut old = by("Username", events::COMMON_USER);
    if let Some(old) = old.as_object_mut() {
        old.insert("EndTime".to_owned(), end.clone());
    }
    let more = [
        ("no attribute", json!({})),
        ("no attribute, 42 days ago", json!({"EndTime": end})),
        ("Username, common, 42 days ago", old),
    ];
    questions.extend(more.map(|(name, input)| Question {
        name: name.to_owned(),
        inputs: same(input, 50),
    }));
    questions
}

impl Question {
    /// The worst time of a first page, and of page 20 or of the last with its number, when there is a second one.
    async fn ask(&self, client: &Client) -> Result<(Duration, Option<(usize, Duration)>)> {
        let (mut first, mut last): (Duration, Option<(usize, Duration)>) = Default::default();
        for (input, least) in &self.inputs {
            let mut input = input.clone();
            for page in 1..=PAGE {
                let start = Instant::now();
                let answer = client.json("cloudtrail", "LookupEvents", &input).await?.ok()?.json()?;
                let took = start.elapsed();
                let found = answer.pointer("/Events").and_then(Value::as_array).map_or(0, Vec::len);
                if page == 1 {
                    ensure!(found >= *least, "{}: {found} events on the first page", self.name);
                    first = first.max(took);
                } else if found > 0 {
                    let worst = last
                        .filter(|(of, _)| *of >= page)
                        .map_or(took, |(_, worst)| worst.max(took));
                    last = Some((page, worst));
                }
                match (answer.pointer("/NextToken"), input.as_object_mut()) {
                    (Some(token), Some(input)) => drop(input.insert("NextToken".to_owned(), token.clone())),
                    _ => break,
                }
            }
        }
        Ok((first, last))
    }
}

const _: () = assert!(RARE >= 50);

//! The console: how soon its pages are there and how many bytes they are, over a history of a million events.

use crate::{
    history::{advance, fill},
    machine::{self, ms},
    table::Table,
};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use libdeflater::Decompressor;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use testkit::{Client, Reply, Server, setup::TrailPlan};

/// For the report.
pub(crate) const WHAT_IS_MEASURED: &str = "Pages of the console of the real server, asked for as a browser does, over one kept \
connection, compressed: from the request to the last byte, the median and the worst of nine. The event history has a million \
management events of one account and Region over 85 days, filled in through the store and the archive, and one trail. Bytes are \
those of bodies as sent; the first page is the sign-in page with the style sheet and the script, which browsers keep.";

const EVENTS: u64 = 1_000_000;
const REPEATS: usize = 9;
/// Pages of the list of events that are turned.
const PAGES: usize = 40;
const TRAIL: &str = "bench";

const FIRST_MS_MAX: f64 = 100.0;
const FIRST_KB_MAX: f64 = 150.0;
const TRAIL_MS_MAX: f64 = 200.0;

/// Fills a directory and turns pages.
pub(crate) async fn pages(binary: &Path) -> Result<Table> {
    let folder = machine::directory()?;
    let data = folder.path().join("data");
    let mut server = Server::of(binary, &data, &["--rehearsal"]);
    server.launch()?;
    server.terminate()?;
    drop(fill(&data, EVENTS).await?);
    server.launch()?;
    let client = server.client()?;
    advance(&client).await?;
    let plan = TrailPlan {
        name: TRAIL,
        with_key: true,
        multi_region: true,
        validation: true,
        data_bucket: None,
    };
    client.create_trail(&plan).await?;
    let hours = json!({"Seconds": 7_200});
    client.json("shoseki", "AdvanceClock", &hours).await?.ok()?;

    let mut table = Table::new(&["page", "median ms", "worst ms", "KB", "goal"]);
    let counted = counts(&client).await?;
    table.row(counted.row("SummariseEvents of all events", Some((TRAIL_MS_MAX, None))));
    let mut browser = Browser {
        client: client.anonymous(),
        cookie: None,
    };
    let first = browser.first().await?;
    table.row(first.row("first page, style and script", Some((FIRST_MS_MAX, Some(FIRST_KB_MAX)))));
    browser.sign_in(binary, &data).await?;
    let trail = format!("/console/trails/us-east-1/{TRAIL}");
    for (name, path, goal) in [
        ("overview", "/console/", None),
        ("trails", "/console/trails", None),
        ("a trail", trail.as_str(), Some((TRAIL_MS_MAX, None))),
        ("events", "/console/events", None),
    ] {
        let mut turned = Turned::default();
        for _ in 0..REPEATS {
            turned.add(browser.get(path).await.with_context(|| format!("the page {path}"))?.0);
        }
        table.row(turned.row(name, goal));
    }
    table.row(browser.through_events().await?.row("each of 40 pages of events", None));
    server.terminate()?;
    Ok(table)
}

/// Counts all events, which the histograms of pages rest on.
async fn counts(client: &Client) -> Result<Turned> {
    let mut turned = Turned::default();
    for _ in 0..REPEATS {
        let start = Instant::now();
        let reply = client.json("shoseki", "SummariseEvents", &json!({})).await?.ok()?;
        turned.add(Look {
            took: start.elapsed(),
            bytes: reply.body.len(),
        });
        let told = reply.json()?;
        let counted = told.pointer("/Events").and_then(Value::as_u64).unwrap_or_default();
        ensure!(counted >= EVENTS * 9 / 10, "only {counted} events are counted");
        ensure!(
            told.pointer("/Complete") == Some(&Value::Bool(true)),
            "not all events are counted"
        );
    }
    Ok(turned)
}

/// How long a page took, and how large it was.
#[derive(Clone, Copy)]
struct Look {
    took: Duration,
    bytes: usize,
}

#[derive(Default)]
struct Turned(Vec<Look>);

impl Turned {
    fn add(&mut self, look: Look) {
        self.0.push(look);
    }

    fn row(&self, name: &str, goal: Option<(f64, Option<f64>)>) -> Vec<String> {
        let mut times: Vec<Duration> = self.0.iter().map(|look| look.took).collect();
        times.sort_unstable();
        let median = ms(times.get(times.len() / 2).copied().unwrap_or_default());
        let worst = ms(times.last().copied().unwrap_or_default());
        let kb = self.0.iter().map(|look| look.bytes).max().unwrap_or_default() as f64 / 1_000.0;
        let goal = goal.map_or_else(String::new, |(ms_max, kb_max)| {
            let reached = median <= ms_max && kb_max.is_none_or(|most| kb <= most);
            let size = kb_max.map_or_else(String::new, |most| format!(", {most:.0} KB"));
            let word = if reached { "reached" } else { "MISSED" };
            format!("at most {ms_max:.0} ms{size}: {word}")
        });
        vec![
            name.to_owned(),
            format!("{median:.1}"),
            format!("{worst:.1}"),
            format!("{kb:.1}"),
            goal,
        ]
    }
}

struct Browser {
    client: Client,
    cookie: Option<HeaderValue>,
}

impl Browser {
    async fn ask(&self, path: &str) -> Result<(Look, Reply)> {
        let mut head = HeaderMap::new();
        let host = HeaderValue::from_str(self.client.authority())?;
        head.insert(header::HOST, host);
        head.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(cookie) = &self.cookie {
            head.insert(header::COOKIE, cookie.clone());
        }
        let start = Instant::now();
        let reply = self.client.send(Method::GET, path, head, Bytes::new()).await?;
        let look = Look {
            took: start.elapsed(),
            bytes: reply.body.len(),
        };
        Ok((look, reply))
    }

    async fn get(&self, path: &str) -> Result<(Look, String)> {
        let (look, reply) = self.ask(path).await?;
        ensure!(reply.status == 200, "{path} was answered with {}", reply.status);
        let packed = reply.header("content-encoding") == Some("gzip");
        let text = match packed {
            true => inflated(&reply.body)?,
            false => reply.body.to_vec(),
        };
        Ok((look, String::from_utf8(text)?))
    }

    /// The sign-in page with all that it names, as a browser gets it that was never here.
    async fn first(&self) -> Result<Turned> {
        let mut turned = Turned::default();
        for _ in 0..REPEATS {
            let (page, text) = self.get("/console/sign-in").await?;
            let mut look = page;
            for asset in attributes(&text, "/console/static/") {
                let (one, _) = self.get(&asset).await?;
                look.took += one.took;
                look.bytes += one.bytes;
            }
            turned.add(look);
        }
        Ok(turned)
    }

    /// By a link, as the terminal prints it.
    async fn sign_in(&mut self, binary: &Path, data: &Path) -> Result<()> {
        let printed = Command::new(binary)
            .args(["console", "--data-dir"])
            .arg(data)
            .output()?;
        ensure!(
            printed.status.success(),
            "no link: {}",
            String::from_utf8_lossy(&printed.stderr)
        );
        let link = String::from_utf8(printed.stdout)?;
        let at = link.find("/console/").context("the link leads to no console")?;
        let path = link.get(at..).unwrap_or_default().trim().to_owned();
        let (_, reply) = self.ask(&path).await?;
        let cookies = reply.headers.get_all(header::SET_COOKIE).iter();
        let pairs: Vec<&str> = cookies
            .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
            .filter(|pair| !pair.ends_with('='))
            .collect();
        ensure!(!pairs.is_empty(), "the link has not signed in: {}", reply.status);
        self.cookie = Some(HeaderValue::from_str(&pairs.join("; "))?);
        Ok(())
    }

    /// Follows the list of events to older ones. Each page has the next, and no more than it shows.
    async fn through_events(&self) -> Result<Turned> {
        let (mut turned, mut path) = (Turned::default(), "/console/events".to_owned());
        for _ in 0..PAGES {
            let (look, text) = self.get(&path).await?;
            turned.add(look);
            let next = text.split("<a ").find(|link| link.contains("rel=\"next\""));
            let next = next.and_then(|link| attributes(link, "/console/events").next());
            path = next.context("a page of events has no next one")?;
        }
        Ok(turned)
    }
}

fn inflated(packed: &[u8]) -> Result<Vec<u8>> {
    // The length stands at the end of a gzip member.
    let length = packed.last_chunk::<4>().context("an empty page")?;
    let mut text = vec![0; u32::from_le_bytes(*length) as usize];
    let written = Decompressor::new().gzip_decompress(packed, &mut text)?;
    text.truncate(written);
    Ok(text)
}

/// The paths in the attributes of a page that begin so.
fn attributes(text: &str, begin: &str) -> impl Iterator<Item = String> {
    let values = text.split('"').filter(move |value| value.starts_with(begin));
    values.map(|value| value.replace("&amp;", "&"))
}

//! `shoseki ingest`: brings records from files or standard input into a trail, by PutAuditEvents on a channel.
//!
//! Files are read in turn, records leave in calls of up to a hundred on several connections. A call that was not answered is
//! repeated, so a record may come in twice but none is lost in silence. With `--state`, a file whose records were all answered
//! is not read again.

mod read;
mod send;
mod state;
mod tally;

use crate::{
    client::{self, Client},
    env,
    operate::AsJson,
    style::say,
};
use anyhow::{Context, Result, bail};
use base::Secret;
use clap::Args;
use read::Source;
use serde_json::{Value, json};
use state::State;
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tally::Tally;
use wire::ServiceName;

/// Some records were refused for another reason than that their service is here.
const REFUSED: u8 = 3;
/// Batches that wait to be sent, for each connection.
const WAITING_PER_CONNECTION: usize = 2;
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(crate) struct IngestArgs {
    /// Files, or directories of .json, .jsonl, .ndjson and .gz files; `-` is standard input [default: -].
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The channel, by ARN, ID or name [default: the only one of the Region].
    #[arg(long)]
    channel: Option<String>,
    /// The channel's Region [default: the server's].
    #[arg(long)]
    region: Option<String>,
    /// Remember in this file which files were taken in whole, and leave those out.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// How many calls are under way at a time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    connections: u8,
    /// Call with this access key [default: that of the first account's root].
    #[arg(
        long,
        value_name = "ID",
        requires = "secret_access_key",
        env = "SHOSEKI_ACCESS_KEY_ID"
    )]
    access_key_id: Option<String>,
    /// Its secret; better said by the environment than here.
    #[arg(
        long,
        value_name = "SECRET",
        env = "SHOSEKI_SECRET_ACCESS_KEY",
        hide_env_values = true
    )]
    secret_access_key: Option<String>,
    #[command(flatten)]
    output: AsJson,
    /// The data directory of the running server.
    #[arg(long, value_name = "DIR", default_value = "shoseki-data", env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

pub(crate) async fn run(args: IngestArgs) -> Result<ExitCode> {
    let announced = env::announced(&args.data_dir)?;
    let client = || -> Result<Client> {
        let mut client = client::of(&announced)?;
        if let (Some(id), Some(secret)) = (&args.access_key_id, &args.secret_access_key) {
            client = client.with_credentials(client::key(id, Secret::new(secret.clone())));
        }
        Ok(match &args.region {
            Some(region) => client.in_region(region),
            None => client,
        })
    };
    let channel = channel_of(&client()?, args.channel.as_deref()).await?;
    let mut state = args.state.as_deref().map(State::open).transpose()?;
    let (sources, known) = sources(&args.paths, state.as_ref())?;
    let tally = Arc::new(Mutex::new(Tally::of_files(sources.len(), known)));
    let clients = (0..args.connections).map(|_| client()).collect::<Result<Vec<_>>>()?;
    let start = Instant::now();
    let waiting = clients.len() * WAITING_PER_CONNECTION;
    let (to_send, mut done) = send::start(clients, &channel, Arc::clone(&tally), waiting);
    let reader = {
        let tally = Arc::clone(&tally);
        tokio::task::spawn_blocking(move || read::all(sources, &to_send, &tally))
    };
    let progress = tokio::spawn(show_progress(Arc::clone(&tally), start));
    let mut failure = None;
    while let Some(finished) = done.recv().await {
        match (finished, &mut state) {
            (Ok(file), Some(state)) => state.add(&file)?,
            (Ok(_), None) => {}
            (Err(error), _) => failure = failure.or(Some(error)),
        }
    }
    progress.abort();
    reader.await.context("the reader of files came to a bad end")?;
    let tally = std::mem::take(&mut *tally.lock().unwrap_or_else(PoisonError::into_inner));
    clear_progress();
    let summary = tally.summary(&channel, start.elapsed());
    match args.output.json() {
        true => say(format_args!("{summary:#}")),
        false => tally.tell(&summary),
    }
    if let Some(error) = failure {
        return Err(error.context("not all records could be sent; those that were answered are in the trail's journal"));
    }
    Ok(match (tally.unreadable.is_empty(), tally.refused_otherwise()) {
        (false, _) => ExitCode::FAILURE,
        (true, 0) => ExitCode::SUCCESS,
        (true, _) => ExitCode::from(REFUSED),
    })
}

/// The ARN of the channel that is meant.
async fn channel_of(client: &Client, named: Option<&str>) -> Result<String> {
    if let Some(arn) = named.filter(|named| named.starts_with("arn:")) {
        return Ok(arn.to_owned());
    }
    let (mut found, mut input) = (Vec::new(), json!({}));
    loop {
        let page = client.json(ServiceName::CloudTrail, "ListChannels", &input).await;
        let page = page.context("the channels could not be listed; name one by its ARN")?;
        found.extend(page["Channels"].as_array().into_iter().flatten().cloned());
        match page["NextToken"].as_str() {
            Some(token) => input = json!({ "NextToken": token }),
            None => break,
        }
    }
    let text = |channel: &Value, name: &str| channel[name].as_str().unwrap_or_default().to_owned();
    if let Some(named) = named {
        found.retain(|channel| {
            text(channel, "Name") == named || text(channel, "ChannelArn").ends_with(&format!("/{named}"))
        });
    }
    match (found.as_slice(), named) {
        ([one], _) => Ok(text(one, "ChannelArn")),
        (_, Some(named)) => bail!("there is no channel `{named}`"),
        ([], None) => bail!(
            "there is no channel; make one with: aws cloudtrail create-channel --name NAME --source Custom \
             --destinations Type=AWS_SERVICE,Location=TRAIL_ARN"
        ),
        (_, None) => bail!("there are several channels; name one with --channel"),
    }
}

/// What is to be read, in order, and how many files were taken in before.
fn sources(paths: &[PathBuf], state: Option<&State>) -> Result<(Vec<Source>, usize)> {
    if paths.is_empty() {
        return Ok((vec![Source::Stdin], 0));
    }
    let mut sources = Vec::new();
    for path in paths {
        match path.as_os_str() == "-" {
            true => sources.push(Source::Stdin),
            false => read::find(path, &mut sources)?,
        }
    }
    let all = sources.len();
    if let Some(state) = state {
        sources.retain(|source| !source.path().is_some_and(|path| state.has(path)));
    }
    let known = all - sources.len();
    Ok((sources, known))
}

async fn show_progress(tally: Arc<Mutex<Tally>>, start: Instant) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    loop {
        tokio::time::sleep(PROGRESS_EVERY).await;
        let line = tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .progress(start.elapsed());
        let mut stderr = std::io::stderr();
        let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
    }
}

fn clear_progress() {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}

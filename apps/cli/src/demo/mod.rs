//! `shoseki demo`: the whole story in one go, on a server of its own.
//!
//! The server runs in this process; all that the story does with it goes over HTTP, signed, as any client would do it.

mod delivered;
mod print;
mod proof;
mod setup;
mod traffic;

use crate::{
    client::{self, Client},
    env::quoted,
    serve::{StopSignal, shut_down},
};
use anyhow::{Context, Result};
use base::Timestamp;
use clap::Args;
use print::Printer;
use serde_json::json;
use server::{Announced, Config, Running};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};
use wire::ServiceName;

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// End when the story is told, with status 1 if any step of it failed.
    #[arg(long)]
    exit: bool,
    /// Where to listen [default: a free port of 127.0.0.1].
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Keep everything here [default: a temporary directory, removed at the end].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// So far is the clock moved after each round of calls: past the end of a digest's hour and the delivery after it.
const ROUND_SECONDS: u64 = 65 * 60;
const ROUNDS: usize = 2;

pub(crate) async fn run(args: DemoArgs) -> Result<ExitCode> {
    let stop = StopSignal::new()?;
    let temporary = match args.data_dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("cannot make a temporary data directory")?),
    };
    let data_dir = args
        .data_dir
        .or_else(|| Some(temporary.as_ref()?.path().join("data")))
        .unwrap_or_default();
    let mut config = Config::at(&data_dir);
    config.listen = args.listen.unwrap_or(config.listen);
    config.rehearsal = true;

    let print = Printer::new();
    let started = Instant::now();
    let running = server::start(config).await?;
    print.title(&running.endpoint, started.elapsed());
    let told = tell(&print, &data_dir).await;
    match &told {
        Ok(_) => print.took(started.elapsed()),
        Err(error) => print.failed(error),
    }
    let code = if told.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    if !args.exit {
        let link = crate::console::open(&running, None)?;
        print.ending(&farewell(&running, &data_dir, told.ok())?, &link, temporary.is_some());
        stop.wait().await;
    }
    shut_down(running).await?;
    Ok(code)
}

/// What the end of the story needs to know of it.
struct Told {
    trail_arn: String,
    from: Timestamp,
    to: Timestamp,
}

/// The story. Ends at the first step that does not come out as it must.
async fn tell(print: &Printer, data_dir: &Path) -> Result<Told> {
    let announced: Announced = server::announced(data_dir)?;
    let root = client::of(&announced)?;
    let from = base::Clock::system().now();

    let stage = setup::set_up(print, &root)
        .await
        .context("the trail could not be set up")?;
    let mut to = from;
    for round in 0..ROUNDS {
        traffic::round(print, &stage, round)
            .await
            .context("the calls did not go as they must")?;
        to = advance(print, &root).await.context("the clock could not be moved")?;
    }
    let files = delivered::fetch(&stage)
        .await
        .context("what was delivered could not be read")?;
    delivered::show(print, &stage, &files)?;
    let keys = proof::public_keys(&stage)
        .await
        .context("the public keys could not be read")?;
    proof::verify(print, &stage, &files, &keys)?;
    proof::tamper(print, &stage, &files, &keys)?;
    Ok(Told {
        trail_arn: stage.trail_arn,
        from,
        to,
    })
}

async fn advance(print: &Printer, root: &Client) -> Result<Timestamp> {
    let started = Instant::now();
    let answer = root
        .json(
            ServiceName::Shoseki,
            "AdvanceClock",
            &json!({ "Seconds": ROUND_SECONDS }),
        )
        .await?;
    let now = Timestamp::from_secs_f64(answer["Now"].as_f64().context("AdvanceClock does not tell the time")?);
    let minutes = ROUND_SECONDS / 60;
    print.line(
        "AdvanceClock",
        format!(
            "{minutes} minutes, to {now}; deliveries and digests on the way took {} ms",
            started.elapsed().as_millis()
        ),
    );
    Ok(now)
}

/// The lines to paste into another shell.
fn farewell(running: &Running, data_dir: &Path, told: Option<Told>) -> Result<Vec<String>> {
    let announced = server::announced(data_dir)?;
    let last = match told {
        None => "aws sts get-caller-identity".to_owned(),
        Some(told) => format!(
            "aws cloudtrail validate-logs --trail-arn {} --start-time {} --end-time {}",
            quoted(&told.trail_arn),
            told.from,
            told.to
        ),
    };
    Ok(vec![
        format!(
            "export AWS_ENDPOINT_URL={} AWS_DEFAULT_REGION={}",
            quoted(&running.endpoint),
            announced.region
        ),
        format!(
            "export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}",
            quoted(&announced.key.access_key_id),
            quoted(announced.key.secret_access_key.expose())
        ),
        last,
    ])
}

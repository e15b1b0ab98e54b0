//! `shoseki rootkey`: gives a running server a new root key, by its RotateRootKey call.

use crate::{
    client::{self, Client},
    env,
    operate::AsJson,
    style::say,
};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use wire::ServiceName;

/// How often the server is asked how far it has come; each question is a call that it records.
const ASK_EVERY: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
pub(crate) enum RootkeyCommand {
    /// Make a new root key and wrap everything under it anew while the server serves.
    Rotate(RotateArgs),
    /// Say when the root key was last rotated, and how far that has come.
    Status(StatusArgs),
}

#[derive(Args)]
pub(crate) struct RotateArgs {
    /// Only wrap the accounts' keyrings under the new root key, without giving the accounts new ones.
    #[arg(long)]
    root_only: bool,
    #[command(flatten)]
    output: AsJson,
    /// The data directory of the running server.
    #[arg(long, value_name = "DIR", default_value = "shoseki-data", env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    output: AsJson,
    /// The data directory of the running server.
    #[arg(long, value_name = "DIR", default_value = "shoseki-data", env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

pub(crate) async fn run(command: RootkeyCommand) -> Result<ExitCode> {
    match command {
        RootkeyCommand::Rotate(args) => rotate(args).await,
        RootkeyCommand::Status(args) => status(args).await,
    }
}

async fn rotate(args: RotateArgs) -> Result<ExitCode> {
    let client = client::of(&env::announced(&args.data_dir)?)?;
    client
        .json(
            ServiceName::Shoseki,
            "RotateRootKey",
            &json!({ "Keyrings": !args.root_only }),
        )
        .await
        .context("the root key was not rotated")?;
    let state = loop {
        let state = describe(&client).await.context(
            "the rotation has begun, and the server goes on with it; ask how far it has come: shoseki rootkey status",
        )?;
        show_progress(&state);
        if state["InProgress"] != true {
            break state;
        }
        tokio::time::sleep(ASK_EVERY).await;
    };
    if args.output.json() {
        say(format_args!("{state:#}"));
    } else {
        say("the root key is a new one, and nothing is under the older one any more");
        tell(&state);
        say("a backup from before opens only with the `root.key` that was in it");
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(args: StatusArgs) -> Result<ExitCode> {
    let state = describe(&client::of(&env::announced(&args.data_dir)?)?).await?;
    match (args.output.json(), state["Rotations"].as_u64()) {
        (true, _) => say(format_args!("{state:#}")),
        (false, Some(1..)) => tell(&state),
        (false, _) => say("the root key is the one that the data directory began with"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn describe(client: &Client) -> Result<Value> {
    Ok(client.json(ServiceName::Shoseki, "DescribeRootKey", &json!({})).await?)
}

fn tell(state: &Value) {
    let time = |name: &str| state[name].as_f64().map(base::Timestamp::from_secs_f64);
    let number = |name: &str| state[name].as_u64().unwrap_or_default();
    if let Some(begun) = time("Begun") {
        say(format_args!("rotation {} begun  {begun}", number("Rotations")));
    }
    match time("Done") {
        Some(done) => say(format_args!("done              {done}")),
        None => say("still at work"),
    }
    if state["Keyrings"] == true {
        say(format_args!("rows sealed anew  {}", number("RowsSealedAnew")));
    }
    if number("RowsUnreadable") > 0 {
        say(format_args!(
            "rows that no key opens: {}; stop the server and name them: shoseki fsck",
            number("RowsUnreadable")
        ));
    }
}

fn show_progress(state: &Value) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let end = if state["InProgress"] == true { "" } else { "\n" };
        let text = format!(
            "\rlooked at {} rows, {} sealed anew{end}",
            state["RowsLookedAt"], state["RowsSealedAnew"]
        );
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

//! `shoseki explain`: why a call was refused, for people, by the server's ExplainDecision call.

mod command;
mod print;

use crate::{client, env, operate::AsJson, style::say};
use anyhow::{Context, Result, bail};
use clap::Args;
use operator::shoseki::decision::{Change, Explanation};
use serde::Deserialize;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use wire::ServiceName;

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// The refused call's request id, the id of its event, or the encoded message of its answer.
    #[arg(value_name = "REQUEST-ID|EVENT-ID|MESSAGE")]
    id: String,
    /// Show every statement that was read, not only those that nearly matched.
    #[arg(long, conflicts_with = "json")]
    all: bool,
    /// Print the policy document as change N makes it, and nothing else.
    #[arg(long, value_name = "N", conflicts_with = "json")]
    change: Option<usize>,
    #[command(flatten)]
    output: AsJson,
    /// The data directory of the running server.
    #[arg(long, value_name = "DIR", default_value = DATA_DIR, env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

const DATA_DIR: &str = "shoseki-data";

pub(crate) async fn run(args: ExplainArgs) -> Result<ExitCode> {
    let client = client::of(&env::announced(&args.data_dir)?)?;
    let answer = client
        .json(ServiceName::Shoseki, "ExplainDecision", &json!({ "Id": args.id }))
        .await
        .context("the refusal cannot be explained")?;
    let explanation = answer.get("Explanation").context("the answer holds no explanation")?;
    if args.output.json() {
        say(format_args!("{explanation:#}"));
        return Ok(ExitCode::SUCCESS);
    }
    let explanation = Explanation::deserialize(explanation).context("the explanation is of a form not known here")?;
    match args.change {
        Some(number) => say(changed(&explanation, number)?),
        None => print::Page::new(&explanation, &asked_again(&explanation, &args.data_dir), args.all).say(),
    }
    Ok(ExitCode::SUCCESS)
}

/// The words that explain the same again, for a command line.
fn asked_again(explanation: &Explanation, data_dir: &Path) -> String {
    let mut words = format!("shoseki explain {}", env::quoted(&explanation.request_id));
    if data_dir != Path::new(DATA_DIR) {
        words.push_str(&format!(" --data-dir {}", env::quoted(&data_dir.display().to_string())));
    }
    words
}

/// The document as a change makes it; changes are counted from 1 through all denials.
fn changed(explanation: &Explanation, number: usize) -> Result<&str> {
    let changes: Vec<&Change> = explanation.denials.iter().flat_map(|denial| &denial.changes).collect();
    let change = number.checked_sub(1).and_then(|at| changes.get(at));
    let Some(change) = change else {
        bail!("there are {} changes, and none has the number {number}", changes.len());
    };
    change.new_document.as_deref().context(
        "the policy is no longer as it was when the call was refused, so the change does not fit it; \
         make the call again and have its refusal explained",
    )
}

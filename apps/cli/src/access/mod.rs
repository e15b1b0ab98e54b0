//! `shoseki access`: who can do what with an object, a key or a trail's log files, now and after a change, by the server's
//! DescribeAccess call.

mod change;
mod print;

use crate::{client, env, operate::AsJson, style::say};
use anyhow::{Context, Result};
use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{path::PathBuf, process::ExitCode};
use wire::ServiceName;

#[derive(Args)]
pub(crate) struct AccessArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// A JSON file with what would be otherwise: a key policy or a bucket policy, or {"KeyPolicy": ..., "BucketPolicy": ...,
    /// "KmsKeyId": ...}, the last being the trail's new key. Nothing is changed; what it would do is shown.
    #[arg(long, value_name = "FILE")]
    with_change: Option<PathBuf>,
    /// Show everybody, also those who can do nothing.
    #[arg(long, conflicts_with = "json")]
    all: bool,
    /// Show the reason of every answer, also of every no.
    #[arg(long, conflicts_with = "json")]
    reasons: bool,
    #[command(flatten)]
    output: AsJson,
    /// The data directory of the running server.
    #[arg(long, value_name = "DIR", default_value = "shoseki-data", env = "SHOSEKI_DATA_DIR")]
    data_dir: PathBuf,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct TargetArgs {
    /// An object, whether it is there or not.
    #[arg(long, value_name = "s3://BUCKET/KEY")]
    object: Option<String>,
    /// A KMS key: its id, ARN or alias.
    #[arg(long)]
    key: Option<String>,
    /// The log files of a trail: its name or ARN.
    #[arg(long)]
    trail: Option<String>,
}

/// What is asked about, as far as a change must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TargetKind {
    Key,
    Object,
    Trail,
}

impl TargetArgs {
    fn kind(&self) -> TargetKind {
        match (&self.object, &self.key) {
            (Some(_), _) => TargetKind::Object,
            (None, Some(_)) => TargetKind::Key,
            (None, None) => TargetKind::Trail,
        }
    }

    fn input(&self) -> Map<String, Value> {
        let given = [("Object", &self.object), ("KeyId", &self.key), ("Trail", &self.trail)];
        let member = |(name, value): (&str, &Option<String>)| Some((name.to_owned(), Value::from(value.clone()?)));
        given.into_iter().filter_map(member).collect()
    }
}

/// What DescribeAccess answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Access {
    target: Target,
    changed_target: Option<Target>,
    principals: Vec<Principal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    kind: String,
    name: String,
    bucket: Option<String>,
    log_files: Option<String>,
    key_arn: Option<String>,
    #[serde(default)]
    notes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Principal {
    kind: String,
    name: String,
    account: Option<String>,
    access: Vec<Cell>,
    changed_access: Option<Vec<Cell>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cell {
    right: String,
    allowed: bool,
    reasons: Vec<Reason>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reason {
    action: String,
    allowed: bool,
    reason: String,
    #[serde(default)]
    way: String,
}

pub(crate) async fn run(args: AccessArgs) -> Result<ExitCode> {
    let mut input = args.target.input();
    if let Some(path) = &args.with_change {
        let read = || -> Result<Value> { change::parse(&std::fs::read_to_string(path)?, args.target.kind()) };
        let change = read().with_context(|| format!("cannot take the change in `{}`", path.display()))?;
        input.insert("Change".to_owned(), change);
    }
    let client = client::of(&env::announced(&args.data_dir)?)?;
    let answer = client
        .json(ServiceName::Shoseki, "DescribeAccess", &input.into())
        .await
        .context("the access cannot be told")?;
    if args.output.json() {
        say(format_args!("{answer:#}"));
        return Ok(ExitCode::SUCCESS);
    }
    let access = Access::deserialize(&answer).context("the answer is of a form not known here")?;
    print::Page::new(&access, args.all, args.reasons).say();
    Ok(ExitCode::SUCCESS)
}

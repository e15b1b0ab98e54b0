//! `shoseki guard`: settings kept as a baseline says, by hand, by cron, as a service, or inside `shoseki serve`.

mod print;
mod run;
mod serve;
mod worker;

pub(crate) use worker::{shown, worker};

use crate::operate::{Access, Output, cannot_be_used, cannot_read, tr};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use operator::{
    aws::{Client, elements},
    guard::{Baseline, Finding, Item, Mode, Report, State, inspect, put_back},
    message::Language,
    trail::Notation,
};
use sigv4::sign::Credentials;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use wire::ServiceName;

/// The name of its sessions under the baseline's role.
const SESSION: &str = "shoseki-guard";
/// What drift ends with.
const DRIFT: u8 = 3;

#[derive(Subcommand)]
pub(crate) enum GuardCommand {
    /// Look at everything once, and put back what differs when the baseline or --enforce says so. For cron and CI.
    Run(run::RunArgs),
    /// Run at the baseline's times until told to stop.
    Serve(serve::ServeArgs),
    /// Show the baseline as it is understood, and its next runs. Nothing is called.
    Show(print::ShowArgs),
}

/// The baseline, and what is remembered of its runs.
#[derive(Args)]
struct Source {
    /// The baseline, in YAML, JSON or TOML by the file's name.
    baseline: PathBuf,
    /// Where it is remembered when the baseline ran [default: the baseline's file with .state.json at its end].
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

impl Source {
    fn baseline(&self, language: Language) -> Result<Baseline> {
        read_baseline(&self.baseline, language)
    }

    fn state_file(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(|| {
            let mut name = self.baseline.clone().into_os_string();
            name.push(".state.json");
            name.into()
        })
    }
}

/// Reads a baseline.
fn read_baseline(path: &Path, language: Language) -> Result<Baseline> {
    let text = std::fs::read_to_string(path).with_context(|| cannot_read(path, language))?;
    let notation = Notation::of_name(&path.to_string_lossy());
    Baseline::parse(&text, notation).with_context(|| cannot_be_used(path, language))
}

pub(crate) async fn run(command: GuardCommand, language: Language) -> Result<ExitCode> {
    match command {
        GuardCommand::Run(args) => run::run(args, language).await,
        GuardCommand::Serve(args) => serve::run(args, language).await,
        GuardCommand::Show(args) => print::show(&args, language),
    }
}

/// How a run is made.
#[derive(Clone, Copy)]
struct How {
    mode: Mode,
    /// Whether the first run of a baseline may change anything.
    enforce_first: bool,
}

/// Looks, and puts back what is to be put back. `stopped` is asked between two calls.
async fn once(
    client: &Client,
    baseline: &Baseline,
    state: &State,
    how: How,
    stopped: &(dyn Fn() -> bool + Sync),
    language: Language,
) -> Result<Report> {
    let client = acting(client, baseline, language).await?;
    let regions = match baseline.level(Item::Config) {
        Some(_) => regions(&client).await?,
        None => Vec::new(),
    };
    let mut findings: Vec<Finding> = inspect(&client, baseline, &regions).await;
    let dry_run = how.mode == Mode::Enforce && !state.knows(baseline) && !how.enforce_first;
    if how.mode == Mode::Enforce && !dry_run {
        put_back(&client, &mut findings, stopped).await;
    }
    Ok(Report {
        mode: how.mode,
        dry_run,
        findings,
    })
}

/// A client with the rights of the baseline's role, when it names one; of the account that it names.
async fn acting(client: &Client, baseline: &Baseline, language: Language) -> Result<Client> {
    let client = match &baseline.role {
        Some(role) => {
            let input = [("RoleArn", role.as_str()), ("RoleSessionName", SESSION)];
            let answer = client.query(ServiceName::Sts, "AssumeRole", &input).await;
            let answer = answer.with_context(|| {
                tr!(
                    language,
                    "the role {role} cannot be assumed",
                    "ロール {role} を引き受けられません"
                )
            })?;
            client.with_credentials(credentials(&answer).context("the answer to AssumeRole has no credentials")?)
        }
        None => client.clone(),
    };
    if let Some(account) = &baseline.account {
        let answer = client.query(ServiceName::Sts, "GetCallerIdentity", &[]).await?;
        let found = elements(&answer, "Account").into_iter().next().unwrap_or_default();
        if found != *account {
            bail!(tr!(
                language,
                "the baseline is of the account {account}, and these credentials are of {found}",
                "ベースラインはアカウント {account} のものですが、認証情報は {found} のものです"
            ));
        }
    }
    Ok(client)
}

fn credentials(answer: &str) -> Option<Credentials> {
    let first = |name| elements(answer, name).into_iter().next();
    Some(Credentials {
        session_token: first("SessionToken"),
        ..Credentials::new(&first("AccessKeyId")?, &first("SecretAccessKey")?)
    })
}

async fn regions(client: &Client) -> Result<Vec<String>> {
    let text = client.query(ServiceName::Ec2, "DescribeRegions", &[]).await?;
    let mut names = elements(&text, "regionName");
    names.sort();
    Ok(names)
}

/// Whom to call, and for whom to write.
#[derive(Args)]
struct Common {
    #[command(flatten)]
    access: Access,
    /// For whom the answer is written.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

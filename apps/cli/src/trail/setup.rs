//! `shoseki trail setup`: a sealed trail with everything it needs, in one command.

use super::{
    proof::{self, WaitArgs},
    report, setup_prompts,
};
use crate::{
    changes::{self, ChangeOptions, Done, Planned, Screen},
    operate::{Access, Output, tr},
    style::{Style, say},
    trail_args::{Existing, TrailArgs, definition_of},
};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use operator::{
    aws::Client,
    delivery::{Folder, LogFile},
    message,
    message::Language,
    setup::{self, Caller, Check, Order, Prepared},
    trail::{Definition, EventSelector},
};
use serde::Serialize;
use std::{collections::BTreeSet, io::IsTerminal, path::PathBuf, process::ExitCode};

/// What `--help` ends with.
const AFTER: &str = "\
Without a name and without --yes it asks its questions on the terminal.

Nothing is changed before it was shown and confirmed. What is there as it is wanted stays as it is: a second run finds nothing
to do, and a run after an interrupted one does what is missing. If a step fails, what was made is taken back.

Examples:
  shoseki trail setup
  shoseki trail setup --name audit --region ap-northeast-1 --logs --wait
  shoseki trail setup --name audit --existing-bucket our-logs --existing-key alias/our-key
  shoseki trail setup --name audit --per-region ap-northeast-1,us-east-1 --yes

Exit status: 0 all is as it is wanted; 1 it failed, or was not confirmed; 2 wrong usage; 3 it is made, but --wait saw no log
file that is sealed as it should be; 130 interrupted.";

/// The options of `trail setup`.
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct SetupArgs {
    /// A file that says what the trail is, in YAML, JSON or TOML by its name; `-` is standard input, in YAML.
    #[arg(long, value_name = "FILE")]
    definition: Option<PathBuf>,
    #[command(flatten)]
    trail: TrailArgs,
    #[command(flatten)]
    more: MoreArgs,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    change: ChangeOptions,
    #[command(flatten)]
    access: Access,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// What only a trail that is made is asked.
#[derive(Args)]
#[command(next_help_heading = "The trail")]
struct MoreArgs {
    /// Which management events to record [default: all].
    #[arg(long, value_enum, value_name = "WHICH")]
    management_events: Option<Management>,
    /// Do not sign digests of the log files.
    #[arg(long)]
    no_validation: bool,
    /// Make a trail of this name in each of these Regions, with one bucket, key and role in the first (or in --region); `all`
    /// for all that are enabled.
    #[arg(long, value_name = "REGION", value_delimiter = ',', conflicts_with = "single_region")]
    per_region: Vec<String>,
    /// Give a new key and a new bucket the policies that AWS's console writes (its six-statement key policy), not the least.
    #[arg(long, conflicts_with_all = ["existing_key", "existing_bucket"])]
    console_policies: bool,
}

/// Which management events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Management {
    /// Reads and writes.
    All,
    /// Reads.
    Read,
    /// Writes.
    Write,
    /// None.
    None,
}

impl Management {
    /// Puts the choice into every selector of a trail.
    pub(super) fn apply(self, trail: &mut Definition) {
        if trail.event_selectors.is_empty() && self != Management::All {
            trail.event_selectors = vec![EventSelector::default()];
        }
        for selector in &mut trail.event_selectors {
            selector.include_management_events = self != Management::None;
            // Data events follow their own selector's type: just what management events are is said here.
            selector.read_write_type = match self {
                Management::Read => "ReadOnly",
                Management::Write => "WriteOnly",
                Management::All | Management::None => "All",
            }
            .to_owned();
        }
    }
}

/// The answer as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    caller: &'a Caller,
    region: &'a str,
    trails: &'a [String],
    bucket: &'a str,
    key: Option<&'a str>,
    checks: &'a [Check],
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'a Done>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<&'a LogFile>,
}

pub(crate) async fn run(args: SetupArgs, language: Language) -> Result<ExitCode> {
    let client = args.access.client()?;
    let mut definition = match &args.definition {
        Some(path) => definition_of(path)?,
        None => Definition::default(),
    };
    args.trail.apply(&mut definition, Existing::Completed)?;
    args.more.apply(&mut definition)?;
    let asks =
        args.trail.name.is_none() && args.definition.is_none() && !args.change.yes && std::io::stdin().is_terminal();
    if asks {
        let asked = setup_prompts::ask(&client, definition, language).await?;
        let Some(asked) = asked else {
            let nothing = tr!(language, "Nothing was changed.", "何も変更していません。");
            say(nothing);
            return Ok(ExitCode::from(130));
        };
        definition = asked;
    }
    let per_region = args.more.regions(&client).await?;
    if let (None, Some(first)) = (&args.access.region, per_region.first())
        && definition.region.is_none()
    {
        definition.region = Some(first.clone());
    }
    if args.access.region.is_some() && !asks {
        definition.region.clone_from(&args.access.region);
    }
    let order = Order {
        definition,
        console_policies: args.more.console_policies,
        per_region,
    };
    let prepared = setup::prepare(&client, &order).await?;
    carry_on(&args, &client, &order, prepared, language).await
}

impl MoreArgs {
    fn apply(&self, trail: &mut Definition) -> Result<()> {
        if self.no_validation {
            trail.validation = false;
        }
        if let Some(management) = self.management_events {
            if !trail.advanced_event_selectors.is_empty() {
                bail!("--management-events is for a trail without advanced_event_selectors: say it there");
            }
            management.apply(trail);
        }
        Ok(())
    }

    async fn regions(&self, client: &Client) -> Result<Vec<String>> {
        if self.per_region != ["all"] {
            let mut regions: Vec<String> = Vec::new();
            for region in &self.per_region {
                if !regions.contains(region) {
                    regions.push(region.clone());
                }
            }
            return Ok(regions);
        }
        setup::enabled_regions(client).await.map_err(Into::into)
    }
}

/// Shows what was found, makes the change, waits for the proof.
async fn carry_on(
    args: &SetupArgs,
    client: &Client,
    order: &Order,
    prepared: Prepared,
    language: Language,
) -> Result<ExitCode> {
    let screen = Screen::new(args.output, language);
    let style = match args.output {
        Output::Text => Style::of_stdout(),
        Output::Json => Style::of_stderr(),
    };
    report::checks(&screen, style, &prepared.checks, language);
    report::notes(&screen, &prepared.notes, language);
    if !prepared.is_possible() {
        screen.say(tr!(
            language,
            "Nothing was changed: this has to be put right first.",
            "何も変更していません。先に上記の問題を解消してください。"
        ));
        answer(args.output, &prepared, prepared.key.as_deref(), None, None);
        return Ok(ExitCode::FAILURE);
    }
    let planned = planned(args, order, &prepared);
    let changed = changes::confirm_and_carry_out(client, &planned, &args.change, language).await?;
    let made = changed.answers.get("keyArn").cloned();
    let key = prepared.key.clone().or(made);
    let mut code = changed.exit_code();
    let mut delivered = None;
    if args.wait.wait && changed.is_good() {
        let account = &prepared.caller.account;
        let (bucket, region) = (&prepared.bucket, &prepared.region);
        let folder = Folder::new(
            bucket,
            &prepared.bucket_region,
            prepared.prefix.as_deref(),
            account,
            region,
        );
        let minutes = args.wait.wait_minutes;
        let waited = proof::wait(client, &folder, &BTreeSet::new(), key.as_deref(), minutes).await?;
        if !proof::tell(&screen, &waited, minutes, language) {
            code = proof::exit_code(&waited);
        }
        if let proof::Waited::Proven(file) = waited {
            delivered = Some(file);
        }
    }
    answer(
        args.output,
        &prepared,
        key.as_deref(),
        Some(&changed),
        delivered.as_ref(),
    );
    Ok(code)
}

fn planned(args: &SetupArgs, order: &Order, prepared: &Prepared) -> Planned {
    let (name, region) = (&order.definition.name, &prepared.region);
    let title = match order.per_region.len() {
        0 => message!("Set up the trail {name} in {region}", "{region} に証跡 {name} を設定"),
        count => message!(
            "Set up the trail {name} in {count} Regions",
            "{count} リージョンに証跡 {name} を設定"
        ),
    };
    Planned {
        title,
        what: "setup",
        account: prepared.caller.account.clone(),
        steps: prepared.steps.clone(),
        warnings: Vec::new(),
        take_back_on_failure: true,
        access: args.access.clone(),
        output: args.output,
    }
}

fn answer(output: Output, prepared: &Prepared, key: Option<&str>, change: Option<&Done>, delivered: Option<&LogFile>) {
    if output == Output::Text {
        return;
    }
    let answer = Answer {
        caller: &prepared.caller,
        region: &prepared.region,
        trails: &prepared.trails,
        bucket: &prepared.bucket,
        key,
        checks: &prepared.checks,
        change,
        delivered,
    };
    say(serde_json::to_string_pretty(&answer).unwrap_or_default());
}

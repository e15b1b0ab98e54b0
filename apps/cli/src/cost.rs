//! `shoseki cost`: what trails and their keys cost in a month, with the formulae.

use crate::{
    operate::{Access, Output, cannot_be_used, cannot_read, tr},
    style::{Style, say},
    table::aligned,
};
use anyhow::{Context, Result};
use clap::Args;
use operator::{
    cost::{Estimate, Insights, KeyFacts, ManagementEvents, Prices, Surveyed, Usage},
    message::{Language, Message},
    survey::{self, Depth, Survey, What},
    trail::Notation,
};
use std::{path::PathBuf, process::ExitCode};

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  shoseki cost --keys 1 --rotations 1 --objects-read 50000
  shoseki cost --survey --management-events 150000 --objects-read 50000
  shoseki cost --management-events 150000 --copies 2 --data-events 2000000
  shoseki cost --show-prices > prices.toml && shoseki cost --keys 3 --prices prices.toml

Only --survey calls anything, and only reads. Storage, requests of S3 and transfer between Regions are not counted.

Exit status: 0 an estimate was made; 1 it could not be made; 2 wrong usage.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CostArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    events: EventArgs,
    /// Prices of your own, in TOML or JSON by the file's name; what it does not name is as published.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Print the table of prices in TOML, and nothing else.
    #[arg(long)]
    show_prices: bool,
    /// For whom the answer is written.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Where keys and copies are known from.
#[derive(Args)]
#[group(multiple = false)]
struct SourceArgs {
    /// Ask the account which trails and keys there are.
    #[arg(long, conflicts_with_all = ["keys", "copies"])]
    survey: bool,
    /// Take the trails and keys from a survey that was saved as JSON.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keys", "copies"])]
    from: Option<PathBuf>,
}

#[derive(Args)]
#[command(next_help_heading = "Keys")]
struct KeyArgs {
    /// How many customer managed keys there are, all alike.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=10_000))]
    keys: u16,
    /// How often each was rotated.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "keys")]
    rotations: u32,
    /// How many replicas in other Regions each has.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "keys")]
    replicas: u32,
    /// For how many hours of the month (of 730) they exist [default: all].
    #[arg(long, value_name = "HOURS", requires = "keys", value_parser = clap::value_parser!(u16).range(..=730))]
    hours: Option<u16>,
    /// Calls of KMS in the month, in all Regions; CloudTrail's own do not count.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    requests: u64,
    /// How many log and digest files under the key are read in the month: one request each.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    objects_read: u64,
}

#[derive(Args)]
#[command(next_help_heading = "Events of the month")]
struct EventArgs {
    /// Management events that happen.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    management_events: u64,
    /// How many trails deliver each management event in its Region.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "management_events")]
    copies: u32,
    /// Data events delivered; one that two trails deliver counts twice.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    data_events: u64,
    /// Network activity events delivered.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    network_activity_events: u64,
    /// Management events that read, of a trail with Insights of both types.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    insights_reads: u64,
    /// Management events that write, of a trail with Insights of both types.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    insights_writes: u64,
    /// Management events of further copies whose delivery fails.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    undelivered_management_events: u64,
    /// Data events whose delivery fails.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    undelivered_data_events: u64,
}

pub(crate) async fn run(args: CostArgs, language: Language) -> Result<ExitCode> {
    let prices = prices(&args, language)?;
    if args.show_prices {
        say(prices.to_toml().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let mut usage = usage(&args);
    let mut assumptions = Vec::new();
    if let Some(survey) = survey(&args, language).await? {
        let surveyed = Surveyed::of(&survey, args.events.management_events);
        (usage.keys, usage.management) = (surveyed.usage.keys, surveyed.usage.management);
        assumptions = surveyed.assumptions;
    }
    let estimate = with(prices.monthly(&usage), assumptions);
    match args.output {
        Output::Json => say(serde_json::to_string_pretty(&estimate)?),
        Output::Text => print(&estimate, Style::of_stdout(), language),
    }
    Ok(ExitCode::SUCCESS)
}

/// The survey that is asked for, if one is.
async fn survey(args: &CostArgs, language: Language) -> Result<Option<Survey>> {
    if let Some(file) = &args.source.from {
        let text = std::fs::read_to_string(file).with_context(|| cannot_read(file, language))?;
        let survey = serde_json::from_str(&text).with_context(|| cannot_be_used(file, language))?;
        return Ok(Some(survey));
    }
    if !args.source.survey {
        return Ok(None);
    }
    let what = What {
        depth: Depth::Full,
        ..What::default()
    };
    Ok(Some(survey::read(&args.access.client()?, &what).await?))
}

/// The estimate with more that is taken to be so, first.
fn with(mut estimate: Estimate, mut assumptions: Vec<Message>) -> Estimate {
    assumptions.append(&mut estimate.assumptions);
    Estimate {
        assumptions,
        ..estimate
    }
}

fn prices(args: &CostArgs, language: Language) -> Result<Prices> {
    let Some(file) = &args.prices else {
        return Ok(Prices::default());
    };
    let text = std::fs::read_to_string(file).with_context(|| cannot_read(file, language))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Prices::parse(&text, Notation::of_name(&name)).with_context(|| cannot_be_used(file, language))
}

fn usage(args: &CostArgs) -> Usage {
    let (keys, events) = (&args.keys, &args.events);
    let key = KeyFacts {
        rotations: keys.rotations,
        replicas: keys.replicas,
        hours: keys.hours,
        ..KeyFacts::default()
    };
    let management = ManagementEvents {
        region: None,
        events: events.management_events,
        copies: events.copies,
    };
    Usage {
        keys: vec![key; usize::from(keys.keys)],
        kms_requests: keys.requests,
        objects_read: keys.objects_read,
        management: vec![management],
        data_events: events.data_events,
        network_activity_events: events.network_activity_events,
        insights: vec![Insights {
            reads: events.insights_reads,
            writes: events.insights_writes,
            call_rate: true,
            error_rate: true,
        }],
        undelivered_management_events: events.undelivered_management_events,
        undelivered_data_events: events.undelivered_data_events,
    }
}

fn print(estimate: &Estimate, style: Style, language: Language) {
    say(style.bold(tr!(language, "A month costs, in US dollars:", "1 か月の費用 (米ドル):")));
    let rows: Vec<Vec<String>> = estimate
        .lines
        .iter()
        .map(|line| {
            let what = line.what.in_language(language).to_owned();
            vec![format!("  {what}"), line.formula.clone()]
        })
        .collect();
    for line in aligned(&rows, &[]) {
        say(line);
    }
    let total = style.bold(estimate.total);
    say(tr!(language, "Total: {total}", "合計: {total}"));
    say("");
    say(tr!(language, "Taken to be so:", "前提:"));
    for assumption in &estimate.assumptions {
        say(format!("  - {}", assumption.in_language(language)));
    }
    say(tr!(language, "Not in it:", "含まれないもの:"));
    for item in &estimate.not_counted {
        say(format!("  - {}", item.in_language(language)));
    }
    let date = &estimate.prices.as_of;
    say(style.dim(tr!(
        language,
        "Prices of {date}; `shoseki cost --show-prices` prints them, `--prices FILE` takes others.",
        "価格は {date} 現在。`shoseki cost --show-prices` で表示し、`--prices FILE` で差し替えられます。"
    )));
}

//! `shoseki check`: whether an account's trails are as they should be, and what puts them right.

mod args;
mod html;
mod junit;
mod sarif;
mod saved;
mod table;

pub(crate) use args::CheckArgs;

use crate::{
    changes::{self, Planned},
    operate::tr,
    style::{Style, say},
};
use anyhow::{Context, Result};
use args::Form;
use base::{Clock, Timestamp};
use indicatif::ProgressBar;
use operator::{
    aws::Client,
    check::{self, Evidence, Finding, Fix, Options, Report},
    message,
    message::Language,
    survey::{self, Survey},
};
use std::{io::IsTerminal, process::ExitCode, time::Duration};
use wire::ServiceName;

/// The status of a check that found a failed control.
const FOUND: u8 = 3;
/// How often the sign of waiting moves.
const TICK: Duration = Duration::from_millis(100);

pub(crate) async fn run(args: CheckArgs, language: Language) -> Result<ExitCode> {
    let options = args.options(language)?;
    let at = args.time(Clock::system().real_now(), language)?;
    let (survey, evidence, at) = match &args.from {
        Some(file) => {
            let (survey, evidence) = saved::read(file, language)?;
            let at = args.at.is_none().then_some(survey.made_at).flatten().unwrap_or(at);
            (survey, evidence, at)
        }
        None => {
            let (survey, evidence) = look(&args, at, language).await?;
            (survey, evidence, at)
        }
    };
    if let Some(file) = &args.save_survey {
        saved::write(file, &survey, &evidence, language)?;
    }
    let mut report = check::check(&survey, &evidence, &options, at);
    if let Some(wanted) = args.fix() {
        let client = args.access.client()?;
        match fix(&args, wanted, (&survey, &report), &client, language).await? {
            Fixed::Made => report = again(&args, &options, at, language).await?,
            Fixed::Nothing => {}
            Fixed::Ended(status) => return Ok(status),
        }
    }
    write(&args, &report, language)?;
    Ok(match report.is_bad(args.verdict.fail_on.into(), args.verdict.strict) {
        true => ExitCode::from(FOUND),
        false => ExitCode::SUCCESS,
    })
}

/// Reads the account and looks into the buckets of its trails.
async fn look(args: &CheckArgs, at: Timestamp, language: Language) -> Result<(Survey, Evidence)> {
    let client = args.access.client()?;
    let progress = waiting();
    progress.set_message(tr!(language, "Reading the account", "アカウントを読み取っています"));
    let survey = survey::read(&client, &args.what()).await;
    let survey = survey.with_context(|| tr!(language, "the account cannot be read", "アカウントを読み取れません"))?;
    progress.set_message(tr!(language, "Looking into the buckets", "バケットを確認しています"));
    let evidence = check::gather(&client, &survey, at).await;
    progress.finish_and_clear();
    Ok((survey, evidence))
}

/// Says on a terminal what is waited for.
fn waiting() -> ProgressBar {
    let bar = match std::io::stderr().is_terminal() {
        true => ProgressBar::new_spinner(),
        false => ProgressBar::hidden(),
    };
    bar.enable_steady_tick(TICK);
    bar
}

/// The same once more, after a change.
async fn again(args: &CheckArgs, options: &Options, at: Timestamp, language: Language) -> Result<Report> {
    let (survey, evidence) = look(args, at, language).await?;
    Ok(check::check(&survey, &evidence, options, at))
}

enum Fixed {
    Made,
    /// Nothing was changed, and that was meant.
    Nothing,
    Ended(ExitCode),
}

/// Plans what puts the failed findings right, and makes it.
async fn fix(
    args: &CheckArgs,
    wanted: &[String],
    (survey, report): (&Survey, &Report),
    client: &Client,
    language: Language,
) -> Result<Fixed> {
    let wanted = args::controls(wanted, language)?;
    let is_wanted = |finding: &&Finding| wanted.is_empty() || wanted.contains(&finding.control);
    let findings: Vec<&Finding> = report.findings.iter().filter(is_wanted).collect();
    let mut steps = Vec::new();
    let mut by_hand = Vec::new();
    let options = args.fix_options(!client.uses_tls(ServiceName::S3)?)?;
    for (finding, fix) in check::fixes(&findings, survey, &options) {
        match fix {
            Fix::Steps(more) => steps.extend(more),
            Fix::Manual(how) => {
                let (id, resource) = (finding.control.id, &finding.resource.id);
                let ja = how.in_language(Language::Japanese);
                by_hand.push(message!("{id} {resource}: {how}", "{id} {resource}: {ja}"));
            }
            Fix::None => {}
        }
    }
    let nothing = steps.is_empty();
    let planned = Planned {
        title: message!("Put failed controls right", "不合格のコントロールを修正します"),
        what: "fix",
        account: survey.account.clone(),
        steps,
        warnings: by_hand,
        take_back_on_failure: false,
        access: args.access.clone(),
        output: args.words(),
    };
    let done = changes::confirm_and_carry_out(client, &planned, &args.change, language).await?;
    Ok(match done.outcome {
        changes::Outcome::Made => Fixed::Made,
        changes::Outcome::NothingToDo | changes::Outcome::DryRun if nothing || args.change.dry_run => Fixed::Nothing,
        _ => Fixed::Ended(done.exit_code()),
    })
}

fn write(args: &CheckArgs, report: &Report, language: Language) -> Result<()> {
    let text = match args.verdict.output {
        Form::Table => {
            let style = if args.verdict.out.is_some() {
                Style::plain()
            } else {
                Style::of_stdout()
            };
            let mut lines = table::lines(report, style, language);
            lines.push(String::new());
            lines.join("\n")
        }
        Form::Json => format!("{}\n", serde_json::to_string_pretty(&report.document())?),
        Form::Junit => junit::text(report, args.verdict.strict, language),
        Form::Sarif => format!(
            "{}\n",
            serde_json::to_string_pretty(&sarif::document(report, language))?
        ),
        Form::Html => html::page(report, language),
    };
    match &args.verdict.out {
        Some(file) => {
            let name = file.display().to_string();
            std::fs::write(file, text)
                .with_context(|| tr!(language, "{name} cannot be written", "{name} に書き込めません"))
        }
        None => {
            say(text.trim_end());
            Ok(())
        }
    }
}

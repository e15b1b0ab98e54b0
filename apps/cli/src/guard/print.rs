//! What a guard says.

use super::Source;
use crate::{
    operate::{Output, tr},
    style::{Style, say},
};
use anyhow::{Result, anyhow};
use base::{Clock, Timestamp};
use clap::Args;
use operator::{
    guard::{Baseline, Finding, Item, Mode, Report, Schedule, Standing, State},
    message::Language,
};
use serde_json::json;
use std::process::ExitCode;

/// How many runs are shown.
const RUNS: usize = 4;

/// What `--help` ends with.
const EXAMPLES: &str = "\
Example:
  shoseki guard show baseline.yaml

Exit status: 0 the baseline can be used; 1 it cannot; 2 wrong usage.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    source: Source,
    /// For whom the answer is written.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(crate) fn show(args: &ShowArgs, language: Language) -> Result<ExitCode> {
    let baseline = args.source.baseline(language)?;
    let state = State::read(&args.source.state_file()).map_err(|fault| anyhow!(fault))?;
    let mut runs: Vec<Timestamp> = Vec::new();
    let mut after = Clock::system().real_now();
    while let Some(run) = baseline.schedule.next_after(after).filter(|_| runs.len() < RUNS) {
        runs.push(run);
        after = run;
    }
    if args.output == Output::Json {
        let levels = json!({
            "cloudtrail": baseline.level(Item::CloudTrail), "config": baseline.level(Item::Config),
        });
        let document = json!({
            "baseline": baseline,
            "levels": levels,
            "nextRuns": runs.iter().map(|run| run.iso8601()).collect::<Vec<_>>(),
            "lastRun": state.since().filter(|_| state.knows(&baseline)).map(Timestamp::iso8601),
            "firstRunIsDry": !state.knows(&baseline),
        });
        say(serde_json::to_string_pretty(&document)?);
    } else {
        resolved(&baseline, &state, &runs, language);
    }
    Ok(ExitCode::SUCCESS)
}

fn resolved(baseline: &Baseline, state: &State, runs: &[Timestamp], language: Language) {
    let style = Style::of_stdout();
    say(style.bold(tr!(language, "The baseline", "ベースライン")));
    for item in [Item::CloudTrail, Item::Config] {
        let name = item.named();
        let level = match baseline.level(item) {
            Some(level) => level.named().in_language(language).to_owned(),
            None => tr!(language, "not opted in", "オプトインなし"),
        };
        say(format!("  {name}: {level}"));
    }
    for trail in &baseline.trails {
        let (name, region) = (&trail.name, &trail.home_region);
        say(tr!(language, "  trail {name} in {region}", "  証跡 {name} ({region})"));
    }
    let excluded: Vec<&str> = baseline
        .exclude_regions
        .iter()
        .chain(&baseline.exclude_resources)
        .map(String::as_str)
        .collect();
    if !excluded.is_empty() {
        let excluded = excluded.join(", ");
        say(tr!(language, "  left alone: {excluded}", "  除外: {excluded}"));
    }
    let role = baseline
        .role
        .clone()
        .unwrap_or_else(|| tr!(language, "the caller", "呼び出し元"));
    say(tr!(language, "  acts as {role}", "  実行者: {role}"));
    let mode = mode(baseline.mode, language);
    say(format!("  {mode}"));
    if !state.knows(baseline) {
        say(tr!(
            language,
            "  its first run only looks, and changes nothing",
            "  初回の実行は確認のみで、何も変更しません"
        ));
    }
    say(style.bold(tr!(language, "Next runs", "次回以降の実行")));
    for run in runs {
        say(format!("  {}", moment(&baseline.schedule, *run)));
    }
    say(tr!(
        language,
        "  Where clocks go forward over the time it runs as much later; where they go back it runs once, at the earlier time.",
        "  夏時間の開始でその時刻がない日はその分遅れて、終了で時刻が二度ある日は早い方で一度だけ実行します。"
    ));
}

fn mode(mode: Mode, language: Language) -> String {
    match mode {
        Mode::Report => tr!(language, "reports what differs", "差分を報告します"),
        Mode::Enforce => tr!(language, "puts back what differs", "差分を元に戻します"),
    }
}

/// A moment by the schedule's clocks, and in UTC.
pub(super) fn moment(schedule: &Schedule, at: Timestamp) -> String {
    format!("{} ({})", schedule.shown(at), at.iso8601())
}

/// What a run found and did.
pub(super) fn report(report: &Report, language: Language) {
    let style = Style::of_stdout();
    for finding in &report.findings {
        line(finding, style, language);
    }
    let count = |standing: Standing| {
        report
            .findings
            .iter()
            .filter(|finding| finding.standing == standing)
            .count()
    };
    let (drift, back, failed) = (
        count(Standing::Drift),
        count(Standing::PutBack),
        count(Standing::Failed),
    );
    let unknown = count(Standing::Unknown);
    say(tr!(
        language,
        "{drift} differ, {back} put back, {failed} failed, {unknown} not known",
        "差分 {drift} 件、復元 {back} 件、失敗 {failed} 件、不明 {unknown} 件"
    ));
    if report.dry_run {
        say(tr!(
            language,
            "This was the first run of this baseline: it only looked. The next one puts back what differs.",
            "このベースラインの初回実行のため確認のみ行いました。次回から差分を元に戻します。"
        ));
    }
}

fn line(finding: &Finding, style: Style, language: Language) {
    let standing = match finding.standing {
        Standing::InOrder => style.good(tr!(language, "in order", "正常")),
        Standing::Drift => style.bad(tr!(language, "differs", "差分あり")),
        Standing::PutBack => style.good(tr!(language, "put back", "復元済み")),
        Standing::Failed => style.bad(tr!(language, "failed", "失敗")),
        Standing::Skipped => style.dim(tr!(language, "left alone", "対象外")),
        Standing::Unknown => style.bad(tr!(language, "not known", "不明")),
    };
    let place = match (finding.resource.as_str(), finding.region.as_str()) {
        ("", _) => finding.item.named().to_string(),
        (resource, region) => format!("{resource} ({region})"),
    };
    let what = finding.what.in_language(language);
    say(format!("  {standing}: {place}: {what}"));
}

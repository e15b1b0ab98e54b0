//! `shoseki trail status`: how the trails of all Regions stand.

use crate::{
    operate::{Access, Output, cannot_write, tr},
    style::{Style, say},
    table::{aligned, padded, width},
};
use anyhow::{Context, Result, bail};
use base::{Clock, Timestamp};
use clap::Args;
use operator::{
    message::Language,
    status::{KeyReport, Report, TrailReport, report},
    survey::{self, Depth, Encryption, Fact, Missing, MissingKind, Survey, What},
};
use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// A table that is wider is written in another way.
const COLUMNS_MAX: usize = 100;

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  shoseki trail status
  shoseki trail status --trail Members --lang ja
  shoseki trail status --regions eu-west-1,eu-central-1 --output json
  shoseki trail status --save account.json

All calls only read: ec2:DescribeRegions, cloudtrail:DescribeTrails, cloudtrail:GetTrailStatus,
s3:GetEncryptionConfiguration, kms:DescribeKey, kms:ListAliases. What may not be asked is NOT AVAILABLE, by its name.

Exit status: 0 every trail logs and no error is known; 1 nothing could be asked; 2 wrong usage; 3 a trail is not there,
does not log, cannot be asked whether it logs, has errors of delivery, or its bucket or key cannot be used.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatusArgs {
    /// Only these Regions [default: all that the account has].
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    regions: Vec<String>,
    /// Only this trail, by its name or ARN; may be given again.
    #[arg(long, value_name = "NAME")]
    trail: Vec<String>,
    /// Read all else about these trails, too, and keep it in this file, for commands that work `--from FILE`.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// For whom the answer is written.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    access: Access,
}

pub(crate) async fn run(args: StatusArgs, language: Language) -> Result<ExitCode> {
    if args.regions.iter().any(String::is_empty) {
        bail!("--regions has an empty name in it");
    }
    let some = |names: Vec<String>| Some(names).filter(|names| !names.is_empty());
    let what = What {
        regions: some(args.regions),
        trails: some(args.trail),
        depth: match args.save {
            Some(_) => Depth::Full,
            None => Depth::Status,
        },
        ..What::default()
    };
    let client = args.access.client()?;
    let progress = indicatif::ProgressBar::new_spinner();
    progress.set_message(tr!(language, "asking all Regions", "全リージョンに照会中"));
    progress.enable_steady_tick(Duration::from_millis(100));
    let survey = tokio::select! {
        survey = survey::read(&client, &what) => survey,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            progress.finish_and_clear();
            // Nothing was changed, and there is nothing to go on with.
            return Ok(ExitCode::from(130));
        }
    };
    progress.finish_and_clear();
    let survey = survey?;
    if let Some(path) = &args.save {
        save(&survey, path).with_context(|| cannot_write(path, language))?;
    }
    let report = report(&survey, what.trails.as_deref());
    match args.output {
        Output::Json => say(serde_json::to_string_pretty(&report)?),
        Output::Text => print(&report, Clock::system().real_now(), Style::of_stdout(), language),
    }
    Ok(match report.findings.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(3),
    })
}

/// The file tells who may do what in the account: it is for its owner's eyes.
fn save(survey: &Survey, path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(serde_json::to_string_pretty(survey)?.as_bytes())?;
    file.write_all(b"\n")?;
    Ok(())
}

fn print(report: &Report, now: Timestamp, style: Style, language: Language) {
    let (account, caller) = (&report.account, &report.caller);
    say(tr!(
        language,
        "Account {account}, as {caller}",
        "アカウント {account} ({caller} として照会)"
    ));
    say("");
    for (at, line) in regions(report, language).into_iter().enumerate() {
        say(if at == 0 { style.bold(line) } else { line });
    }
    if !report.trails.is_empty() {
        say("");
        for line in trails(report, now, style, language) {
            say(line);
        }
    }
    let names: BTreeMap<&str, String> = report
        .trails
        .iter()
        .map(|trail| (trail.arn.as_str(), format!("{} ({})", trail.name, trail.home_region)))
        .collect();
    say("");
    for finding in &report.findings {
        let trail = finding.trail.as_deref().and_then(|arn| names.get(arn));
        let trail = trail.map_or_else(String::new, |trail| format!("{trail}: "));
        say(style.bad(format!("✗ {trail}{}", finding.message.in_language(language))));
    }
    if report.findings.is_empty() {
        say(style.good(tr!(
            language,
            "✓ Every trail that was seen logs, and no error is known.",
            "✓ 見つかった証跡はすべて記録中で、エラーはありません。"
        )));
    }
    for unread in &report.not_available {
        let said = unread.message.in_language(language);
        say(tr!(language, "NOT AVAILABLE: {said}", "取得不可: {said}"));
    }
}

/// A row for each Region and trail: home or shadow, logging, key. A Region without a trail and one that could not be asked
/// are no rows of a trail.
fn regions(report: &Report, language: Language) -> Vec<String> {
    let by_arn: BTreeMap<&str, &TrailReport> = report.trails.iter().map(|trail| (trail.arn.as_str(), trail)).collect();
    let heads = match language {
        Language::English => ["REGION", "TRAIL", "KIND", "LOGGING", "KEY"],
        Language::Japanese => ["リージョン", "証跡", "種別", "記録", "暗号化キー"],
    };
    let names = report.regions.iter().map(|region| width(&region.region));
    let first = names.max().unwrap_or(0).max(width(heads[0]));
    let mut rows: Vec<Vec<String>> = vec![heads.map(str::to_owned).to_vec()];
    rows[0][0] = padded(heads[0], first);
    for region in &report.regions {
        let name = padded(&region.region, first);
        let arns = match &region.trails {
            Fact::Known(arns) => arns,
            Fact::NotAvailable(missing) => {
                rows.push(vec![format!("{name}  {}", not_available(missing, language))]);
                continue;
            }
        };
        let seen = arns.iter().filter_map(|arn| by_arn.get(arn.as_str()));
        let mut is_first = true;
        for trail in seen {
            let shown = if is_first { name.clone() } else { padded("", first) };
            is_first = false;
            rows.push(vec![
                shown,
                trail.name.clone(),
                kind(trail, &region.region, language),
                logging(trail, language),
                key(trail.key.as_ref(), language),
            ]);
        }
        if is_first {
            rows.push(vec![format!("{name}  {}", tr!(language, "no trail", "証跡なし"))]);
        }
    }
    aligned(&rows, &[])
}

fn not_available(missing: &Missing, language: Language) -> String {
    let (call, code) = (&missing.call, &missing.code);
    tr!(language, "NOT AVAILABLE: {call} ({code})", "取得不可: {call} ({code})")
}

fn kind(trail: &TrailReport, region: &str, language: Language) -> String {
    match trail.home_region == region {
        true => tr!(language, "home", "ホーム"),
        false => tr!(language, "shadow", "シャドー"),
    }
}

fn logging(trail: &TrailReport, language: Language) -> String {
    match &trail.status {
        Fact::Known(status) if status.is_logging => tr!(language, "yes", "記録中"),
        Fact::Known(_) => tr!(language, "NO", "停止"),
        Fact::NotAvailable(_) => tr!(language, "NOT AVAILABLE", "取得不可"),
    }
}

fn key(key: Option<&KeyReport>, language: Language) -> String {
    match key {
        None => tr!(language, "none", "無効"),
        Some(key) => {
            let name = key.name();
            tr!(language, "{name}", "有効 ({name})")
        }
    }
}

/// What is true of a trail wherever it is seen: one row each, or where that is too wide, one paragraph each.
fn trails(report: &Report, now: Timestamp, style: Style, language: Language) -> Vec<String> {
    let heads = match language {
        Language::English => [
            "TRAIL",
            "HOME",
            "BUCKET",
            "ITS DEFAULT",
            "VALIDATION",
            "LAST DELIVERY",
            "LAST DIGEST",
        ],
        Language::Japanese => [
            "証跡",
            "ホーム",
            "バケット",
            "既定の暗号化",
            "検証",
            "最終配信",
            "最終ダイジェスト",
        ],
    };
    let rows: Vec<[String; 7]> = report
        .trails
        .iter()
        .map(|trail| facts_of(trail, now, language))
        .collect();
    let mut table = vec![heads.map(str::to_owned).to_vec()];
    table.extend(rows.iter().map(|row| row.to_vec()));
    let mut lines = aligned(&table, &[]);
    if lines.iter().all(|line| width(line) <= COLUMNS_MAX) {
        if let Some(head) = lines.first_mut() {
            *head = style.bold(&head);
        }
        return lines;
    }
    let names = heads.iter().map(|head| width(head)).max().unwrap_or(0);
    let mut lines = Vec::new();
    for [name, home, rest @ ..] in rows {
        lines.push(style.bold(format!("{name} ({home})")));
        for (head, fact) in heads.iter().skip(2).zip(rest) {
            lines.push(format!("  {}  {fact}", padded(head, names)));
        }
    }
    lines
}

fn facts_of(trail: &TrailReport, now: Timestamp, language: Language) -> [String; 7] {
    let validation = match trail.validation {
        true => tr!(language, "on", "有効"),
        false => tr!(language, "off", "無効"),
    };
    let (delivery, digest) = match &trail.status {
        Fact::Known(status) => (
            age(status.latest_delivery_time, now, language),
            age(status.latest_digest_delivery_time, now, language),
        ),
        Fact::NotAvailable(_) => {
            let unknown = tr!(language, "NOT AVAILABLE", "取得不可");
            (unknown.clone(), unknown)
        }
    };
    [
        trail.name.clone(),
        trail.home_region.clone(),
        trail.bucket.clone(),
        default_encryption(&trail.bucket_encryption, trail.key.as_ref(), language),
        validation,
        delivery,
        digest,
    ]
}

fn default_encryption(fact: &Fact<Option<Encryption>>, of_trail: Option<&KeyReport>, language: Language) -> String {
    match fact {
        Fact::Known(None) => tr!(language, "none", "なし"),
        Fact::Known(Some(encryption)) => match &encryption.key {
            // The same key by its ARN or its id; by its alias it may be another one tomorrow.
            Some(key) if of_trail.is_some_and(|trail| trail.arn == *key || trail.arn.ends_with(&format!("/{key}"))) => {
                let algorithm = &encryption.algorithm;
                tr!(language, "{algorithm}, same key", "{algorithm} (同じキー)")
            }
            Some(key) => {
                let (algorithm, key) = (&encryption.algorithm, key.rsplit("key/").next().unwrap_or(key));
                tr!(language, "{algorithm} {key}", "{algorithm} {key}")
            }
            None => encryption.algorithm.clone(),
        },
        Fact::NotAvailable(missing) if missing.kind() == MissingKind::Gone => {
            tr!(language, "no such bucket", "バケットなし")
        }
        Fact::NotAvailable(_) => tr!(language, "NOT AVAILABLE", "取得不可"),
    }
}

/// How long ago something was; never, when it never was.
fn age(time: Option<Timestamp>, now: Timestamp, language: Language) -> String {
    let Some(time) = time else {
        return tr!(language, "never", "なし");
    };
    // The other clock may be ahead: of some seconds, or of days in a rehearsal.
    let (seconds, is_ahead) = match time > now {
        true => (time.since(now).as_secs(), true),
        false => (now.since(time).as_secs(), false),
    };
    let (count, english, japanese) = match seconds {
        0..60 => return tr!(language, "now", "今"),
        60..7_200 => (seconds / 60, "min", "分"),
        7_200..172_800 => (seconds / 3_600, "h", "時間"),
        _ => (seconds / 86_400, "days", "日"),
    };
    match is_ahead {
        true => tr!(language, "in {count} {english}", "{count} {japanese}後"),
        false => tr!(language, "{count} {english} ago", "{count} {japanese}前"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report_of(bucket: &str) -> Report {
        let unknown = || Missing::not_asked("s3:GetBucketEncryption");
        let trail = TrailReport {
            name: "audit".to_owned(),
            arn: "arn:aws:cloudtrail:eu-west-1:000000000000:trail/audit".to_owned(),
            home_region: "eu-west-1".to_owned(),
            multi_region: true,
            organization: false,
            shadows: Vec::new(),
            key: None,
            validation: true,
            bucket: bucket.to_owned(),
            prefix: String::new(),
            bucket_exists: Fact::NotAvailable(unknown()),
            bucket_encryption: Fact::NotAvailable(unknown()),
            status: Fact::NotAvailable(unknown()),
        };
        Report {
            account: "000000000000".to_owned(),
            caller: String::new(),
            regions: Vec::new(),
            trails: vec![trail],
            findings: Vec::new(),
            not_available: Vec::new(),
        }
    }

    #[test]
    fn what_is_too_wide_for_a_table_is_paragraphs() {
        let lines = |bucket: &str, language| trails(&report_of(bucket), Timestamp::EPOCH, Style::plain(), language);
        for language in [Language::English, Language::Japanese] {
            let (table, paragraphs) = (lines("logs", language), lines(&"b".repeat(63), language));
            assert_eq!((table.len(), paragraphs.len()), (2, 6), "{paragraphs:?}");
            assert_eq!(paragraphs[0], "audit (eu-west-1)");
            assert!(table.iter().chain(&paragraphs).all(|line| width(line) <= COLUMNS_MAX));
            // Their second columns stand under one another.
            let starts = paragraphs.iter().skip(1).map(|line| {
                let fact = line.rsplit("  ").next().unwrap_or_default();
                width(line) - width(fact)
            });
            assert_eq!(
                starts.collect::<std::collections::BTreeSet<_>>().len(),
                1,
                "{paragraphs:?}"
            );
        }
    }

    #[test]
    fn ages_are_said_in_the_largest_unit() {
        let now = Timestamp::parse("2026-11-22T12:00:00Z").unwrap();
        let check = |time: &str, english: &str, japanese: &str| {
            let time = Timestamp::parse(time);
            assert_eq!(age(time, now, Language::English), english);
            assert_eq!(age(time, now, Language::Japanese), japanese);
        };
        check("2026-11-22T11:59:30Z", "now", "今");
        check("2026-11-22T11:55:00Z", "5 min ago", "5 分前");
        check("2026-11-22T07:00:00Z", "5 h ago", "5 時間前");
        check("2026-11-12T12:00:00Z", "10 days ago", "10 日前");
        check("2026-11-22T12:10:00Z", "in 10 min", "10 分後");
        assert_eq!(age(None, now, Language::English), "never");
    }
}

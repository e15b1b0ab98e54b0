//! A report as one HTML page: no script, nothing from elsewhere, light and dark, printable.

mod picture;

use super::junit::escaped;
use crate::operate::tr;
use operator::{
    check::{Control, Finding, Framework, Report, Severity, Status},
    message::{Language, Message},
};
use std::fmt::Write;

const STYLE: &str = include_str!("html/style.css");

pub(super) fn page(report: &Report, language: Language) -> String {
    let mut out = String::new();
    let lang = match language {
        Language::English => "en",
        Language::Japanese => "ja",
    };
    let account = escaped(&report.account);
    let title = tr!(
        language,
        "Check of the trails of account {account}",
        "アカウント {account} の証跡チェック"
    );
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
    );
    facts(&mut out, report, language);
    out.push_str("</header>\n<main>\n");
    summary(&mut out, report, language);
    for one in &report.pictures {
        picture::section(&mut out, one, language);
    }
    let open = |status: Status| status != Status::Passed;
    findings(
        &mut out,
        report,
        language,
        &tr!(language, "To be looked at", "対応が必要な項目"),
        "open",
        open,
    );
    let good = |status: Status| status == Status::Passed;
    findings(
        &mut out,
        report,
        language,
        &tr!(language, "As they should be", "問題のない項目"),
        "good",
        good,
    );
    empty(&mut out, report, language);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn facts(out: &mut String, report: &Report, language: Language) {
    let regions = match report.regions.len() {
        count @ 4.. => tr!(language, "{count} Regions", "{count} リージョン"),
        _ => escaped(&report.regions.join(", ")),
    };
    let rows = [
        (tr!(language, "As of", "時点"), escaped(&report.checked_at)),
        (tr!(language, "Asked by", "照会者"), escaped(&report.caller)),
        (tr!(language, "Regions", "リージョン"), regions),
    ];
    out.push_str("<dl class=\"facts\">\n");
    for (name, value) in rows {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    out.push_str("</dl>\n");
}

fn summary(out: &mut String, report: &Report, language: Language) {
    let summary = report.summary();
    let heading = tr!(language, "Summary", "概要");
    let _ = write!(
        out,
        "<section aria-labelledby=\"summary\">\n<h2 id=\"summary\">{heading}</h2>\n<ul class=\"tiles\">\n"
    );
    let tiles = [
        (Status::Failed, summary.failed),
        (Status::Warning, summary.warning),
        (Status::NotAvailable, summary.not_available),
        (Status::Passed, summary.passed),
    ];
    for (status, count) in tiles {
        let (class, word) = (class(status), word(status, language));
        let _ = writeln!(
            out,
            "<li class=\"tile {class}\"><b>{count}</b> <span>{word}</span></li>"
        );
    }
    out.push_str("</ul>\n</section>\n");
}

pub(super) fn word(status: Status, language: Language) -> String {
    match status {
        Status::Passed => tr!(language, "passed", "合格"),
        Status::Failed => tr!(language, "failed", "不合格"),
        Status::Warning => tr!(language, "warning", "警告"),
        Status::NotAvailable => tr!(language, "not available", "確認不能"),
    }
}

pub(super) fn severity_word(severity: Severity, language: Language) -> String {
    match severity {
        Severity::Low => tr!(language, "low", "低"),
        Severity::Medium => tr!(language, "medium", "中"),
        Severity::High => tr!(language, "high", "高"),
        Severity::Critical => tr!(language, "critical", "重大"),
    }
}

fn class(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Warning => "warning",
        Status::NotAvailable => "missing",
    }
}

/// A sign beside the colour, which not everybody sees.
fn sign(status: Status) -> &'static str {
    match status {
        Status::Passed => "✓",
        Status::Failed => "✗",
        Status::Warning => "!",
        Status::NotAvailable => "?",
    }
}

fn findings(
    out: &mut String,
    report: &Report,
    language: Language,
    heading: &str,
    id: &str,
    which: impl Fn(Status) -> bool,
) {
    if !report.findings.iter().any(|finding| which(finding.status)) {
        return;
    }
    let _ = write!(
        out,
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n"
    );
    for severity in Severity::ALL {
        let of_it = |finding: &&Finding| finding.control.severity == severity && which(finding.status);
        let mut found: Vec<&Finding> = report.findings.iter().filter(of_it).collect();
        if found.is_empty() {
            continue;
        }
        found.sort_by_key(|finding| std::cmp::Reverse(finding.status));
        let word = severity_word(severity, language);
        let caption = tr!(language, "Severity: {word}", "重要度: {word}");
        let heads = [
            tr!(language, "Status", "結果"),
            tr!(language, "Control", "コントロール"),
            tr!(language, "Resource", "リソース"),
            tr!(language, "What was found", "確認した内容"),
        ];
        let _ = write!(
            out,
            "<div class=\"scroll\">\n<table>\n<caption>{caption}</caption>\n<thead><tr>"
        );
        for head in heads {
            let _ = write!(out, "<th scope=\"col\">{head}</th>");
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        found.iter().for_each(|finding| row(out, finding, language));
        out.push_str("</tbody>\n</table>\n</div>\n");
    }
    out.push_str("</section>\n");
}

fn row(out: &mut String, finding: &Finding, language: Language) {
    let (class, sign, word) = (
        class(finding.status),
        sign(finding.status),
        word(finding.status, language),
    );
    let title = finding.control.title();
    let say = |message: &Message| escaped(message.in_language(language));
    let _ = write!(
        out,
        "<tr>\n<td class=\"status {class}\"><span aria-hidden=\"true\">{sign}</span> {word}</td>\n\
         <th scope=\"row\"><code>{}</code><br>{}",
        escaped(finding.control.id),
        say(&title)
    );
    let numbers = numbers(finding.control);
    if !numbers.is_empty() {
        let _ = write!(out, "<br><small>{}</small>", escaped(&numbers));
    }
    let _ = write!(
        out,
        "</th>\n<td><code class=\"id\">{}</code></td>\n<td><ul>",
        escaped(&finding.resource.id)
    );
    for reason in &finding.reasons {
        let _ = write!(out, "<li>{}</li>", say(reason));
    }
    out.push_str("</ul>");
    if matches!(finding.status, Status::Failed | Status::Warning) {
        let fix = tr!(language, "Remedy", "対処");
        let _ = write!(
            out,
            "<p class=\"fix\"><b>{fix}:</b> {}</p>",
            say(&finding.control.remedy())
        );
    }
    out.push_str("</td>\n</tr>\n");
}

/// The numbers of a control in the standards that people cite, versions with the same number together: `CIS 1.2: 2.7; …`.
fn numbers(control: &Control) -> String {
    let mut groups: Vec<(String, String, String)> = Vec::new();
    for framework in Framework::all() {
        let (name, version) = match framework {
            Framework::Cis(version) => ("CIS", version),
            Framework::Pci(version) => ("PCI", version),
            _ => continue,
        };
        let numbers = framework.numbers(control).join(", ");
        match groups.last_mut() {
            _ if numbers.is_empty() => {}
            Some((before, last, same)) if before.starts_with(name) && *same == numbers => version.clone_into(last),
            _ => groups.push((format!("{name} {version}"), String::new(), numbers)),
        }
    }
    let said = groups.iter().map(|(first, last, numbers)| match last.as_str() {
        "" => format!("{first}: {numbers}"),
        last => format!("{first}–{last}: {numbers}"),
    });
    said.collect::<Vec<_>>().join("; ")
}

/// Controls that are about nothing that is there.
fn empty(out: &mut String, report: &Report, language: Language) {
    let none: Vec<String> = report
        .controls
        .iter()
        .filter(|control| report.status_of(control).is_none())
        .map(|control| {
            format!(
                "<li><code>{}</code> {}</li>",
                escaped(control.id),
                escaped(control.title().in_language(language))
            )
        })
        .collect();
    if none.is_empty() {
        return;
    }
    let heading = tr!(language, "Nothing to look at", "対象のない項目");
    let _ = write!(
        out,
        "<section aria-labelledby=\"none\">\n<h2 id=\"none\">{heading}</h2>\n<ul>\n{}\n</ul>\n</section>\n",
        none.join("\n")
    );
}

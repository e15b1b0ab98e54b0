//! A report as JUnit XML: a suite for each control, a case for each finding.
//!
//! The form is that of <https://github.com/testmoapp/junitxml>: a failed control is a failure, what is not available is skipped (an
//! error with `--strict`), a warning passes and says so.

use operator::{
    check::{Control, Finding, Report, Status},
    message::Language,
};
use std::fmt::Write;

pub(super) fn text(report: &Report, strict: bool, language: Language) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let summary = report.summary();
    let (tests, failures) = (report.findings.len(), summary.failed);
    let (errors, skipped) = unavailable(summary.not_available, strict);
    let (account, at) = (escaped(&report.account), escaped(&report.checked_at));
    let _ = writeln!(
        out,
        "<testsuites name=\"shoseki check {account}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" \
         skipped=\"{skipped}\" timestamp=\"{at}\">"
    );
    for control in &report.controls {
        let findings: Vec<&Finding> = report.findings.iter().filter(|one| one.control == *control).collect();
        if !findings.is_empty() {
            suite(&mut out, control, &findings, strict, language);
        }
    }
    out.push_str("</testsuites>\n");
    out
}

fn unavailable(count: usize, strict: bool) -> (usize, usize) {
    if strict { (count, 0) } else { (0, count) }
}

fn suite(out: &mut String, control: &Control, findings: &[&Finding], strict: bool, language: Language) {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let (errors, skipped) = unavailable(count(Status::NotAvailable), strict);
    let title = control.title();
    let _ = writeln!(
        out,
        "  <testsuite name=\"{}: {}\" tests=\"{}\" failures=\"{}\" errors=\"{errors}\" skipped=\"{skipped}\">",
        escaped(control.id),
        escaped(title.in_language(language)),
        findings.len(),
        count(Status::Failed),
    );
    for finding in findings {
        case(out, finding, strict, language);
    }
    out.push_str("  </testsuite>\n");
}

fn case(out: &mut String, finding: &Finding, strict: bool, language: Language) {
    let reasons: Vec<&str> = finding
        .reasons
        .iter()
        .map(|reason| reason.in_language(language))
        .collect();
    let reasons = reasons.join("\n");
    let first = escaped(reasons.lines().next().unwrap_or_default());
    let remedy = finding.control.remedy();
    let remedy = escaped(remedy.in_language(language));
    let _ = write!(
        out,
        "    <testcase classname=\"{}\" name=\"{}\">",
        escaped(finding.control.id),
        escaped(&finding.resource.id)
    );
    let all = escaped(&reasons);
    let severity = finding.control.severity.name();
    let _ = match finding.status {
        Status::Failed => write!(
            out,
            "<failure type=\"{severity}\" message=\"{first}\">{all}\n{remedy}</failure>"
        ),
        Status::NotAvailable if strict => {
            write!(out, "<error type=\"NOT_AVAILABLE\" message=\"{first}\">{all}</error>")
        }
        Status::NotAvailable => write!(out, "<skipped message=\"{first}\"/>"),
        Status::Warning => write!(out, "<system-out>WARNING: {all}</system-out>"),
        Status::Passed => write!(out, "<system-out>{all}</system-out>"),
    };
    out.push_str("</testcase>\n");
}

/// As text or as an attribute. What XML cannot hold at all is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_place() {
        assert_eq!(
            escaped("a<b>&\"c\" 'd'\u{1}\n"),
            "a&lt;b&gt;&amp;&quot;c&quot; &#39;d&#39;\n"
        );
    }
}

//! A report for people: what is to be looked at by how much it matters, then what is as it should be.

use super::html::{severity_word, word};
use crate::{operate::tr, style::Style};
use operator::{
    check::{Finding, Report, Severity, Status},
    message::{Language, Message},
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Lines are broken before this column.
const COLUMNS: usize = 100;
/// Columns of the status at the beginning of a finding.
const MARGIN: usize = 15;

pub(super) fn lines(report: &Report, style: Style, language: Language) -> Vec<String> {
    let (account, at) = (&report.account, &report.checked_at);
    let mut out = vec![style.bold(tr!(
        language,
        "The trails of account {account}, as of {at}",
        "アカウント {account} の証跡 ({at} 時点)"
    ))];
    let summary = report.summary();
    let (passed, failed, warning, missing) = (summary.passed, summary.failed, summary.warning, summary.not_available);
    out.push(tr!(
        language,
        "{failed} failed, {warning} warnings, {missing} not available, {passed} passed",
        "不合格 {failed}、警告 {warning}、確認不能 {missing}、合格 {passed}"
    ));
    for severity in Severity::ALL {
        let open = |one: &&Finding| one.control.severity == severity && one.status != Status::Passed;
        let mut found: Vec<&Finding> = report.findings.iter().filter(open).collect();
        if found.is_empty() {
            continue;
        }
        found.sort_by_key(|finding| std::cmp::Reverse(finding.status));
        out.push(String::new());
        let word = severity_word(severity, language);
        out.push(style.bold(tr!(language, "Severity {word}", "重要度 {word}")));
        found
            .iter()
            .for_each(|finding| detail(&mut out, finding, style, language));
    }
    passed_lines(&mut out, report, style, language);
    out
}

fn painted(status: Status, style: Style, language: Language) -> String {
    let word = word(status, language);
    let word = format!("{word}{}", " ".repeat(MARGIN.saturating_sub(word.width())));
    match status {
        Status::Passed => style.good(word),
        Status::Failed => style.bad(word),
        Status::Warning => style.bold(word),
        Status::NotAvailable => style.dim(word),
    }
}

fn detail(out: &mut Vec<String>, finding: &Finding, style: Style, language: Language) {
    let (control, status) = (finding.control, painted(finding.status, style, language));
    let title = control.title();
    let title = title.in_language(language);
    let head = folded(&format!("{}: {title}", control.id), MARGIN);
    let indent = " ".repeat(MARGIN);
    for (at, line) in head.iter().enumerate() {
        out.push(match at {
            0 => format!("{status}{}", style.bold(line)),
            _ => format!("{indent}{}", style.bold(line)),
        });
    }
    out.push(format!("{indent}{}", style.dim(&finding.resource.id)));
    let mut say = |text: &str| out.extend(folded(text, MARGIN).iter().map(|line| format!("{indent}{line}")));
    for reason in &finding.reasons {
        say(reason.in_language(language));
    }
    if matches!(finding.status, Status::Failed | Status::Warning) {
        let remedy: Message = control.remedy();
        let remedy = remedy.in_language(language);
        say(&tr!(language, "Remedy: {remedy}", "対処: {remedy}"));
    }
}

fn passed_lines(out: &mut Vec<String>, report: &Report, style: Style, language: Language) {
    let passed: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|one| one.status == Status::Passed)
        .collect();
    if passed.is_empty() {
        return;
    }
    out.push(String::new());
    out.push(style.bold(tr!(language, "As they should be", "問題のない項目")));
    for finding in passed {
        let status = painted(Status::Passed, style, language);
        let resource = finding.resource.id.rsplit([':', '/']).next().unwrap_or_default();
        let title = finding.control.title();
        let text = format!("{}: {} ({resource})", finding.control.id, title.in_language(language));
        for (at, line) in folded(&text, MARGIN).iter().enumerate() {
            out.push(match at {
                0 => format!("{status}{line}"),
                _ => format!("{}{line}", " ".repeat(MARGIN)),
            });
        }
    }
}

/// The text in lines that, indented so far, stay within the page. Letters of two columns may be parted; a longer word stays whole.
pub(super) fn folded(text: &str, indent: usize) -> Vec<String> {
    let room = COLUMNS.saturating_sub(indent);
    let mut lines = vec![String::new()];
    for piece in pieces(text) {
        let Some(line) = lines.last_mut() else { break };
        let starts = line.is_empty();
        if starts || line.width() + piece.trim_end().width() <= room {
            line.push_str(if starts { piece.trim_start() } else { piece });
        } else {
            lines.push(piece.trim_start().to_owned());
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Where a line may be broken: behind a space, and on both sides of a letter of two columns but before a closing sign.
fn pieces(text: &str) -> Vec<&str> {
    let is_wide = |letter: char| letter.width() == Some(2);
    let closes = |letter: char| matches!(letter, '、' | '。' | '」' | '\u{ff09}' | ')' | 'ー' | '・');
    let mut cuts = vec![0];
    let mut before: Option<char> = None;
    for (at, letter) in text.char_indices() {
        let cut = match before {
            Some(' ') => letter != ' ',
            Some(before) => (is_wide(before) || is_wide(letter)) && !closes(letter) && letter != ' ',
            None => false,
        };
        if cut {
            cuts.push(at);
        }
        before = Some(letter);
    }
    cuts.push(text.len());
    cuts.windows(2).filter_map(|cut| text.get(cut[0]..cut[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_where_a_reader_would() {
        let words = "word ".repeat(30);
        let lines = folded(&words, 0);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.width() <= COLUMNS && !line.ends_with(' ')));
        assert_eq!(lines.join(" "), words.trim_end());
        let wide = "証跡の設定、".repeat(20);
        let lines = folded(&wide, 10);
        assert!(lines.iter().all(|line| line.width() <= COLUMNS - 10), "{lines:?}");
        assert!(lines.iter().all(|line| !line.starts_with('、')), "{lines:?}");
        assert_eq!(lines.concat(), wide);
        let arn = "a".repeat(150);
        assert_eq!(folded(&format!("in {arn}."), 0), ["in".to_owned(), format!("{arn}.")]);
        assert_eq!(folded("", 0), [""]);
    }
}

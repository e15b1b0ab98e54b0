//! What is told beside the finds: how far, how much, and what could not be searched.

use crate::{operate::tr, style::harmless};
use operator::{
    message::Language,
    search::{Problem, ProblemKind, Progress},
};
use std::time::Duration;

/// More files that could not be searched are counted, not named.
const NAMED: usize = 50;

/// A text of one line without what could do something to a terminal.
pub(super) fn plain(text: &str) -> String {
    let text = text.replace('\x1b', "\u{fffd}");
    harmless(&text).replace(['\n', '\t', '\r'], "\u{fffd}")
}

/// A number of bytes as people say it.
fn bytes(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let (mut number, mut unit) = (bytes as f64, 0);
    while number >= 1000.0 && unit + 1 < units.len() {
        number /= 1000.0;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    match unit {
        0 => format!("{bytes} {name}"),
        _ => format!("{number:.1} {name}"),
    }
}

pub(super) fn progress(progress: &Progress, took: Duration, language: Language) -> String {
    let rate = bytes((progress.inflated_bytes as f64 / took.as_secs_f64().max(0.1)) as u64);
    let (files, matches) = (progress.files, progress.matches);
    let text = bytes(progress.inflated_bytes);
    tr!(
        language,
        "{files} files, {text} ({rate}/s), {matches} found",
        "{files} ファイル、{text}（毎秒 {rate}）、{matches} 件"
    )
}

pub(super) fn summary(progress: &Progress, took: Duration, language: Language) -> String {
    let Progress { files, matches, .. } = *progress;
    let (text, took) = (bytes(progress.inflated_bytes), took.as_secs_f64());
    tr!(
        language,
        "{matches} records found in {files} files ({text} of text, {took:.2} s)",
        "{files} ファイル（本文 {text}）から {matches} 件見つかりました（{took:.2} 秒）"
    )
}

/// A line for each file that was not searched to its end.
pub(super) fn problems(problems: &[Problem], language: Language) -> Vec<String> {
    let mut lines: Vec<String> = problems
        .iter()
        .take(NAMED)
        .map(|problem| line(problem, language))
        .collect();
    let (count, more) = (problems.len(), problems.len().saturating_sub(NAMED));
    if more > 0 {
        lines.push(tr!(
            language,
            "shoseki: and {more} more files",
            "shoseki: ほかに {more} ファイル"
        ));
    }
    if count > 0 {
        lines.push(tr!(
            language,
            "shoseki: {count} files could not be searched to their ends; all others were",
            "shoseki: {count} ファイルは最後まで検索できませんでした。ほかはすべて検索しました"
        ));
    }
    lines
}

/// How many events were found again, and how many were too many to tell.
pub(super) fn again(again: u64, unchecked: u64, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    if again > 0 {
        lines.push(tr!(
            language,
            "shoseki: {again} records were found again (same eventID and text) and are given once; --duplicates gives all",
            "shoseki: 同じ eventID と内容のレコード {again} 件が再び見つかり、1 件にまとめました（--duplicates ですべて出力します）"
        ));
    }
    if unchecked > 0 {
        lines.push(tr!(
            language,
            "shoseki: {unchecked} records were too many to be compared: some of them may be given twice",
            "shoseki: {unchecked} 件は多すぎて重複を調べていません。重複が残ることがあります"
        ));
    }
    lines
}

fn line(problem: &Problem, language: Language) -> String {
    let (name, reason) = (plain(&problem.name), plain(&problem.reason));
    match problem.kind {
        ProblemKind::Refused => tr!(
            language,
            "shoseki: {name} may not be opened: {reason}",
            "shoseki: {name} を開く権限がありません: {reason}"
        ),
        ProblemKind::Unreadable => tr!(
            language,
            "shoseki: {name} cannot be read: {reason}",
            "shoseki: {name} を読めません: {reason}"
        ),
        ProblemKind::Records => tr!(
            language,
            "shoseki: {name}: records that are no JSON in UTF-8 were left out: {reason}",
            "shoseki: {name}: UTF-8 の JSON でないレコードを除きました: {reason}"
        ),
        ProblemKind::Damaged => tr!(
            language,
            "shoseki: {name} is damaged: {reason}; what comes before was searched",
            "shoseki: {name} は壊れています: {reason}（その手前までは検索しました）"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_that_acts_on_it() {
        assert_eq!(
            plain("a\x1b[31mb\u{9b}c\u{202e}d証"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}d証"
        );
    }

    #[test]
    fn sizes() {
        assert_eq!(
            (bytes(999), bytes(1_500), bytes(2_000_000_000)),
            ("999 B".into(), "1.5 kB".into(), "2.0 GB".into())
        );
    }

    #[test]
    fn files_that_could_not_be_searched_are_named_up_to_a_number() {
        let problem = |n: usize| Problem {
            name: format!("f{n}"),
            kind: ProblemKind::Refused,
            reason: "AccessDenied".into(),
        };
        let lines = problems(&(0..52).map(problem).collect::<Vec<_>>(), Language::English);
        assert_eq!(lines.len(), 52);
        assert_eq!(lines[0], "shoseki: f0 may not be opened: AccessDenied");
        assert_eq!(lines[50], "shoseki: and 2 more files");
        assert!(problems(&[], Language::English).is_empty());
    }
}

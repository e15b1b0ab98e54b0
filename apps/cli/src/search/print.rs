//! How finds are written: tables, bars, CSV, JSON.

use super::{Form, show::plain};
use crate::{
    operate::tr,
    style::{Style, harmless, say},
    table::aligned,
};
use operator::{
    message::Language,
    search::{Event, Groups, Histogram},
};
use serde_json::json;
use std::io::{IsTerminal, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Groups of a table when nothing else is said.
const GROUPS: usize = 1000;
/// Bars where there is no terminal.
const BARS: usize = 24;
/// The width of bars where there is no terminal.
const WIDTH: usize = 100;
/// A column is not cut further.
const CELL_MIN: usize = 10;

/// The terminal that is written to, if it is one.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    style: Style,
    size: Option<(usize, usize)>,
}

impl Screen {
    pub(super) fn of_stdout() -> Screen {
        let size = std::io::stdout().is_terminal().then(|| console::Term::stdout().size());
        Screen {
            style: Style::of_stdout(),
            size: size.map(|(rows, columns)| (usize::from(rows), usize::from(columns))),
        }
    }

    /// How many bars fit.
    pub(super) fn rows(self) -> usize {
        self.size.map_or(BARS, |(rows, _)| rows.saturating_sub(4).clamp(8, 60))
    }

    fn columns(self) -> Option<usize> {
        self.size.map(|(_, columns)| columns.max(40))
    }
}

/// How many there are.
pub(super) fn count(count: u64, form: Form) {
    match form {
        Form::Text => say(count),
        Form::Json | Form::Jsonl => say(json!({ "count": count })),
        Form::Csv => print_csv(&[vec!["count".to_owned()], vec![count.to_string()]]),
    }
}

/// How many there are over time.
pub(super) fn histogram(histogram: &Histogram, form: Form, screen: Screen, language: Language) {
    match form {
        Form::Json | Form::Jsonl => say(json!(histogram)),
        Form::Csv => {
            let rows = histogram
                .bars
                .iter()
                .map(|bar| vec![bar.from.clone(), bar.count.to_string()]);
            let head = vec!["from".to_owned(), "count".to_owned()];
            print_csv(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
        }
        Form::Text => {
            for line in bars(histogram, screen.columns().unwrap_or(WIDTH), screen.style) {
                say(line);
            }
            if histogram.undated > 0 {
                let undated = histogram.undated;
                say(tr!(
                    language,
                    "without a time: {undated}",
                    "時刻のないもの: {undated} 件"
                ));
            }
        }
    }
}

/// Bars of eighths of a character, so long that the longest fits.
fn bars(histogram: &Histogram, columns: usize, style: Style) -> Vec<String> {
    let most = histogram.bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let by_day = histogram.step_seconds.is_multiple_of(86_400);
    let label = |from: &str| match by_day {
        true => from.get(..10).unwrap_or(from).to_owned(),
        false => from.get(..16).unwrap_or(from).replace('T', " ") + "Z",
    };
    let digits = most.to_string().len();
    let labels = histogram.bars.first().map_or(0, |bar| label(&bar.from).len());
    let room = columns.saturating_sub(labels + digits + 4).max(CELL_MIN);
    let line = |bar: &operator::search::Bar| {
        let eighths = usize::try_from(u128::from(bar.count) * (room as u128 * 8) / u128::from(most)).unwrap_or(0);
        // What is there is seen.
        let eighths = if bar.count > 0 { eighths.max(1) } else { 0 };
        let mut drawn = "█".repeat(eighths / 8);
        drawn.extend(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"].get(eighths % 8).copied());
        let line = format!("{}  {:>digits$}  {}", label(&bar.from), bar.count, style.good(&drawn));
        line.trim_end().to_owned()
    };
    histogram.bars.iter().map(line).collect()
}

/// How many there are of each value.
pub(super) fn groups(groups: Groups, limit: Option<usize>, form: Form, screen: Screen, language: Language) {
    let (all, beyond) = groups.sorted();
    let limit = limit.unwrap_or(if form == Form::Text { GROUPS } else { usize::MAX });
    let left = all.len().saturating_sub(limit);
    let shown = all.get(..limit.min(all.len())).unwrap_or_default();
    match form {
        Form::Json | Form::Jsonl => say(json!({ "groups": shown, "values": all.len(), "notGrouped": beyond })),
        Form::Csv => {
            let rows = shown
                .iter()
                .map(|group| vec![group.value.clone(), group.count.to_string()]);
            let head = vec!["value".to_owned(), "count".to_owned()];
            print_csv(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
        }
        Form::Text => {
            let none = tr!(language, "(none)", "(なし)");
            let rows = shown.iter().map(|group| match group.value.as_str() {
                "" => vec![group.count.to_string(), none.clone()],
                value => vec![group.count.to_string(), plain(value)],
            });
            let rows = fitted(rows.collect(), screen.columns());
            aligned(&rows, &[0]).iter().for_each(say);
            if left > 0 {
                say(tr!(language, "and {left} more values", "ほかに {left} 種類の値"));
            }
            if beyond > 0 {
                say(tr!(
                    language,
                    "{beyond} more records have values beyond the first 1000000",
                    "値が 100 万種類を超えたため、{beyond} 件は値ごとに数えていません"
                ));
            }
        }
    }
}

/// Records in order.
pub(super) fn records(records: &[String], form: Form, screen: Screen, language: Language) {
    if form == Form::Text {
        return table(records, screen, language);
    }
    let mut text = head(form).to_owned();
    for (number, record) in records.iter().enumerate() {
        let from = text.len();
        write(form, &Event::of(record), record, &mut text);
        if form == Form::Json && number == 0 {
            text.remove(from);
        }
    }
    text.push_str(tail(form));
    let text = match form == Form::Csv && std::io::stdout().is_terminal() {
        true => harmless(&text),
        false => text.into(),
    };
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// What stands before all records.
pub(super) fn head(form: Form) -> String {
    match form {
        Form::Json => "{\"Records\":[".to_owned(),
        Form::Csv => csv_line(&COLUMNS),
        Form::Jsonl | Form::Text => String::new(),
    }
}

/// What stands behind them.
pub(super) fn tail(form: Form) -> &'static str {
    match form {
        Form::Json => "\n]}\n",
        _ => "",
    }
}

/// Writes a record; in JSON with the comma that stands before all but the first.
pub(super) fn write(form: Form, event: &Event<'_>, record: &str, out: &mut String) {
    match form {
        Form::Csv => out.push_str(&csv_line(&csv_cells(event))),
        Form::Json => {
            out.push_str(",\n");
            out.push_str(record);
        }
        Form::Jsonl | Form::Text => {
            // Between the values of JSON only: a string has no line ends of its own.
            match record.contains(['\n', '\r']) {
                true => out.push_str(&record.replace(['\n', '\r'], " ")),
                false => out.push_str(record),
            }
            out.push('\n');
        }
    }
}

const COLUMNS: [&str; 14] = [
    "eventTime",
    "eventID",
    "eventSource",
    "eventName",
    "awsRegion",
    "recipientAccountId",
    "principal",
    "accessKeyId",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "readOnly",
    "resources",
];

fn csv_cells(event: &Event<'_>) -> [String; 14] {
    [
        event.time_text().into_owned(),
        event.id().into_owned(),
        event.source().into_owned(),
        event.name().into_owned(),
        event.region().into_owned(),
        event.account().into_owned(),
        event.principal().into_owned(),
        event.identity("accessKeyId").unwrap_or_default().into_owned(),
        event.source_ip().into_owned(),
        event.user_agent().into_owned(),
        event.error_code().unwrap_or_default().into_owned(),
        event.error_message().unwrap_or_default().into_owned(),
        event
            .read_only()
            .map_or_else(String::new, |read_only| read_only.to_string()),
        event.resources().join(" "),
    ]
}

/// SPEC: <https://www.rfc-editor.org/rfc/rfc4180#section-2>
fn csv_line(cells: &[impl AsRef<str>]) -> String {
    let cell = |cell: &str| match cell.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    };
    let cells: Vec<String> = cells.iter().map(|text| cell(text.as_ref())).collect();
    cells.join(",") + "\r\n"
}

fn print_csv(rows: &[Vec<String>]) {
    let text: String = rows.iter().map(|row| csv_line(row)).collect();
    let text = match std::io::stdout().is_terminal() {
        true => harmless(&text),
        false => text.into(),
    };
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn table(records: &[String], screen: Screen, language: Language) {
    if records.is_empty() {
        return;
    }
    let head = match language {
        Language::English => ["TIME", "PRINCIPAL", "EVENT", "RESOURCE", "ERROR"],
        Language::Japanese => ["時刻", "呼び出し元", "イベント", "対象", "エラー"],
    };
    let head = head.map(str::to_owned).to_vec();
    let rows = records.iter().map(|record| cells(&Event::of(record)));
    let rows = fitted(std::iter::once(head).chain(rows).collect(), screen.columns());
    for (number, line) in aligned(&rows, &[]).iter().enumerate() {
        let is_refused = rows
            .get(number)
            .and_then(|row| row.last())
            .is_some_and(|error| !error.is_empty());
        match (number, is_refused) {
            (0, _) => say(screen.style.bold(line)),
            (_, true) => say(screen.style.bad(line)),
            (_, false) => say(line),
        }
    }
}

fn cells(event: &Event<'_>) -> Vec<String> {
    let source = event.source();
    let service = source.strip_suffix(".amazonaws.com").unwrap_or(&source).to_owned();
    [
        event.time_text().into_owned(),
        short(&event.principal()),
        format!("{service}:{}", event.name()),
        short(&event.resource()),
        event.error_code().unwrap_or_default().into_owned(),
    ]
    .map(|cell| plain(&cell))
    .to_vec()
}

/// What an ARN names, without where it is.
fn short(name: &str) -> String {
    let part = name.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4));
    part.filter(|part| !part.is_empty()).unwrap_or(name).to_owned()
}

/// The rows, with the widest columns cut until all fit; the first is never cut.
fn fitted(mut rows: Vec<Vec<String>>, columns: Option<usize>) -> Vec<Vec<String>> {
    let Some(columns) = columns else {
        return rows;
    };
    let count = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.width())
            .max()
            .unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..count).map(width).collect();
    while widths.iter().sum::<usize>() + 2 * count.saturating_sub(1) > columns {
        let widest = widths.iter_mut().skip(1).max_by_key(|width| **width);
        match widest.filter(|width| **width > CELL_MIN) {
            Some(width) => *width -= 1,
            None => break,
        }
    }
    for row in &mut rows {
        for (cell, width) in row.iter_mut().zip(&widths) {
            *cell = cut(cell, *width);
        }
    }
    rows
}

/// The text, or as much of it as fits before an ellipsis.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= columns
    });
    kept.collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use operator::search::Bar;

    #[test]
    fn csv_quotes_what_needs_it() {
        assert_eq!(csv_line(&["a", "b c"]), "a,b c\r\n");
        assert_eq!(
            csv_line(&["a,b", "say \"x\"", "two\nlines", ""]),
            "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\r\n"
        );
        assert_eq!(csv_cells(&Event::of("{}")).len(), COLUMNS.len());
    }

    #[test]
    fn texts_are_cut_by_the_columns_they_take() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "abcd…");
        assert_eq!(cut("証跡証跡", 6), "証跡…");
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = vec![
            row(["2026-11-22T00:00:00Z", &"a".repeat(90), "b"]),
            row(["", "", &"c".repeat(30)]),
        ];
        let fitted = fitted(rows, Some(80));
        let widths: Vec<usize> = fitted[0].iter().map(|cell| cell.width()).collect();
        assert_eq!(widths, [20, 28, 1]);
        assert_eq!(fitted[1][2].width(), 28);
    }

    #[test]
    fn arns_are_shown_by_what_they_name() {
        assert_eq!(short("arn:aws:iam::012345678901:user/taro"), "user/taro");
        assert_eq!(short("arn:aws:sts::012345678901:assumed-role/A/s"), "assumed-role/A/s");
        assert_eq!(short("arn:aws:s3:::b/k:1"), "b/k:1");
        assert_eq!(short("cloudtrail.amazonaws.com"), "cloudtrail.amazonaws.com");
    }

    #[test]
    fn bars_are_as_long_as_their_numbers() {
        let bar = |hour: u32, count: u64| Bar {
            from: format!("2026-11-22T{hour:02}:00:00Z"),
            count,
        };
        let histogram = Histogram {
            step_seconds: 3600,
            bars: vec![bar(1, 20), bar(2, 0), bar(3, 1)],
            undated: 0,
        };
        let lines = bars(&histogram, 33, Style::plain());
        assert_eq!(
            lines,
            [
                "2026-11-22 01:00Z  20  ██████████",
                "2026-11-22 02:00Z   0",
                "2026-11-22 03:00Z   1  ▌"
            ]
        );
    }
}

//! What is shown: tables and sentences, the same on the terminal as in Markdown.

use anyhow::{Context, Result};
use std::{fmt::Write as _, path::Path};

/// Everything that was shown, in order.
pub(crate) struct Report(String);

impl Report {
    pub(crate) fn new() -> Report {
        Report(String::new())
    }

    pub(crate) fn text(&mut self, text: &str) {
        println!("{text}\n");
        self.0.push_str(text);
        self.0.push_str("\n\n");
    }

    pub(crate) fn table(&mut self, table: Table) {
        self.text(table.render().trim_end());
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, format!("{}\n", self.0.trim_end()))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A table; the first column is text, the others are numbers.
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Table {
        Table {
            head: head.iter().map(|&cell| cell.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, and shows it at once on standard error, for a table takes its time.
    pub(crate) fn row(&mut self, row: Vec<String>) {
        eprintln!("  {}", row.join("  "));
        self.rows.push(row);
    }

    fn render(&self) -> String {
        let width = |column: usize| {
            let cells = std::iter::once(&self.head)
                .chain(&self.rows)
                .filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let line = |row: &[String]| {
            row.iter()
                .zip(&widths)
                .enumerate()
                .fold(String::from("|"), |mut line, (column, (cell, width))| {
                    // Writing to a String cannot fail.
                    let _ = match column {
                        0 => write!(line, " {cell:<width$} |"),
                        _ => write!(line, " {cell:>width$} |"),
                    };
                    line
                })
        };
        let rule = widths
            .iter()
            .enumerate()
            .fold(String::from("|"), |mut line, (column, width)| {
                let _ = match column {
                    0 => write!(line, "{}|", "-".repeat(width + 2)),
                    _ => write!(line, "{}:|", "-".repeat(width + 1)),
                };
                line
            });
        let rows = self.rows.iter().map(|row| line(row));
        [line(&self.head), rule]
            .into_iter()
            .chain(rows)
            .fold(String::new(), |text, line| text + &line + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown_with_straight_columns() {
        let mut table = Table::new(&["call", "a"]);
        table.row(vec!["x".to_owned(), "12345".to_owned()]);
        assert_eq!(table.render(), "| call |     a |\n|------|------:|\n| x    | 12345 |\n");
    }
}

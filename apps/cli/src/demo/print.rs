//! How the story looks.

use crate::{
    style::{Style, say},
    table,
};
use std::{fmt::Display, time::Duration};

/// Where the second column of a line begins.
const NAME_WIDTH: usize = 16;

pub(super) struct Printer {
    style: Style,
}

impl Printer {
    pub(super) fn new() -> Printer {
        Printer {
            style: Style::of_stdout(),
        }
    }

    pub(super) fn title(&self, endpoint: &str, took: Duration) {
        say(format_args!(
            "{} at {endpoint}, ready in {} ms",
            self.style.bold("shoseki"),
            took.as_millis()
        ));
    }

    /// The beginning of a chapter.
    pub(super) fn chapter(&self, title: &str) {
        say(format_args!("\n{}", self.style.bold(title)));
    }

    /// One thing that was done, and what came of it.
    pub(super) fn line(&self, name: &str, text: impl Display) {
        say(format_args!(
            "  {} {text}",
            self.style.dim(format!("{name:<NAME_WIDTH$}"))
        ));
    }

    /// A line that says that something holds.
    pub(super) fn holds(&self, text: impl Display) {
        say(format_args!("  {} {text}", self.style.good("✓")));
    }

    /// A line that quotes.
    pub(super) fn quote(&self, text: impl Display) {
        say(format_args!("    {}", self.style.dim(text)));
    }

    /// A line that quotes bad news that was hoped for.
    pub(super) fn alarm(&self, text: impl Display) {
        say(format_args!("    {}", self.style.bad(text)));
    }

    /// A table; the columns named in `right` are aligned to the right.
    pub(super) fn table<const N: usize>(&self, head: [&str; N], right: &[&str], rows: &[[String; N]]) {
        let right: Vec<usize> = (0..N)
            .filter(|column| head.get(*column).is_some_and(|name| right.contains(name)))
            .collect();
        let head = head.map(str::to_owned);
        let all: Vec<Vec<String>> = std::iter::once(&head).chain(rows).map(|row| row.to_vec()).collect();
        for (at, line) in table::aligned(&all, &right).into_iter().enumerate() {
            match at {
                0 => say(format_args!("  {}", self.style.dim(line))),
                _ => say(format_args!("  {line}")),
            }
        }
    }

    pub(super) fn took(&self, time: Duration) {
        say(format_args!(
            "\n{} in {:.1} s.",
            self.style.good("All of it came out as it must,"),
            time.as_secs_f64()
        ));
    }

    pub(super) fn failed(&self, error: &anyhow::Error) {
        say(format_args!("\n{} {error}", self.style.bad("✗ The story ends here:")));
        for cause in error.chain().skip(1) {
            say(format_args!("  because: {cause}"));
        }
    }

    pub(super) fn ending(&self, lines: &[String], link: &str, temporary: bool) {
        say(format_args!(
            "\n{}\n\n  {link}\n\n{}",
            self.style
                .bold("The server goes on. To see it in a browser, signed in as the root of the account (this link works once):"),
            self.style
                .bold("To use it with the aws CLI, paste into another shell:")
        ));
        say("");
        for line in lines {
            say(format_args!("  {line}"));
        }
        let kept = if temporary {
            "; its data directory is temporary and goes with it"
        } else {
            ""
        };
        say(format_args!("\n{}", self.style.dim(format!("Ctrl-C ends it{kept}."))));
    }
}

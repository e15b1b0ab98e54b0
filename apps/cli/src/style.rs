//! How things look on a terminal. Colour is for terminals only, and never when `NO_COLOR` is set.

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
};

/// Whether the user wants no colour.
#[expect(clippy::disallowed_methods, reason = "the command line's own affair")]
pub(crate) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Prints a line. Whoever reads it may have gone, and that is no reason to end otherwise than without it.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Text for people is broken before this column.
const COLUMNS: usize = 80;

/// The text in lines that, indented so far, stay within the page; a word that is longer stays whole.
pub(crate) fn wrapped(text: &str, indent: usize) -> Vec<String> {
    let width = COLUMNS.saturating_sub(indent);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Paints text, or leaves it as it is.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    color: bool,
}

impl Style {
    /// For standard output.
    pub(crate) fn of_stdout() -> Style {
        Style {
            color: std::io::stdout().is_terminal() && !no_color(),
        }
    }

    /// For standard error.
    pub(crate) fn of_stderr() -> Style {
        Style {
            color: std::io::stderr().is_terminal() && !no_color(),
        }
    }

    /// Without colour.
    #[cfg(test)]
    pub(crate) fn plain() -> Style {
        Style { color: false }
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }

    pub(crate) fn bold(self, text: impl Display) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: impl Display) -> String {
        self.paint("2", text)
    }

    pub(crate) fn good(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    pub(crate) fn bad(self, text: impl Display) -> String {
        self.paint("31", text)
    }
}

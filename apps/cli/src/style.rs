//! How things look on a terminal. Colour is for terminals only, and never when `NO_COLOR` is set.

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

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

/// The text in lines that, indented so far, stay within the page; a word that is longer stays whole. Japanese, which has no
/// spaces, is broken between any two letters, but not before what closes.
pub(crate) fn wrapped(text: &str, indent: usize) -> Vec<String> {
    let width = COLUMNS.saturating_sub(indent);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let mut space = " ";
        for piece in unbroken(word) {
            match lines.last_mut() {
                Some(line) if line.width() + space.len() + piece.width() <= width => {
                    line.push_str(space);
                    line.push_str(piece);
                }
                _ => lines.push(piece.to_owned()),
            }
            space = "";
        }
    }
    lines
}

/// What must not begin a line.
const CLOSING: &str = "、。,.)」』】・ー:;!?";
/// What must not end one.
const OPENING: &str = "(「『【";

/// The parts of a word that are not broken: a wide letter alone, with what closes after it or opens before it; or letters that
/// are not wide.
fn unbroken(word: &str) -> Vec<&str> {
    let is_wide = |letter: char| letter.width() == Some(2);
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, letter) in word.char_indices() {
        let breaks = before.is_some_and(|before: char| {
            (is_wide(before) || is_wide(letter)) && !CLOSING.contains(letter) && !OPENING.contains(before)
        });
        if breaks {
            pieces.push(word.get(start..at).unwrap_or_default());
            start = at;
        }
        before = Some(letter);
    }
    pieces.push(word.get(start..).unwrap_or_default());
    pieces
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_within_the_page_in_both_languages() {
        let english = "word ".repeat(40);
        assert!(
            wrapped(&english, 4)
                .iter()
                .all(|line| line.width() <= 76 && !line.ends_with(' '))
        );
        let japanese = "証跡の鍵(Key)を外します。".repeat(10);
        let lines = wrapped(&japanese, 4);
        assert!(lines.iter().all(|line| line.width() <= 76), "{lines:?}");
        assert!(lines.len() > 2 && lines.concat() == japanese, "{lines:?}");
        assert!(
            !lines
                .iter()
                .any(|line| line.starts_with('。') || line.starts_with(')') || line.ends_with('(')),
            "{lines:?}"
        );
        let long = "a".repeat(100);
        assert_eq!(wrapped(&format!("x {long}"), 0), ["x".to_owned(), long]);
    }
}

//! How things look on a terminal. Colour is for terminals only, and never when `NO_COLOR` is set.

use std::{
    borrow::Cow,
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
///
/// What could do something to a terminal is replaced: names and texts of a trail are written by those it watches. JSON has no
/// control character that is not escaped, so it passes through a pipe as it is.
pub(crate) fn say(line: impl Display) {
    let line = line.to_string();
    let line = match std::io::stdout().is_terminal() {
        true => harmless(&line),
        false => uncontrolled(&line),
    };
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints a line on standard error, as [`say`] does.
pub(crate) fn say_aside(line: impl Display) {
    let line = line.to_string();
    let _ = writeln!(std::io::stderr(), "{}", harmless(&line));
}

/// The colours of [`Style`], which are no harm.
const COLOURS: [&str; 5] = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m"];

/// A text without what could do something to a terminal: control characters other than tabs and line ends, and what turns the
/// direction of writing. Each becomes U+FFFD.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let turns =
        |c: char| matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    replaced(text, |c| c.is_control() || turns(c))
}

/// A text without the control characters that JSON escapes.
fn uncontrolled(text: &str) -> Cow<'_, str> {
    replaced(text, |c| c < ' ')
}

fn replaced(text: &str, is_harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| !matches!(c, '\n' | '\t') && is_harmful(c)) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = COLOURS.iter().find(|colour| rest.starts_with(**colour));
        let length = colour.map_or(c.len_utf8(), |colour| colour.len());
        match is_harmful(c) && colour.is_none() && !matches!(c, '\n' | '\t') && !rest.starts_with("\r\n") {
            true => kept.push('\u{fffd}'),
            false => kept.push_str(rest.get(..length).unwrap_or_default()),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Cow::Owned(kept)
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
    fn nothing_reaches_a_terminal_that_acts_on_it() {
        let style = Style { color: true };
        let shown = style.bad("証跡 a\tb\nc");
        assert_eq!(harmless(&shown), shown, "the program's own colours and lines stay");
        let evil = "\x1b]0;title\x07 \x1b[2J \u{9b}31m \x7f \r \u{202e}txt.exe\u{2066} \x1b[31";
        assert_eq!(
            harmless(evil),
            "\u{fffd}]0;title\u{fffd} \u{fffd}[2J \u{fffd}31m \u{fffd} \u{fffd} \u{fffd}txt.exe\u{fffd} \u{fffd}[31"
        );
    }

    #[test]
    fn json_goes_through_a_pipe_as_it_is() {
        let json = serde_json::json!({"a": "\x1b[2J\u{202e}\u{9b}\x7f\r\n"}).to_string();
        assert_eq!(uncontrolled(&json), json);
        assert_eq!(uncontrolled("a,\x1b[2J\r\nb"), "a,\u{fffd}[2J\r\nb");
    }

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

//! Reading a pattern's text from left to right.

use super::PatternFault;

/// What is left of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    pub(super) const fn new(text: &'a str) -> Scan<'a> {
        Scan { rest: text }
    }

    pub(super) fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes the text if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes the text, which must come next, after spaces.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), PatternFault> {
        self.skip_spaces();
        match self.take(text) {
            true => Ok(()),
            false => Err(PatternFault::Invalid),
        }
    }

    /// Takes a word (in capitals) that is followed by none of its like.
    pub(super) fn word(&mut self, word: &str) -> bool {
        self.skip_spaces();
        let Some(rest) = self.rest.strip_prefix(word) else {
            return false;
        };
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return false;
        }
        self.rest = rest;
        true
    }

    /// Takes characters for as long as they are wanted.
    pub(super) fn run(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        run
    }

    /// Takes a text in these quotes; a backslash takes the next character as it is.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, PatternFault> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        if chars.next().is_none_or(|(_, c)| c != quote) {
            return Err(PatternFault::Invalid);
        }
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.rest = self.rest.get(at + c.len_utf8()..).unwrap_or("");
                return Ok(text);
            }
            let c = match c {
                '\\' => chars.next().ok_or(PatternFault::Invalid)?.1,
                c => c,
            };
            text.push(c);
        }
        Err(PatternFault::Invalid)
    }
}

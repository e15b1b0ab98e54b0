//! Text with wildcards and policy variables, compiled once.
//!
//! A value that a variable brings in is taken as it is: a `*` inside a user's name is a star, not a wildcard.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use crate::Context;

/// Whether letters of both cases are equal (ASCII).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Ignored,
}

/// What in a text is more than letters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    /// `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    /// `${key}` is a variable: only in policies of version 2012-10-17.
    pub(crate) variables: bool,
}

/// A piece of a pattern's source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    One,
    Many,
    Variable { key: String, default: Option<String> },
}

/// `${` without its end, or nothing sensible inside.
#[derive(Debug, PartialEq)]
pub(crate) struct InvalidVariable(pub(crate) String);

/// Cuts a text into pieces; neighbouring texts are joined and neighbouring `*` are one.
pub(crate) fn lex(text: &str, syntax: Syntax) -> Result<Vec<Piece>, InvalidVariable> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or("");
        match first {
            '*' if syntax.wildcards => {
                if pieces.last() != Some(&Piece::Many) {
                    pieces.push(Piece::Many);
                }
                rest = after;
            }
            '?' if syntax.wildcards => {
                pieces.push(Piece::One);
                rest = after;
            }
            '$' if syntax.variables && after.starts_with('{') => {
                let (body, end) = variable_body(after).ok_or_else(|| InvalidVariable(rest.to_owned()))?;
                match body {
                    "*" | "?" | "$" => push_text(&mut pieces, body),
                    _ => pieces.push(variable(body).ok_or_else(|| InvalidVariable(format!("${{{body}}}")))?),
                }
                rest = end;
            }
            _ => {
                let length = after
                    .find(['*', '?', '$'])
                    .map_or(rest.len(), |at| at + first.len_utf8());
                let (plain, next) = rest.split_at_checked(length).unwrap_or((rest, ""));
                push_text(&mut pieces, plain);
                rest = next;
            }
        }
    }
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(before)) => before.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// From `{body}rest` the body and the rest; a `}` inside single quotes does not end it.
fn variable_body(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{')?;
    let mut quoted = false;
    for (at, c) in inner.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '}' if !quoted => return Some((inner.get(..at)?, inner.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn variable(body: &str) -> Option<Piece> {
    let (key, default) = match body.split_once(',') {
        None => (body, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key, Some(default.to_owned()))
        }
    };
    let key = key.trim();
    (!key.is_empty()).then(|| Piece::Variable {
        key: key.to_owned(),
        default,
    })
}

/// How many parts, divided by colons, a text has; the colons inside variables are not counted.
pub(crate) fn arn_parts(text: &str) -> usize {
    let mut inside = false;
    let colons = text.bytes().zip(text.bytes().skip(1).chain([0])).filter(|pair| {
        match pair {
            (b'$', b'{') => inside = true,
            (b'}', _) => inside = false,
            _ => {}
        }
        pair.0 == b':' && !inside
    });
    colons.count() + 1
}

/// A compiled pattern. The common shapes need neither a loop nor an allocation.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// `*`
    Any,
    /// No wildcard.
    Exact(Box<str>),
    /// One wildcard, a `*` at the end.
    Prefix(Box<str>),
    /// Anything else without variables.
    Glob(Box<Glob>),
    /// Has variables; made into a glob for each request.
    Template(Box<[Piece]>),
}

/// Text, then symbols, then text: most texts differ from a pattern at their ends.
#[derive(Clone, Debug)]
pub(crate) struct Glob {
    head: Box<str>,
    middle: Box<[Symbol]>,
    tail: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Byte(u8),
    One,
    Many,
}

impl Pattern {
    /// Compiles a text.
    pub(crate) fn compile(text: &str, syntax: Syntax) -> Result<Pattern, InvalidVariable> {
        lex(text, syntax).map(Pattern::from_pieces)
    }

    pub(crate) fn from_pieces(pieces: Vec<Piece>) -> Pattern {
        match pieces.as_slice() {
            [] => Pattern::Exact("".into()),
            [Piece::Many] => Pattern::Any,
            [Piece::Text(text)] => Pattern::Exact(text.as_str().into()),
            [Piece::Text(text), Piece::Many] => Pattern::Prefix(text.as_str().into()),
            more if more.iter().any(|piece| matches!(piece, Piece::Variable { .. })) => {
                Pattern::Template(pieces.into_boxed_slice())
            }
            more => Pattern::Glob(Box::new(Glob::new(more))),
        }
    }

    /// Whether the whole text matches; `None` when a variable has no value in the context.
    #[inline]
    pub(crate) fn matches(&self, text: &str, case: Case, context: &Context) -> Option<bool> {
        Some(match self {
            Pattern::Any => true,
            Pattern::Exact(exact) => exact.len() == text.len() && equal(exact.as_bytes(), text.as_bytes(), case),
            Pattern::Prefix(prefix) => text
                .as_bytes()
                .get(..prefix.len())
                .is_some_and(|head| equal(prefix.as_bytes(), head, case)),
            Pattern::Glob(glob) => glob.matches(text.as_bytes(), case),
            Pattern::Template(pieces) => return filled(pieces, text, case, context),
        })
    }

    /// False when the text cannot match, whatever values the variables have. Cheap.
    pub(crate) fn may_match(&self, text: &str) -> bool {
        match self {
            Pattern::Template(pieces) => match pieces.first() {
                Some(Piece::Text(head)) => text.starts_with(head.as_str()),
                _ => true,
            },
            Pattern::Any | Pattern::Exact(_) | Pattern::Prefix(_) | Pattern::Glob(_) => true,
        }
    }
}

/// Whether the text matches the pieces once their variables have values.
fn filled(pieces: &[Piece], text: &str, case: Case, context: &Context) -> Option<bool> {
    let mut symbols = Vec::with_capacity(text.len());
    for piece in pieces {
        push_symbols(&mut symbols, piece, Some(context)).then_some(())?;
    }
    Some(glob(&symbols, text.as_bytes(), case))
}

impl Glob {
    /// Of pieces without variables.
    fn new(pieces: &[Piece]) -> Glob {
        let (head, pieces) = match pieces {
            [Piece::Text(head), rest @ ..] => (head.as_str(), rest),
            all => ("", all),
        };
        let (tail, pieces) = match pieces {
            [rest @ .., Piece::Text(tail)] => (tail.as_str(), rest),
            all => ("", all),
        };
        let mut middle = Vec::new();
        for piece in pieces {
            push_symbols(&mut middle, piece, None);
        }
        Glob {
            head: head.into(),
            middle: middle.into_boxed_slice(),
            tail: tail.into(),
        }
    }

    fn matches(&self, text: &[u8], case: Case) -> bool {
        let Some(rest) = text.len().checked_sub(self.head.len() + self.tail.len()) else {
            return false;
        };
        let Some((head, text)) = text.split_at_checked(self.head.len()) else {
            return false;
        };
        let Some((middle, tail)) = text.split_at_checked(rest) else {
            return false;
        };
        equal(self.head.as_bytes(), head, case)
            && equal(self.tail.as_bytes(), tail, case)
            && (*self.middle == [Symbol::Many] || glob(&self.middle, middle, case))
    }
}

/// Adds a piece's symbols; false when it is a variable that has no value, or more than one.
fn push_symbols(symbols: &mut Vec<Symbol>, piece: &Piece, context: Option<&Context>) -> bool {
    match piece {
        Piece::One => symbols.push(Symbol::One),
        Piece::Many => symbols.push(Symbol::Many),
        Piece::Text(text) => symbols.extend(text.bytes().map(Symbol::Byte)),
        Piece::Variable { key, default } => {
            let value = match context.and_then(|context| context.get(key)) {
                Some([value]) => Some(value),
                _ => default.as_ref(),
            };
            let Some(value) = value else { return false };
            symbols.extend(value.bytes().map(Symbol::Byte));
        }
    }
    true
}

#[inline]
fn equal(a: &[u8], b: &[u8], case: Case) -> bool {
    match case {
        Case::Sensitive => a == b,
        Case::Ignored => a.eq_ignore_ascii_case(b),
    }
}

/// Matches with one way back, to the last `*`: time is at most the product of the lengths, whatever the pattern.
fn glob(symbols: &[Symbol], text: &[u8], case: Case) -> bool {
    let (mut at_symbol, mut at_text) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(at_text) {
        let step = match symbols.get(at_symbol) {
            Some(Symbol::Many) => {
                back = Some((at_symbol + 1, at_text));
                at_symbol += 1;
                continue;
            }
            Some(Symbol::One) => character_length(text, at_text),
            Some(Symbol::Byte(wanted)) if equal(&[*wanted], &[byte], case) => 1,
            _ => 0,
        };
        if step > 0 {
            at_symbol += 1;
            at_text += step;
        } else if let Some((symbol, start)) = back {
            let next = match (symbols.get(symbol), case) {
                // What follows the `*` begins only where its first byte stands.
                (Some(Symbol::Byte(wanted)), Case::Sensitive) => {
                    let rest = text.get(start + 1..).unwrap_or_default();
                    match rest.iter().position(|byte| byte == wanted) {
                        Some(skipped) => start + 1 + skipped,
                        None => return false,
                    }
                }
                _ => start + 1,
            };
            at_symbol = symbol;
            at_text = next;
            back = Some((symbol, next));
        } else {
            return false;
        }
    }
    symbols
        .get(at_symbol..)
        .is_some_and(|rest| rest.iter().all(|symbol| *symbol == Symbol::Many))
}

/// The length of the UTF-8 character that begins here; 0 when none does.
fn character_length(text: &[u8], at: usize) -> usize {
    let continues = |byte: &u8| byte & 0xc0 == 0x80;
    match text.get(at) {
        Some(first) if !continues(first) => {
            1 + text
                .get(at + 1..)
                .map_or(0, |rest| rest.iter().take_while(|byte| continues(byte)).count())
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Syntax = Syntax {
        wildcards: true,
        variables: true,
    };

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: Option<bool>) {
        let mut context = Context::new();
        context.set("aws:username", "al*ce");
        context.set_all("aws:TagKeys", ["a", "b"]);
        let pattern = Pattern::compile(pattern, ALL).unwrap();
        assert_eq!(
            pattern.matches(text, Case::Sensitive, &context),
            expected,
            "{pattern:?}"
        );
    }

    #[test]
    fn wildcards() {
        check("*", "", Some(true));
        check("", "", Some(true));
        check("", "a", Some(false));
        check("a", "A", Some(false));
        check("a*", "a", Some(true));
        check("a*", "b", Some(false));
        check("*a", "bca", Some(true));
        check("a*b*c", "a-b-b-c", Some(true));
        check("a*b*c", "a-c-b", Some(false));
        check("a?c", "abc", Some(true));
        check("a?c", "ac", Some(false));
        check("a?c", "a証c", Some(true));
        check("*?", "証", Some(true));
        check("??", "証", Some(false));
        check("arn:*:key/*", "arn:aws:kms:r:1:key/a/b:c", Some(true));
        check("a**b", "ab", Some(true));
    }

    #[test]
    fn variables() {
        check("home/${aws:username}/*", "home/al*ce/x", Some(true));
        check("home/${aws:username}/*", "home/alice/x", Some(false));
        check("${AWS:UserName}", "al*ce", Some(true));
        check("${aws:userid}", "", None);
        check("${aws:userid, 'no}body'}", "no}body", Some(true));
        check("${aws:TagKeys}", "a", None);
        check("a${*}${?}${$}{b}", "a*?${b}", Some(true));
        check("a${*}", "ab", Some(false));
        check("$a$", "$a$", Some(true));
    }

    #[test]
    fn broken_variables_are_refused_and_old_versions_have_none() {
        for text in ["${", "a${b", "${}", "${a, b}", "${,'b'}"] {
            assert!(Pattern::compile(text, ALL).is_err(), "{text}");
        }
        let old = Syntax {
            wildcards: true,
            variables: false,
        };
        let pattern = Pattern::compile("${a}", old).unwrap();
        assert_eq!(pattern.matches("${a}", Case::Sensitive, &Context::new()), Some(true));
    }

    #[test]
    fn a_hostile_pattern_takes_bounded_time() {
        let pattern = Pattern::compile(&"*a".repeat(1000), ALL).unwrap();
        let text = "a".repeat(900) + "b";
        assert_eq!(pattern.matches(&text, Case::Sensitive, &Context::new()), Some(false));
    }
}

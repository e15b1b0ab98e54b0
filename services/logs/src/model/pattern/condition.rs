//! What a value is compared with: the part that JSON and field patterns have in common.

use super::{PatternFault, scan::Scan};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A comparison with a constant.
#[derive(Debug)]
pub(super) struct Condition {
    compare: Compare,
    /// The constant as text, in which `*` stands for any characters.
    text: String,
    /// The constant as a number, when it was written as one.
    number: Option<f64>,
}

/// A value as a condition sees it.
pub(super) enum Seen<'a> {
    Text(&'a str),
    /// With its text.
    Number(f64, &'a str),
    Other(&'a str),
}

impl Condition {
    /// Parses `OPERATOR CONSTANT`; a constant without quotes ends at a space or one of `ends`.
    pub(super) fn parse(scan: &mut Scan<'_>, ends: &str) -> Result<Condition, PatternFault> {
        scan.skip_spaces();
        let operators = [
            ("!=", Compare::NotEqual),
            ("<=", Compare::LessOrEqual),
            (">=", Compare::GreaterOrEqual),
            ("<", Compare::Less),
            (">", Compare::Greater),
            ("=", Compare::Equal),
        ];
        let (_, compare) = operators
            .into_iter()
            .find(|(text, _)| scan.take(text))
            .ok_or(PatternFault::Invalid)?;
        scan.skip_spaces();
        let (text, number) = match scan.peek() {
            Some('%') => return Err(PatternFault::Regex),
            Some('"') => (scan.quoted('"')?, None),
            _ => {
                let word = scan.run(|c| !c.is_whitespace() && !ends.contains(c) && !"\"=!<>&|".contains(c));
                if word.is_empty() {
                    return Err(PatternFault::Invalid);
                }
                (word.to_owned(), parse_number(word))
            }
        };
        let is_order = !matches!(compare, Compare::Equal | Compare::NotEqual);
        if is_order && number.is_none() {
            return Err(PatternFault::Invalid);
        }
        Ok(Condition { compare, text, number })
    }

    pub(super) fn holds(&self, seen: &Seen<'_>) -> bool {
        match self.compare {
            Compare::Equal => self.is_equal(seen),
            Compare::NotEqual => !self.is_equal(seen),
            compare => {
                let (Seen::Number(found, _), Some(constant)) = (seen, self.number) else {
                    return false;
                };
                match compare {
                    Compare::Less => *found < constant,
                    Compare::LessOrEqual => *found <= constant,
                    Compare::Greater => *found > constant,
                    _ => *found >= constant,
                }
            }
        }
    }

    fn is_equal(&self, seen: &Seen<'_>) -> bool {
        match (seen, self.number) {
            (Seen::Number(found, _), Some(constant)) => *found == constant,
            (Seen::Text(text) | Seen::Number(_, text) | Seen::Other(text), _) => is_like(&self.text, text),
        }
    }
}

/// A number as patterns write it: never `inf`, `nan` or with a `+`.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    let is_shaped = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.')
        && text.bytes().all(|b| b.is_ascii_digit() || b"-+.eE".contains(&b));
    is_shaped.then(|| text.parse().ok())?
}

/// Whether a text is like a pattern in which `*` stands for any characters.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    // The parts between stars, each at its first place: a later one would leave less for those that follow.
    for part in parts {
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The obvious way, which takes long.
    fn slowly(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', more)), _) => (0..=text.len()).any(|skipped| slowly(more, &text[skipped..])),
            (Some((p, more)), Some((t, rest))) => p == t && slowly(more, rest),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn stars_stand_for_anything(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(is_like(&pattern, &text), slowly(&chars(&pattern), &chars(&text)));
        }
    }

    #[test]
    fn numbers_are_those_of_patterns() {
        for (text, number) in [("1", 1.0), ("-1.5", -1.5), ("1e3", 1000.0), (".5", 0.5), ("1E-2", 0.01)] {
            assert_eq!(parse_number(text), Some(number));
        }
        for text in ["", "-", "inf", "nan", "+1", "1x", "0x1", "1.2.3"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }
}

//! Terms: texts that must be in a message, that must not, or of which one must.

use super::{PatternFault, scan::Scan};

/// Terms in the order of their kinds.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    wanted: Vec<String>,
    excluded: Vec<String>,
    /// One of them must be there, unless there are terms of other kinds: then they say nothing.
    optional: Vec<String>,
}

impl Terms {
    pub(super) fn parse(text: &str) -> Result<Terms, PatternFault> {
        let (mut terms, mut scan) = (Terms::default(), Scan::new(text));
        loop {
            scan.skip_spaces();
            if scan.is_empty() {
                return Ok(terms);
            }
            let kind = if scan.take("-") {
                &mut terms.excluded
            } else if scan.take("?") {
                &mut terms.optional
            } else {
                &mut terms.wanted
            };
            kind.push(term(&mut scan)?);
            if scan.peek().is_some_and(|c| !c.is_whitespace()) {
                return Err(PatternFault::Invalid);
            }
        }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        if self.wanted.is_empty() && self.excluded.is_empty() {
            return self.optional.iter().any(|term| message.contains(term));
        }
        self.wanted.iter().all(|term| message.contains(term))
            && !self.excluded.iter().any(|term| message.contains(term))
    }
}

fn term(scan: &mut Scan<'_>) -> Result<String, PatternFault> {
    match scan.peek() {
        Some('"') => scan.quoted('"').and_then(|text| match text.is_empty() {
            true => Err(PatternFault::Invalid),
            false => Ok(text),
        }),
        Some('%') => Err(PatternFault::Regex),
        _ => match scan.run(|c| c.is_alphanumeric() || c == '_') {
            "" => Err(PatternFault::Invalid),
            word => Ok(word.to_owned()),
        },
    }
}

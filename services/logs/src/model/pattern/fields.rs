//! `[ … ]`: names for the fields of a text, and conditions on them. Fields are what stands between spaces; what is in
//! quotes or brackets is one.

use super::{
    PatternFault,
    condition::{Condition, Seen, parse_number},
    scan::Scan,
};
use std::collections::BTreeMap;

const ENDS: &str = ",]()";

/// Fields with names.
#[derive(Debug)]
pub(crate) struct Fields {
    head: Vec<Field>,
    /// Those after `...`, which stands for any number of fields; `None` without it.
    tail: Option<Vec<Field>>,
}

/// A field: its name, and conditions of which all of one list must hold.
#[derive(Debug)]
struct Field {
    name: String,
    any: Vec<Vec<Condition>>,
}

impl Fields {
    pub(super) fn parse(text: &str) -> Result<Fields, PatternFault> {
        let mut scan = Scan::new(text);
        scan.expect("[")?;
        let mut fields = Fields {
            head: Vec::new(),
            tail: None,
        };
        loop {
            scan.skip_spaces();
            if scan.take("...") {
                if fields.tail.replace(Vec::new()).is_some() {
                    return Err(PatternFault::Invalid);
                }
            } else {
                let field = field(&mut scan)?;
                fields.tail.as_mut().unwrap_or(&mut fields.head).push(field);
            }
            scan.skip_spaces();
            if scan.take("]") {
                break;
            }
            scan.expect(",")?;
        }
        scan.skip_spaces();
        match scan.is_empty() {
            true => Ok(fields),
            false => Err(PatternFault::Invalid),
        }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        self.pairs(&split(message))
            .is_some_and(|pairs| pairs.iter().all(|(field, text)| field.holds(text)))
    }

    pub(super) fn extract(&self, message: &str) -> BTreeMap<String, String> {
        let texts = split(message);
        let pairs = self.pairs(&texts).unwrap_or_default();
        pairs
            .into_iter()
            .map(|(field, text)| (format!("${}", field.name), text.to_owned()))
            .collect()
    }

    pub(super) fn names(&self, selector: &str) -> bool {
        let mut all = self.head.iter().chain(self.tail.iter().flatten());
        selector
            .strip_prefix('$')
            .is_some_and(|name| all.any(|field| field.name == name))
    }

    /// Each field with its text; `None` when their numbers do not agree.
    fn pairs<'t>(&self, texts: &[&'t str]) -> Option<Vec<(&Field, &'t str)>> {
        let (head, tail) = match &self.tail {
            None => (texts.len() == self.head.len()).then_some((texts, [].as_slice()))?,
            Some(tail) => {
                let (head, rest) = texts.split_at_checked(self.head.len())?;
                let (_, last) = rest.split_at_checked(rest.len().checked_sub(tail.len())?)?;
                (head, last)
            }
        };
        let tail_fields = self.tail.iter().flatten();
        let fields = self.head.iter().zip(head).chain(tail_fields.zip(tail));
        Some(fields.map(|(field, text)| (field, *text)).collect())
    }
}

impl Field {
    fn holds(&self, text: &str) -> bool {
        let seen = match parse_number(text) {
            Some(number) => Seen::Number(number, text),
            None => Seen::Text(text),
        };
        let all = |conditions: &Vec<Condition>| conditions.iter().all(|condition| condition.holds(&seen));
        self.any.is_empty() || self.any.iter().any(all)
    }
}

fn name<'a>(scan: &mut Scan<'a>) -> Result<&'a str, PatternFault> {
    scan.skip_spaces();
    match scan.run(|c| c.is_alphanumeric() || "_-".contains(c)) {
        "" => Err(PatternFault::Invalid),
        name => Ok(name),
    }
}

fn field(scan: &mut Scan<'_>) -> Result<Field, PatternFault> {
    let mut field = Field {
        name: name(scan)?.to_owned(),
        any: Vec::new(),
    };
    scan.skip_spaces();
    if scan.peek().is_none_or(|c| ",]".contains(c)) {
        return Ok(field);
    }
    let mut all = vec![Condition::parse(scan, ENDS)?];
    loop {
        scan.skip_spaces();
        let is_and = scan.take("&&");
        if !is_and && !scan.take("||") {
            field.any.push(all);
            return Ok(field);
        }
        // Every condition of a field repeats its name.
        if name(scan)? != field.name {
            return Err(PatternFault::Invalid);
        }
        if !is_and {
            field.any.push(std::mem::take(&mut all));
        }
        all.push(Condition::parse(scan, ENDS)?);
    }
}

/// The fields of a text.
fn split(message: &str) -> Vec<&str> {
    scanned(message).0
}

/// The fields of a text, and how many bytes were looked at for them: no more than a small multiple of the text's, for what
/// closes a field is not looked for again once the rest of the text has been found without it.
fn scanned(message: &str) -> (Vec<&str>, usize) {
    let (mut fields, mut looked) = (Vec::new(), 0_usize);
    let (mut may_quote, mut may_bracket) = (true, true);
    let mut rest = message.trim_start();
    while !rest.is_empty() {
        let close = match rest.as_bytes().first() {
            Some(b'"') if may_quote => Some(('"', &mut may_quote)),
            Some(b'[') if may_bracket => Some((']', &mut may_bracket)),
            _ => None,
        };
        let enclosed = close.and_then(|(close, may_close)| {
            let inner = rest.get(1..)?;
            let end = inner.find(close);
            looked += end.unwrap_or(inner.len());
            *may_close = end.is_some();
            Some((inner.get(..end?)?, inner.get(end? + 1..)?))
        });
        let (field, after) = enclosed.unwrap_or_else(|| {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            looked += end;
            rest.split_at_checked(end).unwrap_or((rest, ""))
        });
        fields.push(field);
        rest = after.trim_start();
    }
    (fields, looked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_closed_is_looked_for_once() {
        for (word, count) in [("[ ", 500_000), ("\" ", 1), ("[\" ", 300_000), ("\"[ [\" ", 100_000)] {
            let text = word.repeat(count);
            let (fields, looked) = scanned(&text);
            assert!(looked <= 4 * text.len(), "{word:?}: {looked} of {}", text.len());
            assert!(fields.len() >= count, "{word:?}: {}", fields.len());
        }
        assert_eq!(split("[a b \"c d\" [e"), ["[a", "b", "c d", "[e"]);
        assert_eq!(split("\"a [b c] \"d e"), ["a [b c] ", "d", "e"]);
        assert_eq!(split("\"a [b c] [d"), ["\"a", "b c", "[d"]);
    }
}

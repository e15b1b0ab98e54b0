//! Where in a document's text an element stands.

/// A place in a text, for people: both count from one, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

/// Documents that nest deeper than this are looked at no further.
const DEPTH_MAX: usize = 64;

/// An element that was met.
struct Entry {
    /// As the policy parser names it: `Statement[1].Condition`.
    path: String,
    /// Where its name stands, of a member of an object; else where it begins.
    at: usize,
    /// Where it begins itself.
    value_at: usize,
    /// What it holds, of a text without escapes.
    text: Option<String>,
}

/// The elements of a JSON document. Of what is no JSON, those before the fault.
pub struct Places<'a> {
    text: &'a str,
    entries: Vec<Entry>,
}

impl<'a> Places<'a> {
    /// Of a document's text. Never fails.
    pub fn of(text: &'a str) -> Places<'a> {
        let mut walk = Walk {
            text,
            at: 0,
            entries: Vec::new(),
        };
        walk.value("", None, 0);
        Places {
            text,
            entries: walk.entries,
        }
    }

    /// Where a byte stands. A byte beyond the end is at the end.
    pub fn at_byte(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset);
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        Place {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }

    /// Where an element stands; of one that is not there, where the one around it does.
    pub fn of_path(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(entry) = self.entries.iter().find(|entry| entry.path == path) {
                return self.at_byte(entry.at);
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None => return self.at_byte(self.entries.first().map_or(0, |entry| entry.at)),
            }
        }
    }

    /// Where a member of an element is named for the last time.
    pub fn of_member(&self, path: &str, name: &str) -> Place {
        let member = joined(path, name);
        let last = self.entries.iter().rev().find(|entry| entry.path == member);
        last.map_or_else(|| self.of_path(path), |entry| self.at_byte(entry.at))
    }

    /// Where an element, or one in it, holds a text.
    pub fn of_text(&self, path: &str, text: &str) -> Place {
        let is_in = |entry: &&Entry| {
            let rest = entry.path.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                && entry.text.as_deref() == Some(text)
        };
        let found = self.entries.iter().find(is_in);
        found.map_or_else(|| self.of_path(path), |entry| self.at_byte(entry.value_at))
    }
}

fn joined(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    entries: Vec<Entry>,
}

impl Walk<'_> {
    fn next(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.at += 1)
    }

    /// Walks over a value; nothing when it is none.
    fn value(&mut self, path: &str, named_at: Option<usize>, depth: usize) -> Option<()> {
        let first = self.next()?;
        let entry = self.entries.len();
        self.entries.push(Entry {
            path: path.to_owned(),
            at: named_at.unwrap_or(self.at),
            value_at: self.at,
            text: None,
        });
        match first {
            _ if depth > DEPTH_MAX => None,
            b'{' => self.object(path, depth),
            b'[' => self.list(path, depth),
            b'"' => {
                let text = self.string()?;
                if let Some(entry) = self.entries.get_mut(entry) {
                    entry.text = Some(text);
                }
                Some(())
            }
            _ => {
                let rest = self.text.get(self.at..)?;
                let length = rest
                    .find(|c: char| c.is_whitespace() || ",]}:".contains(c))
                    .unwrap_or(rest.len());
                self.at += length;
                (length > 0).then_some(())
            }
        }
    }

    fn object(&mut self, path: &str, depth: usize) -> Option<()> {
        self.take(b'{')?;
        if self.next()? == b'}' {
            return self.take(b'}');
        }
        loop {
            self.next()?;
            let named_at = self.at;
            let name = self.string()?;
            self.take(b':')?;
            self.value(&joined(path, &name), Some(named_at), depth + 1)?;
            match self.next()? {
                b',' => self.at += 1,
                _ => return self.take(b'}'),
            }
        }
    }

    fn list(&mut self, path: &str, depth: usize) -> Option<()> {
        self.take(b'[')?;
        if self.next()? == b']' {
            return self.take(b']');
        }
        for index in 0.. {
            self.value(&format!("{path}[{index}]"), None, depth + 1)?;
            match self.next()? {
                b',' => self.at += 1,
                _ => break,
            }
        }
        self.take(b']')
    }

    /// A string; escapes are read as JSON has them.
    fn string(&mut self) -> Option<String> {
        let begin = self.at;
        self.take(b'"')?;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_str(self.text.get(begin..self.at)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    { \"Sid\": \"é\", \"Action\": [\"s3:*\",\n       \"nope\"] },\n    { \"Effect\": \"Allow\", \"Effect\": 1 }\n  ]\n}";

    #[test]
    fn elements_are_found_by_their_paths() {
        let places = Places::of(TEXT);
        let check = |found: Place, line: usize, column: usize| assert_eq!(found, Place { line, column });
        check(places.of_path("Version"), 2, 3);
        check(places.of_path("Statement[0].Action"), 4, 19);
        check(places.of_text("Statement[0]", "é"), 4, 14);
        check(places.of_path("Statement[0].Action[1]"), 5, 8);
        check(places.of_text("Statement[0].Action", "nope"), 5, 8);
        check(places.of_path("Statement[0].Condition.StringEquals"), 4, 5);
        check(places.of_member("Statement[1]", "Effect"), 6, 26);
        check(places.of_path("Nothing"), 1, 1);
        check(places.at_byte(usize::MAX), 8, 2);
    }

    #[test]
    fn of_what_is_no_json_the_part_before_is_known() {
        let places = Places::of("{\"Statement\": [{\"Effect\": \"Allow\" \"Action\"");
        assert_eq!(places.of_path("Statement[0].Effect").column, 17);
        let deep = "[".repeat(10_000);
        assert_eq!(Places::of(&deep).of_path("").line, 1);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\a é\n]{0,60}", path in "[a.\\[0\\]]{0,8}", offset in 0..100_usize) {
            let places = Places::of(&text);
            let lines = text.matches('\n').count() + 1;
            for place in [places.of_path(&path), places.at_byte(offset), places.of_text(&path, "a"), places.of_member(&path, "a")] {
                prop_assert!((1..=lines).contains(&place.line) && place.column >= 1);
            }
        }
    }
}

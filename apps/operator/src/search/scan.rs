//! Records in JSON, found without reading what is in them.
//!
//! A value's end is found by its brackets and strings alone, which takes a fraction of parsing. So a broken value inside a
//! record that is not asked for stays unnoticed; a record that is given to anyone is parsed first.

use memchr::memchr2;

/// What a look at some bytes brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan<T> {
    /// This.
    Done(T),
    /// The bytes end too early.
    More,
    /// It is no JSON.
    Bad,
}

macro_rules! done {
    ($scan:expr) => {
        match $scan {
            Scan::Done(value) => value,
            Scan::More => return Scan::More,
            Scan::Bad => return Scan::Bad,
        }
    };
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The first place from `at` that is not blank.
fn solid(bytes: &[u8], mut at: usize) -> Scan<(usize, u8)> {
    loop {
        match bytes.get(at) {
            Some(byte) if blank(*byte) => at += 1,
            Some(byte) => return Scan::Done((at, *byte)),
            None => return Scan::More,
        }
    }
}

/// Behind the string whose content begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> Scan<usize> {
    loop {
        let Some(rest) = bytes.get(at..) else {
            return Scan::More;
        };
        match memchr2(b'"', b'\\', rest) {
            Some(found) if rest.get(found) == Some(&b'"') => return Scan::Done(at + found + 1),
            Some(found) => at += found + 2,
            None => return Scan::More,
        }
    }
}

/// Behind the object or the list whose content begins at `at`.
fn nested_end(bytes: &[u8], mut at: usize) -> Scan<usize> {
    let mut depth = 1_usize;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = done!(string_end(bytes, at)),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Scan::Done(at);
                }
            }
            _ => {}
        }
    }
    Scan::More
}

/// Behind the value that begins at `at`.
fn value_end(bytes: &[u8], at: usize) -> Scan<usize> {
    match bytes.get(at) {
        Some(b'"') => string_end(bytes, at + 1),
        Some(b'{' | b'[') => nested_end(bytes, at + 1),
        Some(b',' | b'}' | b']' | b':') => Scan::Bad,
        Some(_) => {
            let rest = bytes.get(at..).unwrap_or_default();
            let end = rest
                .iter()
                .position(|byte| blank(*byte) || matches!(byte, b',' | b'}' | b']'));
            end.map_or(Scan::More, |end| Scan::Done(at + end))
        }
        None => Scan::More,
    }
}

/// Gives each member of the object that begins at `at`: its name as it is written, and its value. Says where the object ends.
pub(super) fn members<'a>(bytes: &'a [u8], at: usize, mut each: impl FnMut(&'a [u8], &'a [u8])) -> Scan<usize> {
    if bytes.get(at) != Some(&b'{') {
        return Scan::Bad;
    }
    let (mut at, mut byte) = done!(solid(bytes, at + 1));
    if byte == b'}' {
        return Scan::Done(at + 1);
    }
    loop {
        if byte != b'"' {
            return Scan::Bad;
        }
        let name_end = done!(string_end(bytes, at + 1));
        let name = bytes.get(at + 1..name_end - 1).unwrap_or_default();
        let (colon, byte_there) = done!(solid(bytes, name_end));
        if byte_there != b':' {
            return Scan::Bad;
        }
        let (from, _) = done!(solid(bytes, colon + 1));
        let end = done!(value_end(bytes, from));
        each(name, bytes.get(from..end).unwrap_or_default());
        (at, byte) = done!(solid(bytes, end));
        match byte {
            b'}' => return Scan::Done(at + 1),
            b',' => (at, byte) = done!(solid(bytes, at + 1)),
            _ => return Scan::Bad,
        }
    }
}

/// Gives each value of a list.
pub(super) fn elements<'a>(list: &'a [u8], mut each: impl FnMut(&'a [u8])) {
    let mut at = 1;
    while let Scan::Done((from, byte)) = solid(list, at) {
        match byte {
            b']' => return,
            b',' => at = from + 1,
            _ => {
                let Scan::Done(end) = value_end(list, from) else {
                    return;
                };
                each(list.get(from..end).unwrap_or_default());
                at = end;
            }
        }
    }
}

/// Where in a file the splitter is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Between values that stand by themselves.
    #[default]
    Outside,
    /// In a list of records.
    List,
    /// In the list `Records` of a file.
    Records,
    /// In a file's object, behind its list.
    Tail,
}

/// Finds records one after the other, over as many pieces as a file is given in.
#[derive(Debug, Default)]
pub(super) struct Splitter(Place);

const RECORDS: &[u8] = b"\"Records\"";

impl Splitter {
    /// Whether a file may end here.
    pub(super) fn may_end(&self) -> bool {
        self.0 == Place::Outside
    }

    /// The next place where a record begins, from `at`. Done(None): the file ends well.
    ///
    /// More says from where the bytes are needed again.
    pub(super) fn next(&mut self, bytes: &[u8], at: &mut usize) -> Scan<Option<usize>> {
        loop {
            let (from, byte) = match solid(bytes, *at) {
                Scan::Done(found) => found,
                _ => {
                    *at = bytes.len();
                    return if self.may_end() { Scan::Done(None) } else { Scan::More };
                }
            };
            *at = from;
            match (self.0, byte) {
                (Place::Outside, b'[') => self.enter(Place::List, at, from + 1),
                (Place::Outside, b'{') => match list_of_records(bytes, from) {
                    Scan::Done(Some(inside)) => self.enter(Place::Records, at, inside),
                    Scan::Done(None) => return Scan::Done(Some(from)),
                    _ => return Scan::More,
                },
                (Place::List | Place::Records, b',') | (Place::Tail, b',' | b':') => *at = from + 1,
                (Place::List | Place::Records, b'{') => return Scan::Done(Some(from)),
                (Place::List, b']') | (Place::Tail, b'}') => self.enter(Place::Outside, at, from + 1),
                (Place::Records, b']') => self.enter(Place::Tail, at, from + 1),
                (Place::Tail, _) => *at = done!(value_end(bytes, from)),
                _ => return Scan::Bad,
            }
        }
    }

    fn enter(&mut self, place: Place, at: &mut usize, to: usize) {
        self.0 = place;
        *at = to;
    }
}

/// Behind the bracket of `{"Records": [`, when the object at `from` begins so.
fn list_of_records(bytes: &[u8], from: usize) -> Scan<Option<usize>> {
    let (at, _) = done!(solid(bytes, from + 1));
    let rest = bytes.get(at..).unwrap_or_default();
    if !rest.starts_with(RECORDS) {
        return match RECORDS.starts_with(rest) {
            true => Scan::More,
            false => Scan::Done(None),
        };
    }
    let (at, byte) = done!(solid(bytes, at + RECORDS.len()));
    if byte != b':' {
        return Scan::Done(None);
    }
    let (at, byte) = done!(solid(bytes, at + 1));
    Scan::Done((byte == b'[').then_some(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    /// The records of a text that is given in pieces of this size.
    fn split(text: &str, piece: usize) -> Result<Vec<String>, String> {
        let (mut splitter, mut found) = (Splitter::default(), Vec::new());
        let (mut buffer, mut rest) = (Vec::new(), text.as_bytes());
        loop {
            let mut at = 0;
            let kept = loop {
                match splitter.next(&buffer, &mut at) {
                    Scan::Done(Some(from)) => match members(&buffer, from, |_, _| ()) {
                        Scan::Done(end) => {
                            found.push(String::from_utf8(buffer[from..end].to_vec()).unwrap());
                            at = end;
                        }
                        Scan::More => break from,
                        Scan::Bad => return Err("bad record".to_owned()),
                    },
                    Scan::Bad => return Err("bad".to_owned()),
                    _ => break at,
                }
            };
            buffer.drain(..kept);
            if rest.is_empty() {
                return match splitter.may_end() && buffer.is_empty() {
                    true => Ok(found),
                    false => Err("ends too early".to_owned()),
                };
            }
            let (now, later) = rest.split_at(piece.min(rest.len()));
            buffer.extend_from_slice(now);
            rest = later;
        }
    }

    #[test]
    fn every_form_gives_its_records_whole_or_in_pieces() {
        let check = |text: &str, expected: &[&str]| {
            for piece in [1, 2, 3, 7, 1000] {
                assert_eq!(split(text, piece).unwrap(), expected, "{text} by {piece}");
            }
        };
        check("", &[]);
        check(" \n", &[]);
        check(r#"{"Records":[]}"#, &[]);
        check(
            r#" { "Records" : [ {"a":"}\"{\\"} , {"b":[{"Records":[]}]} ] , "x" : {"y":[1]}, "z": 1.5 } "#,
            &[r#"{"a":"}\"{\\"}"#, r#"{"b":[{"Records":[]}]}"#],
        );
        check("{\"a\":1}\n{\"b\":null}\n", &[r#"{"a":1}"#, r#"{"b":null}"#]);
        check(r#"[{"a":1},{}]{"c":[]}"#, &[r#"{"a":1}"#, "{}", r#"{"c":[]}"#]);
        check(r#"{"Records":{"a":[1]}}"#, &[r#"{"Records":{"a":[1]}}"#]);
        check(
            r#"{"Records":[{"a":1}]}{"Records":[{"b":2}]}"#,
            &[r#"{"a":1}"#, r#"{"b":2}"#],
        );
    }

    #[test]
    fn what_is_no_list_of_records_is_said_to_be_none() {
        for text in [
            "nonsense",
            "7",
            r#"{"Records":[7]}"#,
            r#"{"Records":[{"a":1}"#,
            r#"{"Records":[{"a":1}]"#,
            r#"{"a":1"#,
            r#"{"a" 1}"#,
            r#"{a:1}"#,
            r#"{"a":}"#,
            "[",
            r#"{"a":"x"#,
            "{",
            r#"{"Records":[{"a":1}{"#,
        ] {
            assert!(split(text, 1000).is_err(), "{text}");
            assert!(split(text, 1).is_err(), "{text}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a{}\\[\\]\",:\\\\\u{8a3c}\n]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a\"\\\\{]{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn records_come_out_as_they_went_in(
            records in prop::collection::vec(prop::collection::btree_map("[a-c\"]{0,2}", json(), 0..4), 0..5),
            pretty in any::<bool>(),
            lines in any::<bool>(),
            piece in 1_usize..40,
        ) {
            let records: Vec<Value> = records.into_iter().map(|map| Value::Object(map.into_iter().collect())).collect();
            let write = |value: &Value| if pretty { format!("{value:#}") } else { value.to_string() };
            let text = match lines {
                true => records.iter().map(|record| write(record) + "\n").collect::<String>(),
                false => write(&serde_json::json!({ "Records": records })),
            };
            let found = split(&text, piece).unwrap();
            let found: Vec<Value> = found.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
            prop_assert_eq!(&found, &records);
            for (record, value) in records.iter().zip(&found) {
                let text = write(record);
                let mut seen = serde_json::Map::new();
                let end = members(text.as_bytes(), 0, |name, value| {
                    let name: String = serde_json::from_str(&format!("\"{}\"", std::str::from_utf8(name).unwrap())).unwrap();
                    seen.insert(name, serde_json::from_slice(value).unwrap());
                });
                prop_assert_eq!(end, Scan::Done(text.len()));
                prop_assert_eq!(&Value::Object(seen), value);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\ a1R".to_vec()), 0..40)) {
            let mut at = 0;
            let mut splitter = Splitter::default();
            for _ in 0..100 {
                match splitter.next(&bytes, &mut at) {
                    Scan::Done(Some(from)) => match members(&bytes, from, |_, value| elements(value, |_| ())) {
                        Scan::Done(end) => at = end,
                        _ => break,
                    },
                    _ => break,
                }
            }
        }
    }
}

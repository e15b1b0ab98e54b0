//! JSON that somebody else wrote, before it goes into a log file: one bad record would make its whole file unreadable.
//!
//! serde_json skips what nobody asks for without looking closely; here every value is looked at: numbers that are none,
//! halves of surrogate pairs, nesting that readers' parsers refuse.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// A value nests no deeper. A log file wraps it three times more, and parsers end at 128.
const DEPTH_MAX: u8 = 100;
/// An object that is read member by member has no more of them.
const MEMBERS_MAX: usize = 64;

/// The members of a JSON object in their order, each name once, each value as it stands.
pub(crate) struct Members<'de>(pub(crate) Vec<(Cow<'de, str>, &'de RawValue)>);

/// Reads an object all of whose values would be read by anybody.
pub(crate) fn members(json: &str) -> Result<Members<'_>, serde_json::Error> {
    let mut whole = serde_json::Deserializer::from_str(json);
    Sound(0).deserialize(&mut whole)?;
    whole.end()?;
    serde_json::from_str(json)
}

/// The same without the white space between its parts that is not a blank: a record is one line.
pub(crate) fn one_line(json: String) -> String {
    let controls = |bytes: &[u8]| bytes.iter().fold(false, |found, byte| found | (*byte < b' '));
    // In JSON's strings control characters are escaped, so whatever is one here stands between parts.
    match json.as_bytes().chunks(64).any(controls) {
        true => json.chars().filter(|c| *c >= ' ').collect(),
        false => json,
    }
}

/// A string that borrows when it can.
#[derive(Debug, Clone)]
pub(crate) struct Text<'de>(pub(crate) Cow<'de, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Visit)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(24);
                while let Some(Text(name)) = map.next_key()? {
                    if members.len() == MEMBERS_MAX {
                        return Err(A::Error::custom("an object has too many members"));
                    }
                    // Readers differ in which of two they take, and some in whether case matters.
                    if members.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                        return Err(A::Error::custom(format_args!("the member {name} is there twice")));
                    }
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Visit)
    }
}

/// Looks at a value that is nested so deep, and keeps nothing of it.
struct Sound(u8);

impl Sound {
    fn inner<E: Error>(&self) -> Result<Sound, E> {
        match self.0 {
            DEPTH_MAX => Err(E::custom("it is nested too deeply")),
            depth => Ok(Sound(depth + 1)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Sound {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.inner()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(self.inner()?)?.is_some() {
            map.next_value_seed(self.inner()?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_spoil_a_log_file_is_refused() {
        let check = |json: &str, sound: bool| assert_eq!(members(json).is_ok(), sound, "{json}");
        check(r#"{"a":[1,-2.5e3,{"b":null}],"c":"\u00fc\ud83d\ude00"}"#, true);
        check("{}", true);
        for bad in [
            "",
            "[]",
            "null",
            "{",
            "{}x",
            r#"{"a":1e999}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":{"\udc00":1}}"#,
            r#"{"a":NaN}"#,
            r#"{"a":01}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":1,"A":2}"#,
            "{\"a\":\"\n\"}",
        ] {
            check(bad, false);
        }
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        check(&nested(99), true);
        check(&nested(101), false);
        check(&nested(100_000), false);
        let many = |count: usize| {
            let all: Vec<String> = (0..count).map(|n| format!("\"m{n}\":0")).collect();
            format!("{{{}}}", all.join(","))
        };
        check(&many(64), true);
        check(&many(65), false);
    }

    #[test]
    fn lines_are_joined_and_strings_are_kept() {
        let json = "{\n\t\"a b\" : \"\\n c\",\r\n \"d\":1}".to_owned();
        assert_eq!(one_line(json), "{\"a b\" : \"\\n c\", \"d\":1}");
    }
}

//! JSON as a policy needs it: members in order, so that a member given twice is seen, and scalars as text.
//!
//! A map that keeps the last of two equal members would let one reader see a `Condition` that another does not.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    /// A string, or a number or boolean as text: conditions take all three.
    Text(String, Scalar),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    String,
    Other,
}

/// Parses a whole document; the error is the offset in bytes at which it stops being JSON.
pub(crate) fn parse(text: &str) -> Result<Json, usize> {
    serde_json::from_str(text).map_err(|error| {
        let before: usize = text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        // The column counts bytes, and may stand inside a letter.
        text.floor_char_boundary(before + error.column().saturating_sub(1))
    })
}

impl Json {
    /// The text of the value, without white space.
    pub(crate) fn print(&self, letters: Letters) -> String {
        let mut out = String::new();
        self.write(&mut out, letters);
        out
    }

    fn write(&self, out: &mut String, letters: Letters) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Text(text, Scalar::Other) => out.push_str(text),
            Json::Text(text, Scalar::String) => write_string(out, text, letters),
            Json::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    item.write(out, letters);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    write_string(out, name, letters);
                    out.push(':');
                    value.write(out, letters);
                }
                out.push('}');
            }
        }
    }
}

/// Which letters are printed as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters {
    All,
    /// Up to U+00FF; the others as `\u`: a key policy may hold them in this form alone.
    Latin1,
}

fn write_string(out: &mut String, text: &str, letters: Letters) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' || (c > '\u{ff}' && letters == Letters::Latin1) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_owned(), Scalar::String)
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Json {
        use serde_json::Value;
        match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Text(value.to_string(), Scalar::Other),
            Value::Number(value) => Json::Text(value.to_string(), Scalar::Other),
            Value::String(text) => Json::from(text.as_str()),
            Value::Array(items) => Json::List(items.iter().map(Json::from).collect()),
            Value::Object(members) => Json::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), Json::from(value)))
                    .collect(),
            ),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl JsonVisitor {
    fn other<E>(text: String) -> Result<Json, E> {
        Ok(Json::Text(text, Scalar::Other))
    }
}

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Self::other(value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Self::other(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Self::other(value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Self::other(value.to_string())
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned(), Scalar::String))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value, Scalar::String))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

//! AWS JSON 1.1 bodies.
//!
//! Unlike serde's own JSON: an empty body is `{}`, a `null` member is an absent one, a list never stands for a
//! structure, and what does not fit is told with its place ([`WireFault`]). `#[serde(flatten)]` and untagged enums are
//! not supported: they lose the place.

use crate::{
    Reply, WireFault,
    fault::{LIST, STRUCTURE},
};
use base::Fault;
use serde::{
    Serialize,
    de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};
use serde_json::Value;

/// The longest JSON body that is read, unless an operation says otherwise.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The media type of bodies in both directions.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The media type of bodies of the REST-JSON protocol.
pub const REST_CONTENT_TYPE: &str = "application/json";

/// Reads a request body of at most [`BODY_BYTES_MAX`]. An empty one is `{}`.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, WireFault> {
    parse_up_to(body, BODY_BYTES_MAX)
}

/// Reads a request body of at most so many bytes. An empty one is `{}`.
pub fn parse_up_to<T: DeserializeOwned>(body: &[u8], bytes_max: usize) -> Result<T, WireFault> {
    if body.len() > bytes_max {
        return Err(WireFault::TooLarge { bytes_max });
    }
    let body = if body.is_empty() { b"{}" } else { body };
    let value = serde_json::from_slice(body).map_err(|_| WireFault::Malformed("not JSON"))?;
    T::deserialize(Json(value))
}

/// A JSON answer with status 200.
pub fn response(result: &impl Serialize, request_id: &str) -> Result<Reply, Fault> {
    let body = serde_json::to_vec(result).map_err(|_| Fault::Bug("a result does not fit JSON"))?;
    Ok(Reply::new(200)
        .header("x-amzn-requestid", request_id)
        .header("content-type", CONTENT_TYPE)
        .body(body))
}

struct Json(Value);

impl Json {
    fn found(&self) -> &'static str {
        match &self.0 {
            Value::Null => "NULL_VALUE",
            Value::Bool(true) => "TRUE_VALUE",
            Value::Bool(false) => "FALSE_VALUE",
            Value::Number(n) if n.is_f64() => "DECIMAL_VALUE",
            Value::Number(_) => "NUMBER_VALUE",
            Value::String(_) => "STRING_VALUE",
            Value::Array(_) => LIST,
            Value::Object(_) => STRUCTURE,
        }
    }

    fn mismatch<T>(&self, expected: &'static str) -> Result<T, WireFault> {
        Err(WireFault::mismatch(self.found(), expected))
    }

    /// A number without a fraction is an integer, however it is written.
    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        match self.0.as_f64() {
            Some(n) if self.0.is_f64() && n.fract() == 0.0 && n.abs() < 9e15 => visitor.visit_i64(n as i64),
            _ => de::Deserializer::deserialize_any(self, visitor),
        }
    }
}

impl<'de> IntoDeserializer<'de, WireFault> for Json {
    type Deserializer = Json;
    fn into_deserializer(self) -> Json {
        self
    }
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
            self.integer(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Json {
    type Error = WireFault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(b),
            Value::Number(n) => match (n.as_u64(), n.as_i64()) {
                (Some(n), _) => visitor.visit_u64(n),
                (None, Some(n)) => visitor.visit_i64(n),
                (None, None) => visitor.visit_f64(n.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter(), 0)),
            Value::Object(members) => visitor.visit_map(Members {
                members: members.into_iter(),
                current: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, WireFault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        match &self.0 {
            Value::Object(_) => self.deserialize_any(visitor),
            _ => self.mismatch("a Structure"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireFault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireFault> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(text.into_deserializer()),
            _ => self.mismatch("a String"),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        visitor.visit_unit()
    }

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct identifier
    }
}

struct Items(std::vec::IntoIter<Value>, usize);

impl<'de> de::SeqAccess<'de> for Items {
    type Error = WireFault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, WireFault> {
        let Some(value) = self.0.next() else {
            return Ok(None);
        };
        let index = self.1;
        self.1 = index.saturating_add(1);
        seed.deserialize(Json(value)).map(Some).map_err(|f| f.in_item(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Members {
    members: serde_json::map::IntoIter,
    current: Option<(String, Value)>,
}

impl<'de> de::MapAccess<'de> for Members {
    type Error = WireFault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, WireFault> {
        let Some((name, value)) = self.members.by_ref().find(|(_, value)| !value.is_null()) else {
            return Ok(None);
        };
        let key = seed.deserialize(name.clone().into_deserializer())?;
        self.current = Some((name, value));
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, WireFault> {
        let (name, value) = self.current.take().unwrap_or_default();
        seed.deserialize(Json(value)).map_err(|f| f.in_field(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{At, Blob, ErrorReply, ServiceName};
    use proptest::prelude::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Input {
        key_id: Option<String>,
        number_of_bytes: Option<u32>,
        flag: Option<bool>,
        plaintext: Option<Blob>,
        tags: Vec<Tag>,
        encryption_context: BTreeMap<String, String>,
        spec: Option<Spec>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Tag {
        tag_key: String,
        tag_value: Option<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    enum Spec {
        Aes256,
    }

    #[test]
    fn what_fits_is_read() {
        let check = |body: &str, expected| assert_eq!(parse::<Input>(body.as_bytes()), Ok(expected), "{body}");
        check("", Input::default());
        check("{}", Input::default());
        check(r#"{"KeyId":null,"Tags":null,"Other":[[{}]]}"#, Input::default());
        check(
            r#"{"NumberOfBytes":32.0,"Flag":true,"Plaintext":"aGk=","Spec":"AES256"}"#,
            Input {
                number_of_bytes: Some(32),
                flag: Some(true),
                plaintext: Some(Blob(b"hi".to_vec())),
                spec: Some(Spec::Aes256),
                ..Input::default()
            },
        );
        check(
            r#"{"EncryptionContext":{"a":"b"},"Tags":[{"TagKey":"k"}]}"#,
            Input {
                tags: vec![Tag {
                    tag_key: "k".to_owned(),
                    tag_value: None,
                }],
                encryption_context: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
                ..Input::default()
            },
        );
    }

    #[test]
    fn what_does_not_fit_is_told_in_awss_words() {
        let check = |body: &str, code: &str, message: &str| {
            let fault = parse::<Input>(body.as_bytes()).unwrap_err();
            let error = ErrorReply::of_wire(&fault, ServiceName::Kms);
            assert_eq!((error.code.as_str(), error.message.as_str()), (code, message), "{body}");
            assert_eq!(error.status, 400);
        };
        let s = "SerializationException";
        check("{", s, "");
        check("nonsense", s, "");
        check("{} {}", s, "");
        check("\u{feff}{}", s, "");
        check(&"[".repeat(1000), s, "");
        check("[]", s, "Start of list found where not expected");
        check("7", s, "NUMBER_VALUE can not be converted to a Structure");
        check(r#"{"KeyId":7}"#, s, "NUMBER_VALUE can not be converted to a String");
        check(
            r#"{"KeyId":{}}"#,
            s,
            "Start of structure or map found where not expected.",
        );
        check(
            r#"{"NumberOfBytes":"7"}"#,
            s,
            "STRING_VALUE can not be converted to an Integer",
        );
        check(
            r#"{"NumberOfBytes":-7}"#,
            s,
            "NUMBER_VALUE can not be converted to an Integer",
        );
        check(
            r#"{"NumberOfBytes":1.5}"#,
            s,
            "DECIMAL_VALUE can not be converted to an Integer",
        );
        check(
            r#"{"Flag":"true"}"#,
            s,
            "STRING_VALUE can not be converted to a Boolean",
        );
        check(
            r#"{"Tags":{}}"#,
            s,
            "Start of structure or map found where not expected.",
        );
        check(r#"{"Tags":[["a","b"]]}"#, s, "Start of list found where not expected");
        check(
            r#"{"Tags":[null]}"#,
            s,
            "NULL_VALUE can not be converted to a Structure",
        );
        check(r#"{"Plaintext":"?"}"#, s, "STRING_VALUE can not be converted to a Blob");
        let v = "ValidationException";
        check(
            r#"{"Tags":[{"TagKey":"a"},{}]}"#,
            v,
            "1 validation error detected: Value null at 'tags.2.member.tagKey' failed to satisfy constraint: Member must not be null",
        );
        check(
            r#"{"Spec":"DES"}"#,
            v,
            "1 validation error detected: Value 'DES' at 'spec' failed to satisfy constraint: Member must satisfy enum value set: [AES256]",
        );
    }

    #[test]
    fn faults_carry_their_place_and_limits_hold() {
        let fault = parse::<Input>(br#"{"Tags":[{"TagKey":1}]}"#).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "`tags.1.member.tagKey` is not a String but NUMBER_VALUE"
        );
        assert!(matches!(fault, WireFault::Mismatch { at, .. } if at != At::default()));
        let long = vec![b' '; BODY_BYTES_MAX + 1];
        assert!(matches!(parse::<Input>(&long), Err(WireFault::TooLarge { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in any::<Vec<u8>>(), text in r#"[\{\}\[\]":,a-zKeyIdTagsFlag0-9. ]{0,60}"#) {
            let _ = parse::<Input>(&body);
            let _ = parse::<Input>(text.as_bytes());
        }

        #[test]
        fn strings_come_back(text in any::<String>()) {
            let body = serde_json::json!({ "KeyId": text }).to_string();
            prop_assert_eq!(parse::<Input>(body.as_bytes()).unwrap().key_id, Some(text));
        }
    }
}

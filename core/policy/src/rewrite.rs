//! Principals exchanged in a policy's text, all else left as it is, byte for byte.

use serde::de::IgnoredAny;

/// The text with each string under `AWS` of a statement's `Principal` or `NotPrincipal` replaced by what `map` makes of
/// it; `None` leaves one as it is. Every other byte stays. Text that is no JSON is given back unchanged.
///
/// Services keep the ids of users and roles in place of their ARNs in this way, and show the ARNs of those that still are.
pub fn rewrite_principals(text: &str, map: &mut dyn FnMut(&str) -> Option<String>) -> String {
    // The walk rests on this: well-formed, and not deeper than the parser takes.
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return text.to_owned();
    }
    let mut walk = Walk {
        text,
        at: 0,
        copied: 0,
        out: String::with_capacity(text.len()),
        map,
    };
    walk.value(Place::Document);
    walk.out.push_str(text.get(walk.copied..).unwrap_or(""));
    walk.out
}

/// What a value of the document is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    Statement,
    Principal,
    Names,
    Elsewhere,
}

impl Place {
    /// What the member of this name is.
    fn member(self, name: &str) -> Place {
        match (self, name) {
            (Place::Document, "Statement") => Place::Statement,
            (Place::Statement, "Principal" | "NotPrincipal") => Place::Principal,
            (Place::Principal, "AWS") => Place::Names,
            _ => Place::Elsewhere,
        }
    }

    /// What the items of a list in this place are.
    fn item(self) -> Place {
        match self {
            Place::Statement | Place::Names => self,
            Place::Document | Place::Principal | Place::Elsewhere => Place::Elsewhere,
        }
    }
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    /// Up to where the text is in `out`.
    copied: usize,
    out: String,
    map: &'a mut dyn FnMut(&str) -> Option<String>,
}

impl<'a> Walk<'a> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Takes the next byte when it is this one.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, place: Place) {
        match self.peek() {
            Some(b'{') => {
                self.at += 1;
                while self.peek() == Some(b'"') {
                    let name = unquoted(self.string());
                    self.take(b':');
                    self.value(place.member(&name));
                    self.take(b',');
                }
                self.take(b'}');
            }
            Some(b'[') => {
                self.at += 1;
                while !matches!(self.peek(), Some(b']') | None) {
                    self.value(place.item());
                    self.take(b',');
                }
                self.take(b']');
            }
            Some(b'"') => {
                let start = self.at;
                let token = self.string();
                if place == Place::Names {
                    self.replace(start, token);
                }
            }
            // A number or a word.
            _ => {
                while self.peek().is_some_and(|byte| !matches!(byte, b',' | b']' | b'}')) {
                    self.at += 1;
                }
            }
        }
    }

    /// Passes over a string, quotes included.
    fn string(&mut self) -> &'a str {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(byte) = bytes.get(self.at) {
            self.at += if *byte == b'\\' { 2 } else { 1 };
            if *byte == b'"' {
                break;
            }
        }
        self.text.get(start..self.at).unwrap_or("")
    }

    fn replace(&mut self, start: usize, token: &str) {
        let Some(new) = (self.map)(&unquoted(token)) else {
            return;
        };
        self.out.push_str(self.text.get(self.copied..start).unwrap_or(""));
        self.out.push_str(&serde_json::Value::String(new).to_string());
        self.copied = self.at;
    }
}

/// The text that a JSON string stands for.
fn unquoted(token: &str) -> String {
    serde_json::from_str(token).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut map = |name: &str| (name == "arn:u").then(|| "AIDA\"".to_owned());
        assert_eq!(rewrite_principals(text, &mut map), expected);
    }

    #[test]
    fn names_under_aws_alone_change() {
        check(
            "{ \"Statement\" : {\"Principal\":{ \"AWS\" : \"arn:u\" } } }\n",
            "{ \"Statement\" : {\"Principal\":{ \"AWS\" : \"AIDA\\\"\" } } }\n",
        );
        check(
            r#"{"Statement":[{"NotPrincipal":{"AWS":["x",  "arn:u"],"Service":"arn:u"}, "Sid":"arn:u"}]}"#,
            r#"{"Statement":[{"NotPrincipal":{"AWS":["x",  "AIDA\""],"Service":"arn:u"}, "Sid":"arn:u"}]}"#,
        );
        let escaped = r#"{"St\u0061tement":[{"Principal":{"A\u0057S":"arn\u003au"}}],"Id":"\\\"\u00e9"}"#;
        check(escaped, &escaped.replace(r"arn\u003au", r#"AIDA\""#));
        for same in [
            r#"{"Principal":{"AWS":"arn:u"}}"#,
            r#"{"Statement":{"Principal":"arn:u","Resource":"arn:u","Condition":{"S":{"AWS":"arn:u"}}}}"#,
            r#"{"Statement":{"Principal":{"AWS":{"AWS":"arn:u"}}}}"#,
            r#"{"Statement":{"Condition":{"Principal":{"AWS":"arn:u"}}},"A":[1, true,null ,-2.5e3 ]}"#,
            "",
            r#"{"Statement":{"Principal":{"AWS":"arn:u"}"#,
        ] {
            check(same, same);
        }
    }

    proptest! {
        #[test]
        fn what_is_not_mapped_stays_byte_for_byte(text in r#"[\[\]{}":,a\\ 1"]{0,24}"#) {
            prop_assert_eq!(rewrite_principals(&text, &mut |_| None), text);
        }

        #[test]
        fn there_and_back_is_the_same(names in proptest::collection::vec("[a-z\"\\\\é]{1,6}", 1..5)) {
            let text = serde_json::json!({"Id": &names, "Statement": [{"Principal": {"AWS": &names}}]}).to_string();
            let there = rewrite_principals(&text, &mut |name| Some(format!("<{name}>")));
            let back = rewrite_principals(&there, &mut |name| Some(name.trim_matches(['<', '>']).to_owned()));
            prop_assert_eq!(back, text);
        }
    }
}

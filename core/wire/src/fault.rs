//! What can be wrong with an input, with its place, independent of the protocol that says it.

use std::fmt;

/// How much of a caller's text an error repeats.
const ECHO_CHARS_MAX: usize = 1_024;

/// Where in an input: fields and list positions from the outside in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct At(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Field(String),
    /// From 1, as AWS counts.
    Position(usize),
}

impl At {
    /// A field of the outermost structure.
    pub fn field(name: impl Into<String>) -> At {
        At(vec![Segment::Field(name.into())])
    }

    /// The innermost field's name as the caller writes it; empty at the root.
    pub fn name(&self) -> &str {
        let name = self.0.iter().rev().find_map(|segment| match segment {
            Segment::Field(name) => Some(name.as_str()),
            Segment::Position(_) => None,
        });
        name.unwrap_or("")
    }

    /// As AWS's validation messages write it: `tags.1.member.tagKey`.
    pub fn validation_path(&self) -> String {
        let parts = self.0.iter().map(|segment| match segment {
            Segment::Field(name) => lower_first(name),
            Segment::Position(n) => format!("{n}.member"),
        });
        parts.collect::<Vec<String>>().join(".")
    }
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.validation_path())
    }
}

/// Why an input could not be read. [`crate::ErrorReply::of_wire`] says it in the words of each service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// The bytes are not of the format at all.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// More than the protocol's limit.
    #[error("more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// A required member is absent.
    #[error("`{at}` is missing")]
    Missing {
        /// The member.
        at: At,
    },
    /// A value outside its closed set.
    #[error("`{at}` has an unknown value")]
    NotInSet {
        /// The member.
        at: At,
        /// As sent.
        value: String,
        /// What it may be.
        allowed: &'static [&'static str],
    },
    /// A value of another type.
    #[error("`{at}` is not {expected} but {found}")]
    Mismatch {
        /// The member.
        at: At,
        /// What was sent, as AWS's parser calls it (`STRING_VALUE`).
        found: &'static str,
        /// What it should be, as AWS's parser calls it (`an Integer`).
        expected: &'static str,
    },
    /// A member that its structure does not have, where the structure is closed.
    #[error("`{at}` is not known")]
    Unknown {
        /// The member.
        at: At,
    },
    /// A value that its type refuses.
    #[error("`{at}`: {message}")]
    Invalid {
        /// The member.
        at: At,
        /// Why.
        message: String,
    },
}

impl WireFault {
    /// The same fault inside a field.
    pub(crate) fn in_field(self, name: &str) -> WireFault {
        self.inside(Segment::Field(name.to_owned()))
    }

    /// The same fault inside a list, at an index from 0.
    pub(crate) fn in_item(self, index: usize) -> WireFault {
        self.inside(Segment::Position(index.saturating_add(1)))
    }

    fn inside(mut self, segment: Segment) -> WireFault {
        match &mut self {
            WireFault::Malformed(_) | WireFault::TooLarge { .. } => {}
            WireFault::Missing { at }
            | WireFault::NotInSet { at, .. }
            | WireFault::Mismatch { at, .. }
            | WireFault::Unknown { at }
            | WireFault::Invalid { at, .. } => at.0.insert(0, segment),
        }
        self
    }

    pub(crate) fn mismatch(found: &'static str, expected: &'static str) -> WireFault {
        WireFault::Mismatch {
            at: At::default(),
            found,
            expected,
        }
    }
}

pub(crate) const STRUCTURE: &str = "Start of structure or map";
pub(crate) const LIST: &str = "Start of list";

fn found(unexpected: &serde::de::Unexpected<'_>) -> &'static str {
    use serde::de::Unexpected as U;
    match unexpected {
        U::Bool(true) => "TRUE_VALUE",
        U::Bool(false) => "FALSE_VALUE",
        U::Unsigned(_) | U::Signed(_) => "NUMBER_VALUE",
        U::Float(_) => "DECIMAL_VALUE",
        U::Unit | U::Option => "NULL_VALUE",
        U::Seq => LIST,
        U::Map => STRUCTURE,
        _ => "STRING_VALUE",
    }
}

/// Rust's name of a type, in AWS's words.
fn expected(wanted: &str) -> &'static str {
    const NAMES: [(&str, &str); 16] = [
        ("a string", "a String"),
        ("a borrowed string", "a String"),
        ("a character", "a String"),
        ("a boolean", "a Boolean"),
        ("i8", "a Byte"),
        ("u8", "a Byte"),
        ("i16", "a Short"),
        ("u16", "an Integer"),
        ("i32", "an Integer"),
        ("u32", "an Integer"),
        ("i64", "a Long"),
        ("u64", "a Long"),
        ("usize", "a Long"),
        ("f32", "a Float"),
        ("f64", "a Double"),
        ("a sequence", "a List"),
    ];
    let known = NAMES.iter().find(|(rust, _)| *rust == wanted).map(|(_, aws)| *aws);
    known.unwrap_or(if wanted.starts_with("struct") || wanted == "a map" {
        "a Structure"
    } else {
        "the expected type"
    })
}

fn echo(text: &str) -> String {
    text.chars().take(ECHO_CHARS_MAX).collect()
}

impl serde::de::Error for WireFault {
    fn custom<T: fmt::Display>(message: T) -> WireFault {
        WireFault::Invalid {
            at: At::default(),
            message: echo(&message.to_string()),
        }
    }

    fn invalid_type(unexpected: serde::de::Unexpected<'_>, wanted: &dyn serde::de::Expected) -> WireFault {
        WireFault::mismatch(found(&unexpected), expected(&wanted.to_string()))
    }

    /// Serde says this of a number out of its type's range.
    fn invalid_value(unexpected: serde::de::Unexpected<'_>, wanted: &dyn serde::de::Expected) -> WireFault {
        WireFault::mismatch(found(&unexpected), expected(&wanted.to_string()))
    }

    fn unknown_variant(variant: &str, allowed: &'static [&'static str]) -> WireFault {
        WireFault::NotInSet {
            at: At::default(),
            value: echo(variant),
            allowed,
        }
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> WireFault {
        WireFault::Unknown {
            at: At::field(echo(field)),
        }
    }

    fn missing_field(field: &'static str) -> WireFault {
        WireFault::Missing { at: At::field(field) }
    }

    fn duplicate_field(_: &'static str) -> WireFault {
        WireFault::Malformed("a member is repeated")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_aws_writes_them() {
        let fault = WireFault::Missing {
            at: At::field("TagKey"),
        }
        .in_item(0)
        .in_field("Tags");
        assert_eq!(fault.to_string(), "`tags.1.member.tagKey` is missing");
    }
}

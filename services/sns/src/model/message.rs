//! A message: what is published, what it must be like, and what of it waits to be sent.

use super::Protocol;
use crate::error::SnsError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use std::collections::BTreeMap;

/// A message with its attributes.
///
/// SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub const MESSAGE_BYTES_MAX: usize = 262_144;
const SUBJECT_CHARS_MAX: usize = 100;
const ATTRIBUTE_NAME_CHARS_MAX: usize = 256;

/// What an envelope is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A published message.
    Notification,
    /// The question whether an endpoint wants messages.
    SubscriptionConfirmation,
    /// The news that it gets no more, with the way back.
    UnsubscribeConfirmation,
}

impl Kind {
    /// AWS's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Notification => "Notification",
            Kind::SubscriptionConfirmation => "SubscriptionConfirmation",
            Kind::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

/// What of a message is sealed until it is sent. Has no `Debug`: it is the customer's.
#[derive(Clone, Serialize, Deserialize)]
pub struct Payload {
    /// `Subject`
    pub subject: Option<String>,
    /// `Message`, as endpoints of http get it.
    pub message: String,
    /// As those of https get it, where that is something else.
    pub https: Option<String>,
    /// `MessageAttributes`
    pub attributes: Vec<Attribute>,
    /// The token of a confirmation.
    pub token: Option<String>,
}

/// An attribute of a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// `String`, `String.Array`, `Number`, `Binary`, or one of them with a dot and a word of the sender's.
    pub data_type: String,
    /// Its value; of a binary one its base64.
    pub value: String,
}

/// An attribute as it is sent.
pub struct GivenAttribute<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub data_type: &'a str,
    /// `StringValue`
    pub string: Option<&'a str>,
    /// `BinaryValue`, in base64.
    pub binary: Option<&'a str>,
}

impl Payload {
    /// A message of plain text.
    pub fn text(subject: Option<String>, message: String) -> Payload {
        Payload {
            subject,
            message,
            https: None,
            attributes: Vec::new(),
            token: None,
        }
    }

    /// Reads what a caller publishes.
    pub fn parse(
        subject: Option<&str>,
        message: &str,
        structure: Option<&str>,
        attributes: Vec<Attribute>,
    ) -> Result<Payload, SnsError> {
        if message.is_empty() {
            return Err(SnsError::invalid("Empty message"));
        }
        let weight: usize = attributes.iter().map(Attribute::weight).sum();
        if message.len().saturating_add(weight) > MESSAGE_BYTES_MAX {
            return Err(SnsError::invalid("Message too long"));
        }
        let subject = subject.map(parse_subject).transpose()?;
        let (message, https) = match structure {
            None | Some("") => (message.to_owned(), None),
            Some("json") => of_structure(message)?,
            Some(_) => return Err(SnsError::invalid("MessageStructure")),
        };
        Ok(Payload {
            subject,
            message,
            https,
            attributes,
            token: None,
        })
    }

    /// The text for endpoints of a protocol.
    pub fn message_for(&self, protocol: Protocol) -> &str {
        match (protocol, &self.https) {
            (Protocol::Https, Some(https)) => https,
            _ => &self.message,
        }
    }

    /// The attributes as filter policies see them: text, numbers and lists by name. Binary ones are not seen.
    pub fn filtered_by(&self) -> Map<String, Value> {
        let seen = |attribute: &Attribute| {
            let value = match attribute.data_type.split('.').next() {
                _ if attribute.data_type == "String.Array" => serde_json::from_str(&attribute.value).ok()?,
                Some("String") => Value::String(attribute.value.clone()),
                Some("Number") => serde_json::from_str(&attribute.value).ok().filter(Value::is_number)?,
                _ => return None,
            };
            Some((attribute.name.clone(), value))
        };
        self.attributes.iter().filter_map(seen).collect()
    }
}

fn parse_subject(text: &str) -> Result<String, SnsError> {
    let chars = text.chars().count();
    let clean = text.bytes().all(|b| (b' '..=b'~').contains(&b)) && !text.starts_with(' ');
    match (1..=SUBJECT_CHARS_MAX).contains(&chars) && clean {
        true => Ok(text.to_owned()),
        false => Err(SnsError::invalid("Subject")),
    }
}

/// The texts for http and https of a message that says for each protocol what it gets.
fn of_structure(message: &str) -> Result<(String, Option<String>), SnsError> {
    let entries: BTreeMap<String, Box<RawValue>> = serde_json::from_str(message)
        .map_err(|_| SnsError::invalid("Message Structure - JSON message body failed to parse"))?;
    let text = |protocol: &str| -> Option<String> { serde_json::from_str(entries.get(protocol)?.get()).ok() };
    let default = text("default")
        .ok_or_else(|| SnsError::invalid("Message Structure - No default entry in JSON message body"))?;
    let http = text("http").unwrap_or_else(|| default.clone());
    let https = text("https").unwrap_or(default);
    let https = Some(https).filter(|https| *https != http);
    Ok((http, https))
}

impl Attribute {
    /// Reads an attribute as it is sent.
    pub fn parse(given: &GivenAttribute<'_>) -> Result<Attribute, SnsError> {
        let refuse = |why: String| Err(SnsError::ParameterValueInvalid(why));
        let (name, data_type) = (given.name, given.data_type);
        let shaped = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        let dotted = name.starts_with('.') || name.ends_with('.') || name.contains("..");
        if !(1..=ATTRIBUTE_NAME_CHARS_MAX).contains(&name.len()) || !shaped || dotted {
            return refuse("Invalid attribute name".to_owned());
        }
        let value = match data_type.split('.').next() {
            Some("String" | "Number") => given.string,
            Some("Binary") => given.binary,
            _ => {
                return refuse(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set of supported type \
                     prefixes is Binary, Number, and String."
                ));
            }
        };
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return refuse(format!(
                "The message attribute '{name}' must contain non-empty message attribute value for message attribute type \
                 '{data_type}'."
            ));
        };
        let number = || value.parse::<f64>().is_ok_and(f64::is_finite);
        if data_type.starts_with("Number") && !number() {
            return refuse(format!("Could not cast message attribute '{name}' value to number."));
        }
        Ok(Attribute {
            name: name.to_owned(),
            data_type: data_type.to_owned(),
            value: value.to_owned(),
        })
    }

    /// Checks the attributes of one message together.
    pub fn parse_all<'a>(given: impl Iterator<Item = GivenAttribute<'a>>) -> Result<Vec<Attribute>, SnsError> {
        let mut all: Vec<Attribute> = Vec::new();
        for given in given {
            let attribute = Attribute::parse(&given)?;
            if all.iter().any(|other| other.name == attribute.name) {
                return Err(SnsError::ParameterValueInvalid(format!(
                    "The message attribute '{}' is given twice.",
                    attribute.name
                )));
            }
            all.push(attribute);
        }
        Ok(all)
    }

    /// How many bytes it counts of a message's.
    pub fn weight(&self) -> usize {
        self.name.len() + self.data_type.len() + self.value.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    fn parse(subject: Option<&str>, message: &str, structure: Option<&str>) -> Result<Payload, String> {
        Payload::parse(subject, message, structure, Vec::new()).map_err(|error| error.message())
    }

    #[test]
    fn messages_have_their_limits() {
        let check = |subject, message: &str, structure, expected: &str| {
            let error = parse(subject, message, structure).err().unwrap();
            assert_eq!(error, format!("Invalid parameter: {expected}"));
        };
        let long = "a".repeat(MESSAGE_BYTES_MAX + 1);
        check(None, "", None, "Empty message");
        check(None, &long, None, "Message too long");
        check(Some(""), "m", None, "Subject");
        check(Some(&long[..101]), "m", None, "Subject");
        check(Some("a\nb"), "m", None, "Subject");
        check(None, "m", Some("xml"), "MessageStructure");
        check(
            None,
            "m",
            Some("json"),
            "Message Structure - JSON message body failed to parse",
        );
        check(
            None,
            "{}",
            Some("json"),
            "Message Structure - No default entry in JSON message body",
        );
        check(
            None,
            r#"{"default":{}}"#,
            Some("json"),
            "Message Structure - No default entry in JSON message body",
        );
        assert!(parse(Some("a ~"), &long[1..], None).is_ok());
    }

    #[test]
    fn a_structure_says_what_each_protocol_gets() {
        let check = |text: &str, http: &str, https: &str| {
            let read = parse(None, text, Some("json")).unwrap();
            assert_eq!(
                (read.message_for(Protocol::Http), read.message_for(Protocol::Https)),
                (http, https),
                "{text}"
            );
        };
        check(r#"{"default":"d"}"#, "d", "d");
        check(r#"{"default":"d","http":"h"}"#, "h", "d");
        check(r#"{"default":"d","https":"s","sqs":"q"}"#, "d", "s");
    }

    #[test]
    fn attributes_are_of_three_kinds() {
        let parse = |name, data_type, string, binary| {
            Attribute::parse(&GivenAttribute {
                name,
                data_type,
                string,
                binary,
            })
            .map_err(|error| error.message())
        };
        assert!(parse("n", "String", Some("v"), None).is_ok());
        assert!(parse("n", "Number.int", Some("1e3"), None).is_ok());
        assert!(parse("n", "Binary", None, Some("eA==")).is_ok());
        for (name, data_type, string) in [
            ("", "String", Some("v")),
            (".n", "String", Some("v")),
            ("n!", "String", Some("v")),
            ("n", "Text", Some("v")),
            ("n", "String", Some("")),
            ("n", "Binary", Some("v")),
            ("n", "Number", Some("one")),
        ] {
            assert!(parse(name, data_type, string, None).is_err(), "{name} {data_type}");
        }
    }
}

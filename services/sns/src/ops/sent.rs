//! A message as Publish and PublishBatch are sent it. No record shows anything of it.

use super::shapes::Entries;
use crate::{
    SnsError,
    model::{
        Payload,
        message::{Attribute, GivenAttribute},
    },
};
use record::{Evident, Params};
use serde::Deserialize;

/// A message as it is sent.
pub(super) struct SentMessage {
    pub(super) message: String,
    pub(super) subject: Option<String>,
    pub(super) message_structure: Option<String>,
    pub(super) message_attributes: Entries<SentAttribute>,
}

/// An attribute as it is sent.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SentAttribute {
    name: String,
    value: SentValue,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SentValue {
    data_type: String,
    string_value: Option<String>,
    binary_value: Option<String>,
}

impl SentMessage {
    /// What a service sends.
    pub(super) fn of(subject: Option<String>, message: String) -> SentMessage {
        SentMessage {
            message,
            subject,
            message_structure: None,
            message_attributes: Entries::default(),
        }
    }

    /// How many bytes it counts.
    pub(super) fn weight(&self) -> usize {
        let weight = |attribute: &SentAttribute| {
            let value = &attribute.value;
            let text = value.string_value.as_ref().or(value.binary_value.as_ref());
            attribute.name.len() + value.data_type.len() + text.map_or(0, String::len)
        };
        self.message.len() + self.message_attributes.entry.iter().map(weight).sum::<usize>()
    }

    /// Checks it.
    pub(super) fn payload(&self) -> Result<Payload, SnsError> {
        let given = self.message_attributes.entry.iter().map(|attribute| GivenAttribute {
            name: &attribute.name,
            data_type: &attribute.value.data_type,
            string: attribute.value.string_value.as_deref(),
            binary: attribute.value.binary_value.as_deref(),
        });
        let attributes = Attribute::parse_all(given)?;
        let structure = self.message_structure.as_deref();
        Payload::parse(self.subject.as_deref(), &self.message, structure, attributes)
    }
}

impl Evident for SentMessage {
    /// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-events.html>, redaction.
    fn evident(&self) -> Params {
        let given = [
            ("message", true),
            ("subject", self.subject.is_some()),
            ("messageStructure", self.message_structure.is_some()),
            ("messageAttributes", !self.message_attributes.entry.is_empty()),
        ];
        let given = given.into_iter().filter(|(_, given)| *given);
        given.fold(Params::new(), |params, (name, _)| params.hidden(name))
    }
}

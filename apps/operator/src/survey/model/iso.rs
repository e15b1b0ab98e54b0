//! Times in a saved survey: ISO 8601, as people read them.

use base::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(super) fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_str(&time.iso8601_millis()),
        None => serializer.serialize_none(),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        None => Ok(None),
        Some(text) => match Timestamp::parse(&text) {
            Some(time) => Ok(Some(time)),
            None => Err(D::Error::custom(format!("`{text}` is no time of ISO 8601"))),
        },
    }
}

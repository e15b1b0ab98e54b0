//! Versions of objects: what names them, and what a bucket does with them.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html>

use base::Random;
use base64::{
    Engine,
    alphabet::Alphabet,
    engine::general_purpose::{GeneralPurpose, NO_PAD},
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::LazyLock};

/// Whether a bucket keeps versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// It never did: every object is the null version of its key.
    #[default]
    Off,
    /// A put makes a version, a delete makes a delete marker.
    Enabled,
    /// A put replaces the null version, a delete replaces it by a delete marker; other versions stay.
    Suspended,
}

/// The random part of a version's id.
const RANDOM_BYTES: usize = 16;

/// No key has so many versions: a greater number shows an id that was made elsewhere.
const ORDER_MAX: u64 = (1 << 40) - 1;

/// What names a version of an object.
///
/// Its text is 32 characters, or `null` for what was put while the bucket kept no versions. The text holds the version's
/// place in its key's history, so that a version is found without a search; nobody but this server may rely on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VersionId {
    /// `null`
    Null,
    /// A version of its own.
    Own {
        /// Its place among the versions of its key.
        order: u64,
        /// So that no version of another time has the same id.
        random: [u8; RANDOM_BYTES],
    },
}

/// Base64 without characters that a command line or a URL would trip over.
static TEXT: LazyLock<Option<GeneralPurpose>> = LazyLock::new(|| {
    Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._")
        .ok()
        .map(|alphabet| GeneralPurpose::new(&alphabet, NO_PAD))
});

impl VersionId {
    /// A new id for the version at `order`.
    pub fn generate(order: u64, random: &Random) -> VersionId {
        VersionId::Own {
            order,
            random: random.bytes(),
        }
    }

    /// Reads `null` or an id; `None` for what can be no id of this server.
    pub fn parse(text: &str) -> Option<VersionId> {
        if text == "null" {
            return Some(VersionId::Null);
        }
        let bytes = TEXT.as_ref()?.decode(text).ok()?;
        let (random, order) = bytes.split_first_chunk::<RANDOM_BYTES>()?;
        let order = u64::from_be_bytes(order.try_into().ok()?);
        (order <= ORDER_MAX).then_some(VersionId::Own { order, random: *random })
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, TEXT.as_ref()) {
            (VersionId::Own { order, random }, Some(text)) => {
                f.write_str(&text.encode([&random[..], &order.to_be_bytes()].concat()))
            }
            _ => f.write_str("null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_read_back(order in 0..=ORDER_MAX, seed: u64) {
            let id = VersionId::generate(order, &Random::seeded(seed));
            let text = id.to_string();
            prop_assert_eq!(text.len(), 32);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_'));
            prop_assert_eq!(VersionId::parse(&text), Some(id));
        }

        #[test]
        fn ids_of_elsewhere_are_refused(order in ORDER_MAX + 1.., seed: u64) {
            let id = VersionId::generate(order, &Random::seeded(seed));
            prop_assert_eq!(VersionId::parse(&id.to_string()), None);
        }

        #[test]
        fn any_text_is_read_without_panic(text: String) {
            if let Some(id) = VersionId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn null_is_null() {
        assert_eq!(VersionId::parse("null"), Some(VersionId::Null));
        assert_eq!(VersionId::Null.to_string(), "null");
    }
}

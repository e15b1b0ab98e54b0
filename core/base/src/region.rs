//! AWS Region codes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, sync::Arc};

/// A Region code such as `us-east-1`: 3 to 32 of `[a-z0-9-]`, beginning with a letter. Cheap to clone.
///
/// Being well formed does not mean that the Region is enabled; that is the Regions room's question.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Arc<str>);

/// The text is not shaped like a Region code.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a Region code")]
pub struct InvalidRegion(pub String);

impl Region {
    /// Parses a Region code by shape.
    pub fn parse(text: &str) -> Result<Region, InvalidRegion> {
        let bytes = text.as_bytes();
        let shaped = (3..=32).contains(&bytes.len())
            && bytes[0].is_ascii_lowercase()
            && bytes
                .iter()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
        if shaped {
            Ok(Region(text.into()))
        } else {
            Err(InvalidRegion(text.to_owned()))
        }
    }

    /// `us-east-1`: the Region of IAM, of global events and of buckets without a location constraint.
    pub fn us_east_1() -> Region {
        Region("us-east-1".into())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Region {
    type Err = InvalidRegion;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Region::parse(text)
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Region::parse(&text).map_err(serde::de::Error::custom)
    }
}

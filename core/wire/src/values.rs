//! Values with a wire form of their own.

use base::Timestamp;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Bytes that travel as base64, as AWS's JSON protocol writes blobs.
///
/// `Debug` prints the length only: many blobs are plaintext.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Blob(pub Vec<u8>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD
            .decode(text)
            .map(Blob)
            .map_err(|_| de::Error::custom("STRING_VALUE can not be converted to a Blob"))
    }
}

/// A time that travels as seconds since the epoch, a JSON number with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochSeconds(pub Timestamp);

impl Serialize for EpochSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

impl<'de> Deserialize<'de> for EpochSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EpochSeconds, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        // Rounded, not cut: 1454022144.869 has no exact double.
        Ok(EpochSeconds(Timestamp::from_micros((seconds * 1e6).round() as i64)))
    }
}

/// A time that travels as `2015-08-17T14:01:31Z`, as the query protocols write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Iso8601(pub Timestamp);

/// A time that travels as `2015-08-17T14:01:31.000Z`, as S3 writes it in XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Iso8601Millis(pub Timestamp);

impl Serialize for Iso8601 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.iso8601())
    }
}

impl Serialize for Iso8601Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.iso8601_millis())
    }
}

fn parse_iso<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    Timestamp::parse(text.trim()).ok_or_else(|| de::Error::custom("the time is not ISO 8601"))
}

impl<'de> Deserialize<'de> for Iso8601 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Iso8601, D::Error> {
        parse_iso(deserializer).map(Iso8601)
    }
}

impl<'de> Deserialize<'de> for Iso8601Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Iso8601Millis, D::Error> {
        parse_iso(deserializer).map(Iso8601Millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use proptest::prelude::*;

    #[test]
    fn wire_forms() {
        assert_eq!(
            serde_json::to_string(&Blob(b"hello".to_vec())).unwrap(),
            r#""aGVsbG8=""#
        );
        let time = Timestamp::from_micros(1_454_022_144_869_000);
        assert_eq!(serde_json::to_string(&EpochSeconds(time)).unwrap(), "1454022144.869");
        assert_eq!(json::parse::<EpochSeconds>(b"1454022144.869"), Ok(EpochSeconds(time)));
        assert_eq!(
            json::parse::<EpochSeconds>(b"7"),
            Ok(EpochSeconds(Timestamp::from_secs(7)))
        );
        assert!(json::parse::<Blob>(br#""a b""#).is_err());
        assert_eq!(format!("{:?}", Blob(vec![1, 2])), "Blob(2 bytes)");
    }

    proptest! {
        #[test]
        fn blobs_and_times_come_back(bytes in any::<Vec<u8>>(), millis in 0..4_102_444_800_000_i64) {
            let blob = Blob(bytes);
            prop_assert_eq!(&json::parse::<Blob>(&serde_json::to_vec(&blob).unwrap()), &Ok(blob));
            let time = EpochSeconds(Timestamp::from_micros(millis * 1000));
            prop_assert_eq!(json::parse::<EpochSeconds>(&serde_json::to_vec(&time).unwrap()), Ok(time));
            let iso = Iso8601Millis(time.0);
            prop_assert_eq!(json::parse::<Iso8601Millis>(&serde_json::to_vec(&iso).unwrap()), Ok(iso));
        }
    }
}

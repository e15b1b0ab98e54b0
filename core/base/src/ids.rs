//! Ids in AWS's shapes.

use crate::{Random, Timestamp};

const UPPER_32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER_36: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// A random UUID (version 4), lower case with hyphens: key ids, event ids.
pub fn uuid(random: &Random) -> String {
    uuid::Builder::from_random_bytes(random.bytes()).into_uuid().to_string()
}

/// A UUID (version 7) that sorts by time: request ids of the JSON and Query services.
pub fn ordered_uuid(now: Timestamp, random: &Random) -> String {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random.bytes())
        .into_uuid()
        .to_string()
}

/// S3's request id: 16 upper-case characters.
pub fn s3_request_id(random: &Random) -> String {
    random.text(16, UPPER_36)
}

/// `prefix` and 17 characters of AWS's alphabet: `AIDA` users, `AROA` roles, `AKIA` access keys without their twentieth
/// character's rule, `ASIA` temporary ones use [`access_key_id`].
pub fn iam_id(prefix: &str, random: &Random) -> String {
    format!("{prefix}{}", random.text(17, UPPER_32))
}

/// `AKIA` or `ASIA` and 16 characters.
pub fn access_key_id(prefix: &str, random: &Random) -> String {
    format!("{prefix}{}", random.text(16, UPPER_32))
}

/// A secret access key: 40 characters.
pub fn secret_access_key(random: &Random) -> String {
    random.text(40, SECRET_64)
}

/// The 16 alphanumerics that make a log file's name unique.
pub fn log_file_suffix(random: &Random) -> String {
    random.text(16, ALPHANUMERIC)
}

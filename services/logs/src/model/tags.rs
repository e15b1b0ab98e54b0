//! Tags of log groups.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html>

use std::collections::BTreeMap;

/// Keys and values.
pub(crate) type Tags = BTreeMap<String, String>;

/// The most of a group.
pub(crate) const TAGS_MAX: usize = 50;
pub(crate) const KEY_CHARS_MAX: usize = 128;
pub(crate) const VALUE_CHARS_MAX: usize = 256;
pub(crate) const KEY_PATTERN: &str = "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$";
pub(crate) const VALUE_PATTERN: &str = "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$";

/// Whether a text is made of a tag's characters.
pub(crate) fn is_tag_text(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphanumeric() || c == ' ' || c.is_whitespace() && !c.is_control() || "_.:/=+-@".contains(c))
}

/// Whether a key is AWS's own.
pub(crate) fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("aws:"))
}

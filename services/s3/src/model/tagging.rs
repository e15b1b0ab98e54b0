//! Tags of buckets and objects: how many, how long, of which characters.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html>

use percent_encoding::percent_decode_str;
use std::collections::HashSet;

/// Tags, in the order they were given.
pub type Tags = Vec<(String, String)>;

/// The most tags of an object.
pub const OF_OBJECT_MAX: usize = 10;
/// The most tags of a bucket.
pub const OF_BUCKET_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// What is wrong with tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagFault {
    /// Two of one key.
    Duplicate(String),
    /// A key that no tag can have.
    Key(String),
    /// AWS's own tags are not to be given.
    System,
    /// More than there may be.
    TooMany,
    /// A value that no tag can have.
    Value(String, String),
}

/// Checks tags.
pub fn check(tags: &[(String, String)], max: usize) -> Result<(), TagFault> {
    if tags.len() > max {
        return Err(TagFault::TooMany);
    }
    let mut keys = HashSet::new();
    for (key, value) in tags {
        if !keys.insert(key) {
            return Err(TagFault::Duplicate(key.clone()));
        }
        if key.is_empty() || !fits(key, KEY_CHARS_MAX) {
            return Err(TagFault::Key(key.clone()));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(TagFault::System);
        }
        if !fits(value, VALUE_CHARS_MAX) {
            return Err(TagFault::Value(key.clone(), value.clone()));
        }
    }
    Ok(())
}

fn fits(text: &str, chars_max: usize) -> bool {
    text.chars().count() <= chars_max
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c))
}

/// Reads the `x-amz-tagging` header: the parameters of a URL. `None` when it is no such thing.
pub fn of_header(header: &str) -> Option<Tags> {
    let mut tags = Tags::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decoded(key)?, decoded(value)?);
        if key.is_empty() || tags.iter().any(|(known, _)| *known == key) {
            return None;
        }
        tags.push((key, value));
    }
    Some(tags)
}

fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_are_read() {
        let check = |header: &str, expected: Option<&[(&str, &str)]>| {
            let found = of_header(header);
            let expected: Option<Tags> =
                expected.map(|tags| tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
            assert_eq!(found, expected, "{header}");
        };
        check("", Some(&[]));
        check("a=b&c=d%20e+f&g", Some(&[("a", "b"), ("c", "d e f"), ("g", "")]));
        check("%E8%A8%BC=%3D", Some(&[("証", "=")]));
        check("a=b&a=c", None);
        check("=b", None);
        check("a=%ff", None);
    }

    #[test]
    fn limits_hold() {
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let refused = |tags: &[(String, String)], expected: Result<(), TagFault>| {
            assert_eq!(check(tags, OF_OBJECT_MAX), expected, "{tags:?}");
        };
        refused(&[tag("a", ""), tag("b", "x y")], Ok(()));
        refused(&[tag(&"k".repeat(128), &"v".repeat(256))], Ok(()));
        refused(&[tag("証跡", "é")], Ok(()));
        refused(&[tag("", "v")], Err(TagFault::Key(String::new())));
        refused(&[tag("a,b", "v")], Err(TagFault::Key("a,b".to_owned())));
        let long = "k".repeat(129);
        refused(&[tag(&long, "")], Err(TagFault::Key(long.clone())));
        refused(&[tag("a", "<")], Err(TagFault::Value("a".to_owned(), "<".to_owned())));
        refused(&[tag("AWS:x", "v")], Err(TagFault::System));
        refused(
            &[tag("a", "1"), tag("a", "2")],
            Err(TagFault::Duplicate("a".to_owned())),
        );
        let many: Vec<_> = (0..11).map(|n| tag(&n.to_string(), "")).collect();
        refused(&many, Err(TagFault::TooMany));
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(header: String) {
            let _ = of_header(&header);
        }
    }
}

//! Tags of users, roles and managed policies.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>

use super::name;
use crate::error::{IamError, Quota};

/// A key with its value, in the order in which they were given.
pub(crate) type Tags = Vec<(String, String)>;

const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

const KEY_PATTERN: &str = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+";
const VALUE_PATTERN: &str = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*";

/// Whose tags: the keys of a policy's are told apart by case, those of users and roles are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagCase {
    Ignored,
    Kept,
}

impl TagCase {
    fn same(self, one: &str, other: &str) -> bool {
        match self {
            TagCase::Ignored => one.to_lowercase() == other.to_lowercase(),
            TagCase::Kept => one == other,
        }
    }

    fn duplicate(self) -> IamError {
        let message = match self {
            TagCase::Ignored => "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            TagCase::Kept => "Duplicate tag keys found.",
        };
        IamError::InvalidInput(message.to_owned())
    }
}

/// Checks the tags of one call.
pub(crate) fn parse<'a>(
    given: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
    case: TagCase,
) -> Result<Tags, IamError> {
    if given.len() > TAGS_MAX {
        return Err(too_many("tags"));
    }
    let mut tags = Tags::with_capacity(given.len());
    for (n, (key, value)) in (1_usize..).zip(given) {
        let (key_at, value_at) = (format!("tags.{n}.member.key"), format!("tags.{n}.member.value"));
        name::length_of(&key_at, key, 1, KEY_CHARS_MAX)?;
        name::length_of(&value_at, value, 0, VALUE_CHARS_MAX)?;
        for (at, text, pattern) in [(key_at, key, KEY_PATTERN), (value_at, value, VALUE_PATTERN)] {
            if !text.chars().all(is_tag_char) {
                return Err(IamError::pattern(&at, pattern));
            }
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(IamError::InvalidInput(
                "aws: prefixed tag key names are not allowed for external use.".to_owned(),
            ));
        }
        if tags.iter().any(|(other, _)| case.same(other, key)) {
            return Err(case.duplicate());
        }
        tags.push((key.to_owned(), value.to_owned()));
    }
    Ok(tags)
}

/// Checks the keys of tags to be taken off.
pub(crate) fn parse_keys(keys: &[String]) -> Result<(), IamError> {
    parse_keys_at("tagKeys", keys)
}

/// Checks the keys of tags that are the parameter `at`.
pub(crate) fn parse_keys_at(at: &str, keys: &[String]) -> Result<(), IamError> {
    if keys.len() > TAGS_MAX {
        return Err(too_many(at));
    }
    let shaped = |key: &String| (1..=KEY_CHARS_MAX).contains(&key.chars().count()) && key.chars().all(is_tag_char);
    if keys.iter().all(shaped) {
        return Ok(());
    }
    Err(IamError::constraint_at(
        at,
        format!(
            "Member must satisfy constraint: [Member must have length less than or equal to {KEY_CHARS_MAX}, Member must \
             have length greater than or equal to 1, Member must satisfy regular expression pattern: {KEY_PATTERN}, \
             Member must not be null]"
        ),
    ))
}

fn too_many(at: &str) -> IamError {
    IamError::constraint_at(at, format!("Member must have length less than or equal to {TAGS_MAX}"))
}

/// Letters, separators and numbers of every script, and `_.:/=+-@`.
fn is_tag_char(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

/// Puts new tags in the place of those with the same keys, and behind the others; `quota` names the limit.
pub(crate) fn put(tags: &mut Tags, new: Tags, case: TagCase, quota: Quota) -> Result<(), IamError> {
    for (key, value) in new {
        match tags.iter_mut().find(|(other, _)| case.same(other, &key)) {
            Some(tag) => *tag = (key, value),
            None => tags.push((key, value)),
        }
    }
    match tags.len() > TAGS_MAX {
        true => Err(IamError::LimitExceeded(quota)),
        false => Ok(()),
    }
}

/// Takes tags off by key. Keys that are not there do not matter.
pub(crate) fn remove(tags: &mut Tags, keys: &[String], case: TagCase) {
    tags.retain(|(key, _)| !keys.iter().any(|gone| case.same(gone, key)));
}

/// The tags in the order of listings.
pub(crate) fn sorted(tags: &Tags) -> Tags {
    let mut sorted = tags.clone();
    sorted.sort_by_cached_key(|(key, _)| (key.to_lowercase(), key.clone()));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    fn parsed(given: &[(&str, &str)], case: TagCase) -> Result<Tags, IamError> {
        parse(given.iter().copied(), case)
    }

    #[test]
    fn tags_are_refused_in_awss_words() {
        let check = |given: &[(&str, &str)], case, code: &str, message: &str| {
            let error = parsed(given, case).unwrap_err();
            assert_eq!((error.code().as_ref(), error.message().as_str()), (code, message));
        };
        let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
        check(
            &[("k", "a"), ("K", "b")],
            TagCase::Ignored,
            "InvalidInput",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        );
        check(
            &[("k", "a"), ("k", "b")],
            TagCase::Kept,
            "InvalidInput",
            "Duplicate tag keys found.",
        );
        check(
            &[(&long_key, "")],
            TagCase::Kept,
            "ValidationError",
            "1 validation error detected: Value at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128",
        );
        check(
            &[("a", "b"), ("k", &long_value)],
            TagCase::Kept,
            "ValidationError",
            "1 validation error detected: Value at 'tags.2.member.value' failed to satisfy constraint: Member must have length less than or equal to 256",
        );
        check(
            &[("a!", "b")],
            TagCase::Kept,
            "ValidationError",
            r"1 validation error detected: Value at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+",
        );
        check(
            &[("AWS:x", "b")],
            TagCase::Kept,
            "InvalidInput",
            "aws: prefixed tag key names are not allowed for external use.",
        );
        let many: Vec<(String, &str)> = (0..51).map(|n| (format!("k{n}"), "")).collect();
        let error = parse(many.iter().map(|(k, v)| (k.as_str(), *v)), TagCase::Kept).unwrap_err();
        assert_eq!(
            error.message(),
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"
        );
        assert!(parse_keys(&[String::new()]).is_err() && parse_keys(&["é x".to_owned()]).is_ok());
    }

    #[test]
    fn tags_are_put_and_removed_by_key() {
        let mut tags = parsed(&[("b", "1"), ("a", "")], TagCase::Ignored).unwrap();
        let new = parsed(&[("B", "2"), ("c", "3")], TagCase::Ignored).unwrap();
        put(&mut tags, new, TagCase::Ignored, Quota::TagsPerUser).unwrap();
        let texts = |tags: &Tags| {
            tags.iter()
                .map(|(k, v)| format!("{k}={v}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(texts(&tags), "B=2 a= c=3");
        assert_eq!(texts(&sorted(&tags)), "a= B=2 c=3");
        remove(&mut tags, &["b".to_owned(), "x".to_owned()], TagCase::Kept);
        assert_eq!(tags.len(), 3);
        remove(&mut tags, &["b".to_owned()], TagCase::Ignored);
        assert_eq!(texts(&tags), "a= c=3");
        let more: Tags = (0..49).map(|n| (format!("k{n}"), String::new())).collect();
        assert!(put(&mut tags, more, TagCase::Kept, Quota::TagsPerUser).is_err());
    }
}

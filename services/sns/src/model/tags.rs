//! Tags of topics.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_TagResource.html>

use crate::error::SnsError;

const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// A key with its value, in the order in which they were given.
pub type Tags = Vec<(String, String)>;

/// Checks the tags of one call.
pub fn parse<'a>(given: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Tags, SnsError> {
    let mut tags = Tags::new();
    for (key, value) in given {
        let key_chars = key.chars().count();
        if !(1..=KEY_CHARS_MAX).contains(&key_chars) || value.chars().count() > VALUE_CHARS_MAX {
            return Err(SnsError::invalid("Tag key or value is too long or empty"));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(SnsError::invalid(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        if tags.iter().any(|(other, _)| other == key) {
            return Err(SnsError::invalid("Duplicated keys are not allowed."));
        }
        tags.push((key.to_owned(), value.to_owned()));
    }
    match tags.len() > TAGS_MAX {
        true => Err(SnsError::TagLimitExceeded),
        false => Ok(tags),
    }
}

/// Puts tags beside others, in the place of those with the same keys.
pub fn put(tags: &mut Tags, new: Tags) -> Result<(), SnsError> {
    for (key, value) in new {
        match tags.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => *old = value,
            None => tags.push((key, value)),
        }
    }
    match tags.len() > TAGS_MAX {
        true => Err(SnsError::TagLimitExceeded),
        false => Ok(()),
    }
}

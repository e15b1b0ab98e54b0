//! Tags of keys.

use crate::{error::KmsError, violations::Violations};
use serde::{Deserialize, Serialize};

const TAGS_MAX: usize = 50;

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// 1 to 128 characters, unique on the key, not beginning with `aws:`.
    #[serde(rename = "TagKey")]
    pub key: String,
    /// 0 to 256 characters.
    #[serde(rename = "TagValue")]
    pub value: String,
}

/// Takes the tags of a request.
pub fn parse_tags(tags: &[Tag]) -> Result<Vec<Tag>, KmsError> {
    let mut violations = Violations::new();
    for (tag, n) in tags.iter().zip(1_usize..) {
        violations.length(&format!("tags.{n}.member.tagKey"), &tag.key, 1..=128);
        violations.length(&format!("tags.{n}.member.tagValue"), &tag.value, 0..=256);
    }
    violations.finish()?;
    if tags.len() > TAGS_MAX {
        return Err(KmsError::Tag("Too many tags"));
    }
    if tags
        .iter()
        .any(|tag| tag.key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")))
    {
        return Err(KmsError::Tag("Tags beginning with aws: are reserved"));
    }
    let mut names: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    names.sort_unstable();
    if names
        .windows(2)
        .any(|pair| matches!(pair, [one, other] if one == other))
    {
        return Err(KmsError::Tag("Duplicate tag keys"));
    }
    Ok(tags.to_vec())
}

/// The tags of a key with more of them: one of a name that is there takes its place.
pub fn add_tags(tags: &[Tag], more: &[Tag]) -> Result<Vec<Tag>, KmsError> {
    let mut tags = tags.to_vec();
    for new in parse_tags(more)? {
        match tags.iter_mut().find(|tag| tag.key == new.key) {
            Some(tag) => *tag = new,
            None => tags.push(new),
        }
    }
    match tags.len() > TAGS_MAX {
        true => Err(KmsError::Tag("Too many tags")),
        false => Ok(tags),
    }
}

/// Takes the names of the tags that a request takes away.
pub fn parse_tag_keys(names: &[String]) -> Result<(), KmsError> {
    let mut violations = Violations::new();
    for (name, n) in names.iter().zip(1_usize..) {
        violations.length(&format!("tagKeys.{n}.member"), name, 1..=128);
    }
    violations.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn the_rules_of_tags() {
        let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let long = "k".repeat(129);
        let check = |names: &[&str], expected: Option<(&str, &str)>| {
            let tags: Vec<Tag> = names
                .iter()
                .map(|name| Tag {
                    key: (*name).to_owned(),
                    value: String::new(),
                })
                .collect();
            let error = parse_tags(&tags).err().map(|e| (e.code().into_owned(), e.message()));
            assert_eq!(
                error,
                expected.map(|(code, text)| (code.to_owned(), text.to_owned())),
                "{names:?}"
            );
        };
        check(&[], None);
        check(&["a", "A"], None);
        check(&many[..50], None);
        check(&many, Some(("TagException", "Too many tags")));
        check(&["a", "b", "a"], Some(("TagException", "Duplicate tag keys")));
        check(
            &["aws:x"],
            Some(("TagException", "Tags beginning with aws: are reserved")),
        );
        let text = format!(
            "1 validation error detected: Value '{long}' at 'tags.1.member.tagKey' failed to satisfy constraint: \
             Member must have length less than or equal to 128"
        );
        check(&[&long], Some(("ValidationException", &text)));
    }

    #[test]
    fn a_tag_of_a_name_that_is_there_takes_its_place() {
        let tags = |pairs: &[(&str, &str)]| -> Vec<Tag> {
            let tag = |(key, value): &(&str, &str)| Tag {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
            };
            pairs.iter().map(tag).collect()
        };
        let found = add_tags(&tags(&[("a", "1"), ("b", "2")]), &tags(&[("b", "3"), ("A", "4")])).unwrap();
        assert_eq!(found, tags(&[("a", "1"), ("b", "3"), ("A", "4")]));
        let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert!(add_tags(&tags(&many), &tags(&[("0", "again")])).is_ok());
        assert_eq!(
            add_tags(&tags(&many), &tags(&[("50", "")])).unwrap_err().message(),
            "Too many tags"
        );
    }
}

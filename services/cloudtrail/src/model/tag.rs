//! Tags: what is one, and how many a resource has.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AddTags.html>,
//! <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Tag.html>

/// A resource has at most so many.
pub const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// A key with its value, which may be absent.
pub type Tag = (String, Option<String>);

/// What is wrong with tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidTags {
    /// A key or value is too long or empty, or has a character that none may have.
    Text,
    /// The prefix that is AWS's own.
    Reserved,
    /// A key twice.
    Twice,
    /// More than a resource may have.
    TooMany,
}

/// Tags as a caller may give them.
pub fn parse_tags(tags: impl IntoIterator<Item = Tag>) -> Result<Vec<Tag>, InvalidTags> {
    let mut parsed: Vec<Tag> = Vec::new();
    for (key, value) in tags {
        parse_key(&key)?;
        let right = |value: &str| is_text(value, VALUE_CHARS_MAX);
        if !value.as_deref().is_none_or(right) {
            return Err(InvalidTags::Text);
        }
        if parsed.iter().any(|(other, _)| *other == key) {
            return Err(InvalidTags::Twice);
        }
        parsed.push((key, value));
    }
    match parsed.len() <= TAGS_MAX {
        true => Ok(parsed),
        false => Err(InvalidTags::TooMany),
    }
}

/// A key that a caller may write.
pub fn parse_key(key: &str) -> Result<(), InvalidTags> {
    match key.get(..4) {
        Some(start) if start.eq_ignore_ascii_case("aws:") => Err(InvalidTags::Reserved),
        _ if is_text(key, KEY_CHARS_MAX) => Ok(()),
        _ => Err(InvalidTags::Text),
    }
}

/// Letters, digits, white space and `+ - = . _ : / @`.
fn is_text(text: &str, chars_max: usize) -> bool {
    let right = |c: char| c.is_alphanumeric() || c.is_whitespace() || "+-=._:/@".contains(c);
    !text.is_empty() && text.chars().count() <= chars_max && text.chars().all(right)
}

/// The tags with others added; those of equal keys are replaced where they are.
pub fn add_tags(tags: &[Tag], new: Vec<Tag>) -> Result<Vec<Tag>, InvalidTags> {
    let mut all = tags.to_vec();
    for (key, value) in new {
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some(known) => known.1 = value,
            None => all.push((key, value)),
        }
    }
    match all.len() <= TAGS_MAX {
        true => Ok(all),
        false => Err(InvalidTags::TooMany),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        (key.to_owned(), Some(value.to_owned()))
    }

    #[test]
    fn tags_are_judged_as_aws_does() {
        assert!(parse_tags([tag("Stage", "prod/eu @1"), ("empty".to_owned(), None)]).is_ok());
        let check = |wrong: Vec<Tag>, expected| assert_eq!(parse_tags(wrong), Err(expected));
        check(vec![tag("a", "1"), tag("a", "2")], InvalidTags::Twice);
        check(vec![tag("aws:stage", "1")], InvalidTags::Reserved);
        check(vec![tag("", "1")], InvalidTags::Text);
        check(vec![tag(&"k".repeat(129), "1")], InvalidTags::Text);
        check(vec![tag("a", &"v".repeat(257))], InvalidTags::Text);
        check(vec![tag("a", "<b>")], InvalidTags::Text);
        check(
            (0..51).map(|number| tag(&format!("k{number}"), "v")).collect(),
            InvalidTags::TooMany,
        );
    }

    #[test]
    fn fifty_tags_fit_and_equal_keys_are_replaced() {
        let many: Vec<Tag> = (0..49).map(|number| tag(&format!("k{number}"), "v")).collect();
        let all = add_tags(&many, vec![tag("k0", "new"), tag("last", "v")]).unwrap();
        assert_eq!((all.len(), &all[0]), (50, &tag("k0", "new")));
        assert_eq!(add_tags(&all, vec![tag("one more", "v")]), Err(InvalidTags::TooMany));
    }
}

//! Names of groups and streams, and the ways in which a caller may write a group.

use base::{AccountId, Arn, Region};

/// The longest name, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 512;

/// What AWS's front says a group's name must match.
pub(crate) const GROUP_PATTERN: &str = "[\\.\\-_/#A-Za-z0-9]+";
/// The same of a stream's.
pub(crate) const STREAM_PATTERN: &str = "[^:*]*";
/// The same of a group's name or ARN.
pub(crate) const IDENTIFIER_PATTERN: &str = "[\\w#+=/:,.@-]*";

/// Whether a text is made of a group name's characters.
pub(crate) fn is_group_text(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_/#".contains(&b))
}

/// Whether a text is made of a stream name's characters.
pub(crate) fn is_stream_text(text: &str) -> bool {
    !text.contains([':', '*'])
}

/// Whether a name is AWS's own.
pub(crate) fn is_reserved(group: &str) -> bool {
    group.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("aws/"))
}

/// A group as a caller may write it: its name, or its ARN with or without `:*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupReference<'a> {
    Name(&'a str),
    Arn(GroupPlace<'a>),
}

/// Where a group is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupPlace<'a> {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: &'a str,
}

impl<'a> GroupReference<'a> {
    /// `None` for what is neither.
    pub(crate) fn parse(text: &'a str) -> Option<GroupReference<'a>> {
        match text.starts_with("arn:") {
            true => GroupPlace::parse(text).map(GroupReference::Arn),
            false => is_name(text).then_some(GroupReference::Name(text)),
        }
    }
}

impl<'a> GroupPlace<'a> {
    /// From an ARN, with or without `:*`.
    pub(crate) fn parse(arn: &'a str) -> Option<GroupPlace<'a>> {
        let parts = base::arn::split(arn)?;
        let name = parts.resource.strip_prefix("log-group:")?;
        let name = name.strip_suffix(":*").unwrap_or(name);
        (parts.partition == base::arn::PARTITION && parts.service == "logs" && is_name(name)).then_some(())?;
        Some(GroupPlace {
            account: AccountId::parse(parts.account).ok()?,
            region: Region::parse(parts.region).ok()?,
            name,
        })
    }

    /// The same of an ARN value.
    pub(crate) fn of(arn: &'a Arn) -> Option<GroupPlace<'a>> {
        GroupPlace::parse(arn.as_str())
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.len()) && is_group_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_written_by_name_or_arn() {
        let place = GroupPlace {
            account: AccountId::parse("123456789012").unwrap(),
            region: Region::parse("us-east-1").unwrap(),
            name: "/a/b#1",
        };
        for arn in [
            "arn:aws:logs:us-east-1:123456789012:log-group:/a/b#1",
            "arn:aws:logs:us-east-1:123456789012:log-group:/a/b#1:*",
        ] {
            assert_eq!(GroupReference::parse(arn), Some(GroupReference::Arn(place.clone())));
        }
        assert_eq!(GroupReference::parse("a.b"), Some(GroupReference::Name("a.b")));
        for bad in [
            "",
            "a b",
            "a:*",
            "arn:aws:logs:us-east-1:123456789012:log-group:",
            "arn:aws:logs:us-east-1:123456789012:log-group:a:log-stream:b",
            "arn:aws:kms:us-east-1:123456789012:log-group:a",
            "arn:aws:logs:us-east-1:1234:log-group:a",
        ] {
            assert_eq!(GroupReference::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn awss_own_names_are_known() {
        assert!(is_reserved("aws/x") && is_reserved("AWS/x") && !is_reserved("/aws/x") && !is_reserved("aw"));
    }
}

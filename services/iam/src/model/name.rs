//! Names: of users, policies and paths, with AWS's words for those that are none.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>

use crate::error::IamError;

/// The longest name of a new user.
const NEW_USER_NAME_CHARS_MAX: usize = 64;
/// The longest name by which a user may be asked for.
const USER_NAME_CHARS_MAX: usize = 128;
const ROLE_NAME_CHARS_MAX: usize = 64;
const GROUP_NAME_CHARS_MAX: usize = 128;
const POLICY_NAME_CHARS_MAX: usize = 128;
const PATH_CHARS_MAX: usize = 512;
const ALIAS_CHARS: (usize, usize) = (3, 63);

/// A well-formed user name. Nothing says that the user exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserName(String);

impl UserName {
    /// A name to ask for.
    pub(crate) fn parse(text: &str) -> Result<UserName, IamError> {
        parse_name("userName", text, USER_NAME_CHARS_MAX).map(UserName)
    }

    /// The name of a user to be made.
    pub(crate) fn parse_new(text: &str) -> Result<UserName, IamError> {
        parse_name("userName", text, NEW_USER_NAME_CHARS_MAX).map(UserName)
    }

    /// The name that a user is to have instead of its own.
    pub(crate) fn parse_renamed(text: &str) -> Result<UserName, IamError> {
        parse_name("newUserName", text, NEW_USER_NAME_CHARS_MAX).map(UserName)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a group.
pub(crate) fn parse_group_name(text: &str) -> Result<String, IamError> {
    parse_name("groupName", text, GROUP_NAME_CHARS_MAX)
}

/// The name that a group is to have instead of its own.
pub(crate) fn parse_new_group_name(text: &str) -> Result<String, IamError> {
    parse_name("newGroupName", text, GROUP_NAME_CHARS_MAX)
}

/// The name of a role.
pub(crate) fn parse_role_name(text: &str) -> Result<String, IamError> {
    parse_name("roleName", text, ROLE_NAME_CHARS_MAX)
}

/// The name of a policy, inline or managed.
pub(crate) fn parse_policy_name(text: &str) -> Result<String, IamError> {
    parse_name("policyName", text, POLICY_NAME_CHARS_MAX)
}

fn parse_name(at: &'static str, text: &str, chars_max: usize) -> Result<String, IamError> {
    length(at, text, 1, chars_max)?;
    let shaped = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    if !text.bytes().all(shaped) {
        return Err(IamError::Validation(format!(
            "The specified value for {at} is invalid. It must contain only alphanumeric characters and/or the \
             following: +=,.@_-"
        )));
    }
    Ok(text.to_owned())
}

/// The name of an account: lower case, digits and single hyphens between them.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html>
pub(crate) fn parse_alias(text: &str) -> Result<(), IamError> {
    length("accountAlias", text, ALIAS_CHARS.0, ALIAS_CHARS.1)?;
    let letters = text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    match letters && !text.starts_with('-') && !text.ends_with('-') && !text.contains("--") {
        true => Ok(()),
        false => Err(IamError::constraint(
            "accountAlias",
            text,
            "Member must satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$",
        )),
    }
}

/// The path of a new user: begins and ends with `/`.
pub(crate) fn parse_path(text: &str) -> Result<String, IamError> {
    parse_path_at("path", text)
}

/// The path that a user or group is to have instead of its own.
pub(crate) fn parse_new_path(text: &str) -> Result<String, IamError> {
    parse_path_at("newPath", text)
}

fn parse_path_at(at: &'static str, text: &str) -> Result<String, IamError> {
    length(at, text, 1, PATH_CHARS_MAX)?;
    let visible = text.bytes().all(|b| (0x21..=0x7f).contains(&b));
    if !visible || !text.starts_with('/') || !text.ends_with('/') {
        return Err(IamError::Validation(format!(
            "The specified value for {at} is invalid. It must begin and end with / and contain only alphanumeric \
             characters and/or / characters."
        )));
    }
    Ok(text.to_owned())
}

/// The path of a new managed policy: segments of the characters of names, each with a `/` before and behind.
pub(crate) fn parse_policy_path(text: &str) -> Result<String, IamError> {
    length("path", text, 1, PATH_CHARS_MAX)?;
    let shaped = |segment: &str| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".,+@=_-".contains(&b))
    };
    let inner = text.strip_prefix('/').and_then(|rest| match rest {
        "" => Some(rest),
        _ => rest.strip_suffix('/').filter(|inner| inner.split('/').all(shaped)),
    });
    match inner {
        Some(_) => Ok(text.to_owned()),
        None => Err(IamError::Validation(
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
             characters and/or / characters."
                .to_owned(),
        )),
    }
}

/// A prefix of paths: begins with `/`, and need not end with one.
pub(crate) fn parse_path_prefix(text: &str) -> Result<String, IamError> {
    length("pathPrefix", text, 1, PATH_CHARS_MAX)?;
    let visible = text.bytes().all(|b| (0x21..=0x7f).contains(&b));
    if !visible || !text.starts_with('/') {
        return Err(IamError::Validation(
            "The specified value for pathPrefix is invalid. It must begin with / and contain only alphanumeric \
             characters and/or / characters."
                .to_owned(),
        ));
    }
    Ok(text.to_owned())
}

/// Refuses a text that is too short or too long.
pub(crate) fn length(at: &str, text: &str, chars_min: usize, chars_max: usize) -> Result<(), IamError> {
    let chars = text.chars().count();
    if chars > chars_max {
        let constraint = format!("Member must have length less than or equal to {chars_max}");
        return Err(IamError::constraint(at, text, constraint));
    }
    if chars < chars_min {
        let constraint = format!("Member must have length greater than or equal to {chars_min}");
        return Err(IamError::constraint(at, text, constraint));
    }
    Ok(())
}

/// The same in the form that does not repeat the text.
pub(crate) fn length_of(at: &str, text: &str, chars_min: usize, chars_max: usize) -> Result<(), IamError> {
    let chars = text.chars().count();
    if chars > chars_max {
        let constraint = format!("Member must have length less than or equal to {chars_max}");
        return Err(IamError::constraint_at(at, constraint));
    }
    if chars < chars_min {
        let constraint = format!("Member must have length greater than or equal to {chars_min}");
        return Err(IamError::constraint_at(at, constraint));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn names_and_paths_are_refused_in_awss_words() {
        let check = |result: Result<(), IamError>, expected: Option<&str>| match (result, expected) {
            (Ok(()), None) => {}
            (Err(error), Some(expected)) => {
                assert!(error.message().contains(expected), "{}", error.message());
            }
            (result, expected) => panic!("{result:?} {expected:?}"),
        };
        let new = |text: &str| UserName::parse_new(text).map(drop);
        check(new("A_b+=,.@-9"), None);
        check(new(&"a".repeat(64)), None);
        check(new(&"a".repeat(65)), Some("length less than or equal to 64"));
        check(UserName::parse(&"a".repeat(65)).map(drop), None);
        check(new(""), Some("length greater than or equal to 1"));
        for bad in ["a b", "a/b", "é", "a*"] {
            check(
                new(bad),
                Some("The specified value for userName is invalid. It must contain"),
            );
        }
        check(parse_role_name(&"a".repeat(64)).map(drop), None);
        check(
            parse_role_name(&"a".repeat(65)).map(drop),
            Some("length less than or equal to 64"),
        );
        check(parse_group_name("a/b").map(drop), Some("for groupName is invalid"));
        check(parse_policy_name("a:b").map(drop), Some("for policyName is invalid"));
        for (path, ok) in [
            ("/", true),
            ("/a/b/", true),
            ("/a", false),
            ("a/", false),
            ("/a b/", false),
        ] {
            assert_eq!(parse_path(path).is_ok(), ok, "{path}");
        }
        for (path, ok) in [
            ("/", true),
            ("/a.b/c/", true),
            ("//", false),
            ("/a", false),
            ("/a//b/", false),
            ("/!/", false),
        ] {
            assert_eq!(parse_policy_path(path).is_ok(), ok, "{path}");
        }
        for (alias, ok) in [
            ("abc", true),
            ("a-1", true),
            ("ab", false),
            ("a--b", false),
            ("-ab", false),
            ("ab-", false),
            ("aBc", false),
            (&"a".repeat(64), false),
        ] {
            assert_eq!(parse_alias(alias).is_ok(), ok, "{alias}");
        }
        for (prefix, ok) in [("/", true), ("/a", true), ("a", false), ("", false)] {
            assert_eq!(parse_path_prefix(prefix).is_ok(), ok, "{prefix}");
        }
    }
}

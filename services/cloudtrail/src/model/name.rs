//! Trail names, and the ARNs that stand for them.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html>

use base::{AccountId, Arn, Region, arn};

const LENGTH_MIN: usize = 3;
const LENGTH_MAX: usize = 128;

/// A valid trail name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailName(String);

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidName {
    /// Fewer than 3 characters.
    Short(usize),
    /// More than 128 characters.
    Long(usize),
    /// Begins with neither letter nor digit.
    First,
    /// Ends with neither letter nor digit.
    Last,
    /// Has a character other than letters, digits, `.`, `-` and `_`.
    Characters,
    /// Has two of `.`, `-` and `_` beside each other.
    Adjacent,
    /// Has the form of an IP address.
    Address,
}

impl InvalidName {
    /// AWS's words.
    pub fn message(self) -> String {
        match self {
            InvalidName::Short(length) => format!(
                "Trail name too short. Minimum allowed length: 3 characters. Specified name length: {length} characters."
            ),
            InvalidName::Long(length) => format!(
                "Trail name too long. Maximum allowed length: 128 characters. Specified name length: {length} characters."
            ),
            InvalidName::First => "Trail name must starts with a letter or number.".to_owned(),
            InvalidName::Last => "Trail name must ends with a letter or number.".to_owned(),
            InvalidName::Characters => "Trail name or ARN can only contain uppercase letters, lowercase letters, \
                                        numbers, periods (.), hyphens (-), and underscores (_)."
                .to_owned(),
            InvalidName::Adjacent => "Trail name cannot have two adjacent periods, hyphens or underscores.".to_owned(),
            InvalidName::Address => "Trail name cannot be in IP address format.".to_owned(),
        }
    }
}

impl TrailName {
    /// Parses a name by AWS's rules, in the order in which AWS complains.
    pub fn parse(text: &str) -> Result<TrailName, InvalidName> {
        let length = text.chars().count();
        if length < LENGTH_MIN {
            return Err(InvalidName::Short(length));
        }
        if length > LENGTH_MAX {
            return Err(InvalidName::Long(length));
        }
        let punctuation = |c: char| matches!(c, '.' | '-' | '_');
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(InvalidName::First);
        }
        if !text.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(InvalidName::Last);
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || punctuation(c)) {
            return Err(InvalidName::Characters);
        }
        if text
            .chars()
            .zip(text.chars().skip(1))
            .any(|(a, b)| punctuation(a) && punctuation(b))
        {
            return Err(InvalidName::Adjacent);
        }
        if text.parse::<std::net::Ipv4Addr>().is_ok() {
            return Err(InvalidName::Address);
        }
        Ok(TrailName(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a caller wrote where a trail is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrailReference {
    /// A bare name, looked for in the Region that is called.
    Name(TrailName),
    /// An ARN.
    Arn {
        /// The home Region it names.
        home: Region,
        /// The account it names.
        account: AccountId,
        /// The trail's name.
        name: TrailName,
    },
}

/// Why text refers to no trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidReference {
    /// A bad name.
    Name(InvalidName),
    /// It begins like an ARN and is not a trail's.
    Arn(String),
}

impl TrailReference {
    /// Parses a name or a trail's ARN.
    pub fn parse(text: &str) -> Result<TrailReference, InvalidReference> {
        if !text.starts_with("arn:") {
            return TrailName::parse(text)
                .map(TrailReference::Name)
                .map_err(InvalidReference::Name);
        }
        let bad = || InvalidReference::Arn(text.to_owned());
        let parts = arn::split(text).ok_or_else(bad)?;
        let name = parts.resource.strip_prefix("trail/").ok_or_else(bad)?;
        if parts.service != "cloudtrail" {
            return Err(bad());
        }
        Ok(TrailReference::Arn {
            home: Region::parse(parts.region).map_err(|_| bad())?,
            account: AccountId::parse(parts.account).map_err(|_| bad())?,
            name: TrailName::parse(name).map_err(InvalidReference::Name)?,
        })
    }

    /// The ARN it stands for, a bare name being taken in the Region that is called.
    pub fn arn(&self, called: &Region, caller: AccountId) -> Arn {
        match self {
            TrailReference::Name(name) => arn::trail(called, caller, name.as_str()),
            TrailReference::Arn { home, account, name } => arn::trail(home, *account, name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_awss_rules() {
        let check = |text: &str, expected: Option<InvalidName>| {
            assert_eq!(TrailName::parse(text).err(), expected, "{text}");
        };
        check("abc", None);
        check("My-Trail_1.x", None);
        check("ab", Some(InvalidName::Short(2)));
        check(&"a".repeat(128), None);
        check(&"a".repeat(129), Some(InvalidName::Long(129)));
        check("-abc", Some(InvalidName::First));
        check("abc-", Some(InvalidName::Last));
        check("my trail", Some(InvalidName::Characters));
        check("my--x", Some(InvalidName::Adjacent));
        check("my-_x", Some(InvalidName::Adjacent));
        check("192.168.5.4", Some(InvalidName::Address));
    }

    #[test]
    fn a_reference_is_a_name_or_a_trails_arn() {
        assert!(matches!(TrailReference::parse("abc"), Ok(TrailReference::Name(_))));
        let arn = "arn:aws:cloudtrail:us-east-2:123456789012:trail/abc";
        assert!(matches!(TrailReference::parse(arn), Ok(TrailReference::Arn { .. })));
        for bad in [
            "arn:aws:cloudtrail:us-east-2:123456789012:abc",
            "arn:aws:s3:::b",
            "arn:",
        ] {
            assert_eq!(TrailReference::parse(bad), Err(InvalidReference::Arn(bad.to_owned())));
        }
    }
}

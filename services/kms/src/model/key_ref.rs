//! The forms in which a request names a key: id, ARN, alias name, alias ARN.

use crate::{error::KmsError, model::KeyId, violations::Violations};
use base::{AccountId, Fault, Region, arn};

const CHARS_MAX: usize = 2048;

/// Takes the code of a Region, as the value of the member `at`. Says nothing about whether it is enabled.
pub fn parse_region(at: &str, text: &str) -> Result<Region, KmsError> {
    let mut violations = Violations::new();
    violations.length(at, text, 1..=32);
    let (words, number) = text.rsplit_once('-').unwrap_or_default();
    let count = words.split('-').count();
    let shaped = (2..=3).contains(&count)
        && words
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit());
    let region = Region::parse(text).ok().filter(|_| shaped);
    if region.is_none() {
        violations.pattern(at, text, r"^([a-z]+-){2,3}\d+$");
    }
    violations.finish()?;
    region.ok_or_else(|| KmsError::Fault(Fault::Bug("a violation of an input was not told")))
}

/// Where an ARN says that the key or alias is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The Region.
    pub region: Region,
    /// The owner.
    pub account: AccountId,
}

/// What is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An alias, by its name with `alias/`.
    Alias(String),
    /// A key.
    Key(KeyId),
}

/// A key as a request names it. Says nothing about whether there is such a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRef {
    /// Of an ARN, where it points; else the caller's own account and Region are meant.
    pub place: Option<Place>,
    /// What is named.
    pub target: Target,
}

impl KeyRef {
    /// Reads any of the four forms, as the value of the member `at`.
    pub fn parse(at: &str, text: &str) -> Result<KeyRef, KmsError> {
        let mut violations = Violations::new();
        violations.length(at, text, 1..=CHARS_MAX);
        violations.finish()?;
        if text.starts_with("arn:") {
            return KeyRef::parse_arn(text).ok_or_else(|| KmsError::InvalidArn { text: text.to_owned() });
        }
        let target = if text.starts_with("alias/") {
            Some(Target::Alias(text.to_owned()))
        } else {
            KeyId::parse(text).map(Target::Key)
        };
        match target {
            Some(target) => Ok(KeyRef { place: None, target }),
            None => Err(KmsError::InvalidKeyId { text: text.to_owned() }),
        }
    }

    /// Reads an id or a key ARN, for the operations that take no alias.
    pub fn parse_without_alias(at: &str, text: &str) -> Result<KeyRef, KmsError> {
        match KeyRef::parse(at, text)? {
            KeyRef {
                target: Target::Alias(_),
                ..
            } => Err(KmsError::InvalidKeyId { text: text.to_owned() }),
            named => Ok(named),
        }
    }

    fn parse_arn(text: &str) -> Option<KeyRef> {
        let parts = arn::split(text)?;
        (parts.partition == arn::PARTITION && parts.service == "kms").then_some(())?;
        let target = match parts.resource.strip_prefix("key/") {
            Some(id) => Target::Key(KeyId::parse(id)?),
            None => Target::Alias(
                parts
                    .resource
                    .starts_with("alias/")
                    .then(|| parts.resource.to_owned())?,
            ),
        };
        let place = Place {
            region: Region::parse(parts.region).ok()?,
            account: AccountId::parse(parts.account).ok()?,
        };
        Some(KeyRef {
            place: Some(place),
            target,
        })
    }

    /// The alias by which a key was asked for (`kms:RequestAlias`).
    pub fn alias(&self) -> Option<&str> {
        match &self.target {
            Target::Alias(name) => Some(name),
            Target::Key(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wire::AwsError;

    const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn a_region_has_two_or_three_words_and_a_number() {
        for good in ["us-east-1", "us-gov-west-1", "ap-southeast-12"] {
            assert_eq!(parse_region("replicaRegion", good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "us",
            "us-1",
            "us-east",
            "US-EAST-1",
            "us-east-1a",
            "us--1",
            "a-b-c-d-1",
            "us-east-",
        ] {
            let error = parse_region("replicaRegion", bad).unwrap_err();
            assert_eq!(error.code(), "ValidationException", "{bad}");
        }
    }

    #[test]
    fn the_four_forms() {
        let key = Target::Key(KeyId::parse(ID).unwrap());
        let alias = Target::Alias("alias/a/b".to_owned());
        let place = Some(Place {
            region: Region::parse("eu-west-1").unwrap(),
            account: AccountId::parse("111122223333").unwrap(),
        });
        let check = |text: &str, place: &Option<Place>, target: &Target| {
            let expected = KeyRef {
                place: place.clone(),
                target: target.clone(),
            };
            assert_eq!(KeyRef::parse("keyId", text).ok(), Some(expected), "{text}");
            assert_eq!(
                KeyRef::parse_without_alias("keyId", text).is_ok(),
                matches!(target, Target::Key(_)),
                "{text}"
            );
        };
        check(ID, &None, &key);
        check("alias/a/b", &None, &alias);
        check(&format!("arn:aws:kms:eu-west-1:111122223333:key/{ID}"), &place, &key);
        check("arn:aws:kms:eu-west-1:111122223333:alias/a/b", &place, &alias);
    }

    #[test]
    fn other_text_is_refused() {
        let check = |text: &str, code: &str, message: &str| {
            let error = KeyRef::parse("keyId", text).unwrap_err();
            assert_eq!(
                (error.code().as_ref(), error.message().as_str()),
                (code, message),
                "{text}"
            );
        };
        check("fake", "NotFoundException", "Invalid keyId 'fake'");
        check(
            "",
            "ValidationException",
            "1 validation error detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length \
             greater than or equal to 1",
        );
        check("ARN:aws", "NotFoundException", "Invalid keyId 'ARN:aws'");
        for text in [
            "arn:aws:s3:::bucket",
            "arn:aws-cn:kms:eu-west-1:111122223333:alias/a",
            "arn:aws:kms:eu-west-1:1111:alias/a",
            "arn:aws:kms::111122223333:alias/a",
            "arn:aws:kms:eu-west-1:111122223333:key/fake",
            "arn:aws:kms:eu-west-1:111122223333:other/a",
            "arn:",
        ] {
            check(text, "InvalidArnException", &format!("Invalid arn {text}"));
        }
    }

    proptest! {
        #[test]
        fn an_arn_says_where_and_what(region in "[a-z]{2}-[a-z]{4,9}-[1-9]", account in "[0-9]{12}", name in "[a-zA-Z0-9:/_-]{1,250}") {
            let arn = format!("arn:aws:kms:{region}:{account}:alias/{name}");
            let named = KeyRef::parse("keyId", &arn).unwrap();
            let place = named.place.clone().unwrap();
            prop_assert_eq!((place.region.as_str(), place.account.as_str()), (region.as_str(), account.as_str()));
            prop_assert_eq!(named.alias().map(str::to_owned), Some(format!("alias/{name}")));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(arn:|alias/|mrk-)?(aws:|kms:|key/|alias/|\\PC|[:/]){0,40}") {
            let _ = KeyRef::parse("keyId", &text);
            let _ = KeyRef::parse_without_alias("keyId", &text);
        }
    }
}

//! A topic, and how it is named.

use crate::error::SnsError;
use base::{AccountId, Arn, Region, Timestamp, arn};
use serde::{Deserialize, Serialize};

/// SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>
const NAME_CHARS_MAX: usize = 256;
/// SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html>, and the console: 100 characters.
const DISPLAY_NAME_CHARS_MAX: usize = 100;

/// Standard topics of an account, in all Regions together fewer than what one listing can read.
///
/// DIFFERS: AWS has 100,000 to a Region.
pub const TOPICS_PER_REGION_MAX: usize = 5_000;

/// Which topic: what its ARN says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicRef {
    /// The owner.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The name.
    pub name: String,
}

/// A topic as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Unique for ever: a topic that is deleted and made again under its name is another one.
    pub id: [u8; 16],
    /// Which one.
    pub at: TopicRef,
    /// When it was made.
    pub created: Timestamp,
    /// `DisplayName`
    pub display_name: String,
    /// `Policy`, with users and roles by their unique ids.
    pub policy: String,
    /// `DeliveryPolicy`, as it was sent.
    pub delivery_policy: Option<String>,
    /// `KmsMasterKeyId`, as it was sent.
    pub kms_key: Option<String>,
    /// `SignatureVersion`, once it was set.
    pub signature_version: Option<SignatureVersion>,
    /// Tags in the order in which they were given.
    pub tags: Vec<(String, String)>,
    /// How many subscriptions were deleted.
    pub deleted: u64,
}

/// By which hash messages are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignatureVersion {
    /// `1`: SHA-1.
    #[default]
    One,
    /// `2`: SHA-256.
    Two,
}

impl SignatureVersion {
    /// Reads the attribute.
    pub fn parse(text: &str) -> Result<SignatureVersion, SnsError> {
        match text {
            "1" => Ok(SignatureVersion::One),
            "2" => Ok(SignatureVersion::Two),
            _ => Err(SnsError::invalid("SignatureVersion")),
        }
    }

    /// As envelopes show it.
    pub fn as_str(self) -> &'static str {
        match self {
            SignatureVersion::One => "1",
            SignatureVersion::Two => "2",
        }
    }
}

impl TopicRef {
    /// Reads the ARN that the parameter `parameter` holds.
    pub fn parse(parameter: &str, text: &str) -> Result<TopicRef, SnsError> {
        let parts = arn_parts(parameter, text)?;
        let known = parts.service == "sns" && parts.partition == arn::PARTITION;
        let place = (AccountId::parse(parts.account), Region::parse(parts.region));
        match place {
            (Ok(account), Ok(region)) if known && is_name(parts.resource) => Ok(TopicRef {
                account,
                region,
                name: parts.resource.to_owned(),
            }),
            _ => Err(SnsError::invalid(parameter)),
        }
    }

    /// The ARN.
    pub fn arn(&self) -> Arn {
        arn::topic(&self.region, self.account, &self.name)
    }
}

/// Splits an ARN as SNS does, which says how many elements are missing.
pub(crate) fn arn_parts<'a>(parameter: &str, text: &'a str) -> Result<arn::ArnParts<'a>, SnsError> {
    let elements = text.split(':').count();
    if elements < 6 {
        return Err(SnsError::InvalidParameter(format!(
            "{parameter} Reason: An ARN must have at least 6 elements, not {elements}"
        )));
    }
    arn::split(text).ok_or_else(|| SnsError::invalid(parameter))
}

fn is_name(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Takes a text for the name of a new topic. FIFO topics are refused by name.
pub fn parse_name(text: &str) -> Result<&str, SnsError> {
    if text.strip_suffix(".fifo").is_some_and(is_name) {
        return Err(SnsError::NotImplemented("FifoTopic".to_owned()));
    }
    match is_name(text) {
        true => Ok(text),
        false => Err(SnsError::invalid("Topic Name")),
    }
}

/// Takes a text for a `DisplayName`.
pub fn parse_display_name(text: &str) -> Result<String, SnsError> {
    match text.chars().count() <= DISPLAY_NAME_CHARS_MAX && !text.chars().any(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err(SnsError::invalid("DisplayName")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn arns_are_read_in_snss_words() {
        let check = |text: &str, expected: &str| {
            let error = TopicRef::parse("TopicArn", text).unwrap_err();
            assert_eq!(error.message(), format!("Invalid parameter: {expected}"), "{text}");
        };
        check("", "TopicArn Reason: An ARN must have at least 6 elements, not 1");
        check("a:b", "TopicArn Reason: An ARN must have at least 6 elements, not 2");
        check("arn:aws:sqs:us-east-1:111122223333:t", "TopicArn");
        check("arn:aws:sns:us-east-1:111122223333:t:u", "TopicArn");
        check("arn:aws:sns:us-east-1:1:t", "TopicArn");
        let text = "arn:aws:sns:us-east-1:111122223333:a_B-9";
        assert_eq!(TopicRef::parse("TopicArn", text).unwrap().arn().as_str(), text);
    }

    #[test]
    fn names_have_their_letters_and_length() {
        let long = "a".repeat(257);
        for bad in ["", "a b", "a.b", "a/b", "a:b", &long, ".fifo"] {
            assert_eq!(
                parse_name(bad).unwrap_err().message(),
                "Invalid parameter: Topic Name",
                "{bad}"
            );
        }
        assert_eq!(parse_name("a.fifo").unwrap_err().code(), "NotImplemented");
        assert!(parse_name(&long[..256]).is_ok());
    }
}

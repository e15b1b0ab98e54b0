//! A subscription: an endpoint that gets what is published to a topic, once it has confirmed that it wants it.

use super::{
    endpoint::Endpoint,
    filter::FilterScope,
    topic::{TopicRef, arn_parts},
};
use crate::error::SnsError;
use base::{AccountId, Arn, Region, Timestamp, arn};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Subscriptions of a topic, confirmed or not: what one listing can read.
///
/// DIFFERS: AWS has 12,500,000.
pub const SUBSCRIPTIONS_PER_TOPIC_MAX: usize = 5_000;

/// Subscriptions of a topic that have a filter policy.
///
/// SPEC: <https://docs.aws.amazon.com/general/latest/gr/sns.html>, "200 per topic".
pub const FILTER_POLICIES_PER_TOPIC_MAX: usize = 200;

/// How long a token can be used to confirm, and how long what is not confirmed is kept.
///
/// SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>, "Confirmation tokens are valid for two days."
pub const TOKEN_TIME: Duration = Duration::from_secs(2 * 24 * 3600);

/// By what messages come to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Protocol {
    /// Reads the parameter. What AWS has beside these is refused by name.
    pub fn parse(text: &str) -> Result<Protocol, SnsError> {
        match text {
            "http" => Ok(Protocol::Http),
            "https" => Ok(Protocol::Https),
            "application" | "email" | "email-json" | "firehose" | "lambda" | "sms" | "sqs" => {
                Err(SnsError::NotImplemented(format!("Protocol {text}")))
            }
            _ => Err(SnsError::InvalidParameter(format!(
                "Amazon SNS does not support this protocol string: {text}"
            ))),
        }
    }

    /// AWS's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Https => "https",
        }
    }
}

/// Which subscription: what its ARN says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRef {
    /// Its topic.
    pub topic: TopicRef,
    /// Its id, a UUID.
    pub id: String,
}

impl SubscriptionRef {
    /// Reads an ARN.
    pub fn parse(text: &str) -> Result<SubscriptionRef, SnsError> {
        let invalid = || SnsError::invalid("SubscriptionArn");
        arn_parts("SubscriptionArn", text)?;
        let (topic, id) = text.rsplit_once(':').ok_or_else(invalid)?;
        let shaped = !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        match shaped && topic.split(':').count() == 6 {
            true => Ok(SubscriptionRef {
                topic: TopicRef::parse("SubscriptionArn", topic)?,
                id: id.to_owned(),
            }),
            false => Err(invalid()),
        }
    }

    /// The ARN.
    pub fn arn(&self) -> Arn {
        let TopicRef { account, region, name } = &self.topic;
        arn::subscription(region, *account, name, &self.id)
    }
}

/// A subscription as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Which one.
    pub at: SubscriptionRef,
    /// The account that subscribed.
    pub owner: AccountId,
    /// The ARN of who subscribed.
    pub principal: String,
    /// Where messages go.
    pub endpoint: Endpoint,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it was confirmed, and whether with a signature.
    pub confirmed: Option<Confirmation>,
    /// `RawMessageDelivery`
    pub raw: bool,
    /// `FilterPolicy`, as it was sent.
    pub filter_policy: Option<String>,
    /// `FilterPolicyScope`
    pub filter_scope: FilterScope,
    /// `DeliveryPolicy`, as it was sent.
    pub delivery_policy: Option<String>,
}

/// How a subscription was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// When.
    pub at: Timestamp,
    /// Whether who confirmed had signed.
    pub authenticated: bool,
    /// `AuthenticateOnUnsubscribe`: who ends it must have signed.
    pub guarded: bool,
}

impl Subscription {
    /// Its Region.
    pub fn region(&self) -> &Region {
        &self.at.topic.region
    }

    /// The ARN, as listings show it.
    pub fn listed_arn(&self) -> String {
        match self.confirmed {
            Some(_) => self.at.arn().as_str().to_owned(),
            None => "PendingConfirmation".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn subscriptions_are_named_by_their_arns() {
        let text = "arn:aws:sns:us-east-1:111122223333:t:0f4e1b2c-1111-2222-3333-444455556666";
        assert_eq!(SubscriptionRef::parse(text).unwrap().arn().as_str(), text);
        for (bad, expected) in [
            (
                "x",
                "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
            ),
            ("arn:aws:sns:us-east-1:111122223333:t", "SubscriptionArn"),
            ("arn:aws:sns:us-east-1:111122223333:t:/", "SubscriptionArn"),
            ("arn:aws:sns:us-east-1:111122223333:t:a:b", "SubscriptionArn"),
        ] {
            let message = SubscriptionRef::parse(bad).unwrap_err().message();
            assert_eq!(message, format!("Invalid parameter: {expected}"), "{bad}");
        }
    }

    #[test]
    fn protocols_that_are_not_here_are_refused_by_name() {
        let message = |text: &str| Protocol::parse(text).unwrap_err().message();
        assert_eq!(message("sqs"), "Protocol sqs is not implemented by this server.");
        assert_eq!(
            message("pigeon"),
            "Invalid parameter: Amazon SNS does not support this protocol string: pigeon"
        );
    }
}

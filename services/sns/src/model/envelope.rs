//! The envelopes in which messages travel, and what of them is signed.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html>

use super::{Kind, Payload, Protocol, SubscriptionRef, topic::SignatureVersion};
use base::{Arn, Timestamp};
use serde_json::Value;
use std::fmt::Write;

/// A message on its way to one subscription.
pub struct Envelope<'a> {
    /// What it is of.
    pub kind: Kind,
    /// The message's id.
    pub id: &'a str,
    /// The topic.
    pub topic: &'a Arn,
    /// The subscription.
    pub subscription: &'a SubscriptionRef,
    /// By what it travels.
    pub protocol: Protocol,
    /// When it was published.
    pub created: Timestamp,
    /// What was published.
    pub payload: &'a Payload,
    /// Where this server is, as its clients name it: `http://127.0.0.1:4566`.
    pub server: &'a str,
}

/// A signature and where the certificate is that it can be checked with.
pub struct Signed<'a> {
    /// By which hash.
    pub version: SignatureVersion,
    /// In base64.
    pub signature: &'a str,
    /// The path of the certificate on this server, without the slash.
    pub certificate: &'a str,
}

impl Envelope<'_> {
    /// `Message`
    fn message(&self) -> String {
        match self.kind {
            Kind::Notification => self.payload.message_for(self.protocol).to_owned(),
            Kind::SubscriptionConfirmation => format!(
                "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the SubscribeURL \
                 included in this message.",
                self.topic
            ),
            Kind::UnsubscribeConfirmation => format!(
                "You have chosen to deactivate subscription {}.\nTo cancel this operation and restore the subscription, \
                 visit the SubscribeURL included in this message.",
                self.subscription.arn()
            ),
        }
    }

    fn token(&self) -> &str {
        self.payload.token.as_deref().unwrap_or("")
    }

    fn subscribe_url(&self) -> String {
        format!(
            "{}/?Action=ConfirmSubscription&TopicArn={}&Token={}",
            self.server,
            self.topic,
            self.token()
        )
    }

    fn unsubscribe_url(&self) -> String {
        format!(
            "{}/?Action=Unsubscribe&SubscriptionArn={}",
            self.server,
            self.subscription.arn()
        )
    }

    /// What is signed: names and values by turns, each with a newline behind it.
    pub fn string_to_sign(&self) -> String {
        let mut out = String::new();
        let mut put = |name: &str, value: &str| {
            for text in [name, value] {
                out.push_str(text);
                out.push('\n');
            }
        };
        put("Message", &self.message());
        put("MessageId", self.id);
        match self.kind {
            Kind::Notification => {
                if let Some(subject) = &self.payload.subject {
                    put("Subject", subject);
                }
                put("Timestamp", &self.created.iso8601_millis());
            }
            Kind::SubscriptionConfirmation | Kind::UnsubscribeConfirmation => {
                put("SubscribeURL", &self.subscribe_url());
                put("Timestamp", &self.created.iso8601_millis());
                put("Token", self.token());
            }
        }
        put("TopicArn", self.topic.as_str());
        put("Type", self.kind.as_str());
        out
    }

    /// The body, laid out as AWS lays it out.
    pub fn body(&self, signed: &Signed<'_>) -> String {
        let mut out = Members::default();
        out.text("Type", self.kind.as_str());
        out.text("MessageId", self.id);
        match self.kind {
            Kind::Notification => {
                out.text("TopicArn", self.topic.as_str());
                if let Some(subject) = &self.payload.subject {
                    out.text("Subject", subject);
                }
                out.text("Message", &self.message());
            }
            Kind::SubscriptionConfirmation | Kind::UnsubscribeConfirmation => {
                out.text("Token", self.token());
                out.text("TopicArn", self.topic.as_str());
                out.text("Message", &self.message());
                out.text("SubscribeURL", &self.subscribe_url());
            }
        }
        out.text("Timestamp", &self.created.iso8601_millis());
        out.text("SignatureVersion", signed.version.as_str());
        out.text("Signature", signed.signature);
        out.text("SigningCertURL", &format!("{}/{}", self.server, signed.certificate));
        if self.kind == Kind::Notification {
            out.text("UnsubscribeURL", &self.unsubscribe_url());
            if !self.payload.attributes.is_empty() {
                out.raw("MessageAttributes", &self.attributes());
            }
        }
        out.finish()
    }

    fn attributes(&self) -> String {
        let mut out = String::from("{");
        for (n, attribute) in self.payload.attributes.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let [name, data_type, value] =
                [&attribute.name, &attribute.data_type, &attribute.value].map(|text| quoted(text));
            // Writing into a text does not fail.
            let _ = write!(out, "{comma}\n    {name} : {{\"Type\":{data_type},\"Value\":{value}}}");
        }
        out.push_str("\n  }");
        out
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// An object with a line for each member.
#[derive(Default)]
struct Members(String);

impl Members {
    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quoted(value));
    }

    fn raw(&mut self, name: &str, value: &str) {
        let before = if self.0.is_empty() { "{" } else { "," };
        let _ = write!(self.0, "{before}\n  {} : {value}", quoted(name));
    }

    fn finish(mut self) -> String {
        self.0.push_str("\n}");
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Attribute;

    fn subscription() -> SubscriptionRef {
        SubscriptionRef::parse("arn:aws:sns:us-east-1:111122223333:t:0f4e1b2c").unwrap()
    }

    const SIGNED: Signed<'static> = Signed {
        version: SignatureVersion::Two,
        signature: "c2ln",
        certificate: "SimpleNotificationService-ab.pem",
    };

    #[test]
    fn a_notification_is_laid_out_and_signed_as_awss() {
        let payload = Payload {
            attributes: vec![Attribute {
                name: "a".to_owned(),
                data_type: "String".to_owned(),
                value: "\"v\"".to_owned(),
            }],
            ..Payload::text(Some("Hi".to_owned()), "a\n\"b\"".to_owned())
        };
        let subscription = subscription();
        let envelope = Envelope {
            kind: Kind::Notification,
            id: "m-1",
            topic: &subscription.topic.arn(),
            subscription: &subscription,
            protocol: Protocol::Http,
            created: Timestamp::from_secs(1_800_000_000),
            payload: &payload,
            server: "http://127.0.0.1:1",
        };
        assert_eq!(
            envelope.string_to_sign(),
            "Message\na\n\"b\"\nMessageId\nm-1\nSubject\nHi\nTimestamp\n2027-01-15T08:00:00.000Z\nTopicArn\narn:aws:sns:us-east-1:111122223333:t\nType\nNotification\n"
        );
        assert_eq!(
            envelope.body(&SIGNED),
            r#"{
  "Type" : "Notification",
  "MessageId" : "m-1",
  "TopicArn" : "arn:aws:sns:us-east-1:111122223333:t",
  "Subject" : "Hi",
  "Message" : "a\n\"b\"",
  "Timestamp" : "2027-01-15T08:00:00.000Z",
  "SignatureVersion" : "2",
  "Signature" : "c2ln",
  "SigningCertURL" : "http://127.0.0.1:1/SimpleNotificationService-ab.pem",
  "UnsubscribeURL" : "http://127.0.0.1:1/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:111122223333:t:0f4e1b2c",
  "MessageAttributes" : {
    "a" : {"Type":"String","Value":"\"v\""}
  }
}"#
        );
    }

    #[test]
    fn a_confirmation_carries_its_token() {
        let payload = Payload {
            token: Some("abc".to_owned()),
            ..Payload::text(None, String::new())
        };
        let subscription = subscription();
        let envelope = Envelope {
            kind: Kind::SubscriptionConfirmation,
            id: "m-1",
            topic: &subscription.topic.arn(),
            subscription: &subscription,
            protocol: Protocol::Http,
            created: Timestamp::from_secs(1_800_000_000),
            payload: &payload,
            server: "http://h",
        };
        let url = "http://h/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:111122223333:t&Token=abc";
        let message = "You have chosen to subscribe to the topic arn:aws:sns:us-east-1:111122223333:t.\nTo confirm the subscription, visit the SubscribeURL included in this message.";
        assert_eq!(
            envelope.string_to_sign(),
            format!(
                "Message\n{message}\nMessageId\nm-1\nSubscribeURL\n{url}\nTimestamp\n2027-01-15T08:00:00.000Z\nToken\nabc\nTopicArn\narn:aws:sns:us-east-1:111122223333:t\nType\nSubscriptionConfirmation\n"
            )
        );
        let body: Value = serde_json::from_str(&envelope.body(&SIGNED)).unwrap();
        assert_eq!(
            (body["SubscribeURL"].as_str(), body["Token"].as_str()),
            (Some(url), Some("abc"))
        );
        assert_eq!(body.get("UnsubscribeURL"), None);
    }
}

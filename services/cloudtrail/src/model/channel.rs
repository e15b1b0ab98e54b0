//! A channel: where events from elsewhere come in, and which trails get them.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateChannel.html>

use base::{AccountId, Arn, Region, Timestamp, arn};
use serde::{Deserialize, Serialize};

/// An account has at most so many channels in a Region.
pub const CHANNELS_PER_REGION_MAX: usize = 25;
/// A channel has at most so many destinations.
pub const DESTINATIONS_MAX: usize = 200;
/// The source of events that no partner of AWS makes.
pub const CUSTOM: &str = "Custom";
/// The sources that are partners of AWS.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-event-data-store-integration.html>
const PARTNERS: [&str; 15] = [
    "CloudStorageSecurityConsole",
    "Clumio",
    "CrowdStrike",
    "CyberArk",
    "GitHub",
    "IBMMulticloud",
    "KongGatewayEnterprise",
    "LaunchDarkly",
    "MontyCloud",
    "NetskopeCloudExchange",
    "OktaSystemLogEvents",
    "OneLogin",
    "Shoreline",
    "Snyk",
    "WizAuditLogs",
];
const NAME_LENGTHS: std::ops::RangeInclusive<usize> = 3..=128;

/// A channel as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Unique for ever: the end of its ARN.
    pub id: String,
    /// The owner, who gets its events.
    pub account: AccountId,
    /// Where it is called.
    pub region: Region,
    /// The name, one of a kind in account and Region.
    pub name: String,
    /// [`CUSTOM`] or a partner. Never changes.
    pub source: String,
    /// The ARNs of the trails that get its events, of the same account; never empty.
    pub trails: Vec<Arn>,
    /// Who else may put events, as it is stored: principals by their unique ids.
    pub policy: Option<String>,
    /// Tags.
    pub tags: Vec<(String, Option<String>)>,
}

/// What came in last through a channel. Written at most every ten seconds while nothing else happens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingestion {
    /// When events were last accepted, and the id of the last of them.
    pub succeeded: Option<(Timestamp, String)>,
    /// When events were last sent, and the id of the last of them.
    pub attempted: Option<(Timestamp, String)>,
    /// The code of the last failure.
    pub error: Option<String>,
}

/// Which channel a caller means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelReference {
    /// The Region of an ARN.
    pub region: Option<Region>,
    /// The account of an ARN.
    pub account: Option<AccountId>,
    /// The id.
    pub id: String,
}

impl Channel {
    /// The ARN.
    pub fn arn(&self) -> Arn {
        arn::channel(&self.region, self.account, &self.id)
    }
}

impl ChannelReference {
    /// Reads an ARN or an id.
    pub fn parse(text: &str) -> Option<ChannelReference> {
        let shaped = |id: &str| {
            (1..=128).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if !text.starts_with("arn:") {
            return shaped(text).then(|| ChannelReference {
                region: None,
                account: None,
                id: text.to_owned(),
            });
        }
        let parts = arn::split(text)?;
        let id = parts.resource.strip_prefix("channel/").filter(|id| shaped(id))?;
        (parts.service == "cloudtrail").then_some(())?;
        Some(ChannelReference {
            region: Some(Region::parse(parts.region).ok()?),
            account: Some(AccountId::parse(parts.account).ok()?),
            id: id.to_owned(),
        })
    }
}

/// Whether a text may be a channel's name: 3 to 128 letters, digits, dots, underscores and hyphens.
pub fn is_name(text: &str) -> bool {
    NAME_LENGTHS.contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether events may come from there.
pub fn is_source(text: &str) -> bool {
    text == CUSTOM || PARTNERS.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_meant_by_its_arn_or_its_id() {
        let check = |text: &str, id: Option<&str>, account: Option<&str>| {
            let found = ChannelReference::parse(text);
            assert_eq!(found.as_ref().map(|found| found.id.as_str()), id, "{text}");
            let found = found.and_then(|found| found.account);
            assert_eq!(found.as_ref().map(AccountId::as_str), account, "{text}");
        };
        check("a-1", Some("a-1"), None);
        check(
            "arn:aws:cloudtrail:us-east-1:111122223333:channel/a-1",
            Some("a-1"),
            Some("111122223333"),
        );
        for bad in [
            "",
            "a/b",
            "arn:aws:cloudtrail:us-east-1:111122223333:trail/a",
            "arn:aws:s3:us-east-1:111122223333:channel/a",
            "arn:aws:cloudtrail:us-east-1:1:channel/a",
            "arn:aws:cloudtrail:us-east-1:111122223333:channel/",
        ] {
            check(bad, None, None);
        }
    }

    #[test]
    fn names_and_sources_are_awss() {
        assert!(is_name("a.b") && is_name(&"x".repeat(128)));
        assert!(!is_name("ab") && !is_name(&"x".repeat(129)) && !is_name("a b"));
        assert!(is_source("Custom") && is_source("OktaSystemLogEvents") && !is_source("custom"));
    }
}

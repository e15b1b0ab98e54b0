//! What the server was told at its start: data, never components.

use crate::Organization;
use base::{AccountId, Region};
use std::time::Duration;

/// Whether the product behaves as the documents it was asked for (`Seeds`) or as AWS does today (`Current`), in the
/// places where AWS has changed since. Each place has a row in SEMANTICS.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsBehavior {
    /// Digest files are always SSE-S3; new buckets accept ACLs.
    Seeds,
    /// Digest files are sealed under the trail's key; ACLs are off on new buckets.
    Current,
}

/// Where SNS may send messages to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnsEndpoints {
    /// To addresses that are routed everywhere: to this machine and to private networks never.
    Any,
    /// To this machine itself.
    Loopback,
    /// To this machine, to private networks, and to addresses that are routed everywhere.
    Private,
}

impl SnsEndpoints {
    /// As the setting is written.
    pub fn as_str(self) -> &'static str {
        match self {
            SnsEndpoints::Any => "any",
            SnsEndpoints::Loopback => "loopback",
            SnsEndpoints::Private => "private",
        }
    }
}

/// The settings that rooms may read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Region of unsigned calls whose host names none.
    pub region: Region,
    /// The account that the first start makes.
    pub first_account: AccountId,
    /// The Regions that are enabled, sorted.
    pub regions: Vec<Region>,
    /// Virtual hosts hang under this domain: `bucket.s3.DOMAIN`.
    pub domain: String,
    /// See [`AwsBehavior`].
    pub aws_behavior: AwsBehavior,
    /// How often log files are delivered; at least one second.
    pub delivery_interval: Duration,
    /// How long the window of one digest is; at least one second.
    pub digest_interval: Duration,
    /// How far the event history reaches back, in domain time; at least a day.
    pub event_history: Duration,
    /// Where this server is, as clients on this machine name it: `http://127.0.0.1:4566`. Empty while nothing listens.
    pub endpoint: String,
    /// Where SNS may send messages to.
    pub sns_endpoints: SnsEndpoints,
    /// Whether domain time may be moved.
    pub rehearsal: bool,
    /// The organization that accounts of this server belong to.
    pub organization: Option<Organization>,
}

impl Settings {
    /// The default delivery interval: AWS delivers about every five minutes.
    pub const DELIVERY_INTERVAL: Duration = Duration::from_secs(300);
    /// The default digest interval: AWS signs a digest every hour.
    pub const DIGEST_INTERVAL: Duration = Duration::from_secs(3600);

    /// The default reach of the event history, and AWS's: 90 days.
    pub const EVENT_HISTORY: Duration = Duration::from_secs(90 * 24 * 3600);

    /// The settings of a server that was told nothing.
    pub fn standard() -> Settings {
        Settings {
            region: Region::us_east_1(),
            first_account: AccountId::FIRST,
            regions: standard_regions(),
            domain: "localhost".to_owned(),
            aws_behavior: AwsBehavior::Seeds,
            delivery_interval: Settings::DELIVERY_INTERVAL,
            digest_interval: Settings::DIGEST_INTERVAL,
            event_history: Settings::EVENT_HISTORY,
            endpoint: String::new(),
            sns_endpoints: SnsEndpoints::Loopback,
            rehearsal: false,
            organization: None,
        }
    }
}

/// The 17 Regions that a standard account has enabled.
///
/// SPEC: <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>, Regions enabled by default.
pub fn standard_regions() -> Vec<Region> {
    [
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    ]
    .iter()
    .filter_map(|code| Region::parse(code).ok())
    .collect()
}

//! The verdict, for people and for machines.

use super::control::Control;
use crate::message::Message;
use serde::Serialize;

/// What can be said of a trail's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// All that should be there is there, and is what CloudTrail delivered.
    #[default]
    Valid,
    /// Nothing is wrong with what is there; something that should be there is not, or cannot be proven.
    Incomplete,
    /// Something is not what CloudTrail delivered, or was taken away.
    Invalid,
}

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FindingKind {
    /// A log file's content is not what its digest names.
    HashMismatch,
    /// No gzip, no JSON, or members are missing.
    InvalidFormat,
    /// A digest says that it lies elsewhere.
    Moved,
    /// A file that a digest names is not there.
    NotFound,
    /// A digest is not the one that the next digest names as the one before it.
    NotTheOneNamed,
    /// A digest names another hash or signature than digests use.
    OtherAlgorithm,
    /// A digest says that it is of another account than its place.
    OtherAccount,
    /// There is no public key of a digest's fingerprint.
    PublicKeyNotFound,
    /// The public key is none.
    PublicKeyUnreadable,
    /// A digest's signature is missing in its metadata or does not agree.
    SignatureFailed,
    /// Bytes follow the gzip member.
    TrailingData,
    /// A file inflates to more than is allowed; it was not looked at.
    TooLarge,
    /// A file could not be fetched.
    Unreadable,
    /// A copy has no metadata, and no newer digest tells the signature.
    SignatureNotAvailable,
    /// Hours without a digest between two chains.
    Gap,
    /// A chain begins where another ends.
    BegunAnew,
    /// No digests at all, of a time or of a Region, though there were or should be some.
    NoDigests,
    /// The newest digest is older than it may be.
    TruncatedTail,
    /// What the trail's state is could not be asked.
    StatusUnknown,
    /// The oldest digest names one before it that is not there.
    TruncatedHead,
    /// A log file that no digest names.
    Unlisted,
    /// A log file that more than one digest names.
    NamedTwice,
    /// Two digests of one chain speak of the same time.
    Overlap,
}

/// Something that was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// What it makes of the verdict; VALID for what is explained.
    pub verdict: Verdict,
    /// Which file, as `s3://bucket/key` where it lies now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Of which time on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until which time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The trail's own events that explain it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub explained_by: Vec<Control>,
    /// In words.
    pub message: Message,
}

/// How many files of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Valid ones, those found valid before included.
    pub valid: u64,
    /// Those that are not, missing ones included.
    pub invalid: u64,
    /// Those that could not be looked at or not be proven.
    pub unproven: u64,
    /// Of the valid ones, those found valid by an earlier run and unchanged since.
    pub from_cache: u64,
}

/// One chain of digests.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainReport {
    /// The account.
    pub account_id: String,
    /// The organization, of an organization trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// The Region whose events it is about.
    pub region: String,
    /// The trail's name.
    pub trail: String,
    /// The trail's home Region.
    pub home_region: String,
    /// Whether these are backfill digests.
    pub backfill: bool,
    /// What can be said of it.
    pub verdict: Verdict,
    /// The start of the oldest valid digest.
    pub covered_from: Option<String>,
    /// The end of the newest valid digest.
    pub covered_to: Option<String>,
    /// Digests.
    pub digests: Tally,
    /// Log files.
    pub logs: Tally,
    /// Bytes of log files, inflated, that this run hashed.
    pub bytes_hashed: u64,
    /// What was found, at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many findings are left out for their number.
    pub findings_left_out: u64,
}

/// So many findings of a chain are told one by one.
pub const FINDINGS_MAX: usize = 1000;

impl ChainReport {
    pub(crate) fn find(&mut self, finding: Finding) {
        self.verdict = self.verdict.max(finding.verdict);
        match self.findings.len() < FINDINGS_MAX {
            true => self.findings.push(finding),
            false => self.findings_left_out += 1,
        }
    }
}

/// All that was verified.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The worst of the chains'.
    pub verdict: Verdict,
    /// What was looked at: `s3://bucket/prefix` or a folder.
    pub sources: Vec<String>,
    /// Only what was delivered from this time on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// Only what was delivered until this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// The chains, by account, Region and trail.
    pub chains: Vec<ChainReport>,
}

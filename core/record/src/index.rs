//! What the journal and the history need of an event without parsing its JSON.

use crate::{EventCategory, EventRecord, Resource};
use base::{AccountId, Region, Timestamp};
use serde::{Deserialize, Serialize};

/// The attributes by which events are selected, delivered and looked up. Stored beside the record's JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexFields {
    /// `eventTime`
    pub event_time: Timestamp,
    /// `eventSource`
    pub event_source: String,
    /// `eventName`
    pub event_name: String,
    /// `awsRegion`
    pub aws_region: Region,
    /// `readOnly`
    pub read_only: bool,
    /// `eventCategory`
    pub category: EventCategory,
    /// `eventID`
    pub event_id: String,
    /// `recipientAccountId`
    pub recipient_account_id: AccountId,
    /// The name by which LookupEvents finds the caller.
    pub user_name: Option<String>,
    /// `userIdentity.accessKeyId`
    pub access_key_id: Option<String>,
    /// `resources`
    pub resources: Vec<Resource>,
}

impl From<&EventRecord> for IndexFields {
    fn from(record: &EventRecord) -> Self {
        IndexFields {
            event_time: record.event_time,
            event_source: record.event_source.as_ref().to_owned(),
            event_name: record.event_name.as_ref().to_owned(),
            aws_region: record.aws_region.clone(),
            read_only: record.read_only,
            category: record.event_category,
            event_id: record.event_id.clone(),
            recipient_account_id: record.recipient_account_id,
            user_name: record.user_identity.lookup_name().map(str::to_owned),
            access_key_id: record.user_identity.access_key_id().map(str::to_owned),
            resources: record.resources.clone(),
        }
    }
}

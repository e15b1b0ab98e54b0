//! The event history: management events, newest first, looked up by one attribute.
//!
//! An event is committed into the journal. The archive (`archive.rs`) moves it into a block of the store's history, which
//! an index finds; until then it is found in the journal, whose rest is kept short. Positions never change on the way, so
//! a page that ended at a position is gone on from there, whatever was committed or moved meanwhile.

mod archive;
#[cfg(test)]
mod laws;
mod pack;
mod summary;
mod walk;

pub use archive::{Archived, archive, expired};
pub use pack::terms_of;
pub use summary::{Counts, Cut, EndedAs, Filter, Plan, Summary, reads_by, summarise, told_of};

use base::{AccountId, Fault, Region, Timestamp};
use bytes::Bytes;
use pack::Heads;
use record::IndexFields;
use std::ops::ControlFlow;
use store::{EntryPos, History, HistoryView, Partition, StoredBlock};
use walk::{Walk, Walker};

/// What events can be looked up by. The numbers are stored, in hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `userIdentity.accessKeyId`
    AccessKeyId = 1,
    /// `eventID`
    EventId = 2,
    /// `eventName`
    EventName = 3,
    /// `eventSource`
    EventSource = 4,
    /// `readOnly`: `true` or `false`, in any case.
    ReadOnly = 5,
    /// A resource's ARN; of a bucket its name too.
    ResourceName = 6,
    /// A resource's type, such as `AWS::KMS::Key`.
    ResourceType = 7,
    /// The user or role name of the caller.
    Username = 8,
}

/// What is looked for. An event belongs to it when all of this holds.
#[derive(Clone, Debug)]
pub struct Query {
    /// It is the account's.
    pub account: AccountId,
    /// It is of the Region.
    pub region: Region,
    /// It has the attribute with this value, exactly.
    pub attribute: Option<(Attribute, String)>,
    /// It happened then or later.
    pub start: Timestamp,
    /// It happened then or earlier.
    pub end: Timestamp,
    /// It stands before this position.
    pub before: Option<EntryPos>,
}

/// An event that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it stands; never changes.
    pub pos: EntryPos,
    /// What it is looked up by.
    pub index: IndexFields,
    /// The record.
    pub json: Bytes,
}

impl Attribute {
    /// By its name in LookupEvents.
    pub fn named(key: &str) -> Option<Attribute> {
        Some(match key {
            "AccessKeyId" => Attribute::AccessKeyId,
            "EventId" => Attribute::EventId,
            "EventName" => Attribute::EventName,
            "EventSource" => Attribute::EventSource,
            "ReadOnly" => Attribute::ReadOnly,
            "ResourceName" => Attribute::ResourceName,
            "ResourceType" => Attribute::ResourceType,
            "Username" => Attribute::Username,
            _ => return None,
        })
    }

    /// Whether an event has the attribute with the value.
    pub fn matches(self, index: &IndexFields, wanted: &str) -> bool {
        match self {
            Attribute::AccessKeyId => index.access_key_id.as_deref() == Some(wanted),
            Attribute::EventId => index.event_id == wanted,
            Attribute::EventName => index.event_name == wanted,
            Attribute::EventSource => index.event_source == wanted,
            Attribute::ReadOnly => index.read_only.to_string().eq_ignore_ascii_case(wanted),
            Attribute::ResourceName => {
                let named = |resource| resource_name(resource) == wanted;
                index.resources.iter().any(|r| r.arn.as_str() == wanted || named(r))
            }
            Attribute::ResourceType => index.resources.iter().any(|r| r.resource_type == wanted),
            Attribute::Username => index.user_name.as_deref() == Some(wanted),
        }
    }

    /// What is hashed for a value.
    fn stored(self, value: &str) -> String {
        match self {
            Attribute::ReadOnly => value.to_ascii_lowercase(),
            _ => value.to_owned(),
        }
    }
}

/// A resource's name: a bucket by its name, anything else by its ARN.
pub fn resource_name(resource: &record::Resource) -> &str {
    let arn = resource.arn.as_str();
    arn.strip_prefix("arn:aws:s3:::").unwrap_or(arn)
}

impl Query {
    fn wants(&self, pos: EntryPos, index: &IndexFields) -> bool {
        self.before.is_none_or(|before| pos < before)
            && index.recipient_account_id == self.account
            && index.aws_region == self.region
            && index.event_time >= self.start
            && index.event_time <= self.end
            && self
                .attribute
                .as_ref()
                .is_none_or(|(attribute, value)| attribute.matches(index, value))
    }
}

/// The partition of an account in a Region.
fn partition_of(history: &History, account: &str, region: &str) -> Partition {
    history.partition(format!("{account}/{region}").as_bytes())
}

/// Tells of the events that the query wants, the last committed first, until `found` breaks off or there are no more.
/// Blocks its thread.
///
/// `chosen` sees first what an event is looked up by; the record is read only of those that it takes.
pub fn search(
    history: &History,
    query: &Query,
    chosen: impl Fn(&IndexFields) -> bool,
    found: impl FnMut(Found) -> Result<ControlFlow<()>, Fault>,
) -> Result<(), Fault> {
    let mut search = Search { query, chosen, found };
    Walk::new(history, query).run(&mut search)
}

struct Search<'s, C, F> {
    query: &'s Query,
    chosen: C,
    found: F,
}

impl<C, F> Walker for Search<'_, C, F>
where
    C: Fn(&IndexFields) -> bool,
    F: FnMut(Found) -> Result<ControlFlow<()>, Fault>,
{
    fn waiting(&mut self, found: Found, _: Timestamp) -> Result<ControlFlow<()>, Fault> {
        match self.query.wants(found.pos, &found.index) && (self.chosen)(&found.index) {
            true => (self.found)(found),
            false => Ok(ControlFlow::Continue(())),
        }
    }

    fn block(&mut self, view: &HistoryView, block: &StoredBlock) -> Result<ControlFlow<()>, Fault> {
        let heads = view.heads(block)?;
        let heads = Heads::parse(&heads)?;
        let mut open: Option<(usize, Bytes)> = None;
        for head in heads.entries.into_iter().rev() {
            if !self.query.wants(head.pos, &head.index) || !(self.chosen)(&head.index) {
                continue;
            }
            let part = match open.take() {
                Some((number, part)) if number == head.part => part,
                _ => view.part(block, head.part)?,
            };
            let json = head.body(&part)?;
            open = Some((head.part, part));
            let (pos, index) = (head.pos, head.index);
            if (self.found)(Found { pos, index, json })?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

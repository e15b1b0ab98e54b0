//! The event history: management events, newest first, looked up by one attribute.
//!
//! An event is committed into the journal. The archive (`archive.rs`) moves it into a block of the store's history, which
//! an index finds; until then it is found in the journal, whose rest is kept short. Positions never change on the way, so
//! a page that ended at a position is gone on from there, whatever was committed or moved meanwhile.

mod archive;
#[cfg(test)]
mod laws;
mod pack;

pub use archive::{Archived, archive, expired};
pub use pack::terms_of;

use crate::journal;
use base::{AccountId, Fault, Region, Timestamp};
use bytes::Bytes;
use pack::Heads;
use record::{AHEAD_MAX, IndexFields};
use std::ops::ControlFlow;
use store::{EntryPos, History, HistoryView, Partition, StoredBlock};

/// The rest of the journal is read back in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

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
    mut found: impl FnMut(Found) -> Result<ControlFlow<()>, Fault>,
) -> Result<(), Fault> {
    let search = Search {
        partition: partition_of(history, query.account.as_str(), query.region.as_str()),
        view: history.view(),
        history,
        query,
        chosen: &chosen,
        found: &mut found,
    };
    search.run()
}

struct Search<'s> {
    partition: Partition,
    view: HistoryView,
    history: &'s History,
    query: &'s Query,
    chosen: &'s dyn Fn(&IndexFields) -> bool,
    found: &'s mut dyn FnMut(Found) -> Result<ControlFlow<()>, Fault>,
}

impl Search<'_> {
    fn run(mut self) -> Result<(), Fault> {
        let through = self.view.through()?;
        if self.journal(through)?.is_continue() {
            let _ = self.blocks()?;
        }
        Ok(())
    }

    /// What is not in the history yet.
    fn journal(&mut self, through: u64) -> Result<ControlFlow<()>, Fault> {
        let mut to = self.query.before.map_or(self.view.head(), |before| before.seq);
        while to > through {
            let page = self.view.journal_back(through + 1, to, PIECE_BYTES)?;
            for placed in page.entries {
                if self.is_past(placed.time) {
                    return Ok(ControlFlow::Break(()));
                }
                let entry = &placed.entry;
                let of_partition =
                    entry.account == self.query.account.as_str() && entry.region == self.query.region.as_str();
                if !entry.management || !of_partition {
                    continue;
                }
                let journal::Entry { index, json } = journal::decode(&entry.payload)?;
                let pos = placed.pos;
                if self.query.wants(pos, &index)
                    && (self.chosen)(&index)
                    && (self.found)(Found { pos, index, json })?.is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
            match page.next {
                Some(next) => to = next,
                None => break,
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What is in the history: blocks of prompt events between the times, and before them, seen from now, those of late
    /// events whose commit is after the time.
    fn blocks(&mut self) -> Result<ControlFlow<()>, Fault> {
        let (partition, query) = (self.partition, self.query);
        let last = |holds: &dyn Fn(&store::About) -> bool| {
            let block = self.view.last_where(partition, holds)?;
            Ok::<_, Fault>(block.map(|block| block.number))
        };
        let Some(newest) = last(&|about| query.before.is_none_or(|before| about.first < before))? else {
            return Ok(ControlFlow::Continue(()));
        };
        let prompt_end = query.end.plus(store::PROMPT);
        let prompt = last(&|about| about.committed.0 <= prompt_end)?.map(|number| number.min(newest));
        let late_from = prompt.map_or(0, |number| number + 1);
        let late = self.view.late_blocks(partition, late_from, query.end)?;
        let term = query
            .attribute
            .as_ref()
            .map(|(attribute, value)| pack::term(self.history, *attribute, &attribute.stored(value)));
        for number in late.into_iter().filter(|number| *number <= newest) {
            let may_hold = match term {
                Some(term) => self.view.has_term(partition, term, number)?,
                None => true,
            };
            if may_hold
                && let Some(block) = self.view.block(partition, number)?
                && self.block(&block)?.is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        let Some(prompt) = prompt else {
            return Ok(ControlFlow::Continue(()));
        };
        match term {
            Some(term) => {
                for number in self.view.with_term_back(partition, term, prompt) {
                    let Some(block) = self.view.block(partition, number?)? else {
                        continue;
                    };
                    if self.is_past(block.about.committed.1) || self.block(&block)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            None => {
                for block in self.view.blocks_back(partition, prompt) {
                    let block = block?;
                    if self.is_past(block.about.committed.1) || self.block(&block)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether everything that was committed then or before happened before the time asked for. An event from elsewhere
    /// may be dated ahead of its commit.
    fn is_past(&self, committed: Timestamp) -> bool {
        committed.plus(AHEAD_MAX) < self.query.start
    }

    fn block(&mut self, block: &StoredBlock) -> Result<ControlFlow<()>, Fault> {
        let (oldest, newest) = block.about.happened;
        if newest < self.query.start || oldest > self.query.end {
            return Ok(ControlFlow::Continue(()));
        }
        let heads = self.view.heads(block)?;
        let heads = Heads::parse(&heads)?;
        let mut open: Option<(usize, Bytes)> = None;
        for head in heads.entries.into_iter().rev() {
            if !self.query.wants(head.pos, &head.index) || !(self.chosen)(&head.index) {
                continue;
            }
            let part = match open.take() {
                Some((number, part)) if number == head.part => part,
                _ => self.view.part(block, head.part)?,
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

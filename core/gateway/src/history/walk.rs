//! The way back through what a query may want: the journal's rest, then the blocks of the history.

use super::{Found, Query, pack, partition_of};
use crate::journal;
use base::{Fault, Timestamp};
use record::AHEAD_MAX;
use std::ops::ControlFlow;
use store::{About, EntryPos, History, HistoryView, Partition, StoredBlock};

/// The rest of the journal is read back in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

/// What meets whatever a query may want, the last committed first. `Break` ends the walk.
pub(super) trait Walker {
    /// A management event of the query's account and Region that waits in the journal, and when it was committed.
    fn waiting(&mut self, found: Found, committed: Timestamp) -> Result<ControlFlow<()>, Fault>;

    /// A piece of the journal is read; what comes stands before this position.
    fn piece(&mut self, before: EntryPos, committed: Timestamp) -> ControlFlow<()> {
        let _ = (before, committed);
        ControlFlow::Continue(())
    }

    /// A block in which something may have happened at the times asked for.
    fn block(&mut self, view: &HistoryView, block: &StoredBlock) -> Result<ControlFlow<()>, Fault>;
}

/// A walk at one moment.
pub(super) struct Walk<'w> {
    partition: Partition,
    view: HistoryView,
    history: &'w History,
    query: &'w Query,
}

impl<'w> Walk<'w> {
    pub(super) fn new(history: &'w History, query: &'w Query) -> Walk<'w> {
        Walk {
            partition: partition_of(history, query.account.as_str(), query.region.as_str()),
            view: history.view(),
            history,
            query,
        }
    }

    /// Walks until the walker breaks off or there is no more.
    pub(super) fn run(&self, walker: &mut impl Walker) -> Result<(), Fault> {
        let through = self.view.through()?;
        if self.journal(through, walker)?.is_continue() {
            let _ = self.blocks(walker)?;
        }
        Ok(())
    }

    /// What is not in the history yet.
    fn journal(&self, through: u64, walker: &mut impl Walker) -> Result<ControlFlow<()>, Fault> {
        let mut to = self.query.before.map_or(self.view.head(), |before| before.seq);
        while to > through {
            let page = self.view.journal_back(through + 1, to, PIECE_BYTES)?;
            let mut committed = None;
            for placed in page.entries {
                if self.is_past(placed.time) {
                    return Ok(ControlFlow::Break(()));
                }
                committed = Some(placed.time);
                let entry = &placed.entry;
                let of_partition =
                    entry.account == self.query.account.as_str() && entry.region == self.query.region.as_str();
                if !entry.management || !of_partition {
                    continue;
                }
                let journal::Entry { index, json } = journal::decode(&entry.payload)?;
                let pos = placed.pos;
                if walker.waiting(Found { pos, index, json }, placed.time)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            let Some(next) = page.next else { break };
            to = next;
            let before = EntryPos {
                seq: next.saturating_add(1),
                index: 0,
            };
            if let Some(committed) = committed
                && walker.piece(before, committed).is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What is in the history: blocks of prompt events between the times, and before them, seen from now, those of late
    /// events whose commit is after the time.
    fn blocks(&self, walker: &mut impl Walker) -> Result<ControlFlow<()>, Fault> {
        let (partition, query) = (self.partition, self.query);
        let last = |holds: &dyn Fn(&About) -> bool| {
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
                && self.meet(&block, walker)?.is_break()
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
                    if self.is_past(block.about.committed.1) || self.meet(&block, walker)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            None => {
                for block in self.view.blocks_back(partition, prompt) {
                    let block = block?;
                    if self.is_past(block.about.committed.1) || self.meet(&block, walker)?.is_break() {
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

    fn meet(&self, block: &StoredBlock, walker: &mut impl Walker) -> Result<ControlFlow<()>, Fault> {
        let (oldest, newest) = block.about.happened;
        match newest < self.query.start || oldest > self.query.end {
            true => Ok(ControlFlow::Continue(())),
            false => walker.block(&self.view, block),
        }
    }
}

//! The check of a history that nobody writes: every block opens, and blocks and rows agree both ways.

use super::{About, CheckedHistoryBlock, HistoryView, OpenedBlock, StoredBlock, Term};
use crate::{engine::Space, journal::EntryPos};
use base::Fault;
use std::{collections::BTreeSet, ops::Bound};

/// One check; see [`super::History::check`].
pub struct HistoryCheck<T, E> {
    view: HistoryView,
    terms_of: T,
    each: E,
    sections: u64,
    late: u64,
    terms: u64,
    damaged: bool,
}

impl<T, E> HistoryCheck<T, E>
where
    T: FnMut(&About, &OpenedBlock) -> Result<Vec<Term>, Fault>,
    E: FnMut(Result<CheckedHistoryBlock, (String, Fault)>),
{
    pub(super) fn new(view: HistoryView, terms_of: T, each: E) -> HistoryCheck<T, E> {
        HistoryCheck {
            view,
            terms_of,
            each,
            sections: 0,
            late: 0,
            terms: 0,
            damaged: false,
        }
    }

    pub(super) fn run(mut self) -> Result<(), Fault> {
        let partitions: Vec<_> = self.view.partitions().collect::<Result<_, Fault>>()?;
        for partition in partitions {
            let mut after: Option<EntryPos> = None;
            for block in self.view.blocks(partition, 0) {
                let block = match block {
                    Ok(block) => block,
                    Err(fault @ Fault::Corrupt { .. }) => {
                        self.tell("history".to_owned(), fault);
                        continue;
                    }
                    Err(fault) => return Err(fault),
                };
                self.sections += 1 + block.parts() as u64 + u64::from(block.is_summarised());
                self.late += u64::from(block.about.is_late());
                match self.block(&block, after) {
                    Ok(found) => (self.each)(Ok(found)),
                    Err(fault @ Fault::Corrupt { .. }) => self.tell(format!("history block {}", block.number), fault),
                    Err(fault) => return Err(fault),
                }
                after = Some(block.about.last);
            }
        }
        self.strays()
    }

    fn block(&mut self, block: &StoredBlock, after: Option<EntryPos>) -> Result<CheckedHistoryBlock, Fault> {
        let opened = self.view.opened(block)?;
        let terms: BTreeSet<Term> = (self.terms_of)(&block.about, &opened)?.into_iter().collect();
        self.terms += terms.len() as u64;
        let about = &block.about;
        if after.is_some_and(|after| about.first <= after) || about.last < about.first || about.entries == 0 {
            return Err(Fault::corrupt("its place among the blocks"));
        }
        for term in &terms {
            if !self.view.has_term(block.partition, *term, block.number)? {
                return Err(Fault::corrupt("an entry of it that the index does not tell of"));
            }
        }
        Ok(CheckedHistoryBlock {
            entries: about.entries,
            terms: terms.len(),
        })
    }

    /// What belongs to no block. Told only when every block could be read: otherwise it may be a damaged one's.
    fn strays(&mut self) -> Result<(), Fault> {
        let [_, late, terms] = self.view.count()?;
        let all = (Bound::Unbounded, Bound::Unbounded);
        let keys = self
            .view
            .core()
            .engine
            .keys(&self.view.at().snapshot, Space::HistoryBlocks, all, false);
        let mut sections = 0_u64;
        for key in keys {
            key?;
            sections += 1;
        }
        if self.damaged {
            return Ok(());
        }
        for (found, expected, what) in [
            (terms, self.terms, "terms of no block"),
            (late, self.late, "rows of no late block"),
            (sections, self.sections, "sections of no block"),
        ] {
            if found != expected {
                let what = format!("{what}: {found} are there and {expected} are accounted for");
                self.tell("history".to_owned(), Fault::corrupt(what));
            }
        }
        Ok(())
    }

    fn tell(&mut self, place: String, fault: Fault) {
        self.damaged = true;
        (self.each)(Err((place, fault)));
    }
}

//! Reading the journal without copying it: each block is opened into one buffer, and its entries are lent from there.

use crate::{
    engine::Space,
    journal::{EntryPos, Head, Journal, ZSTD, damaged, inflater, seq_of},
};
use base::{Fault, Timestamp};
use envelope::small;
use std::{
    ops::{Bound, ControlFlow},
    str,
};

/// What a reader of blocks does with them.
pub trait Visitor {
    /// A block comes next, committed at `time`; opened it has `bytes` bytes. `Break` ends the visit before it.
    fn block(&mut self, seq: u64, time: Timestamp, bytes: usize) -> ControlFlow<()>;

    /// An entry of the block that was announced last, in order.
    fn entry(&mut self, entry: EntryRef<'_>) -> Result<(), Fault>;
}

/// An entry as it lies in its opened block.
#[derive(Clone, Copy, Debug)]
pub struct EntryRef<'a> {
    /// Where it stands.
    pub pos: EntryPos,
    /// When its batch was committed, in domain time.
    pub time: Timestamp,
    /// The trails that selected it.
    pub selected: SelectedBy<'a>,
    /// Whether it is a management event.
    pub management: bool,
    /// The account whose event it is.
    pub account: &'a str,
    /// The Region that it is of.
    pub region: &'a str,
    /// The event.
    pub payload: &'a [u8],
}

/// The trails that selected an entry, as they lie in its block.
#[derive(Clone, Copy, Debug)]
pub struct SelectedBy<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> SelectedBy<'a> {
    /// The ids of the trails, each with its generation.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, u64)> {
        let mut rest = self.bytes;
        (0..self.count).map_while(move |_| {
            // INVARIANT: these bytes were read once when the entry was.
            let trail = text(&mut rest).ok()?;
            Some((trail, number(&mut rest).ok()?))
        })
    }

    /// Whether a trail is among them.
    pub fn contains(self, trail: &str) -> bool {
        let mut rest = self.bytes;
        // INVARIANT: these bytes were read once when the entry was.
        (0..self.count).any(|_| {
            let found = bytes(&mut rest).is_ok_and(|id| id == trail.as_bytes());
            let _ = number(&mut rest);
            found
        })
    }

    /// Whether nothing selected the entry.
    pub fn is_empty(self) -> bool {
        self.count == 0
    }
}

impl Journal {
    /// Visits the blocks `from_seq` to `to_seq`, both included, in order, and lends their entries. Answers the sequence of
    /// the block before which the visitor broke off; `None` when it saw all. Blocks the thread, as every read does.
    pub fn visit(&self, from_seq: u64, to_seq: u64, visitor: &mut impl Visitor) -> Result<Option<u64>, Fault> {
        let core = self.core();
        let at = core.published();
        let (from, to) = (from_seq.to_be_bytes(), to_seq.min(at.seq).to_be_bytes());
        let range = (Bound::Included(from.as_slice()), Bound::Included(to.as_slice()));
        let mut inflate = inflater()?;
        let mut plain = Vec::new();
        for block in core.engine.scan(&at.snapshot, Space::Journal, range, false) {
            let (key, block) = block?;
            let seq = seq_of(&key)?;
            let (head, sealed) = Head::parse(&block).ok_or_else(|| damaged(seq))?;
            let length = head.length as usize;
            if visitor.block(seq, head.time, length).is_break() {
                return Ok(Some(seq));
            }
            let what = || format!("journal block {seq}");
            let body =
                small::open(&core.block_key, &head.identity(seq), sealed).map_err(|e| Fault::corrupt_by(what(), e))?;
            let opened = if head.method == ZSTD {
                plain.clear();
                // The length is authentic, so it is no lever for making us allocate.
                plain.reserve(length);
                inflate
                    .decompress_to_buffer(&body, &mut plain)
                    .map_err(|e| Fault::corrupt_by(what(), e))?;
                plain.as_slice()
            } else {
                body.as_slice()
            };
            lend(seq, head.time, opened, visitor)?;
        }
        Ok(None)
    }
}

/// Lends the entries of an opened block, one by one.
fn lend(seq: u64, time: Timestamp, mut block: &[u8], visitor: &mut impl Visitor) -> Result<(), Fault> {
    let count = number(&mut block).map_err(|e| e.of(seq))?;
    for _ in 0..count {
        let (index, entry) = entry(&mut block).map_err(|e| e.of(seq))?;
        visitor.entry(EntryRef {
            pos: EntryPos { seq, index },
            time,
            ..entry
        })?;
    }
    match block {
        [] => Ok(()),
        _ => Err(Fault::corrupt(format!("journal block {seq} has bytes after its end"))),
    }
}

/// The next entry, whose place and time are still to be told, and its index.
fn entry<'a>(block: &mut &'a [u8]) -> Result<(u32, EntryRef<'a>), Unreadable> {
    let index = u32::try_from(number(block)?).map_err(|_| Unreadable)?;
    let selected = selections(block)?;
    let entry = EntryRef {
        pos: EntryPos { seq: 0, index },
        time: Timestamp::EPOCH,
        selected,
        management: flag(block)?,
        account: text(block)?,
        region: text(block)?,
        payload: bytes(block)?,
    };
    Ok((index, entry))
}

fn selections<'a>(block: &mut &'a [u8]) -> Result<SelectedBy<'a>, Unreadable> {
    let count = number(block)?;
    let start = *block;
    for _ in 0..count {
        text(block)?;
        number(block)?;
    }
    let taken = start.len() - block.len();
    Ok(SelectedBy {
        count: usize::try_from(count).unwrap_or(usize::MAX),
        bytes: start.get(..taken).unwrap_or_default(),
    })
}

/// Bytes that are no entries.
#[derive(Debug)]
struct Unreadable;

impl Unreadable {
    fn of(&self, seq: u64) -> Fault {
        Fault::corrupt(format!("the entries of journal block {seq}"))
    }
}

// Blocks are written by postcard. Its reader does the same as these, at a multiple of the time for each short value.
// SPEC: <https://postcard.jamesmunns.com/wire-format>

fn number(block: &mut &[u8]) -> Result<u64, Unreadable> {
    let (mut value, mut rest) = (0_u64, *block);
    for place in 0..10 {
        let (byte, after) = rest.split_first().ok_or(Unreadable)?;
        rest = after;
        // Nine bytes carry 63 bits.
        if place == 9 && *byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            *block = rest;
            return Ok(value);
        }
    }
    Err(Unreadable)
}

fn flag(block: &mut &[u8]) -> Result<bool, Unreadable> {
    let (byte, rest) = block.split_first().ok_or(Unreadable)?;
    *block = rest;
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Unreadable),
    }
}

fn bytes<'a>(block: &mut &'a [u8]) -> Result<&'a [u8], Unreadable> {
    let length = usize::try_from(number(block)?).map_err(|_| Unreadable)?;
    let (taken, rest) = block.split_at_checked(length).ok_or(Unreadable)?;
    *block = rest;
    Ok(taken)
}

fn text<'a>(block: &mut &'a [u8]) -> Result<&'a str, Unreadable> {
    str::from_utf8(bytes(block)?).map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JournalEntry, Selection};
    use proptest::prelude::*;

    #[derive(Default)]
    struct Gather(Vec<(u32, JournalEntry)>);

    impl Visitor for Gather {
        fn block(&mut self, _: u64, _: Timestamp, _: usize) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn entry(&mut self, entry: EntryRef<'_>) -> Result<(), Fault> {
            let selected = entry.selected.iter().map(|(trail, generation)| Selection {
                trail: trail.to_owned(),
                generation,
            });
            self.0.push((
                entry.pos.index,
                JournalEntry {
                    selected: selected.collect(),
                    management: entry.management,
                    account: entry.account.to_owned(),
                    region: entry.region.to_owned(),
                    payload: bytes::Bytes::copy_from_slice(entry.payload),
                },
            ));
            Ok(())
        }
    }

    fn entries() -> impl Strategy<Value = Vec<(u32, JournalEntry)>> {
        let selection =
            ("[a-f0-9-]{0,40}", any::<u64>()).prop_map(|(trail, generation)| Selection { trail, generation });
        let entry = (
            proptest::collection::vec(selection, 0..4),
            any::<bool>(),
            "[0-9]{12}",
            "[a-z0-9-]{0,16}",
            proptest::collection::vec(any::<u8>(), 0..300),
        );
        let entry = entry.prop_map(|(selected, management, account, region, payload)| JournalEntry {
            selected,
            management,
            account,
            region,
            payload: payload.into(),
        });
        proptest::collection::vec((any::<u32>(), entry), 0..8)
    }

    proptest! {
        /// What is lent is what the block's own reader decodes, and a block that is cut is a fault, never a panic.
        #[test]
        fn entries_are_lent_as_they_were_written(entries in entries(), cut in any::<prop::sample::Index>()) {
            let block = postcard::to_allocvec(&entries).unwrap();
            let mut gather = Gather::default();
            lend(7, Timestamp::EPOCH, &block, &mut gather).unwrap();
            prop_assert_eq!(&gather.0, &entries);
            let cut = cut.index(block.len());
            prop_assert!(lend(7, Timestamp::EPOCH, block.get(..cut).unwrap(), &mut Gather::default()).is_err());
        }
    }
}

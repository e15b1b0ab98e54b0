//! What the history's blocks say: heads, bodies and terms.
//!
//! Heads: a version byte and the postcard of one `(sequence, index, length, index fields)` for each entry. Bodies: the
//! records' JSON one after the other, of those lengths, 64 in a part. The summary is `summary.rs`'s.

use super::{Attribute, resource_name, summary};
use base::Fault;
use bytes::Bytes;
use record::IndexFields;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use store::{About, EntryPos, History, OpenedBlock, Term};

const VERSION: u8 = 1;
/// A lookup opens the parts in which it finds something: the smaller they are the sooner, and the worse they compress.
const PART_ENTRIES: usize = 64;

/// An entry on its way into a block.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    pub(super) pos: EntryPos,
    pub(super) index: IndexFields,
    pub(super) json: Bytes,
}

#[derive(Serialize, Deserialize)]
struct StoredHead<F> {
    seq: u64,
    index: u32,
    length: u32,
    fields: F,
}

/// The heads of a block.
pub(super) struct Heads {
    pub(super) entries: Vec<Head>,
}

/// The head of an entry.
pub(super) struct Head {
    pub(super) pos: EntryPos,
    pub(super) index: IndexFields,
    pub(super) part: usize,
    from: usize,
    to: usize,
}

impl Heads {
    pub(super) fn parse(plain: &[u8]) -> Result<Heads, Fault> {
        let Some((&VERSION, plain)) = plain.split_first() else {
            return Err(Fault::corrupt("the heads of a history block"));
        };
        let stored: Vec<StoredHead<IndexFields>> =
            postcard::from_bytes(plain).map_err(|e| Fault::corrupt_by("the heads of a history block", e))?;
        let mut from = 0_usize;
        let entries = stored.into_iter().enumerate().map(|(at, head)| {
            if at.is_multiple_of(PART_ENTRIES) {
                from = 0;
            }
            let to = from.saturating_add(head.length as usize);
            let entry = Head {
                pos: EntryPos {
                    seq: head.seq,
                    index: head.index,
                },
                index: head.fields,
                part: at / PART_ENTRIES,
                from,
                to,
            };
            from = to;
            entry
        });
        Ok(Heads {
            entries: entries.collect(),
        })
    }
}

impl Head {
    /// The entry's record, in its part of the bodies.
    pub(super) fn body(&self, part: &Bytes) -> Result<Bytes, Fault> {
        match self.to <= part.len() {
            true => Ok(part.slice(self.from..self.to)),
            false => Err(Fault::corrupt("the bodies of a history block")),
        }
    }
}

/// The sections of a block with these entries.
pub(super) fn sections(entries: &[Packed]) -> Result<(Vec<u8>, Vec<Vec<u8>>), Fault> {
    let heads: Vec<_> = entries
        .iter()
        .map(|entry| StoredHead {
            seq: entry.pos.seq,
            index: entry.pos.index,
            length: u32::try_from(entry.json.len()).unwrap_or(u32::MAX),
            fields: &entry.index,
        })
        .collect();
    let heads = postcard::to_extend(&heads, vec![VERSION])
        .map_err(|e| Fault::io("encoding the heads of a history block", e))?;
    let part = |entries: &[Packed]| {
        entries
            .iter()
            .map(|entry| entry.json.as_ref())
            .collect::<Vec<_>>()
            .concat()
    };
    Ok((heads, entries.chunks(PART_ENTRIES).map(part).collect()))
}

/// The entries of a block.
pub(super) fn entries_of(heads: &[u8], bodies: &[Bytes]) -> Result<Vec<Packed>, Fault> {
    let heads = Heads::parse(heads)?.entries;
    let entries = heads.into_iter().map(|head| {
        Ok(Packed {
            pos: head.pos,
            json: head.body(bodies.get(head.part).unwrap_or(&Bytes::new()))?,
            index: head.index,
        })
    });
    entries.collect()
}

pub(super) fn term(history: &History, attribute: Attribute, value: &str) -> Term {
    history.term(attribute as u8, value.as_bytes())
}

/// Everything that entries with these index fields can be looked up by, each once.
pub(super) fn terms<'i>(history: &History, entries: impl Iterator<Item = &'i IndexFields>) -> Vec<Term> {
    // What is the same in many entries is hashed once.
    let mut values: BTreeSet<(u8, &'i str)> = BTreeSet::new();
    let mut add = |attribute: Attribute, value: &'i str| {
        values.insert((attribute as u8, value));
    };
    for index in entries {
        add(Attribute::EventId, &index.event_id);
        add(Attribute::EventName, &index.event_name);
        add(Attribute::EventSource, &index.event_source);
        add(Attribute::ReadOnly, if index.read_only { "true" } else { "false" });
        if let Some(key) = &index.access_key_id {
            add(Attribute::AccessKeyId, key);
        }
        if let Some(name) = &index.user_name {
            add(Attribute::Username, name);
        }
        for resource in &index.resources {
            add(Attribute::ResourceName, resource.arn.as_str());
            add(Attribute::ResourceName, resource_name(resource));
            add(Attribute::ResourceType, &resource.resource_type);
        }
    }
    values
        .into_iter()
        .map(|(attribute, value)| history.term(attribute, value.as_bytes()))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// What a stored block can be looked up by, for the check of a data directory: reads all of it, and holds it against what
/// is told about it.
pub fn terms_of(history: &History, about: &About, opened: &OpenedBlock) -> Result<Vec<Term>, Fault> {
    let OpenedBlock { heads, bodies, summary } = opened;
    let entries = entries_of(heads, bodies)?;
    let length: usize = entries.iter().map(|entry| entry.json.len()).sum();
    let ends = entries.first().zip(entries.last()).map(|(a, b)| (a.pos, b.pos));
    let agrees = length == bodies.iter().map(Bytes::len).sum::<usize>()
        && entries.len() == about.entries as usize
        && ends == Some((about.first, about.last))
        && entries.is_sorted_by(|a, b| a.pos < b.pos)
        && summary
            .as_ref()
            .map_or(Ok(true), |stored| summary::agrees(stored, &entries))?;
    match agrees {
        true => Ok(terms(history, entries.iter().map(|entry| &entry.index))),
        false => Err(Fault::corrupt("what it says of its entries")),
    }
}

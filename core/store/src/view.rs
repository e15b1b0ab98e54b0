//! Reading in a transaction: its snapshot with its own writes on top.

use crate::{
    engine::{KeyRange, Space, is_empty},
    stored::Stored,
    txn::Txn,
};
use base::Fault;
use bytes::Bytes;
use std::{
    cmp::Ordering,
    iter::Peekable,
    ops::{Bound, RangeBounds},
};

/// The most rows that one scan gives.
pub const SCAN_ROWS_MAX: usize = 10_000;

/// The reading face of a [`Txn`]: cheap to copy, and all that a decision may hold.
///
/// Every read sees one snapshot and the transaction's own writes, and is remembered: a transaction that writes rows does
/// not commit if what it read has changed meanwhile.
#[derive(Clone, Copy)]
pub struct ReadView<'t>(pub(crate) &'t Txn);

impl<'t> ReadView<'t> {
    /// The value of a key.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        // Its own write is not remembered as a read; the write itself is checked against others.
        if let Some(written) = self.0.writes.get(key) {
            return Ok(written.clone());
        }
        let core = self.0.core();
        self.0.reads().add_key(core.hash.of(key));
        core.engine.get(&self.0.at.snapshot, Space::Rows, key)
    }

    /// Says that the entries of the transaction rest on this key: a transaction that writes nothing but entries is refused
    /// too if the key was written after the snapshot. For the few keys of which that must be so: the committer remembers
    /// each until the store is closed.
    pub fn rest_on(&self, key: &[u8]) {
        self.0.reads().add_firm(self.0.core().hash.of(key));
    }

    /// Up to `limit` rows of a range in key order, or from its end when `reverse`. An inverted range is empty; a limit
    /// above [`SCAN_ROWS_MAX`] is a bug of the caller. What is remembered ends at the last row given, so a page of a
    /// listing does not conflict with writes behind it.
    pub async fn scan(
        &self,
        range: impl RangeBounds<Vec<u8>> + Send,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<(Bytes, Bytes)>, Fault> {
        let start = range.start_bound().map(Vec::as_slice);
        let end = range.end_bound().map(Vec::as_slice);
        self.scan_range((start, end), limit, reverse)
    }

    /// Up to `limit` rows whose key starts with `prefix` and, if given, comes after the key `after`.
    pub async fn scan_prefix(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, Fault> {
        let (start, end) = prefix_range(prefix);
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => start.as_ref().map(Vec::as_slice),
        };
        self.scan_range((start, end.as_ref().map(Vec::as_slice)), limit, false)
    }

    /// The typed row of a key.
    pub async fn get_row<T: Stored>(&self, key: &[u8]) -> Result<Option<T>, Fault> {
        self.get(key).await?.map(|row| T::decode(&row)).transpose()
    }

    /// As [`ReadView::scan_prefix`], typed.
    pub async fn scan_rows<T: Stored>(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, T)>, Fault> {
        let rows = self.scan_prefix(prefix, after, limit).await?;
        rows.into_iter().map(|(key, row)| Ok((key, T::decode(&row)?))).collect()
    }

    /// The sequence of the snapshot: what was committed up to it is seen, what came later is not.
    pub fn seq(&self) -> u64 {
        self.0.at.seq
    }

    fn scan_range(&self, range: KeyRange<'_>, limit: usize, reverse: bool) -> Result<Vec<(Bytes, Bytes)>, Fault> {
        if limit > SCAN_ROWS_MAX {
            return Err(Fault::Bug("a scan asked for more than SCAN_ROWS_MAX rows"));
        }
        if limit == 0 || is_empty(range) {
            return Ok(Vec::new());
        }
        let stored = self
            .0
            .core()
            .engine
            .scan(&self.0.at.snapshot, Space::Rows, range, reverse);
        let own = self.0.writes.range::<[u8], _>(range);
        let own: Box<dyn Iterator<Item = _> + Send> = if reverse { Box::new(own.rev()) } else { Box::new(own) };
        let rows = merge(own, stored, reverse)
            .take(limit)
            .collect::<Result<Vec<_>, Fault>>()?;
        self.remember(range, (rows.len() == limit).then(|| rows.last()).flatten(), reverse);
        Ok(rows)
    }

    /// Remembers the part of the range that was seen: all of it, unless the scan stopped at `last`.
    fn remember(&self, (start, end): KeyRange<'_>, last: Option<&(Bytes, Bytes)>, reverse: bool) {
        let own = |bound: Bound<&[u8]>| bound.map(Bytes::copy_from_slice);
        let last = last.map(|(key, _)| Bound::Included(key.clone()));
        let (start, end) = match (last, reverse) {
            (None, _) => (own(start), own(end)),
            (Some(last), false) => (own(start), last),
            (Some(last), true) => (last, own(end)),
        };
        self.0.reads().add_range(start, end);
    }
}

/// The keys that start with `prefix`.
pub fn prefix_range(prefix: &[u8]) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return (Bound::Included(prefix.to_vec()), Bound::Excluded(end));
        }
    }
    (Bound::Included(prefix.to_vec()), Bound::Unbounded)
}

/// Two runs of rows in one order; a key in both is taken from the transaction's own writes, and a key it deleted is left out.
fn merge<'a>(
    own: impl Iterator<Item = (&'a Bytes, &'a Option<Bytes>)>,
    stored: impl Iterator<Item = Result<(Bytes, Bytes), Fault>>,
    reverse: bool,
) -> impl Iterator<Item = Result<(Bytes, Bytes), Fault>> {
    let (mut own, mut stored) = (own.peekable(), stored.peekable());
    std::iter::from_fn(move || {
        loop {
            match next_from(&mut own, &mut stored, reverse)? {
                Ordering::Greater => return stored.next(),
                Ordering::Less => {}
                Ordering::Equal => drop(stored.next()),
            }
            if let Some((key, Some(value))) = own.next() {
                return Some(Ok((key.clone(), value.clone())));
            }
        }
    })
}

/// Which run has the next key: `Less` the own, `Greater` the stored, `Equal` both.
fn next_from<'a>(
    own: &mut Peekable<impl Iterator<Item = (&'a Bytes, &'a Option<Bytes>)>>,
    stored: &mut Peekable<impl Iterator<Item = Result<(Bytes, Bytes), Fault>>>,
    reverse: bool,
) -> Option<Ordering> {
    match (own.peek(), stored.peek()) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) | (_, Some(Err(_))) => Some(Ordering::Greater),
        (Some((mine, _)), Some(Ok((theirs, _)))) if reverse => Some(theirs.cmp(mine)),
        (Some((mine, _)), Some(Ok((theirs, _)))) => Some((*mine).cmp(theirs)),
    }
}

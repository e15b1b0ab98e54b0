//! Checking a data directory that no server uses: what rooms say of their rows, and what is found.
//!
//! Each room lists a [`RowCheck`] for every table it has. The checker goes through all rows once, in order, and asks the
//! table's check of each; a row of no table is a finding. A second pass compares what rows need with what is there: a row
//! or a file that is stored under an id only is kept alive by the row that names the id.
//!
//! INVARIANT: a [`Repair`] takes away only what nobody could read any more, or writes what follows from other rows.

use crate::{Boxed, World};
use base::Fault;
use bytes::Bytes;
use envelope::{EncryptionContext, Key256};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use store::{BlobId, ReadView, Stored};

/// What is wrong with a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Its bytes are not what they were: they do not decode, or their seal does not open.
    Damaged,
    /// It says something else than another that must agree with it.
    Disagrees,
    /// Something else needs it, and it is not there.
    Missing,
    /// Nothing needs it.
    Orphan,
    /// It is of no kind that is known.
    Unknown,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong with it.
    pub kind: Kind,
    /// Where it is: a row's key, a file, a block of the journal.
    pub place: String,
    /// What it is and what was expected.
    pub what: String,
    /// What would put it right.
    #[serde(skip)]
    pub repair: Option<Repair>,
}

/// A change that loses nothing that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Removes a row.
    Delete(Bytes),
    /// Writes a row that follows from others.
    Put(Bytes, Bytes),
    /// Removes a blob.
    RemoveBlob(BlobId),
}

/// What rows and files are called that are stored under an id of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A blob.
    Blob([u8; 16]),
    /// What a table stores under an id, by the table's own number for such things.
    Row(u8, [u8; 16]),
}

impl Name {
    /// One of 256 even parts of all names.
    pub fn part(&self) -> u8 {
        let (Name::Blob(id) | Name::Row(_, id)) = self;
        id[0]
    }
}

/// Checks one row. What it gives as corrupt becomes a finding about the row.
pub type CheckRow = for<'a> fn(&'a Checker<'a>, &'a [u8], &'a [u8]) -> Boxed<'a, Result<(), Fault>>;

/// What the row of a key and its bytes name.
pub type NamesOf = fn(&[u8], &[u8]) -> Result<Vec<Name>, Fault>;

/// Opens what KMS sealed, without a call: `None` when the key is gone.
pub type OpenDataKey = for<'a> fn(
    &'a Checker<'a>,
    &'a base::Region,
    &'a [u8],
    &'a EncryptionContext,
) -> Boxed<'a, Result<Option<Key256>, Fault>>;

/// How the rows of a table are checked.
pub struct RowCheck {
    /// What their keys begin with. The longest one that fits counts.
    pub prefix: &'static str,
    /// What must be true of a row by itself and of those it can find.
    pub check: CheckRow,
    /// What the row names.
    pub names: NamesOf,
    /// The name of the row itself, if it is needed only where it is named.
    pub named: fn(&[u8]) -> Option<Name>,
}

impl RowCheck {
    /// A table whose rows stand for themselves.
    pub const fn new(prefix: &'static str, check: CheckRow) -> RowCheck {
        RowCheck {
            prefix,
            check,
            names: |_, _| Ok(Vec::new()),
            named: |_| None,
        }
    }

    /// A table of which is known only that its rows decode.
    pub const fn decodes<T: Stored + 'static>(prefix: &'static str) -> RowCheck {
        RowCheck::new(prefix, |_, _, row| {
            let decoded = T::decode(row).map(drop);
            Box::pin(std::future::ready(decoded))
        })
    }

    /// The same table, whose rows name others.
    pub const fn naming(mut self, names: NamesOf) -> RowCheck {
        self.names = names;
        self
    }

    /// The same table, whose rows are needed only where they are named.
    pub const fn named(mut self, named: fn(&[u8]) -> Option<Name>) -> RowCheck {
        self.named = named;
        self
    }
}

/// What checks are given, and what they report to.
pub struct Checker<'a> {
    /// Keyrings and blobs.
    pub world: &'a World,
    /// All rows, at one moment.
    pub view: ReadView<'a>,
    open_data_key: OpenDataKey,
    found: Mutex<Found>,
}

/// What was found since it was last asked for.
#[derive(Default)]
pub struct Found {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How much of what was looked at, by words such as `objects`.
    pub counts: BTreeMap<&'static str, u64>,
}

impl<'a> Checker<'a> {
    /// A checker of what `view` shows.
    pub fn new(world: &'a World, view: ReadView<'a>, open_data_key: OpenDataKey) -> Checker<'a> {
        Checker {
            world,
            view,
            open_data_key,
            found: Mutex::default(),
        }
    }

    /// Opens a data key that KMS sealed in a Region, without asking anybody: of a closed directory only.
    pub async fn open_data_key(
        &self,
        region: &base::Region,
        sealed: &[u8],
        context: &EncryptionContext,
    ) -> Result<Option<Key256>, Fault> {
        (self.open_data_key)(self, region, sealed, context).await
    }

    /// Reports something wrong with the row of this key.
    pub fn row(&self, kind: Kind, key: &[u8], what: impl Into<String>) {
        self.report(kind, shown(key), what, None);
    }

    /// The same, with what puts it right.
    pub fn repairable(&self, kind: Kind, key: &[u8], what: impl Into<String>, repair: Repair) {
        self.report(kind, shown(key), what, Some(repair));
    }

    /// A row that is not needed: removing it loses nothing.
    pub fn orphan(&self, key: &[u8], what: impl Into<String>) {
        self.repairable(Kind::Orphan, key, what, Repair::Delete(Bytes::copy_from_slice(key)));
    }

    /// Reports something wrong with what is no row.
    pub fn report(&self, kind: Kind, place: impl Into<String>, what: impl Into<String>, repair: Option<Repair>) {
        self.found().findings.push(Finding {
            kind,
            place: place.into(),
            what: what.into(),
            repair,
        });
    }

    /// Counts what was looked at.
    pub fn count(&self, what: &'static str, amount: u64) {
        let mut found = self.found();
        let count = found.counts.entry(what).or_default();
        *count = count.saturating_add(amount);
    }

    /// What was found since it was last asked for.
    pub fn take(&self) -> Found {
        std::mem::take(&mut *self.found())
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A row's key as people read it.
pub fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).escape_debug().to_string()
}

/// A fault and its sources in one line.
pub fn told(fault: &Fault) -> String {
    crate::error::Chain(fault).to_string()
}

/// The tables of the gateway itself.
pub const CHECKS: &[RowCheck] = &[
    RowCheck::new(crate::keyring::KEYRING_PREFIX, crate::keyring::check_row),
    RowCheck::decodes::<crate::rotation::Rotation>("keyring-rotation"),
    RowCheck::new("decision/", crate::decision::check_row),
];

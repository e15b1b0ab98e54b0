//! The check of a data directory that no server uses: every row, every blob and every block of the journal, both ways.
//!
//! 1. **Rows**: each is asked of its table's check (`gateway::check`): it decodes, what is sealed in it opens, what it says
//!    agrees with others, and the bytes of every object are there, of the right length, and open segment by segment.
//! 2. **Names**: what lies under an id of its own, a row or a blob, is named by a row. This is done in parts, so that
//!    memory is bounded however many there are.
//! 3. **Journal**: every block opens under its sequence, and time does not fall.
//! 4. **History**: every block opens and holds what is told about it, and the index tells of all its entries and no others.
//!
//! Only what loses nothing that can be read is repaired. When a row that may name others cannot be read, nothing is taken
//! for an orphan's end: what it named may be all that is left of it.

use crate::{data_dir::DataDir, first_start};
use anyhow::{Context, Result, bail};
use base::{Clock, Fault, Random, Timestamp};
use bytes::Bytes;
use gateway::{
    ServiceCaller, Settings, World,
    check::{Checker, Finding, Kind, Name, Repair, RowCheck, shown, told},
    work::Work,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashSet},
    ops::{Bound, RangeInclusive},
    path::{Path, PathBuf},
    sync::Arc,
};
use store::{BlobId, Maintenance, Store};
use wire::ServiceName;

/// Rows that are read at once.
const ROWS_AT_ONCE: usize = 256;
/// Names that are in memory at once, about: some 40 MiB.
const NAMES_AT_ONCE: u64 = 1 << 20;
/// So many findings are told one by one; the others are counted.
const TOLD_MAX: usize = 10_000;
/// What is removed may have named something in turn: a part's row its blob.
const NAME_ROUNDS_MAX: usize = 4;

/// Every table of every room.
const CHECKS: [&[RowCheck]; 10] = [
    cloudformation::CHECKS,
    cloudtrail::CHECKS,
    gateway::check::CHECKS,
    iam::CHECKS,
    kms::CHECKS,
    logs::CHECKS,
    s3::CHECKS,
    shoseki_service::CHECKS,
    sns::CHECKS,
    &[RowCheck::decodes::<first_start::DirectoryRow>("server/directory")],
];

/// What is to be checked.
pub struct Options {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Whether to put right what can be put right without loss.
    pub repair: bool,
}

/// How far a check has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Rows that were looked at.
    pub rows: u64,
    /// Sealed bytes that were read.
    pub bytes: u64,
    /// What wrong was found.
    pub found: u64,
}

/// What a check came to.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether nothing is wrong.
    pub clean: bool,
    /// How much of what was looked at.
    pub looked_at: BTreeMap<&'static str, u64>,
    /// How much is wrong.
    pub found: u64,
    /// How much of that was put right.
    pub repaired: u64,
    /// What is wrong; at most the first ten thousand.
    pub findings: Vec<Told>,
    /// What was not looked at, and why.
    pub notes: Vec<String>,
}

/// A finding, and what became of it.
#[derive(Debug, Serialize)]
pub struct Told {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// Whether it can be put right without loss, or was.
    pub repair: RepairState,
}

/// What can be done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepairState {
    /// Nothing without loss: a backup may help.
    None,
    /// `--repair` would.
    Possible,
    /// It was put right.
    Done,
}

/// Checks a directory. `progress` is told how far it has come after every few rows.
pub async fn run(options: &Options, progress: impl FnMut(Progress)) -> Result<Report> {
    let path = &options.data_dir;
    if !path.join("store-format").exists() {
        bail!("`{}` is no data directory", path.display());
    }
    let (clock, random) = (Clock::system(), Random::os());
    let dir = DataDir::open(path, &random)?;
    let store = dir.open_store(&clock)?;
    let row = first_start::directory(&store).await;
    let settings = Settings {
        first_account: first_start::first_account(row.as_ref().ok().and_then(Option::as_ref), None)?,
        ..Settings::standard()
    };
    let world = Arc::new(World::new(store.clone(), clock, random, settings, dir.root()));
    let mut check = Check {
        world,
        repair: options.repair,
        report: Report::default(),
        at: Progress::default(),
        names: 0,
        unsure: false,
        progress,
    };
    check.files(&dir)?;
    check.rows(&store).await?;
    check.names(&store).await?;
    check.journal(&store)?;
    check.history(&store)?;
    let report = check.done();
    store.close().await.context("cannot close the store")?;
    Ok(report)
}

struct Check<P> {
    world: Arc<World>,
    repair: bool,
    report: Report,
    at: Progress,
    /// How many names rows have.
    names: u64,
    /// Whether a row could not be read that may name others.
    unsure: bool,
    progress: P,
}

impl<P: FnMut(Progress)> Check<P> {
    fn files(&mut self, dir: &DataDir) -> Result<()> {
        if let Err(error) = dir.read_sealed(crate::tls::CA_KEY_FILE) {
            self.found(Kind::Damaged, crate::tls::CA_KEY_FILE, format!("{error:#}"));
        }
        if dir.root().is_renewing() {
            self.note("the root key is being rotated: the next start of the server goes on with it");
        }
        Ok(())
    }

    fn note(&mut self, text: &str) {
        if !self.report.notes.iter().any(|note| note == text) {
            self.report.notes.push(text.to_owned());
        }
    }

    /// Notes what nobody can put right.
    fn found(&mut self, kind: Kind, place: impl Into<String>, what: impl Into<String>) {
        let finding = Finding {
            kind,
            place: place.into(),
            what: what.into(),
            repair: None,
        };
        self.tell(finding, RepairState::None);
    }

    fn tell(&mut self, finding: Finding, repair: RepairState) {
        self.report.found = self.report.found.saturating_add(1);
        self.at.found = self.report.found;
        if repair == RepairState::Done {
            self.report.repaired = self.report.repaired.saturating_add(1);
        }
        if self.report.findings.len() < TOLD_MAX {
            self.report.findings.push(Told { finding, repair });
        }
    }

    fn count(&mut self, what: &'static str, amount: u64) {
        let count = self.report.looked_at.entry(what).or_default();
        *count = count.saturating_add(amount);
    }

    /// Every row by itself.
    async fn rows(&mut self, store: &Store) -> Result<()> {
        let mut after = None;
        while let Some(rows) = self.page(store, &mut after).await {
            let found = {
                let txn = store.begin();
                let world = Arc::clone(&self.world);
                let checker = Checker::new(&world, txn.view(), kms::open_data_key);
                for (key, row) in &rows {
                    self.check_row(&checker, key, row).await?;
                }
                checker.take()
            };
            for (what, amount) in found.counts {
                self.count(what, amount);
            }
            self.at.rows = self.at.rows.saturating_add(rows.len() as u64);
            self.at.bytes = self.report.looked_at.get("bytes").copied().unwrap_or_default();
            self.settle(found.findings).await?;
            (self.progress)(self.at);
        }
        self.count("rows", self.at.rows);
        Ok(())
    }

    /// The next rows; `None` behind the last, and where they cannot be read any further.
    async fn page(&mut self, store: &Store, after: &mut Option<Bytes>) -> Option<Vec<(Bytes, Bytes)>> {
        let txn = store.begin();
        let from = match after {
            Some(after) => Bound::Excluded(after.to_vec()),
            None => Bound::Unbounded,
        };
        match txn.view().scan((from, Bound::Unbounded), ROWS_AT_ONCE, false).await {
            Ok(rows) => {
                *after = Some(rows.last()?.0.clone());
                Some(rows)
            }
            Err(fault) => {
                let place = after.as_ref().map_or_else(String::new, |after| shown(after));
                let what = format!("rows behind this one cannot be read: {}", told(&fault));
                self.found(Kind::Damaged, place, what);
                self.unsure = true;
                None
            }
        }
    }

    async fn check_row(&mut self, checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<()> {
        let Some(table) = table_of(key) else {
            checker.row(Kind::Unknown, key, "a row of no table that is known");
            return Ok(());
        };
        match (table.check)(checker, key, row).await {
            Ok(()) => {}
            Err(fault @ Fault::Corrupt { .. }) => checker.row(Kind::Damaged, key, told(&fault)),
            Err(fault) => return Err(fault).with_context(|| format!("the check broke off at row `{}`", shown(key))),
        }
        match (table.names)(key, row) {
            Ok(names) => self.names = self.names.saturating_add(names.len() as u64),
            Err(_) => self.unsure = true,
        }
        Ok(())
    }

    /// What is stored under an id of its own, against the rows that name it.
    async fn names(&mut self, store: &Store) -> Result<()> {
        if self.unsure {
            self.note("not every row could be read, so nothing that seems to belong to none is removed");
        }
        for round in 0..NAME_ROUNDS_MAX {
            let before = self.report.repaired;
            for part in parts(self.names) {
                let named = self.named(store, &part).await;
                self.orphan_rows(store, &part, &named, round).await?;
                self.orphan_blobs(&part, &named, round).await?;
            }
            if self.report.repaired == before {
                break;
            }
        }
        Ok(())
    }

    /// The names of one part that rows have.
    async fn named(&mut self, store: &Store, part: &RangeInclusive<u8>) -> HashSet<Name> {
        let (mut named, mut after) = (HashSet::new(), None);
        while let Some(rows) = self.page(store, &mut after).await {
            for (key, row) in &rows {
                let names = table_of(key).and_then(|table| (table.names)(key, row).ok());
                named.extend(names.into_iter().flatten().filter(|name| part.contains(&name.part())));
            }
            (self.progress)(self.at);
        }
        named
    }

    async fn orphan_rows(
        &mut self,
        store: &Store,
        part: &RangeInclusive<u8>,
        named: &HashSet<Name>,
        round: usize,
    ) -> Result<()> {
        let mut after = None;
        while let Some(rows) = self.page(store, &mut after).await {
            let is_orphan = |key: &Bytes| {
                let name = table_of(key).and_then(|table| (table.named)(key));
                name.is_some_and(|name| part.contains(&name.part()) && !named.contains(&name))
            };
            let orphans = rows.iter().filter(|(key, _)| is_orphan(key)).map(|(key, _)| Finding {
                kind: Kind::Orphan,
                place: shown(key),
                what: "no row names it".to_owned(),
                repair: Some(Repair::Delete(key.clone())),
            });
            let orphans: Vec<Finding> = orphans.collect();
            self.settle_orphans(orphans, round).await?;
        }
        Ok(())
    }

    async fn orphan_blobs(&mut self, part: &RangeInclusive<u8>, named: &HashSet<Name>, round: usize) -> Result<()> {
        for first in part.clone() {
            let (mut orphans, mut strange) = (Vec::new(), Vec::new());
            self.world.blobs().in_folder(first, |id, path, length| {
                match id {
                    None => strange.push(path.display().to_string()),
                    Some(id) if named.contains(&Name::Blob(*id.as_bytes())) => {}
                    Some(id) => orphans.push(orphan_blob(id, path, length)),
                }
                Ok(())
            })?;
            if round == 0 {
                for path in strange {
                    self.found(Kind::Unknown, path, "a file that is no blob");
                }
            }
            self.settle_orphans(orphans, round).await?;
        }
        Ok(())
    }

    /// In later rounds only what the repair of another made an orphan of is new.
    async fn settle_orphans(&mut self, mut orphans: Vec<Finding>, round: usize) -> Result<()> {
        if self.unsure {
            orphans.iter_mut().for_each(|orphan| orphan.repair = None);
        }
        match round > 0 && !self.repair {
            true => Ok(()),
            false => self.settle(orphans).await,
        }
    }

    /// Puts findings right, if that is asked for, and tells of them.
    async fn settle(&mut self, findings: Vec<Finding>) -> Result<()> {
        for finding in findings {
            let state = match (&finding.repair, self.repair) {
                (None, _) => RepairState::None,
                (Some(_), false) => RepairState::Possible,
                (Some(repair), true) => {
                    let done = self.put_right(repair).await;
                    done.with_context(|| format!("cannot put `{}` right", finding.place))?;
                    RepairState::Done
                }
            };
            self.tell(finding, state);
        }
        Ok(())
    }

    async fn put_right(&self, repair: &Repair) -> Result<()> {
        if let Repair::RemoveBlob(id) = repair {
            return Ok(self.world.blobs().remove(*id).await?);
        }
        let caller = ServiceCaller {
            name: ServiceName::Shoseki.event_source(),
            source_arn: None,
            source_account: self.world.settings.first_account,
        };
        let region = self.world.settings.region.clone();
        let mut work = Work::begin(&self.world, ServiceName::Shoseki, caller, region);
        let txn = work.parts().1;
        match repair {
            Repair::Delete(key) => txn.delete(key.clone()),
            Repair::Put(key, row) => txn.put(key.clone(), row.clone()),
            Repair::RemoveBlob(_) => {}
        }
        Ok(work.commit(Maintenance::Repair).await?)
    }

    fn journal(&mut self, store: &Store) -> Result<()> {
        let (mut blocks, mut entries, mut last) = (0_u64, 0_u64, None::<Timestamp>);
        let mut wrong = Vec::new();
        let read = store.journal().check(|seq, block| {
            blocks = blocks.saturating_add(1);
            match block {
                Ok(block) => {
                    entries = entries.saturating_add(block.entries as u64);
                    if last.is_some_and(|last| block.time < last) {
                        wrong.push((seq, Kind::Disagrees, "it is older than the block before it".to_owned()));
                    }
                    last = Some(block.time);
                }
                Err(fault) => wrong.push((seq, Kind::Damaged, told(&fault))),
            }
        });
        for (seq, kind, what) in wrong {
            self.found(kind, format!("journal block {seq}"), what);
        }
        if let Err(fault) = read {
            self.found(Kind::Damaged, "journal", told(&fault));
        }
        self.count("journal blocks", blocks);
        self.count("journal entries", entries);
        Ok(())
    }

    fn history(&mut self, store: &Store) -> Result<()> {
        let history = store.history();
        let (mut blocks, mut entries, mut terms) = (0_u64, 0_u64, 0_u64);
        let mut wrong = Vec::new();
        let read = history.check(
            |about, opened| gateway::history::terms_of(&history, about, opened),
            |block| match block {
                Ok(block) => {
                    blocks = blocks.saturating_add(1);
                    entries = entries.saturating_add(u64::from(block.entries));
                    terms = terms.saturating_add(block.terms as u64);
                }
                Err((place, fault)) => wrong.push((place, told(&fault))),
            },
        );
        for (place, what) in wrong {
            self.found(Kind::Damaged, place, what);
        }
        if let Err(fault) = read {
            self.found(Kind::Damaged, "history", told(&fault));
        }
        self.count("history blocks", blocks);
        self.count("history entries", entries);
        self.count("history terms", terms);
        Ok(())
    }

    fn done(mut self) -> Report {
        for (what, note) in NOTED {
            if self.report.looked_at.contains_key(what) {
                self.note(note);
            }
        }
        self.report.clean = self.report.found == 0;
        self.report
    }
}

/// Counts that mean that something could not be looked at.
const NOTED: [(&str, &str); 3] = [
    (
        "log events whose KMS key is gone",
        "log events whose KMS key is gone were not opened: nobody can open them",
    ),
    (
        "objects whose KMS key is gone",
        "of objects whose KMS key is gone only the length was checked: nobody can open them",
    ),
    (
        "objects under a customer's key",
        "of objects under a key of the customer's own (SSE-C) only the length was checked: the key is not here",
    ),
];

fn orphan_blob(id: BlobId, path: &Path, length: u64) -> Finding {
    Finding {
        kind: Kind::Orphan,
        place: path.display().to_string(),
        what: format!("no row names this blob of {length} bytes"),
        repair: Some(Repair::RemoveBlob(id)),
    }
}

/// The table with the longest prefix that fits.
fn table_of(key: &[u8]) -> Option<&'static RowCheck> {
    let all = CHECKS.into_iter().flatten();
    all.filter(|table| key.starts_with(table.prefix.as_bytes()))
        .max_by_key(|table| table.prefix.len())
}

/// Even parts of all names, each small enough for memory.
fn parts(names: u64) -> impl Iterator<Item = RangeInclusive<u8>> {
    let count = names.div_ceil(NAMES_AT_ONCE).clamp(1, 256).next_power_of_two();
    let width = 256_u64.checked_div(count).unwrap_or(256).max(1);
    (0..count).filter_map(move |part| {
        let first = part.saturating_mul(width);
        let last = first.saturating_add(width).saturating_sub(1);
        Some(u8::try_from(first).ok()?..=u8::try_from(last).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_every_name_once() {
        for names in [0, 1, NAMES_AT_ONCE, 3 * NAMES_AT_ONCE, 1 << 40] {
            let all: Vec<u8> = parts(names).flatten().collect();
            assert_eq!(all, (0..=u8::MAX).collect::<Vec<u8>>(), "{names}");
        }
        assert_eq!(parts(3 * NAMES_AT_ONCE).count(), 4);
    }

    #[test]
    fn a_row_is_of_the_table_with_the_longest_prefix() {
        let table = |key: &str| table_of(key.as_bytes()).map(|table| table.prefix);
        assert_eq!(table("s3/parts/b/00"), Some("s3/parts/"));
        assert_eq!(table("s3/part/b/00/00001"), Some("s3/part/"));
        assert_eq!(table("iam/session-end/1/x"), Some("iam/session-end/"));
        assert_eq!(table("kms/grant-request/x"), Some("kms/grant-request/"));
        assert_eq!(table("keyring/000000000000"), Some("keyring/"));
        assert_eq!(table("keyring-rotation"), Some("keyring-rotation"));
        assert_eq!(table("elsewhere"), None);
    }
}

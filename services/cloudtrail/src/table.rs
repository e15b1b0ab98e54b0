//! Typed rows over the transaction. The only file that knows how this room's keys are laid out.
//!
//! | key | row |
//! |---|---|
//! | `ct/channel/…`, `ct/ingestion/…` | see [`channels`] |
//! | `ct/epoch` | [`EpochRow`], changed with every trail, so that compiled selectors know when they are stale |
//! | `ct/trail/ACCOUNT/NAME/HOME` | [`Trail`] |
//! | `ct/closing/ID` | [`Trail`] deleted while events that it had selected waited for delivery |
//! | `ct/cursor/ID` | [`CursorRow`] |
//! | `ct/delivery/ID/REGION` | [`DeliveryRow`] |
//! | `ct/logs/ID` | [`LogsRow`] |
//! | `ct/chain/ID/REGION` | [`ChainRow`]: the chain that is signed on |
//! | `ct/ending/ID/REGION/START` | [`ChainRow`]: one whose last digest is to come, while another has begun |
//! | `ct/backfill/ID/REGION` | [`BackfillRow`]: the chain of digests for files that came too late |
//! | `ct/digested/ID/REGION` | [`DigestedRow`] |
//! | `ct/pending/ID/REGION/SEQ` | [`PendingFile`]: delivered and not yet in a digest |
//! | `ct/late/ID/REGION/SEQ` | [`PendingFile`]: delivered, and its window's digest is signed without it |
//! | `ct/compaction` | [`ArchiveRow`] |
//! | `ct/signing/REGION/NOTBEFORE` | [`SigningKeyRow`] |

pub mod channels;
mod digests;

pub use digests::*;

use crate::model::{
    channel::{Channel, Ingestion},
    selector::{EventSelector, EventSelectors},
    trail::Trail,
};
use base::{AccountId, Arn, Fault, Random, Region, Secret, Timestamp};
use gateway::{
    Txn,
    check::{Checker, RowCheck},
    rotation::{Renewal, SealedRows},
};
use serde::{Deserialize, Serialize};
use store::{NoAncestor, ReadView, Stored};

const EPOCH: &[u8] = b"ct/epoch";
const ARCHIVE: &[u8] = b"ct/compaction";
const TRAILS: &[u8] = b"ct/trail/";
const CLOSING: &[u8] = b"ct/closing/";
const SIGNING: &str = "ct/signing/";
/// More trails than this in one account and Region are not possible; all accounts together stay below the scan limit.
const SCAN: usize = store::SCAN_ROWS_MAX;

impl Stored for Trail {
    const VERSION: u8 = 2;
    type Ancestor = TrailV1;
}

/// A trail when all selectors were basic, every delivery was an event like others, and files went to a bucket alone.
#[derive(Serialize, Deserialize)]
pub struct TrailV1 {
    id: String,
    account: AccountId,
    name: String,
    home: Region,
    bucket: String,
    prefix: Option<String>,
    kms_key: Option<Arn>,
    include_global: bool,
    multi_region: bool,
    validation: bool,
    selectors: Vec<EventSelector>,
    logging: bool,
    started: Option<Timestamp>,
    stopped: Option<Timestamp>,
    stopped_by: Option<String>,
    generation: u64,
    tags: Vec<(String, Option<String>)>,
}

impl Stored for TrailV1 {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl From<TrailV1> for Trail {
    fn from(old: TrailV1) -> Trail {
        Trail {
            id: old.id,
            account: old.account,
            name: old.name,
            home: old.home,
            bucket: old.bucket,
            prefix: old.prefix,
            kms_key: old.kms_key,
            include_global: old.include_global,
            multi_region: old.multi_region,
            validation: old.validation,
            selectors: EventSelectors::Basic(old.selectors),
            recursive_logging: true,
            logging: old.logging,
            started: old.started,
            stopped: old.stopped,
            stopped_by: old.stopped_by,
            generation: old.generation,
            tags: old.tags,
            sns_topic: None,
            logs: None,
        }
    }
}

/// Changes with every change of a trail. Drawn at random, so that the epoch of a transaction that was never committed is
/// never that of another: what was compiled in it is not taken for what is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochRow(pub [u8; 16]);

impl Stored for EpochRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// How far delivery of a trail has come: entries up to this sequence have been looked at, and are delivered but for those
/// of Regions that are [`Held`] back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorRow {
    /// The journal sequence.
    pub through: u64,
    /// The domain time of the last pass.
    pub passed: Option<Timestamp>,
    /// When the next Region that is held back is tried again.
    pub retry: Option<Timestamp>,
    /// The first sequence that a Region which is held back has not delivered.
    pub held_from: Option<u64>,
    /// The Regions that are held back.
    pub held: Vec<Region>,
}

impl CursorRow {
    /// Up to here everything that was selected is delivered, or lost and told.
    pub fn delivered_through(&self) -> u64 {
        self.held_from
            .map_or(self.through, |from| self.through.min(from.saturating_sub(1)))
    }
}

impl Stored for CursorRow {
    const VERSION: u8 = 2;
    type Ancestor = CursorRowV1;
}

/// [`CursorRow`] when a refused Region held the whole trail back.
#[derive(Serialize, Deserialize)]
pub struct CursorRowV1 {
    through: u64,
    passed: Option<Timestamp>,
    refused_since: Option<Timestamp>,
}

impl Stored for CursorRowV1 {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl From<CursorRowV1> for CursorRow {
    fn from(old: CursorRowV1) -> CursorRow {
        CursorRow {
            through: old.through,
            passed: old.passed,
            ..CursorRow::default()
        }
    }
}

/// What the archive remembers. How far the event history reaches, the history itself says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveRow {
    /// The journal has no block up to this sequence any more.
    pub dropped: u64,
    /// The domain time of the last pass.
    pub done: Option<Timestamp>,
}

impl Stored for ArchiveRow {
    const VERSION: u8 = 2;
    type Ancestor = CompactionRow;
}

/// Version 1, when the event history was the journal itself: how far data events had been taken out of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CompactionRow {
    through: u64,
    done: Option<Timestamp>,
}

impl Stored for CompactionRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl From<CompactionRow> for ArchiveRow {
    /// What was thinned out is still to be archived, from the first block on.
    fn from(old: CompactionRow) -> ArchiveRow {
        ArchiveRow {
            dropped: 0,
            done: old.done,
        }
    }
}

/// The state of delivery of a trail in a Region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Entries up to this sequence are in files of this Region; may be ahead of the trail's cursor after a crash.
    pub through: u64,
    /// The last delivery.
    pub delivered: Option<Timestamp>,
    /// The last attempt.
    pub attempted: Option<Timestamp>,
    /// The S3 error code of the last attempt, if it failed.
    pub error: Option<String>,
    /// How many entries were lost because delivery failed for 30 days.
    pub lost: u64,
    /// Set while the bucket or the key refuses this Region's files.
    pub held: Option<Held>,
    /// The notices of the trail's topic.
    pub notice: Notice,
}

/// What a Region whose files are refused still has to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Entries from this sequence on are not in files yet.
    pub from: u64,
    /// The first refusal.
    pub since: Timestamp,
}

/// How the notices of a trail's topic have fared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The last attempt.
    pub attempted: Option<Timestamp>,
    /// The last that succeeded.
    pub delivered: Option<Timestamp>,
    /// The error of the last attempt, if it failed.
    pub error: Option<String>,
}

impl Stored for DeliveryRow {
    const VERSION: u8 = 2;
    type Ancestor = DeliveryRowV1;
}

/// [`DeliveryRow`] before Regions were held back one by one.
#[derive(Serialize, Deserialize)]
pub struct DeliveryRowV1 {
    through: u64,
    delivered: Option<Timestamp>,
    attempted: Option<Timestamp>,
    error: Option<String>,
    lost: u64,
}

impl Stored for DeliveryRowV1 {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl From<DeliveryRowV1> for DeliveryRow {
    fn from(old: DeliveryRowV1) -> DeliveryRow {
        DeliveryRow {
            through: old.through,
            delivered: old.delivered,
            attempted: old.attempted,
            error: old.error,
            lost: old.lost,
            ..DeliveryRow::default()
        }
    }
}

/// The state of a trail's delivery to CloudWatch Logs, all Regions together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsRow {
    /// Entries up to this sequence are delivered, or lost.
    pub through: u64,
    /// The last pass.
    pub passed: Option<Timestamp>,
    /// The last delivery.
    pub delivered: Option<Timestamp>,
    /// The first refusal, while it is refused.
    pub refused_since: Option<Timestamp>,
    /// The error of the last attempt, if it failed.
    pub error: Option<String>,
    /// How many entries were lost because delivery failed for 30 days.
    pub lost: u64,
}

impl Stored for LogsRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// The head of a digest chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainRow {
    /// Where the next digest's window begins.
    pub window_start: Timestamp,
    /// The last digest of the chain, none before the starting one.
    pub previous: Option<PreviousDigest>,
    /// When the last digest was delivered.
    pub delivered: Option<Timestamp>,
    /// The S3 error code of the last attempt, if it failed.
    pub error: Option<String>,
    /// When the last attempt failed.
    pub attempted: Option<Timestamp>,
    /// When logging or validation ended: the next digest is the last of this chain.
    pub ended: Option<Timestamp>,
}

impl ChainRow {
    /// A chain whose first window begins at `start`.
    pub fn starting(start: Timestamp) -> ChainRow {
        ChainRow {
            window_start: start,
            previous: None,
            delivered: None,
            error: None,
            attempted: None,
            ended: None,
        }
    }
}

impl Stored for ChainRow {
    const VERSION: u8 = 2;
    type Ancestor = ChainRowV1;
}

/// [`ChainRow`] when the time of a chain's end was not kept.
#[derive(Serialize, Deserialize)]
pub struct ChainRowV1 {
    window_start: Timestamp,
    previous: Option<PreviousDigest>,
    delivered: Option<Timestamp>,
    error: Option<String>,
    attempted: Option<Timestamp>,
    closing: bool,
}

impl Stored for ChainRowV1 {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl From<ChainRowV1> for ChainRow {
    fn from(old: ChainRowV1) -> ChainRow {
        ChainRow {
            window_start: old.window_start,
            previous: old.previous,
            delivered: old.delivered,
            error: old.error,
            attempted: old.attempted,
            ended: old.closing.then_some(old.window_start),
        }
    }
}

/// The head of a Region's chain of backfill digests. It goes on for as long as the trail is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillRow {
    /// When the first of the files that wait for the next backfill digest was found late; `None` when none waits.
    pub since: Option<Timestamp>,
    /// The last backfill digest.
    pub previous: Option<PreviousDigest>,
    /// The end of its window.
    pub previous_end: Option<Timestamp>,
    /// When the last attempt failed, if it did.
    pub attempted: Option<Timestamp>,
}

impl Stored for BackfillRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// How the digests of a trail in a Region have fared, for its status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestedRow {
    /// The last delivery of a digest.
    pub delivered: Option<Timestamp>,
    /// The S3 error code of the last attempt, if it failed.
    pub error: Option<String>,
    /// How many log files no digest names, for none could be delivered for 30 days.
    pub unproven: u64,
}

impl Stored for DigestedRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// What a digest says of the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousDigest {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// The SHA-256 of its JSON, in hex.
    pub hash: String,
    /// Its signature, in hex.
    pub signature: String,
}

/// A log file that is in no digest yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingFile {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// The SHA-256 of its JSON, in hex.
    pub hash: String,
    /// The newest event in it.
    pub newest: Timestamp,
    /// The oldest event in it.
    pub oldest: Timestamp,
    /// When it was delivered.
    pub delivered: Timestamp,
}

impl Stored for PendingFile {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// A Region's digest-signing key.
#[derive(Clone, Serialize, Deserialize)]
pub struct SigningKeyRow {
    /// PKCS#8, sealed under the first account's keyring; empty once it is forgotten.
    pub sealed: Vec<u8>,
    /// The public key: PKCS#1 DER.
    pub public: Vec<u8>,
    /// Lower-hex MD5 of the public key.
    pub fingerprint: String,
    /// When its validity starts.
    pub not_before: Timestamp,
    /// When its validity ends.
    pub not_after: Timestamp,
}

impl Stored for SigningKeyRow {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// What the private key of a signing key is sealed as.
pub fn signing_identity(region: &Region, fingerprint: &str) -> Vec<u8> {
    format!("shoseki digest signing key {region} {fingerprint}").into_bytes()
}

/// The rows that hold what is sealed under keyrings.
pub const SEALED: &[SealedRows] = &[SealedRows {
    prefix: SIGNING,
    renew: renew_signing_key,
}];

fn renew_signing_key(renewal: &Renewal, key: &[u8], row: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let mut row = SigningKeyRow::decode(row)?;
    if row.sealed.is_empty() {
        return Ok(None);
    }
    let identity = signing_identity(&signing_region(key)?, &row.fingerprint);
    let Some(sealed) = renewal.sealed(renewal.first_account(), &identity, &row.sealed)? else {
        return Ok(None);
    };
    row.sealed = sealed;
    row.encode().map(Some)
}

/// The tables of this room, for the check of a closed data directory.
pub const CHECKS: &[RowCheck] = &[
    RowCheck::decodes::<EpochRow>("ct/epoch"),
    RowCheck::decodes::<Trail>("ct/trail/"),
    RowCheck::decodes::<Trail>("ct/closing/"),
    RowCheck::decodes::<Channel>("ct/channel/"),
    RowCheck::decodes::<Ingestion>("ct/ingestion/"),
    RowCheck::decodes::<CursorRow>("ct/cursor/"),
    RowCheck::decodes::<DeliveryRow>("ct/delivery/"),
    RowCheck::decodes::<LogsRow>("ct/logs/"),
    RowCheck::decodes::<ChainRow>("ct/chain/"),
    RowCheck::decodes::<ChainRow>("ct/ending/"),
    RowCheck::decodes::<BackfillRow>("ct/backfill/"),
    RowCheck::decodes::<DigestedRow>("ct/digested/"),
    RowCheck::decodes::<PendingFile>("ct/late/"),
    RowCheck::decodes::<PendingFile>("ct/pending/"),
    RowCheck::decodes::<ArchiveRow>("ct/compaction"),
    RowCheck::new(SIGNING, |checker, key, row| {
        Box::pin(check_signing_key(checker, key, row))
    }),
];

async fn check_signing_key(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let row = SigningKeyRow::decode(row)?;
    checker.count("signing keys", 1);
    if row.sealed.is_empty() {
        return Ok(());
    }
    let first = checker.world.settings.first_account;
    let keyring = checker.world.keyrings.of(&checker.view, first).await?;
    keyring
        .open(&signing_identity(&signing_region(key)?, &row.fingerprint), &row.sealed)
        .map(Secret::new)
        .map_err(|e| Fault::corrupt_by("a digest-signing key", e))?;
    Ok(())
}

fn signing_region(key: &[u8]) -> Result<Region, Fault> {
    let region = std::str::from_utf8(key)
        .ok()
        .and_then(|key| key.strip_prefix(SIGNING)?.split('/').next());
    region
        .and_then(|text| Region::parse(text).ok())
        .ok_or_else(|| Fault::corrupt("the key of a signing key's row"))
}

fn trail_key(trail: &Trail) -> Vec<u8> {
    format!("ct/trail/{}/{}/{}", trail.account, trail.name, trail.home).into_bytes()
}

fn closing_key(id: &str) -> Vec<u8> {
    format!("ct/closing/{id}").into_bytes()
}

fn place_key(kind: &str, id: &str, region: &Region) -> Vec<u8> {
    format!("ct/{kind}/{id}/{region}").into_bytes()
}

fn region_prefix(kind: &str, id: &str, region: &Region) -> Vec<u8> {
    format!("ct/{kind}/{id}/{region}/").into_bytes()
}

/// The trails of an account, in all Regions.
pub async fn trails_of(view: &ReadView<'_>, account: AccountId) -> Result<Vec<Trail>, Fault> {
    rows(view, format!("ct/trail/{account}/").as_bytes()).await
}

/// A trail by its place.
pub async fn trail(view: &ReadView<'_>, account: AccountId, name: &str, home: &Region) -> Result<Option<Trail>, Fault> {
    view.get_row(format!("ct/trail/{account}/{name}/{home}").as_bytes())
        .await
}

/// The trails of all accounts.
pub async fn all_trails(view: &ReadView<'_>) -> Result<Vec<Trail>, Fault> {
    rows(view, TRAILS).await
}

/// The deleted trails that still have something to deliver.
pub async fn closing_trails(view: &ReadView<'_>) -> Result<Vec<Trail>, Fault> {
    rows(view, CLOSING).await
}

/// A trail, deleted or not, as it is now; `None` when it is forgotten.
pub async fn known(view: &ReadView<'_>, trail: &Trail) -> Result<Option<Trail>, Fault> {
    let now: Option<Trail> = view.get_row(&trail_key(trail)).await?;
    match now.filter(|now| now.id == trail.id) {
        Some(now) => Ok(Some(now)),
        None => view.get_row(&closing_key(&trail.id)).await,
    }
}

async fn rows<T: Stored>(view: &ReadView<'_>, prefix: &[u8]) -> Result<Vec<T>, Fault> {
    Ok(view
        .scan_rows(prefix, None, SCAN)
        .await?
        .into_iter()
        .map(|(_, row)| row)
        .collect())
}

/// The epoch of the compiled selectors. The entries of the transaction rest on it: it does not commit, not even to read
/// alone, when a trail has changed since its snapshot. So every event is selected by the trails that are there when it is
/// committed, and nothing that a trail selected comes after its deletion.
pub async fn epoch(view: &ReadView<'_>) -> Result<EpochRow, Fault> {
    view.rest_on(EPOCH);
    Ok(view.get_row(EPOCH).await?.unwrap_or_default())
}

/// Stores a trail, new or changed.
pub fn put_trail(txn: &mut Txn, trail: &Trail, random: &Random) {
    txn.put_row(EPOCH, &EpochRow(random.bytes()));
    txn.put_row(trail_key(trail), trail);
}

/// Deletes a trail. What it had selected is still delivered: until that is done it is kept as a closing one.
pub fn delete_trail(txn: &mut Txn, trail: &Trail, random: &Random) {
    txn.put_row(EPOCH, &EpochRow(random.bytes()));
    txn.delete(trail_key(trail));
    // One that was never started has selected nothing.
    if trail.generation > 0 {
        txn.put_row(closing_key(&trail.id), trail);
    }
}

/// Forgets a closing trail and all that belonged to it.
pub async fn forget_trail(txn: &mut Txn, trail: &Trail) -> Result<(), Fault> {
    txn.delete(closing_key(&trail.id));
    txn.delete(format!("ct/cursor/{}", trail.id).into_bytes());
    delete_logs(txn, &trail.id);
    for kind in ["delivery", "chain", "ending", "backfill", "digested", "pending", "late"] {
        let prefix = format!("ct/{kind}/{}/", trail.id).into_bytes();
        // What is deleted is not given again.
        loop {
            let rows = txn.view().scan_prefix(&prefix, None, SCAN).await?;
            if rows.is_empty() {
                break;
            }
            rows.into_iter().for_each(|(key, _)| txn.delete(key));
        }
    }
    Ok(())
}

/// How far delivery of a trail has come.
pub async fn cursor(view: &ReadView<'_>, id: &str) -> Result<Option<CursorRow>, Fault> {
    view.get_row(format!("ct/cursor/{id}").as_bytes()).await
}

/// Stores a cursor.
pub fn put_cursor(txn: &mut Txn, id: &str, row: &CursorRow) {
    txn.put_row(format!("ct/cursor/{id}").into_bytes(), row);
}

/// The state of delivery to CloudWatch Logs; `None` for a trail that has no log group, or has selected nothing yet.
pub async fn logs(view: &ReadView<'_>, id: &str) -> Result<Option<LogsRow>, Fault> {
    view.get_row(format!("ct/logs/{id}").as_bytes()).await
}

/// Stores the state of delivery to CloudWatch Logs.
pub fn put_logs(txn: &mut Txn, id: &str, row: &LogsRow) {
    txn.put_row(format!("ct/logs/{id}").into_bytes(), row);
}

/// Ends delivery to CloudWatch Logs.
pub fn delete_logs(txn: &mut Txn, id: &str) {
    txn.delete(format!("ct/logs/{id}").into_bytes());
}

/// What the archive remembers.
pub async fn archive(view: &ReadView<'_>) -> Result<ArchiveRow, Fault> {
    Ok(view.get_row(ARCHIVE).await?.unwrap_or_default())
}

/// Stores what the archive remembers.
pub fn put_archive(txn: &mut Txn, row: &ArchiveRow) {
    txn.put_row(ARCHIVE, row);
}

/// The state of delivery in a Region.
pub async fn delivery(view: &ReadView<'_>, id: &str, region: &Region) -> Result<DeliveryRow, Fault> {
    Ok(view
        .get_row(&place_key("delivery", id, region))
        .await?
        .unwrap_or_default())
}

/// Stores the state of delivery.
pub fn put_delivery(txn: &mut Txn, id: &str, region: &Region, row: &DeliveryRow) {
    txn.put_row(place_key("delivery", id, region), row);
}

/// The signing keys of a Region, oldest first.
pub async fn signing_keys(view: &ReadView<'_>, region: &Region) -> Result<Vec<SigningKeyRow>, Fault> {
    rows(view, format!("{SIGNING}{region}/").as_bytes()).await
}

/// Stores a signing key.
pub fn put_signing_key(txn: &mut Txn, region: &Region, row: &SigningKeyRow) {
    txn.put_row(
        format!("{SIGNING}{region}/{:020}", row.not_before.as_micros()).into_bytes(),
        row,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data directory from before there was an archive has everything still to be archived.
    #[test]
    fn the_row_of_compaction_is_read_as_the_archives() {
        let old = CompactionRow {
            through: 77,
            done: Some(Timestamp::from_secs(5)),
        };
        let expected = ArchiveRow {
            dropped: 0,
            done: old.done,
        };
        assert_eq!(ArchiveRow::decode(&old.encode().unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_trail_of_an_older_directory_selects_what_it_did() {
        let old = TrailV1 {
            id: "id".to_owned(),
            account: AccountId::FIRST,
            name: "audit".to_owned(),
            home: Region::us_east_1(),
            bucket: "logs".to_owned(),
            prefix: None,
            kms_key: None,
            include_global: true,
            multi_region: true,
            validation: true,
            selectors: vec![EventSelector::standard()],
            logging: true,
            started: None,
            stopped: None,
            stopped_by: None,
            generation: 3,
            tags: vec![("stage".to_owned(), None)],
        };
        let trail = Trail::decode(&old.encode().unwrap()).unwrap();
        assert_eq!(trail.selectors, EventSelectors::standard());
        assert!(trail.recursive_logging && trail.logging && !trail.has_custom_selectors());
        assert_eq!((trail.generation, trail.tags.len()), (3, 1));
        assert_eq!(Trail::decode(&trail.encode().unwrap()).unwrap(), trail);
    }
}

//! The rows of digests: chains, what they have come to, and the files that wait for them.

use super::{BackfillRow, ChainRow, DigestedRow, PendingFile, SCAN, place_key, region_prefix};
use base::{Fault, Region};
use gateway::Txn;
use store::{ReadView, Stored};

/// The head of a digest chain.
pub async fn chain(view: &ReadView<'_>, id: &str, region: &Region) -> Result<Option<ChainRow>, Fault> {
    view.get_row(&place_key("chain", id, region)).await
}

/// The chains of a trail, of whatever Region. Passes over every old version of rows that change each hour: who knows the
/// Regions asks for them one by one, and asks for this seldom.
pub async fn chains(view: &ReadView<'_>, id: &str) -> Result<Vec<(Region, ChainRow)>, Fault> {
    by_region(view, "chain", id).await
}

async fn by_region<T: Stored>(view: &ReadView<'_>, kind: &str, id: &str) -> Result<Vec<(Region, T)>, Fault> {
    let rows = view
        .scan_rows(format!("ct/{kind}/{id}/").as_bytes(), None, SCAN)
        .await?;
    rows.into_iter()
        .map(|(key, row)| Ok((ending_region(&key)?, row)))
        .collect()
}

/// Stores the head of a chain.
pub fn put_chain(txn: &mut Txn, id: &str, region: &Region, row: &ChainRow) {
    txn.put_row(place_key("chain", id, region), row);
}

/// Ends a chain: the next digest starts a new one.
pub fn delete_chain(txn: &mut Txn, id: &str, region: &Region) {
    txn.delete(place_key("chain", id, region));
}

/// The chains of a trail whose last digest is to come while another has begun, each with its key.
pub async fn endings(view: &ReadView<'_>, id: &str) -> Result<Vec<(bytes::Bytes, ChainRow)>, Fault> {
    view.scan_rows(format!("ct/ending/{id}/").as_bytes(), None, SCAN).await
}

/// Remembers a chain whose last digest is to come.
pub fn put_ending(txn: &mut Txn, id: &str, region: &Region, row: &ChainRow) {
    txn.put_row(ending_key(id, region, row), row);
}

/// Where [`put_ending`] puts a chain.
pub fn ending_key(id: &str, region: &Region, row: &ChainRow) -> Vec<u8> {
    let mut key = region_prefix("ending", id, region);
    key.extend_from_slice(format!("{:020}", row.window_start.as_micros()).as_bytes());
    key
}

/// The Region in the key of a row of a Region, such as [`endings`] gives.
pub fn ending_region(key: &[u8]) -> Result<Region, Fault> {
    let region = std::str::from_utf8(key).ok().and_then(|key| key.split('/').nth(3));
    region
        .and_then(|text| Region::parse(text).ok())
        .ok_or_else(|| Fault::corrupt("the key of a chain's row"))
}

/// The head of the chain of backfill digests.
pub async fn backfill(view: &ReadView<'_>, id: &str, region: &Region) -> Result<BackfillRow, Fault> {
    let row = view.get_row(&place_key("backfill", id, region)).await?;
    Ok(row.unwrap_or_default())
}

/// The heads of a trail's chains of backfill digests, of whatever Region.
pub async fn backfills(view: &ReadView<'_>, id: &str) -> Result<Vec<(Region, BackfillRow)>, Fault> {
    by_region(view, "backfill", id).await
}

/// Stores the head of the chain of backfill digests.
pub fn put_backfill(txn: &mut Txn, id: &str, region: &Region, row: &BackfillRow) {
    txn.put_row(place_key("backfill", id, region), row);
}

/// How the digests of a Region have fared.
pub async fn digested(view: &ReadView<'_>, id: &str, region: &Region) -> Result<DigestedRow, Fault> {
    let row = view.get_row(&place_key("digested", id, region)).await?;
    Ok(row.unwrap_or_default())
}

/// Stores how the digests of a Region have fared.
pub fn put_digested(txn: &mut Txn, id: &str, region: &Region, row: &DigestedRow) {
    txn.put_row(place_key("digested", id, region), row);
}

/// Files with the keys of their rows.
pub type Files = Vec<(bytes::Bytes, PendingFile)>;

/// The most files that are asked for at once.
pub const FILES_MAX: usize = SCAN - 1;

/// Some files, in the order of their delivery.
pub struct FilesPage {
    /// The first, [`FILES_MAX`] at most.
    pub files: Files,
    /// Whether there are others after them.
    pub more: bool,
}

/// The files of a Region that wait for their window's digest.
pub async fn pending(view: &ReadView<'_>, id: &str, region: &Region) -> Result<FilesPage, Fault> {
    files(view, "pending", id, region).await
}

/// The files of a Region that wait for a backfill digest.
pub async fn late(view: &ReadView<'_>, id: &str, region: &Region) -> Result<FilesPage, Fault> {
    files(view, "late", id, region).await
}

async fn files(view: &ReadView<'_>, kind: &str, id: &str, region: &Region) -> Result<FilesPage, Fault> {
    let mut files: Files = view.scan_rows(&region_prefix(kind, id, region), None, SCAN).await?;
    let more = files.len() > FILES_MAX;
    files.truncate(FILES_MAX);
    Ok(FilesPage { files, more })
}

/// Remembers a delivered file for its window's digest. `seq` orders the files of a Region.
pub fn put_pending(txn: &mut Txn, id: &str, region: &Region, seq: u64, file: &PendingFile) {
    put_file(txn, "pending", id, region, seq, file);
}

/// Remembers a delivered file for a backfill digest.
pub fn put_late(txn: &mut Txn, id: &str, region: &Region, seq: u64, file: &PendingFile) {
    put_file(txn, "late", id, region, seq, file);
}

fn put_file(txn: &mut Txn, kind: &str, id: &str, region: &Region, seq: u64, file: &PendingFile) {
    let mut key = region_prefix(kind, id, region);
    key.extend_from_slice(format!("{seq:020}").as_bytes());
    txn.put_row(key, file);
}

/// The order of a file among those of its Region, as [`put_pending`] was given it.
pub fn file_seq(key: &[u8]) -> Result<u64, Fault> {
    let seq = std::str::from_utf8(key).ok().and_then(|key| key.rsplit('/').next());
    seq.and_then(|text| text.parse().ok())
        .ok_or_else(|| Fault::corrupt("the key of a delivered file's row"))
}

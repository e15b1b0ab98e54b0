//! Rows of change sets and of what drift detection found.
//!
//! | key | row |
//! |---|---|
//! | `cloudformation/changeset/ACCOUNT/REGION/STACKID/ID` | [`ChangeSet`] |
//! | `cloudformation/contents/ACCOUNT/REGION/STACKID/ID` | [`ContentsRow`]: the contents of a change set |
//! | `cloudformation/drift/ACCOUNT/REGION/STACKID/LOGICALID` | [`DriftRow`] |
//! | `cloudformation/detection/ACCOUNT/REGION/STACKID/ID` | [`DetectionRow`]: the last one of a stack |
//! | `cloudformation/id/ACCOUNT/REGION/ID` | [`IdRow`]: the stack of a change set or detection |

use super::{Seal, of_stack, under};
use crate::model::{
    change_set::{ChangeSet, Contents},
    drift::Comparison,
    stack::StackRef,
};
use base::{AccountId, Fault, Region, Timestamp};
use gateway::Txn;
use serde::{Deserialize, Serialize};
use store::{NoAncestor, ReadView, SCAN_ROWS_MAX, Stored};

macro_rules! first_version {
    ($($row:ty),* $(,)?) => { $(impl Stored for $row {
        const VERSION: u8 = 1;
        type Ancestor = NoAncestor;
    })* };
}

first_version!(ChangeSet, ContentsRow, DriftRow, DetectionRow, IdRow);

/// The stack that a change set or a detection is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRow {
    /// The stack's id.
    pub stack_id: String,
}

/// The [`Contents`] of a change set, which are read only where they are shown or executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentsRow {
    /// They, sealed.
    pub sealed: Vec<u8>,
}

/// What drift detection found of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftRow {
    /// Its logical id.
    pub logical_id: String,
    /// Its physical id.
    pub physical_id: String,
    /// Its type.
    pub type_name: String,
    /// `StackResourceDriftStatus`
    pub status: String,
    /// Why it could not be told.
    pub reason: Option<String>,
    /// When it was looked at.
    pub at: Timestamp,
    /// The [`Comparison`], sealed; empty when nothing was compared.
    pub sealed: Vec<u8>,
}

/// A drift detection of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectionRow {
    /// `StackDriftDetectionId`
    pub id: String,
    /// The stack.
    pub stack: StackRef,
    /// When it was asked for.
    pub at: Timestamp,
    /// `StackDriftStatus`
    pub status: String,
    /// How many resources have drifted.
    pub drifted: u32,
    /// Why it failed of some resources.
    pub failure: Option<String>,
}

fn change_set_key(at: &StackRef, id: &str) -> String {
    format!("{}/{id}", of_stack("changeset", at))
}

fn contents_key(at: &StackRef, id: &str) -> String {
    format!("{}/{id}", of_stack("contents", at))
}

fn id_key(account: AccountId, region: &Region, id: &str) -> String {
    format!("{}{id}", under("id", account, region))
}

fn put_id(txn: &mut Txn, at: &StackRef, id: &str) {
    let row = IdRow {
        stack_id: at.id.clone(),
    };
    txn.put_row(id_key(at.account, &at.region, id), &row);
}

/// The id of the stack that a change set or detection of this id is of.
pub async fn stack_of(
    view: &ReadView<'_>,
    account: AccountId,
    region: &Region,
    id: &str,
) -> Result<Option<String>, Fault> {
    let row: Option<IdRow> = view.get_row(id_key(account, region, id).as_bytes()).await?;
    Ok(row.map(|row| row.stack_id))
}

/// Stores a new change set.
pub fn put_new_change_set(txn: &mut Txn, seal: &Seal, set: &ChangeSet, contents: &Contents) -> Result<(), Fault> {
    let key = contents_key(&set.stack, &set.id);
    let sealed = seal.close(key.as_bytes(), contents)?;
    txn.put_row(key, &ContentsRow { sealed });
    put_change_set(txn, set);
    put_id(txn, &set.stack, &set.id);
    Ok(())
}

/// Changes a change set; its contents stay.
pub fn put_change_set(txn: &mut Txn, set: &ChangeSet) {
    txn.put_row(change_set_key(&set.stack, &set.id), set);
}

/// What a change set holds.
pub async fn contents(view: &ReadView<'_>, seal: &Seal, set: &ChangeSet) -> Result<Contents, Fault> {
    let key = contents_key(&set.stack, &set.id);
    let row: Option<ContentsRow> = view.get_row(key.as_bytes()).await?;
    let row = row.ok_or_else(|| Fault::corrupt("a change set without contents"))?;
    seal.open(key.as_bytes(), &row.sealed)
}

/// The change set of a stack that has this id.
pub async fn change_set(view: &ReadView<'_>, at: &StackRef, id: &str) -> Result<Option<ChangeSet>, Fault> {
    view.get_row(change_set_key(at, id).as_bytes()).await
}

/// The change sets of a stack, the oldest first.
pub async fn change_sets(view: &ReadView<'_>, at: &StackRef) -> Result<Vec<ChangeSet>, Fault> {
    let prefix = format!("{}/", of_stack("changeset", at));
    let rows = view.scan_rows(prefix.as_bytes(), None, SCAN_ROWS_MAX).await?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Takes a change set away.
pub fn delete_change_set(txn: &mut Txn, set: &ChangeSet) {
    txn.delete(change_set_key(&set.stack, &set.id));
    txn.delete(contents_key(&set.stack, &set.id));
    txn.delete(id_key(set.stack.account, &set.stack.region, &set.id));
}

fn drift_key(at: &StackRef, logical_id: &str) -> String {
    format!("{}/{logical_id}", of_stack("drift", at))
}

/// Stores what was found of a resource.
pub fn put_drift(
    txn: &mut Txn,
    seal: &Seal,
    at: &StackRef,
    mut row: DriftRow,
    comparison: Option<&Comparison>,
) -> Result<(), Fault> {
    let key = drift_key(at, &row.logical_id);
    row.sealed = match comparison {
        Some(comparison) => seal.close(key.as_bytes(), comparison)?,
        None => Vec::new(),
    };
    txn.put_row(key, &row);
    Ok(())
}

/// What was found of a stack's resources, by logical id, after the one given; at most `limit`.
pub async fn drifts(
    view: &ReadView<'_>,
    seal: &Seal,
    at: &StackRef,
) -> Result<Vec<(DriftRow, Option<Comparison>)>, Fault> {
    let prefix = format!("{}/", of_stack("drift", at));
    let rows = view
        .scan_rows::<DriftRow>(prefix.as_bytes(), None, SCAN_ROWS_MAX)
        .await?;
    let opened = |(key, row): (bytes::Bytes, DriftRow)| {
        let comparison = match row.sealed.is_empty() {
            true => None,
            false => Some(seal.open(&key, &row.sealed)?),
        };
        Ok((row, comparison))
    };
    rows.into_iter().map(opened).collect()
}

/// Forgets what was found of resources that the stack has no more.
pub fn forget_drift(txn: &mut Txn, at: &StackRef, logical_id: &str) {
    txn.delete(drift_key(at, logical_id));
}

fn detection_prefix(at: &StackRef) -> String {
    format!("{}/", of_stack("detection", at))
}

/// The last drift detection of a stack.
pub async fn detection(view: &ReadView<'_>, at: &StackRef) -> Result<Option<DetectionRow>, Fault> {
    let rows = view.scan_rows(detection_prefix(at).as_bytes(), None, 1).await?;
    Ok(rows.into_iter().map(|(_, row)| row).next())
}

/// Stores a drift detection in place of the one before.
pub fn put_detection(txn: &mut Txn, previous: Option<&DetectionRow>, row: &DetectionRow) {
    let at = &row.stack;
    if let Some(previous) = previous {
        txn.delete(format!("{}{}", detection_prefix(at), previous.id));
        txn.delete(id_key(at.account, &at.region, &previous.id));
    }
    txn.put_row(format!("{}{}", detection_prefix(at), row.id), row);
    put_id(txn, at, &row.id);
}

/// Forgets the ids of change sets and detections whose rows are at these keys.
pub(super) fn forget_ids<'a>(txn: &mut Txn, at: &StackRef, keys: impl Iterator<Item = &'a [u8]>) {
    for key in keys {
        let id = std::str::from_utf8(key).ok().and_then(|key| key.rsplit('/').next());
        if let Some(id) = id {
            txn.delete(id_key(at.account, &at.region, id));
        }
    }
}

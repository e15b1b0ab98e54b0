//! Typed rows over the transaction. The only file that knows how this room's keys are laid out, with `change_sets.rs` and
//! `sealed.rs` beside it.
//!
//! | key | row |
//! |---|---|
//! | `cloudformation/stack/ACCOUNT/REGION/ID` | [`Stack`] |
//! | `cloudformation/name/ACCOUNT/REGION/NAME` | [`NameRow`]: which stack has the name now |
//! | `cloudformation/operation/ACCOUNT/REGION/ID` | [`Operation`]: what is to be done with the stack |
//! | `cloudformation/deployment/ACCOUNT/REGION/ID/NUMBER` | [`DeploymentRow`] |
//! | `cloudformation/resource/ACCOUNT/REGION/ID/LOGICALID` | [`ResourceRow`] |
//! | `cloudformation/event/ACCOUNT/REGION/ID/MOMENT` | [`EventRow`], the newest first |
//! | `cloudformation/export/ACCOUNT/REGION/NAME` | [`ExportRow`] |
//! | `cloudformation/import/ACCOUNT/REGION/NAME/ID` | [`ImportRow`]: a stack that uses the export |
//! | `cloudformation/gone/MICROS/ACCOUNT/REGION/ID` | [`GoneRow`]: when a deleted stack is forgotten |

mod change_sets;
mod sealed;

pub use change_sets::{
    DetectionRow, DriftRow, change_set, change_sets, contents, delete_change_set, detection, drifts, forget_drift,
    put_change_set, put_detection, put_drift, put_new_change_set, stack_of,
};
pub use sealed::{CHECKS, SEALED, Seal};

use crate::model::{
    held::{Deployment, Held, Outputs},
    stack::{Drift, Operation, ResourceStatus, Stack, StackRef},
};
use base::{AccountId, Fault, Region, Timestamp};
use gateway::Txn;
use serde::{Deserialize, Serialize};
use std::{
    ops::Bound,
    sync::atomic::{AtomicU64, Ordering},
};
use store::{NoAncestor, ReadView, SCAN_ROWS_MAX, Stored};

macro_rules! first_version {
    ($($row:ty),* $(,)?) => { $(impl Stored for $row {
        const VERSION: u8 = 1;
        type Ancestor = NoAncestor;
    })* };
}

first_version!(
    Stack,
    Operation,
    NameRow,
    DeploymentRow,
    ResourceRow,
    EventRow,
    ExportRow,
    ImportRow,
    GoneRow
);

/// Which stack has a name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NameRow {
    /// Its id.
    pub id: String,
}

/// A [`Deployment`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeploymentRow {
    /// It, sealed.
    pub sealed: Vec<u8>,
}

/// A resource of a stack, without what is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceRow {
    /// Its logical id.
    pub logical_id: String,
    /// Its type.
    pub type_name: String,
    /// Its physical id, once it has one.
    pub physical_id: Option<String>,
    /// What it has come to.
    pub status: ResourceStatus,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub updated: Timestamp,
    /// The deployment that it is of now.
    pub deployment: u32,
    /// The deployment that first had it.
    pub since: u32,
    /// The logical ids that it was made after.
    pub depends_on: Vec<String>,
    /// Whether it stays when its stack has it no more.
    pub keep: Keep,
    /// What drift detection has found last.
    pub drift: Option<Drift>,
    /// The [`Held`], sealed.
    pub sealed: Vec<u8>,
}

/// Whether a thing stays when its stack has it no more. Sealed with what a stack holds and stored by place: new ones go to the
/// end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keep {
    /// It is deleted.
    #[default]
    No,
    /// It stays.
    Always,
    /// It stays, but for the rolling back of its creation.
    ExceptOnCreate,
}

/// An event of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// `EventId`
    pub id: String,
    /// `Timestamp`
    pub at: Timestamp,
    /// `LogicalResourceId`; the stack's name for the stack's own.
    pub logical_id: String,
    /// `PhysicalResourceId`
    pub physical_id: String,
    /// `ResourceType`
    pub type_name: String,
    /// `ResourceStatus`
    pub status: String,
    /// `ResourceStatusReason`
    pub reason: Option<String>,
    /// `ClientRequestToken`
    pub token: Option<String>,
    /// `ResourceProperties`, sealed; empty when there are none.
    pub sealed: Vec<u8>,
}

/// An export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportRow {
    /// The exporting stack.
    pub stack: StackRef,
    /// The value, sealed.
    pub sealed: Vec<u8>,
}

/// A use of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportRow {
    /// The importing stack.
    pub stack: StackRef,
}

/// A stack that was deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GoneRow {
    /// The stack.
    pub stack: StackRef,
}

/// A resource with what is sealed of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The row.
    pub row: ResourceRow,
    /// What was sealed in it.
    pub held: Held,
}

fn under(table: &str, account: AccountId, region: &Region) -> String {
    format!("cloudformation/{table}/{account}/{region}/")
}

fn of_stack(table: &str, at: &StackRef) -> String {
    format!("{}{}", under(table, at.account, &at.region), at.id)
}

/// The stack of this id.
pub async fn by_id(view: &ReadView<'_>, account: AccountId, region: &Region, id: &str) -> Result<Option<Stack>, Fault> {
    view.get_row(format!("{}{id}", under("stack", account, region)).as_bytes())
        .await
}

/// The stack that has this name now.
pub async fn by_name(
    view: &ReadView<'_>,
    account: AccountId,
    region: &Region,
    name: &str,
) -> Result<Option<Stack>, Fault> {
    let key = format!("{}{name}", under("name", account, region));
    match view.get_row::<NameRow>(key.as_bytes()).await? {
        Some(row) => by_id(view, account, region, &row.id).await,
        None => Ok(None),
    }
}

/// Stores a stack, new or changed.
pub fn put_stack(txn: &mut Txn, stack: &Stack) {
    txn.put_row(of_stack("stack", &stack.at), stack);
}

/// Gives the stack its name.
pub fn take_name(txn: &mut Txn, at: &StackRef) {
    let row = NameRow { id: at.id.clone() };
    txn.put_row(format!("{}{}", under("name", at.account, &at.region), at.name), &row);
}

/// Takes the stack's name from it.
pub fn free_name(txn: &mut Txn, at: &StackRef) {
    txn.delete(format!("{}{}", under("name", at.account, &at.region), at.name));
}

/// The stacks of an account in a Region, the newest first, before the id given; at most `limit`.
pub async fn stacks(
    view: &ReadView<'_>,
    (account, region): (AccountId, &Region),
    before: Option<&str>,
    limit: usize,
) -> Result<Vec<Stack>, Fault> {
    let prefix = under("stack", account, region);
    let end = match before {
        Some(before) => Bound::Excluded(format!("{prefix}{before}").into_bytes()),
        None => store::prefix_range(prefix.as_bytes()).1,
    };
    let rows = view
        .scan((Bound::Included(prefix.into_bytes()), end), limit, true)
        .await?;
    rows.into_iter().map(|(_, row)| Stack::decode(&row)).collect()
}

/// The names that stacks have now, with their ids; at most `limit`.
pub async fn names(view: &ReadView<'_>, account: AccountId, region: &Region, limit: usize) -> Result<usize, Fault> {
    let prefix = under("name", account, region);
    Ok(view.scan_prefix(prefix.as_bytes(), None, limit).await?.len())
}

/// The stacks that have a name now, by name, after the name given; at most `limit`.
pub async fn living(
    view: &ReadView<'_>,
    (account, region): (AccountId, &Region),
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<StackRef>, Fault> {
    let prefix = under("name", account, region);
    let after = after.map(|name| format!("{prefix}{name}"));
    let rows = view
        .scan_rows::<NameRow>(prefix.as_bytes(), after.as_ref().map(String::as_bytes), limit)
        .await?;
    let named = |(key, row): (bytes::Bytes, NameRow)| StackRef {
        account,
        region: region.clone(),
        name: String::from_utf8_lossy(key.get(prefix.len()..).unwrap_or_default()).into_owned(),
        id: row.id,
    };
    Ok(rows.into_iter().map(named).collect())
}

/// What is to be done with a stack.
pub async fn operation(view: &ReadView<'_>, at: &StackRef) -> Result<Option<Operation>, Fault> {
    view.get_row(of_stack("operation", at).as_bytes()).await
}

/// Everything that is to be done.
pub async fn operations(view: &ReadView<'_>) -> Result<Vec<Operation>, Fault> {
    let rows = view
        .scan_rows(b"cloudformation/operation/", None, SCAN_ROWS_MAX)
        .await?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Says what is to be done with a stack.
pub fn put_operation(txn: &mut Txn, operation: &Operation) {
    txn.put_row(of_stack("operation", &operation.at), operation);
}

/// Nothing is to be done with the stack any more.
pub fn end_operation(txn: &mut Txn, at: &StackRef) {
    txn.delete(of_stack("operation", at));
}

fn deployment_key(at: &StackRef, number: u32) -> String {
    format!("{}/{number:08}", of_stack("deployment", at))
}

/// A deployment of a stack.
pub async fn deployment(
    view: &ReadView<'_>,
    seal: &Seal,
    at: &StackRef,
    number: u32,
) -> Result<Option<Deployment>, Fault> {
    let key = deployment_key(at, number);
    let row: Option<DeploymentRow> = view.get_row(key.as_bytes()).await?;
    row.map(|row| seal.open(key.as_bytes(), &row.sealed)).transpose()
}

/// Stores a deployment.
pub fn put_deployment(
    txn: &mut Txn,
    seal: &Seal,
    at: &StackRef,
    number: u32,
    deployment: &Deployment,
) -> Result<(), Fault> {
    let key = deployment_key(at, number);
    let sealed = seal.close(key.as_bytes(), deployment)?;
    txn.put_row(key, &DeploymentRow { sealed });
    Ok(())
}

/// Forgets a deployment.
pub fn forget_deployment(txn: &mut Txn, at: &StackRef, number: u32) {
    txn.delete(deployment_key(at, number));
}

fn resource_key(at: &StackRef, logical_id: &str) -> String {
    format!("{}/{logical_id}", of_stack("resource", at))
}

/// A resource's row.
pub async fn resource(
    view: &ReadView<'_>,
    seal: &Seal,
    at: &StackRef,
    logical_id: &str,
) -> Result<Option<Resource>, Fault> {
    let key = resource_key(at, logical_id);
    let row: Option<ResourceRow> = view.get_row(key.as_bytes()).await?;
    row.map(|row| opened(seal, key.as_bytes(), row)).transpose()
}

fn opened(seal: &Seal, key: &[u8], row: ResourceRow) -> Result<Resource, Fault> {
    let held = match row.sealed.is_empty() {
        true => Held::default(),
        false => seal.open(key, &row.sealed)?,
    };
    Ok(Resource { row, held })
}

/// The resources of a stack, by logical id.
pub async fn resources(view: &ReadView<'_>, seal: &Seal, at: &StackRef) -> Result<Vec<Resource>, Fault> {
    let prefix = format!("{}/", of_stack("resource", at));
    let rows = view.scan_rows(prefix.as_bytes(), None, SCAN_ROWS_MAX).await?;
    rows.into_iter().map(|(key, row)| opened(seal, &key, row)).collect()
}

/// The same without what is sealed.
pub async fn resource_rows(view: &ReadView<'_>, at: &StackRef) -> Result<Vec<ResourceRow>, Fault> {
    let prefix = format!("{}/", of_stack("resource", at));
    let rows = view.scan_rows(prefix.as_bytes(), None, SCAN_ROWS_MAX).await?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Stores a resource.
pub fn put_resource(txn: &mut Txn, seal: &Seal, at: &StackRef, resource: &Resource) -> Result<(), Fault> {
    let key = resource_key(at, &resource.row.logical_id);
    let mut row = resource.row.clone();
    row.sealed = seal.close(key.as_bytes(), &resource.held)?;
    txn.put_row(key, &row);
    Ok(())
}

/// Changes what is not sealed of a resource.
pub fn put_resource_row(txn: &mut Txn, at: &StackRef, row: &ResourceRow) {
    txn.put_row(resource_key(at, &row.logical_id), row);
}

/// A stack has this resource no more.
pub fn forget_resource(txn: &mut Txn, at: &StackRef, logical_id: &str) {
    txn.delete(resource_key(at, logical_id));
}

/// The outputs of a stack.
pub fn outputs(seal: &Seal, stack: &Stack) -> Result<Outputs, Fault> {
    match stack.outputs.is_empty() {
        true => Ok(Outputs::new()),
        false => seal.open(of_stack("stack", &stack.at).as_bytes(), &stack.outputs),
    }
}

/// Gives a stack its outputs; it is still to be stored.
pub fn set_outputs(seal: &Seal, stack: &mut Stack, outputs: &Outputs) -> Result<(), Fault> {
    stack.outputs = match outputs.is_empty() {
        true => Vec::new(),
        false => seal.close(of_stack("stack", &stack.at).as_bytes(), outputs)?,
    };
    Ok(())
}

/// Tells events that fall into one microsecond apart.
static EVENTS: AtomicU64 = AtomicU64::new(0);

/// Adds an event of a stack, the newest of all.
pub fn put_event(
    txn: &mut Txn,
    seal: &Seal,
    at: &StackRef,
    mut event: EventRow,
    properties: Option<&str>,
) -> Result<(), Fault> {
    let (micros, count) = (
        u64::try_from(event.at.as_micros()).unwrap_or(0),
        EVENTS.fetch_add(1, Ordering::Relaxed),
    );
    let key = format!(
        "{}/{:016x}{:016x}",
        of_stack("event", at),
        u64::MAX - micros,
        u64::MAX - count
    );
    event.sealed = match properties {
        Some(properties) => seal.close(key.as_bytes(), &properties)?,
        None => Vec::new(),
    };
    txn.put_row(key, &event);
    Ok(())
}

/// An event of a stack: where it lies, itself, and the properties that it shows.
pub type Event = (String, EventRow, Option<String>);

/// The events of a stack, the newest first, after the place given; at most `limit`.
pub async fn events(
    view: &ReadView<'_>,
    seal: &Seal,
    at: &StackRef,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Event>, Fault> {
    let prefix = format!("{}/", of_stack("event", at));
    let after = after.map(|place| format!("{prefix}{place}"));
    let rows = view
        .scan_rows::<EventRow>(prefix.as_bytes(), after.as_ref().map(String::as_bytes), limit)
        .await?;
    let opened = |(key, row): (bytes::Bytes, EventRow)| {
        let properties = match row.sealed.is_empty() {
            true => None,
            false => Some(seal.open::<String>(&key, &row.sealed)?),
        };
        let place = String::from_utf8_lossy(key.get(prefix.len()..).unwrap_or_default()).into_owned();
        Ok((place, row, properties))
    };
    rows.into_iter().map(opened).collect()
}

fn export_key(account: AccountId, region: &Region, name: &str) -> String {
    format!("{}{name}", under("export", account, region))
}

/// An export: who exports it, and its value.
pub async fn export(
    view: &ReadView<'_>,
    seal: &Seal,
    (account, region): (AccountId, &Region),
    name: &str,
) -> Result<Option<(StackRef, String)>, Fault> {
    let key = export_key(account, region, name);
    let row: Option<ExportRow> = view.get_row(key.as_bytes()).await?;
    row.map(|row| Ok((row.stack, seal.open(key.as_bytes(), &row.sealed)?)))
        .transpose()
}

/// The exports of an account in a Region, by name, after the name given; at most `limit`.
pub async fn exports(
    view: &ReadView<'_>,
    seal: &Seal,
    (account, region): (AccountId, &Region),
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, StackRef, String)>, Fault> {
    let prefix = under("export", account, region);
    let after = after.map(|name| format!("{prefix}{name}"));
    let rows = view
        .scan_rows::<ExportRow>(prefix.as_bytes(), after.as_ref().map(String::as_bytes), limit)
        .await?;
    let opened = |(key, row): (bytes::Bytes, ExportRow)| {
        let name = String::from_utf8_lossy(key.get(prefix.len()..).unwrap_or_default()).into_owned();
        Ok((name, row.stack, seal.open(&key, &row.sealed)?))
    };
    rows.into_iter().map(opened).collect()
}

/// Stores an export.
pub fn put_export(txn: &mut Txn, seal: &Seal, stack: &StackRef, name: &str, value: &str) -> Result<(), Fault> {
    let key = export_key(stack.account, &stack.region, name);
    let sealed = seal.close(key.as_bytes(), &value)?;
    let stack = stack.clone();
    txn.put_row(key, &ExportRow { stack, sealed });
    Ok(())
}

/// Takes an export away.
pub fn forget_export(txn: &mut Txn, stack: &StackRef, name: &str) {
    txn.delete(export_key(stack.account, &stack.region, name));
}

fn imports_prefix(account: AccountId, region: &Region, name: &str) -> String {
    format!("{}{name}/", under("import", account, region))
}

/// The stacks that use an export, after the id given; at most `limit`.
pub async fn importers(
    view: &ReadView<'_>,
    (account, region): (AccountId, &Region),
    name: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<StackRef>, Fault> {
    let prefix = imports_prefix(account, region, name);
    let after = after.map(|id| format!("{prefix}{id}"));
    let rows = view
        .scan_rows::<ImportRow>(prefix.as_bytes(), after.as_ref().map(String::as_bytes), limit)
        .await?;
    Ok(rows.into_iter().map(|(_, row)| row.stack).collect())
}

/// Says whether a stack uses an export.
pub fn set_import(txn: &mut Txn, stack: &StackRef, name: &str, uses: bool) {
    let prefix = imports_prefix(stack.account, &stack.region, name);
    let key = format!("{prefix}{}", stack.id);
    match uses {
        true => txn.put_row(key, &ImportRow { stack: stack.clone() }),
        false => txn.delete(key),
    }
}

fn gone_key(until: Timestamp, at: &StackRef) -> String {
    let micros = until.as_micros().max(0);
    format!(
        "cloudformation/gone/{micros:020}/{}/{}/{}",
        at.account, at.region, at.id
    )
}

/// A stack was deleted, and is forgotten at this time.
pub fn put_gone(txn: &mut Txn, until: Timestamp, at: &StackRef) {
    txn.put_row(gone_key(until, at), &GoneRow { stack: at.clone() });
}

/// The deleted stack that is to be forgotten first, and when.
pub async fn first_gone(view: &ReadView<'_>) -> Result<Option<(Timestamp, StackRef)>, Fault> {
    const PREFIX: &[u8] = b"cloudformation/gone/";
    let rows = view.scan_rows::<GoneRow>(PREFIX, None, 1).await?;
    let Some((key, row)) = rows.into_iter().next() else {
        return Ok(None);
    };
    let micros = std::str::from_utf8(&key)
        .ok()
        .and_then(|key| key.split('/').nth(2)?.parse::<i64>().ok());
    let micros = micros.ok_or_else(|| Fault::corrupt("the key of a deleted stack's row"))?;
    Ok(Some((Timestamp::from_micros(micros), row.stack)))
}

/// Forgets a deleted stack with up to `limit` of its rows. Answers whether it is all gone.
pub async fn forget(txn: &mut Txn, until: Timestamp, at: &StackRef, limit: usize) -> Result<bool, Fault> {
    let mut left = limit;
    for table in [
        "event",
        "resource",
        "deployment",
        "drift",
        "contents",
        "changeset",
        "detection",
    ] {
        let prefix = format!("{}/", of_stack(table, at));
        let rows = txn.view().scan_prefix(prefix.as_bytes(), None, left).await?;
        left -= rows.len();
        if matches!(table, "changeset" | "detection") {
            change_sets::forget_ids(txn, at, rows.iter().map(|(key, _)| key.as_ref()));
        }
        rows.into_iter().for_each(|(key, _)| txn.delete(key));
        if left == 0 {
            return Ok(false);
        }
    }
    txn.delete(of_stack("stack", at));
    txn.delete(gone_key(until, at));
    Ok(true)
}

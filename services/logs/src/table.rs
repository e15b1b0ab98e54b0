//! The rows of this room. Nobody else knows their keys.
//!
//! | key | row |
//! |---|---|
//! | `logs/group/ACCOUNT/REGION/NAME` | a log group |
//! | `logs/key/GROUP/NUMBER` | a data key of a group, sealed |
//! | `logs/filter/GROUP/NAME` | a metric filter |
//! | `logs/stream/GROUP/NAME` | a log stream |
//! | `logs/latest/GROUP/MOMENT/NAME` | the stream in the order of its newest event |
//! | `logs/span/GROUP/STREAM/MOMENT/NUMBER` | a chunk of events: what it holds |
//! | `logs/chunk/GROUP/STREAM/NUMBER` | the same: the events, sealed |
//! | `logs/due/MOMENT/GROUP` | when a group's events are next looked through |
//! | `logs/doomed/GROUP`, `logs/doomed/GROUP/STREAM` | what was deleted and is not gone yet |
//!
//! GROUP and STREAM are ids in hex, MOMENT and NUMBER hex of fixed length.

mod check;

pub use check::CHECKS;

use crate::model::{chunk::Span, group::LogGroup, metric_filter::MetricFilter, position::Millis, stream::LogStream};
use base::{AccountId, Arn, Fault, Region, Timestamp};
use bytes::Bytes;
use envelope::WrappedKey;
use gateway::rotation::SealedRows;
use serde::{Deserialize, Serialize};
use store::{NoAncestor, ReadView, Stored, Txn};

/// Rows of one kind that are read at once.
pub(crate) const ROWS_AT_ONCE: usize = 256;

/// The tables that hold what is sealed under keyrings.
pub const SEALED: &[SealedRows] = &[SealedRows {
    prefix: "logs/key/",
    renew: |renewal, key, row| {
        let (group, number) = parse_key_row(key)?;
        let mut row = GroupKey::decode(row)?;
        let KeySeal::Keyring { wrapped } = &row.seal else {
            return Ok(None);
        };
        let wrapped = WrappedKey::from_bytes(wrapped.clone());
        let Some(renewed) = renewal.wrapped(&wrapped, &key_purpose(&group, number))? else {
            return Ok(None);
        };
        row.seal = KeySeal::Keyring {
            wrapped: renewed.as_bytes().to_vec(),
        };
        row.encode().map(Some)
    },
}];

/// A data key of a group, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GroupKey {
    pub(crate) account: AccountId,
    /// The group's ARN: the encryption context.
    pub(crate) group: Arn,
    pub(crate) seal: KeySeal,
}

/// Under what it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum KeySeal {
    /// Wrapped under the account's keyring.
    Keyring { wrapped: Vec<u8> },
    /// Sealed by KMS.
    Kms { key_arn: Arn, ciphertext: Vec<u8> },
}

impl Stored for GroupKey {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// What a wrapped key is for.
pub(crate) fn key_purpose(group: &[u8; 16], number: u32) -> String {
    format!("logs group {} key {number}", hex::encode(group))
}

/// A group whose events are to be looked through.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl Stored for Due {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// What was deleted and is not gone yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doomed {
    pub(crate) group: [u8; 16],
    /// A stream of it; `None` for the whole group.
    pub(crate) stream: Option<[u8; 16]>,
}

/// A row without content.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Mark;

impl Stored for Mark {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

/// A chunk's place: the moment of its oldest event, and its number in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) oldest: Millis,
    pub(crate) number: u64,
}

// Keys.

fn shelf_prefix(account: AccountId, region: &Region) -> String {
    format!("logs/group/{account}/{region}/")
}

fn group_row(account: AccountId, region: &Region, name: &str) -> Vec<u8> {
    format!("{}{name}", shelf_prefix(account, region)).into_bytes()
}

/// `TABLE/GROUP/REST`
fn of_group(table: &str, group: &[u8; 16], rest: &str) -> Vec<u8> {
    format!("logs/{table}/{}/{rest}", hex::encode(group)).into_bytes()
}

fn key_row(group: &[u8; 16], number: u32) -> Vec<u8> {
    of_group("key", group, &format!("{number:08x}"))
}

fn stream_row(group: &[u8; 16], name: &str) -> Vec<u8> {
    of_group("stream", group, name)
}

/// A stream without events comes before all others.
fn latest_row(group: &[u8; 16], stream: &LogStream) -> Vec<u8> {
    let moment = stream.last_event.map_or(0, |moment| hexed(moment).saturating_add(1));
    of_group("latest", group, &format!("{moment:016x}/{}", stream.name))
}

fn hexed(moment: Millis) -> u64 {
    u64::try_from(moment).unwrap_or(0)
}

fn span_row(group: &[u8; 16], stream: &[u8; 16], at: At) -> Vec<u8> {
    let rest = format!("{}/{:016x}/{:016x}", hex::encode(stream), hexed(at.oldest), at.number);
    of_group("span", group, &rest)
}

fn chunk_row(group: &[u8; 16], stream: &[u8; 16], number: u64) -> Vec<u8> {
    of_group("chunk", group, &format!("{}/{number:016x}", hex::encode(stream)))
}

const DUE_PREFIX: &str = "logs/due/";

fn due_row(at: Timestamp, group: &[u8; 16]) -> Vec<u8> {
    let micros = u64::try_from(at.as_micros()).unwrap_or(0);
    format!("{DUE_PREFIX}{micros:016x}/{}", hex::encode(group)).into_bytes()
}

const DOOMED_PREFIX: &str = "logs/doomed/";

fn doomed_row(doomed: &Doomed) -> Vec<u8> {
    match doomed.stream {
        None => format!("{DOOMED_PREFIX}{}", hex::encode(doomed.group)),
        Some(stream) => format!("{DOOMED_PREFIX}{}/{}", hex::encode(doomed.group), hex::encode(stream)),
    }
    .into_bytes()
}

/// The parts of a key after its table.
fn parts<'k>(key: &'k [u8], table: &str) -> Result<Vec<&'k str>, Fault> {
    let text = std::str::from_utf8(key).ok().and_then(|key| key.strip_prefix(table));
    let text = text.ok_or_else(|| Fault::corrupt("the key of a row of Logs"))?;
    Ok(text.split('/').collect())
}

fn id_of(part: Option<&&str>) -> Result<[u8; 16], Fault> {
    let mut id = [0; 16];
    let decoded = part.and_then(|part| hex::decode_to_slice(part, &mut id).ok());
    decoded
        .map(|()| id)
        .ok_or_else(|| Fault::corrupt("the id in a row of Logs"))
}

fn number_of(part: Option<&&str>) -> Result<u64, Fault> {
    part.and_then(|part| u64::from_str_radix(part, 16).ok())
        .ok_or_else(|| Fault::corrupt("the number in a row of Logs"))
}

fn parse_key_row(key: &[u8]) -> Result<([u8; 16], u32), Fault> {
    let parts = parts(key, "logs/key/")?;
    let number = u32::try_from(number_of(parts.get(1))?).map_err(|e| Fault::corrupt_by("the number of a key", e))?;
    Ok((id_of(parts.first())?, number))
}

fn parse_span_row(key: &[u8]) -> Result<([u8; 16], [u8; 16], At), Fault> {
    let parts = parts(key, "logs/span/")?;
    let oldest = number_of(parts.get(2))?;
    let at = At {
        oldest: Millis::try_from(oldest).map_err(|e| Fault::corrupt_by("the moment of a chunk", e))?,
        number: number_of(parts.get(3))?,
    };
    Ok((id_of(parts.first())?, id_of(parts.get(1))?, at))
}

// Groups.

/// The group of this name.
pub(crate) async fn group(
    view: &ReadView<'_>,
    account: AccountId,
    region: &Region,
    name: &str,
) -> Result<Option<LogGroup>, Fault> {
    view.get_row(&group_row(account, region, name)).await
}

/// Groups of an account in a Region whose names begin with `prefix` and come after `after`, by name.
pub(crate) async fn groups(
    view: &ReadView<'_>,
    account: AccountId,
    region: &Region,
    prefix: &str,
    after: Option<&str>,
) -> Result<Vec<LogGroup>, Fault> {
    let after = after.map(|after| group_row(account, region, after));
    let prefix = group_row(account, region, prefix);
    let rows = view.scan_rows(&prefix, after.as_deref(), ROWS_AT_ONCE).await?;
    Ok(rows.into_iter().map(|(_, group)| group).collect())
}

/// Writes a group; the row of its next due moment follows it.
pub(crate) fn put_group(txn: &mut Txn, group: &LogGroup, before: Option<&LogGroup>) {
    if let Some(due) = before.and_then(|before| before.retention_due)
        && group.retention_due != Some(due)
    {
        txn.delete(due_row(due, &group.id));
    }
    if let Some(due) = group.retention_due {
        let row = Due {
            account: group.account,
            region: group.region.clone(),
            name: group.name.clone(),
        };
        txn.put_row(due_row(due, &group.id), &row);
    }
    txn.put_row(group_row(group.account, &group.region, &group.name), group);
}

/// Deletes a group. All that belongs to it goes later, in small steps.
pub(crate) fn delete_group(txn: &mut Txn, group: &LogGroup) {
    if let Some(due) = group.retention_due {
        txn.delete(due_row(due, &group.id));
    }
    txn.delete(group_row(group.account, &group.region, &group.name));
    let doomed = Doomed {
        group: group.id,
        stream: None,
    };
    txn.put_row(doomed_row(&doomed), &Mark);
}

// Keys.

pub(crate) async fn group_key(view: &ReadView<'_>, group: &[u8; 16], number: u32) -> Result<Option<GroupKey>, Fault> {
    view.get_row(&key_row(group, number)).await
}

pub(crate) fn put_group_key(txn: &mut Txn, group: &[u8; 16], number: u32, key: &GroupKey) {
    txn.put_row(key_row(group, number), key);
}

// Streams.

pub(crate) async fn stream(view: &ReadView<'_>, group: &[u8; 16], name: &str) -> Result<Option<LogStream>, Fault> {
    view.get_row(&stream_row(group, name)).await
}

/// Streams of a group whose names begin with `prefix` and come after `after` (or before it, `descending`), by name.
pub(crate) async fn streams(
    view: &ReadView<'_>,
    group: &[u8; 16],
    prefix: &str,
    after: Option<&str>,
    (limit, descending): (usize, bool),
) -> Result<Vec<LogStream>, Fault> {
    let after = after.map(|after| stream_row(group, after));
    let rows = page(view, &stream_row(group, prefix), after, (limit, descending)).await?;
    rows.iter().map(|(_, row)| LogStream::decode(row)).collect()
}

/// Streams of a group in the order of their newest events, each with the mark to go on after.
pub(crate) async fn latest_streams(
    view: &ReadView<'_>,
    group: &[u8; 16],
    after: Option<&str>,
    (limit, descending): (usize, bool),
) -> Result<Vec<(String, LogStream)>, Fault> {
    let after = after.map(|after| of_group("latest", group, after));
    let prefix = of_group("latest", group, "");
    let rows = page(view, &prefix, after, (limit, descending)).await?;
    let mut found = Vec::with_capacity(rows.len());
    for (key, _) in rows {
        let mark = std::str::from_utf8(key.get(prefix.len()..).unwrap_or_default());
        let mark = mark.map_err(|e| Fault::corrupt_by("the key of a stream", e))?;
        let name = mark.split_once('/').map_or("", |(_, name)| name);
        if let Some(stream) = stream(view, group, name).await? {
            found.push((mark.to_owned(), stream));
        }
    }
    Ok(found)
}

/// Rows under a prefix on one side of a key.
async fn page(
    view: &ReadView<'_>,
    prefix: &[u8],
    after: Option<Vec<u8>>,
    (limit, descending): (usize, bool),
) -> Result<Vec<(Bytes, Bytes)>, Fault> {
    use std::ops::Bound::Excluded;
    let (mut start, mut end) = store::prefix_range(prefix);
    match after {
        Some(after) if descending => end = Excluded(after),
        Some(after) => start = Excluded(after),
        None => {}
    }
    view.scan((start, end), limit, descending).await
}

pub(crate) fn put_stream(txn: &mut Txn, group: &[u8; 16], stream: &LogStream, before: Option<&LogStream>) {
    let latest = latest_row(group, stream);
    if let Some(old) = before.map(|before| latest_row(group, before))
        && old != latest
    {
        txn.delete(old);
    }
    txn.put_row(latest, &Mark);
    txn.put_row(stream_row(group, &stream.name), stream);
}

/// Deletes a stream. Its events go later, in small steps.
pub(crate) fn delete_stream(txn: &mut Txn, group: &[u8; 16], stream: &LogStream) {
    txn.delete(latest_row(group, stream));
    txn.delete(stream_row(group, &stream.name));
    let doomed = Doomed {
        group: *group,
        stream: Some(stream.id),
    };
    txn.put_row(doomed_row(&doomed), &Mark);
}

// Chunks.

/// The spans of a stream whose oldest events are from `from` to `to`, in the order of these, or `descending`; at most
/// [`ROWS_AT_ONCE`], after the one given.
pub(crate) async fn spans(
    view: &ReadView<'_>,
    (group, stream): (&[u8; 16], &[u8; 16]),
    (from, to): (Millis, Millis),
    after: Option<At>,
    descending: bool,
) -> Result<Vec<(At, Span)>, Fault> {
    use std::ops::Bound::{Excluded, Included};
    let row = |oldest, number| span_row(group, stream, At { oldest, number });
    let (mut start, mut end) = (Included(row(from, 0)), Included(row(to, u64::MAX)));
    match after.map(|after| Excluded(span_row(group, stream, after))) {
        Some(after) if descending => end = after,
        Some(after) => start = after,
        None => {}
    }
    let rows = view.scan((start, end), ROWS_AT_ONCE, descending).await?;
    let span = |(key, row): &(Bytes, Bytes)| Ok((parse_span_row(key)?.2, Span::decode(row)?));
    rows.iter().map(span).collect()
}

/// The sealed events of a chunk.
pub(crate) async fn chunk(
    view: &ReadView<'_>,
    group: &[u8; 16],
    stream: &[u8; 16],
    number: u64,
) -> Result<Bytes, Fault> {
    let row = view.get(&chunk_row(group, stream, number)).await?;
    row.ok_or_else(|| Fault::corrupt("the events of a chunk are not there"))
}

/// Writes a chunk.
pub(crate) fn put_chunk(
    txn: &mut Txn,
    (group, stream): (&[u8; 16], &[u8; 16]),
    at: At,
    (span, sealed): (&Span, Vec<u8>),
) {
    txn.put_row(span_row(group, stream, at), span);
    txn.put(chunk_row(group, stream, at.number), sealed);
}

/// Deletes a chunk.
pub(crate) fn delete_chunk(txn: &mut Txn, group: &[u8; 16], stream: &[u8; 16], at: At) {
    txn.delete(span_row(group, stream, at));
    txn.delete(chunk_row(group, stream, at.number));
}

// Metric filters.

pub(crate) async fn filter(view: &ReadView<'_>, group: &[u8; 16], name: &str) -> Result<Option<MetricFilter>, Fault> {
    view.get_row(&of_group("filter", group, name)).await
}

/// Filters of a group whose names begin with `prefix` and come after `after`, by name: all of them, for they are few.
pub(crate) async fn filters(
    view: &ReadView<'_>,
    group: &[u8; 16],
    prefix: &str,
    after: Option<&str>,
) -> Result<Vec<MetricFilter>, Fault> {
    let after = after.map(|after| of_group("filter", group, after));
    let prefix = of_group("filter", group, prefix);
    let rows = view.scan_rows(&prefix, after.as_deref(), ROWS_AT_ONCE).await?;
    Ok(rows.into_iter().map(|(_, filter)| filter).collect())
}

pub(crate) fn put_filter(txn: &mut Txn, group: &[u8; 16], filter: &MetricFilter) {
    txn.put_row(of_group("filter", group, &filter.name), filter);
}

pub(crate) fn delete_filter(txn: &mut Txn, group: &[u8; 16], name: &str) {
    txn.delete(of_group("filter", group, name));
}

// What is to be done.

/// The groups that are to be looked through first, each with the moment.
pub(crate) async fn dues(view: &ReadView<'_>, limit: usize) -> Result<Vec<(Timestamp, Due)>, Fault> {
    let rows = view.scan_rows::<Due>(DUE_PREFIX.as_bytes(), None, limit).await?;
    let due = |(key, due): (Bytes, Due)| {
        let micros = number_of(parts(&key, DUE_PREFIX)?.first())?;
        let micros = i64::try_from(micros).map_err(|e| Fault::corrupt_by("a due moment", e))?;
        Ok((Timestamp::from_micros(micros), due))
    };
    rows.into_iter().map(due).collect()
}

/// Something that was deleted and is not gone yet; streams come before their group.
pub(crate) async fn doomed(view: &ReadView<'_>) -> Result<Option<Doomed>, Fault> {
    let rows = view.scan_prefix(DOOMED_PREFIX.as_bytes(), None, 1).await?;
    rows.first().map(|(key, _)| parse_doomed_row(key)).transpose()
}

fn parse_doomed_row(key: &[u8]) -> Result<Doomed, Fault> {
    let parts = parts(key, DOOMED_PREFIX)?;
    let stream = parts.get(1).map(|part| id_of(Some(part))).transpose()?;
    Ok(Doomed {
        group: id_of(parts.first())?,
        stream,
    })
}

/// Deletes up to `limit` rows of something doomed, and at the end what says that it is. Answers whether more is left.
pub(crate) async fn reclaim(txn: &mut Txn, doomed: &Doomed, limit: usize) -> Result<bool, Fault> {
    let tables: &[&str] = match doomed.stream {
        Some(_) => &["span", "chunk"],
        None => &["span", "chunk", "latest", "stream", "filter", "key"],
    };
    let rest = doomed
        .stream
        .map_or_else(String::new, |stream| format!("{}/", hex::encode(stream)));
    let mut left = limit;
    for table in tables {
        let prefix = of_group(table, &doomed.group, &rest);
        let rows = txn.view().scan_prefix(&prefix, None, left).await?;
        left -= rows.len();
        rows.into_iter().for_each(|(key, _)| txn.delete(key));
        if left == 0 {
            return Ok(true);
        }
    }
    txn.delete(doomed_row(doomed));
    Ok(false)
}

//! Log files: `{"Records":[…]}` in one gzip member, and where they lie.

use crate::gzip::{Gzip, inflate};
use aws_lc_rs::digest;
use base::{AccountId, Fault, Region, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// A log file is at most this long before compression.
///
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>
pub const LOG_FILE_BYTES_MAX: usize = 50 * 1024 * 1024;
/// Log files are named by the last multiple of this before their delivery.
pub const DELIVERY_STEP: Duration = Duration::from_secs(300);

const HEAD: &[u8] = b"{\"Records\":[";
const TAIL: &[u8] = b"]}";

/// What kind of events a log file holds, as its folder and name say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFileKind {
    /// Management and data events.
    CloudTrail,
    /// Insights events.
    Insight,
    /// Network activity events.
    NetworkActivity,
    /// Aggregated events.
    Aggregated,
}

impl LogFileKind {
    /// The word in the key.
    pub const fn as_str(self) -> &'static str {
        match self {
            LogFileKind::CloudTrail => "CloudTrail",
            LogFileKind::Insight => "CloudTrail-Insight",
            LogFileKind::NetworkActivity => "CloudTrail-NetworkActivity",
            LogFileKind::Aggregated => "CloudTrail-Aggregated",
        }
    }
}

/// The key of a log file:
/// `[prefix/]AWSLogs/[o-id/]A/kind/R/YYYY/MM/DD/A_kind_R_YYYYMMDDTHHmmZ_suffix.json.gz`. The time is rounded down to
/// [`DELIVERY_STEP`]; `suffix` is 16 alphanumerics ([`base::ids::log_file_suffix`]).
pub fn log_file_key(
    prefix: Option<&str>,
    organization_id: Option<&str>,
    account: AccountId,
    region: &Region,
    kind: LogFileKind,
    delivered: Timestamp,
    suffix: &str,
) -> String {
    let (folder, kind) = (account_folder(prefix, organization_id, account), kind.as_str());
    let time = delivered.floor_to(DELIVERY_STEP);
    let (date, minute) = (time.date_path(), time.compact_minute());
    format!("{folder}/{kind}/{region}/{date}/{account}_{kind}_{region}_{minute}_{suffix}.json.gz")
}

/// `[prefix/]AWSLogs/[o-id/]A`
pub(crate) fn account_folder(prefix: Option<&str>, organization_id: Option<&str>, account: AccountId) -> String {
    let mut out = String::with_capacity(256);
    for part in [prefix, Some("AWSLogs"), organization_id].into_iter().flatten() {
        if !part.is_empty() {
            out.push_str(part);
            out.push('/');
        }
    }
    out.push_str(account.as_str());
    out
}

/// The content is hashed in pieces of this size while it is filled, so that it is still in the processor's cache.
const HASH_STEP: usize = 64 * 1024;
/// A file that gets longer than this gets room for the longest at once: memory that is never written to costs nothing, but
/// to move what is there again and again costs more than to fill it.
const GROWING_BYTES_MAX: usize = 4 << 20;

/// A log file being filled.
pub struct LogFile {
    json: Vec<u8>,
    /// Over the first `hashed` bytes; none where nobody wants it.
    hash: Option<digest::Context>,
    hashed: usize,
    records: usize,
    times: Option<(Timestamp, Timestamp)>,
}

/// A finished log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFileBytes {
    /// The content.
    pub json: Vec<u8>,
    /// The content as one gzip member: the object's bytes.
    pub gzip: Vec<u8>,
    /// Lower-hex SHA-256 of the content, for the digest; empty of a file [`LogFile::unproven`].
    pub sha256: String,
    /// How many records it holds.
    pub records: usize,
    /// The time of the newest event; none without records.
    pub newest_event_time: Option<Timestamp>,
    /// The time of the oldest event; none without records.
    pub oldest_event_time: Option<Timestamp>,
}

impl Default for LogFile {
    fn default() -> Self {
        LogFile::new()
    }
}

impl LogFile {
    /// A file without records.
    pub fn new() -> LogFile {
        LogFile::in_buffer(Vec::new())
    }

    /// A file without records that is filled into this buffer, whatever is in it. [`LogFileBytes::json`] gives it back.
    pub fn in_buffer(mut buffer: Vec<u8>) -> LogFile {
        buffer.clear();
        LogFile {
            json: buffer,
            hash: Some(digest::Context::new(&digest::SHA256)),
            hashed: 0,
            records: 0,
            times: None,
        }
    }

    /// The same file for a trail without validation: no digest will name it, so it is not hashed.
    pub fn unproven(self) -> LogFile {
        LogFile { hash: None, ..self }
    }

    fn hash_on(&mut self) {
        if let Some(hash) = &mut self.hash {
            hash.update(self.json.get(self.hashed..).unwrap_or_default());
        }
        self.hashed = self.json.len();
    }

    /// Makes room for so many more bytes and the file's end.
    fn make_room(&mut self, bytes: usize) {
        let needed = self.json.len() + bytes + TAIL.len();
        if needed > GROWING_BYTES_MAX && needed > self.json.capacity() {
            let all = needed.max(LOG_FILE_BYTES_MAX);
            self.json.reserve_exact(all - self.json.len());
        }
    }

    /// Adds a record as [`crate::EventRecord::to_json`] made it.
    pub fn push(&mut self, record_json: &[u8], event_time: Timestamp) {
        let before = if self.records == 0 { HEAD } else { b"," };
        self.make_room(before.len() + record_json.len());
        self.json.extend_from_slice(before);
        self.json.extend_from_slice(record_json);
        self.records += 1;
        if self.json.len() - self.hashed >= HASH_STEP {
            self.hash_on();
        }
        self.times = match self.times {
            None => Some((event_time, event_time)),
            Some((oldest, newest)) => Some((oldest.min(event_time), newest.max(event_time))),
        };
    }

    /// Whether a further record of this length still fits below [`LOG_FILE_BYTES_MAX`].
    pub fn has_room_for(&self, record_bytes: usize) -> bool {
        self.len_bytes().saturating_add(record_bytes).saturating_add(1) <= LOG_FILE_BYTES_MAX
    }

    /// Bytes of the content, finished now.
    pub fn len_bytes(&self) -> usize {
        self.json.len() + TAIL.len() + if self.records == 0 { HEAD.len() } else { 0 }
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Whether there is no record. Such a file is not delivered.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Closes, hashes and compresses the file.
    pub fn finish(mut self, gzip: &mut Gzip) -> Result<LogFileBytes, Fault> {
        if self.records == 0 {
            self.json.extend_from_slice(HEAD);
        }
        self.json.extend_from_slice(TAIL);
        self.hash_on();
        Ok(LogFileBytes {
            gzip: gzip.compress(&self.json)?,
            sha256: self.hash.map(|hash| hex::encode(hash.finish())).unwrap_or_default(),
            json: self.json,
            records: self.records,
            newest_event_time: self.times.map(|(_, newest)| newest),
            oldest_event_time: self.times.map(|(oldest, _)| oldest),
        })
    }
}

/// The bytes are no log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotALogFile {
    /// No gzip, or damaged.
    #[error("not a gzip member, or a damaged one")]
    NotGzip,
    /// Bytes follow the gzip member.
    #[error("unexpected data after the gzip member")]
    TrailingData,
    /// The content is not `{"Records":[…]}`.
    #[error("not an object with `Records`")]
    NotRecords,
}

#[derive(Deserialize)]
struct Borrowed<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<&'a RawValue>,
}

/// The records of a log file's content, borrowed from it.
pub fn parse_records(json: &[u8]) -> Result<Vec<&RawValue>, NotALogFile> {
    serde_json::from_slice(json)
        .map(|file: Borrowed<'_>| file.records)
        .map_err(|_| NotALogFile::NotRecords)
}

/// The records of a log file as it lies in the bucket: exactly one gzip member.
pub fn parse_log_file(gzip: &[u8]) -> Result<Vec<Box<RawValue>>, NotALogFile> {
    let inflated = inflate(gzip).map_err(|_| NotALogFile::NotGzip)?;
    if inflated.trailing {
        return Err(NotALogFile::TrailingData);
    }
    let records = parse_records(&inflated.bytes)?;
    Ok(records.into_iter().map(ToOwned::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256_hex;
    use crate::event::tests::sample;
    use proptest::prelude::*;

    #[test]
    fn key_is_the_documented_example() {
        let account = AccountId::parse("123456789012").unwrap();
        let region = Region::parse("us-east-2").unwrap();
        let delivered = Timestamp::parse("2015-08-17T14:49:59Z").unwrap();
        let key = |prefix, organization| {
            log_file_key(
                prefix,
                organization,
                account,
                &region,
                LogFileKind::CloudTrail,
                delivered,
                "9nYN7gp2eWAJHIfT",
            )
        };
        let example = "AWSLogs/123456789012/CloudTrail/us-east-2/2015/08/17/123456789012_CloudTrail_us-east-2_20150817T1445Z_9nYN7gp2eWAJHIfT.json.gz";
        assert_eq!(key(None, None), example);
        assert_eq!(key(Some(""), None), example);
        assert_eq!(
            key(Some("pre/fix"), Some("o-1")),
            format!("pre/fix/{}", example.replacen("AWSLogs/", "AWSLogs/o-1/", 1))
        );
    }

    proptest! {
        #[test]
        fn a_file_reads_back(seconds in proptest::collection::vec(0..2_000_000_000_i64, 0..20)) {
            let mut file = LogFile::new();
            let times: Vec<_> = seconds.into_iter().map(Timestamp::from_secs).collect();
            let records: Vec<_> = times.iter().map(|&event_time| {
                crate::EventRecord { event_time, ..sample() }.to_json()
            }).collect();
            for (record, time) in records.iter().zip(&times) {
                file.push(record, *time);
            }
            let length = file.len_bytes();
            let done = file.finish(&mut Gzip::new()).unwrap();
            prop_assert_eq!(length, done.json.len());
            prop_assert_eq!(done.newest_event_time, times.iter().max().copied());
            prop_assert_eq!(done.oldest_event_time, times.iter().min().copied());
            prop_assert_eq!(&done.sha256, &sha256_hex(&done.json));
            prop_assert_eq!(&inflate(&done.gzip).unwrap().bytes, &done.json);
            let read = parse_log_file(&done.gzip).unwrap();
            prop_assert!(read.iter().map(|r| r.get().as_bytes()).eq(records.iter().map(Vec::as_slice)));
            let longer = [&done.gzip[..], b"x"].concat();
            prop_assert_eq!(parse_log_file(&longer).err(), Some(NotALogFile::TrailingData));
            let twice = [&done.gzip[..], &done.gzip[..]].concat();
            prop_assert_eq!(parse_log_file(&twice).err(), Some(NotALogFile::TrailingData));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = parse_log_file(&bytes);
            let _ = parse_records(&bytes);
            let _ = parse_log_file(&Gzip::new().compress(&bytes).unwrap());
        }
    }

    #[test]
    fn a_file_is_full_at_fifty_megabytes() {
        let mut file = LogFile::new();
        file.push(
            &vec![b'1'; LOG_FILE_BYTES_MAX - HEAD.len() - TAIL.len() - 2],
            Timestamp::EPOCH,
        );
        assert!(file.has_room_for(1));
        assert!(!file.has_room_for(2));
    }
}

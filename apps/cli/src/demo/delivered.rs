//! What CloudTrail delivered: fetched over HTTP and shown as a table.

use super::{print::Printer, setup::Stage};
use anyhow::{Context, Result, ensure};
use http::Method;
use record::verify::{Files, StoredFile};
use serde_json::Value;
use std::collections::BTreeMap;

/// The folders of log files and of digests.
const LOGS: &str = "CloudTrail";
const DIGESTS: &str = "CloudTrail-Digest";

/// A delivered file, as it was read.
#[derive(Clone)]
pub(super) struct Delivered {
    pub(super) kind: &'static str,
    pub(super) region: String,
    pub(super) file: StoredFile,
    algorithm: String,
    key_id: String,
}

/// All delivered files by their keys, in order.
#[derive(Clone, Default)]
pub(super) struct Bucket(pub(super) BTreeMap<String, Delivered>);

impl Files for Bucket {
    fn get(&self, _: &str, key: &str) -> Option<StoredFile> {
        self.0.get(key).map(|delivered| delivered.file.clone())
    }
}

impl Bucket {
    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = (&String, &Delivered)> {
        self.0.iter().filter(move |(_, delivered)| delivered.kind == kind)
    }

    pub(super) fn logs(&self) -> impl Iterator<Item = (&String, &Delivered)> {
        self.of_kind(LOGS)
    }

    pub(super) fn digests(&self) -> impl Iterator<Item = (&String, &Delivered)> {
        self.of_kind(DIGESTS)
    }
}

pub(super) async fn fetch(stage: &Stage) -> Result<Bucket> {
    let mut bucket = Bucket::default();
    for kind in [LOGS, DIGESTS] {
        let folder = format!("AWSLogs/{}/{kind}/", stage.account);
        for key in stage.root.list_objects(&stage.logs_bucket, &folder).await? {
            let answer = stage
                .root
                .s3(Method::GET, &stage.logs_bucket, &key, "", &[], "")
                .await?;
            let metadata = answer.headers.iter().filter_map(|(name, value)| {
                Some((
                    name.as_str().strip_prefix("x-amz-meta-")?.to_owned(),
                    value.to_str().ok()?.to_owned(),
                ))
            });
            let delivered = Delivered {
                kind,
                region: key
                    .strip_prefix(&folder)
                    .and_then(|rest| rest.split('/').next())
                    .unwrap_or_default()
                    .to_owned(),
                file: StoredFile {
                    metadata: metadata.collect(),
                    body: answer.body.to_vec(),
                },
                algorithm: answer.header("x-amz-server-side-encryption").to_owned(),
                key_id: answer.header("x-amz-server-side-encryption-aws-kms-key-id").to_owned(),
            };
            bucket.0.insert(key, delivered);
        }
    }
    Ok(bucket)
}

/// The table of the log files with more than one event and of the digests that name files; the others are counted.
pub(super) fn show(print: &Printer, stage: &Stage, bucket: &Bucket) -> Result<()> {
    print.chapter("What was delivered");
    let (mut rows, mut events, mut own, mut empty) = (Vec::new(), 0, 0, 0);
    for (key, delivered) in bucket.logs() {
        let records =
            record::parse_log_file(&delivered.file.body).map_err(|_| anyhow::anyhow!("`{key}` is no log file"))?;
        events += records.len();
        ensure!(
            delivered.key_id == stage.key_arn,
            "`{key}` is not sealed under the trail's key"
        );
        match records.len() {
            1 => own += 1,
            records => rows.push(row("log file", key, delivered, format!("{records} events"))),
        }
    }
    for (key, delivered) in bucket.digests() {
        let json = record::inflate(&delivered.file.body)
            .ok()
            .context("a digest is not compressed")?;
        let digest = record::DigestFile::parse(&json.bytes).with_context(|| format!("`{key}` is no digest"))?;
        ensure!(delivered.algorithm == "AES256", "`{key}` is not sealed by S3's own key");
        match digest.log_files.len() {
            0 => empty += 1,
            1 => rows.push(row("digest", key, delivered, "1 file".to_owned())),
            files => rows.push(row("digest", key, delivered, format!("{files} files"))),
        }
    }
    ensure!(events > 0, "no event was delivered");
    let right = ["bytes", "holds"];
    print.table(
        ["kind", "Region", "file", "sealed with", "under", "bytes", "holds"],
        &right,
        &rows,
    );
    print.line(
        "and",
        format!("{own} log files with one event, CloudTrail's own use of the key for the file before it"),
    );
    print.line(
        "and",
        format!("{empty} digests that say that in their Region and hour nothing was delivered"),
    );
    print.line("Events", format!("{events} in {} log files", bucket.logs().count()));
    show_one(print, bucket)
}

fn row(kind: &str, key: &str, delivered: &Delivered, holds: String) -> [String; 7] {
    let name = key.rsplit('/').next().unwrap_or_default();
    // The account and the Region stand at the front of every name, and the Region in a column of its own.
    let short = name
        .split_once(&format!("{}_", delivered.region))
        .map_or(name, |(_, rest)| rest);
    let under = match delivered.key_id.rsplit('/').next() {
        None | Some("") => "-".to_owned(),
        Some(id) => format!("{}…", id.get(..8).unwrap_or(id)),
    };
    [
        kind.to_owned(),
        delivered.region.clone(),
        format!("…{short}"),
        delivered.algorithm.clone(),
        under,
        delivered.file.body.len().to_string(),
        holds,
    ]
}

/// One event: the last time that bob tried to stop the trail.
fn show_one(print: &Printer, bucket: &Bucket) -> Result<()> {
    let mut found = None;
    for (_, delivered) in bucket.logs() {
        let records = record::parse_log_file(&delivered.file.body).unwrap_or_default();
        let records = records
            .iter()
            .filter_map(|record| serde_json::from_str::<Value>(record.get()).ok());
        let mut stops = records.filter(|event| event["eventName"] == "StopLogging");
        found = stops.next_back().or(found);
    }
    let event = found.context("that bob tried to stop the trail is in no log file")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    print.line("One of them", "in short:");
    print.quote(format!(
        "{} {} by {} from {}: {}",
        text(&event["eventTime"]),
        text(&event["eventName"]),
        text(&event["userIdentity"]["arn"]),
        text(&event["sourceIPAddress"]),
        text(&event["errorCode"]),
    ));
    Ok(())
}

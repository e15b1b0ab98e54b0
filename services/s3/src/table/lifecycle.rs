//! Rows of lifecycles: a bucket's rules, and when the bucket is to be looked at next.

use super::{ROWS_AT_ONCE, Version, objects_prefix, text_after};
use crate::model::lifecycle::{DAY, Rule, midnight};
use base::{Fault, Timestamp};
use bytes::Bytes;
use gateway::Txn;
use serde::{Deserialize, Serialize};
use store::{NoAncestor, ReadView, Stored};

/// The lifecycle of a bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// Its rules.
    pub rules: Vec<Rule>,
    /// The midnight at which the bucket is looked at next; `None` when no rule counts.
    pub next: Option<Timestamp>,
    /// Up to where it was looked at, when that was broken off.
    pub through: Option<String>,
    /// What is due next of what was looked at so far.
    pub earliest: Option<Timestamp>,
}

impl Stored for Lifecycle {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

fn lifecycle_key(bucket: &str) -> Vec<u8> {
    format!("s3/lifecycle/{bucket}").into_bytes()
}

const DUE: &[u8] = b"s3/lifecycle-due/";

fn due_key(at: Timestamp, bucket: &str) -> Vec<u8> {
    let day = u64::try_from(midnight(at).as_secs()).unwrap_or(0) / DAY.as_secs();
    format!("s3/lifecycle-due/{day:010}/{bucket}").into_bytes()
}

/// The lifecycle of a bucket.
pub async fn lifecycle(view: &ReadView<'_>, bucket: &str) -> Result<Option<Lifecycle>, Fault> {
    view.get_row(&lifecycle_key(bucket)).await
}

/// Sets or removes the lifecycle of a bucket. The hash in the bucket's row is the caller's to set.
pub async fn put_lifecycle(txn: &mut Txn, bucket: &str, new: Option<&Lifecycle>) -> Result<(), Fault> {
    if let Some(next) = lifecycle(&txn.view(), bucket).await?.and_then(|old| old.next) {
        txn.delete(due_key(next, bucket));
    }
    match new {
        Some(new) => {
            txn.put_row(lifecycle_key(bucket), new);
            if let Some(next) = new.next {
                txn.put(due_key(next, bucket), Bytes::new());
            }
        }
        None => txn.delete(lifecycle_key(bucket)),
    }
    Ok(())
}

/// The bucket that is to be looked at first, and when.
pub async fn lifecycle_due(view: &ReadView<'_>) -> Result<Option<(Timestamp, String)>, Fault> {
    let rows = view.scan_prefix(DUE, None, 1).await?;
    let Some((key, _)) = rows.first() else { return Ok(None) };
    let text = text_after(key, DUE)?;
    let (day, bucket) = text
        .split_once('/')
        .ok_or_else(|| Fault::corrupt("a key of the lifecycle table"))?;
    let day: i64 = day
        .parse()
        .map_err(|e| Fault::corrupt_by("a day of the lifecycle table", e))?;
    let seconds = day.saturating_mul(86_400);
    Ok(Some((Timestamp::from_secs(seconds), bucket.to_owned())))
}

/// A page of the latest versions of a bucket's keys, by key, after `after`. Ends when a page is empty.
pub async fn latest_page(
    view: &ReadView<'_>,
    bucket: &str,
    after: Option<&str>,
) -> Result<Vec<(String, Version)>, Fault> {
    let prefix = objects_prefix(bucket);
    let after = after.map(|after| [prefix.as_slice(), after.as_bytes()].concat());
    let rows = view.scan_rows(&prefix, after.as_deref(), ROWS_AT_ONCE).await?;
    rows.into_iter()
        .map(|(key, version)| Ok((text_after(&key, &prefix)?, version)))
        .collect()
}

//! Delivers server access logs, as `logging.s3.amazonaws.com`, with no more rights than the target bucket gives it.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>

use crate::{
    access_logs::{AccessLogs, Batch},
    model::{
        access_log::{KeyFormat, Logging},
        encryption::BucketDefault,
    },
    table::{self, Bucket},
};
use base::{Fault, Timestamp, arn};
use bytes::Bytes;
use gateway::{
    Boxed, ServiceCaller, World,
    ctx::By,
    ports::{ObjectSeal, ServiceObject, Worker},
    work::Work,
};
use std::{collections::BTreeMap, sync::Arc};
use store::{CommitError, Maintenance};
use wire::ServiceName;

/// The principal that target buckets let in.
const PRINCIPAL: &str = "logging.s3.amazonaws.com";
/// Lines that were refused so often are lost.
const REFUSALS_MAX: u32 = 12;

/// The worker: a delivery interval after the first line of a bucket.
pub struct DeliverAccessLogs;

impl Worker for DeliverAccessLogs {
    fn name(&self) -> &'static str {
        "s3 access logs"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move { Ok(world.kept::<AccessLogs>().due()) })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let logs = world.kept::<AccessLogs>();
            for (bucket, batch) in logs.take(now) {
                if let Some(refused) = deliver(world, &bucket, batch, now).await? {
                    retry(&logs, world, &bucket, refused, now);
                }
            }
            Ok(())
        })
    }
}

fn retry(logs: &AccessLogs, world: &World, bucket: &str, batch: Batch, now: Timestamp) {
    if batch.refusals >= REFUSALS_MAX {
        let lines = batch.lines.len();
        tracing::warn!(bucket, lines, "access log lines were lost: their target refused them");
        return;
    }
    logs.put_back(bucket, batch, now.plus(world.settings.delivery_interval));
}

/// Delivers what can be delivered, and gives back what was refused.
async fn deliver(world: &Arc<World>, name: &str, batch: Batch, now: Timestamp) -> Result<Option<Batch>, Fault> {
    let Some((bucket, logging)) = logging_of(world, name).await? else {
        // No longer logged, or gone: so are its lines.
        return Ok(None);
    };
    let mut by_day: BTreeMap<String, Vec<(Timestamp, String)>> = BTreeMap::new();
    for (at, line) in batch.lines {
        let day = match logging.key_format {
            KeyFormat::PartitionedByEventTime => at.date_path(),
            _ => now.date_path(),
        };
        by_day.entry(day).or_default().push((at, line));
    }
    let mut refused = Vec::new();
    for (day, lines) in by_day {
        let body: String = lines.iter().map(|(_, line)| line.as_str()).collect();
        let key = key_of(world, name, &bucket, &logging, &day, now);
        if !put(world, name, &bucket, &logging, key, body).await? {
            refused.extend(lines);
        }
    }
    Ok((!refused.is_empty()).then_some(Batch {
        lines: refused,
        refusals: batch.refusals,
        due: None,
    }))
}

async fn logging_of(world: &Arc<World>, name: &str) -> Result<Option<(Bucket, Logging)>, Fault> {
    let bucket = table::bucket(&world.snapshot().view(), name).await?;
    Ok(bucket.and_then(|bucket| bucket.logging.clone().map(|logging| (bucket, logging))))
}

/// `PREFIX[ACCOUNT/REGION/BUCKET/DAY/]YYYY-mm-DD-HH-MM-SS-UNIQUE`
fn key_of(world: &World, name: &str, bucket: &Bucket, logging: &Logging, day: &str, now: Timestamp) -> String {
    let folder = match logging.key_format.is_partitioned() {
        true => format!("{}/{}/{name}/{day}/", bucket.owner, bucket.region),
        false => String::new(),
    };
    let time = now.iso8601().trim_end_matches('Z').replace(['T', ':'], "-");
    let unique = hex::encode_upper(world.random.bytes::<8>());
    format!("{}{folder}{time}-{unique}", logging.target_prefix)
}

/// Puts one log object; whether it was let in.
async fn put(
    world: &Arc<World>,
    name: &str,
    bucket: &Bucket,
    logging: &Logging,
    key: String,
    body: String,
) -> Result<bool, Fault> {
    let caller = || ServiceCaller {
        name: PRINCIPAL,
        source_arn: Some(arn::bucket(name)),
        source_account: bucket.owner,
    };
    let object = || ServiceObject {
        bucket: logging.target_bucket.clone(),
        key: key.clone(),
        body: Bytes::from(body.clone()),
        seal: ObjectSeal::Aes256,
        acl: None,
        content_type: "text/plain",
        content_encoding: None,
        metadata: Vec::new(),
    };
    if !takes_logs(world, bucket, &logging.target_bucket).await? {
        return Ok(false);
    }
    loop {
        let mut work = Work::begin(world, ServiceName::S3, caller(), bucket.region.clone());
        let (ctx, txn) = work.parts();
        let objects = &world.ports()?.objects;
        if objects.put_object(ctx, txn, By::Forward, object()).await.is_err() {
            work.abandon().await?;
            return Ok(false);
        }
        match work.commit(Maintenance::AccessLogFlush).await {
            Ok(()) => return Ok(true),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
}

/// Logs go only where SSE-S3 is the default, and never to a bucket that another account, or another Region, made under the
/// name of a target that is gone.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>, on default encryption.
async fn takes_logs(world: &Arc<World>, bucket: &Bucket, target: &str) -> Result<bool, Fault> {
    let target = table::bucket(&world.snapshot().view(), target).await?;
    Ok(target.is_some_and(|target| {
        target.encryption == BucketDefault::S3 && target.owner == bucket.owner && target.region == bucket.region
    }))
}

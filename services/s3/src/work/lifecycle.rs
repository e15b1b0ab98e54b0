//! Ends what lifecycle rules end: once a day, at midnight UTC by domain time.
//!
//! A bucket is looked at key by key, in pages. What a page ends is one transaction of its own with the place up to which the
//! bucket was looked at, so that a crash loses no more than a page. A bucket of which nothing can be due for months is not
//! looked at for months: after each look it is known when the next thing can be due, of what is there and of what may come.
//!
//! INVARIANT: what object lock protects stays; only delete markers are laid over it.
//!
//! DIFFERS: AWS may take days about it; here all is done at the midnight at which it is due. As in AWS, CloudTrail records
//! none of it.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html>

use crate::{
    model::{
        lifecycle::{self, DAY, Due, Rule, Subject},
        version::{VersionId, Versioning},
    },
    table::{self, Bucket, Content, Lifecycle, Object, Version},
};
use base::{Fault, Timestamp};
use gateway::{Boxed, ServiceCaller, Txn, World, ports::Worker, work::Work};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use store::{CommitError, Maintenance};
use wire::ServiceName;

/// Others write to the same rows; this often a page is begun again.
const ATTEMPTS_MAX: u32 = 64;

/// What one page ends at most; what is more of one key, or of uploads, is the next page's.
const ENDED_MAX: u32 = 1_000;

/// The worker.
#[derive(Default)]
pub struct Expire;

impl Worker for Expire {
    fn name(&self) -> &'static str {
        "s3 lifecycle"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let snapshot = world.snapshot();
            Ok(table::lifecycle_due(&snapshot.view()).await?.map(|(at, _)| at))
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            loop {
                let due = {
                    let snapshot = world.snapshot();
                    table::lifecycle_due(&snapshot.view()).await?
                };
                match due {
                    Some((at, bucket)) if at <= now => page(world, &bucket, now).await?,
                    _ => return Ok(()),
                }
                tokio::task::yield_now().await;
            }
        })
    }
}

/// One page of a bucket, on as many snapshots as it takes.
async fn page(world: &Arc<World>, name: &str, now: Timestamp) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let caller = ServiceCaller {
            name: "s3.amazonaws.com",
            source_arn: None,
            source_account: world.settings.first_account,
        };
        let mut work = Work::begin(world, ServiceName::S3, caller, world.settings.region.clone());
        let (_, txn) = work.parts();
        let left = AtomicU32::new(ENDED_MAX);
        Page { world, name, now, left }.work(txn).await?;
        match work.commit(Maintenance::LifecycleExpiry).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(Fault::Bug("a lifecycle conflicted without end"))
}

struct Page<'a> {
    world: &'a Arc<World>,
    name: &'a str,
    now: Timestamp,
    /// How much may still be ended.
    left: AtomicU32,
}

impl Page<'_> {
    /// Whether one more thing may be ended.
    fn may_end(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    async fn work(&self, txn: &mut Txn) -> Result<(), Fault> {
        let found = table::lifecycle(&txn.view(), self.name).await?;
        let bucket = table::bucket(&txn.view(), self.name).await?;
        let (Some(mut lifecycle), Some(bucket)) = (found, bucket) else {
            return table::put_lifecycle(txn, self.name, None).await;
        };
        let keys = table::latest_page(&txn.view(), self.name, lifecycle.through.as_deref()).await?;
        let mut earliest = lifecycle.earliest.map_or(Due::Never, Due::Later);
        for (key, latest) in &keys {
            let Some(next) = self.key(txn, &bucket, &lifecycle.rules, (key, latest)).await? else {
                // The rest of this key is the next page's.
                lifecycle.earliest = later(earliest, self.now);
                return table::put_lifecycle(txn, self.name, Some(&lifecycle)).await;
            };
            earliest = earliest.or(next);
            lifecycle.through = Some(key.clone());
        }
        lifecycle.earliest = later(earliest, self.now);
        if keys.is_empty()
            && let Some(next) = self.uploads(txn, &lifecycle.rules).await?
        {
            self.finish(&mut lifecycle, earliest.or(next));
        }
        table::put_lifecycle(txn, self.name, Some(&lifecycle)).await
    }

    /// The whole bucket was looked at.
    fn finish(&self, lifecycle: &mut Lifecycle, earliest: Due) {
        let coming = lifecycle::of_what_comes(&lifecycle.rules, self.now);
        let next = later(earliest, self.now).into_iter().chain(coming).min();
        let tomorrow = lifecycle::midnight(self.now).plus(DAY);
        lifecycle.next = next.map(|at| lifecycle::midnight(at).max(tomorrow));
        lifecycle.through = None;
        lifecycle.earliest = None;
    }

    /// Ends what is due of a key, and tells what is due next; `None` when there was too much.
    async fn key(
        &self,
        txn: &mut Txn,
        bucket: &Bucket,
        rules: &[Rule],
        (key, latest): (&str, &Version),
    ) -> Result<Option<Due>, Fault> {
        let at = (self.name, key);
        let mut next = Due::Never;
        let mut left = 0_u32;
        if latest.has_older {
            match self.older(txn, rules, (key, latest)).await? {
                Some(found) => (next, left) = found,
                None => return Ok(None),
            }
        }
        let due = match &latest.content {
            Content::Object(object) => lifecycle::current(rules, &subject(key, object), object.modified, self.now),
            Content::DeleteMarker { modified } if left == 0 => lifecycle::marker(rules, key, *modified, self.now),
            Content::DeleteMarker { .. } => Due::Never,
        };
        if due != Due::Now {
            return Ok(Some(next.or(due)));
        }
        if !self.may_end() {
            return Ok(None);
        }
        match (&latest.content, bucket.versioning) {
            (Content::Object(object), Versioning::Off) if !self.may_go(object) => {
                next = next.or(Due::Later(self.tomorrow()));
            }
            (Content::Object(_), Versioning::Off) | (Content::DeleteMarker { .. }, _) => {
                table::delete_version(txn, at, &latest.id).await?;
            }
            // The null version goes when the marker takes its place; what is protected is never null.
            (Content::Object(object), versioning) => {
                if versioning == Versioning::Suspended && latest.id == VersionId::Null && !self.may_go(object) {
                    return Ok(Some(next.or(Due::Later(self.tomorrow()))));
                }
                let marker = Content::DeleteMarker { modified: self.now };
                let with = (self.now, &self.world.random);
                table::put_version(txn, at, versioning, marker, None, with).await?;
                // What has just become noncurrent is due by its own rule.
                let since = lifecycle::noncurrent(rules, &subject(key, object), self.now, 0, self.now);
                next = next.or(since).or(Due::Later(self.tomorrow()));
            }
        }
        Ok(Some(next))
    }

    /// Ends what is due of the older versions of a key; tells what is due next, and how many are left. `None` when there was
    /// too much.
    async fn older(
        &self,
        txn: &mut Txn,
        rules: &[Rule],
        (key, latest): (&str, &Version),
    ) -> Result<Option<(Due, u32)>, Fault> {
        let at = (self.name, key);
        let (mut next, mut left, mut newer) = (Due::Never, 0_u32, 0_u32);
        let mut before = latest.order;
        loop {
            let versions = table::older(&txn.view(), at, before).await?;
            let Some(last) = versions.last() else {
                return Ok(Some((next, left)));
            };
            before = last.order;
            for version in &versions {
                let since = version.noncurrent_since.unwrap_or_else(|| version.modified());
                let seen = match &version.content {
                    Content::Object(object) => subject(key, object),
                    Content::DeleteMarker { .. } => Subject {
                        key,
                        size: 0,
                        tags: &[],
                    },
                };
                let due = lifecycle::noncurrent(rules, &seen, since, newer, self.now);
                newer = newer.saturating_add(1);
                let may_go = version.object().is_none_or(|object| self.may_go(object));
                if due == Due::Now && may_go {
                    if !self.may_end() {
                        return Ok(None);
                    }
                    table::delete_version(txn, at, &version.id).await?;
                    continue;
                }
                left = left.saturating_add(1);
                next = next.or(match due {
                    Due::Now => Due::Later(self.tomorrow()),
                    later => later,
                });
            }
        }
    }

    /// Ends unfinished uploads; `None` when there were too many.
    async fn uploads(&self, txn: &mut Txn, rules: &[Rule]) -> Result<Option<Due>, Fault> {
        let mut next = Due::Never;
        if rules.iter().all(|rule| rule.abort_days.is_none()) {
            return Ok(Some(next));
        }
        let mut after: Option<(String, table::UploadId)> = None;
        loop {
            let from = after.as_ref().map(|(key, id)| (key.as_str(), id));
            let page = table::uploads(&txn.view(), self.name, from).await?;
            let Some((key, id, _)) = page.last() else {
                return Ok(Some(next));
            };
            after = Some((key.clone(), *id));
            for (key, id, upload) in &page {
                match lifecycle::upload(rules, key, upload.began, self.now) {
                    Due::Now if !self.may_end() => return Ok(None),
                    Due::Now => table::abort_upload(txn, (self.name, key), id).await?,
                    due => next = next.or(due),
                }
            }
        }
    }

    fn may_go(&self, object: &Object) -> bool {
        object.lock.allows_removal(self.now, false)
    }

    fn tomorrow(&self) -> Timestamp {
        lifecycle::midnight(self.now).plus(DAY)
    }
}

fn later(due: Due, now: Timestamp) -> Option<Timestamp> {
    match due {
        Due::Never => None,
        Due::Now => Some(now),
        Due::Later(at) => Some(at),
    }
}

fn subject<'a>(key: &'a str, object: &'a Object) -> Subject<'a> {
    Subject {
        key,
        size: object.size,
        tags: &object.tags,
    }
}

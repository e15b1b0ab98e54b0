//! Signing of digests: once per interval, per trail and Region, each naming what was delivered and the digest before it.
//!
//! A Region has up to three kinds of digests to come: the next one of its chain; the last one of a chain that ended while
//! another has begun; and a backfill digest of files that the digest of their window does not name, in a chain of its own.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>

use super::{ATTEMPTS_MAX, EAGER, PATIENT, REDELIVERY, begin, chains, conflicted, signing};
use crate::{
    model::trail::Trail,
    ops::seal_of,
    table::{self, BackfillRow, ChainRow, DigestedRow, Files, PreviousDigest},
};
use base::{Fault, Region, Timestamp};
use gateway::{
    AwsBehavior, Boxed, PortRefusal, Txn, World,
    ctx::By,
    ports::{ObjectSeal, ServiceObject, Worker},
};
use record::{DigestFile, DigestKind, DigestedLogFile, Gzip};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::{CommitError, Maintenance, ReadView};

/// Soon after a refusal, the next attempt is made so much later.
const RETRY: Duration = Duration::from_secs(60);
/// Times in digests have no parts of a second, so that a window which must hold a moment ends a second later.
const SECOND: Duration = Duration::from_secs(1);

/// The worker.
#[derive(Default)]
pub struct SignDigests;

/// A digest that is to come.
#[derive(Clone)]
enum Head {
    Chain(ChainRow),
    /// A chain that is over, while another has begun; with the key of its row.
    Ending(Vec<u8>, ChainRow),
    Backfill(BackfillRow),
}

/// A digest that is to come, with what it belongs to.
struct Place {
    trail: Arc<Trail>,
    region: Region,
    head: Head,
}

impl Head {
    /// The window, as far as it is known before the files are.
    fn window(&self, interval: Duration) -> (Timestamp, Timestamp) {
        match self {
            Head::Chain(chain) => (chain.window_start, chain.window_start.plus(interval)),
            Head::Ending(_, chain) => (chain.window_start, chain.ended.unwrap_or(chain.window_start)),
            Head::Backfill(row) => {
                let since = row.since.unwrap_or(Timestamp::EPOCH).floor_second();
                let start = row.previous_end.map_or(since, |end| since.max(end));
                (start, start.plus(interval))
            }
        }
    }

    fn previous(&self) -> Option<&PreviousDigest> {
        match self {
            Head::Chain(chain) | Head::Ending(_, chain) => chain.previous.as_ref(),
            Head::Backfill(row) => row.previous.as_ref(),
        }
    }

    fn attempted(&self) -> Option<Timestamp> {
        match self {
            Head::Chain(chain) | Head::Ending(_, chain) => chain.attempted,
            Head::Backfill(row) => row.attempted,
        }
    }

    /// When the digest is due, or the next attempt at it.
    fn due(&self, world: &World) -> Timestamp {
        let (_, end) = self.window(world.settings.digest_interval);
        let delivery = world.settings.delivery_interval;
        match (self.attempted(), self) {
            (Some(attempted), _) if attempted.since(end) < EAGER => {
                attempted.plus(RETRY.min(world.settings.digest_interval))
            }
            (Some(attempted), _) => attempted.plus(PATIENT),
            // What was selected before the end is delivered first, so that the last digest names it.
            (None, Head::Chain(ChainRow { ended: Some(ended), .. })) => {
                end.max(ended.floor_to(delivery).plus(delivery))
            }
            (None, _) => end,
        }
    }
}

async fn places(view: &ReadView<'_>, enabled: &[Region]) -> Result<Vec<Place>, Fault> {
    let mut trails = table::all_trails(view).await?;
    trails.extend(table::closing_trails(view).await?);
    let mut places = Vec::new();
    for trail in trails {
        let trail = Arc::new(trail);
        for (region, head) in heads(view, &trail, enabled).await? {
            let trail = Arc::clone(&trail);
            places.push(Place { trail, region, head });
        }
    }
    Ok(places)
}

/// The digests of a trail that are to come; those of one Region in the order in which they are signed.
async fn heads(view: &ReadView<'_>, trail: &Trail, enabled: &[Region]) -> Result<Vec<(Region, Head)>, Fault> {
    let mut heads = Vec::new();
    for (key, chain) in table::endings(view, &trail.id).await? {
        heads.push((table::ending_region(&key)?, Head::Ending(key.to_vec(), chain)));
    }
    for region in super::chain_regions(trail, enabled) {
        if let Some(chain) = table::chain(view, &trail.id, &region).await? {
            heads.push((region.clone(), Head::Chain(chain)));
        }
        let backfill = table::backfill(view, &trail.id, &region).await?;
        if backfill.since.is_some() {
            heads.push((region, Head::Backfill(backfill)));
        }
    }
    Ok(heads)
}

/// Whether a trail still has digests to come.
pub(super) async fn waits(view: &ReadView<'_>, trail: &Trail, enabled: &[Region]) -> Result<bool, Fault> {
    heads(view, trail, enabled).await.map(|heads| !heads.is_empty())
}

impl Worker for SignDigests {
    fn name(&self) -> &'static str {
        "cloudtrail digests"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let snapshot = world.snapshot();
            let places = places(&snapshot.view(), &world.settings.regions).await?;
            Ok(places.iter().map(|place| place.head.due(world)).min())
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let mut due: BTreeMap<(String, Region), Vec<Place>> = BTreeMap::new();
            {
                let snapshot = world.snapshot();
                for place in places(&snapshot.view(), &world.settings.regions).await? {
                    if place.head.due(world) <= now {
                        let key = (place.trail.id.clone(), place.region.clone());
                        due.entry(key).or_default().push(place);
                    }
                }
            }
            // Regions do not touch each other's rows: they are signed side by side and share their syncs.
            let mut running = tokio::task::JoinSet::new();
            for places in due.into_values() {
                let world = Arc::clone(world);
                running.spawn(async move {
                    for place in places {
                        catch_up(&world, place, now).await?;
                    }
                    Ok(())
                });
            }
            let mut result = Ok(());
            while let Some(done) = running.join_next().await {
                let done = done
                    .map_err(|error| Fault::io("signing a digest", error))
                    .and_then(|done| done);
                result = result.and(done);
            }
            result
        })
    }
}

/// Signs every window that has passed, oldest first, until one is refused.
async fn catch_up(world: &Arc<World>, mut place: Place, now: Timestamp) -> Result<(), Fault> {
    for _ in 0..WINDOWS_PER_TICK_MAX {
        match sign_window(world, &place, now).await? {
            Some(head) if head.due(world) <= now => place.head = head,
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// A tick signs at most so many windows of one chain; the next goes on.
const WINDOWS_PER_TICK_MAX: u32 = 1_000;

struct Signer {
    key: record::SigningKey,
    fingerprint: String,
}

impl Signer {
    /// The key that a digest of this window is validated with. The window is that of the files too: a chain's last may end
    /// long after its hour.
    async fn of(
        world: &Arc<World>,
        place: &Place,
        kind: DigestKind,
        (_, end): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Signer, Fault> {
        let time = match kind {
            // It says itself when it was made, and is validated with the keys of that moment.
            DigestKind::Backfill => now,
            DigestKind::Standard => end,
        };
        let (key, fingerprint) = signing::at(world, &place.trail, &place.region, time, now).await?;
        Ok(Signer { key, fingerprint })
    }
}

/// One digest is one transaction: the object with its signature, the head of the chain, the files it names. Answers the
/// head with the next window; `None` when there is none, or when the bucket or the key refuses, which the rows say then.
async fn sign_window(world: &Arc<World>, place: &Place, now: Timestamp) -> Result<Option<Head>, Fault> {
    let (trail, region) = (&place.trail, &place.region);
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, region);
        let (ctx, txn) = work.parts();
        let Some(head) = place.now(&txn.view()).await? else {
            return Ok(None);
        };
        let (files, window) = contents(&txn.view(), place, &head, world.settings.digest_interval).await?;
        let kind = head.kind();
        let signer = Signer::of(world, place, kind, window, now).await?;
        let digest = Digest::of(place, &head, window, &files, &signer)?;
        let object = digest.object(world, trail, (kind == DigestKind::Backfill).then_some(now));
        let put = ctx
            .world()
            .ports()?
            .objects
            .put_object(ctx, txn, By::Forward, object)
            .await;
        if let Err(refusal) = put {
            work.abandon().await?;
            refused(world, place, &refusal, now).await?;
            return Ok(None);
        }
        for (key, _) in files {
            txn.delete(key);
        }
        let next = place.advance(txn, head, digest.named(), window.1, now);
        let digested = table::digested(&txn.view(), &trail.id, region).await?;
        let row = DigestedRow {
            delivered: Some(now),
            error: None,
            ..digested
        };
        table::put_digested(txn, &trail.id, region, &row);
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(next),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(conflicted())
}

/// The files that a digest names, and its window, which holds the delivery of each. The last digest of a chain, and a
/// backfill digest, name all that are left.
async fn contents(
    view: &ReadView<'_>,
    place: &Place,
    head: &Head,
    interval: Duration,
) -> Result<(Files, (Timestamp, Timestamp)), Fault> {
    let (id, region) = (&place.trail.id, &place.region);
    let (start, end) = head.window(interval);
    let mut files = match head {
        Head::Backfill(_) => table::late(view, id, region).await?,
        Head::Chain(_) | Head::Ending(..) => table::pending(view, id, region).await?,
    };
    let to_the_end = match head {
        Head::Backfill(_) => true,
        Head::Chain(chain) => chain.ended.is_some(),
        Head::Ending(..) => false,
    };
    if !to_the_end {
        files.retain(|(_, file)| file.delivered < end);
        return Ok((files, (start, end)));
    }
    let newest = files
        .iter()
        .map(|(_, file)| file.delivered.floor_second().plus(SECOND))
        .max();
    Ok((files, (start, newest.map_or(end, |newest| newest.max(end)))))
}

impl Head {
    fn kind(&self) -> DigestKind {
        match self {
            Head::Chain(_) | Head::Ending(..) => DigestKind::Standard,
            Head::Backfill(_) => DigestKind::Backfill,
        }
    }
}

impl Place {
    /// The head as it is in this transaction; `None` when it is gone.
    async fn now(&self, view: &ReadView<'_>) -> Result<Option<Head>, Fault> {
        let (id, region) = (&self.trail.id, &self.region);
        Ok(match &self.head {
            Head::Chain(_) => table::chain(view, id, region).await?.map(Head::Chain),
            Head::Ending(key, _) => view.get_row(key).await?.map(|chain| Head::Ending(key.clone(), chain)),
            Head::Backfill(_) => {
                let row = table::backfill(view, id, region).await?;
                row.since.is_some().then_some(Head::Backfill(row))
            }
        })
    }

    /// Stores the head as it is after this digest, and answers it if the next window is open.
    fn advance(
        &self,
        txn: &mut Txn,
        head: Head,
        previous: PreviousDigest,
        end: Timestamp,
        now: Timestamp,
    ) -> Option<Head> {
        let (id, region) = (&self.trail.id, &self.region);
        match head {
            Head::Chain(chain) if chain.ended.is_some() => table::delete_chain(txn, id, region),
            Head::Chain(_) => {
                let chain = ChainRow {
                    previous: Some(previous),
                    delivered: Some(now),
                    ..ChainRow::starting(end)
                };
                table::put_chain(txn, id, region, &chain);
                return Some(Head::Chain(chain));
            }
            Head::Ending(key, _) => txn.delete(key),
            Head::Backfill(_) => {
                let row = BackfillRow {
                    previous: Some(previous),
                    previous_end: Some(end),
                    ..BackfillRow::default()
                };
                table::put_backfill(txn, id, region, &row);
            }
        }
        None
    }
}

/// Says in the rows why the digest could not be put. After 30 days it is given up: then its files wait for a backfill
/// digest, and those of a backfill digest are told to be unproven.
async fn refused(world: &Arc<World>, place: &Place, refusal: &PortRefusal, now: Timestamp) -> Result<(), Fault> {
    let (trail, region) = (&place.trail, &place.region);
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, region);
        let (_, txn) = work.parts();
        let Some(head) = place.now(&txn.view()).await? else {
            return Ok(());
        };
        let (_, end) = head.window(world.settings.digest_interval);
        let mut row = table::digested(&txn.view(), &trail.id, region).await?;
        row.error = Some(refusal.code.clone());
        if now.since(end) < REDELIVERY {
            place.attempted(txn, head, refusal, now);
        } else {
            row.unproven += give_up(txn, place, head, now).await?;
        }
        table::put_digested(txn, &trail.id, region, &row);
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(conflicted())
}

impl Place {
    fn attempted(&self, txn: &mut Txn, head: Head, refusal: &PortRefusal, now: Timestamp) {
        let (id, region) = (&self.trail.id, &self.region);
        let tried = |chain| ChainRow {
            error: Some(refusal.code.clone()),
            attempted: Some(now),
            ..chain
        };
        match head {
            Head::Chain(chain) => table::put_chain(txn, id, region, &tried(chain)),
            Head::Ending(_, chain) => table::put_ending(txn, id, region, &tried(chain)),
            Head::Backfill(row) => {
                let attempted = Some(now);
                table::put_backfill(txn, id, region, &BackfillRow { attempted, ..row });
            }
        }
    }
}

/// Gives a digest up that could not be delivered for 30 days, and answers how many files nothing will name.
async fn give_up(txn: &mut Txn, place: &Place, head: Head, now: Timestamp) -> Result<u64, Fault> {
    let (trail, region) = (&place.trail, &place.region);
    tracing::warn!(trail = %trail.arn(), %region, kind = ?head.kind(), "a digest was undeliverable for 30 days and is given up");
    let before = match &head {
        Head::Ending(_, chain) => chain.ended.unwrap_or(now),
        Head::Chain(_) | Head::Backfill(_) => now.plus(SECOND),
    };
    if let Head::Backfill(row) = head {
        let files = table::late(&txn.view(), &trail.id, region).await?;
        let count = files.len() as u64;
        files.into_iter().for_each(|(key, _)| txn.delete(key));
        let none = BackfillRow {
            since: None,
            attempted: None,
            ..row
        };
        table::put_backfill(txn, &trail.id, region, &none);
        return Ok(count);
    }
    for (key, file) in table::pending(&txn.view(), &trail.id, region).await? {
        if file.delivered < before {
            chains::note_late(txn, trail, region, table::file_seq(&key)?, &file).await?;
            txn.delete(key);
        }
    }
    // Thirty days are counted from now on: the files themselves may be older.
    let mut backfill = table::backfill(&txn.view(), &trail.id, region).await?;
    backfill.since = backfill.since.map(|_| now);
    table::put_backfill(txn, &trail.id, region, &backfill);
    match head {
        Head::Chain(chain) if chain.ended.is_none() => {
            table::put_chain(txn, &trail.id, region, &ChainRow::starting(now.floor_second()));
        }
        Head::Ending(key, _) => txn.delete(key),
        _ => table::delete_chain(txn, &trail.id, region),
    }
    Ok(0)
}

/// A digest, signed.
struct Digest {
    bucket: String,
    key: String,
    gzip: Vec<u8>,
    hash: String,
    signature: String,
}

impl Digest {
    fn of(
        place: &Place,
        head: &Head,
        window: (Timestamp, Timestamp),
        files: &Files,
        signer: &Signer,
    ) -> Result<Digest, Fault> {
        let (trail, region) = (&place.trail, &place.region);
        let (prefix, account, home) = (trail.prefix.as_deref(), trail.account, &trail.home);
        let key = record::digest_key(prefix, None, account, region, &trail.name, home, window.1, head.kind());
        let logs = files.iter().map(|(_, file)| {
            let (newest, oldest) = (Some(file.newest), Some(file.oldest));
            DigestedLogFile::new(&file.bucket, &file.key, &file.hash, newest, oldest)
        });
        let at = (trail.bucket.as_str(), key.as_str());
        let mut digest = DigestFile::new(account, window, at, &signer.fingerprint, logs.collect());
        if let Some(previous) = head.previous() {
            digest = digest.after((&previous.bucket, &previous.key), &previous.hash, &previous.signature);
        }
        let json = digest.to_json();
        let hash = record::sha256_hex(&json);
        let signature = signer.key.sign(&record::string_to_sign(&digest, &hash))?;
        let gzip = Gzip::new().compress(&json)?;
        Ok(Digest {
            bucket: trail.bucket.clone(),
            key,
            gzip,
            hash,
            signature,
        })
    }

    /// The object. A backfill digest says when it was made.
    fn object(&self, world: &World, trail: &Trail, backfilled: Option<Timestamp>) -> ServiceObject {
        let mut metadata = vec![
            (record::SIGNATURE_METADATA.to_owned(), self.signature.clone()),
            (
                record::SIGNATURE_ALGORITHM_METADATA.to_owned(),
                record::SIGNATURE_ALGORITHM.to_owned(),
            ),
        ];
        metadata.extend(backfilled.map(|at| (record::BACKFILL_METADATA.to_owned(), at.iso8601_millis())));
        ServiceObject {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            body: bytes::Bytes::from(self.gzip.clone()),
            // DIFFERS (SEMANTICS.md, digest encryption): the seeds' AWS sealed digests with SSE-S3 whatever the trail's key.
            seal: match world.settings.aws_behavior {
                AwsBehavior::Seeds => ObjectSeal::Aes256,
                AwsBehavior::Current => seal_of(trail),
            },
            acl: Some("bucket-owner-full-control"),
            content_type: "application/json",
            content_encoding: Some("gzip"),
            metadata,
        }
    }

    /// How the next digest names this one.
    fn named(self) -> PreviousDigest {
        PreviousDigest {
            bucket: self.bucket,
            key: self.key,
            hash: self.hash,
            signature: self.signature,
        }
    }
}

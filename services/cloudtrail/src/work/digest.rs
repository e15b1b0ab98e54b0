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
    table::{self, BackfillRow, ChainRow, DigestedRow, Files, FilesPage, PreviousDigest},
};
use base::{Fault, Region, Timestamp};
use gateway::{
    AwsBehavior, Boxed, DeliveryKind, PortRefusal, Txn, World,
    ctx::By,
    ports::{ObjectSeal, ServiceObject, Worker},
};
use record::{DigestFile, DigestKind, DigestedLogFile, Gzip};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::{CommitError, Maintenance, ReadView};
use tokio::sync::OnceCell;

/// Soon after a refusal, the next attempt is made so much later.
const RETRY: Duration = Duration::from_secs(60);
/// Times in digests have no parts of a second, so that a window which must hold a moment ends a second later.
const SECOND: Duration = Duration::from_secs(1);

/// The worker.
#[derive(Default)]
pub struct SignDigests {
    /// Known once the chains have been brought in step with the Regions that are enabled in this process.
    elsewhere: OnceCell<Elsewhere>,
}

/// The Regions that are not enabled any more and have a chain, by trail. There is none to come: none begins in them.
type Elsewhere = BTreeMap<String, Vec<Region>>;

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

async fn places(view: &ReadView<'_>, enabled: &[Region], elsewhere: &Elsewhere) -> Result<Vec<Place>, Fault> {
    let mut trails = table::all_trails(view).await?;
    trails.extend(table::closing_trails(view).await?);
    let mut places = Vec::new();
    for trail in trails {
        let trail = Arc::new(trail);
        let mut regions = super::chain_regions(&trail, enabled);
        regions.extend(elsewhere.get(&trail.id).into_iter().flatten().cloned());
        for (region, head) in heads(view, &trail, regions).await? {
            let trail = Arc::clone(&trail);
            places.push(Place { trail, region, head });
        }
    }
    Ok(places)
}

/// The digests of a trail that are to come, of chains in these Regions; those of one Region in the order in which they are
/// signed.
async fn heads(view: &ReadView<'_>, trail: &Trail, regions: Vec<Region>) -> Result<Vec<(Region, Head)>, Fault> {
    let mut heads = Vec::new();
    for (key, chain) in table::endings(view, &trail.id).await? {
        heads.push((table::ending_region(&key)?, Head::Ending(key.to_vec(), chain)));
    }
    for region in regions {
        if let Some(chain) = table::chain(view, &trail.id, &region).await? {
            heads.push((region, Head::Chain(chain)));
        }
    }
    let waiting = table::backfills(view, &trail.id).await?.into_iter();
    let waiting = waiting.filter(|(_, row)| row.since.is_some());
    heads.extend(waiting.map(|(region, row)| (region, Head::Backfill(row))));
    Ok(heads)
}

/// Whether a trail still has digests to come, in whatever Region.
pub(super) async fn waits(view: &ReadView<'_>, trail: &Trail) -> Result<bool, Fault> {
    Ok(!table::chains(view, &trail.id).await?.is_empty() || !heads(view, trail, Vec::new()).await?.is_empty())
}

/// Brings the chains of all trails in step with the Regions that are enabled: those may be others than the last process had.
async fn settle(world: &Arc<World>, now: Timestamp) -> Result<Elsewhere, Fault> {
    let trails = {
        let snapshot = world.snapshot();
        let mut trails = table::all_trails(&snapshot.view()).await?;
        trails.extend(table::closing_trails(&snapshot.view()).await?);
        trails
    };
    let mut elsewhere = Elsewhere::new();
    for trail in trails {
        let mut regions = chained(world, &trail, now).await?;
        let enabled = super::chain_regions(&trail, &world.settings.regions);
        regions.retain(|region| !enabled.contains(region));
        if !regions.is_empty() {
            elsewhere.insert(trail.id, regions);
        }
    }
    Ok(elsewhere)
}

/// Brings the chains of a trail in step, and answers the Regions that have one.
async fn chained(world: &Arc<World>, trail: &Trail, now: Timestamp) -> Result<Vec<Region>, Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, &trail.home);
        let (_, txn) = work.parts();
        let Some(trail) = table::known(&txn.view(), trail).await? else {
            return Ok(Vec::new());
        };
        chains::align(txn, &trail, &world.settings.regions, now).await?;
        let chains = table::chains(&txn.view(), &trail.id).await?;
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(chains.into_iter().map(|(region, _)| region).collect()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(conflicted())
}

impl Worker for SignDigests {
    fn name(&self) -> &'static str {
        "cloudtrail digests"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let Some(elsewhere) = self.elsewhere.get() else {
                return Ok(Some(Timestamp::EPOCH));
            };
            let snapshot = world.snapshot();
            let places = places(&snapshot.view(), &world.settings.regions, elsewhere).await?;
            Ok(places.iter().map(|place| place.head.due(world)).min())
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let elsewhere = self.elsewhere.get_or_try_init(|| settle(world, now)).await?;
            let mut due: BTreeMap<(String, Region), Vec<Place>> = BTreeMap::new();
            {
                let snapshot = world.snapshot();
                for place in places(&snapshot.view(), &world.settings.regions, elsewhere).await? {
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
        let contents = Contents::of(&txn.view(), place, &head, world.settings.digest_interval).await?;
        let Contents { files, window, more } = contents;
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
        let told = (region, now);
        super::told(world, txn, trail, told, DeliveryKind::Digest, Ok(digest.key.clone()));
        let next = place.advance(txn, head, (digest.named(), window.1), more, now);
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

/// What a digest says.
struct Contents {
    /// The files that it names.
    files: Files,
    /// Its window, which holds the delivery of each.
    window: (Timestamp, Timestamp),
    /// Whether it should have named others too, which are too many: then the digest after it goes on.
    more: bool,
}

impl Contents {
    /// The last digest of a chain, and a backfill digest, name all that are left.
    async fn of(view: &ReadView<'_>, place: &Place, head: &Head, interval: Duration) -> Result<Contents, Fault> {
        let (id, region) = (&place.trail.id, &place.region);
        let (start, end) = head.window(interval);
        let page = match head {
            Head::Backfill(_) => table::late(view, id, region).await?,
            Head::Chain(_) | Head::Ending(..) => table::pending(view, id, region).await?,
        };
        let FilesPage { mut files, more } = page;
        let to_the_end = match head {
            Head::Backfill(_) => true,
            Head::Chain(chain) => chain.ended.is_some(),
            Head::Ending(..) => false,
        };
        if !to_the_end {
            files.retain(|(_, file)| file.delivered < end);
            return Ok(Contents {
                files,
                window: (start, end),
                // The next digest of the Region's chain names them.
                more: false,
            });
        }
        let newest = files
            .iter()
            .map(|(_, file)| file.delivered.floor_second().plus(SECOND))
            .max();
        let end = newest.map_or(end, |newest| newest.max(end));
        Ok(Contents {
            files,
            window: (start, end),
            more,
        })
    }
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

    /// Stores the head as it is after a digest with this end, and answers it if the next window is open.
    fn advance(
        &self,
        txn: &mut Txn,
        head: Head,
        (previous, end): (PreviousDigest, Timestamp),
        more: bool,
        now: Timestamp,
    ) -> Option<Head> {
        let (id, region) = (&self.trail.id, &self.region);
        match head {
            Head::Chain(chain) if chain.ended.is_some() && !more => table::delete_chain(txn, id, region),
            Head::Chain(before) => {
                let chain = ChainRow {
                    previous: Some(previous),
                    delivered: Some(now),
                    ended: before.ended,
                    ..ChainRow::starting(end)
                };
                table::put_chain(txn, id, region, &chain);
                return Some(Head::Chain(chain));
            }
            Head::Ending(key, _) => txn.delete(key),
            Head::Backfill(before) => {
                let row = BackfillRow {
                    since: before.since.filter(|_| more),
                    previous: Some(previous),
                    previous_end: Some(end),
                    attempted: None,
                };
                table::put_backfill(txn, id, region, &row);
                return more.then_some(Head::Backfill(row));
            }
        }
        None
    }
}

/// Says in the rows why the digest could not be put. After 30 days it is given up: then its files wait for a backfill
/// digest, and those of a backfill digest are told to be unproven.
async fn refused(world: &Arc<World>, place: &Place, refusal: &PortRefusal, now: Timestamp) -> Result<(), Fault> {
    let (trail, region) = (&place.trail, &place.region);
    let mut conflicts = 0;
    while conflicts < ATTEMPTS_MAX {
        let mut work = begin(world, trail, region);
        let (_, txn) = work.parts();
        let Some(head) = place.now(&txn.view()).await? else {
            return Ok(());
        };
        let (_, end) = head.window(world.settings.digest_interval);
        let mut row = table::digested(&txn.view(), &trail.id, region).await?;
        row.error = Some(refusal.code.clone());
        let put = Err(refusal.code.clone());
        super::told(world, txn, trail, (region, now), DeliveryKind::Digest, put);
        let mut given_up = GivenUp::default();
        if now.since(end) < REDELIVERY {
            place.attempted(txn, head, refusal, now);
        } else {
            given_up = give_up(txn, place, head, now).await?;
            row.unproven += given_up.unproven;
        }
        table::put_digested(txn, &trail.id, region, &row);
        match work.commit(Maintenance::Cursor).await {
            Ok(()) if given_up.more => conflicts = 0,
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => conflicts += 1,
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

/// What came of giving up.
#[derive(Default)]
struct GivenUp {
    /// How many files nothing will name.
    unproven: u64,
    /// Whether there are more files to give up, in a transaction of their own; the digest is given up with the last of them.
    more: bool,
}

/// Gives a digest up that could not be delivered for 30 days.
async fn give_up(txn: &mut Txn, place: &Place, head: Head, now: Timestamp) -> Result<GivenUp, Fault> {
    let (trail, region) = (&place.trail, &place.region);
    let mut backfill = table::backfill(&txn.view(), &trail.id, region).await?;
    if let Head::Backfill(_) = head {
        let FilesPage { files, more } = table::late(&txn.view(), &trail.id, region).await?;
        // Those of a digest that was given up since then have not waited so long.
        let (old, young): (Files, Files) = files
            .into_iter()
            .partition(|(_, file)| file.delivered.plus(REDELIVERY) <= now);
        let unproven = old.len() as u64;
        old.into_iter().for_each(|(key, _)| txn.delete(key));
        if more && unproven > 0 {
            return Ok(GivenUp { unproven, more });
        }
        backfill.since = (!young.is_empty()).then_some(now);
        backfill.attempted = None;
        table::put_backfill(txn, &trail.id, region, &backfill);
        place.warn_given_up(&head);
        return Ok(GivenUp { unproven, more: false });
    }
    let before = match &head {
        Head::Ending(_, chain) => chain.ended.unwrap_or(now),
        Head::Chain(_) | Head::Backfill(_) => now.plus(SECOND),
    };
    let FilesPage { mut files, more } = table::pending(&txn.view(), &trail.id, region).await?;
    files.retain(|(_, file)| file.delivered < before);
    let moves = !files.is_empty();
    for (key, file) in files {
        table::put_late(txn, &trail.id, region, table::file_seq(&key)?, &file);
        txn.delete(key);
    }
    if moves {
        // Thirty days are counted from now on, as the files themselves may be older; but for those that wait already the
        // time goes on.
        backfill.since = backfill.since.or(Some(now));
        table::put_backfill(txn, &trail.id, region, &backfill);
    }
    if more && moves {
        return Ok(GivenUp { unproven: 0, more });
    }
    place.warn_given_up(&head);
    match head {
        Head::Chain(chain) if chain.ended.is_none() => {
            table::put_chain(txn, &trail.id, region, &ChainRow::starting(now.floor_second()));
        }
        Head::Ending(key, _) => txn.delete(key),
        _ => table::delete_chain(txn, &trail.id, region),
    }
    Ok(GivenUp::default())
}

impl Place {
    fn warn_given_up(&self, head: &Head) {
        tracing::warn!(trail = %self.trail.arn(), region = %self.region, kind = ?head.kind(), "a digest was undeliverable for 30 days and is given up");
    }
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

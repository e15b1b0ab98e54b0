//! Signing of digests: once per interval, per trail and Region, each naming what was delivered and the digest before it.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>

use super::{ATTEMPTS_MAX, EAGER, PATIENT, REDELIVERY, begin, conflicted, signing};
use crate::{
    model::trail::Trail,
    ops::seal_of,
    table::{self, ChainRow, PendingFile, PreviousDigest},
};
use base::{Fault, Region, Timestamp};
use gateway::{
    AwsBehavior, Boxed, PortRefusal, World,
    ctx::By,
    ports::{ObjectSeal, ServiceObject, Worker},
};
use record::{DigestFile, DigestedLogFile, Gzip};
use std::{sync::Arc, time::Duration};
use store::{CommitError, Maintenance, ReadView};

/// Soon after a refusal, the next attempt is made so much later.
const RETRY: Duration = Duration::from_secs(60);

/// The worker.
#[derive(Default)]
pub struct SignDigests;

/// A chain with what it belongs to.
struct Place {
    trail: Trail,
    region: Region,
    chain: ChainRow,
}

impl Place {
    /// The end of the open window.
    fn window_end(&self, interval: Duration) -> Timestamp {
        self.chain.window_start.plus(interval)
    }

    /// When the digest of the open window is due, or the next attempt at it.
    fn due(&self, interval: Duration) -> Timestamp {
        let end = self.window_end(interval);
        match (&self.chain.error, self.chain.attempted) {
            (Some(_), Some(attempted)) if attempted.since(end) < EAGER => attempted.plus(RETRY.min(interval)),
            (Some(_), Some(attempted)) => attempted.plus(PATIENT),
            _ => end,
        }
    }
}

async fn places(view: &ReadView<'_>, enabled: &[Region]) -> Result<Vec<Place>, Fault> {
    let mut trails = table::all_trails(view).await?;
    trails.extend(table::closing_trails(view).await?);
    let mut places = Vec::new();
    for trail in trails.into_iter().filter(|trail| trail.validation) {
        for (region, chain) in table::chains(view, &trail.id, super::chain_regions(&trail, enabled)).await? {
            places.push(Place {
                trail: trail.clone(),
                region,
                chain,
            });
        }
    }
    Ok(places)
}

impl Worker for SignDigests {
    fn name(&self) -> &'static str {
        "cloudtrail digests"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move {
            let snapshot = world.snapshot();
            let places = places(&snapshot.view(), &world.settings.regions).await?;
            Ok(places
                .iter()
                .map(|place| place.due(world.settings.digest_interval))
                .min())
        })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(async move {
            let interval = world.settings.digest_interval;
            let due: Vec<Place> = {
                let snapshot = world.snapshot();
                let places = places(&snapshot.view(), &world.settings.regions).await?;
                places.into_iter().filter(|place| place.due(interval) <= now).collect()
            };
            // Regions do not touch each other's rows: they are signed side by side and share their syncs.
            let mut running = tokio::task::JoinSet::new();
            for place in due {
                let world = Arc::clone(world);
                running.spawn(async move { catch_up(&world, place, now).await });
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
async fn catch_up(world: &Arc<World>, place: Place, now: Timestamp) -> Result<(), Fault> {
    let interval = world.settings.digest_interval;
    let (trail, region) = (place.trail, place.region);
    for _ in 0..WINDOWS_PER_TICK_MAX {
        let (key, fingerprint) = signing::current(world, &trail, &region, now).await?;
        let signer = Signer { key, fingerprint };
        match sign_window(world, &trail, &region, &signer, now).await? {
            Signed::More(start) if start.plus(interval) <= now => {}
            Signed::More(_) | Signed::Ended | Signed::Refused => return Ok(()),
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

enum Signed {
    /// Signed; the next window starts here.
    More(Timestamp),
    /// Signed, and the chain is at its end; or the chain is gone.
    Ended,
    /// The bucket or the key refuses; said in the chain's row.
    Refused,
}

/// One digest is one transaction: the object with its signature, the head of the chain, the files it names.
async fn sign_window(
    world: &Arc<World>,
    trail: &Trail,
    region: &Region,
    signer: &Signer,
    now: Timestamp,
) -> Result<Signed, Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, region);
        let (ctx, txn) = work.parts();
        let Some(chain) = table::chain(&txn.view(), &trail.id, region).await? else {
            return Ok(Signed::Ended);
        };
        let end = chain.window_start.plus(world.settings.digest_interval);
        let files = files_of(&txn.view(), trail, region, &chain, end).await?;
        let digest = Digest::of(trail, region, &chain, end, &files, signer)?;
        let put = ctx
            .world()
            .ports()?
            .objects
            .put_object(ctx, txn, By::Forward, digest.object(world, trail))
            .await;
        if let Err(refusal) = put {
            work.abandon().await?;
            refused(world, trail, region, &refusal, now).await?;
            return Ok(Signed::Refused);
        }
        for (key, _) in files {
            txn.delete(key);
        }
        let signed = if chain.closing {
            table::delete_chain(txn, &trail.id, region);
            Signed::Ended
        } else {
            table::put_chain(txn, &trail.id, region, &digest.head(end, now));
            Signed::More(end)
        };
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(signed),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(conflicted())
}

/// The files delivered before the window's end; for the last digest of a chain all that are left.
async fn files_of(
    view: &ReadView<'_>,
    trail: &Trail,
    region: &Region,
    chain: &ChainRow,
    end: Timestamp,
) -> Result<Vec<(bytes::Bytes, PendingFile)>, Fault> {
    let mut files = table::pending(view, &trail.id, region).await?;
    files.retain(|(_, file)| chain.closing || file.delivered < end);
    Ok(files)
}

/// Says in the chain's row why the digest could not be put.
async fn refused(
    world: &Arc<World>,
    trail: &Trail,
    region: &Region,
    refusal: &PortRefusal,
    now: Timestamp,
) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = begin(world, trail, region);
        let (_, txn) = work.parts();
        let Some(mut chain) = table::chain(&txn.view(), &trail.id, region).await? else {
            return Ok(());
        };
        let end = chain.window_start.plus(world.settings.digest_interval);
        if now.since(end) < REDELIVERY {
            chain.error = Some(refusal.code.clone());
            chain.attempted = Some(now);
            table::put_chain(txn, &trail.id, region, &chain);
        } else {
            tracing::warn!(trail = %trail.arn(), %region, "a digest was undeliverable for 30 days: its chain ends");
            match chain.closing {
                true => table::delete_chain(txn, &trail.id, region),
                false => table::put_chain(txn, &trail.id, region, &ChainRow::starting(now.floor_second())),
            }
        }
        match work.commit(Maintenance::Cursor).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(conflicted())
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
        trail: &Trail,
        region: &Region,
        chain: &ChainRow,
        end: Timestamp,
        files: &[(bytes::Bytes, PendingFile)],
        signer: &Signer,
    ) -> Result<Digest, Fault> {
        let key = record::digest_key(
            trail.prefix.as_deref(),
            None,
            trail.account,
            region,
            &trail.name,
            &trail.home,
            end,
        );
        let logs = files.iter().map(|(_, file)| {
            DigestedLogFile::new(
                &file.bucket,
                &file.key,
                &file.hash,
                Some(file.newest),
                Some(file.oldest),
            )
        });
        let place = (trail.bucket.as_str(), key.as_str());
        let window = (chain.window_start, end);
        let mut digest = DigestFile::new(trail.account, window, place, &signer.fingerprint, logs.collect());
        if let Some(previous) = &chain.previous {
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

    fn object(&self, world: &World, trail: &Trail) -> ServiceObject {
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
            metadata: vec![
                (record::SIGNATURE_METADATA.to_owned(), self.signature.clone()),
                (
                    record::SIGNATURE_ALGORITHM_METADATA.to_owned(),
                    record::SIGNATURE_ALGORITHM.to_owned(),
                ),
            ],
        }
    }

    fn head(self, end: Timestamp, now: Timestamp) -> ChainRow {
        ChainRow {
            previous: Some(PreviousDigest {
                bucket: self.bucket,
                key: self.key,
                hash: self.hash,
                signature: self.signature,
            }),
            delivered: Some(now),
            ..ChainRow::starting(end)
        }
    }
}

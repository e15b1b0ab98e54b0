//! The Regions' digest-signing keys: made on first need, replaced before their validity ends.

use super::{ATTEMPTS_MAX, begin, conflicted};
use crate::{
    model::trail::Trail,
    table::{self, SigningKeyRow, signing_identity as identity},
};
use base::{Fault, Region, Timestamp};
use gateway::World;
use record::SigningKey;
use std::{sync::Arc, time::Duration};
use store::{CommitError, Maintenance};

/// A key is valid from a little before it is made, so that a validator's clock may be slow,
const EARLY: Duration = Duration::from_secs(3600);
/// for thirty days, as the keys in AWS's examples are,
const VALIDITY: Duration = Duration::from_secs(30 * 24 * 3600);
/// and is replaced ten days before its end, so that ranges overlap.
const OVERLAP: Duration = Duration::from_secs(10 * 24 * 3600);

fn is_fresh(key: &SigningKeyRow, now: Timestamp) -> bool {
    key.not_before <= now && now.plus(OVERLAP) < key.not_after
}

/// The key that signs in a Region now, with its fingerprint. Makes one if there is none or the newest is near its end.
pub(super) async fn current(
    world: &Arc<World>,
    trail: &Trail,
    region: &Region,
    now: Timestamp,
) -> Result<(SigningKey, String), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let newest = {
            let snapshot = world.snapshot();
            table::signing_keys(&snapshot.view(), region).await?.pop()
        };
        match newest.filter(|key| is_fresh(key, now)) {
            Some(row) => return open(world, region, row).await,
            None => make(world, trail, region, now).await?,
        }
    }
    Err(conflicted())
}

async fn open(world: &Arc<World>, region: &Region, row: SigningKeyRow) -> Result<(SigningKey, String), Fault> {
    let snapshot = world.snapshot();
    let keyring = world
        .keyrings
        .of(&snapshot.view(), world.settings.first_account)
        .await?;
    let der = keyring
        .open(&identity(region, &row.fingerprint), &row.sealed)
        .map(base::Secret::new)
        .map_err(|_| Fault::corrupt(format!("the signing key of {region} does not open")))?;
    Ok((SigningKey::from_pkcs8(der.expose())?, row.fingerprint))
}

/// Makes a key and stores it, sealed. Another that was stored meanwhile wins.
async fn make(world: &Arc<World>, trail: &Trail, region: &Region, now: Timestamp) -> Result<(), Fault> {
    // A key takes a tenth of a second or more; the runtime's threads have other work.
    let key = tokio::task::spawn_blocking(SigningKey::generate)
        .await
        .map_err(|error| Fault::io("making a signing key", error))??;
    let mut work = begin(world, trail, region);
    let (_, txn) = work.parts();
    if table::signing_keys(&txn.view(), region)
        .await?
        .last()
        .is_some_and(|newest| is_fresh(newest, now))
    {
        return Ok(());
    }
    let keyring = world.keyrings.of(&txn.view(), world.settings.first_account).await?;
    let public = key.public_key();
    let fingerprint = public.fingerprint().to_owned();
    let der = key.to_pkcs8()?;
    let row = SigningKeyRow {
        sealed: keyring.seal(&identity(region, &fingerprint), der.expose(), &world.random),
        public: public.as_der().to_vec(),
        fingerprint,
        not_before: now.minus(EARLY).floor_second(),
        not_after: now.plus(VALIDITY).floor_second(),
    };
    table::put_signing_key(txn, region, &row);
    match work.commit(Maintenance::KeyGeneration).await {
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}

//! The Regions' digest-signing keys: made on first need, replaced before their validity ends, forgotten when they have
//! nothing to sign any more.
//!
//! A key is chosen by the end of the digest's window, not by the clock: a digest that is signed late, after a refusal or a
//! server that was down, is validated with the keys that ListPublicKeys tells of the digest's own time.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html>

use super::{ATTEMPTS_MAX, REDELIVERY, begin, conflicted};
use crate::{
    model::trail::Trail,
    table::{self, SigningKeyRow, signing_identity as identity},
};
use base::{Fault, Region, Timestamp};
use gateway::World;
use record::SigningKey;
use std::{sync::Arc, time::Duration};
use store::{CommitError, Maintenance};

/// A key is valid from a little before the digest that it is made for, so that a validator's clock may be slow,
const EARLY: Duration = Duration::from_secs(3600);
/// for thirty days, as the keys in AWS's examples are,
const VALIDITY: Duration = Duration::from_secs(30 * 24 * 3600);
/// and is replaced ten days before its end, so that ranges overlap.
const OVERLAP: Duration = Duration::from_secs(10 * 24 * 3600);

/// Whether a key signs digests of this time. Its private half must still be there.
fn signs(key: &SigningKeyRow, end: Timestamp) -> bool {
    !key.sealed.is_empty() && key.not_before <= end && end.plus(OVERLAP) < key.not_after
}

/// Whether no digest of a time at which a key signs can still be waiting: what is refused so long is lost.
fn is_spent(key: &SigningKeyRow, now: Timestamp) -> bool {
    key.not_after.plus(REDELIVERY) < now
}

/// The key that signs the digests of a time in a Region, with its fingerprint. Makes one if there is none.
pub(super) async fn at(
    world: &Arc<World>,
    trail: &Trail,
    region: &Region,
    end: Timestamp,
    now: Timestamp,
) -> Result<(SigningKey, String), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let keys = {
            let snapshot = world.snapshot();
            table::signing_keys(&snapshot.view(), region).await?
        };
        match keys.into_iter().rfind(|key| signs(key, end)) {
            Some(row) => return open(world, region, row).await,
            None => make(world, trail, region, end, now).await?,
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

/// Makes a key for the digests of a time and stores it, sealed; the private halves of keys that are spent go. Another that
/// was stored meanwhile wins.
async fn make(world: &Arc<World>, trail: &Trail, region: &Region, end: Timestamp, now: Timestamp) -> Result<(), Fault> {
    // A key takes a tenth of a second or more; the runtime's threads have other work.
    let key = tokio::task::spawn_blocking(SigningKey::generate)
        .await
        .map_err(|error| Fault::io("making a signing key", error))??;
    let mut work = begin(world, trail, region);
    let (_, txn) = work.parts();
    let known = table::signing_keys(&txn.view(), region).await?;
    if known.iter().any(|key| signs(key, end)) {
        return Ok(());
    }
    for mut spent in known.into_iter().filter(|key| is_spent(key, now)) {
        if !spent.sealed.is_empty() {
            spent.sealed = Vec::new();
            table::put_signing_key(txn, region, &spent);
        }
    }
    let keyring = world.keyrings.of(&txn.view(), world.settings.first_account).await?;
    let public = key.public_key();
    let fingerprint = public.fingerprint().to_owned();
    let der = key.to_pkcs8()?;
    let row = SigningKeyRow {
        sealed: keyring.seal(&identity(region, &fingerprint), der.expose(), &world.random),
        public: public.as_der().to_vec(),
        fingerprint,
        not_before: end.minus(EARLY).floor_second(),
        not_after: end.plus(VALIDITY).floor_second(),
    };
    table::put_signing_key(txn, region, &row);
    match work.commit(Maintenance::KeyGeneration).await {
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn key(from: Timestamp, sealed: &[u8]) -> SigningKeyRow {
        SigningKeyRow {
            sealed: sealed.to_vec(),
            public: Vec::new(),
            fingerprint: String::new(),
            not_before: from.minus(EARLY),
            not_after: from.plus(VALIDITY),
        }
    }

    #[test]
    fn a_key_signs_until_ten_days_before_its_end_and_is_spent_thirty_after_it() {
        let from = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let row = key(from, b"sealed");
        let after = |days: u32| from.plus(DAY * days);
        assert!(signs(&row, from) && signs(&row, after(19)));
        assert!(!signs(&row, after(20)) && !signs(&row, from.minus(DAY)));
        assert!(!signs(&key(from, b""), from), "a forgotten half signs nothing");
        // The last digest that it may sign is of the twentieth day, and waits thirty days at most.
        assert!(!is_spent(&row, after(20 + 30)) && !is_spent(&row, after(60)));
        assert!(is_spent(&row, after(61)));
    }
}

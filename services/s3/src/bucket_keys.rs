//! Bucket keys: one KMS call for all that a requester seals, or opens, in a bucket within a window.
//!
//! A bucket key is a data key of KMS whose context is the bucket. Objects' own keys are wrapped under it, and it lies, sealed
//! by KMS, in the row of each of them. In clear it is kept here for a while, so that what follows costs no call to KMS, has
//! no event and is asked of no key policy; that is what bucket keys are for.
//!
//! ## Invariants
//! - A key is kept for one requester and one use: who sealed with it asks KMS before he opens, and each asks for himself.
//! - A key is kept only when the event of the call that gave it is durable.
//! - Keys are wiped at the end of their window, and there are never more than [`KEYS_MAX`]. They are of this process alone.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html>

use crate::{S3Error, model::encryption, table::Bucket};
use base::{Arn, Timestamp, arn};
use envelope::{EncryptionContext, Key256};
use gateway::{Caller, Ctx, Txn, ctx::By};
use policy::Principal;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// How long a key is kept, in domain time. AWS says "time-limited" only. Five minutes is what KMS's own changes may take to be
/// seen everywhere, so a key that is disabled here is not used longer than one may be there.
pub const WINDOW: Duration = Duration::from_secs(300);

/// So many are kept at once.
const KEYS_MAX: usize = 4096;

/// A bucket key, in clear and as it is stored.
pub struct BucketKey {
    /// To wrap objects' keys under.
    pub plain: Key256,
    /// The KMS key.
    pub key_arn: Arn,
    /// As KMS sealed it.
    pub ciphertext: Vec<u8>,
    /// The context it was sealed with.
    pub context: EncryptionContext,
}

type Name = [u8; 32];

struct Kept {
    key: Arc<BucketKey>,
    until: Timestamp,
}

/// The bucket keys of a world that are in clear now.
#[derive(Default)]
pub struct BucketKeys(RwLock<HashMap<Name, Kept>>);

impl BucketKeys {
    fn find(&self, name: &Name, now: Timestamp) -> Option<Arc<BucketKey>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(name).filter(|kept| kept.until > now);
        found.map(|kept| Arc::clone(&kept.key))
    }

    /// Keeps a key. Of two that came at once the first stays, so that later ones do not stretch its window.
    fn keep(&self, name: Name, key: Arc<BucketKey>, until: Timestamp, now: Timestamp) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, kept| kept.until > now);
        if all.len() >= KEYS_MAX
            && let Some(oldest) = all.iter().min_by_key(|(_, kept)| kept.until).map(|(name, _)| *name)
        {
            all.remove(&oldest);
        }
        all.entry(name).or_insert(Kept { key, until });
    }

    /// Wipes what has ended.
    pub fn forget(&self, now: Timestamp) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, kept| kept.until > now);
    }

    /// When the next one ends.
    pub fn next_end(&self) -> Option<Timestamp> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.values().map(|kept| kept.until).min()
    }
}

/// The bucket key to seal with under a KMS key: the one of the window, or a new one of GenerateDataKey. `key` is the KMS key
/// by any of its names.
pub async fn to_seal(
    ctx: &Ctx,
    txn: &mut Txn,
    (bucket_name, bucket): (&str, &Bucket),
    key: &str,
    client: &EncryptionContext,
) -> Result<Arc<BucketKey>, S3Error> {
    let keys = &ctx.world().ports()?.keys;
    let region = &bucket.region;
    let context = encryption::context_of(client, &arn::bucket(bucket_name));
    let account = ctx.caller.account().unwrap_or(ctx.account);
    // A key that is not there has no window; KMS says what is wrong with its name.
    let found = keys.guard(&txn.view(), account, region, key).await?;
    let name = found.and_then(|found| {
        let requester = requester(&ctx.caller)?;
        let created = bucket.created.as_micros().to_be_bytes();
        let parts = [
            b"seal".as_slice(),
            requester.as_bytes(),
            &created,
            found.arn().as_str().as_bytes(),
            &context.canonical(),
        ];
        Some(name_of(&parts))
    });
    let kept = ctx.world().kept::<BucketKeys>();
    if let Some(found) = name.and_then(|name| kept.find(&name, ctx.now())) {
        return Ok(found);
    }
    let made = keys
        .generate_data_key(ctx, txn, By::Forward, region.clone(), key, context.clone())
        .await?;
    let made = Arc::new(BucketKey {
        plain: made.plain,
        key_arn: made.key_arn,
        ciphertext: made.ciphertext,
        context,
    });
    remember(ctx, txn, name, &made);
    Ok(made)
}

/// The bucket key that an object's key is wrapped under: from its window, or opened by Decrypt.
pub async fn to_open(
    ctx: &Ctx,
    txn: &mut Txn,
    bucket: &Bucket,
    (key_arn, ciphertext, context): (&Arn, &[u8], &EncryptionContext),
) -> Result<Arc<BucketKey>, S3Error> {
    let name = requester(&ctx.caller)
        .map(|requester| name_of(&[b"open", requester.as_bytes(), ciphertext, &context.canonical()]));
    let kept = ctx.world().kept::<BucketKeys>();
    if let Some(found) = name.and_then(|name| kept.find(&name, ctx.now())) {
        return Ok(found);
    }
    let keys = &ctx.world().ports()?.keys;
    let plain = keys
        .decrypt(
            ctx,
            txn,
            By::Forward,
            bucket.region.clone(),
            ciphertext,
            context.clone(),
        )
        .await?;
    let opened = Arc::new(BucketKey {
        plain,
        key_arn: key_arn.clone(),
        ciphertext: ciphertext.to_vec(),
        context: context.clone(),
    });
    remember(ctx, txn, name, &opened);
    Ok(opened)
}

/// Keeps a key once the event of the call that gave it is durable; an attempt that is thrown away leaves none.
fn remember(ctx: &Ctx, txn: &mut Txn, name: Option<Name>, key: &Arc<BucketKey>) {
    let Some(name) = name else { return };
    let (kept, key, now) = (ctx.world().kept::<BucketKeys>(), Arc::clone(key), ctx.now());
    let until = now.plus(WINDOW);
    txn.once_recorded(Arc::new(move || kept.keep(name, Arc::clone(&key), until, now)));
}

fn name_of(parts: &[&[u8]]) -> Name {
    let mut whole = Vec::new();
    for part in parts {
        // Lengths come first, so that no two lists share a form.
        whole.extend_from_slice(&(part.len() as u64).to_be_bytes());
        whole.extend_from_slice(part);
    }
    sigv4::sha256(&whole)
}

/// Who asks: a user, a role whatever its session is called, an account's root, a service for one resource. Sessions whose
/// rights are not their role's alone, by policies, tags or MFA, are each their own requester.
fn requester(caller: &Caller) -> Option<String> {
    let signed = match caller {
        Caller::Anonymous => return None,
        Caller::Service(service) => {
            let arn = service.source_arn.as_ref().map_or("", Arn::as_str);
            return Some(format!("service {} {} {arn}", service.name, service.source_account));
        }
        Caller::Signed(signed) | Caller::Forwarded { caller: signed, .. } => signed,
        Caller::Role(role) => &role.caller,
    };
    let is_own = signed.session.as_ref().is_some_and(|session| {
        session.policies.is_some() || !session.tags.is_empty() || session.source_identity.is_some() || session.mfa
    });
    if is_own {
        return Some(format!("key {}", signed.access_key_id));
    }
    match &signed.principal {
        Principal::Root { account } => Some(format!("root {account}")),
        Principal::User { account, id, .. } => Some(format!("user {account} {id}")),
        Principal::Session { account, role_id, .. } => Some(format!("role {account} {role_id}")),
        Principal::Service { .. } | Principal::Anonymous => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{AccountId, Region};

    fn key() -> Arc<BucketKey> {
        Arc::new(BucketKey {
            plain: Key256::from_bytes([1; 32]),
            key_arn: arn::kms_key(&Region::us_east_1(), AccountId::FIRST, "k"),
            ciphertext: Vec::new(),
            context: EncryptionContext::new(),
        })
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + seconds)
    }

    #[test]
    fn keys_end_with_their_window() {
        let keys = BucketKeys::default();
        keys.keep([1; 32], key(), at(300), at(0));
        // A second one of the same window does not stretch it.
        keys.keep([1; 32], key(), at(400), at(100));
        assert!(keys.find(&[1; 32], at(299)).is_some());
        assert!(keys.find(&[1; 32], at(300)).is_none());
        assert!(keys.find(&[2; 32], at(0)).is_none());
        assert_eq!(keys.next_end(), Some(at(300)));
        let weak = Arc::downgrade(&keys.find(&[1; 32], at(0)).unwrap());
        keys.forget(at(300));
        assert!(weak.upgrade().is_none(), "what has ended is wiped, not hidden");
        assert_eq!(keys.next_end(), None);
    }

    #[test]
    fn there_are_never_too_many() {
        let keys = BucketKeys::default();
        let name = |number: usize| name_of(&[&number.to_be_bytes()]);
        for number in 0..KEYS_MAX + 2 {
            keys.keep(name(number), key(), at(300 + number as i64), at(0));
        }
        assert!(keys.find(&name(1), at(0)).is_none(), "the one that ends first goes");
        assert!(keys.find(&name(2), at(0)).is_some());
        assert_eq!(keys.0.read().unwrap().len(), KEYS_MAX);
    }

    #[test]
    fn names_do_not_run_together() {
        assert_ne!(name_of(&[b"ab", b"c"]), name_of(&[b"a", b"bc"]));
    }
}

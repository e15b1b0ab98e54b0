//! Signing keys, derived once a day per key, Region and service, and remembered.

use crate::{Scope, canonical::TERMINATOR};
use aws_lc_rs::{digest, hmac};
use base::Secret;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use zeroize::Zeroize;

/// A derived signing key. Good for one day, Region and service.
pub(crate) type SigningKey = Arc<hmac::Key>;

/// Signing keys kept per generation; two generations are kept.
const GENERATION_KEYS_MAX: usize = 4096;

/// Remembers derived signing keys, so that a request costs one HMAC and not five.
///
/// Bounded: at most two generations of 4096 keys, the older dropped when the younger is full. An entry is found
/// by a hash over access key id, secret and scope, so a changed secret never meets a key of the old one, and secrets are
/// not kept. Share one per process.
#[derive(Default)]
pub struct SigningKeys(RwLock<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<[u8; 32], SigningKey>,
    old: HashMap<[u8; 32], SigningKey>,
}

impl SigningKeys {
    /// An empty cache.
    pub fn new() -> SigningKeys {
        SigningKeys::default()
    }

    /// The signing key, derived or remembered.
    pub(crate) fn signing_key(&self, access_key_id: &str, secret: &Secret<String>, scope: &Scope) -> SigningKey {
        let name = fingerprint(access_key_id, secret, scope);
        if let Some(key) = self.0.read().unwrap_or_else(PoisonError::into_inner).young.get(&name) {
            return Arc::clone(key);
        }
        let mut generations = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let key = match generations.old.remove(&name) {
            Some(key) => key,
            None => Arc::new(derive(secret, scope)),
        };
        if generations.young.len() >= GENERATION_KEYS_MAX {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(name, Arc::clone(&key));
        key
    }
}

fn fingerprint(access_key_id: &str, secret: &Secret<String>, scope: &Scope) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in [
        access_key_id,
        secret.expose(),
        &scope.date,
        &scope.region,
        &scope.service,
    ] {
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    crate::canonical::into_32(hash.finish().as_ref())
}

/// `HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request")`
fn derive(secret: &Secret<String>, scope: &Scope) -> hmac::Key {
    let mut first = format!("AWS4{}", secret.expose());
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes());
    first.zeroize();
    for part in [&scope.date, &scope.region, &scope.service, TERMINATOR] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(date: &str, region: &str, service: &str) -> Scope {
        Scope {
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        }
    }

    /// The signing key of AWS's documentation for this secret and scope, seen through what it signs.
    #[test]
    fn the_derived_key_is_awss() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned());
        let key = derive(&secret, &scope("20120215", "us-east-1", "iam"));
        let direct = hex::decode("f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d").unwrap();
        let direct = hmac::Key::new(hmac::HMAC_SHA256, &direct);
        assert_eq!(hmac::sign(&key, b"x").as_ref(), hmac::sign(&direct, b"x").as_ref());
    }

    #[test]
    fn the_cache_stays_bounded_and_a_new_secret_gets_a_new_key() {
        let keys = SigningKeys::new();
        let secret = Secret::new("s".to_owned());
        let day = scope("20240101", "us-east-1", "s3");
        let first = keys.signing_key("AKIA0", &secret, &day);
        assert!(Arc::ptr_eq(&first, &keys.signing_key("AKIA0", &secret, &day)));
        let other = keys.signing_key("AKIA0", &Secret::new("t".to_owned()), &day);
        assert_ne!(hmac::sign(&first, b"x").as_ref(), hmac::sign(&other, b"x").as_ref());
        for i in 0..3 * GENERATION_KEYS_MAX {
            keys.signing_key(&format!("AKIA{i}"), &secret, &day);
        }
        let generations = keys.0.read().unwrap();
        assert!(generations.young.len() <= GENERATION_KEYS_MAX && generations.old.len() <= GENERATION_KEYS_MAX);
    }
}

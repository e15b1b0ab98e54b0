//! A keyring: what an account's secrets are sealed under, and how that is changed while it is used.

use crate::{
    DoesNotOpen, EnvelopeFault, Key256,
    root::{WrappedKey, is_wrapped_under, unwrap_under, wrap_under},
    small,
};
use base::Random;

/// The keys of one account. The current one seals; the others opened what is not sealed anew yet.
#[derive(Clone)]
pub struct Keyring {
    current: Key256,
    older: Vec<Key256>,
}

impl From<Key256> for Keyring {
    fn from(current: Key256) -> Keyring {
        Keyring::new(current, Vec::new())
    }
}

impl Keyring {
    /// A keyring that seals with `current`.
    pub const fn new(current: Key256, older: Vec<Key256>) -> Keyring {
        Keyring { current, older }
    }

    /// A new keyring of one random key.
    pub fn generate(random: &Random) -> Keyring {
        Keyring::from(Key256::generate(random))
    }

    /// The key that seals.
    pub const fn current(&self) -> &Key256 {
        &self.current
    }

    /// Whether something may still be sealed under another key than the one that seals.
    pub const fn has_older(&self) -> bool {
        !self.older.is_empty()
    }

    /// Every key, the one that seals first.
    pub fn keys(&self) -> impl Iterator<Item = &Key256> {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// Wraps a key for `purpose`.
    pub fn wrap(&self, key: &Key256, purpose: &str, random: &Random) -> WrappedKey {
        wrap_under(&self.current, key, purpose, random)
    }

    /// Unwraps what any of its keys wrapped for the same purpose.
    pub fn unwrap(&self, wrapped: &WrappedKey, purpose: &str) -> Result<Key256, EnvelopeFault> {
        let mut found = Err(EnvelopeFault::WrappedUnderAnotherKey);
        for key in self.keys() {
            found = unwrap_under(key, wrapped, purpose);
            if !matches!(found, Err(EnvelopeFault::WrappedUnderAnotherKey)) {
                break;
            }
        }
        found
    }

    /// Seals a small value as that of `identity`.
    pub fn seal(&self, identity: &[u8], plaintext: &[u8], random: &Random) -> Vec<u8> {
        small::seal(&self.current, identity, plaintext, random)
    }

    /// Opens what any of its keys sealed for the same identity.
    pub fn open(&self, identity: &[u8], sealed: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
        let mut keys = self.keys();
        keys.find_map(|key| small::open(key, identity, sealed).ok())
            .ok_or(DoesNotOpen)
    }

    /// What an older key wrapped, wrapped under the current one; `None` for what needs it not, and for what none wrapped.
    pub fn rewrap(
        &self,
        wrapped: &WrappedKey,
        purpose: &str,
        random: &Random,
    ) -> Result<Option<WrappedKey>, EnvelopeFault> {
        match self.older.iter().find(|key| is_wrapped_under(key, wrapped)) {
            None => Ok(None),
            Some(older) => Ok(Some(self.wrap(
                &unwrap_under(older, wrapped, purpose)?,
                purpose,
                random,
            ))),
        }
    }

    /// What an older key sealed, sealed under the current one; `None` for what needs it not.
    pub fn reseal(&self, identity: &[u8], sealed: &[u8], random: &Random) -> Result<Option<Vec<u8>>, DoesNotOpen> {
        if self.older.is_empty() || small::open(&self.current, identity, sealed).is_ok() {
            return Ok(None);
        }
        let plain = base::Secret::new(self.open(identity, sealed)?);
        Ok(Some(self.seal(identity, plain.expose(), random)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_old_opens_and_is_made_new(seed: u64, plain in proptest::collection::vec(any::<u8>(), 0..40)) {
            let random = Random::seeded(seed);
            let before = Keyring::generate(&random);
            let between = Keyring::new(Key256::generate(&random), vec![before.current().clone()]);
            let after = Keyring::from(between.current().clone());
            let key = Key256::generate(&random);

            let wrapped = before.wrap(&key, "p", &random);
            let same = |keyring: &Keyring, wrapped: &WrappedKey| {
                keyring.unwrap(wrapped, "p").is_ok_and(|opened| opened.expose() == key.expose())
            };
            prop_assert!(same(&before, &wrapped) && same(&between, &wrapped) && !same(&after, &wrapped));
            prop_assert!(between.unwrap(&wrapped, "q").is_err());
            let renewed = between.rewrap(&wrapped, "p", &random).unwrap().unwrap();
            prop_assert!(same(&after, &renewed) && same(&between, &renewed));
            prop_assert_eq!(between.rewrap(&renewed, "p", &random), Ok(None));
            prop_assert!(between.rewrap(&wrapped, "q", &random).is_err());
            prop_assert_eq!(after.rewrap(&wrapped, "p", &random), Ok(None));

            let sealed = before.seal(b"i", &plain, &random);
            prop_assert_eq!(between.open(b"i", &sealed), Ok(plain.clone()));
            prop_assert!(after.open(b"i", &sealed).is_err() && between.open(b"j", &sealed).is_err());
            let renewed = between.reseal(b"i", &sealed, &random).unwrap().unwrap();
            prop_assert_eq!(after.open(b"i", &renewed), Ok(plain));
            prop_assert_eq!(between.reseal(b"i", &renewed, &random), Ok(None));
            prop_assert!(between.reseal(b"j", &sealed, &random).is_err());
        }
    }
}

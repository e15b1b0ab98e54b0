//! An access key.

use super::user::Owner;
use base::{AccountId, Fault, Random, Secret, Timestamp, ids};
use envelope::Keyring;
use gateway::rotation::Renewal;
use serde::{Deserialize, Serialize};

/// Access keys of one user, or of root.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) const ACCESS_KEYS_PER_USER_MAX: usize = 2;

/// An access key, as it is stored: the secret sealed under the account's keyring.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    /// `AKIA…`
    pub(crate) id: String,
    pub(crate) account: AccountId,
    pub(crate) owner: Owner,
    pub(crate) active: bool,
    pub(crate) created: Timestamp,
    sealed: Vec<u8>,
}

impl AccessKey {
    /// A new key with its secret, which can be had in clear only here and by [`AccessKey::open`].
    pub(crate) fn generate(
        keyring: &Keyring,
        account: AccountId,
        owner: Owner,
        random: &Random,
        now: Timestamp,
    ) -> (AccessKey, Secret<String>) {
        let id = ids::access_key_id("AKIA", random);
        let secret = Secret::new(ids::secret_access_key(random));
        let sealed = keyring.seal(&identity(account, &id), secret.expose().as_bytes(), random);
        let key = AccessKey {
            id,
            account,
            owner,
            active: true,
            created: now.floor_second(),
            sealed,
        };
        (key, secret)
    }

    /// The secret access key.
    pub(crate) fn open(&self, keyring: &Keyring) -> Result<Secret<String>, Fault> {
        let what = || format!("the secret of access key {}", self.id);
        let plain = keyring
            .open(&identity(self.account, &self.id), &self.sealed)
            .map_err(|fault| Fault::corrupt_by(what(), fault))?;
        // The bytes are moved, not copied, into the text; on failure they go no further.
        String::from_utf8(plain)
            .map(Secret::new)
            .map_err(|_| Fault::corrupt(what()))
    }

    /// The same with its secret under the account's current keyring; `None` when it is.
    pub(crate) fn renewed(mut self, renewal: &Renewal) -> Result<Option<AccessKey>, Fault> {
        let renewed = renewal.sealed(self.account, &identity(self.account, &self.id), &self.sealed)?;
        Ok(renewed.map(|sealed| {
            self.sealed = sealed;
            self
        }))
    }

    /// `Active` or `Inactive`.
    pub(crate) fn status(&self) -> &'static str {
        if self.active { "Active" } else { "Inactive" }
    }
}

/// A sealed secret opens only as the secret of this key of this account.
fn identity(account: AccountId, id: &str) -> Vec<u8> {
    format!("iam/access-key/{account}/{id}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Stored;

    #[test]
    fn the_secret_is_sealed_to_its_key() {
        let random = Random::seeded(3);
        let (keyring, other) = (Keyring::generate(&random), Keyring::generate(&random));
        let (key, secret) = AccessKey::generate(&keyring, AccountId::FIRST, Owner::Root, &random, Timestamp::EPOCH);
        assert_eq!(key.open(&keyring).unwrap().expose(), secret.expose());
        assert!(key.open(&other).is_err());
        let moved = AccessKey {
            id: "AKIAAAAAAAAAAAAAAAAA".to_owned(),
            ..key.clone()
        };
        assert!(moved.open(&keyring).is_err());
        let row = key.encode().unwrap();
        let inside = |text: &str| row.windows(text.len()).any(|bytes| bytes == text.as_bytes());
        assert!(inside(&key.id) && !inside(secret.expose()));
        assert_eq!(AccessKey::decode(&row).unwrap().sealed, key.sealed);
    }
}

//! A KMS key as it is kept.

use crate::{
    error::KmsError,
    model::{
        ALIASES_PER_KEY_MAX, KeySpec, KeyUsage, Material, MultiRegion, Origin, Rotation, SYMMETRIC_DEFAULT, Tag,
        grant::GRANTS_PER_KEY_MAX,
    },
};
use base::{AccountId, Arn, Random, Region, Timestamp, arn, ids};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A key's id: a UUID in lower case, or `mrk-` and 32 hex digits for a key of several Regions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// A new id of a key of one Region.
    pub fn generate(random: &Random) -> KeyId {
        KeyId(ids::uuid(random))
    }

    /// A new id of a key of several Regions.
    pub fn generate_multi_region(random: &Random) -> KeyId {
        KeyId(format!("mrk-{}", ids::uuid(random).replace('-', "")))
    }

    /// Takes text of one of the two shapes. AWS reads upper case too, and answers in lower case.
    pub fn parse(text: &str) -> Option<KeyId> {
        let shaped = match text.strip_prefix("mrk-") {
            Some(tail) => tail.len() == 32 && tail.bytes().all(|b| b.is_ascii_hexdigit()),
            None => text.len() == 36 && text.bytes().enumerate().all(uuid_byte),
        };
        shaped.then(|| KeyId(text.to_ascii_lowercase()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn uuid_byte((at, byte): (usize, u8)) -> bool {
    match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who manages a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyManager {
    /// An AWS service, on first use: `aws/s3`.
    Aws,
    /// The account.
    Customer,
}

impl KeyManager {
    /// As `KeyMetadata` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyManager::Aws => "AWS",
            KeyManager::Customer => "CUSTOMER",
        }
    }
}

/// The state of a key. What each state blocks is [`crate::model::state`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    /// Being made.
    Creating,
    /// Not to be used for now.
    Disabled,
    /// In use.
    Enabled,
    /// To be deleted once the date has come.
    PendingDeletion {
        /// When it is deleted.
        deletion_date: Timestamp,
    },
    /// Has no key material yet, or no longer.
    PendingImport,
    /// To be deleted, after a window of its own, when its last replica is.
    PendingReplicaDeletion {
        /// The window.
        window_days: u32,
    },
    /// Its key store does not answer.
    Unavailable,
    /// Becoming the primary, or no longer being it.
    Updating,
}

impl KeyState {
    /// As `KeyMetadata` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyState::Creating => "Creating",
            KeyState::Disabled => "Disabled",
            KeyState::Enabled => "Enabled",
            KeyState::PendingDeletion { .. } => "PendingDeletion",
            KeyState::PendingImport => "PendingImport",
            KeyState::PendingReplicaDeletion { .. } => "PendingReplicaDeletion",
            KeyState::Unavailable => "Unavailable",
            KeyState::Updating => "Updating",
        }
    }

    /// When a key that is pending deletion is deleted.
    pub fn deletion_date(self) -> Option<Timestamp> {
        match self {
            KeyState::PendingDeletion { deletion_date } => Some(deletion_date),
            _ => None,
        }
    }
}

/// The SHA-256 of a key policy's text, by which its parsed form is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyDigest(pub [u8; 32]);

/// That a key has grants, which lie in rows of their own: a key without any is used without looking for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantsMark {
    /// How many there are. INVARIANT: never 0.
    pub count: u32,
    /// New with every change of them: what was read of them under another stamp is out of date.
    pub stamp: [u8; 16],
}

/// A KMS key. Its policy's text lies in a row of its own, for it is long and seldom read. The related keys of several
/// Regions are keys of their own, of one id, and change together in what they share: material, origin, spec, usage and
/// rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The owner.
    pub account: AccountId,
    /// Where it is.
    pub region: Region,
    /// Its id, unique in the Region.
    pub id: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// The owner's words.
    pub description: String,
    /// Who manages it.
    pub manager: KeyManager,
    /// Its state.
    pub state: KeyState,
    /// Which text its policy has.
    pub policy: PolicyDigest,
    /// The kind of its material.
    pub spec: KeySpec,
    /// What it is for. INVARIANT: one of the spec's usages.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// Every version of its material, oldest first, the last the current one. INVARIANT: empty only while it waits for
    /// its first import.
    pub material: Vec<Material>,
    /// Material that was brought and waits for RotateKeyOnDemand to make it the current one.
    pub staged: Option<Material>,
    /// Whether and when its material is replaced.
    pub rotation: Rotation,
    /// That it is of several Regions.
    pub multi_region: Option<MultiRegion>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// The names of its aliases, sorted. Every operation on the key shows them to conditions (`kms:ResourceAliases`).
    pub aliases: Vec<String>,
    /// Its grants; `None` when there are none.
    pub grants: Option<GrantsMark>,
}

impl Key {
    /// The ARN.
    pub fn arn(&self) -> Arn {
        arn::kms_key(&self.region, self.account, self.id.as_str())
    }

    /// The ARN of its related key in a Region.
    pub fn arn_in(&self, region: &Region) -> Arn {
        arn::kms_key(region, self.account, self.id.as_str())
    }

    /// Goes on only if the key is for `usage`; `operation` is what needs it.
    pub fn permit_usage(&self, usage: KeyUsage, operation: &'static str) -> Result<(), KmsError> {
        match self.usage == usage {
            true => Ok(()),
            false => Err(KmsError::KeyUsage {
                key: self.arn(),
                usage: self.usage,
                operation,
            }),
        }
    }

    /// Goes on only if the key is symmetric and for encryption; `operation` is what needs it.
    pub fn permit_symmetric(&self, operation: &'static str) -> Result<(), KmsError> {
        self.permit_usage(KeyUsage::EncryptDecrypt, operation)?;
        self.permit_algorithm(SYMMETRIC_DEFAULT)
    }

    /// Goes on only if the key has the algorithm.
    pub fn permit_algorithm(&self, algorithm: &str) -> Result<(), KmsError> {
        match self.spec.algorithms(self.usage).contains(&algorithm) {
            true => Ok(()),
            false => Err(KmsError::IncompatibleAlgorithm {
                algorithm: algorithm.to_owned(),
                spec: self.spec,
            }),
        }
    }

    /// The material that new ciphertexts are made with.
    pub fn current(&self) -> Option<&Material> {
        self.material.last()
    }

    /// Whether the material that was brought, and is permanently the key's, expires, in AWS's words; nothing of a key that
    /// has none.
    pub fn expiration_model(&self) -> Option<&'static str> {
        let current = self.current().filter(|current| current.wrapped.is_some())?;
        current.import.as_ref()?;
        Some(match self.valid_to() {
            Some(_) => "KEY_MATERIAL_EXPIRES",
            None => "KEY_MATERIAL_DOES_NOT_EXPIRE",
        })
    }

    /// When the first of the material that is permanently the key's expires.
    pub fn valid_to(&self) -> Option<Timestamp> {
        self.material.iter().filter_map(Material::expires).min()
    }

    /// When the first of its material expires, what waits for a rotation included.
    pub fn expires(&self) -> Option<Timestamp> {
        let all = self.material.iter().chain(&self.staged);
        all.filter_map(Material::expires).min()
    }

    /// Takes an alias up among its own.
    pub fn add_alias(&mut self, name: &str) -> Result<(), KmsError> {
        let Err(at) = self.aliases.binary_search_by(|alias| alias.as_str().cmp(name)) else {
            return Ok(());
        };
        if self.aliases.len() >= ALIASES_PER_KEY_MAX {
            return Err(KmsError::LimitExceeded(
                "The number of aliases for this KMS key has reached its limit of 50.",
            ));
        }
        self.aliases.insert(at, name.to_owned());
        Ok(())
    }

    /// Gives an alias up.
    pub fn remove_alias(&mut self, name: &str) {
        self.aliases.retain(|alias| alias != name);
    }

    /// Counts a grant that is made.
    pub fn add_grant(&mut self, random: &Random) -> Result<(), KmsError> {
        let count = self.grants.map_or(0, |mark| mark.count);
        if count >= GRANTS_PER_KEY_MAX {
            return Err(KmsError::LimitExceeded(
                "The number of grants for this KMS key has reached its limit of 50000.",
            ));
        }
        self.mark_grants(count.saturating_add(1), random);
        Ok(())
    }

    /// Counts a grant that is taken back.
    pub fn remove_grant(&mut self, random: &Random) {
        let count = self.grants.map_or(0, |mark| mark.count);
        self.mark_grants(count.saturating_sub(1), random);
    }

    fn mark_grants(&mut self, count: u32, random: &Random) {
        let stamp = random.bytes();
        self.grants = (count > 0).then_some(GrantsMark { count, stamp });
    }

    /// The material that a ciphertext names.
    pub fn version(&self, version: u32) -> Option<&Material> {
        self.material.iter().find(|material| material.version == version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn a_key_id_is_a_uuid_or_an_mrk() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(KeyId::parse(text).as_ref().map(KeyId::as_str), expected, "{text}");
        };
        let uuid = "1234abcd-12ab-34cd-56ef-1234567890ab";
        check(uuid, Some(uuid));
        check(&uuid.to_uppercase(), Some(uuid));
        check(
            "mrk-1234abcd12ab34cd56ef1234567890ab",
            Some("mrk-1234abcd12ab34cd56ef1234567890ab"),
        );
        for bad in [
            "",
            "fake-key-id",
            "1234abcd12ab34cd56ef1234567890ab",
            "1234abcd-12ab-34cd-56ef-1234567890a",
            "1234abcd-12ab-34cd-56ef-1234567890ag",
            "1234abcd-12ab-34cd-56ef_1234567890ab",
            "mrk-1234",
            "mrk-fake-key-id",
            "mrk-1234abcd-12ab-34cd-56ef-1234567890a",
            "日本語日本語日本語日本語",
        ] {
            check(bad, None);
        }
        let random = Random::seeded(1);
        for id in [KeyId::generate(&random), KeyId::generate_multi_region(&random)] {
            assert_eq!(KeyId::parse(id.as_str()), Some(id));
        }
    }

    #[test]
    fn grants_are_counted_up_to_a_limit_and_every_change_is_marked() {
        let random = Random::seeded(1);
        let mut key = crate::table::tests::key();
        key.add_grant(&random).unwrap();
        let first = key.grants.unwrap();
        assert_eq!(first.count, 1);
        key.add_grant(&random).unwrap();
        let second = key.grants.unwrap();
        assert!(second.count == 2 && second.stamp != first.stamp);
        key.remove_grant(&random);
        key.remove_grant(&random);
        assert_eq!(key.grants, None);
        key.grants = Some(GrantsMark {
            count: GRANTS_PER_KEY_MAX,
            stamp: first.stamp,
        });
        assert_eq!(key.add_grant(&random).unwrap_err().code(), "LimitExceededException");
    }
}

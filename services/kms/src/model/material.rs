//! The versions of a key's material: how they are wrapped, how they came to be the current one, and whether they were
//! brought.

use crate::model::{
    KeyId, KeySpec,
    asymmetric::{PairKind, PrivateKey},
};
use base::{AccountId, Fault, Random, Secret, Timestamp};
use envelope::{Key256, Keyring, WrappedKey};
use gateway::rotation::Renewal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The id of one version of a key's material: shown as 64 hex digits, never used again for other material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaterialId([u8; 32]);

impl MaterialId {
    /// A new id.
    pub fn generate(random: &Random) -> MaterialId {
        MaterialId(random.bytes())
    }

    /// The id of material that was brought, which is the same whenever it is brought again.
    pub fn of_import(fingerprint: [u8; 32]) -> MaterialId {
        MaterialId(fingerprint)
    }
}

impl fmt::Display for MaterialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        let digits: String = self
            .0
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
            .collect();
        f.write_str(&digits)
    }
}

/// Material in clear: 32 bytes of a symmetric key; of an HMAC key as many as its digest has; of RSA and ECC keys PKCS #8.
pub enum ClearMaterial {
    /// Of a symmetric key.
    Key(Key256),
    /// Of any other.
    Bytes(Secret<Vec<u8>>),
}

impl ClearMaterial {
    /// New material of a spec. RSA takes its time.
    pub fn generate(spec: KeySpec, random: &Random) -> Result<ClearMaterial, Fault> {
        let length = match spec {
            KeySpec::SymmetricDefault => return Ok(ClearMaterial::Key(Key256::generate(random))),
            KeySpec::Hmac224 => 28,
            KeySpec::Hmac256 => 32,
            KeySpec::Hmac384 => 48,
            KeySpec::Hmac512 => 64,
            _ => {
                let kind = PairKind::of_key(spec).ok_or(Fault::Bug("a spec has no material"))?;
                return Ok(ClearMaterial::Bytes(kind.generate()?.private));
            }
        };
        // Drawn where it stays, so that no copy of it is left behind.
        let mut bytes = vec![0; length];
        random.fill(&mut bytes);
        Ok(ClearMaterial::Bytes(Secret::new(bytes)))
    }

    /// Takes bytes that were brought for material of a spec; `None` when they are none.
    pub fn brought(spec: KeySpec, bytes: Secret<Vec<u8>>) -> Option<ClearMaterial> {
        let length = bytes.expose().len();
        let fits = match spec {
            KeySpec::SymmetricDefault => return Key256::from_slice(bytes.expose()).map(ClearMaterial::Key),
            KeySpec::Hmac224 => length == 28,
            KeySpec::Hmac256 => length == 32,
            KeySpec::Hmac384 => length == 48,
            KeySpec::Hmac512 => length == 64,
            _ => spec
                .usages()
                .iter()
                .all(|usage| PrivateKey::parse(spec, *usage, bytes.expose()).is_ok()),
        };
        fits.then_some(ClearMaterial::Bytes(bytes))
    }
}

/// Material wrapped under the account's keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WrappedMaterial {
    /// 32 bytes.
    Key(WrappedKey),
    /// Any number of bytes, sealed as a small value with the purpose for an identity.
    Bytes(Vec<u8>),
}

impl WrappedMaterial {
    /// Wraps material for a purpose, which must be given again to unwrap it.
    pub fn wrap(keyring: &Keyring, clear: &ClearMaterial, purpose: &str, random: &Random) -> WrappedMaterial {
        match clear {
            ClearMaterial::Key(key) => WrappedMaterial::Key(keyring.wrap(key, purpose, random)),
            ClearMaterial::Bytes(bytes) => {
                WrappedMaterial::Bytes(keyring.seal(purpose.as_bytes(), bytes.expose(), random))
            }
        }
    }

    /// Unwraps it.
    pub fn unwrap(&self, keyring: &Keyring, purpose: &str) -> Result<ClearMaterial, Fault> {
        let does_not = || format!("material wrapped as `{purpose}`");
        match self {
            WrappedMaterial::Key(wrapped) => keyring
                .unwrap(wrapped, purpose)
                .map(ClearMaterial::Key)
                .map_err(|e| Fault::corrupt_by(does_not(), e)),
            WrappedMaterial::Bytes(sealed) => keyring
                .open(purpose.as_bytes(), sealed)
                .map(|bytes| ClearMaterial::Bytes(Secret::new(bytes)))
                .map_err(|e| Fault::corrupt_by(does_not(), e)),
        }
    }

    /// The same under the account's current keyring; `None` when it is.
    pub fn renew(
        &self,
        account: AccountId,
        purpose: &str,
        renewal: &Renewal,
    ) -> Result<Option<WrappedMaterial>, Fault> {
        Ok(match self {
            WrappedMaterial::Key(wrapped) => renewal.wrapped(wrapped, purpose)?.map(WrappedMaterial::Key),
            WrappedMaterial::Bytes(sealed) => renewal
                .sealed(account, purpose.as_bytes(), sealed)?
                .map(WrappedMaterial::Bytes),
        })
    }

    /// The wrapped bytes: no two versions of any key have the same.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            WrappedMaterial::Key(wrapped) => wrapped.as_bytes(),
            WrappedMaterial::Bytes(sealed) => sealed,
        }
    }
}

/// Why material became the current one in the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RotationType {
    /// Its time had come.
    Automatic,
    /// RotateKeyOnDemand.
    OnDemand,
}

impl RotationType {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            RotationType::Automatic => "AUTOMATIC",
            RotationType::OnDemand => "ON_DEMAND",
        }
    }
}

/// What is kept of material that the account brought, also when the material itself is deleted or has expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// When it expires.
    pub expires: Option<Timestamp>,
    /// The owner's words.
    pub description: Option<String>,
}

/// One version of a key's material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// Counts up from 1; ciphertexts name it.
    pub version: u32,
    /// The id that records and answers show.
    pub id: MaterialId,
    /// Since when it is the current one.
    pub created: Timestamp,
    /// The material itself; `None` of brought material that is deleted or has expired.
    pub wrapped: Option<WrappedMaterial>,
    /// How it became the current one; `None` of the first.
    pub rotation: Option<RotationType>,
    /// That it was brought.
    pub import: Option<Import>,
}

impl Material {
    /// What the material is wrapped for. Material of another key or version does not open under it; that of one
    /// multi-Region key is the same in each of its Regions.
    pub fn purpose(key_id: &KeyId, version: u32) -> String {
        format!("kms key {key_id} material {version}")
    }

    /// When it expires, as long as it is there.
    pub fn expires(&self) -> Option<Timestamp> {
        self.wrapped.as_ref()?;
        self.import.as_ref()?.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_material_id_is_64_hex_digits() {
        let id = MaterialId::generate(&Random::seeded(1)).to_string();
        assert!(id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    }

    /// RSA of more than 2048 bits takes too long here.
    #[test]
    fn material_of_every_spec_opens_in_its_place_only() {
        let random = Random::seeded(1);
        let keyring = Keyring::generate(&random);
        let bytes = |clear: &ClearMaterial| match clear {
            ClearMaterial::Key(key) => key.expose().to_vec(),
            ClearMaterial::Bytes(bytes) => bytes.expose().clone(),
        };
        for spec in KeySpec::ALL {
            if matches!(spec, KeySpec::Rsa3072 | KeySpec::Rsa4096) {
                continue;
            }
            let clear = ClearMaterial::generate(spec, &random).unwrap();
            let wrapped = WrappedMaterial::wrap(&keyring, &clear, "place", &random);
            let opened = wrapped.unwrap(&keyring, "place").unwrap();
            assert_eq!(bytes(&opened), bytes(&clear), "{spec}");
            assert!(wrapped.unwrap(&keyring, "another").is_err(), "{spec}");
        }
    }
}

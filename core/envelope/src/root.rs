//! Keys wrapped under keys: root → keyring → key material.

use crate::{
    EnvelopeFault, Key256,
    aead::{TAG_BYTES, XNONCE_BYTES, extended},
};
use aws_lc_rs::{digest, hmac};
use base::{Random, Secret};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroize;

/// What everything else hangs on: a key in a file, a device or another service that wraps and unwraps keyrings.
///
/// Its key can be changed while it is used: [`RootOfTrust::renew`], then everything that is not
/// [`RootOfTrust::is_current`] wrapped anew, then [`RootOfTrust::retire`]. A crash at any point leaves a root that unwraps
/// all that was wrapped.
pub trait RootOfTrust: Send + Sync {
    /// Wraps `key`. `purpose` says what for (such as an account's keyring), is authenticated, and must be given again.
    fn wrap(&self, key: &Key256, purpose: &str, random: &Random) -> Result<WrappedKey, EnvelopeFault>;

    /// Unwraps what [`RootOfTrust::wrap`] made for the same purpose, also under a key before the one that wraps now.
    fn unwrap(&self, wrapped: &WrappedKey, purpose: &str) -> Result<Key256, EnvelopeFault>;

    /// Whether the key that wraps now has wrapped this. Says nothing about whether it opens.
    fn is_current(&self, wrapped: &WrappedKey) -> bool;

    /// Makes a new key, durably, and wraps with it from then on. While one is not retired yet, goes on with that.
    fn renew(&self, random: &Random) -> Result<(), EnvelopeFault>;

    /// Whether there is an older key that is not retired yet.
    fn is_renewing(&self) -> bool;

    /// Gives up, durably, every key but the one that wraps now. Nothing may be wrapped by those any more.
    fn retire(&self) -> Result<(), EnvelopeFault>;
}

/// A key in its wrapped form, fit to be stored. The first byte is the version.
///
/// Version 1: `1 | id of the wrapping key (8) | nonce (24) | ciphertext (32) | tag (16)` under XAES-256-GCM. A root of
/// trust of another kind takes another first byte.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WrappedKey(Vec<u8>);

const VERSION: u8 = 1;
const ID_BYTES: usize = 8;

/// Which key has wrapped a key. Tells nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WrappingId([u8; ID_BYTES]);

impl WrappingId {
    /// The name of a key as one that wraps.
    pub fn of(key: &Key256) -> WrappingId {
        WrappingId(key_id(key))
    }
}

impl WrappedKey {
    /// Takes bytes as they were stored; says nothing about whether they open.
    pub const fn from_bytes(bytes: Vec<u8>) -> WrappedKey {
        WrappedKey(bytes)
    }

    /// The bytes, to be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// By which key it says that it was wrapped; `None` when it is no wrapped key of a known version.
    pub fn wrapping_id(&self) -> Option<WrappingId> {
        split(&self.0).map(|(id, ..)| WrappingId(*id))
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({} bytes)", self.0.len())
    }
}

/// Wraps `key` under `parent` for `purpose`, such as the id and version of a KMS key's material.
pub fn wrap_under(parent: &Key256, key: &Key256, purpose: &str, random: &Random) -> WrappedKey {
    let id = key_id(parent);
    let nonce = random.bytes();
    let (cipher, short) = extended(parent, &nonce);
    let mut body = *key.expose();
    let tag = cipher.seal(short, &aad(purpose), &mut body);
    let mut out = vec![VERSION];
    for part in [&id[..], &nonce, &body, &tag] {
        out.extend_from_slice(part);
    }
    WrappedKey(out)
}

/// Unwraps what [`wrap_under`] made under the same parent for the same purpose.
pub fn unwrap_under(parent: &Key256, wrapped: &WrappedKey, purpose: &str) -> Result<Key256, EnvelopeFault> {
    let (id, nonce, body) = split(&wrapped.0).ok_or(EnvelopeFault::Malformed)?;
    if *id != key_id(parent) {
        return Err(EnvelopeFault::WrappedUnderAnotherKey);
    }
    let (cipher, short) = extended(parent, nonce);
    let mut body = *body;
    let opened = cipher
        .open(short, &aad(purpose), &mut body)
        .map_err(|_| EnvelopeFault::DoesNotOpen)
        .and_then(|plain| Key256::from_slice(plain).ok_or(EnvelopeFault::Malformed));
    body.zeroize();
    opened
}

/// Whether `parent` has wrapped this. Says nothing about whether it opens.
pub fn is_wrapped_under(parent: &Key256, wrapped: &WrappedKey) -> bool {
    wrapped.wrapping_id() == Some(WrappingId::of(parent))
}

type Parts<'a> = (&'a [u8; ID_BYTES], &'a [u8; XNONCE_BYTES], &'a [u8; 32 + TAG_BYTES]);

fn split(bytes: &[u8]) -> Option<Parts<'_>> {
    let (&version, rest) = bytes.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (nonce, rest) = rest.split_first_chunk()?;
    (version == VERSION).then_some(())?;
    Some((id, nonce, rest.try_into().ok()?))
}

fn aad(purpose: &str) -> Vec<u8> {
    [b"shoseki wrapped key 1\0", purpose.as_bytes()].concat()
}

/// Names a key without telling anything about it, so that a swapped root key file is told from damage.
fn key_id(key: &Key256) -> [u8; ID_BYTES] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()), b"shoseki key id 1");
    tag.as_ref().first_chunk().copied().unwrap_or_default()
}

/// The root of trust that is kept in a file.
#[derive(Clone)]
pub struct RootKey(Key256);

/// The first word of the file. Its number is the version of the text format.
const TEXT_TAG: &str = "shoseki-root-key-1";

impl RootKey {
    /// A new random root.
    pub fn generate(random: &Random) -> RootKey {
        RootKey(Key256::generate(random))
    }

    /// Takes 32 bytes for the root.
    pub const fn from_bytes(bytes: [u8; 32]) -> RootKey {
        RootKey(Key256::from_bytes(bytes))
    }

    /// The text of the key file: one line, `shoseki-root-key-1 <64 hex digits> <8 hex digits of checksum>`.
    pub fn to_text(&self) -> Secret<String> {
        let key = Secret::new(hex::encode(self.0.expose()));
        Secret::new(format!("{TEXT_TAG} {} {}\n", key.expose(), checksum(&self.0)))
    }

    /// Reads the text of a key file.
    pub fn from_text(text: &str) -> Result<RootKey, EnvelopeFault> {
        let mut words = text.split_ascii_whitespace();
        let (Some(TEXT_TAG), Some(key_hex), Some(sum), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(EnvelopeFault::InvalidRootKeyText);
        };
        let mut key = Key256::from_bytes([0; 32]);
        hex::decode_to_slice(key_hex, key.expose_mut()).map_err(|_| EnvelopeFault::InvalidRootKeyText)?;
        if checksum(&key) != sum {
            return Err(EnvelopeFault::InvalidRootKeyText);
        }
        Ok(RootKey(key))
    }
}

fn checksum(key: &Key256) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(TEXT_TAG.as_bytes());
    context.update(key.expose());
    let sum = context.finish();
    hex::encode(sum.as_ref().first_chunk::<4>().unwrap_or(&[0; 4]))
}

/// One key, which nobody changes: what keeps it can, by having two for a while.
impl RootOfTrust for RootKey {
    fn wrap(&self, key: &Key256, purpose: &str, random: &Random) -> Result<WrappedKey, EnvelopeFault> {
        Ok(wrap_under(&self.0, key, purpose, random))
    }

    fn unwrap(&self, wrapped: &WrappedKey, purpose: &str) -> Result<Key256, EnvelopeFault> {
        unwrap_under(&self.0, wrapped, purpose)
    }

    fn is_current(&self, wrapped: &WrappedKey) -> bool {
        is_wrapped_under(&self.0, wrapped)
    }

    fn renew(&self, _: &Random) -> Result<(), EnvelopeFault> {
        Err(EnvelopeFault::RootUnavailable("this root key cannot be changed"))
    }

    fn is_renewing(&self) -> bool {
        false
    }

    fn retire(&self) -> Result<(), EnvelopeFault> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn unwraps_only_unaltered_and_for_its_purpose(seed: u64, at: prop::sample::Index) {
            let random = Random::seeded(seed);
            let (root, other) = (RootKey::generate(&random), RootKey::generate(&random));
            let key = Key256::generate(&random);
            let wrapped = root.wrap(&key, "keyring/000000000000", &random).unwrap();
            let open = |root: &RootKey, wrapped: &WrappedKey, purpose: &str| {
                root.unwrap(wrapped, purpose).map(|key| *key.expose())
            };
            prop_assert_eq!(open(&root, &wrapped, "keyring/000000000000"), Ok(*key.expose()));
            prop_assert!(root.is_current(&wrapped) && !other.is_current(&wrapped));
            prop_assert_eq!(open(&root, &wrapped, "keyring/000000000001"), Err(EnvelopeFault::DoesNotOpen));
            prop_assert_eq!(
                open(&other, &wrapped, "keyring/000000000000"),
                Err(EnvelopeFault::WrappedUnderAnotherKey)
            );
            let mut bytes = wrapped.as_bytes().to_vec();
            let cut = at.index(bytes.len());
            let short = WrappedKey::from_bytes(bytes.get(..cut).unwrap().to_vec());
            prop_assert_eq!(open(&root, &short, "keyring/000000000000"), Err(EnvelopeFault::Malformed));
            let bit = at.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(open(&root, &WrappedKey::from_bytes(bytes), "keyring/000000000000").is_err());
        }

        #[test]
        fn key_file_reads_back_and_shows_damage(bytes: [u8; 32], at: prop::sample::Index) {
            let text = RootKey::from_bytes(bytes).to_text().expose().clone();
            prop_assert_eq!(RootKey::from_text(&text).map(|root| *root.0.expose()), Ok(bytes));
            let mut damaged = text.trim_end().as_bytes().to_vec();
            let at = at.index(damaged.len());
            damaged[at] = if damaged[at] == b'0' { b'1' } else { b'0' };
            let damaged = String::from_utf8(damaged).unwrap();
            prop_assert!(RootKey::from_text(&damaged).is_err());
        }

        #[test]
        fn any_text_is_read_without_panic(text: String) {
            let _ = RootKey::from_text(&text);
        }
    }

    /// The formats are stored, so they may not move.
    #[test]
    fn formats_stand_still() {
        let root = RootKey::from_bytes([7; 32]);
        let wrapped = root
            .wrap(&Key256::from_bytes([9; 32]), "test", &Random::seeded(1))
            .unwrap();
        assert_eq!(
            hex::encode(wrapped.as_bytes()),
            "013aeb3dfe2e2f93309a3744504560639ec670b7a17d492b273e077b0a96bef58bce270fb4e6e1521fc3f616a84a1a3dbda476f0ab809374ef1b0b66dfad0aabdd9dbc372d4d9642643a1820d5f079b69a"
        );
        assert_eq!(
            root.to_text().expose(),
            "shoseki-root-key-1 0707070707070707070707070707070707070707070707070707070707070707 0f4b5e6a\n"
        );
    }
}

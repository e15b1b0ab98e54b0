//! The 256-bit key.

use crate::aead::or_abort;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base::Random;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A 256-bit symmetric key: wiped when dropped, with neither `Debug` nor `Serialize`, and no comparison.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key256([u8; 32]);

impl Key256 {
    /// A new random key.
    pub fn generate(random: &Random) -> Key256 {
        let mut key = Key256([0; 32]);
        random.fill(&mut key.0);
        key
    }

    /// The key that `salt` and `purpose` make of this one, by HKDF-SHA-256: one data key for many streams.
    pub fn derive(&self, salt: &[u8], purpose: &str) -> Key256 {
        struct Length;
        impl KeyType for Length {
            fn len(&self) -> usize {
                32
            }
        }
        let derived = Salt::new(HKDF_SHA256, salt).extract(&self.0);
        let info = [purpose.as_bytes()];
        let mut key = Key256([0; 32]);
        // HKDF gives up to 8,160 bytes.
        or_abort(or_abort(derived.expand(&info, Length)).fill(&mut key.0));
        key
    }

    /// Takes 32 bytes for a key.
    pub const fn from_bytes(bytes: [u8; 32]) -> Key256 {
        Key256(bytes)
    }

    /// Takes a slice for a key when it has 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Key256> {
        bytes.try_into().ok().map(Key256)
    }

    /// The bytes, to be used and not kept.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form is stored, so it may not move; another salt or purpose is another key.
    #[test]
    fn derived_keys_stand_still() {
        let key = Key256::from_bytes([7; 32]);
        let derived = |salt: &[u8], purpose| hex::encode(key.derive(salt, purpose).expose());
        let expected = "de3ff8860af48726c10d2d9c030310bd288e1c3a5de545bb77c5cb91952c381b";
        assert_eq!(derived(b"salt", "purpose"), expected);
        assert_ne!(derived(b"sale", "purpose"), expected);
        assert_ne!(derived(b"salt", "purposf"), expected);
    }
}

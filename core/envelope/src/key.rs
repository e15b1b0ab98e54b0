//! The 256-bit key.

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

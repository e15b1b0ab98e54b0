//! A keyed hash, for names that are looked up but not to be read.

use crate::Key256;
use aws_lc_rs::hmac;

/// HMAC-SHA-256 under one key, cut to eight bytes: names under it can be found and told apart, and neither read nor
/// guessed without the key. No proof that bytes are authentic.
pub struct KeyedHash(hmac::Key);

impl KeyedHash {
    /// The hash under `key`, which is to serve nothing else.
    pub fn new(key: &Key256) -> KeyedHash {
        KeyedHash(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// The hash of the parts, one after the other; the caller sees to it that they cannot run into one another.
    pub fn of(&self, parts: &[&[u8]]) -> [u8; 8] {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        let tag = context.sign();
        let mut short = [0; 8];
        short.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash is stored, so it may not move.
    #[test]
    fn hashes_stand_still() {
        let hash = KeyedHash::new(&Key256::from_bytes([7; 32]));
        assert_eq!(hash.of(&[b"a", b"b"]), hash.of(&[b"ab"]));
        assert_ne!(hash.of(&[b"a"]), hash.of(&[b"b"]));
        assert_ne!(
            hash.of(&[b"a"]),
            KeyedHash::new(&Key256::from_bytes([8; 32])).of(&[b"a"])
        );
        assert_eq!(hex::encode(hash.of(&[b"name"])), "f21af8357fca0c3e");
    }
}

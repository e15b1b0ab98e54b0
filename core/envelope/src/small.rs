//! Small values sealed whole: objects that live in their row, secrets in rows, journal blocks.
//!
//! `version 1 | nonce (24) | ciphertext | tag (16)` under XAES-256-GCM: one key may seal any number of values with random
//! nonces, which plain AES-256-GCM could not promise beyond some 2³² of them.

use crate::{
    DoesNotOpen, Key256,
    aead::{TAG_BYTES, XNONCE_BYTES, extended},
};
use base::Random;

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 1 + XNONCE_BYTES;

/// How much longer the sealed form is than the plaintext.
pub const OVERHEAD_BYTES: usize = HEAD_BYTES + TAG_BYTES;

/// Seals `plaintext` as the value of `identity` (such as a table and row key), which must be given again to open it.
pub fn seal(key: &Key256, identity: &[u8], plaintext: &[u8], random: &Random) -> Vec<u8> {
    let nonce = random.bytes();
    let (cipher, short) = extended(key, &nonce);
    let mut out = Vec::with_capacity(plaintext.len() + OVERHEAD_BYTES);
    out.push(VERSION);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plaintext);
    let tag = cipher.seal(short, identity, out.get_mut(HEAD_BYTES..).unwrap_or_default());
    out.extend_from_slice(&tag);
    out
}

/// Opens what [`seal`] made for the same identity.
pub fn open(key: &Key256, identity: &[u8], sealed: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
    let (&version, rest) = sealed.split_first().ok_or(DoesNotOpen)?;
    let (nonce, body) = rest.split_first_chunk::<XNONCE_BYTES>().ok_or(DoesNotOpen)?;
    if version != VERSION || body.len() < TAG_BYTES {
        return Err(DoesNotOpen);
    }
    let (cipher, short) = extended(key, nonce);
    let mut out = body.to_vec();
    let plain = cipher.open(short, identity, &mut out)?.len();
    out.truncate(plain);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn opens_only_unaltered_and_in_its_place(
            plain in proptest::collection::vec(any::<u8>(), 0..200),
            identity in proptest::collection::vec(any::<u8>(), 0..20),
            other in proptest::collection::vec(any::<u8>(), 0..20),
            seed: u64,
            at: prop::sample::Index,
        ) {
            let random = Random::seeded(seed);
            let (key, another) = (Key256::generate(&random), Key256::generate(&random));
            let mut sealed = seal(&key, &identity, &plain, &random);
            prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD_BYTES);
            prop_assert_eq!(open(&key, &identity, &sealed), Ok(plain.clone()));
            prop_assert_eq!(open(&another, &identity, &sealed), Err(DoesNotOpen));
            prop_assert_eq!(open(&key, &other, &sealed).is_ok(), identity == other);
            let cut = at.index(sealed.len());
            prop_assert_eq!(open(&key, &identity, sealed.get(..cut).unwrap()), Err(DoesNotOpen));
            let bit = at.index(sealed.len() * 8);
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(open(&key, &identity, &sealed), Err(DoesNotOpen));
        }
    }

    /// The format is stored, so it may not move: a fixed seed gives fixed bytes.
    #[test]
    fn format_stands_still() {
        let random = Random::seeded(1);
        let key = Key256::from_bytes([7; 32]);
        let sealed = seal(&key, b"row", b"value", &random);
        assert_eq!(
            hex::encode(&sealed),
            "019a3744504560639ec670b7a17d492b273e077b0a96bef58bb14f6ac88aba7b8d12b028c70b1bcf5dd2564d0786"
        );
    }
}

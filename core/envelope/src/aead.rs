//! The ciphers: AES-256-GCM, and XAES-256-GCM where nonces are random under a long-lived key.
//!
//! SPEC: <https://c2sp.org/XAES-256-GCM>

use crate::{DoesNotOpen, Key256};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    cmac,
};

/// Bytes of an authentication tag.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes of an AES-256-GCM nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// Bytes of an XAES-256-GCM nonce.
pub(crate) const XNONCE_BYTES: usize = 24;

/// AES-256-GCM under one key.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    pub(crate) fn new(key: &Key256) -> Cipher {
        Cipher(LessSafeKey::new(or_abort(UnboundKey::new(&AES_256_GCM, key.expose()))))
    }

    /// Seals `in_out` where it lies and answers the tag.
    pub(crate) fn seal(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], in_out: &mut [u8]) -> [u8; TAG_BYTES] {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = or_abort(self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), in_out));
        or_abort(tag.as_ref().try_into())
    }

    /// Opens `in_out` (ciphertext and tag) where it lies and answers the plaintext. What fails to open is overwritten.
    pub(crate) fn open<'a>(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        in_out: &'a mut [u8],
    ) -> Result<&'a mut [u8], DoesNotOpen> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .open_in_place(nonce, Aad::from(aad), in_out)
            .map_err(|_| DoesNotOpen)
    }
}

/// The cipher of one message under XAES-256-GCM: AES-256-GCM under a key that the first half of the nonce derives, and the
/// second half of the nonce.
pub(crate) fn extended(key: &Key256, nonce: &[u8; XNONCE_BYTES]) -> (Cipher, [u8; NONCE_BYTES]) {
    let (derive, rest) = nonce.split_at(NONCE_BYTES);
    let master = or_abort(cmac::Key::new(cmac::AES_256, key.expose()));
    let mut derived = Key256::from_bytes([0; 32]);
    for (counter, half) in (1_u8..).zip(derived.expose_mut().chunks_exact_mut(16)) {
        let mut block = [0, counter, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (to, from) in block.iter_mut().skip(4).zip(derive) {
            *to = *from;
        }
        half.copy_from_slice(or_abort(cmac::sign(&master, &block)).as_ref());
    }
    (Cipher::new(&derived), or_abort(rest.try_into()))
}

/// Sealing fails only when the library gets no memory, or for a message of more than 64 GiB, which no caller can have
/// in one piece. Rust itself ends the process when memory is out; an answer must not leave without its seal.
pub(crate) fn or_abort<T, E>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|_| std::process::abort())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two vectors that the specification publishes.
    #[test]
    fn xaes_agrees_with_its_published_vectors() {
        for (byte, aad, expected) in [
            (1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (
                3,
                "c2sp.org/XAES-256-GCM",
                "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
            ),
        ] {
            let (cipher, nonce) = extended(&Key256::from_bytes([byte; 32]), b"ABCDEFGHIJKLMNOPQRSTUVWX");
            let mut text = b"XAES-256-GCM".to_vec();
            let tag = cipher.seal(nonce, aad.as_bytes(), &mut text);
            text.extend_from_slice(&tag);
            assert_eq!(hex::encode(text), expected);
        }
    }
}

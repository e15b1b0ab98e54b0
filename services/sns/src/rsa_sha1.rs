//! RSA with SHA-1 (PKCS#1 v1.5), which is what SignatureVersion 1 means.
//!
//! The product's crypto library verifies such signatures and makes none, so the one modular exponentiation is done here, by
//! a library of constant-time arithmetic; everything that is made is verified before it is used.

use aws_lc_rs::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, digest},
    signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey},
};
use base::Fault;
use crypto_bigint::{
    Odd, U2048,
    modular::{FixedMontyForm, FixedMontyParams},
};
use zeroize::Zeroize;

/// The bytes of a 2048-bit number.
const BYTES: usize = 256;

/// `DigestInfo` of SHA-1, before the hash.
///
/// SPEC: RFC 8017, section 9.2, note 1.
const DIGEST_INFO: [u8; 15] = [
    0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14,
];

/// The private half of an RSA-2048 key, for SHA-1.
pub struct Sha1Key {
    modulus: FixedMontyParams<{ U2048::LIMBS }>,
    exponent: U2048,
    public: Vec<u8>,
}

impl Drop for Sha1Key {
    fn drop(&mut self) {
        self.exponent.zeroize();
    }
}

impl Sha1Key {
    /// Takes the key of a PKCS#8 document, with its public half (PKCS#1) to check signatures with.
    pub fn from_pkcs8(der: &[u8], public: &[u8]) -> Result<Sha1Key, Fault> {
        let unread = || Fault::corrupt("a signing key of SNS's");
        let (modulus, exponent) = private_numbers(der).ok_or_else(unread)?;
        let modulus: Option<Odd<U2048>> = Odd::new(number(modulus).ok_or_else(unread)?).into_option();
        Ok(Sha1Key {
            modulus: FixedMontyParams::new(modulus.ok_or_else(unread)?),
            exponent: number(exponent).ok_or_else(unread)?,
            public: public.to_vec(),
        })
    }

    /// Signs a text.
    pub fn sign(&self, text: &str) -> Result<Vec<u8>, Fault> {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        let mut padded = vec![0xff; BYTES - DIGEST_INFO.len() - hash.as_ref().len() - 1];
        for first in padded.iter_mut().zip([0, 1]) {
            *first.0 = first.1;
        }
        padded.push(0);
        padded.extend_from_slice(&DIGEST_INFO);
        padded.extend_from_slice(hash.as_ref());
        let bug = || Fault::Bug("RSA with SHA-1 does not sign");
        let padded = number(&padded).ok_or_else(bug)?;
        let signature = FixedMontyForm::new(&padded, &self.modulus)
            .pow(&self.exponent)
            .retrieve();
        let signature = signature.to_be_bytes().as_ref().to_vec();
        // A fault in the arithmetic could give the key away.
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, &self.public)
            .verify(text.as_bytes(), &signature)
            .map_err(|_| bug())?;
        Ok(signature)
    }
}

/// A number of up to 2048 bits, big end first.
fn number(bytes: &[u8]) -> Option<U2048> {
    let first = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let bytes = bytes.get(first..)?;
    let mut whole = [0; BYTES];
    whole.get_mut(BYTES.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    let number = U2048::from_be_slice(&whole);
    whole.zeroize();
    Some(number)
}

/// The modulus and the private exponent of a PKCS#8 document of an RSA key.
///
/// SPEC: RFC 5208, section 5; RFC 8017, appendix A.1.2.
fn private_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    const INTEGER: u8 = 0x02;
    const OCTETS: u8 = 0x04;
    const SEQUENCE: u8 = 0x30;
    let (info, _) = element(der, SEQUENCE)?;
    let (_, rest) = element(info, INTEGER)?;
    let (_, rest) = element(rest, SEQUENCE)?;
    let (key, _) = element(rest, OCTETS)?;
    let (numbers, _) = element(key, SEQUENCE)?;
    let (_, rest) = element(numbers, INTEGER)?;
    let (modulus, rest) = element(rest, INTEGER)?;
    let (_, rest) = element(rest, INTEGER)?;
    let (exponent, _) = element(rest, INTEGER)?;
    Some((modulus, exponent))
}

/// What is in the element of this tag at the beginning, and what comes behind it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..0x80 => (usize::from(first), rest),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits.iter().try_fold(0_usize, |length, b| {
                length.checked_mul(256)?.checked_add(usize::from(*b))
            })?;
            (length, rest)
        }
    };
    let parts = rest.split_at_checked(length)?;
    (found == tag).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::SigningKey;

    /// What is made is verified when it is made; so that it is made is the test, and that no other text has it.
    #[test]
    fn signatures_are_of_their_text() {
        let key = SigningKey::generate().unwrap();
        let public = key.public_key();
        let der = key.to_pkcs8().unwrap();
        let sha1 = Sha1Key::from_pkcs8(der.expose(), public.as_der()).unwrap();
        let verifier = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, public.as_der());
        for text in ["", "text", "a\nlonger\ntext\n"] {
            let signature = sha1.sign(text).unwrap();
            assert_eq!(signature.len(), BYTES);
            assert!(verifier.verify(b"other", &signature).is_err());
        }
        let other = SigningKey::generate().unwrap().public_key();
        let mismatched = Sha1Key::from_pkcs8(der.expose(), other.as_der()).unwrap();
        assert!(mismatched.sign("text").is_err());
    }

    #[test]
    fn what_is_no_key_is_none() {
        let der = SigningKey::generate().unwrap().to_pkcs8().unwrap();
        for cut in [0, 1, 5, 30, 40, 300, 700] {
            assert!(Sha1Key::from_pkcs8(&der.expose()[..cut], &[]).is_err(), "{cut}");
        }
    }
}

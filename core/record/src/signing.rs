//! The keys that sign digests: RSA-2048, PKCS#1 v1.5 with SHA-256, fingerprints by MD5 as AWS has them.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey},
};
use base::{Fault, Secret};
use md5::{Digest, Md5};

/// `digestSignatureAlgorithm`
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
/// The name of the user metadata (`x-amz-meta-…`) that holds a digest's signature in hex.
pub const SIGNATURE_METADATA: &str = "signature";
/// The name of the user metadata that holds [`SIGNATURE_ALGORITHM`].
pub const SIGNATURE_ALGORITHM_METADATA: &str = "signature-algorithm";
/// The metadata name of the moment at which a backfill digest was made, without `x-amz-meta-`.
pub const BACKFILL_METADATA: &str = "backfill-generation-timestamp";

/// A private key that signs digests.
pub struct SigningKey(KeyPair);

impl SigningKey {
    /// A new RSA-2048 key; takes about a tenth of a second. Its randomness is the operating system's always, for the
    /// library takes no other source.
    pub fn generate() -> Result<SigningKey, Fault> {
        KeyPair::generate(KeySize::Rsa2048)
            .map(SigningKey)
            .map_err(|_| Fault::Bug("the library makes no RSA key"))
    }

    /// The private key, to be sealed and stored.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, Fault> {
        let der: Pkcs8V1Der<'_> = self
            .0
            .as_der()
            .map_err(|_| Fault::Bug("the library writes no PKCS#8"))?;
        Ok(Secret::new(der.as_ref().to_vec()))
    }

    /// Reads a stored private key.
    pub fn from_pkcs8(der: &[u8]) -> Result<SigningKey, Fault> {
        KeyPair::from_pkcs8(der)
            .map(SigningKey)
            .map_err(|_| Fault::corrupt("digest signing key"))
    }

    /// Signs a text ([`crate::string_to_sign`]) and answers lower hex.
    pub fn sign(&self, text: &str) -> Result<String, Fault> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                // The padding is not random; the library asks for a source and does not draw from it.
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .map_err(|_| Fault::Bug("RSA does not sign"))?;
        Ok(hex::encode(signature))
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_pkcs1_der(self.0.public_key().as_ref())
    }
}

/// A public key as `ListPublicKeys` publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    der: Vec<u8>,
    fingerprint: String,
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// The key is no PKCS#1 `RSAPublicKey` in DER.
    #[error("not a PKCS #1 key")]
    UnreadableKey,
    /// The signature is not this key's for this text.
    #[error("signature does not agree")]
    WrongSignature,
}

impl PublicKey {
    /// Takes the DER of a PKCS#1 `RSAPublicKey`; whether it is one shows when it verifies.
    pub fn from_pkcs1_der(der: &[u8]) -> PublicKey {
        PublicKey {
            der: der.to_vec(),
            fingerprint: hex::encode(Md5::digest(der)),
        }
    }

    /// The DER: the `Value` of `ListPublicKeys`.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Lower-hex MD5 of the DER.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Verifies a signature in hex over a text.
    pub fn verify(&self, text: &str, signature_hex: &str) -> Result<(), SignatureFault> {
        // The library reads other encodings too; the stock validator reads this one only.
        match aws_lc_rs::rsa::PublicKey::from_der(&self.der) {
            Ok(key) if key.as_ref() == self.der => {}
            _ => return Err(SignatureFault::UnreadableKey),
        }
        let signature = hex::decode(signature_hex).map_err(|_| SignatureFault::WrongSignature)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.der)
            .verify(text.as_bytes(), &signature)
            .map_err(|_| SignatureFault::WrongSignature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_what_only_its_public_key_verifies() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let stored = key.to_pkcs8().unwrap();
        let signature = SigningKey::from_pkcs8(stored.expose()).unwrap().sign("text").unwrap();
        assert_eq!(signature.len(), 512);
        assert_eq!(key.sign("text").unwrap(), signature);
        let public = key.public_key();
        // The first bytes of PKCS#1 for 2048 bits: base64 `MIIBCgKCAQEA`.
        assert!(public.as_der().starts_with(&[0x30, 0x82, 1, 0x0a, 2, 0x82, 1, 1, 0]));
        assert_eq!(public.fingerprint().len(), 32);
        let wrong = Err(SignatureFault::WrongSignature);
        for (key, text, signature, expected) in [
            (&public, "text", signature.as_str(), Ok(())),
            (&public, "texts", &signature, wrong),
            (&other.public_key(), "text", &signature, wrong),
            (&public, "text", "", wrong),
            (&public, "text", "no hex", wrong),
            (
                &PublicKey::from_pkcs1_der(b"x"),
                "text",
                &signature,
                Err(SignatureFault::UnreadableKey),
            ),
        ] {
            assert_eq!(key.verify(text, signature), expected);
        }
    }
}

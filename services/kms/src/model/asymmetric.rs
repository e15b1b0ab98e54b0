//! Key pairs and HMAC keys: made, read from their stored form, used. Knows nothing of rows, rights or requests.
//!
//! A private key is kept as PKCS#8 (DER), a public key is told as SubjectPublicKeyInfo (DER). Messages are hashed here
//! where they are not hashes already, so that what is signed is the same for `RAW` and `DIGEST`.
//!
//! The library draws its own randomness for keys, for PSS and OAEP, and wipes what it holds of a private key when the key
//! is dropped.

use crate::model::{
    DataKeyPairSpec, EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm, MessageType, SigningAlgorithm,
};
use aws_lc_rs::{
    agreement,
    digest::{self, Digest},
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    error::{KeyRejected, Unspecified},
    hmac,
    rsa::{
        self, KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
        OaepPublicEncryptingKey, PrivateDecryptingKey,
    },
    signature::{
        self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, PqdsaKeyPair,
        PqdsaSigningAlgorithm, RsaEncoding, VerificationAlgorithm,
    },
};
use base::{Fault, Secret};
use zeroize::Zeroize;

/// Bytes that are no key of the kind they should be.
#[derive(Debug, PartialEq, Eq)]
pub struct NoSuchKey;

impl From<KeyRejected> for NoSuchKey {
    fn from(_: KeyRejected) -> NoSuchKey {
        NoSuchKey
    }
}

impl From<Unspecified> for NoSuchKey {
    fn from(_: Unspecified) -> NoSuchKey {
        NoSuchKey
    }
}

/// The kinds of key pairs that are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairKind {
    /// RSA of so many bits.
    Rsa(KeySize),
    /// An elliptic curve.
    Ec(Curve),
    /// Ed25519.
    Ed25519,
    /// ML-DSA, by its strength.
    MlDsa(MlDsa),
}

/// An elliptic curve. Each signs with the hash of its own length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// SECG secp256k1.
    P256K1,
}

/// A parameter set of ML-DSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MlDsa {
    /// ML-DSA-44.
    L44,
    /// ML-DSA-65.
    L65,
    /// ML-DSA-87.
    L87,
}

impl PairKind {
    /// What a key of `spec` is a pair of; `None` for symmetric and HMAC keys, and for what is not here.
    pub fn of_key(spec: KeySpec) -> Option<PairKind> {
        match spec {
            KeySpec::Rsa2048 => Some(PairKind::Rsa(KeySize::Rsa2048)),
            KeySpec::Rsa3072 => Some(PairKind::Rsa(KeySize::Rsa3072)),
            KeySpec::Rsa4096 => Some(PairKind::Rsa(KeySize::Rsa4096)),
            KeySpec::EccNistP256 => Some(PairKind::Ec(Curve::P256)),
            KeySpec::EccNistP384 => Some(PairKind::Ec(Curve::P384)),
            KeySpec::EccNistP521 => Some(PairKind::Ec(Curve::P521)),
            KeySpec::EccSecgP256k1 => Some(PairKind::Ec(Curve::P256K1)),
            KeySpec::EccNistEdwards25519 => Some(PairKind::Ed25519),
            KeySpec::MlDsa44 => Some(PairKind::MlDsa(MlDsa::L44)),
            KeySpec::MlDsa65 => Some(PairKind::MlDsa(MlDsa::L65)),
            KeySpec::MlDsa87 => Some(PairKind::MlDsa(MlDsa::L87)),
            _ => None,
        }
    }

    /// What a data key pair of `spec` is; `None` for what is not here.
    pub fn of_data_key(spec: DataKeyPairSpec) -> Option<PairKind> {
        use DataKeyPairSpec as D;
        match spec {
            D::RSA_2048 => Some(PairKind::Rsa(KeySize::Rsa2048)),
            D::RSA_3072 => Some(PairKind::Rsa(KeySize::Rsa3072)),
            D::RSA_4096 => Some(PairKind::Rsa(KeySize::Rsa4096)),
            D::ECC_NIST_P256 => Some(PairKind::Ec(Curve::P256)),
            D::ECC_NIST_P384 => Some(PairKind::Ec(Curve::P384)),
            D::ECC_NIST_P521 => Some(PairKind::Ec(Curve::P521)),
            D::ECC_SECG_P256K1 => Some(PairKind::Ec(Curve::P256K1)),
            D::ECC_NIST_EDWARDS25519 => Some(PairKind::Ed25519),
            D::SM2 | D::ML_KEM_512 | D::ML_KEM_768 | D::ML_KEM_1024 => None,
        }
    }

    /// Whether a pair of this kind takes long to make: up to seconds, where any other takes less than a millisecond.
    pub fn takes_long(self) -> bool {
        matches!(self, PairKind::Rsa(_))
    }

    /// Makes a pair.
    pub fn generate(self) -> Result<NewPair, Fault> {
        self.try_generate()
            .map_err(|Unspecified| Fault::Bug("the library made no key pair"))
    }

    fn try_generate(self) -> Result<NewPair, Unspecified> {
        let pair = |private: &[u8], public: PublicKeyX509Der<'_>| NewPair {
            private: Secret::new(private.to_vec()),
            public: public.as_ref().to_vec(),
        };
        match self {
            PairKind::Rsa(size) => {
                let key = PrivateDecryptingKey::generate(size)?;
                let private: Pkcs8V1Der<'_> = key.as_der()?;
                Ok(pair(private.as_ref(), key.public_key().as_der()?))
            }
            PairKind::Ec(curve) => {
                let key = EcdsaKeyPair::generate(curve.signing())?;
                Ok(pair(key.to_pkcs8v1()?.as_ref(), key.public_key().as_der()?))
            }
            PairKind::Ed25519 => {
                let key = Ed25519KeyPair::generate()?;
                Ok(pair(key.to_pkcs8v1()?.as_ref(), key.public_key().as_der()?))
            }
            PairKind::MlDsa(strength) => {
                let key = PqdsaKeyPair::generate(strength.signing())?;
                Ok(pair(key.to_pkcs8v1()?.as_ref(), key.public_key().as_der()?))
            }
        }
    }
}

impl Curve {
    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Curve::P256 => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            Curve::P384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            Curve::P521 => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
            Curve::P256K1 => &signature::ECDSA_P256K1_SHA256_ASN1_SIGNING,
        }
    }

    fn verifying(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Curve::P256 => &signature::ECDSA_P256_SHA256_ASN1,
            Curve::P384 => &signature::ECDSA_P384_SHA384_ASN1,
            Curve::P521 => &signature::ECDSA_P521_SHA512_ASN1,
            Curve::P256K1 => &signature::ECDSA_P256K1_SHA256_ASN1,
        }
    }

    fn agreement(self) -> Option<&'static agreement::Algorithm> {
        match self {
            Curve::P256 => Some(&agreement::ECDH_P256),
            Curve::P384 => Some(&agreement::ECDH_P384),
            Curve::P521 => Some(&agreement::ECDH_P521),
            Curve::P256K1 => None,
        }
    }
}

impl MlDsa {
    fn signing(self) -> &'static PqdsaSigningAlgorithm {
        match self {
            MlDsa::L44 => &signature::ML_DSA_44_SIGNING,
            MlDsa::L65 => &signature::ML_DSA_65_SIGNING,
            MlDsa::L87 => &signature::ML_DSA_87_SIGNING,
        }
    }

    fn verifying(self) -> &'static dyn VerificationAlgorithm {
        match self {
            MlDsa::L44 => &signature::ML_DSA_44,
            MlDsa::L65 => &signature::ML_DSA_65,
            MlDsa::L87 => &signature::ML_DSA_87,
        }
    }
}

/// A pair as it was made.
pub struct NewPair {
    /// PKCS#8.
    pub private: Secret<Vec<u8>>,
    /// SubjectPublicKeyInfo.
    pub public: Vec<u8>,
}

/// A private key, read once and used often.
pub struct PrivateKey {
    kind: PairKind,
    work: Work,
    public: Vec<u8>,
}

/// What a private key is read for.
enum Work {
    RsaSign(rsa::KeyPair),
    RsaOpen {
        private: OaepPrivateDecryptingKey,
        public: OaepPublicEncryptingKey,
    },
    EcSign(EcdsaKeyPair),
    EcAgree(agreement::PrivateKey),
    Ed25519(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
}

impl PrivateKey {
    /// Reads PKCS#8 for the work that a key of this spec and usage does. Bytes of another spec are refused.
    pub fn parse(spec: KeySpec, usage: KeyUsage, pkcs8: &[u8]) -> Result<PrivateKey, NoSuchKey> {
        let kind = PairKind::of_key(spec).ok_or(NoSuchKey)?;
        let (work, public) = match (kind, usage) {
            (PairKind::Rsa(size), KeyUsage::SignVerify) => {
                let key = rsa::KeyPair::from_pkcs8(pkcs8)?;
                if key.public_modulus_len() != size.len() {
                    return Err(NoSuchKey);
                }
                let public = key.public_key().as_der()?;
                (Work::RsaSign(key), public)
            }
            (PairKind::Rsa(size), KeyUsage::EncryptDecrypt) => {
                let key = PrivateDecryptingKey::from_pkcs8(pkcs8)?;
                if key.key_size_bytes() != size.len() {
                    return Err(NoSuchKey);
                }
                let public = key.public_key();
                let der = public.as_der()?;
                let work = Work::RsaOpen {
                    private: OaepPrivateDecryptingKey::new(key)?,
                    public: OaepPublicEncryptingKey::new(public)?,
                };
                (work, der)
            }
            (PairKind::Ec(curve), KeyUsage::SignVerify) => {
                let key = EcdsaKeyPair::from_private_key_der(curve.signing(), pkcs8)?;
                let public = key.public_key().as_der()?;
                (Work::EcSign(key), public)
            }
            (PairKind::Ec(curve), KeyUsage::KeyAgreement) => {
                let algorithm = curve.agreement().ok_or(NoSuchKey)?;
                let key = agreement::PrivateKey::from_private_key_der(algorithm, pkcs8)?;
                let public = key.compute_public_key()?.as_der()?;
                (Work::EcAgree(key), public)
            }
            (PairKind::Ed25519, KeyUsage::SignVerify) => {
                let key = Ed25519KeyPair::from_pkcs8(pkcs8)?;
                let public = key.public_key().as_der()?;
                (Work::Ed25519(key), public)
            }
            (PairKind::MlDsa(strength), KeyUsage::SignVerify) => {
                let key = PqdsaKeyPair::from_pkcs8(strength.signing(), pkcs8)?;
                let public = key.public_key().as_der()?;
                (Work::MlDsa(key), public)
            }
            _ => return Err(NoSuchKey),
        };
        Ok(PrivateKey {
            kind,
            work,
            public: public.as_ref().to_vec(),
        })
    }

    /// The public key, as SubjectPublicKeyInfo.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Signs a message of a kind that the algorithm takes.
    pub fn sign(&self, algorithm: SigningAlgorithm, kind: MessageType, message: &[u8]) -> Result<Vec<u8>, Fault> {
        self.try_sign(algorithm, kind, message)
            .map_err(|Unspecified| Fault::Bug("the library did not sign"))
    }

    fn try_sign(&self, algorithm: SigningAlgorithm, kind: MessageType, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match &self.work {
            Work::RsaSign(key) => {
                let (encoding, _) = rsa_algorithms(algorithm).ok_or(Unspecified)?;
                let mut out = vec![0; key.public_modulus_len()];
                key.sign_digest(encoding, &hashed(algorithm, kind, message)?, &mut out)?;
                Ok(out)
            }
            Work::EcSign(key) => Ok(key.sign_digest(&hashed(algorithm, kind, message)?)?.as_ref().to_vec()),
            Work::Ed25519(key) => Ok(key.try_sign(message)?.as_ref().to_vec()),
            Work::MlDsa(key) => {
                let mut out = vec![0; key.algorithm().signature_len()];
                let length = key.sign(message, &mut out)?;
                out.truncate(length);
                Ok(out)
            }
            Work::RsaOpen { .. } | Work::EcAgree(_) => Err(Unspecified),
        }
    }

    /// Whether a signature is one of the message by this key.
    pub fn verifies(
        &self,
        algorithm: SigningAlgorithm,
        kind: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Fault> {
        let verifying: &'static dyn VerificationAlgorithm = match self.kind {
            PairKind::Rsa(_) => {
                rsa_algorithms(algorithm)
                    .ok_or(Fault::Bug("an RSA key signs as no RSA key does"))?
                    .1
            }
            PairKind::Ec(curve) => curve.verifying(),
            PairKind::Ed25519 => &signature::ED25519,
            PairKind::MlDsa(strength) => strength.verifying(),
        };
        let public = ParsedPublicKey::new(verifying, &self.public)
            .map_err(|_| Fault::Bug("the library does not read its own public key"))?;
        let outcome = match self.kind {
            PairKind::Rsa(_) | PairKind::Ec(_) => {
                let hash = hashed(algorithm, kind, message)
                    .map_err(|Unspecified| Fault::Bug("a hash of a length that no hash has"))?;
                public.verify_digest_sig(&hash, signature)
            }
            PairKind::Ed25519 | PairKind::MlDsa(_) => public.verify_sig(message, signature),
        };
        Ok(outcome.is_ok())
    }

    /// Encrypts no more than fits ([`EncryptionAlgorithm::accept_length`]).
    pub fn encrypt(&self, algorithm: EncryptionAlgorithm, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let (Work::RsaOpen { public, .. }, Some(algorithm)) = (&self.work, oaep(algorithm)) else {
            return Err(Fault::Bug("a key that does not encrypt is asked to"));
        };
        let mut out = vec![0; public.ciphertext_size()];
        let length = public
            .encrypt(algorithm, plain, &mut out, None)
            .map_err(|Unspecified| Fault::Bug("the library did not encrypt"))?
            .len();
        out.truncate(length);
        Ok(out)
    }

    /// Decrypts; `None` for whatever is wrong with the ciphertext.
    pub fn decrypt(&self, algorithm: EncryptionAlgorithm, sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
        let (Work::RsaOpen { private, .. }, Some(algorithm)) = (&self.work, oaep(algorithm)) else {
            return None;
        };
        let mut out = vec![0; private.min_output_size()];
        let plain = private
            .decrypt(algorithm, sealed, &mut out, None)
            .ok()
            .map(|plain| Secret::new(plain.to_vec()));
        out.zeroize();
        plain
    }

    /// The secret that this key and another's public key (SubjectPublicKeyInfo) make together.
    pub fn agree(&self, peer: &[u8]) -> Result<Secret<Vec<u8>>, NoSuchKey> {
        let Work::EcAgree(key) = &self.work else {
            return Err(NoSuchKey);
        };
        let peer = agreement::UnparsedPublicKey::new(key.algorithm(), peer);
        let peer = agreement::ParsedPublicKey::try_from(peer)?;
        // A bare point of the curve is read by the library, and is no public key to KMS.
        if peer.format() != agreement::ParsedPublicKeyFormat::X509 {
            return Err(NoSuchKey);
        }
        agreement::agree(key, peer, NoSuchKey, |secret| Ok(Secret::new(secret.to_vec())))
    }
}

/// How RSA signs and verifies by an algorithm.
type RsaAlgorithms = (&'static dyn RsaEncoding, &'static dyn VerificationAlgorithm);

fn rsa_algorithms(algorithm: SigningAlgorithm) -> Option<RsaAlgorithms> {
    use SigningAlgorithm as S;
    let found: RsaAlgorithms = match algorithm {
        S::RSASSA_PSS_SHA_256 => (&signature::RSA_PSS_SHA256, &signature::RSA_PSS_2048_8192_SHA256),
        S::RSASSA_PSS_SHA_384 => (&signature::RSA_PSS_SHA384, &signature::RSA_PSS_2048_8192_SHA384),
        S::RSASSA_PSS_SHA_512 => (&signature::RSA_PSS_SHA512, &signature::RSA_PSS_2048_8192_SHA512),
        S::RSASSA_PKCS1_V1_5_SHA_256 => (&signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256),
        S::RSASSA_PKCS1_V1_5_SHA_384 => (&signature::RSA_PKCS1_SHA384, &signature::RSA_PKCS1_2048_8192_SHA384),
        S::RSASSA_PKCS1_V1_5_SHA_512 => (&signature::RSA_PKCS1_SHA512, &signature::RSA_PKCS1_2048_8192_SHA512),
        _ => return None,
    };
    Some(found)
}

/// The hash that an algorithm signs: of the message, or the message itself when it is one.
fn hashed(algorithm: SigningAlgorithm, kind: MessageType, message: &[u8]) -> Result<Digest, Unspecified> {
    use SigningAlgorithm as S;
    let hash = match algorithm {
        S::RSASSA_PSS_SHA_256 | S::RSASSA_PKCS1_V1_5_SHA_256 | S::ECDSA_SHA_256 => &digest::SHA256,
        S::RSASSA_PSS_SHA_384 | S::RSASSA_PKCS1_V1_5_SHA_384 | S::ECDSA_SHA_384 => &digest::SHA384,
        S::RSASSA_PSS_SHA_512 | S::RSASSA_PKCS1_V1_5_SHA_512 | S::ECDSA_SHA_512 => &digest::SHA512,
        S::SM2DSA | S::ML_DSA_SHAKE_256 | S::ED25519_SHA_512 | S::ED25519_PH_SHA_512 => return Err(Unspecified),
    };
    match kind {
        MessageType::RAW => Ok(digest::digest(hash, message)),
        MessageType::DIGEST => Digest::import_less_safe(message, hash),
        MessageType::EXTERNAL_MU => Err(Unspecified),
    }
}

fn oaep(algorithm: EncryptionAlgorithm) -> Option<&'static OaepAlgorithm> {
    match algorithm {
        EncryptionAlgorithm::RSAES_OAEP_SHA_1 => Some(&OAEP_SHA1_MGF1SHA1),
        EncryptionAlgorithm::RSAES_OAEP_SHA_256 => Some(&OAEP_SHA256_MGF1SHA256),
        EncryptionAlgorithm::SYMMETRIC_DEFAULT | EncryptionAlgorithm::SM2PKE => None,
    }
}

fn mac_key(algorithm: MacAlgorithm, key: &[u8]) -> hmac::Key {
    let hash = match algorithm {
        MacAlgorithm::HMAC_SHA_224 => hmac::HMAC_SHA224,
        MacAlgorithm::HMAC_SHA_256 => hmac::HMAC_SHA256,
        MacAlgorithm::HMAC_SHA_384 => hmac::HMAC_SHA384,
        MacAlgorithm::HMAC_SHA_512 => hmac::HMAC_SHA512,
    };
    hmac::Key::new(hash, key)
}

/// The message authentication code of a message.
pub fn mac(algorithm: MacAlgorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&mac_key(algorithm, key), message).as_ref().to_vec()
}

/// Whether a code is that of the message, told in a time that does not depend on where they differ.
pub fn mac_verifies(algorithm: MacAlgorithm, key: &[u8], message: &[u8], code: &[u8]) -> bool {
    hmac::verify(&mac_key(algorithm, key), message, code).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let hex: String = hex.split_whitespace().collect();
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    /// PKCS#8 of a P-256 key from its scalar.
    fn p256(scalar: &str) -> Vec<u8> {
        let head = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";
        bytes(&format!("{head}{scalar}"))
    }

    /// SPKI of a P-256 key from its point.
    fn p256_public(x: &str, y: &str) -> Vec<u8> {
        bytes(&format!("3059301306072a8648ce3d020106082a8648ce3d03010703420004{x}{y}"))
    }

    /// RFC 4231, test case 2.
    #[test]
    fn macs_are_those_of_the_rfc() {
        let check = |algorithm: MacAlgorithm, code: &str| {
            let message = b"what do ya want for nothing?";
            assert_eq!(mac(algorithm, b"Jefe", message), bytes(code), "{algorithm:?}");
            assert!(mac_verifies(algorithm, b"Jefe", message, &bytes(code)));
            let mut wrong = bytes(code);
            wrong[7] ^= 1;
            assert!(!mac_verifies(algorithm, b"Jefe", message, &wrong));
            assert!(!mac_verifies(algorithm, b"Jefe", message, &bytes(code)[1..]));
            assert!(!mac_verifies(algorithm, b"Jefa", message, &bytes(code)));
        };
        check(
            MacAlgorithm::HMAC_SHA_224,
            "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
        );
        check(
            MacAlgorithm::HMAC_SHA_256,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        check(
            MacAlgorithm::HMAC_SHA_384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        );
        check(
            MacAlgorithm::HMAC_SHA_512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        );
    }

    /// RFC 6979, A.2.5: the key and one signature over "sample" with SHA-256.
    #[test]
    fn a_published_signature_verifies() {
        let pkcs8 = p256("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
        let key = PrivateKey::parse(KeySpec::EccNistP256, KeyUsage::SignVerify, &pkcs8).unwrap();
        let public = p256_public(
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
        );
        assert_eq!(key.public(), public);
        let signature = bytes(
            "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716
             022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        );
        let check = |kind: MessageType, message: &[u8], signature: &[u8], valid: bool| {
            let found = key.verifies(SigningAlgorithm::ECDSA_SHA_256, kind, message, signature);
            assert_eq!(found.unwrap(), valid, "{kind:?} {message:?}");
        };
        check(MessageType::RAW, b"sample", &signature, true);
        let hash = digest::digest(&digest::SHA256, b"sample");
        check(MessageType::DIGEST, hash.as_ref(), &signature, true);
        check(MessageType::RAW, b"simple", &signature, false);
        check(MessageType::RAW, hash.as_ref(), &signature, false);
        check(MessageType::RAW, b"sample", &signature[..70], false);
        check(MessageType::RAW, b"sample", b"", false);
    }

    /// RFC 8032, 7.1, test 2.
    #[test]
    fn ed25519_signs_as_the_rfc_does() {
        let pkcs8 =
            bytes("302e020100300506032b6570042204204ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = PrivateKey::parse(KeySpec::EccNistEdwards25519, KeyUsage::SignVerify, &pkcs8).unwrap();
        let public = "302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        assert_eq!(key.public(), bytes(public));
        let signature = key
            .sign(SigningAlgorithm::ED25519_SHA_512, MessageType::RAW, &[0x72])
            .unwrap();
        assert_eq!(
            signature,
            bytes(
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
                 085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            )
        );
    }

    /// NIST CAVS 14.1, ECC CDH primitive, P-256, count 0.
    #[test]
    fn two_keys_agree_as_nist_says() {
        let pkcs8 = p256("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534");
        let key = PrivateKey::parse(KeySpec::EccNistP256, KeyUsage::KeyAgreement, &pkcs8).unwrap();
        let peer = p256_public(
            "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287",
            "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
        );
        let secret = key.agree(&peer).unwrap();
        assert_eq!(
            *secret.expose(),
            bytes("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b")
        );
        // A bare point, a point that is not on the curve, another curve's, no key at all.
        let mut off = peer.clone();
        off[90] ^= 1;
        let other = PairKind::Ec(Curve::P384).generate().unwrap().public;
        for bad in [&peer[26..], &off, &other, b"", b"key"] {
            assert_eq!(key.agree(bad).err(), Some(NoSuchKey), "{bad:x?}");
        }
    }

    const SIGNING: &[(KeySpec, SigningAlgorithm)] = &[
        (KeySpec::Rsa2048, SigningAlgorithm::RSASSA_PSS_SHA_256),
        (KeySpec::Rsa2048, SigningAlgorithm::RSASSA_PSS_SHA_384),
        (KeySpec::Rsa2048, SigningAlgorithm::RSASSA_PSS_SHA_512),
        (KeySpec::Rsa2048, SigningAlgorithm::RSASSA_PKCS1_V1_5_SHA_256),
        (KeySpec::Rsa2048, SigningAlgorithm::RSASSA_PKCS1_V1_5_SHA_384),
        (KeySpec::Rsa2048, SigningAlgorithm::RSASSA_PKCS1_V1_5_SHA_512),
        (KeySpec::EccNistP256, SigningAlgorithm::ECDSA_SHA_256),
        (KeySpec::EccNistP384, SigningAlgorithm::ECDSA_SHA_384),
        (KeySpec::EccNistP521, SigningAlgorithm::ECDSA_SHA_512),
        (KeySpec::EccSecgP256k1, SigningAlgorithm::ECDSA_SHA_256),
        (KeySpec::EccNistEdwards25519, SigningAlgorithm::ED25519_SHA_512),
        (KeySpec::MlDsa44, SigningAlgorithm::ML_DSA_SHAKE_256),
        (KeySpec::MlDsa65, SigningAlgorithm::ML_DSA_SHAKE_256),
        (KeySpec::MlDsa87, SigningAlgorithm::ML_DSA_SHAKE_256),
    ];

    /// Every key signs with every algorithm that it has, hashed here or before, and with nothing but that algorithm does
    /// the signature verify.
    #[test]
    fn what_is_signed_verifies_and_nothing_else() {
        let rsa = PairKind::Rsa(KeySize::Rsa2048).generate().unwrap();
        let message = b"a message";
        for (spec, algorithm) in SIGNING {
            assert!(
                spec.algorithms(KeyUsage::SignVerify).contains(&algorithm.as_str()),
                "{spec:?} {algorithm:?}"
            );
            let fresh;
            let pair = match spec {
                KeySpec::Rsa2048 => &rsa,
                _ => {
                    fresh = PairKind::of_key(*spec).unwrap().generate().unwrap();
                    &fresh
                }
            };
            let key = PrivateKey::parse(*spec, KeyUsage::SignVerify, pair.private.expose()).unwrap();
            assert_eq!(key.public(), pair.public);
            let signature = key.sign(*algorithm, MessageType::RAW, message).unwrap();
            let valid = |algorithm: SigningAlgorithm, kind: MessageType, message: &[u8], signature: &[u8]| {
                key.verifies(algorithm, kind, message, signature).unwrap()
            };
            assert!(valid(*algorithm, MessageType::RAW, message, &signature), "{spec:?}");
            assert!(!valid(*algorithm, MessageType::RAW, b"another", &signature), "{spec:?}");
            let mut wrong = signature.clone();
            wrong[20] ^= 1;
            assert!(!valid(*algorithm, MessageType::RAW, message, &wrong), "{spec:?}");
            for other in SIGNING
                .iter()
                .filter(|(other, _)| other == spec)
                .map(|(_, other)| other)
                .filter(|other| *other != algorithm)
            {
                assert!(
                    *other == SigningAlgorithm::ED25519_PH_SHA_512
                        || !valid(*other, MessageType::RAW, message, &signature),
                    "{algorithm:?} {other:?}"
                );
            }
            if let Ok(hash) = hashed(*algorithm, MessageType::RAW, message) {
                let signature = key.sign(*algorithm, MessageType::DIGEST, hash.as_ref()).unwrap();
                assert!(valid(*algorithm, MessageType::RAW, message, &signature), "{spec:?}");
                assert!(valid(*algorithm, MessageType::DIGEST, hash.as_ref(), &signature));
            }
        }
    }

    #[test]
    fn rsa_opens_what_it_sealed_up_to_its_size() {
        let pair = PairKind::Rsa(KeySize::Rsa2048).generate().unwrap();
        let key = PrivateKey::parse(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt, pair.private.expose()).unwrap();
        let check = |algorithm: EncryptionAlgorithm, max: usize| {
            for size in [0, 1, max] {
                let plain = vec![7; size];
                let sealed = key.encrypt(algorithm, &plain).unwrap();
                assert_ne!(sealed, key.encrypt(algorithm, &plain).unwrap());
                assert_eq!(*key.decrypt(algorithm, &sealed).unwrap().expose(), plain);
                let mut wrong = sealed.clone();
                wrong[30] ^= 1;
                assert!(key.decrypt(algorithm, &wrong).is_none());
                assert!(key.decrypt(algorithm, &sealed[1..]).is_none());
                assert!(key.decrypt(algorithm, &[]).is_none());
                let other = match algorithm {
                    EncryptionAlgorithm::RSAES_OAEP_SHA_1 => EncryptionAlgorithm::RSAES_OAEP_SHA_256,
                    _ => EncryptionAlgorithm::RSAES_OAEP_SHA_1,
                };
                assert!(key.decrypt(other, &sealed).is_none());
            }
            assert!(key.encrypt(algorithm, &vec![7; max + 1]).is_err());
        };
        check(EncryptionAlgorithm::RSAES_OAEP_SHA_1, 214);
        check(EncryptionAlgorithm::RSAES_OAEP_SHA_256, 190);
    }

    #[test]
    fn a_key_is_read_only_as_what_it_is() {
        let pair = PairKind::Ec(Curve::P256).generate().unwrap();
        let check = |spec: KeySpec, usage: KeyUsage, bytes: &[u8], good: bool| {
            assert_eq!(
                PrivateKey::parse(spec, usage, bytes).is_ok(),
                good,
                "{spec:?} {usage:?}"
            );
        };
        let der = pair.private.expose();
        check(KeySpec::EccNistP256, KeyUsage::SignVerify, der, true);
        check(KeySpec::EccNistP256, KeyUsage::KeyAgreement, der, true);
        check(KeySpec::EccNistP256, KeyUsage::EncryptDecrypt, der, false);
        check(KeySpec::EccNistP384, KeyUsage::SignVerify, der, false);
        check(KeySpec::EccSecgP256k1, KeyUsage::SignVerify, der, false);
        check(KeySpec::Rsa2048, KeyUsage::SignVerify, der, false);
        check(KeySpec::MlDsa44, KeyUsage::SignVerify, der, false);
        check(KeySpec::EccNistEdwards25519, KeyUsage::SignVerify, der, false);
        check(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt, der, false);
        check(KeySpec::EccNistP256, KeyUsage::SignVerify, &der[1..], false);
        check(KeySpec::EccNistP256, KeyUsage::SignVerify, b"", false);
        let rsa = PairKind::Rsa(KeySize::Rsa2048).generate().unwrap();
        let der = rsa.private.expose();
        check(KeySpec::Rsa2048, KeyUsage::SignVerify, der, true);
        check(KeySpec::Rsa3072, KeyUsage::SignVerify, der, false);
        check(KeySpec::Rsa4096, KeyUsage::EncryptDecrypt, der, false);
    }
}

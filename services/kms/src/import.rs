//! Bringing key material: the wrapping key that it travels under, and the token that belongs to it.
//!
//! The token is the wrapping key's private half, sealed under the account's keyring for one key: nothing is kept between
//! GetParametersForImport and ImportKeyMaterial, and a token of another key, or altered, does not open.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html>

use crate::{
    error::KmsError,
    model::{ClearMaterial, Key, KeySpec},
    violations::Violations,
};
use aws_lc_rs::{
    digest,
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    key_wrap::{AES_256, AesKek, KeyWrapPadded},
    rsa::{
        KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
        PrivateDecryptingKey,
    },
};
use base::{Fault, Random, Secret, Timestamp};
use envelope::Keyring;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{NoAncestor, Stored};
use zeroize::Zeroize;

/// So long a wrapping key and its token can be used.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How the material is wrapped. Stored in tokens by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WrappingAlgorithm {
    /// Under the public key itself.
    OaepSha1,
    /// Under the public key itself.
    OaepSha256,
    /// Under an AES key that is wrapped under the public key.
    RsaAesSha1,
    /// Under an AES key that is wrapped under the public key.
    RsaAesSha256,
}

const ALGORITHMS: [(&str, WrappingAlgorithm); 4] = [
    ("RSAES_OAEP_SHA_1", WrappingAlgorithm::OaepSha1),
    ("RSAES_OAEP_SHA_256", WrappingAlgorithm::OaepSha256),
    ("RSA_AES_KEY_WRAP_SHA_1", WrappingAlgorithm::RsaAesSha1),
    ("RSA_AES_KEY_WRAP_SHA_256", WrappingAlgorithm::RsaAesSha256),
];

/// Algorithms that AWS knows and takes no longer, or not outside China.
const ALGORITHMS_NOT_HERE: [&str; 2] = ["RSAES_PKCS1_V1_5", "SM2PKE"];

const SIZES: [(&str, WrappingKeySpec); 3] = [
    ("RSA_2048", WrappingKeySpec::Rsa2048),
    ("RSA_3072", WrappingKeySpec::Rsa3072),
    ("RSA_4096", WrappingKeySpec::Rsa4096),
];

/// How long the wrapping key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "AWS's names, each its own description")]
pub enum WrappingKeySpec {
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

/// Reads both members of a request.
pub fn parse(algorithm: &str, key_spec: &str) -> Result<(WrappingAlgorithm, WrappingKeySpec), KmsError> {
    let unsupported = |what: &str| Err(KmsError::Unsupported(format!("{what} is not supported.")));
    if ALGORITHMS_NOT_HERE.contains(&algorithm) {
        return unsupported(&format!("WrappingAlgorithm {algorithm}"));
    }
    if key_spec == "SM2" {
        return unsupported("WrappingKeySpec SM2");
    }
    let found = (find(&ALGORITHMS, algorithm), find(&SIZES, key_spec));
    if let (Some(algorithm), Some(key_spec)) = found {
        return Ok((algorithm, key_spec));
    }
    let mut violations = Violations::new();
    if found.0.is_none() {
        violations.choice("wrappingAlgorithm", algorithm, ALGORITHMS.iter().map(|(name, _)| *name));
    }
    if found.1.is_none() {
        violations.choice("wrappingKeySpec", key_spec, SIZES.iter().map(|(name, _)| *name));
    }
    violations.finish()?;
    Err(Fault::Bug("a violation of an input was not told").into())
}

fn find<T: Copy>(all: &[(&str, T)], text: &str) -> Option<T> {
    all.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}

/// Refuses an algorithm that the material of a key cannot travel under.
pub fn permit(key: &Key, algorithm: WrappingAlgorithm, key_spec: WrappingKeySpec) -> Result<(), KmsError> {
    use KeySpec as S;
    use WrappingAlgorithm as W;
    let direct = matches!(algorithm, W::OaepSha1 | W::OaepSha256);
    let fits = match key.spec {
        S::SymmetricDefault | S::Hmac224 | S::Hmac256 | S::Hmac384 | S::Hmac512 => direct,
        S::Rsa2048 | S::Rsa3072 | S::Rsa4096 => !direct,
        S::EccNistP521 => !direct || key_spec != WrappingKeySpec::Rsa2048,
        S::EccNistP256 | S::EccNistP384 | S::EccSecgP256k1 | S::EccNistEdwards25519 => true,
        S::MlDsa44 | S::MlDsa65 | S::MlDsa87 => false,
    };
    match fits {
        true => Ok(()),
        false => Err(KmsError::Unsupported(format!(
            "Material of key spec {} cannot be imported under this wrapping algorithm and wrapping key spec.",
            key.spec
        ))),
    }
}

/// What GetParametersForImport answers.
pub struct Parameters {
    /// The public half, to wrap the material under.
    pub public_key: Vec<u8>,
    /// What ImportKeyMaterial is to bring back.
    pub token: Vec<u8>,
    /// Until when.
    pub valid_to: Timestamp,
}

/// What a token holds.
#[derive(Serialize, Deserialize)]
struct Token {
    algorithm: WrappingAlgorithm,
    valid_to: Timestamp,
    private_key: Vec<u8>,
}

impl Stored for Token {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Drop for Token {
    fn drop(&mut self) {
        self.private_key.zeroize();
    }
}

fn identity(key: &Key) -> Vec<u8> {
    format!("kms import token {}", key.arn()).into_bytes()
}

/// A wrapping key's two halves.
pub struct WrappingKey {
    public: Vec<u8>,
    private: Secret<Vec<u8>>,
}

impl WrappingKey {
    /// A new one. Takes its time.
    pub fn generate(key_spec: WrappingKeySpec) -> Result<WrappingKey, Fault> {
        const NONE: Fault = Fault::Bug("no wrapping key could be generated");
        let size = match key_spec {
            WrappingKeySpec::Rsa2048 => KeySize::Rsa2048,
            WrappingKeySpec::Rsa3072 => KeySize::Rsa3072,
            WrappingKeySpec::Rsa4096 => KeySize::Rsa4096,
        };
        let pair = PrivateDecryptingKey::generate(size).map_err(|_| NONE)?;
        let private: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| NONE)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| NONE)?;
        Ok(WrappingKey {
            public: public.as_ref().to_vec(),
            private: Secret::new(private.as_ref().to_vec()),
        })
    }

    /// What it becomes for a key.
    pub fn parameters(
        &self,
        keyring: &Keyring,
        key: &Key,
        algorithm: WrappingAlgorithm,
        now: Timestamp,
        random: &Random,
    ) -> Result<Parameters, Fault> {
        let valid_to = now.plus(LIFE);
        let token = Token {
            algorithm,
            valid_to,
            private_key: self.private.expose().clone(),
        };
        let text = Secret::new(token.encode()?);
        Ok(Parameters {
            public_key: self.public.clone(),
            token: keyring.seal(&identity(key), text.expose(), random),
            valid_to,
        })
    }
}

/// Opens material that was brought for a key, with the token of its wrapping key.
pub fn open(
    keyring: &Keyring,
    key: &Key,
    token: &[u8],
    encrypted: &[u8],
    now: Timestamp,
) -> Result<ClearMaterial, KmsError> {
    let text = keyring
        .open(&identity(key), token)
        .map_err(|_| KmsError::InvalidImportToken)?;
    let text = Secret::new(text);
    let token = Token::decode(text.expose())?;
    if token.valid_to <= now {
        return Err(KmsError::ExpiredImportToken);
    }
    let bytes = unwrap(&token, encrypted).ok_or(KmsError::InvalidCiphertext)?;
    ClearMaterial::brought(key.spec, bytes).ok_or(KmsError::IncorrectKeyMaterial)
}

fn unwrap(token: &Token, encrypted: &[u8]) -> Option<Secret<Vec<u8>>> {
    let (digest, by_aes) = match token.algorithm {
        WrappingAlgorithm::OaepSha1 => (&OAEP_SHA1_MGF1SHA1, false),
        WrappingAlgorithm::OaepSha256 => (&OAEP_SHA256_MGF1SHA256, false),
        WrappingAlgorithm::RsaAesSha1 => (&OAEP_SHA1_MGF1SHA1, true),
        WrappingAlgorithm::RsaAesSha256 => (&OAEP_SHA256_MGF1SHA256, true),
    };
    let private = PrivateDecryptingKey::from_pkcs8(&token.private_key).ok()?;
    if !by_aes {
        return decrypt(private, digest, encrypted);
    }
    // The AES key comes first, as long as the wrapping key's modulus.
    let at = private.key_size_bytes();
    let (wrapped_key, wrapped) = encrypted.split_at_checked(at)?;
    let aes = decrypt(private, digest, wrapped_key)?;
    let kek = AesKek::new(&AES_256, aes.expose()).ok()?;
    let mut out = vec![0; wrapped.len()];
    let length = kek.unwrap_with_padding(wrapped, &mut out).ok()?.len();
    out.truncate(length);
    Some(Secret::new(out))
}

fn decrypt(private: PrivateDecryptingKey, digest: &'static OaepAlgorithm, encrypted: &[u8]) -> Option<Secret<Vec<u8>>> {
    let key = OaepPrivateDecryptingKey::new(private).ok()?;
    let mut out = vec![0; key.min_output_size()];
    let plain = key.decrypt(digest, encrypted, &mut out, None).ok()?.len();
    out.truncate(plain);
    Some(Secret::new(out))
}

/// What the id of brought material is: of the same material for the same key always the same, as AWS's is. It tells of
/// material no more than any ciphertext under it does, against which a guess could be tried as well.
pub fn fingerprint(key: &Key, clear: &ClearMaterial) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(format!("kms imported material of {}\0", key.id).as_bytes());
    match clear {
        ClearMaterial::Key(key) => context.update(key.expose()),
        ClearMaterial::Bytes(bytes) => context.update(bytes.expose()),
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

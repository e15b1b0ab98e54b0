//! The algorithms of asymmetric and HMAC keys, and which key has which.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html>,
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>

use crate::{error::KmsError, model::KeySpec};
use envelope::EncryptionContext;
use serde::{Deserialize, Serialize};

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, non_camel_case_types, reason = "AWS's names, each its own description")]
pub enum SigningAlgorithm {
    RSASSA_PSS_SHA_256,
    RSASSA_PSS_SHA_384,
    RSASSA_PSS_SHA_512,
    RSASSA_PKCS1_V1_5_SHA_256,
    RSASSA_PKCS1_V1_5_SHA_384,
    RSASSA_PKCS1_V1_5_SHA_512,
    ECDSA_SHA_256,
    ECDSA_SHA_384,
    ECDSA_SHA_512,
    SM2DSA,
    ML_DSA_SHAKE_256,
    ED25519_SHA_512,
    ED25519_PH_SHA_512,
}

/// How a key makes message authentication codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, non_camel_case_types, reason = "AWS's names, each its own description")]
pub enum MacAlgorithm {
    HMAC_SHA_384,
    HMAC_SHA_256,
    HMAC_SHA_224,
    HMAC_SHA_512,
}

/// How a key encrypts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, non_camel_case_types, reason = "AWS's names, each its own description")]
pub enum EncryptionAlgorithm {
    /// AES-256-GCM.
    #[default]
    SYMMETRIC_DEFAULT,
    RSAES_OAEP_SHA_1,
    RSAES_OAEP_SHA_256,
    SM2PKE,
}

/// How two keys agree on a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "AWS's name, its own description")]
pub enum KeyAgreementAlgorithm {
    ECDH,
}

/// What the message of a Sign or Verify is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(non_camel_case_types, reason = "AWS's names")]
pub enum MessageType {
    /// The message itself, which KMS hashes as the algorithm says.
    #[default]
    RAW,
    /// The hash of the message.
    DIGEST,
    /// The 64-byte representative of a message for ML-DSA.
    EXTERNAL_MU,
}

/// What a pair of keys that GenerateDataKeyPair makes is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, non_camel_case_types, reason = "AWS's names, each its own description")]
pub enum DataKeyPairSpec {
    RSA_2048,
    RSA_3072,
    RSA_4096,
    ECC_NIST_P256,
    ECC_NIST_P384,
    ECC_NIST_P521,
    ECC_SECG_P256K1,
    SM2,
    ECC_NIST_EDWARDS25519,
    ML_KEM_512,
    ML_KEM_768,
    ML_KEM_1024,
}

impl SigningAlgorithm {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        use SigningAlgorithm as S;
        match self {
            S::RSASSA_PSS_SHA_256 => "RSASSA_PSS_SHA_256",
            S::RSASSA_PSS_SHA_384 => "RSASSA_PSS_SHA_384",
            S::RSASSA_PSS_SHA_512 => "RSASSA_PSS_SHA_512",
            S::RSASSA_PKCS1_V1_5_SHA_256 => "RSASSA_PKCS1_V1_5_SHA_256",
            S::RSASSA_PKCS1_V1_5_SHA_384 => "RSASSA_PKCS1_V1_5_SHA_384",
            S::RSASSA_PKCS1_V1_5_SHA_512 => "RSASSA_PKCS1_V1_5_SHA_512",
            S::ECDSA_SHA_256 => "ECDSA_SHA_256",
            S::ECDSA_SHA_384 => "ECDSA_SHA_384",
            S::ECDSA_SHA_512 => "ECDSA_SHA_512",
            S::SM2DSA => "SM2DSA",
            S::ML_DSA_SHAKE_256 => "ML_DSA_SHAKE_256",
            S::ED25519_SHA_512 => "ED25519_SHA_512",
            S::ED25519_PH_SHA_512 => "ED25519_PH_SHA_512",
        }
    }

    /// The length of the hash that it signs; `None` where it signs no hash of the message.
    fn digest_bytes(self) -> Option<usize> {
        use SigningAlgorithm as S;
        match self {
            S::RSASSA_PSS_SHA_256 | S::RSASSA_PKCS1_V1_5_SHA_256 | S::ECDSA_SHA_256 | S::SM2DSA => Some(32),
            S::RSASSA_PSS_SHA_384 | S::RSASSA_PKCS1_V1_5_SHA_384 | S::ECDSA_SHA_384 => Some(48),
            S::RSASSA_PSS_SHA_512 | S::RSASSA_PKCS1_V1_5_SHA_512 | S::ECDSA_SHA_512 | S::ED25519_PH_SHA_512 => Some(64),
            S::ML_DSA_SHAKE_256 | S::ED25519_SHA_512 => None,
        }
    }

    /// Goes on only with a message that is of a kind the algorithm takes, and of the length that kind has. What AWS has
    /// and this server has not is refused by name.
    pub fn accept(self, spec: KeySpec, kind: MessageType, message: &[u8]) -> Result<(), KmsError> {
        use {MessageType as M, SigningAlgorithm as S};
        let kind_text = kind.as_str();
        let length = |wanted: usize, what: &str| match message.len() == wanted {
            true => Ok(()),
            false => Err(KmsError::Validation(format!(
                "{what} is invalid length for algorithm {}.",
                self.as_str()
            ))),
        };
        match (self, kind) {
            (S::ML_DSA_SHAKE_256, M::EXTERNAL_MU) => {
                length(64, "External Mu")?;
                Err(KmsError::not_supported("MessageType EXTERNAL_MU"))
            }
            (S::ED25519_PH_SHA_512, M::DIGEST) => {
                length(64, "Digest")?;
                Err(KmsError::not_supported("SigningAlgorithm ED25519_PH_SHA_512"))
            }
            (S::ML_DSA_SHAKE_256, M::DIGEST) | (_, M::EXTERNAL_MU) => Err(KmsError::Validation(format!(
                "Message type {kind_text} is incompatible with key spec {}.",
                spec.as_str()
            ))),
            (S::ED25519_SHA_512, M::DIGEST) | (S::ED25519_PH_SHA_512, M::RAW) => Err(KmsError::Validation(format!(
                "Message type {kind_text} is incompatible with algorithm {}.",
                self.as_str()
            ))),
            (_, M::RAW) => Ok(()),
            (_, M::DIGEST) => match self.digest_bytes() {
                Some(wanted) => length(wanted, "Digest"),
                None => Ok(()),
            },
        }
    }
}

impl MacAlgorithm {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            MacAlgorithm::HMAC_SHA_224 => "HMAC_SHA_224",
            MacAlgorithm::HMAC_SHA_256 => "HMAC_SHA_256",
            MacAlgorithm::HMAC_SHA_384 => "HMAC_SHA_384",
            MacAlgorithm::HMAC_SHA_512 => "HMAC_SHA_512",
        }
    }
}

impl EncryptionAlgorithm {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            EncryptionAlgorithm::SYMMETRIC_DEFAULT => "SYMMETRIC_DEFAULT",
            EncryptionAlgorithm::RSAES_OAEP_SHA_1 => "RSAES_OAEP_SHA_1",
            EncryptionAlgorithm::RSAES_OAEP_SHA_256 => "RSAES_OAEP_SHA_256",
            EncryptionAlgorithm::SM2PKE => "SM2PKE",
        }
    }

    /// Whether it is that of symmetric keys, with an encryption context and ciphertexts that name their key.
    pub fn is_symmetric(self) -> bool {
        self == EncryptionAlgorithm::SYMMETRIC_DEFAULT
    }

    /// Goes on only with an encryption context that the algorithm takes.
    pub fn accept_context(self, context: &EncryptionContext) -> Result<(), KmsError> {
        match self.is_symmetric() || context.is_empty() {
            true => Ok(()),
            false => Err(KmsError::Validation(format!(
                "Algorithm {} does not support an encryption context.",
                self.as_str()
            ))),
        }
    }

    /// Goes on only with a plaintext that fits into a key of this spec.
    pub fn accept_length(self, spec: KeySpec, bytes: usize) -> Result<(), KmsError> {
        let hash_bytes = match self {
            EncryptionAlgorithm::RSAES_OAEP_SHA_1 => 20,
            EncryptionAlgorithm::RSAES_OAEP_SHA_256 => 32,
            EncryptionAlgorithm::SYMMETRIC_DEFAULT | EncryptionAlgorithm::SM2PKE => return Ok(()),
        };
        let key_bytes: usize = match spec {
            KeySpec::Rsa2048 => 256,
            KeySpec::Rsa3072 => 384,
            KeySpec::Rsa4096 => 512,
            _ => return Ok(()),
        };
        // SPEC: RFC 8017, 7.1.1.
        let bytes_max = key_bytes.saturating_sub(2 * hash_bytes + 2);
        match bytes <= bytes_max {
            true => Ok(()),
            false => Err(KmsError::Validation(format!(
                "Algorithm {} and key spec {spec} cannot encrypt data larger than {bytes_max} bytes.",
                self.as_str()
            ))),
        }
    }
}

impl KeyAgreementAlgorithm {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyAgreementAlgorithm::ECDH => "ECDH",
        }
    }
}

impl MessageType {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            MessageType::RAW => "RAW",
            MessageType::DIGEST => "DIGEST",
            MessageType::EXTERNAL_MU => "EXTERNAL_MU",
        }
    }
}

impl DataKeyPairSpec {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        use DataKeyPairSpec as D;
        match self {
            D::ML_KEM_512 => "ML_KEM_512",
            D::ML_KEM_768 => "ML_KEM_768",
            D::ML_KEM_1024 => "ML_KEM_1024",
            D::SM2 => "SM2",
            D::RSA_2048 => "RSA_2048",
            D::RSA_3072 => "RSA_3072",
            D::RSA_4096 => "RSA_4096",
            D::ECC_NIST_P256 => "ECC_NIST_P256",
            D::ECC_NIST_P384 => "ECC_NIST_P384",
            D::ECC_NIST_P521 => "ECC_NIST_P521",
            D::ECC_SECG_P256K1 => "ECC_SECG_P256K1",
            D::ECC_NIST_EDWARDS25519 => "ECC_NIST_EDWARDS25519",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn rsa_takes_no_more_than_fits() {
        let check = |spec: KeySpec, algorithm: EncryptionAlgorithm, max: usize| {
            assert!(algorithm.accept_length(spec, max).is_ok());
            let name = algorithm.as_str();
            assert_eq!(
                algorithm.accept_length(spec, max + 1).unwrap_err().message(),
                format!("Algorithm {name} and key spec {spec} cannot encrypt data larger than {max} bytes.")
            );
        };
        check(KeySpec::Rsa2048, EncryptionAlgorithm::RSAES_OAEP_SHA_1, 214);
        check(KeySpec::Rsa3072, EncryptionAlgorithm::RSAES_OAEP_SHA_1, 342);
        check(KeySpec::Rsa4096, EncryptionAlgorithm::RSAES_OAEP_SHA_1, 470);
        check(KeySpec::Rsa2048, EncryptionAlgorithm::RSAES_OAEP_SHA_256, 190);
        check(KeySpec::Rsa3072, EncryptionAlgorithm::RSAES_OAEP_SHA_256, 318);
        check(KeySpec::Rsa4096, EncryptionAlgorithm::RSAES_OAEP_SHA_256, 446);
    }

    #[test]
    fn messages_are_of_a_kind_and_a_length() {
        use {KeySpec as K, MessageType as M, SigningAlgorithm as S};
        let check = |spec: K, algorithm: S, kind: M, length: usize, expected: Option<(&str, &str)>| {
            let error = algorithm.accept(spec, kind, &vec![0; length]).err();
            let found = error.map(|e| (e.code().into_owned(), e.message()));
            let expected = expected.map(|(code, text)| (code.to_owned(), text.to_owned()));
            assert_eq!(found, expected, "{algorithm:?} {kind:?} {length}");
        };
        let validation = |text: &'static str| Some(("ValidationException", text));
        check(K::Rsa2048, S::RSASSA_PSS_SHA_256, M::RAW, 4096, None);
        check(K::Rsa2048, S::RSASSA_PSS_SHA_256, M::DIGEST, 32, None);
        check(
            K::Rsa2048,
            S::RSASSA_PSS_SHA_256,
            M::DIGEST,
            31,
            validation("Digest is invalid length for algorithm RSASSA_PSS_SHA_256."),
        );
        check(K::EccNistP521, S::ECDSA_SHA_512, M::DIGEST, 64, None);
        check(
            K::EccNistP256,
            S::ECDSA_SHA_256,
            M::DIGEST,
            64,
            validation("Digest is invalid length for algorithm ECDSA_SHA_256."),
        );
        check(
            K::EccNistP256,
            S::ECDSA_SHA_256,
            M::EXTERNAL_MU,
            64,
            validation("Message type EXTERNAL_MU is incompatible with key spec ECC_NIST_P256."),
        );
        check(K::MlDsa44, S::ML_DSA_SHAKE_256, M::RAW, 1, None);
        check(
            K::MlDsa44,
            S::ML_DSA_SHAKE_256,
            M::DIGEST,
            64,
            validation("Message type DIGEST is incompatible with key spec ML_DSA_44."),
        );
        check(
            K::MlDsa44,
            S::ML_DSA_SHAKE_256,
            M::EXTERNAL_MU,
            63,
            validation("External Mu is invalid length for algorithm ML_DSA_SHAKE_256."),
        );
        check(
            K::MlDsa44,
            S::ML_DSA_SHAKE_256,
            M::EXTERNAL_MU,
            64,
            Some((
                "UnsupportedOperationException",
                "MessageType EXTERNAL_MU is not supported.",
            )),
        );
        check(K::EccNistEdwards25519, S::ED25519_SHA_512, M::RAW, 1, None);
        check(
            K::EccNistEdwards25519,
            S::ED25519_SHA_512,
            M::DIGEST,
            64,
            validation("Message type DIGEST is incompatible with algorithm ED25519_SHA_512."),
        );
        check(
            K::EccNistEdwards25519,
            S::ED25519_PH_SHA_512,
            M::RAW,
            64,
            validation("Message type RAW is incompatible with algorithm ED25519_PH_SHA_512."),
        );
        check(
            K::EccNistEdwards25519,
            S::ED25519_PH_SHA_512,
            M::DIGEST,
            64,
            Some((
                "UnsupportedOperationException",
                "SigningAlgorithm ED25519_PH_SHA_512 is not supported.",
            )),
        );
    }
}

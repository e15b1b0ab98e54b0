//! What kind of key a key is: its spec, what it is for, and where its material comes from. All three are fixed when it is
//! made, and a multi-Region key has them in every Region.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html>

use crate::{error::KmsError, violations::Violations};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind of a key's material. Stored by place: new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "AWS's names, each its own description")]
pub enum KeySpec {
    SymmetricDefault,
    Rsa2048,
    Rsa3072,
    Rsa4096,
    EccNistP256,
    EccNistP384,
    EccNistP521,
    EccSecgP256k1,
    EccNistEdwards25519,
    Hmac224,
    Hmac256,
    Hmac384,
    Hmac512,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

/// The types of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// One secret, to encrypt with.
    Symmetric,
    /// A private and a public key.
    Asymmetric,
    /// One secret, to make codes with.
    Hmac,
}

/// Specs that AWS knows and this server does not.
const SPECS_NOT_HERE: [&str; 4] = ["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024", "SM2"];

impl KeySpec {
    /// Every one.
    pub const ALL: [KeySpec; 16] = [
        KeySpec::SymmetricDefault,
        KeySpec::Rsa2048,
        KeySpec::Rsa3072,
        KeySpec::Rsa4096,
        KeySpec::EccNistP256,
        KeySpec::EccNistP384,
        KeySpec::EccNistP521,
        KeySpec::EccSecgP256k1,
        KeySpec::EccNistEdwards25519,
        KeySpec::Hmac224,
        KeySpec::Hmac256,
        KeySpec::Hmac384,
        KeySpec::Hmac512,
        KeySpec::MlDsa44,
        KeySpec::MlDsa65,
        KeySpec::MlDsa87,
    ];

    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            KeySpec::SymmetricDefault => "SYMMETRIC_DEFAULT",
            KeySpec::Rsa2048 => "RSA_2048",
            KeySpec::Rsa3072 => "RSA_3072",
            KeySpec::Rsa4096 => "RSA_4096",
            KeySpec::EccNistP256 => "ECC_NIST_P256",
            KeySpec::EccNistP384 => "ECC_NIST_P384",
            KeySpec::EccNistP521 => "ECC_NIST_P521",
            KeySpec::EccSecgP256k1 => "ECC_SECG_P256K1",
            KeySpec::EccNistEdwards25519 => "ECC_NIST_EDWARDS25519",
            KeySpec::Hmac224 => "HMAC_224",
            KeySpec::Hmac256 => "HMAC_256",
            KeySpec::Hmac384 => "HMAC_384",
            KeySpec::Hmac512 => "HMAC_512",
            KeySpec::MlDsa44 => "ML_DSA_44",
            KeySpec::MlDsa65 => "ML_DSA_65",
            KeySpec::MlDsa87 => "ML_DSA_87",
        }
    }

    /// Reads AWS's name, as the value of the member `at`. What AWS knows and this server does not is refused by name.
    pub fn parse(at: &str, text: &str) -> Result<KeySpec, KmsError> {
        if SPECS_NOT_HERE.contains(&text) {
            return Err(KmsError::Unsupported(format!("KeySpec {text} is not supported.")));
        }
        one_of(&KeySpec::ALL, KeySpec::as_str, at, text)
    }

    /// Of which type keys of this spec are: an alias moves only within one.
    ///
    /// SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html>
    pub fn family(self) -> Family {
        use KeySpec as S;
        match self {
            S::SymmetricDefault => Family::Symmetric,
            S::Hmac224 | S::Hmac256 | S::Hmac384 | S::Hmac512 => Family::Hmac,
            _ => Family::Asymmetric,
        }
    }

    /// What keys of this spec can be for.
    pub fn usages(self) -> &'static [KeyUsage] {
        use KeySpec as S;
        match self {
            S::SymmetricDefault => &[KeyUsage::EncryptDecrypt],
            S::Rsa2048 | S::Rsa3072 | S::Rsa4096 => &[KeyUsage::EncryptDecrypt, KeyUsage::SignVerify],
            S::EccNistP256 | S::EccNistP384 | S::EccNistP521 => &[KeyUsage::SignVerify, KeyUsage::KeyAgreement],
            S::EccSecgP256k1 | S::EccNistEdwards25519 | S::MlDsa44 | S::MlDsa65 | S::MlDsa87 => &[KeyUsage::SignVerify],
            S::Hmac224 | S::Hmac256 | S::Hmac384 | S::Hmac512 => &[KeyUsage::GenerateVerifyMac],
        }
    }

    /// The algorithms of a key of this spec for this usage, in AWS's order; none for a usage that it cannot have.
    pub fn algorithms(self, usage: KeyUsage) -> &'static [&'static str] {
        use KeySpec as S;
        match (usage, self) {
            (KeyUsage::EncryptDecrypt, S::SymmetricDefault) => &["SYMMETRIC_DEFAULT"],
            (KeyUsage::EncryptDecrypt, S::Rsa2048 | S::Rsa3072 | S::Rsa4096) => {
                &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
            }
            (KeyUsage::SignVerify, S::Rsa2048 | S::Rsa3072 | S::Rsa4096) => &[
                "RSASSA_PKCS1_V1_5_SHA_256",
                "RSASSA_PKCS1_V1_5_SHA_384",
                "RSASSA_PKCS1_V1_5_SHA_512",
                "RSASSA_PSS_SHA_256",
                "RSASSA_PSS_SHA_384",
                "RSASSA_PSS_SHA_512",
            ],
            (KeyUsage::SignVerify, S::EccNistP256 | S::EccSecgP256k1) => &["ECDSA_SHA_256"],
            (KeyUsage::SignVerify, S::EccNistP384) => &["ECDSA_SHA_384"],
            (KeyUsage::SignVerify, S::EccNistP521) => &["ECDSA_SHA_512"],
            (KeyUsage::SignVerify, S::EccNistEdwards25519) => &["ED25519_SHA_512", "ED25519_PH_SHA_512"],
            (KeyUsage::SignVerify, S::MlDsa44 | S::MlDsa65 | S::MlDsa87) => &["ML_DSA_SHAKE_256"],
            (KeyUsage::KeyAgreement, S::EccNistP256 | S::EccNistP384 | S::EccNistP521) => &["ECDH"],
            (KeyUsage::GenerateVerifyMac, S::Hmac224) => &["HMAC_SHA_224"],
            (KeyUsage::GenerateVerifyMac, S::Hmac256) => &["HMAC_SHA_256"],
            (KeyUsage::GenerateVerifyMac, S::Hmac384) => &["HMAC_SHA_384"],
            (KeyUsage::GenerateVerifyMac, S::Hmac512) => &["HMAC_SHA_512"],
            _ => &[],
        }
    }
}

impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a key is for. Stored by place: new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "AWS's names, each its own description")]
pub enum KeyUsage {
    EncryptDecrypt,
    SignVerify,
    GenerateVerifyMac,
    KeyAgreement,
}

/// The usage that AWS knows and this server does not: that of ML-KEM keys.
const USAGE_NOT_HERE: &str = "ENCAPSULATE_DECAPSULATE";

impl KeyUsage {
    /// Every one.
    pub const ALL: [KeyUsage; 4] = [
        KeyUsage::SignVerify,
        KeyUsage::EncryptDecrypt,
        KeyUsage::GenerateVerifyMac,
        KeyUsage::KeyAgreement,
    ];

    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyUsage::EncryptDecrypt => "ENCRYPT_DECRYPT",
            KeyUsage::SignVerify => "SIGN_VERIFY",
            KeyUsage::GenerateVerifyMac => "GENERATE_VERIFY_MAC",
            KeyUsage::KeyAgreement => "KEY_AGREEMENT",
        }
    }

    /// Reads AWS's name, as the value of the member `at`. What AWS knows and this server does not is refused by name.
    pub fn parse(at: &str, text: &str) -> Result<KeyUsage, KmsError> {
        if text == USAGE_NOT_HERE {
            return Err(KmsError::Unsupported(format!("KeyUsage {text} is not supported.")));
        }
        one_of(&KeyUsage::ALL, KeyUsage::as_str, at, text)
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a key's material comes from. Stored by place: new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// Made here.
    AwsKms,
    /// Brought by the account.
    External,
}

/// Origins that AWS knows and this server does not.
const ORIGINS_NOT_HERE: [&str; 2] = ["AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"];

impl Origin {
    /// Every one.
    pub const ALL: [Origin; 2] = [Origin::AwsKms, Origin::External];

    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::AwsKms => "AWS_KMS",
            Origin::External => "EXTERNAL",
        }
    }

    /// Reads AWS's name, as the value of the member `at`. What AWS knows and this server does not is refused by name.
    pub fn parse(at: &str, text: &str) -> Result<Origin, KmsError> {
        if ORIGINS_NOT_HERE.contains(&text) {
            return Err(KmsError::Unsupported(format!("Origin {text} is not supported.")));
        }
        one_of(&Origin::ALL, Origin::as_str, at, text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn one_of<T: Copy>(all: &[T], name: fn(T) -> &'static str, at: &str, text: &str) -> Result<T, KmsError> {
    if let Some(found) = all.iter().copied().find(|one| name(*one) == text) {
        return Ok(found);
    }
    let mut violations = Violations::new();
    violations.choice(at, text, all.iter().map(|one| name(*one)));
    violations.finish()?;
    Err(KmsError::Fault(base::Fault::Bug(
        "a violation of an input was not told",
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn every_name_reads_back() {
        for spec in KeySpec::ALL {
            assert_eq!(KeySpec::parse("keySpec", spec.as_str()).ok(), Some(spec));
        }
        for usage in KeyUsage::ALL {
            assert_eq!(KeyUsage::parse("keyUsage", usage.as_str()).ok(), Some(usage));
        }
        for origin in Origin::ALL {
            assert_eq!(Origin::parse("origin", origin.as_str()).ok(), Some(origin));
        }
    }

    #[test]
    fn other_names_are_refused() {
        let check = |error: KmsError, code: &str, text: &str| {
            assert_eq!((error.code().as_ref(), error.message().as_str()), (code, text));
        };
        let unsupported = "UnsupportedOperationException";
        check(
            KeySpec::parse("keySpec", "SM2").unwrap_err(),
            unsupported,
            "KeySpec SM2 is not supported.",
        );
        check(
            Origin::parse("origin", "AWS_CLOUDHSM").unwrap_err(),
            unsupported,
            "Origin AWS_CLOUDHSM is not supported.",
        );
        check(
            Origin::parse("origin", "aws_kms").unwrap_err(),
            "ValidationException",
            "1 validation error detected: Value 'aws_kms' at 'origin' failed to satisfy constraint: Member must satisfy \
             enum value set: [AWS_KMS, EXTERNAL]",
        );
    }

    #[test]
    fn a_usage_is_one_that_has_algorithms() {
        for spec in KeySpec::ALL {
            for usage in KeyUsage::ALL {
                assert_eq!(
                    spec.usages().contains(&usage),
                    !spec.algorithms(usage).is_empty(),
                    "{spec} {usage}"
                );
            }
        }
    }
}

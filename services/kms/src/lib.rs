//! # KMS: keys, aliases, key policies, grants, cryptography
//!
//! A key is a symmetric key, a key pair or an HMAC key, of one Region or of several, and lives with its policy, its aliases
//! and the versions of its material. Operations name it by id, ARN or alias; its policy and its grants decide who may use
//! it, the caller's own policies only where the key policy hands the decision to the account. This room decides *which key*
//! and *whether its state permits*; how bytes are sealed is `envelope`, how key pairs work is [`model::asymmetric`], who may
//! do what is `policy`, what is recorded is `gateway`.
//!
//! Start reading at [`OPERATIONS`], then [`ops::encrypt`], [`access`] (from a name to the key and the rights it needs) and
//! [`model::state`] (what each state blocks). Other rooms come in by [`port`], through the same operations.
//!
//! ## Invariants
//! - Key material is wrapped under the account's keyring wherever it is stored, and opened only in memory.
//! - Every use of a key asks its policy; the key's state is asked after the caller's right, so that who may not use a key
//!   does not learn its state.
//! - A ciphertext tells nobody why it does not open.
//! - A key policy was parsed, and its principals existed, before it was stored; it is kept and given back as it was sent,
//!   but for users and roles: kept by unique id, so that who is made again under an old name inherits nothing.
//! - A grant only allows; it counts from the commit that made it to the one that took it back.
//! - A key vanishes with its material, its aliases and its grants once its window has passed, and not before.
//! - Related keys of several Regions change in one commit in what they share; material that was replaced is kept for what it
//!   sealed.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/>, <https://docs.aws.amazon.com/kms/latest/developerguide/>

pub mod access;
mod cache;
pub mod conditions;
mod crypto;
pub mod error;
pub mod grants;
pub mod guard;
mod heavy;
mod import;
pub mod model;
pub mod ops;
pub mod port;
mod principals;
mod synchronize;
pub mod table;
mod tokens;
mod violations;
pub mod work;

pub use guard::GuardedKey;
pub use port::KmsKeys;
pub use table::{CHECKS, SEALED, open_data_key};
pub use work::{AdoptManagedKeys, DueKeys};

use gateway::Route;

/// Every operation of this room.
pub static OPERATIONS: &[Route] = &[
    Route::of::<ops::CancelKeyDeletion>(),
    Route::of::<ops::CreateAlias>(),
    Route::of::<ops::CreateGrant>(),
    Route::of::<ops::CreateKey>(),
    Route::of::<ops::Decrypt>(),
    Route::of::<ops::DeleteAlias>(),
    Route::of::<ops::DeleteImportedKeyMaterial>(),
    Route::of::<ops::DeriveSharedSecret>(),
    Route::of::<ops::DescribeKey>(),
    Route::of::<ops::DisableKey>(),
    Route::of::<ops::DisableKeyRotation>(),
    Route::of::<ops::EnableKey>(),
    Route::of::<ops::EnableKeyRotation>(),
    Route::of::<ops::Encrypt>(),
    Route::of::<ops::GenerateDataKey>(),
    Route::of::<ops::GenerateDataKeyPair>(),
    Route::of::<ops::GenerateDataKeyPairWithoutPlaintext>(),
    Route::of::<ops::GenerateDataKeyWithoutPlaintext>(),
    Route::of::<ops::GenerateMac>(),
    Route::of::<ops::GenerateRandom>(),
    Route::of::<ops::GetKeyLastUsage>(),
    Route::of::<ops::GetKeyPolicy>(),
    Route::of::<ops::GetKeyRotationStatus>(),
    Route::of::<ops::GetParametersForImport>(),
    Route::of::<ops::GetPublicKey>(),
    Route::of::<ops::ImportKeyMaterial>(),
    Route::of::<ops::ListAliases>(),
    Route::of::<ops::ListGrants>(),
    Route::of::<ops::ListKeyPolicies>(),
    Route::of::<ops::ListKeyRotations>(),
    Route::of::<ops::ListKeys>(),
    Route::of::<ops::ListResourceTags>(),
    Route::of::<ops::ListRetirableGrants>(),
    Route::of::<ops::PutKeyPolicy>(),
    Route::of::<ops::ReEncrypt>(),
    Route::of::<ops::ReplicateKey>(),
    Route::of::<ops::RetireGrant>(),
    Route::of::<ops::RevokeGrant>(),
    Route::of::<ops::RotateKeyOnDemand>(),
    Route::of::<ops::ScheduleKeyDeletion>(),
    Route::of::<ops::Sign>(),
    Route::of::<ops::TagResource>(),
    Route::of::<ops::UntagResource>(),
    Route::of::<ops::UpdateAlias>(),
    Route::of::<ops::UpdateKeyDescription>(),
    Route::of::<ops::UpdatePrimaryRegion>(),
    Route::of::<ops::Verify>(),
    Route::of::<ops::VerifyMac>(),
];

/// Every operation of AWS's KMS, by the model of botocore 1.44.5. One that is not in [`OPERATIONS`] is refused by its name.
pub const AWS_OPERATIONS: &[&str] = &[
    "CancelKeyDeletion",
    "ConnectCustomKeyStore",
    "CreateAlias",
    "CreateCustomKeyStore",
    "CreateGrant",
    "CreateKey",
    "Decapsulate",
    "Decrypt",
    "DeleteAlias",
    "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "DisconnectCustomKeyStore",
    "EnableKey",
    "EnableKeyRotation",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "GetKeyLastUsage",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "GetPublicKey",
    "ImportKeyMaterial",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "PutKeyPolicy",
    "ReEncrypt",
    "ReplicateKey",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "Sign",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateCustomKeyStore",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
    "Verify",
    "VerifyMac",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_one_of_awss() {
        assert!(AWS_OPERATIONS.is_sorted());
        for route in OPERATIONS {
            assert!(AWS_OPERATIONS.contains(&route.name), "{}", route.name);
        }
        assert!(OPERATIONS.is_sorted_by_key(|route| route.name));
    }
}

//! # KMS: keys, aliases, key policies, envelope cryptography
//!
//! A key is symmetric, of one Region, and lives with its policy, its aliases and the versions of its material. Operations
//! name it by id, ARN or alias; its policy decides who may use it, the caller's own policies only where the key policy
//! hands the decision to the account. This room decides *which key* and *whether its state permits*; how bytes are sealed
//! is `envelope`, who may do what is `policy`, what is recorded is `gateway`.
//!
//! Start reading at [`OPERATIONS`], then [`ops::encrypt`], [`access`] (from a name to the key and the rights it needs) and
//! [`model::state`] (what each state blocks). Other rooms come in by [`port`], through the same operations.
//!
//! ## Invariants
//! - Key material is wrapped under the account's keyring wherever it is stored, and opened only in memory.
//! - Every use of a key asks its policy; the key's state is asked after the caller's right, so that who may not use a key
//!   does not learn its state.
//! - A ciphertext tells nobody why it does not open.
//! - A key policy was parsed, and its principals existed, before it was stored; it is kept and given back as it was sent.
//! - A key vanishes with its material and its aliases once its window has passed, and not before.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/>, <https://docs.aws.amazon.com/kms/latest/developerguide/>

pub mod access;
mod cache;
mod crypto;
pub mod error;
pub mod model;
pub mod ops;
pub mod port;
pub mod table;
mod violations;
pub mod work;

pub use port::KmsKeys;
pub use work::DeleteKeys;

use gateway::Route;

/// Every operation of this room.
pub const OPERATIONS: &[Route] = &[
    Route::of::<ops::CancelKeyDeletion>(),
    Route::of::<ops::CreateAlias>(),
    Route::of::<ops::CreateKey>(),
    Route::of::<ops::Decrypt>(),
    Route::of::<ops::DeleteAlias>(),
    Route::of::<ops::DescribeKey>(),
    Route::of::<ops::DisableKey>(),
    Route::of::<ops::EnableKey>(),
    Route::of::<ops::Encrypt>(),
    Route::of::<ops::GenerateDataKey>(),
    Route::of::<ops::GenerateDataKeyWithoutPlaintext>(),
    Route::of::<ops::GenerateRandom>(),
    Route::of::<ops::GetKeyPolicy>(),
    Route::of::<ops::ListAliases>(),
    Route::of::<ops::ListKeyPolicies>(),
    Route::of::<ops::ListKeys>(),
    Route::of::<ops::PutKeyPolicy>(),
    Route::of::<ops::ReEncrypt>(),
    Route::of::<ops::ScheduleKeyDeletion>(),
    Route::of::<ops::UpdateAlias>(),
];

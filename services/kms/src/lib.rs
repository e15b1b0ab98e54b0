//! # KMS: keys, aliases, key policies, grants, envelope cryptography
//!
//! A key is symmetric, of one Region, and lives with its policy, its aliases and the versions of its material. Operations
//! name it by id, ARN or alias; its policy and its grants decide who may use it, the caller's own policies only where the
//! key policy hands the decision to the account. This room decides *which key* and *whether its state permits*; how bytes
//! are sealed is `envelope`, who may do what is `policy`, what is recorded is `gateway`.
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
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/>, <https://docs.aws.amazon.com/kms/latest/developerguide/>

pub mod access;
mod cache;
pub mod conditions;
mod crypto;
pub mod error;
pub mod grants;
pub mod guard;
pub mod model;
pub mod ops;
pub mod port;
mod principals;
pub mod table;
mod tokens;
mod violations;
pub mod work;

pub use guard::GuardedKey;
pub use port::KmsKeys;
pub use table::SEALED;
pub use work::DeleteKeys;

use gateway::Route;

/// Every operation of this room.
pub const OPERATIONS: &[Route] = &[
    Route::of::<ops::CancelKeyDeletion>(),
    Route::of::<ops::CreateAlias>(),
    Route::of::<ops::CreateGrant>(),
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
    Route::of::<ops::ListGrants>(),
    Route::of::<ops::ListKeyPolicies>(),
    Route::of::<ops::ListKeys>(),
    Route::of::<ops::ListRetirableGrants>(),
    Route::of::<ops::PutKeyPolicy>(),
    Route::of::<ops::ReEncrypt>(),
    Route::of::<ops::RetireGrant>(),
    Route::of::<ops::RevokeGrant>(),
    Route::of::<ops::ScheduleKeyDeletion>(),
    Route::of::<ops::UpdateAlias>(),
];

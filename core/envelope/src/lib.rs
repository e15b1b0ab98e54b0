//! # Envelope: keys, and bytes sealed under them
//!
//! What lives here: the 256-bit key and its wrapping ([`Key256`], [`RootOfTrust`], [`Keyring`]), the encryption
//! context of a KMS call ([`EncryptionContext`]), and the three sealed forms: [`ciphertext`] (what KMS `Encrypt`
//! answers), [`small`] (values in rows and journal blocks) and [`segments`] (object bodies, read at random). What does
//! not: where keys are kept (`store`, the KMS room) and who may use them (`policy`).
//!
//! ## Invariants
//! - Plaintext keys are wiped when dropped and have neither `Debug` nor `Serialize`.
//! - Every sealed form begins with its version and authenticates what it is of: an identity, a purpose or an
//!   encryption context. Bytes that lie in another place than they were sealed for do not open.
//! - No nonce is used twice under a key: [`small`] and wrapped keys draw 192 bits, ciphertext blobs derive a key for each
//!   request, and segments count under a prefix of their own.
//! - Opening never panics, on any bytes.
#![deny(missing_docs)]

mod aead;
pub mod ciphertext;
mod context;
mod fault;
mod hash;
mod key;
mod keyring;
mod root;
pub mod segments;
pub mod small;

pub use context::EncryptionContext;
pub use fault::{DoesNotOpen, EnvelopeFault};
pub use hash::KeyedHash;
pub use key::Key256;
pub use keyring::Keyring;
pub use root::{RootKey, RootOfTrust, WrappedKey, WrappingId, is_wrapped_under, unwrap_under, wrap_under};

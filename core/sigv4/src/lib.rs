//! # Signature Version 4: who signed this request
//!
//! Reads what a request claims ([`Claim`]), proves it against the secret of the claimed access key and yields
//! [`Authenticated`], the only value in the product that says a caller is who it says it is. Bodies that carry their own
//! signatures are unwrapped by [`ChunkDecoder`]; bodies whose hash was signed are checked by [`BodyHasher`]. The same
//! canonical forms serve [`sign`], with which the product calls itself and others.
//!
//! What lives elsewhere: looking up access keys and sessions, deciding which service and Region an endpoint is, reading
//! bodies. No IO and no clock: the time is an argument.
//!
//! ## Invariants
//! - [`Authenticated`] has no constructor but [`Claim::verify`].
//! - Signatures and payload hashes are compared in constant time.
//! - Bytes of a signed chunk leave the decoder only after the chunk's signature was found good.
//! - No input panics, and memory is bounded by the request head plus one chunk ([`CHUNK_BYTES_MAX`]).
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
#![deny(missing_docs)]

mod body;
mod canonical;
pub mod checksum;
mod chunk;
mod claim;
mod fault;
mod keys;
mod render;
pub mod sign;

pub use body::BodyHasher;
pub use chunk::{CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, ChunkDecoder, Trailers};
pub use claim::{Authenticated, Claim, Kind, Payload, RequestHead, Scope};
pub use fault::{AuthFault, Malformed, SignatureMismatch, Skew};
pub use keys::SigningKeys;
pub use render::{AuthError, Family, render};

/// The SHA-256 of `bytes`, as [`Claim::verify`] wants it for the bodies of JSON and Query calls.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    canonical::sha256(bytes)
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub fn same_secret(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

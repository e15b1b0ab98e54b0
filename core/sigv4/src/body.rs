//! The body whose hash was signed.

use crate::{AuthFault, canonical};
use aws_lc_rs::{constant_time, digest};

/// Hashes a body as it comes and compares at its end.
///
/// For [`crate::Payload::Hash`]. What was read before [`BodyHasher::finish`] succeeded is not proven: do not commit it.
pub struct BodyHasher {
    claimed: [u8; 32],
    hash: digest::Context,
}

impl BodyHasher {
    /// Expects a body with this SHA-256.
    pub fn new(claimed: [u8; 32]) -> BodyHasher {
        BodyHasher {
            claimed,
            hash: digest::Context::new(&digest::SHA256),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    /// Compares.
    pub fn finish(self) -> Result<(), AuthFault> {
        compare(&self.claimed, &canonical::into_32(self.hash.finish().as_ref()))
    }
}

/// The hash that was signed against the hash of what came.
pub(crate) fn compare(claimed: &[u8; 32], computed: &[u8; 32]) -> Result<(), AuthFault> {
    constant_time::verify_slices_are_equal(claimed, computed).map_err(|_| AuthFault::PayloadHashMismatch {
        claimed: hex::encode(claimed),
        computed: hex::encode(computed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_claimed_body_passes() {
        for (body, ok) in [("hello", true), ("hellO", false), ("", false)] {
            let mut hasher = BodyHasher::new(canonical::sha256(b"hello"));
            for byte in body.as_bytes() {
                hasher.update(&[*byte]);
            }
            assert_eq!(hasher.finish().is_ok(), ok, "{body}");
        }
    }
}

//! Data keys, sealed segments, KMS ciphertext blobs.

//! AWS KMS: keys, aliases, key policies, envelope cryptography.

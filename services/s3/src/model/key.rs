//! Object keys.

/// The most bytes of a key, in UTF-8.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>
pub const KEY_BYTES_MAX: usize = 1024;

/// Whether `key` may name an object. That it is UTF-8 is the type's promise.
pub fn fits(key: &str) -> bool {
    key.len() <= KEY_BYTES_MAX
}

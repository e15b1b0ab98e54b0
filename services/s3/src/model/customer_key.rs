//! SSE-C: a key that the client sends with every call and that is never stored.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>

use super::encryption::AES256;
use base64::{Engine, engine::general_purpose::STANDARD};
use envelope::Key256;
use sigv4::checksum::Md5;
use std::fmt;
use zeroize::Zeroizing;

/// A customer's key, whose MD5 was found right.
#[derive(Clone)]
pub struct CustomerKey {
    key: Key256,
    md5: [u8; 16],
}

/// What is wrong with the three values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerKeyRefusal {
    /// No algorithm.
    NoAlgorithm,
    /// No key.
    NoKey,
    /// No MD5.
    NoMd5,
    /// Another algorithm than `AES256`.
    UnknownAlgorithm,
    /// No key of the algorithm.
    BadKey,
    /// The MD5 is not the key's.
    Md5Mismatch,
}

impl CustomerKey {
    /// Reads algorithm, key and MD5 as they are sent; nothing when nothing is.
    pub fn parse(
        algorithm: Option<&str>,
        key: Option<&str>,
        md5: Option<&str>,
    ) -> Result<Option<CustomerKey>, CustomerKeyRefusal> {
        let (algorithm, key, md5) = match (algorithm, key, md5) {
            (None, None, None) => return Ok(None),
            (None, ..) => return Err(CustomerKeyRefusal::NoAlgorithm),
            (_, None, _) => return Err(CustomerKeyRefusal::NoKey),
            (.., None) => return Err(CustomerKeyRefusal::NoMd5),
            (Some(algorithm), Some(key), Some(md5)) => (algorithm, key, md5),
        };
        if algorithm != AES256 {
            return Err(CustomerKeyRefusal::UnknownAlgorithm);
        }
        let bytes = STANDARD.decode(key.trim()).map(Zeroizing::new);
        let key = bytes.ok().and_then(|bytes| Key256::from_slice(&bytes));
        let key = CustomerKey::new(key.ok_or(CustomerKeyRefusal::BadKey)?);
        match STANDARD.decode(md5.trim()) {
            Ok(md5) if md5 == key.md5 => Ok(Some(key)),
            _ => Err(CustomerKeyRefusal::Md5Mismatch),
        }
    }

    fn new(key: Key256) -> CustomerKey {
        let mut md5 = Md5::new();
        md5.update(key.expose());
        CustomerKey { md5: md5.finish(), key }
    }

    #[cfg(test)]
    pub(crate) fn of_bytes(bytes: [u8; 32]) -> CustomerKey {
        CustomerKey::new(Key256::from_bytes(bytes))
    }

    /// The key, to wrap and unwrap with.
    pub fn key(&self) -> &Key256 {
        &self.key
    }

    /// Its MD5, which is stored and told.
    pub fn md5(&self) -> [u8; 16] {
        self.md5
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerKey")
    }
}

impl PartialEq for CustomerKey {
    fn eq(&self, other: &CustomerKey) -> bool {
        self.md5 == other.md5
    }
}

impl Eq for CustomerKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_values_are_needed_and_agree() {
        let key = STANDARD.encode([7; 32]);
        let md5 = STANDARD.encode(CustomerKey::of_bytes([7; 32]).md5());
        let check = |algorithm, key: Option<&str>, md5: Option<&str>, expected: Result<bool, CustomerKeyRefusal>| {
            let parsed = CustomerKey::parse(algorithm, key, md5).map(|key| key.is_some());
            assert_eq!(parsed, expected);
        };
        use CustomerKeyRefusal as No;
        let (k, m) = (Some(key.as_str()), Some(md5.as_str()));
        check(None, None, None, Ok(false));
        check(Some("AES256"), k, m, Ok(true));
        check(None, k, m, Err(No::NoAlgorithm));
        check(Some("AES256"), None, m, Err(No::NoKey));
        check(Some("AES256"), k, None, Err(No::NoMd5));
        check(Some("AES128"), k, m, Err(No::UnknownAlgorithm));
        check(Some("AES256"), Some("AAAA"), m, Err(No::BadKey));
        check(Some("AES256"), Some("not base64!"), m, Err(No::BadKey));
        check(
            Some("AES256"),
            k,
            Some("AAAAAAAAAAAAAAAAAAAAAA=="),
            Err(No::Md5Mismatch),
        );
    }

    #[test]
    fn a_key_does_not_show_itself() {
        assert_eq!(format!("{:?}", CustomerKey::of_bytes([7; 32])), "CustomerKey");
    }
}

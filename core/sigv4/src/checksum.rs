//! The checksums of objects: CRC32, CRC32C, CRC64NVME, SHA-1, SHA-256, and the MD5 of `Content-MD5` and ETags.
//!
//! They find accidents, not attackers. S3 compares what the client sent with what arrived and keeps the value.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Digest as _;
use std::fmt;

/// An algorithm of `x-amz-checksum-algorithm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumAlgorithm {
    /// CRC-32 (ISO-HDLC), what SDKs send by default.
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME, what S3 computes when nothing was sent.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl ChecksumAlgorithm {
    /// All of them, in the order S3 lists them.
    pub const ALL: [ChecksumAlgorithm; 5] = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32c,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];

    /// AWS's name: `CRC32`, `CRC32C`, `CRC64NVME`, `SHA1`, `SHA256`.
    pub const fn name(self) -> &'static str {
        match self {
            ChecksumAlgorithm::Crc32 => "CRC32",
            ChecksumAlgorithm::Crc32c => "CRC32C",
            ChecksumAlgorithm::Crc64Nvme => "CRC64NVME",
            ChecksumAlgorithm::Sha1 => "SHA1",
            ChecksumAlgorithm::Sha256 => "SHA256",
        }
    }

    /// The header or trailer that carries it: `x-amz-checksum-crc32` and so on.
    pub const fn header_name(self) -> &'static str {
        match self {
            ChecksumAlgorithm::Crc32 => "x-amz-checksum-crc32",
            ChecksumAlgorithm::Crc32c => "x-amz-checksum-crc32c",
            ChecksumAlgorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            ChecksumAlgorithm::Sha1 => "x-amz-checksum-sha1",
            ChecksumAlgorithm::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// From AWS's name, in any case.
    pub fn parse(name: &str) -> Option<ChecksumAlgorithm> {
        Self::ALL.into_iter().find(|a| a.name().eq_ignore_ascii_case(name))
    }

    /// From the header's name, in any case.
    pub fn from_header_name(name: &str) -> Option<ChecksumAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|a| a.header_name().eq_ignore_ascii_case(name))
    }

    /// The checksum of `bytes`, in base64.
    pub fn of(self, bytes: &[u8]) -> String {
        let mut checksum = Checksum::new(self);
        checksum.update(bytes);
        checksum.finish()
    }

    /// How many bytes a value has.
    pub const fn value_bytes(self) -> usize {
        match self {
            ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c => 4,
            ChecksumAlgorithm::Crc64Nvme => 8,
            ChecksumAlgorithm::Sha1 => 20,
            ChecksumAlgorithm::Sha256 => 32,
        }
    }

    /// The checksum of a body from those of its parts, each with the part's length; `None` for an algorithm that cannot, or
    /// a value that is none.
    ///
    /// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>, full-object checksums
    pub fn combined<'a>(self, parts: impl Iterator<Item = (&'a str, u64)>) -> Option<String> {
        let crc = self.crc()?;
        let mut whole = crc_fast::Digest::new(crc).finalize();
        for (value, length) in parts {
            let bytes = self.bytes_of(value)?;
            let part = bytes.iter().fold(0, |part, byte| (part << 8) | u64::from(*byte));
            whole = crc_fast::checksum_combine(crc, whole, part, length);
        }
        Some(self.text_of(whole))
    }

    /// The checksum of the parts' checksums, in their order; `None` when one is no value of this algorithm.
    pub fn composite<'a>(self, parts: impl Iterator<Item = &'a str>) -> Option<String> {
        let mut whole = Checksum::new(self);
        for value in parts {
            whole.update(&self.bytes_of(value)?);
        }
        Some(whole.finish())
    }

    const fn crc(self) -> Option<crc_fast::CrcAlgorithm> {
        match self {
            ChecksumAlgorithm::Crc32 => Some(crc_fast::CrcAlgorithm::Crc32IsoHdlc),
            ChecksumAlgorithm::Crc32c => Some(crc_fast::CrcAlgorithm::Crc32Iscsi),
            ChecksumAlgorithm::Crc64Nvme => Some(crc_fast::CrcAlgorithm::Crc64Nvme),
            ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => None,
        }
    }

    fn bytes_of(self, value: &str) -> Option<Vec<u8>> {
        STANDARD
            .decode(value)
            .ok()
            .filter(|bytes| bytes.len() == self.value_bytes())
    }

    fn text_of(self, crc: u64) -> String {
        let value = crc.to_be_bytes();
        let unused = value.len().saturating_sub(self.value_bytes());
        STANDARD.encode(value.get(unused..).unwrap_or_default())
    }

    /// Whether `value` is base64 of a value of this algorithm.
    pub fn is_value(self, value: &str) -> bool {
        self.bytes_of(value).is_some()
    }
}

impl fmt::Display for ChecksumAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A checksum being computed.
pub struct Checksum {
    algorithm: ChecksumAlgorithm,
    state: State,
}

enum State {
    Crc(Box<crc_fast::Digest>),
    Hash(digest::Context),
}

impl Checksum {
    /// Over no bytes yet.
    pub fn new(algorithm: ChecksumAlgorithm) -> Checksum {
        let state = match (algorithm.crc(), algorithm) {
            (Some(crc), _) => State::Crc(Box::new(crc_fast::Digest::new(crc))),
            (None, ChecksumAlgorithm::Sha1) => State::Hash(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            (None, _) => State::Hash(digest::Context::new(&digest::SHA256)),
        };
        Checksum { algorithm, state }
    }

    /// Which it is.
    pub fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(crc) => crc.update(bytes),
            State::Hash(hash) => hash.update(bytes),
        }
    }

    /// The value in base64, as the header carries it.
    pub fn finish(self) -> String {
        match self.state {
            State::Crc(crc) => self.algorithm.text_of(crc.finalize()),
            State::Hash(hash) => STANDARD.encode(hash.finish().as_ref()),
        }
    }
}

/// An MD5 being computed, for `Content-MD5` and ETags. Not a proof of anything.
#[derive(Clone, Default)]
pub struct Md5(md5::Md5);

impl Md5 {
    /// Over no bytes yet.
    pub fn new() -> Md5 {
        Md5::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The sixteen bytes: hexadecimal in ETags, base64 in `Content-MD5`.
    pub fn finish(self) -> [u8; 16] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_crc_of_a_body_follows_from_its_parts(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..6),
        ) {
            let whole = parts.concat();
            for algorithm in ChecksumAlgorithm::ALL {
                let values: Vec<(String, u64)> =
                    parts.iter().map(|part| (algorithm.of(part), part.len() as u64)).collect();
                let combined = algorithm.combined(values.iter().map(|(value, length)| (value.as_str(), *length)));
                let is_crc = algorithm.value_bytes() <= 8;
                prop_assert_eq!(combined, is_crc.then(|| algorithm.of(&whole)), "{}", algorithm);
                let raw: Vec<u8> = values.iter().flat_map(|(value, _)| STANDARD.decode(value).unwrap()).collect();
                let composite = algorithm.composite(values.iter().map(|(value, _)| value.as_str()));
                prop_assert_eq!(composite, Some(algorithm.of(&raw)));
            }
        }
    }

    #[test]
    fn what_is_no_value_is_not_combined() {
        let crc = ChecksumAlgorithm::Crc32;
        assert_eq!(crc.combined([("AA==", 1)].into_iter()), None);
        assert_eq!(crc.composite(["!"].into_iter()), None);
        assert_eq!(ChecksumAlgorithm::Sha1.combined(std::iter::empty()), None);
    }

    /// The check values of the CRC catalogue and FIPS 180 for `123456789`.
    #[test]
    fn values_are_the_published_ones() {
        for (algorithm, want) in [
            (ChecksumAlgorithm::Crc32, "cbf43926"),
            (ChecksumAlgorithm::Crc32c, "e3069283"),
            (ChecksumAlgorithm::Crc64Nvme, "ae8b14860a799888"),
            (ChecksumAlgorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (
                ChecksumAlgorithm::Sha256,
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            ),
        ] {
            let value = algorithm.of(b"123456789");
            assert_eq!(hex::encode(STANDARD.decode(&value).unwrap()), want, "{algorithm}");
            assert!(algorithm.is_value(&value) && !algorithm.is_value("AA=="));
            let mut parts = Checksum::new(algorithm);
            parts.update(b"1234");
            parts.update(b"56789");
            assert_eq!(parts.finish(), value);
            assert_eq!(ChecksumAlgorithm::parse(algorithm.name()), Some(algorithm));
            assert_eq!(
                ChecksumAlgorithm::from_header_name(algorithm.header_name()),
                Some(algorithm)
            );
        }
        let mut md5 = Md5::new();
        md5.update(b"123456789");
        assert_eq!(hex::encode(md5.finish()), "25f9e794323b453885f5181f1b624d0b");
    }
}

//! Bucket names.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>

use std::net::Ipv4Addr;

const LENGTH: std::ops::RangeInclusive<usize> = 3..=63;
const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Whether `name` is shaped like a bucket's name. No other text can be one, so none is ever looked up.
pub fn is_bucket_name(name: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    LENGTH.contains(&bytes.len())
        && bytes.iter().all(|&b| alphanumeric(b) || b == b'-' || b == b'.')
        && bytes.first().is_some_and(|&b| alphanumeric(b))
        && bytes.last().is_some_and(|&b| alphanumeric(b))
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
}

/// Whether a bucket of this name may be made.
pub fn may_be_created(name: &str) -> bool {
    is_bucket_name(name)
        && !RESERVED_PREFIXES.iter().any(|reserved| name.starts_with(reserved))
        && !RESERVED_SUFFIXES.iter().any(|reserved| name.ends_with(reserved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        let long = "a".repeat(63);
        for good in ["abc", "my-bucket", "my.bucket.1", "0ab", long.as_str(), "a-b"] {
            assert!(may_be_created(good), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in [
            "",
            "ab",
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "192.168.5.4",
            "a/b",
            "äbc",
            too_long.as_str(),
        ] {
            assert!(!is_bucket_name(bad), "{bad}");
        }
        for reserved in [
            "xn--abc",
            "sthree-abc",
            "amzn-s3-demo-x",
            "abc-s3alias",
            "abc--ol-s3",
            "abc--x-s3",
        ] {
            assert!(is_bucket_name(reserved) && !may_be_created(reserved), "{reserved}");
        }
    }
}

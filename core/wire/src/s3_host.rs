//! What a `Host` says: a bucket, a Region, or nothing.

use base::Region;
use std::net::IpAddr;

/// How S3 was addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum S3Host {
    /// The bucket is the path's first segment.
    Path,
    /// The bucket is in the host.
    Virtual {
        /// Its name, in lower case.
        bucket: String,
    },
}

/// The host without its port, in lower case and without a final dot.
fn host_name(authority: &str) -> String {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// What stands before `.DOMAIN` in the host.
fn labels(authority: &str, base_domain: &str) -> Option<String> {
    let host = host_name(authority);
    if host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let labels = host
        .strip_suffix(&base_domain.to_ascii_lowercase())?
        .strip_suffix('.')?;
    Some(labels.to_owned())
}

/// Whether a label is a Region and no bucket's name by chance: `eu-west-1`, `us-gov-east-1`.
fn is_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let word = |part: &&str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            words.len() >= 2
                && words.iter().all(word)
                && number.len() == 1
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        None => false,
    }
}

/// The Region that the host names, as in `kms.eu-west-1.localhost`.
pub fn host_region(authority: &str, base_domain: &str) -> Option<Region> {
    let labels = labels(authority, base_domain)?;
    let last = labels.rsplit('.').next()?;
    if is_region(last) {
        Region::parse(last).ok()
    } else {
        None
    }
}

/// Whether the host names a bucket: `BUCKET.DOMAIN`, `BUCKET.s3.DOMAIN`, `BUCKET.s3.REGION.DOMAIN` (also with
/// `dualstack`). The domain itself, `s3.DOMAIN`, `s3.REGION.DOMAIN`, IP addresses and hosts outside the domain do not.
pub fn s3_host(authority: &str, base_domain: &str) -> S3Host {
    let Some(labels) = labels(authority, base_domain) else {
        return S3Host::Path;
    };
    let bucket = match labels.rsplit_once('.') {
        Some((rest, last)) if is_region(last) => {
            let rest = rest.strip_suffix(".dualstack").unwrap_or(rest);
            match rest {
                "s3" => return S3Host::Path,
                _ => rest.strip_suffix(".s3"),
            }
        }
        Some((rest, "s3")) => Some(rest),
        _ => None,
    };
    match bucket.unwrap_or(&labels) {
        "" | "s3" => S3Host::Path,
        bucket => S3Host::Virtual {
            bucket: bucket.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts() {
        let check = |authority: &str, bucket: Option<&str>, region: Option<&str>| {
            let expected = match bucket {
                None => S3Host::Path,
                Some(bucket) => S3Host::Virtual {
                    bucket: bucket.to_owned(),
                },
            };
            assert_eq!(s3_host(authority, "localhost"), expected, "{authority}");
            let found = host_region(authority, "localhost");
            assert_eq!(found.as_ref().map(Region::as_str), region, "{authority}");
        };
        check("localhost:4566", None, None);
        check("localhost", None, None);
        check("127.0.0.1:4566", None, None);
        check("[::1]:4566", None, None);
        check("", None, None);
        check("elsewhere:1", None, None);
        check("notlocalhost", None, None);
        check("s3.localhost:4566", None, None);
        check("S3.eu-west-1.localhost.", None, Some("eu-west-1"));
        check("s3.dualstack.eu-west-1.localhost", None, Some("eu-west-1"));
        check(
            "kms.us-gov-east-1.localhost",
            Some("kms.us-gov-east-1"),
            Some("us-gov-east-1"),
        );
        check("b.localhost:4566", Some("b"), None);
        check("my.bucket.localhost", Some("my.bucket"), None);
        check("B.s3.localhost", Some("b"), None);
        check("my.bucket.s3.localhost:1", Some("my.bucket"), None);
        check("b.s3.eu-west-1.localhost", Some("b"), Some("eu-west-1"));
        check("b.s3.dualstack.eu-west-1.localhost", Some("b"), Some("eu-west-1"));
        check("s3.s3.localhost", None, None);
        check("logs-2026.localhost", Some("logs-2026"), None);
    }

    proptest! {
        #[test]
        fn no_host_makes_it_panic(authority in any::<String>(), labels in "[a-z0-9.:\\[\\]-]{0,20}") {
            let _ = s3_host(&authority, "localhost");
            let _ = s3_host(&format!("{labels}.localhost:1"), "localhost");
            let _ = host_region(&format!("{labels}.localhost:1"), "localhost");
        }
    }
}

//! Where a `TemplateURL` or `StackPolicyURL` points: an object in a bucket of this server.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>

use wire::{S3Host, decode_percent, s3_host};

/// An object in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version; `None` for the latest.
    pub version_id: Option<String>,
}

/// Why a URL names no object here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It has the scheme `s3`, which AWS answers in words of its own.
    S3Scheme,
    /// It is no URL of S3, or of another server.
    NotS3,
}

/// Where the URL points. `hosts` are the authorities (`HOST:PORT`) under which the caller reaches this server, and `domain` is
/// the one under which its virtual hosts hang. AWS's own hosts of S3 name the buckets of this server too.
pub fn location(url: &str, hosts: &[&str], domain: &str) -> Result<Location, Unreadable> {
    let (scheme, rest) = url.split_once("://").ok_or(Unreadable::NotS3)?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {}
        "s3" => return Err(Unreadable::S3Scheme),
        _ => return Err(Unreadable::NotS3),
    }
    let rest = rest.split('#').next().unwrap_or(rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').ok_or(Unreadable::NotS3)?;
    let (bucket, key) = match bucket_of(authority, hosts, domain).ok_or(Unreadable::NotS3)? {
        Some(bucket) => (bucket, path),
        None => {
            let (bucket, key) = path.split_once('/').ok_or(Unreadable::NotS3)?;
            (decode_percent(bucket).map_err(|_| Unreadable::NotS3)?, key)
        }
    };
    let key = decode_percent(key).map_err(|_| Unreadable::NotS3)?;
    if bucket.is_empty() || key.is_empty() {
        return Err(Unreadable::NotS3);
    }
    let version_id = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("versionId="))
        .filter(|version| !version.is_empty())
        .map(|version| decode_percent(version).map_err(|_| Unreadable::NotS3))
        .transpose()?;
    Ok(Location {
        bucket,
        key,
        version_id,
    })
}

/// The bucket that the authority names, `Some(None)` when the path does; `None` when it is neither this server nor S3 of AWS.
fn bucket_of(authority: &str, hosts: &[&str], domain: &str) -> Option<Option<String>> {
    const AWS: &str = "amazonaws.com";
    let of = |host| match host {
        S3Host::Path => None,
        S3Host::Virtual { bucket } => Some(bucket),
    };
    let authority = authority.to_ascii_lowercase();
    let name = authority
        .rsplit_once(':')
        .map_or(authority.as_str(), |(name, _)| name)
        .trim_end_matches('.');
    if let Some(labels) = name.strip_suffix(AWS).and_then(|rest| rest.strip_suffix('.')) {
        return of_aws(labels, &authority).map(of);
    }
    let is_here = hosts.iter().any(|host| host.eq_ignore_ascii_case(&authority));
    let is_loopback = matches!(name, "127.0.0.1" | "[::1]" | "localhost");
    let is_under_domain = name
        .strip_suffix(&domain.to_ascii_lowercase())
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    (is_here || is_loopback || is_under_domain).then(|| of(s3_host(&authority, domain)))
}

/// Hosts of AWS: of S3 alone, also with the Region in the old form `s3-REGION`.
fn of_aws(labels: &str, authority: &str) -> Option<S3Host> {
    let is_s3 = |label: &str| label == "s3" || label.starts_with("s3-");
    let parts: Vec<&str> = labels.split('.').collect();
    let at = parts.iter().rposition(|label| is_s3(label))?;
    let (before, named) = parts.split_at_checked(at)?;
    if named.len() > 3 {
        return None;
    }
    match (before, named) {
        (_, [old]) if *old != "s3" => Some(match before {
            [] => S3Host::Path,
            bucket => S3Host::Virtual {
                bucket: bucket.join("."),
            },
        }),
        _ => Some(s3_host(authority, "amazonaws.com")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Result<(&str, &str), Unreadable>) {
        let found = location(url, &["server.example:4566"], "localhost");
        let shown = found.map(|at| {
            let version = at.version_id.map(|version| format!("@{version}")).unwrap_or_default();
            (at.bucket, at.key + &version)
        });
        let expected = expected.map(|(bucket, key)| (bucket.to_owned(), key.to_owned()));
        assert_eq!(shown, expected, "{url}");
    }

    #[test]
    fn urls_of_this_server_and_of_s3_name_its_buckets() {
        check("http://127.0.0.1:4566/b/a%20b/t.yaml", Ok(("b", "a b/t.yaml")));
        check("https://server.example:4566/b/t", Ok(("b", "t")));
        check("https://b.s3.localhost:4566/t", Ok(("b", "t")));
        check("http://localhost:4566/b/t?versionId=v1", Ok(("b", "t@v1")));
        check("https://s3.amazonaws.com/b/t", Ok(("b", "t")));
        check("https://s3.eu-west-1.amazonaws.com/b/t", Ok(("b", "t")));
        check("https://s3-eu-west-1.amazonaws.com/b/t", Ok(("b", "t")));
        check("https://b.s3.amazonaws.com/x/t", Ok(("b", "x/t")));
        check("https://my.b.s3.eu-west-1.amazonaws.com/t", Ok(("my.b", "t")));
        check("https://b.s3-eu-west-1.amazonaws.com/t", Ok(("b", "t")));
        check("https://b.s3.dualstack.eu-west-1.amazonaws.com/t", Ok(("b", "t")));
    }

    #[test]
    fn other_urls_name_nothing() {
        check("s3://b/t", Err(Unreadable::S3Scheme));
        check("file:///b/t", Err(Unreadable::NotS3));
        check("https://example.com/b/t", Err(Unreadable::NotS3));
        check("https://ec2.eu-west-1.amazonaws.com/b/t", Err(Unreadable::NotS3));
        check("https://server.example:1/b/t", Err(Unreadable::NotS3));
        check("https://evillocalhost/b/t", Err(Unreadable::NotS3));
        check("https://s3.amazonaws.com/b", Err(Unreadable::NotS3));
        check("https://s3.amazonaws.com/b/", Err(Unreadable::NotS3));
        check("b/t", Err(Unreadable::NotS3));
    }
}

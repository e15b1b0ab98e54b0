//! Where a service is.

use super::{Error, Service};
use std::{collections::BTreeMap, fmt};

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    is_tls: bool,
    host: String,
    port: u16,
}

impl Endpoint {
    /// Out of a URL without a path.
    pub fn parse(url: &str) -> Result<Endpoint, Error> {
        let invalid = || {
            Error::Settings(format!(
                "the endpoint `{url}` is no URL of the form http://host:port or https://host"
            ))
        };
        let (scheme, authority) = url.split_once("://").ok_or_else(invalid)?;
        let is_tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(invalid()),
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
            return Err(invalid());
        }
        let default = if is_tls { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| invalid())?),
            _ => (authority, default),
        };
        Ok(Endpoint {
            is_tls,
            host: host.to_owned(),
            port,
        })
    }

    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// As the `Host` header has it.
    pub(super) fn authority(&self) -> String {
        let default = if self.is_tls { 443 } else { 80 };
        match self.port == default {
            true => self.host.clone(),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// With a name before the host's.
    fn under(&self, name: &str) -> Endpoint {
        Endpoint {
            host: format!("{name}.{}", self.host),
            ..self.clone()
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// Where the services are: AWS's own places, but for those that the settings name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    pub(super) all: Option<Endpoint>,
    pub(super) of_service: BTreeMap<Service, Endpoint>,
}

/// Where to send a call, and for which Region it is signed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) endpoint: Endpoint,
    pub(super) region: String,
    /// Whether the bucket is in the host's name.
    pub(super) bucket_in_host: bool,
}

impl Endpoints {
    /// All services at one place.
    pub fn at(endpoint: Endpoint) -> Endpoints {
        Endpoints {
            all: Some(endpoint),
            of_service: BTreeMap::new(),
        }
    }

    /// Where a service of a Region is; `bucket` when the call is about one.
    pub(super) fn place(&self, service: Service, region: &str, bucket: Option<&str>) -> Result<Place, Error> {
        let signed_for = signing_region(service, region);
        if let Some(endpoint) = self.of_service.get(&service).or(self.all.as_ref()) {
            return Ok(Place {
                endpoint: endpoint.clone(),
                region: signed_for.to_owned(),
                bucket_in_host: false,
            });
        }
        let endpoint = Endpoint::parse(&format!("https://{}", aws_host(service, region)?))?;
        // A certificate's `*` stands for one label.
        let bucket_in_host = bucket.is_some_and(|bucket| !bucket.contains('.'));
        let endpoint = match bucket {
            Some(bucket) if bucket_in_host => endpoint.under(bucket),
            _ => endpoint,
        };
        Ok(Place {
            endpoint,
            region: signed_for.to_owned(),
            bucket_in_host,
        })
    }
}

/// The partition of a Region, as ARNs name it.
pub(super) fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ if region.starts_with("us-isob-") => "aws-iso-b",
        _ if region.starts_with("us-iso-") => "aws-iso",
        _ => "aws",
    }
}

/// IAM and Organizations have one place in a partition.
fn signing_region(service: Service, region: &str) -> &str {
    match (service.signing_name(), partition(region)) {
        ("iam" | "organizations", "aws") => "us-east-1",
        ("iam", "aws-cn") => "cn-north-1",
        ("organizations", "aws-cn") => "cn-northwest-1",
        ("iam" | "organizations", "aws-us-gov") => "us-gov-west-1",
        _ => region,
    }
}

/// What the names of a partition's services end with.
pub(crate) fn dns_suffix(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    }
}

/// What `kms:ViaService` is when S3 of a Region asks KMS for somebody.
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service>
pub(crate) fn via_s3(partition: &str, region: &str) -> String {
    format!("s3.{region}.{}", dns_suffix(partition))
}

fn aws_host(service: Service, region: &str) -> Result<String, Error> {
    let suffix = match partition(region) {
        name @ ("aws" | "aws-cn" | "aws-us-gov") => dns_suffix(name),
        other => {
            return Err(Error::Settings(format!(
                "the endpoints of {other} are not known here: give --endpoint-url"
            )));
        }
    };
    Ok(match (service.signing_name(), partition(region)) {
        ("shoseki", _) => {
            return Err(Error::Settings(
                "this is a call of a shoseki server, not of AWS: set AWS_ENDPOINT_URL, or give --endpoint-url"
                    .to_owned(),
            ));
        }
        ("iam", "aws") => format!("iam.{suffix}"),
        ("iam", "aws-us-gov") => format!("iam.us-gov.{suffix}"),
        ("iam" | "organizations", _) => {
            format!(
                "{}.{}.{suffix}",
                service.signing_name(),
                signing_region(service, region)
            )
        }
        (name, _) => format!("{name}.{region}.{suffix}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::ServiceName;

    #[test]
    fn urls_are_read() {
        for (url, host, port, authority) in [
            ("http://127.0.0.1:4566", "127.0.0.1", 4566, "127.0.0.1:4566"),
            ("https://x.example/", "x.example", 443, "x.example"),
            ("http://[::1]:80", "::1", 80, "[::1]"),
            ("http://[::1]", "::1", 80, "[::1]"),
            ("https://h:80", "h", 80, "h:80"),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(
                (endpoint.host(), endpoint.port(), endpoint.authority().as_str()),
                (host, port, authority)
            );
        }
        for url in [
            "",
            "localhost:4566",
            "ftp://x",
            "http://",
            "http://a/b",
            "http://a:x",
            "http://u@h",
        ] {
            assert!(Endpoint::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn services_are_where_aws_has_them() {
        let place =
            |service: ServiceName, region, bucket| Endpoints::default().place(service.into(), region, bucket).unwrap();
        let check = |service, region, bucket, url: &str, signed: &str| {
            let place = place(service, region, bucket);
            assert_eq!(
                (place.endpoint.to_string().as_str(), place.region.as_str()),
                (url, signed)
            );
        };
        use ServiceName::{CloudTrail, Iam, S3};
        check(
            CloudTrail,
            "eu-west-1",
            None,
            "https://cloudtrail.eu-west-1.amazonaws.com",
            "eu-west-1",
        );
        check(Iam, "eu-west-1", None, "https://iam.amazonaws.com", "us-east-1");
        check(
            Iam,
            "cn-north-1",
            None,
            "https://iam.cn-north-1.amazonaws.com.cn",
            "cn-north-1",
        );
        check(
            S3,
            "eu-west-1",
            Some("logs"),
            "https://logs.s3.eu-west-1.amazonaws.com",
            "eu-west-1",
        );
        check(
            S3,
            "eu-west-1",
            Some("a.b"),
            "https://s3.eu-west-1.amazonaws.com",
            "eu-west-1",
        );
        assert!(
            Endpoints::default()
                .place(ServiceName::Shoseki.into(), "us-east-1", None)
                .is_err()
        );
        let own = Endpoints::at(Endpoint::parse("http://127.0.0.1:1").unwrap());
        let place = own.place(S3.into(), "us-east-1", Some("logs")).unwrap();
        assert!(!place.bucket_in_host && place.endpoint.to_string() == "http://127.0.0.1:1");
    }
}

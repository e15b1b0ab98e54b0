//! Where messages go: a URL, taken apart once, and which addresses a message may be sent to at all.

use super::Protocol;
use crate::error::SnsError;
use gateway::settings::SnsEndpoints;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv6Addr};

/// No longer URL is taken.
const URL_BYTES_MAX: usize = 2_048;

/// An endpoint of http or https.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The scheme.
    pub protocol: Protocol,
    /// As it was sent.
    pub url: String,
    /// The host: a name or an address, an IPv6 one without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query, beginning with `/`.
    pub target: String,
}

fn mismatch() -> SnsError {
    SnsError::invalid("Endpoint must match the specified protocol")
}

impl Endpoint {
    /// Reads a URL of this protocol. It may not carry a user's name and password, which would be kept in the clear.
    pub fn parse(protocol: Protocol, url: &str) -> Result<Endpoint, SnsError> {
        let unreadable = || SnsError::invalid("HTTP(S) Endpoint");
        let scheme = format!("{}://", protocol.as_str());
        let head = url.get(..scheme.len()).ok_or_else(mismatch)?;
        if !head.eq_ignore_ascii_case(&scheme) {
            return Err(mismatch());
        }
        let rest = url.get(scheme.len()..).unwrap_or("");
        let clean = url
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`'));
        if url.len() > URL_BYTES_MAX || !clean {
            return Err(unreadable());
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).ok_or_else(unreadable)?;
        if authority.contains('@') {
            return Err(SnsError::NotImplemented("A user name in Endpoint".to_owned()));
        }
        let (host, port) = split_authority(authority).ok_or_else(unreadable)?;
        let port = match port {
            None if protocol == Protocol::Http => 80,
            None => 443,
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(unreadable)?,
        };
        let target = target.split('#').next().unwrap_or("");
        Ok(Endpoint {
            protocol,
            url: url.to_owned(),
            host: host.to_owned(),
            port,
            target: match target.starts_with('/') {
                true => target.to_owned(),
                false => format!("/{target}"),
            },
        })
    }

    /// The `Host` header.
    pub fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match (self.protocol, self.port) {
            (Protocol::Http, 80) | (Protocol::Https, 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// The address, when the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// Host and port of `host`, `host:port`, `[v6]` and `[v6]:port`.
fn split_authority(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let _: Ipv6Addr = host.parse().ok()?;
        return match rest {
            "" => Some((host, None)),
            rest => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let named = !host.is_empty()
        && host.len() <= 253
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    named.then_some((host, port))
}

/// Whether messages may be sent to an address. It is asked of the very address that is then connected to.
///
/// Addresses that are nobody's, everybody's or the link's own (where clouds keep their instances' credentials) are never
/// sent to.
pub fn permits(endpoints: SnsEndpoints, address: IpAddr) -> bool {
    let address = address.to_canonical();
    match endpoints {
        SnsEndpoints::Loopback => address.is_loopback(),
        SnsEndpoints::Any => match address {
            IpAddr::V4(ip) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast() && !ip.is_link_local(),
            IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_unicast_link_local(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn urls_are_taken_apart() {
        let check = |protocol, url: &str, expected: (&str, u16, &str, &str)| {
            let read = Endpoint::parse(protocol, url).unwrap();
            let authority = read.authority();
            let found = (read.host.as_str(), read.port, read.target.as_str(), authority.as_str());
            assert_eq!(found, expected, "{url}");
        };
        check(Protocol::Http, "http://localhost", ("localhost", 80, "/", "localhost"));
        check(
            Protocol::Http,
            "HTTP://127.0.0.1:8080/a?b=c#d",
            ("127.0.0.1", 8080, "/a?b=c", "127.0.0.1:8080"),
        );
        check(
            Protocol::Https,
            "https://x.example?q",
            ("x.example", 443, "/?q", "x.example"),
        );
        check(Protocol::Https, "https://[::1]:8443/", ("::1", 8443, "/", "[::1]:8443"));
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        let check = |protocol, url: &str, expected: &str| {
            assert_eq!(Endpoint::parse(protocol, url).unwrap_err().message(), expected, "{url}");
        };
        let mismatch = "Invalid parameter: Endpoint must match the specified protocol";
        let unreadable = "Invalid parameter: HTTP(S) Endpoint";
        check(Protocol::Https, "http://localhost/", mismatch);
        check(Protocol::Http, "https://localhost/", mismatch);
        check(Protocol::Http, "", mismatch);
        check(Protocol::Http, "httpé://", mismatch);
        for url in [
            "http://",
            "http:///x",
            "http://a b/",
            "http://a:0/",
            "http://a:70000/",
            "http://a:/",
            "http://[::1/",
            "http://[x]/",
            "http://[::1]x/",
            "http://a/\r\nX: y",
            "http://é/",
        ] {
            check(Protocol::Http, url, unreadable);
        }
        check(
            Protocol::Http,
            "http://me:secret@localhost/",
            "A user name in Endpoint is not implemented by this server.",
        );
        check(Protocol::Http, &format!("http://a/{}", "b".repeat(2_048)), unreadable);
    }

    #[test]
    fn addresses_are_let_through_by_the_setting() {
        for (address, loopback, any) in [
            ("127.0.0.1", true, true),
            ("127.9.9.9", true, true),
            ("::1", true, true),
            ("::ffff:127.0.0.1", true, true),
            ("10.0.0.1", false, true),
            ("192.0.2.1", false, true),
            ("2001:db8::1", false, true),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("fe80::1", false, false),
            ("0.0.0.0", false, false),
            ("::", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("ff02::1", false, false),
        ] {
            let ip = address.parse().unwrap();
            assert_eq!(permits(SnsEndpoints::Loopback, ip), loopback, "{address}");
            assert_eq!(permits(SnsEndpoints::Any, ip), any, "{address}");
        }
    }
}

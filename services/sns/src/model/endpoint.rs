//! Where messages go: a URL, taken apart once, and which addresses a message may be sent to at all.

use super::Protocol;
use crate::error::SnsError;
use gateway::settings::SnsEndpoints;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
/// An IPv6 address that carries an IPv4 one is judged by that one. Addresses that are nobody's, everybody's or the link's own (where
/// clouds keep their instances' credentials) are never sent to.
pub fn permits(endpoints: SnsEndpoints, address: IpAddr) -> bool {
    let reach = reach_of(address);
    match endpoints {
        SnsEndpoints::Any => reach == Reach::Global,
        SnsEndpoints::Loopback => reach == Reach::Loopback,
        SnsEndpoints::Private => reach != Reach::Never,
    }
}

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Everybody can be there.
    Global,
    /// This machine.
    Loopback,
    /// Nobody who takes messages.
    Never,
    /// Somebody in a private network.
    Private,
}

fn reach_of(address: IpAddr) -> Reach {
    match address.to_canonical() {
        IpAddr::V4(ip) => reach_of_v4(ip),
        IpAddr::V6(ip) if ip.is_loopback() => Reach::Loopback,
        IpAddr::V6(ip) => match carried(ip) {
            // What goes through a translator or a tunnel does not end on this machine, whatever it says.
            Some(inner) => match reach_of_v4(inner) {
                Reach::Global => Reach::Global,
                Reach::Private => Reach::Private,
                Reach::Loopback | Reach::Never => Reach::Never,
            },
            None => reach_of_v6(ip),
        },
    }
}

/// SPEC: <https://www.iana.org/assignments/iana-ipv4-special-registry/>
fn reach_of_v4(ip: Ipv4Addr) -> Reach {
    match ip.octets() {
        [127, ..] => Reach::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Reach::Private,
        // "This network", the link's own, multicast, reserved with broadcast;
        [0, ..] | [169, 254, ..] | [224..=255, ..] => Reach::Never,
        // protocol assignments, documentation, the relays of 6to4, benchmarks;
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Reach::Never
        }
        // the host of an Azure machine.
        [168, 63, 129, 16] => Reach::Never,
        _ => Reach::Global,
    }
}

/// SPEC: <https://www.iana.org/assignments/iana-ipv6-special-registry/>: of the whole space only `2000::/3` is given out.
fn reach_of_v6(ip: Ipv6Addr) -> Reach {
    match ip.segments() {
        // Where EC2 keeps its instances' credentials.
        [0xfd00, 0x0ec2, ..] => Reach::Never,
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // Protocol assignments with Teredo, benchmarks and ORCHID; documentation.
        [0x2001, 0x0000..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => Reach::Never,
        [0x2000..=0x3fff, ..] => Reach::Global,
        _ => Reach::Never,
    }
}

/// The IPv4 address that an IPv6 one stands for: IPv4-compatible, of a translator (NAT64) or of 6to4.
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
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
        let check = |expected: Reach, addresses: &[&str]| {
            for address in addresses {
                let ip = address.parse().unwrap();
                assert_eq!(reach_of(ip), expected, "{address}");
                let permitted =
                    [SnsEndpoints::Loopback, SnsEndpoints::Any, SnsEndpoints::Private].map(|mode| permits(mode, ip));
                let wanted = match expected {
                    Reach::Global => [false, true, true],
                    Reach::Loopback => [true, false, true],
                    Reach::Never => [false, false, false],
                    Reach::Private => [false, false, true],
                };
                assert_eq!(permitted, wanted, "{address}");
            }
        };
        check(Reach::Loopback, &["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]);
        check(
            Reach::Global,
            &[
                "1.1.1.1",
                "100.63.0.1",
                "100.128.0.1",
                "172.15.0.1",
                "172.32.0.1",
                "192.0.1.1",
                "198.20.0.1",
                "::ffff:8.8.8.8",
                "::8.8.8.8",
                "64:ff9b::8.8.8.8",
                "2002:808:808::1",
                "2001:4860:4860::8888",
                "2001:200::1",
                "2606:4700::1111",
            ],
        );
        check(
            Reach::Private,
            &[
                "10.0.0.1",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "100.64.0.1",
                "100.127.255.255",
                "fc00::1",
                "fd12:3456::1",
                "::ffff:10.0.0.1",
                "::10.0.0.1",
                "64:ff9b::10.0.0.1",
                "2002:a00:1::1",
            ],
        );
        check(
            Reach::Never,
            &[
                "0.0.0.0",
                "0.1.2.3",
                "169.254.169.254",
                "168.63.129.16",
                "192.0.0.1",
                "192.0.2.1",
                "192.88.99.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.1",
                "224.0.0.1",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::ffff:169.254.169.254",
                "::ffff:0.0.0.0",
                "::169.254.169.254",
                "::127.0.0.1",
                "64:ff9b::127.0.0.1",
                "64:ff9b::169.254.169.254",
                "64:ff9b:1::1",
                "2002:7f00:1::1",
                "2002:a9fe:a9fe::1",
                "fd00:ec2::254",
                "fe80::1",
                "fec0::1",
                "ff02::1",
                "100::1",
                "2001::1",
                "2001:2::1",
                "2001:20::1",
                "2001:db8::1",
                "3fff::1",
                "5f00::1",
                "4000::1",
            ],
        );
    }
}

//! The head of one request, as the listener saw it, before anything is believed.

use crate::service::RouteFault;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use std::{borrow::Cow, net::IpAddr};

/// One request's head. Made by the listener; nothing in it is authenticated.
#[derive(Clone, Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The path as sent, not decoded.
    pub path: String,
    /// The query as sent, not decoded, without `?`; empty when there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The `Host` header or HTTP/2 authority, with its port.
    pub authority: String,
    /// Whether the request came over TLS.
    pub https: bool,
    /// The other end's address.
    pub peer: IpAddr,
    /// What TLS agreed on; `None` over plain HTTP.
    pub tls: Option<TlsDetails>,
}

/// What TLS agreed on, in the words of an event's `tlsDetails`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsDetails {
    /// Such as `TLSv1.3`.
    pub version: String,
    /// Such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: String,
    /// Such as `x25519`.
    pub key_exchange: String,
}

impl Head {
    /// A header's first value, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.headers.get(name)?.as_bytes()).ok()
    }

    /// The query's pairs in order, decoded; `+` is a space, and bytes that are not UTF-8 are replaced.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.query.as_bytes())
    }

    /// The first value of a query parameter; empty when it was sent without one.
    pub fn query_value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Whether a query parameter was sent, with or without a value.
    pub fn has_query(&self, name: &str) -> bool {
        self.query_pairs().any(|(n, _)| n == name)
    }

    /// The `User-Agent` header.
    pub fn user_agent(&self) -> Option<&str> {
        self.header("user-agent")
    }

    /// The `Content-Length` header, when it is a number.
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }

    /// Whether the body says to be a form, as the query protocols send theirs.
    pub(crate) fn is_form(&self) -> bool {
        self.header("content-type")
            .and_then(|t| t.split(';').next())
            .is_some_and(|t| t.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
    }
}

/// Decodes percent-encoding strictly: `%` is followed by two hex digits and the result is UTF-8. `+` stays `+`.
pub fn decode_percent(text: &str) -> Result<String, RouteFault> {
    if !escapes_are_whole(text) {
        return Err(RouteFault::InvalidUri);
    }
    percent_decode_str(text)
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(|_| RouteFault::InvalidUri)
}

/// Whether every `%` begins an escape. The decoders would let a lone one stand for itself.
pub(crate) fn escapes_are_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes();
        [digits.next(), digits.next()]
            .iter()
            .all(|d| d.is_some_and(|d| d.is_ascii_hexdigit()))
    })
}

#[cfg(test)]
pub(crate) fn head(method: &str, authority: &str, target: &str, headers: &[(&str, &str)]) -> Head {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value.parse().unwrap(),
        );
    }
    Head {
        method: method.parse().unwrap(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: map,
        authority: authority.to_owned(),
        https: false,
        peer: IpAddr::from([127, 0, 0, 1]),
        tls: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn query_values_are_decoded() {
        let head = head("GET", "h", "/?a=1%202&b&c=x+y&a=3", &[("Content-Length", "12")]);
        assert_eq!(head.query_value("a").as_deref(), Some("1 2"));
        assert_eq!(head.query_value("b").as_deref(), Some(""));
        assert_eq!(head.query_value("c").as_deref(), Some("x y"));
        assert_eq!(head.query_value("d"), None);
        assert!(head.has_query("b"));
        assert_eq!(head.content_length(), Some(12));
    }

    #[test]
    fn percent_decoding_is_strict() {
        for bad in ["%", "%4", "%4g", "a%zz", "%ff", "%c3%28", "%+1"] {
            assert_eq!(decode_percent(bad), Err(RouteFault::InvalidUri), "{bad}");
        }
        assert_eq!(decode_percent("a+b%20%E2%82%AC%2F"), Ok("a+b €/".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text in any::<String>()) {
            let encoded = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(decode_percent(&encoded), Ok(text));
        }
    }
}

//! Requests of browsers and answers to them.

use base::Timestamp;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use maud::Markup;
use std::{io, net::IpAddr};

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A form has no more bytes: policies of 20 KiB, several to a page.
pub const FORM_BYTES_MAX: usize = 512 << 10;

/// Everything may come from this server alone, scripts and styles only from files.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                                       form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What a browser asks.
pub struct Request {
    /// GET, HEAD or POST; everything else is refused.
    pub method: Method,
    /// The path, as it was sent.
    pub path: String,
    /// The query, as it was sent; empty when there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole: no more than [`FORM_BYTES_MAX`].
    pub body: Bytes,
    /// Who asks.
    pub peer: IpAddr,
    /// Whether the connection is encrypted.
    pub https: bool,
}

impl Request {
    /// A header's text; empty when there is none or it is no text.
    pub fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A cookie's value.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let all = self.headers.get_all(header::COOKIE).iter();
        let mut pairs = all
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    pub(crate) fn accepts_gzip(&self) -> bool {
        let accepted = self.header(header::ACCEPT_ENCODING);
        accepted.split(',').any(|one| {
            let mut parts = one.split(';').map(str::trim);
            parts.next() == Some("gzip") && parts.all(|part| !matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    }
}

/// What a browser is told.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: AnswerBody,
}

/// The body of an answer: at hand, or as it comes.
pub enum AnswerBody {
    /// At hand.
    Bytes(Bytes),
    /// As it comes, without an end that is known.
    Stream(Body),
}

impl Answer {
    fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Answer {
            status,
            headers,
            body: AnswerBody::Bytes(body.into()),
        }
    }

    /// A page.
    pub fn page(markup: Markup) -> Answer {
        Answer::new(StatusCode::OK, "text/html; charset=utf-8", markup.into_string())
    }

    /// A document for programs.
    pub fn json(value: &serde_json::Value) -> Answer {
        Answer::new(StatusCode::OK, "application/json", value.to_string())
    }

    /// A file to be kept under this name. The name is ASCII without quotes; what is not is replaced.
    pub fn download(name: &str, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
        let harmless = |letter: char| match letter {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '_' | '.' => letter,
            _ => '_',
        };
        let name: String = name.chars().map(harmless).collect();
        Answer::new(StatusCode::OK, content_type, body)
            .with(header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""))
    }

    /// A part of a page's dress that never changes under its name.
    pub(crate) fn asset(content_type: &'static str, body: &'static str) -> Answer {
        Answer::new(StatusCode::OK, content_type, body)
            .with(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
    }

    /// Lines as they come (`text/event-stream`).
    pub fn events(body: Body) -> Answer {
        let mut answer = Answer::new(StatusCode::OK, "text/event-stream", Bytes::new());
        answer.body = AnswerBody::Stream(body);
        answer
    }

    /// Look there instead, with GET.
    pub fn see(place: &str) -> Answer {
        Answer::new(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Bytes::new()).with(header::LOCATION, place)
    }

    /// The same with another status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Answer {
        self.status = status;
        self
    }

    /// The same with this header. A value that no header can have is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Answer {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    pub(crate) fn with_security_headers(mut self) -> Answer {
        let headers = [
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "same-origin"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), geolocation=(), microphone=()",
            ),
        ];
        for (name, value) in headers {
            self.headers.insert(name, HeaderValue::from_static(value));
        }
        let kept = self.headers.contains_key(header::CACHE_CONTROL);
        if !kept {
            let never = HeaderValue::from_static("no-store");
            self.headers.insert(header::CACHE_CONTROL, never);
        }
        self
    }

    /// As a server sends it.
    pub fn into_response(self) -> http::Response<Body> {
        let body = match self.body {
            AnswerBody::Bytes(bytes) => Full::new(bytes).map_err(|never| match never {}).boxed_unsync(),
            AnswerBody::Stream(stream) => stream,
        };
        let mut response = http::Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// A cookie that scripts cannot read and that other sites do not cause to be sent.
pub(crate) fn cookie(name: &str, value: &str, https: bool, until: Option<(Timestamp, Timestamp)>) -> String {
    let age = match until {
        Some((now, until)) => format!("; Max-Age={}", until.since(now).as_secs()),
        None => String::new(),
    };
    let secure = if https { "; Secure" } else { "" };
    format!("{name}={value}; Path=/console; HttpOnly; SameSite=Strict{age}{secure}")
}

/// Bytes of a text of a URL's query that stand for themselves.
const QUERY: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b':');

/// A text as a value in a URL's query.
pub(crate) fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, QUERY).to_string()
}

/// A text as one segment of a URL's path.
pub(crate) fn segment(text: &str) -> String {
    const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'~');
    percent_encoding::utf8_percent_encode(text, SEGMENT).to_string()
}

/// The text of a URL's segment; nothing when it is no UTF-8.
pub(crate) fn unescaped(text: &str) -> Option<String> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

//! An answer that is whole in memory.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};

/// An answer: status, headers and a body that is whole in memory. The listener adds `Date`, `Server` and
/// `Content-Length`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, in order.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// An answer without headers and body.
    pub fn new(status: u16) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// With a header; the name is lower-case. A value that HTTP cannot carry leaves the header out.
    pub fn header(self, name: &'static str, value: &str) -> Reply {
        self.with(HeaderName::from_static(name), value)
    }

    /// With a header. A value that HTTP cannot carry leaves the header out.
    pub fn with(mut self, name: HeaderName, value: &str) -> Reply {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            self.headers.push((name, value));
        }
        self
    }

    /// With a body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Reply {
        self.body = body.into();
        self
    }

    /// Without body and what describes one, as HEAD and 304 are answered.
    pub(crate) fn without_body(mut self) -> Reply {
        self.headers.retain(|(name, _)| *name != header::CONTENT_TYPE);
        self.body = Bytes::new();
        self
    }
}

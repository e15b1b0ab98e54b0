//! Replies, and the two generic shapes of input and output: AWS JSON 1.1 and Query.

use crate::operation::{Call, Parse, Render, RenderCtx};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use record::{Evident, Params};
use serde::{Serialize, de::DeserializeOwned};
use std::ops::Deref;
use wire::ErrorReply;

/// A reply on its way out.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, without the request id.
    pub headers: HeaderMap,
    /// The body.
    pub body: ReplyBody,
}

/// The body of a reply.
pub enum ReplyBody {
    /// At hand.
    Bytes(Bytes),
    /// Streamed, of known length. An error after the first byte ends the connection.
    Stream {
        /// The length in bytes.
        length: u64,
        /// The pieces.
        stream: http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>,
    },
    /// Streamed until something ends it. A stop of the server does not wait for it.
    Endless(http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>),
}

impl Reply {
    /// An empty reply.
    pub fn empty(status: u16) -> Reply {
        Reply {
            status,
            headers: HeaderMap::new(),
            body: ReplyBody::Bytes(Bytes::new()),
        }
    }

    /// A reply with a body of this content type.
    pub fn with_body(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
        let mut reply = Reply::empty(status);
        reply
            .headers
            .insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        reply.body = ReplyBody::Bytes(body.into());
        reply
    }

    /// The same with one more header; a value that no header may have is left out.
    pub fn header(mut self, name: HeaderName, value: &str) -> Reply {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            self.headers.append(name, value);
        }
        self
    }
}

impl From<wire::Reply> for Reply {
    fn from(reply: wire::Reply) -> Reply {
        let mut headers = HeaderMap::with_capacity(reply.headers.len());
        for (name, value) in reply.headers {
            headers.append(name, value);
        }
        Reply {
            status: reply.status,
            headers,
            body: ReplyBody::Bytes(reply.body),
        }
    }
}

/// Input or output of an AWS JSON 1.1 operation: the serde shape of the body.
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> Parse for Json<T> {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        // The pipeline read no more than the operation takes.
        wire::json::parse_up_to(&call.body, usize::MAX)
            .map(Json)
            .map_err(|fault| ErrorReply::of_wire(&fault, call.service))
    }
}

impl<T: Serialize> Render for Json<T> {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        // Our own output types always serialise; should one not, the client gets an empty object rather than a panic.
        let body = serde_json::to_vec(&self.0).unwrap_or_else(|_| b"{}".to_vec());
        Reply::with_body(200, "application/x-amz-json-1.1", body)
    }
}

impl<T: Evident> Evident for Json<T> {
    fn evident(&self) -> Params {
        self.0.evident()
    }
}

/// Input of a Query or EC2 operation: the serde shape of the form.
pub struct QueryForm<T>(pub T);

impl<T> Deref for QueryForm<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> Parse for QueryForm<T> {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        let Some(form) = &call.form else {
            return Err(ErrorReply::internal(call.service));
        };
        wire::query::parse(form)
            .map(QueryForm)
            .map_err(|fault| ErrorReply::of_wire(&fault, call.service))
    }
}

impl<T: Evident> Evident for QueryForm<T> {
    fn evident(&self) -> Params {
        self.0.evident()
    }
}

/// Output of a Query or EC2 operation: the serde shape of the result element.
pub struct QueryResult<T>(pub T);

impl<T: Serialize> Render for QueryResult<T> {
    fn render(self, ctx: &RenderCtx<'_>) -> Reply {
        let rendered = match ctx.service {
            wire::ServiceName::Ec2 => wire::xml::ec2_response(ctx.operation, &self.0, ctx.request_id),
            _ => wire::xml::query_response(ctx.service, ctx.operation, &self.0, ctx.request_id),
        };
        rendered.map_or_else(|_| Reply::empty(500), Reply::from)
    }
}

impl<T: Evident> Evident for QueryResult<T> {
    fn evident(&self) -> Params {
        self.0.evident()
    }
}

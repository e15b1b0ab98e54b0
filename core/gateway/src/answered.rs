//! What is told of a call on a bucket once it is answered: for S3's server access logs, which are no events.

use crate::{Caller, ReplyBody, pipeline::Entered};
use base::Timestamp;
use std::time::{Duration, Instant};

/// A call on a bucket, answered.
pub struct AnsweredCall {
    /// The operation's name.
    pub operation: &'static str,
    /// The bucket.
    pub bucket: String,
    /// The key, when one was addressed.
    pub key: Option<String>,
    /// The method, path and query, as they were sent.
    pub request_line: (http::Method, String, String),
    /// Who called.
    pub caller: Caller,
    /// From where.
    pub address: String,
    /// `Referer`
    pub referer: Option<String>,
    /// `User-Agent`
    pub user_agent: Option<String>,
    /// The host that was named.
    pub host: String,
    /// Cipher suite and version of TLS.
    pub tls: Option<(String, String)>,
    /// Whether the signature was in the query; `None` without one.
    pub presigned: Option<bool>,
    /// The call's id.
    pub request_id: String,
    /// When it came, by domain time.
    pub came: Timestamp,
    /// How long the answer took, without its body.
    pub took: Duration,
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers.
    pub headers: http::HeaderMap,
    /// The code of an error that has a body.
    pub error: Option<String>,
    /// Bytes of the answer's body.
    pub bytes_sent: u64,
    /// Bytes of the request's body, as declared.
    pub bytes_received: u64,
}

/// A call that is under way, of which will be told.
pub(crate) struct Telling {
    call: AnsweredCall,
    began: Instant,
}

impl Telling {
    /// What is known before the call is answered; `None` when it is on no bucket.
    pub(crate) fn of(entered: &Entered) -> Option<Telling> {
        let Entered { ctx, call, route, .. } = entered;
        let target = call.target.as_ref()?;
        let call = AnsweredCall {
            operation: route.name,
            bucket: target.bucket.clone()?,
            key: target.key.clone(),
            request_line: (
                call.head.method.clone(),
                call.head.path.clone(),
                call.head.query.clone(),
            ),
            caller: ctx.caller.clone(),
            address: ctx.source.address.clone(),
            referer: ctx.source.referer.clone(),
            user_agent: Some(ctx.source.user_agent.clone()).filter(|agent| !agent.is_empty()),
            host: ctx.source.host.clone(),
            tls: (ctx.source.tls.as_ref()).map(|tls| (tls.cipher_suite.clone(), tls.version.clone())),
            presigned: call.signature.as_ref().map(|signature| signature.presigned),
            request_id: ctx.request_id.clone(),
            came: ctx.now(),
            took: Duration::ZERO,
            status: 0,
            headers: http::HeaderMap::new(),
            error: None,
            bytes_sent: 0,
            bytes_received: call.head.content_length().unwrap_or(0),
        };
        Some(Telling {
            call,
            began: Instant::now(),
        })
    }

    /// The call with its answer.
    pub(crate) fn answered(self, reply: &crate::Reply) -> AnsweredCall {
        let (bytes_sent, error) = match &reply.body {
            ReplyBody::Bytes(bytes) if reply.status >= 400 => (bytes.len() as u64, code_of(bytes)),
            ReplyBody::Bytes(bytes) => (bytes.len() as u64, None),
            ReplyBody::Stream { length, .. } => (*length, None),
            ReplyBody::Endless(_) => (0, None),
        };
        AnsweredCall {
            took: self.began.elapsed(),
            status: reply.status,
            headers: reply.headers.clone(),
            bytes_sent,
            error,
            ..self.call
        }
    }
}

/// The code in an error document that this server wrote.
fn code_of(document: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(document).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code.to_owned())
}

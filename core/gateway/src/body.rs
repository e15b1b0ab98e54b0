//! A request's body as operations see it: decoded, and proven as far as it has been read.

use crate::pipeline::BoxError;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use sigv4::{AuthFault, Authenticated, BodyHasher, ChunkDecoder, Payload, Trailers};

/// The raw body, as the listener hands it over.
pub type RawBody = UnsyncBoxBody<Bytes, BoxError>;

/// Why a body could not be read to its end.
#[derive(Debug)]
pub enum BodyFault {
    /// A chunk's signature, the trailer's, the hash or the framing is wrong.
    Auth(AuthFault),
    /// The connection ended before the body did.
    Truncated,
    /// More bytes than are taken.
    TooLarge,
}

/// A body being read. aws-chunked framing is taken off and each chunk's signature checked before its bytes are given
/// out; a hashed body is compared at its end.
///
/// INVARIANT: bytes are proven only once [`Body::next`] has answered `None`. Nothing may be made visible before that.
pub struct Body {
    raw: RawBody,
    decode: Decode,
    trailers: Option<Trailers>,
    declared_length: Option<u64>,
}

enum Decode {
    Plain,
    Hash(Box<BodyHasher>),
    Chunked(Box<ChunkDecoder>),
    Done,
}

impl Body {
    /// A body whose bytes nothing vouches for: anonymous and UNSIGNED-PAYLOAD calls.
    pub fn plain(raw: RawBody, content_length: Option<u64>) -> Body {
        Body {
            raw,
            decode: Decode::Plain,
            trailers: None,
            declared_length: content_length,
        }
    }

    /// The body of an anonymous call, which says itself how it is framed and what it hashes to.
    pub fn anonymous(raw: RawBody, content_length: Option<u64>, payload: Payload) -> Body {
        let (decode, declared_length) = match payload {
            Payload::Hash(hash) => (Decode::Hash(Box::new(BodyHasher::new(hash))), content_length),
            Payload::Unsigned | Payload::NotDeclared => (Decode::Plain, content_length),
            Payload::Chunked {
                trailer,
                decoded_length,
                ..
            } => {
                let decoder = ChunkDecoder::anonymous(trailer, decoded_length);
                (Decode::Chunked(Box::new(decoder)), Some(decoded_length))
            }
        };
        Body {
            raw,
            decode,
            trailers: None,
            declared_length,
        }
    }

    /// No body.
    pub fn empty() -> Body {
        let raw = http_body_util::Empty::new()
            .map_err(|never| match never {})
            .boxed_unsync();
        Body::plain(raw, Some(0))
    }

    /// A body as the signature describes it.
    pub fn authenticated(raw: RawBody, content_length: Option<u64>, signed: &Authenticated) -> Body {
        let (decode, declared_length) = match signed.payload() {
            Payload::Hash(hash) => (Decode::Hash(Box::new(BodyHasher::new(*hash))), content_length),
            Payload::Unsigned | Payload::NotDeclared => (Decode::Plain, content_length),
            Payload::Chunked { decoded_length, .. } => match ChunkDecoder::new(signed) {
                Some(decoder) => (Decode::Chunked(Box::new(decoder)), Some(*decoded_length)),
                None => (Decode::Plain, content_length),
            },
        };
        Body {
            raw,
            decode,
            trailers: None,
            declared_length,
        }
    }

    /// How long the caller says the decoded body is.
    pub fn declared_length(&self) -> Option<u64> {
        self.declared_length
    }

    /// The next decoded bytes, or `None` at the proven end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyFault> {
        loop {
            if matches!(self.decode, Decode::Done) {
                return Ok(None);
            }
            match self.raw.frame().await {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let out = self.decode(data)?;
                    if !out.is_empty() {
                        return Ok(Some(out));
                    }
                }
                Some(Err(_)) => return Err(BodyFault::Truncated),
                None => self.finish()?,
            }
        }
    }

    fn decode(&mut self, data: Bytes) -> Result<Bytes, BodyFault> {
        match &mut self.decode {
            Decode::Plain | Decode::Done => Ok(data),
            Decode::Hash(hasher) => {
                hasher.update(&data);
                Ok(data)
            }
            Decode::Chunked(decoder) => {
                let mut out = BytesMut::with_capacity(data.len());
                decoder.push(&data, &mut out).map_err(BodyFault::Auth)?;
                Ok(out.freeze())
            }
        }
    }

    fn finish(&mut self) -> Result<(), BodyFault> {
        match std::mem::replace(&mut self.decode, Decode::Done) {
            Decode::Plain | Decode::Done => Ok(()),
            Decode::Hash(hasher) => hasher.finish().map_err(BodyFault::Auth),
            Decode::Chunked(decoder) => {
                self.trailers = Some(decoder.finish().map_err(BodyFault::Auth)?);
                Ok(())
            }
        }
    }

    /// The trailers, after the end of a chunked body that had some.
    pub fn trailers(&self) -> Option<&Trailers> {
        self.trailers.as_ref()
    }

    /// Reads it whole, up to `bytes_max`.
    pub async fn whole(mut self, bytes_max: usize) -> Result<Bytes, BodyFault> {
        if self.declared_length.is_some_and(|length| length > bytes_max as u64) {
            return Err(BodyFault::TooLarge);
        }
        let Some(first) = self.next().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next().await? else {
            return Ok(first);
        };
        // What was declared is not over the limit, and what did come says that there is more to it than words.
        let declared = self.declared_length.and_then(|length| usize::try_from(length).ok());
        let mut out = Vec::with_capacity(declared.unwrap_or(0).max(first.len() + second.len()));
        out.extend_from_slice(&first);
        out.extend_from_slice(&second);
        while out.len() <= bytes_max {
            match self.next().await? {
                Some(data) => out.extend_from_slice(&data),
                None => return Ok(Bytes::from(out)),
            }
        }
        Err(BodyFault::TooLarge)
    }
}

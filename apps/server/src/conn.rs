//! A connection's bytes, under the HTTP library: an answer in AWS's shape where the library would answer with none, and an
//! end that lets the client read it.
//!
//! The library refuses a head that it cannot parse, or that is too large, with a bare status. Those bytes are replaced
//! here by an error that clients of AWS understand. And a client that is still sending when it is refused would lose the
//! answer to a reset; so what it sends is read and dropped for a while before the connection is closed.

use bytes::Bytes;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// How long, and for how many bytes, a refused client is listened to.
const LINGER_MAX: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 64 << 20;

/// Every answer of ours has this header, and none of the library's has.
pub(crate) const SERVER: &str = "shoseki";
const OUR_MARK: &[u8] = b"\r\nserver: shoseki\r\n";

/// What the connection and the calls on it share.
#[derive(Default)]
pub(crate) struct Exchange {
    /// Whether the client may still be sending a body that nobody reads.
    unread: AtomicBool,
}

impl Exchange {
    /// A body has begun, or has been read to its end.
    pub(crate) fn set_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }
}

/// The stream of a connection.
pub(crate) struct Conn<S> {
    stream: S,
    exchange: Arc<Exchange>,
    /// An answer that is being written in place of the library's, how far it got, and how many bytes it stands for.
    instead: Option<(Bytes, usize, usize)>,
    refused: bool,
    linger: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Conn<S> {
    pub(crate) fn new(stream: S, exchange: Arc<Exchange>) -> Conn<S> {
        Conn {
            stream,
            exchange,
            instead: None,
            refused: false,
            linger: None,
        }
    }
}

/// What is said in place of a bare refusal; `None` when the bytes are an answer of ours.
fn instead_of(answer: &[u8]) -> Option<Bytes> {
    let bare = [&b"HTTP/1.1 400 "[..], b"HTTP/1.1 414 ", b"HTTP/1.1 431 "]
        .iter()
        .position(|s| answer.starts_with(s))?;
    if answer.windows(OUR_MARK.len()).any(|window| window == OUR_MARK) {
        return None;
    }
    let (code, message) = match bare {
        0 => ("BadRequest", "An error occurred when parsing the HTTP request."),
        _ => (
            "RequestHeaderSectionTooLarge",
            "Your request header and query parameters used to make the request exceed the maximum allowed size.",
        ),
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Some(Bytes::from(format!(
        "HTTP/1.1 400 Bad Request\r\nserver: {SERVER}\r\ncontent-type: application/xml\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )))
}

impl<S: AsyncWrite + Unpin> Conn<S> {
    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while let Some((bytes, done, stands_for)) = &mut self.instead {
            let rest = bytes.get(*done..).unwrap_or_default();
            if rest.is_empty() {
                let stands_for = *stands_for;
                self.instead = None;
                return Poll::Ready(Ok(stands_for));
            }
            *done += ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
        }
        Poll::Ready(Ok(0))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Conn<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Conn<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.refused
            && let Some(bytes) = instead_of(buf)
        {
            self.instead = Some((bytes, 0, buf.len()));
            self.refused = true;
        }
        match self.instead {
            Some(_) => self.poll_instead(cx),
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = bufs.iter().find(|buf| !buf.is_empty());
        match first {
            Some(first) if self.instead.is_some() || instead_of(first).is_some() => self.poll_write(cx, first),
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            if !self.refused && !self.exchange.unread.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
        }
        let Conn { stream, linger, .. } = &mut *self;
        let (until, left) = linger.get_or_insert_with(|| (Box::pin(tokio::time::sleep(LINGER_MAX)), LINGER_BYTES_MAX));
        let mut scratch = [0; 16 << 10];
        while until.as_mut().poll(cx).is_pending() && *left > 0 {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => *left = left.saturating_sub(buf.filled().len()),
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_refusals_are_replaced() {
        let check = |answer: &str, code: Option<&str>| {
            let instead = instead_of(answer.as_bytes()).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
            assert_eq!(instead.is_some(), code.is_some(), "{answer}");
            assert!(instead.unwrap_or_default().contains(code.unwrap_or_default()));
        };
        check(
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
            Some("<Code>BadRequest<"),
        );
        check(
            "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n",
            Some("<Code>RequestHeaderSectionTooLarge<"),
        );
        check(
            "HTTP/1.1 414 URI Too Long\r\n\r\n",
            Some("<Code>RequestHeaderSectionTooLarge<"),
        );
        check("HTTP/1.1 400 Bad Request\r\nx: y\r\nserver: shoseki\r\n\r\nbody", None);
        check("HTTP/1.1 404 Not Found\r\n\r\n", None);
        check("", None);
    }
}

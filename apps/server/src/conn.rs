//! A connection's bytes, under the HTTP library: an answer in AWS's shape where the library would answer with none, and an
//! end that lets the client read it.
//!
//! The library refuses a head that it cannot parse, or that is too large, with a bare status. Those bytes are replaced
//! here by an error that clients of AWS understand. And a client that is still sending when it is refused would lose the
//! answer to a reset; so what it sends is read and dropped for a while before the connection is closed.
//!
//! INVARIANT: bytes of an answer of ours are never looked at, for an object may hold any bytes: only what the library writes
//! while no call is under way, and nothing of an earlier one is left to be written, can be a refusal of its own.

use bytes::Bytes;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// How long, and for how many bytes, a refused client is listened to.
const LINGER_MAX: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 64 << 20;

/// Every answer of ours has this header, and none of the library's has.
pub(crate) const SERVER: &str = "shoseki";
const OUR_MARK: &[u8] = b"\r\nserver: shoseki\r\n";

/// A write that is no longer is no part of an answer: HTTP/2 alone sends pings, of 17 bytes.
const PING_BYTES_MAX: usize = 64;

/// How long a connection may be left alone.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// Until its first call has begun.
    pub(crate) first: Duration,
    /// Between two calls.
    pub(crate) idle: Duration,
    /// While an answer waits for its client to read on.
    pub(crate) unread: Duration,
}

/// What the connection and the calls on it share.
pub(crate) struct Exchange {
    /// Whether the client may still be sending a body that nobody reads.
    unread: AtomicBool,
    /// Whether the body was asked for: a client that waits to be told to continue was told.
    invited: AtomicBool,
    /// The calls whose answers the library has not taken whole.
    calls: AtomicUsize,
    /// Whether bytes of an answer may be on their way.
    answering: AtomicBool,
    /// HTTP/2: its frames never look like a bare refusal, and what is left to be written cannot be told.
    multiplexed: AtomicBool,
    /// Whether the last write had to wait for the client.
    blocked: AtomicBool,
    /// Whether the answer under way has no end, so that it matters when its client has gone; of HTTP/1, where the library does
    /// not look.
    endless: AtomicBool,
    begun: Instant,
    /// When something last happened, in milliseconds from the beginning; zero before the first call.
    active: AtomicU64,
}

impl Default for Exchange {
    fn default() -> Exchange {
        Exchange {
            unread: AtomicBool::new(false),
            invited: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
            answering: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            endless: AtomicBool::new(false),
            begun: Instant::now(),
            active: AtomicU64::new(0),
        }
    }
}

/// A call on a connection, until the library has taken the last of its answer.
pub(crate) struct Call(Arc<Exchange>);

impl Call {
    pub(crate) fn begin(exchange: &Arc<Exchange>, multiplexed: bool) -> Call {
        exchange.calls.fetch_add(1, Ordering::Relaxed);
        exchange.answering.store(true, Ordering::Relaxed);
        if multiplexed {
            exchange.multiplexed.store(true, Ordering::Relaxed);
        }
        exchange.touch();
        Call(Arc::clone(exchange))
    }
}

impl Call {
    /// Its answer has no end: it ends when its client has nothing more to say, too.
    pub(crate) fn is_endless(&self) {
        if !self.0.multiplexed.load(Ordering::Relaxed) {
            self.0.endless.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.endless.store(false, Ordering::Relaxed);
        self.0.touch();
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Exchange {
    fn touch(&self) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.active.store(now.max(1), Ordering::Relaxed);
    }

    /// What the library had to write is written.
    fn flushed(&self) {
        if self.calls.load(Ordering::Relaxed) == 0 {
            self.answering.store(false, Ordering::Relaxed);
        }
    }

    fn wrote(&self, result: &Poll<io::Result<usize>>) {
        self.blocked.store(result.is_pending(), Ordering::Relaxed);
        if matches!(result, Poll::Ready(Ok(written)) if *written > PING_BYTES_MAX) {
            self.touch();
        }
    }

    /// Whether what is written now can be a refusal of the library's own.
    fn may_be_bare(&self) -> bool {
        !self.answering.load(Ordering::Relaxed) && !self.multiplexed.load(Ordering::Relaxed)
    }

    /// When the connection is given up unless something happens; `None` while a call is at work.
    fn ends(&self, patience: Patience) -> Option<Instant> {
        let active = self.active.load(Ordering::Relaxed);
        let last = self.begun + Duration::from_millis(active);
        if self.blocked.load(Ordering::Relaxed) {
            Some(last + patience.unread)
        } else if self.calls.load(Ordering::Relaxed) > 0 {
            None
        } else if active == 0 {
            Some(last + patience.first)
        } else {
            Some(last + patience.idle)
        }
    }

    /// Ends when nothing has happened on the connection for so long that it is given up.
    pub(crate) async fn forsaken(&self, patience: Patience) {
        loop {
            let now = Instant::now();
            match self.ends(patience) {
                Some(end) if end <= now => return,
                Some(end) => tokio::time::sleep_until(end).await,
                None => tokio::time::sleep(patience.idle).await,
            }
        }
    }

    /// A body has begun, or has been read to its end.
    pub(crate) fn set_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }

    /// Whether the body of the call that is under way was asked for; of HTTP/1, where there is one at a time.
    pub(crate) fn set_invited(&self, invited: bool) {
        self.invited.store(invited, Ordering::Relaxed);
    }

    pub(crate) fn invited(&self) -> bool {
        self.invited.load(Ordering::Relaxed)
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
    /// What a client has sent while its answer went on.
    early: Vec<u8>,
}

impl<S> Conn<S> {
    pub(crate) fn new(stream: S, exchange: Arc<Exchange>) -> Conn<S> {
        Conn {
            stream,
            exchange,
            instead: None,
            refused: false,
            linger: None,
            early: Vec::new(),
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

/// Of what a client sends before its time no more is kept; it is not read on then.
const EARLY_BYTES_MAX: usize = 4 << 10;

impl<S: AsyncRead + Unpin> Conn<S> {
    /// Whether the client of an answer without an end has gone: it has ended its side, or the connection is broken. Wakes when
    /// that happens.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        while self.exchange.endless.load(Ordering::Relaxed) && self.early.len() < EARLY_BYTES_MAX {
            let mut scratch = [0; 1 << 10];
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf)) {
                Ok(()) if buf.filled().is_empty() => return Poll::Ready(io::ErrorKind::BrokenPipe.into()),
                Ok(()) => self.early.extend_from_slice(buf.filled()),
                Err(error) => return Poll::Ready(error),
            }
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Conn<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let count = self.early.len().min(buf.remaining());
            buf.put_slice(self.early.get(..count).unwrap_or_default());
            self.early.drain(..count);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Conn<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.instead.is_none()
            && !self.refused
            && self.exchange.may_be_bare()
            && let Some(bytes) = instead_of(buf)
        {
            self.instead = Some((bytes, 0, buf.len()));
            self.refused = true;
        }
        let written = match self.instead {
            Some(_) => self.poll_instead(cx),
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        };
        self.exchange.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Whatever may be a refusal goes the way on which it is looked at.
        let first = bufs.iter().find(|buf| !buf.is_empty());
        match first {
            Some(first) if self.instead.is_some() || self.exchange.may_be_bare() => self.poll_write(cx, first),
            _ => {
                let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
                self.exchange.wrote(&written);
                written
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The library flushes when it has nothing left to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.exchange.flushed();
        if let Poll::Ready(gone) = self.poll_gone(cx) {
            return Poll::Ready(Err(gone));
        }
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

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

    const BARE: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\r\n";

    /// What a client reads of such writes, each by itself or all at once.
    async fn read(exchange: &Arc<Exchange>, writes: &[&[u8]], vectored: bool) -> Vec<u8> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        let mut conn = Conn::new(ours, Arc::clone(exchange));
        for write in writes {
            let written = if vectored {
                conn.write_vectored(&[IoSlice::new(write)]).await
            } else {
                conn.write(write).await
            };
            assert_eq!(written.unwrap(), write.len());
        }
        drop(conn);
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).await.unwrap();
        all
    }

    #[tokio::test]
    async fn the_bytes_of_an_answer_are_never_replaced() {
        for vectored in [false, true] {
            let exchange = Arc::new(Exchange::default());
            let call = Call::begin(&exchange, false);
            assert_eq!(
                read(&exchange, &[b"head", BARE, BARE], vectored).await,
                [b"head", BARE, BARE].concat()
            );
            // The library has taken all of it, and has not written all of it yet.
            drop(call);
            assert_eq!(read(&exchange, &[BARE], vectored).await, BARE);
            exchange.flushed();
            assert!(read(&exchange, &[BARE], vectored).await.ends_with(b"</Error>"));
            drop(Call::begin(&exchange, true));
            exchange.flushed();
            assert_eq!(read(&exchange, &[BARE], vectored).await, BARE);
        }
    }

    /// A client that has gone is noticed while an answer without an end waits; what another one sends meanwhile is not lost.
    #[tokio::test]
    async fn the_client_of_an_endless_answer_is_missed_when_it_goes() {
        let exchange = Arc::new(Exchange::default());
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        let mut conn = Conn::new(ours, Arc::clone(&exchange));
        let call = Call::begin(&exchange, false);
        conn.flush().await.unwrap();
        call.is_endless();
        theirs.write_all(b"next").await.unwrap();
        conn.flush().await.unwrap();
        let mut next = [0; 4];
        conn.read_exact(&mut next).await.unwrap();
        assert_eq!(&next, b"next");
        drop(theirs);
        assert!(conn.flush().await.is_err());
        drop(call);
        conn.flush().await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_is_left_alone_ends_and_one_at_work_does_not() {
        let (soon, late) = (Duration::from_millis(20), Duration::from_secs(3_600));
        let all = |first, idle, unread| Patience { first, idle, unread };
        let check = async |exchange: &Exchange, patience, ends: bool| {
            let ended = tokio::time::timeout(soon * 10, exchange.forsaken(patience)).await;
            assert_eq!(ended.is_ok(), ends);
        };
        let exchange = Arc::new(Exchange::default());
        check(&exchange, all(soon, late, late), true).await;
        check(&exchange, all(late, soon, soon), false).await;
        let call = Call::begin(&exchange, false);
        check(&exchange, all(soon, soon, soon), false).await;
        exchange.wrote(&Poll::Pending);
        check(&exchange, all(late, late, soon), true).await;
        exchange.wrote(&Poll::Ready(Ok(1_000)));
        check(&exchange, all(soon, soon, soon), false).await;
        drop(call);
        check(&exchange, all(soon, late, soon), false).await;
        check(&exchange, all(late, soon, late), true).await;
    }
}

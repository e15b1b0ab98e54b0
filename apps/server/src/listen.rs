//! HTTP in and out: connections, TLS, the head and body that the gateway takes, and its replies.

use crate::{
    conn::{Call, Conn, Exchange, Patience, SERVER},
    pages::{self, PageBody, Pages},
    tls,
    workers::{Caught, stopped},
};
use bytes::Bytes;
use gateway::{Gateway, Reply, ReplyBody, body::RawBody, pipeline::BoxError};
use http::{HeaderValue, Request, Response, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Once, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{Instant, Sleep},
};
use tokio_rustls::TlsAcceptor;
use wire::{ErrorReply, Head, ServiceName, TlsDetails};

/// A request's head is no longer, request line and headers together. It is also the size in which bodies are read.
const HEAD_BYTES_MAX: usize = 128 << 10;
/// A request has no more headers: S3 allows 2 KiB of user metadata, and no client needs hundreds.
const HEADERS_MAX: usize = 256;
/// A client has this long to send a head, and to shake hands.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);
/// A client that sends no byte of a body for so long is given up.
const BODY_PAUSE_MAX: Duration = Duration::from_secs(60);
/// A connection on which no call begins for so long is closed; one that never had a call, after `HEAD_TIME_MAX`.
const IDLE_TIME_MAX: Duration = Duration::from_secs(90);
/// An HTTP/2 client that is silent for so long is asked whether it is there, and has as long to answer.
const PING_EVERY: Duration = Duration::from_secs(30);
const PATIENCE: Patience = Patience {
    first: HEAD_TIME_MAX,
    idle: IDLE_TIME_MAX,
    unread: BODY_PAUSE_MAX,
};

/// Descriptors that a process has at least, where it cannot be told how many.
const DESCRIPTORS: usize = 1_024;
/// So many are the store's at least: one that finds none left cannot write, and must not go on.
const STORE_DESCRIPTORS_MIN: usize = 64;
const CONNECTIONS_MAX: usize = 1 << 16;

/// What is under way when the server stops has this long to be answered.
const FINISH_TIME_MAX: Duration = Duration::from_secs(10);

/// When no call has been under way for so many looks in a row, the last answers have left too.
const FINISH_LOOKS: u32 = 5;
const FINISH_LOOK_EVERY: Duration = Duration::from_millis(50);

/// An answer's body, which keeps its call under way until it has been sent.
struct AnswerBody {
    body: UnsyncBoxBody<Bytes, io::Error>,
    _call: UnderWay,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) calls: Calls,
    pub(crate) pages: Arc<OnceLock<Arc<dyn Pages>>>,
}

/// Counts the calls under way, from their head to the last byte of their answer.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<AtomicUsize>);

/// A call under way.
struct UnderWay {
    /// `None` for one whose answer has no end.
    count: Option<Arc<AtomicUsize>>,
    call: Call,
}

impl UnderWay {
    /// Its answer has no end but that of its client or of the server, which does not wait for it.
    fn is_endless(&mut self) {
        self.is_not_waited_for();
        self.call.is_endless();
    }

    fn is_not_waited_for(&mut self) {
        if let Some(count) = self.count.take() {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Calls {
    fn begin(&self, call: Call) -> UnderWay {
        self.0.fetch_add(1, Ordering::Relaxed);
        UnderWay {
            count: Some(Arc::clone(&self.0)),
            call,
        }
    }

    fn under_way(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.is_not_waited_for();
    }
}

/// What is known of a connection.
struct Peer {
    ip: IpAddr,
    tls: Option<TlsDetails>,
    https: bool,
    exchange: Arc<Exchange>,
}

/// How many connections there may be with so many descriptors: half, and the store keeps what it needs.
fn connections_max(descriptors: usize) -> usize {
    let room = descriptors.saturating_sub(STORE_DESCRIPTORS_MIN);
    room.min(descriptors / 2).clamp(8, CONNECTIONS_MAX)
}

/// The soft limit on descriptors, as the system's text about this process has it.
fn descriptors(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

/// Accepts a connection once there is room for it. Those that come meanwhile wait at the system's door.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = match Arc::clone(room).try_acquire_owned() {
        Ok(permit) => permit,
        Err(_) => {
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                tracing::warn!("as many connections are open as the limit on open files allows; new ones wait");
            });
            Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?
        }
    };
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

/// Accepts connections until told to stop, then lets the calls under way be answered.
pub(crate) async fn run(listener: TcpListener, front: Front, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let limits = tokio::fs::read_to_string("/proc/self/limits").await.unwrap_or_default();
    let room = Arc::new(Semaphore::new(connections_max(
        descriptors(&limits).unwrap_or(DESCRIPTORS),
    )));
    let mut accepting = Box::pin(next(&listener, &room));
    loop {
        tokio::select! {
            // Kept from round to round: who waits for room is not to lose its place.
            accepted = &mut accepting => {
                accepting.set(next(&listener, &room));
                match accepted {
                Ok((stream, peer, permit)) => {
                    let connection = connection(front.clone(), stream, peer, graceful.watcher());
                    let _ = connections.spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely; the connections that are open will give some back.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                }
            }
            Some(_) = connections.join_next() => {}
            () = stopped(&mut stop) => break,
        }
    }
    drop(accepting);
    drop(listener);
    front.gateway.world().stop();
    finish(graceful, &front.calls).await;
    connections.shutdown().await;
}

/// Waits until the calls under way are answered. Connections on which nothing was asked are not waited for.
async fn finish(graceful: GracefulShutdown, calls: &Calls) {
    let end = Instant::now() + FINISH_TIME_MAX;
    let mut closed = std::pin::pin!(graceful.shutdown());
    let mut quiet = 0;
    while quiet < FINISH_LOOKS {
        if tokio::time::timeout(FINISH_LOOK_EVERY, &mut closed).await.is_ok() {
            return;
        }
        quiet = if calls.under_way() == 0 { quiet + 1 } else { 0 };
        if Instant::now() > end {
            tracing::warn!(
                calls = calls.under_way(),
                "some calls were not answered in time and are broken off"
            );
            return;
        }
    }
}

async fn connection(front: Front, stream: TcpStream, peer: SocketAddr, watcher: hyper_util::server::graceful::Watcher) {
    let _ = stream.set_nodelay(true);
    let ip = peer.ip().to_canonical();
    match &front.tls {
        None => {
            serve(
                &front,
                stream,
                Peer {
                    ip,
                    tls: None,
                    https: false,
                    exchange: Arc::default(),
                },
                watcher,
            )
            .await
        }
        Some(acceptor) => {
            // A failed handshake is the client's affair, and told to it by an alert.
            let Ok(Ok(stream)) = tokio::time::timeout(HEAD_TIME_MAX, acceptor.accept(stream)).await else {
                return;
            };
            let tls = tls::details(stream.get_ref().1);
            serve(
                &front,
                stream,
                Peer {
                    ip,
                    tls,
                    https: true,
                    exchange: Arc::default(),
                },
                watcher,
            )
            .await;
        }
    }
}

async fn serve<S>(front: &Front, stream: S, peer: Peer, watcher: hyper_util::server::graceful::Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let exchange = Arc::clone(&peer.exchange);
    let io = TokioIo::new(Conn::new(stream, Arc::clone(&exchange)));
    let peer = Arc::new(peer);
    let service = service_fn(|request| answer(front.clone(), Arc::clone(&peer), request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        // A client that has said all it will say still gets its answer.
        .half_close(true)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .max_concurrent_streams(256);
    // How a connection ends is its client's affair: a reset, a timeout, bytes that are no HTTP.
    // The library waits without end for the bytes that tell HTTP/1 from HTTP/2, and for an HTTP/2 client's next call.
    tokio::select! {
        _ = watcher.watch(builder.serve_connection(io, service)) => {}
        () = exchange.forsaken(PATIENCE) => {}
    }
}

/// Answers one request. A panic in it is answered as an internal error and leaves the connection as it is.
async fn answer(front: Front, peer: Arc<Peer>, request: Request<Incoming>) -> Result<Response<AnswerBody>, Infallible> {
    let call = Call::begin(&peer.exchange, request.version() >= Version::HTTP_2);
    let (gateway, call) = (&front.gateway, front.calls.begin(call));
    let (parts, body) = request.into_parts();
    let expects = parts.version < Version::HTTP_2 && parts.headers.contains_key(header::EXPECT);
    let one_host = parts.headers.get_all(header::HOST).iter().count() < 2;
    let head = head_of(parts, &peer);
    let service = wire::service_for_fault(&head, None);
    let is_head = head.method == http::Method::HEAD;
    if !one_host {
        let error = ErrorReply::new(400, "BadRequest", "The request has more than one Host header.");
        return Ok(response(refusal(gateway, service, &error, is_head), call));
    }
    peer.exchange.set_unread(!body.is_end_stream());
    peer.exchange.set_invited(false);
    let body: RawBody = RequestBody {
        body,
        exchange: Arc::clone(&peer.exchange),
        pause: None,
    }
    .boxed_unsync();
    if let Some(reply) = certificate(gateway, &head).await {
        return Ok(response(reply, call));
    }
    if let Some(pages) = front.pages.get()
        && pages::are_asked(&**pages, &head, &gateway.world().settings.domain)
    {
        let page = Caught::new(pages::answer(Arc::clone(pages), head, body)).await;
        return Ok(shown(page, call));
    }
    let reply = match Caught::new(gateway.handle(head, body)).await {
        Some(reply) => reply,
        None => {
            tracing::error!("a call panicked; its caller was told of an internal error");
            refusal(gateway, service, &ErrorReply::internal(service), is_head)
        }
    };
    let mut response = response(reply, call);
    if expects && !peer.exchange.invited() {
        // botocore takes a final answer in place of "100 Continue" for the beginning of its next answer too, if that next
        // call waits for one as well and comes on the same connection.
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// The certificate of SNS's signatures, which whoever gets a message reads without being a caller.
async fn certificate(gateway: &Gateway, head: &Head) -> Option<Reply> {
    if head.method != http::Method::GET {
        return None;
    }
    match sns::certificate(gateway.world(), &head.path).await {
        Ok(pem) => Some(Reply::with_body(200, "application/x-pem-file", pem?)),
        Err(error) => {
            tracing::error!(%error, "a certificate cannot be read");
            Some(Reply::empty(500))
        }
    }
}

/// An error that the listener itself tells.
fn refusal(gateway: &Gateway, service: ServiceName, error: &ErrorReply, is_head: bool) -> Reply {
    let request_id = base::ids::s3_request_id(&gateway.world().random);
    wire::render_error(service, error, &request_id, &request_id, None, is_head).into()
}

fn head_of(parts: http::request::Parts, peer: &Peer) -> Head {
    let host = || {
        parts
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .map(str::to_owned)
    };
    let authority = || parts.uri.authority().map(ToString::to_string);
    // Clients sign the Host header in HTTP/1 and the authority in HTTP/2.
    let named = if parts.version >= Version::HTTP_2 {
        authority().or_else(host)
    } else {
        host().or_else(authority)
    };
    Head {
        authority: named.unwrap_or_default(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        https: peer.https,
        peer: peer.ip,
        tls: peer.tls.clone(),
    }
}

fn response(reply: Reply, call: UnderWay) -> Response<AnswerBody> {
    let mut call = call;
    let (length, body) = match reply.body {
        ReplyBody::Endless(stream) => {
            call.is_endless();
            (None, stream)
        }
        ReplyBody::Bytes(bytes) => (None, Full::new(bytes).map_err(|never| match never {}).boxed_unsync()),
        ReplyBody::Stream { length, stream } => (Some(length), stream),
    };
    let mut response = Response::new(AnswerBody { body, _call: call });
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = reply.headers;
    response
        .headers_mut()
        .insert(header::SERVER, HeaderValue::from_static(SERVER));
    if let Some(length) = length {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// A page as it is sent; none, when making it panicked.
fn shown(page: Option<Response<PageBody>>, mut call: UnderWay) -> Response<AnswerBody> {
    let page = page.unwrap_or_else(|| {
        tracing::error!("a page panicked; its reader was told of an internal error");
        pages::plain(http::StatusCode::INTERNAL_SERVER_ERROR, "Internal error.\n")
    });
    if page.body().size_hint().exact().is_none() {
        call.is_endless();
    }
    let mut response = page.map(|body| AnswerBody { body, _call: call });
    response
        .headers_mut()
        .insert(header::SERVER, HeaderValue::from_static(SERVER));
    response
}

/// A request's body that knows when it is done, and when its client has gone silent.
struct RequestBody {
    body: Incoming,
    exchange: Arc<Exchange>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // The library tells a waiting client to continue at the first look, unless there is nothing to come.
        if !self.body.is_end_stream() {
            self.exchange.set_invited(true);
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => {
                let pause = self
                    .pause
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(BODY_PAUSE_MAX)));
                pause
                    .as_mut()
                    .poll(cx)
                    .map(|()| Some(Err("the client went silent".into())))
            }
            Poll::Ready(frame) => {
                if let Some(pause) = &mut self.pause {
                    pause.as_mut().reset(Instant::now() + BODY_PAUSE_MAX);
                }
                if frame.is_none() || self.body.is_end_stream() {
                    self.exchange.set_unread(false);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_the_store() {
        let check = |limits: &str, connections: Option<usize>| {
            assert_eq!(descriptors(limits).map(connections_max), connections, "{limits}");
        };
        let limits =
            |soft: &str| format!("Limit  Soft Limit  Hard Limit  Units\nMax open files   {soft}   4096   files\n");
        check(&limits("1024"), Some(512));
        check(&limits("300"), Some(150));
        check(&limits("100"), Some(36));
        check(&limits("20"), Some(8));
        check(&limits("unlimited"), Some(CONNECTIONS_MAX));
        check(&limits("many"), None);
        check("", None);
    }
}

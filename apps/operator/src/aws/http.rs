//! Requests over connections that are kept. Many may be under way at once; each has a connection of its own.

use super::{Endpoint, Error, Trust, pool::Pooled};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    collections::HashMap,
    fmt::Display,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsConnector;

type Sender = SendRequest<Full<Bytes>>;
type Message = Request<Full<Bytes>>;
type Failed = (Error, Option<Message>);

/// Connections that are kept for one endpoint.
const IDLE_MAX: usize = 256;

/// A door to the network.
pub(super) struct Http {
    trust: Trust,
    tls: OnceLock<Arc<ClientConfig>>,
    idle: Mutex<HashMap<Endpoint, Vec<Sender>>>,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// To connect, TLS included.
    pub(super) connect: Duration,
    /// To answer in whole; without it, as long as the connection holds.
    pub(super) answer: Option<Duration>,
}

/// As AWS's clients have it.
pub(super) const PATIENT: Times = Times {
    connect: Duration::from_secs(10),
    answer: Some(Duration::from_secs(60)),
};

/// For calls that may take minutes.
pub(super) const UNTIL_ANSWERED: Times = Times {
    answer: None,
    ..PATIENT
};

/// What came back.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The memory that the body takes, of the budget that the request was made under.
    pub(super) held: Option<OwnedSemaphorePermit>,
}

/// How much memory bodies may take that are under way together. Clones share it.
#[derive(Clone, Debug)]
pub struct Budget {
    room: Arc<Semaphore>,
    units: u32,
}

/// Memory is counted in units of so many bytes.
const UNIT: u64 = 4096;

impl Budget {
    /// Of so many bytes. A body that is larger than all of it is read alone.
    pub fn new(bytes: u64) -> Budget {
        let units = u32::try_from(bytes.div_ceil(UNIT))
            .unwrap_or(u32::MAX)
            .clamp(1, u32::MAX >> 4);
        Budget {
            room: Arc::new(Semaphore::new(units as usize)),
            units,
        }
    }

    /// Waits until there is room for a body of this length; one of unknown length takes a sixteenth.
    async fn room(&self, to: &Endpoint, length: Option<u64>) -> Result<Option<OwnedSemaphorePermit>, Error> {
        let wanted = match length {
            Some(length) => u32::try_from(length.div_ceil(UNIT)).unwrap_or(u32::MAX),
            None => self.units / 16,
        };
        let permit = Arc::clone(&self.room)
            .acquire_many_owned(wanted.clamp(1, self.units))
            .await;
        permit.map(Some).map_err(|fault| unreachable(to, fault))
    }
}

impl Http {
    pub(super) fn new(trust: Trust) -> Http {
        Http {
            trust,
            tls: OnceLock::new(),
            idle: Mutex::default(),
        }
    }

    /// Sends a request, whose URI is path and query, and waits for all of its answer. Under a budget the body is read when
    /// there is room for it.
    pub(super) async fn send(
        &self,
        to: &Endpoint,
        request: Message,
        times: Times,
        budget: Option<&Budget>,
    ) -> Result<Response, Error> {
        let mut request = request;
        // A connection that was kept may have been closed at the other end meanwhile. What was not sent goes by another.
        while let Some(sender) = self.kept(to) {
            match self.ask(to, sender, request, times, budget).await {
                Ok(response) => return Ok(response),
                Err((_, Some(unsent))) => request = unsent,
                Err((error, None)) => return Err(error),
            }
        }
        let connected = tokio::time::timeout(times.connect, self.connect(to)).await;
        let sender = connected.map_err(|_| unreachable(to, "it takes too long to connect"))??;
        let asked = self.ask(to, sender, request, times, budget).await;
        asked.map_err(|(error, _)| error)
    }

    /// Sends a request on a connection of its own, and waits for the head of its answer alone. The body goes on until either side
    /// ends it; dropped, it ends the connection.
    pub(super) async fn open(
        &self,
        to: &Endpoint,
        request: Message,
        times: Times,
    ) -> Result<http::Response<hyper::body::Incoming>, Error> {
        let connected = tokio::time::timeout(times.connect, self.connect(to)).await;
        let mut sender = connected.map_err(|_| unreachable(to, "it takes too long to connect"))??;
        let head = in_time(to, times, async {
            let sent = sender.send_request(request).await;
            sent.map_err(|fault| (broken_off(to, &fault), None))
        });
        head.await.map_err(|(error, _)| error)
    }

    fn kept(&self, to: &Endpoint) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.get_mut(to)?;
        senders.retain(|sender| !sender.is_closed());
        senders.pop()
    }

    fn keep(&self, to: &Endpoint, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.entry(to.clone()).or_default();
        if senders.len() < IDLE_MAX {
            senders.push(sender);
        }
    }

    /// Asks, and keeps the connection. The request comes back with the error when it was not sent.
    async fn ask(
        &self,
        to: &Endpoint,
        mut sender: Sender,
        request: Message,
        times: Times,
        budget: Option<&Budget>,
    ) -> Result<Response, Failed> {
        let broken = |fault: hyper::Error| broken_off(to, &fault);
        let head = in_time(to, times, async {
            if let Err(fault) = sender.ready().await {
                return Err((broken(fault), Some(request)));
            }
            sender.try_send_request(request).await.map_err(|mut failed| {
                let unsent = failed.take_message();
                (broken(failed.into_error()), unsent)
            })
        });
        let (parts, body) = head.await?.into_parts();
        // Room is waited for without a limit: what takes the time is this side's own work.
        let held = match budget {
            Some(budget) => budget
                .room(to, body.size_hint().exact())
                .await
                .map_err(|error| (error, None))?,
            None => None,
        };
        let body = in_time(to, times, async {
            read(body).await.map_err(|fault| (broken(fault), None))
        });
        let body = body.await?;
        self.keep(to, sender);
        Ok(Response {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            held,
        })
    }

    async fn connect(&self, to: &Endpoint) -> Result<Sender, Error> {
        let stream = TcpStream::connect((to.host(), to.port())).await;
        let stream = stream.map_err(|fault| unreachable(to, fault))?;
        stream.set_nodelay(true).map_err(|fault| unreachable(to, fault))?;
        if !to.is_tls() {
            return handshake(to, stream).await;
        }
        let config = match self.tls.get() {
            Some(config) => Arc::clone(config),
            None => {
                let config = Arc::new(self.trust.config()?);
                Arc::clone(self.tls.get_or_init(|| config))
            }
        };
        let name = ServerName::try_from(to.host().to_owned()).map_err(|fault| unreachable(to, fault))?;
        let stream = TlsConnector::from(config).connect(name, stream).await;
        handshake(to, stream.map_err(|fault| unreachable(to, fault))?).await
    }
}

/// Room for a body of unknown length, or of one that is long, at first.
const FIRST_ROOM: usize = 1 << 20;

/// All of a body. Its parts are given back as they are copied, so that they need little memory of their own.
async fn read(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let length = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
    let mut all = Pooled::with_capacity(length.unwrap_or(0).min(FIRST_ROOM));
    while let Some(frame) = body.frame().await {
        if let Ok(part) = frame?.into_data() {
            all.0.extend_from_slice(&part);
        }
    }
    Ok(all.into_bytes())
}

/// What comes of it, if it comes in time.
async fn in_time<T>(to: &Endpoint, times: Times, work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    match times.answer {
        None => work.await,
        Some(time) => {
            let done = tokio::time::timeout(time, work).await;
            done.map_err(|_| (unreachable(to, "it takes too long to answer"), None))?
        }
    }
}

async fn handshake<S>(to: &Endpoint, stream: S) -> Result<Sender, Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let made = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(|fault| unreachable(to, fault))?;
    tokio::spawn(connection);
    Ok(sender)
}

pub(super) fn broken_off(to: &Endpoint, fault: &hyper::Error) -> Error {
    unreachable(to, format!("the connection broke off ({fault})"))
}

pub(super) fn unreachable(to: &Endpoint, reason: impl Display) -> Error {
    Error::Unreachable {
        endpoint: to.to_string(),
        reason: reason.to_string(),
    }
}

//! Requests over connections that are kept. Many may be under way at once; each has a connection of its own.

use super::{Endpoint, Error, Trust};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    collections::HashMap,
    fmt::Display,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

type Sender = SendRequest<Full<Bytes>>;
type Message = Request<Full<Bytes>>;
type Failed = (Error, Option<Message>);

/// Connections that are kept for one endpoint.
const IDLE_MAX: usize = 32;

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
}

impl Http {
    pub(super) fn new(trust: Trust) -> Http {
        Http {
            trust,
            tls: OnceLock::new(),
            idle: Mutex::default(),
        }
    }

    /// Sends a request, whose URI is path and query, and waits for all of its answer.
    pub(super) async fn send(&self, to: &Endpoint, request: Message, times: Times) -> Result<Response, Error> {
        let mut request = request;
        // A connection that was kept may have been closed at the other end meanwhile. What was not sent goes by another.
        while let Some(sender) = self.kept(to) {
            match self.ask(to, sender, request, times).await {
                Ok(response) => return Ok(response),
                Err((_, Some(unsent))) => request = unsent,
                Err((error, None)) => return Err(error),
            }
        }
        let connected = tokio::time::timeout(times.connect, self.connect(to)).await;
        let sender = connected.map_err(|_| unreachable(to, "it takes too long to connect"))??;
        self.ask(to, sender, request, times).await.map_err(|(error, _)| error)
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
    async fn ask(&self, to: &Endpoint, mut sender: Sender, request: Message, times: Times) -> Result<Response, Failed> {
        let answered = async {
            let broken = |fault: hyper::Error| unreachable(to, format!("the connection broke off ({fault})"));
            if let Err(fault) = sender.ready().await {
                return Err((broken(fault), Some(request)));
            }
            let sent = sender.try_send_request(request).await;
            let (parts, body) = match sent {
                Ok(response) => response.into_parts(),
                Err(mut failed) => {
                    let unsent = failed.take_message();
                    return Err((broken(failed.into_error()), unsent));
                }
            };
            let body = body.collect().await.map_err(|fault| (broken(fault), None))?.to_bytes();
            Ok(Response {
                status: parts.status.as_u16(),
                headers: parts.headers,
                body,
            })
        };
        let response = match times.answer {
            None => answered.await?,
            Some(time) => {
                let in_time = tokio::time::timeout(time, answered).await;
                in_time.map_err(|_| (unreachable(to, "it takes too long to answer"), None))??
            }
        };
        self.keep(to, sender);
        Ok(response)
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

async fn handshake<S>(to: &Endpoint, stream: S) -> Result<Sender, Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let made = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(|fault| unreachable(to, fault))?;
    tokio::spawn(connection);
    Ok(sender)
}

fn unreachable(to: &Endpoint, reason: impl Display) -> Error {
    Error::Unreachable {
        endpoint: to.to_string(),
        reason: reason.to_string(),
    }
}

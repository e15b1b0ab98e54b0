//! One attempt to hand a message to an endpoint: resolve, look whether the address may be sent to, connect to that address
//! and no other, post, look at the status. Redirects are not followed.

use crate::{
    model::{Protocol, endpoint::Endpoint, endpoint::permits},
    resolve::Resolver,
};
use bytes::Bytes;
use gateway::settings::SnsEndpoints;
use http::{HeaderMap, Method, Request, header};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// An endpoint has so long to answer, from the first question for its address on.
///
/// SPEC: <https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html>
const TIME_MAX: Duration = Duration::from_secs(15);
/// Of an answer only its head is read, and no more of it than this.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The endpoint took the message.
    Taken,
    /// It did not, and may later.
    Failed(Failure),
    /// It did not, and will not.
    Refused(Failure),
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Its host is at no address that may be sent to.
    Address,
    /// No connection, or one that broke.
    Connection(String),
    /// Another status than one of success.
    Status(u16),
    /// Not in time.
    Timeout,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Address => f.write_str("the host is at no address that sns_endpoints allows"),
            Failure::Connection(why) => f.write_str(why),
            Failure::Status(status) => write!(f, "status {status}"),
            Failure::Timeout => write!(f, "no answer within {} s", TIME_MAX.as_secs()),
        }
    }
}

/// What messages are posted with.
pub(super) struct Poster {
    endpoints: SnsEndpoints,
    resolver: Arc<Resolver>,
    tls: Arc<ClientConfig>,
}

/// A message, ready to be posted.
pub(super) struct Post {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Poster {
    /// One that trusts these roots when it speaks https.
    pub(super) fn new(endpoints: SnsEndpoints, resolver: Arc<Resolver>, roots: RootCertStore) -> Poster {
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Poster {
            endpoints,
            resolver,
            tls: Arc::new(tls),
        }
    }

    /// Posts once.
    pub(super) async fn post(&self, to: &Endpoint, post: Post) -> Outcome {
        match tokio::time::timeout(TIME_MAX, self.attempt(to, post)).await {
            Err(_) => Outcome::Failed(Failure::Timeout),
            Ok(Err(failure)) => Outcome::Failed(failure),
            Ok(Ok(status)) => outcome_of(status),
        }
    }

    async fn attempt(&self, to: &Endpoint, post: Post) -> Result<u16, Failure> {
        let stream = self.connect(to).await?;
        match to.protocol {
            Protocol::Http => exchange(stream, to, post).await,
            Protocol::Https => {
                let name = ServerName::try_from(to.host.clone()).map_err(broken)?;
                let connector = TlsConnector::from(Arc::clone(&self.tls));
                let stream = connector.connect(name, stream).await.map_err(broken)?;
                exchange(stream, to, post).await
            }
        }
    }

    /// Connects to the first address that may be sent to and answers. What was checked is what is connected to: the name
    /// is not asked for again.
    async fn connect(&self, to: &Endpoint) -> Result<TcpStream, Failure> {
        let addresses = self.resolver.resolve(self.endpoints, to).await.map_err(broken)?;
        let mut failure = Failure::Address;
        for address in addresses
            .into_iter()
            .filter(|address| permits(self.endpoints, address.ip()))
        {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = broken(error),
            }
        }
        Err(failure)
    }
}

fn broken(error: impl fmt::Display) -> Failure {
    Failure::Connection(error.to_string())
}

/// SPEC: <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>: server errors and 429 are tried
/// again, other errors are not.
fn outcome_of(status: u16) -> Outcome {
    match status {
        200..300 => Outcome::Taken,
        429 | 500.. => Outcome::Failed(Failure::Status(status)),
        _ => Outcome::Refused(Failure::Status(status)),
    }
}

async fn exchange<S>(stream: S, to: &Endpoint, post: Post) -> Result<u16, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let mut request = Request::new(Full::new(post.body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = to.target.parse().map_err(broken)?;
    *request.headers_mut() = post.headers;
    let host = to.authority().parse().map_err(broken)?;
    request.headers_mut().insert(header::HOST, host);
    request
        .headers_mut()
        .insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(sender.send_request(request));
    tokio::select! {
        answer = &mut answer => answer.map(|answer| answer.status().as_u16()).map_err(broken),
        ended = &mut connection => match ended {
            Err(error) => Err(broken(error)),
            // All was read; what was read may be the answer.
            Ok(()) => answer.await.map(|answer| answer.status().as_u16()).map_err(broken),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    async fn posted(answer: &'static str, endpoints: SnsEndpoints) -> (Outcome, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 1024];
            while !request.ends_with(b"body") {
                let read = stream.read(&mut buffer).await.unwrap();
                assert!(read > 0, "the request ended early");
                request.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        let poster = Poster::new(endpoints, Arc::default(), RootCertStore::empty());
        let to = Endpoint::parse(Protocol::Http, &format!("http://127.0.0.1:{port}/hook?a=b")).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-sns-message-type", "Notification".parse().unwrap());
        let post = Post {
            headers,
            body: Bytes::from_static(b"body"),
        };
        let outcome = poster.post(&to, post).await;
        (outcome, served.await.unwrap())
    }

    #[tokio::test]
    async fn a_message_is_posted_and_its_status_decides() {
        let any = SnsEndpoints::Loopback;
        let (outcome, request) = posted("HTTP/1.1 204 No Content\r\n\r\n", any).await;
        assert_eq!(outcome, Outcome::Taken);
        assert!(request.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{request}");
        assert!(
            request.contains("x-amz-sns-message-type: Notification\r\n"),
            "{request}"
        );
        assert!(request.contains("content-length: 4\r\n"), "{request}");
        let refused = |status| Outcome::Refused(Failure::Status(status));
        let failed = |status| Outcome::Failed(Failure::Status(status));
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(posted(moved, any).await.0, refused(302));
        assert_eq!(posted("HTTP/1.1 404 No\r\n\r\n", any).await.0, refused(404));
        assert_eq!(posted("HTTP/1.1 429 No\r\n\r\n", any).await.0, failed(429));
        assert_eq!(posted("HTTP/1.1 503 No\r\n\r\n", any).await.0, failed(503));
        let (outcome, _) = posted("no http at all\r\n\r\n", any).await;
        assert!(
            matches!(outcome, Outcome::Failed(Failure::Connection(_))),
            "{outcome:?}"
        );
    }

    #[tokio::test]
    async fn what_is_not_allowed_is_not_connected_to() {
        let poster = Poster::new(SnsEndpoints::Loopback, Arc::default(), RootCertStore::empty());
        let to = Endpoint::parse(Protocol::Http, "http://192.0.2.1/").unwrap();
        let post = Post {
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        assert_eq!(poster.post(&to, post).await, Outcome::Failed(Failure::Address));
    }
}

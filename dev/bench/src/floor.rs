//! The floor: the server's HTTP stack with the server's settings, a signature check, and fixed answers.

use crate::{
    scenario::OBJECT_BYTES,
    storage::{MEBIBYTE, MEBIBYTE_PATH},
    target::{ACCESS_KEY, SECRET},
};
use anyhow::{Result, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base::{Clock, Secret};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use sigv4::{Claim, RequestHead, SigningKeys};
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use testkit::load::content_of;
use tokio::net::{TcpListener, TcpStream};

/// As in the server's `listen.rs`.
const HEAD_BYTES_MAX: usize = 128 << 10;
const HEADERS_MAX: usize = 256;
const SEGMENT_BYTES: usize = 64 << 10;
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);

struct Floor {
    clock: Clock,
    keys: SigningKeys,
    secret: Secret<String>,
    object: Bytes,
    sealed: Sealed,
}

/// A mebibyte under AES-256-GCM, in segments as long as the server's.
struct Sealed {
    key: LessSafeKey,
    bodies: Vec<Vec<u8>>,
    tags: Vec<Vec<u8>>,
}

/// Listens until it is killed.
pub(crate) fn run(listen: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        println!("ready http://{}", listener.local_addr()?);
        let floor = Arc::new(Floor {
            clock: Clock::system(),
            keys: SigningKeys::new(),
            secret: Secret::new(SECRET.to_owned()),
            object: content_of(1, OBJECT_BYTES),
            sealed: Sealed::of(&content_of(7, MEBIBYTE))?,
        });
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(connection(Arc::clone(&floor), stream));
        }
    })
}

async fn connection(floor: Arc<Floor>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(Arc::clone(&floor), request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        // A client that has said all it will say still gets its answer.
        .half_close(true)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX);
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(floor: Arc<Floor>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match floor.checked(request).await {
        Ok(response) => response,
        Err(error) => {
            let mut response = Response::new(Full::new(Bytes::from(error.to_string())));
            *response.status_mut() = http::StatusCode::FORBIDDEN;
            response
        }
    })
}

impl Sealed {
    fn of(content: &[u8]) -> Result<Sealed> {
        let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).map_err(|_| anyhow::anyhow!("no key"))?;
        let mut sealed = Sealed {
            key: LessSafeKey::new(key),
            bodies: Vec::new(),
            tags: Vec::new(),
        };
        for (index, segment) in content.chunks(SEGMENT_BYTES).enumerate() {
            let mut body = segment.to_vec();
            let tag = sealed
                .key
                .seal_in_place_separate_tag(nonce(index), Aad::empty(), &mut body);
            sealed
                .tags
                .push(tag.map_err(|_| anyhow::anyhow!("cannot seal"))?.as_ref().to_vec());
            sealed.bodies.push(body);
        }
        Ok(sealed)
    }

    /// The whole in clear, made anew.
    fn opened(&self) -> Result<Bytes> {
        let mut out = vec![0; self.bodies.iter().map(Vec::len).sum()];
        let places = out.chunks_mut(SEGMENT_BYTES);
        for (index, ((body, tag), place)) in self.bodies.iter().zip(&self.tags).zip(places).enumerate() {
            self.key
                .open_separate_gather(nonce(index), Aad::empty(), body, tag, place)
                .map_err(|_| anyhow::anyhow!("does not open"))?;
        }
        Ok(Bytes::from(out))
    }
}

fn nonce(index: usize) -> Nonce {
    let mut bytes = [0; 12];
    for (to, from) in bytes.iter_mut().zip(index.to_be_bytes()) {
        *to = from;
    }
    Nonce::assume_unique_for_key(bytes)
}

impl Floor {
    async fn checked(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let head = RequestHead {
            method: &parts.method,
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            host_authority: None,
        };
        let claim = Claim::parse(&head)?.ok_or(sigv4::AuthFault::Missing)?;
        ensure!(claim.access_key_id() == ACCESS_KEY, "an unknown access key");
        let sha256 = sigv4::sha256(&body);
        claim.verify(&self.secret, &self.keys, self.clock.real_now(), Some(&sha256))?;
        if parts.method == Method::GET && parts.uri.path() == MEBIBYTE_PATH {
            return Ok(Response::new(Full::new(self.sealed.opened()?)));
        }
        Ok(self.response(&parts))
    }

    /// About what the real answer is.
    fn response(&self, parts: &http::request::Parts) -> Response<Full<Bytes>> {
        let is_s3 = parts.headers.get("x-amz-content-sha256").is_some();
        let (kind, body) = match parts.method {
            Method::GET => ("binary/octet-stream", self.object.clone()),
            Method::PUT => ("application/xml", Bytes::new()),
            _ if parts.headers.contains_key("x-amz-target") => ("application/x-amz-json-1.1", self.object.slice(..600)),
            _ => ("text/xml", self.object.slice(..420)),
        };
        let mut response = Response::new(Full::new(body));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(
            "x-amzn-requestid",
            HeaderValue::from_static("01234567-89ab-cdef-0123-456789abcdef"),
        );
        headers.insert(header::SERVER, HeaderValue::from_static("floor"));
        if is_s3 {
            let etag = HeaderValue::from_static("\"0123456789abcdef0123456789abcdef\"");
            headers.insert(header::ETAG, etag);
            headers.insert("x-amz-id-2", HeaderValue::from_static("0123456789ABCDEF"));
            headers.insert("x-amz-server-side-encryption", HeaderValue::from_static("aws:kms"));
        }
        response
    }
}

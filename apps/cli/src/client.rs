//! A small client of AWS's protocols: signs, sends, and reads answers. Nothing in it knows the server's inside.

use anyhow::{Context, Result, bail};
use base::{Clock, Secret};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use serde_json::Value;
use server::Announced;
use sigv4::sign::{Credentials, SignPayload, Signer};
use std::{path::Path, sync::Arc};
use tokio::{net::TcpStream, sync::Mutex};
use tokio_rustls::TlsConnector;
use wire::ServiceName;

/// What stays as it is in the path of an S3 call.
const KEY_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');
const QUERY_VALUE: &AsciiSet = &KEY_PATH.add(b'/');

/// A caller of one server, in one Region. Cheap to clone; clones share one connection.
#[derive(Clone)]
pub(crate) struct Client {
    server: Arc<Server>,
    credentials: Credentials,
    region: String,
}

struct Server {
    authority: String,
    tls: Option<TlsConnector>,
    clock: Clock,
    idle: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

/// An answer that says yes.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer that says no, in AWS's words.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.message.as_str() {
            "" => write!(f, "{} ({})", self.code, self.status),
            message => write!(f, "{}: {message}", self.code),
        }
    }
}

impl std::error::Error for Refused {}

impl Answer {
    /// A header's text, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The text of the body.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    /// A client of a running server, as its root.
    pub(crate) fn of(announced: &Announced) -> Result<Client> {
        let (scheme, authority) = announced.endpoint.split_once("://").context("the endpoint is no URL")?;
        let tls = match scheme {
            "http" => None,
            "https" => Some(connector(announced)?),
            other => bail!("the endpoint's scheme `{other}` is neither http nor https"),
        };
        let server = Server {
            authority: authority.to_owned(),
            tls,
            clock: Clock::system(),
            idle: Mutex::default(),
        };
        Ok(Client {
            server: Arc::new(server),
            credentials: Credentials::new(
                announced.key.access_key_id.as_str(),
                announced.key.secret_access_key.expose().as_str(),
            ),
            region: announced.region.clone(),
        })
    }

    /// The same with another access key.
    pub(crate) fn with_key(&self, access_key_id: &str, secret: Secret<String>) -> Client {
        let credentials = Credentials {
            access_key_id: access_key_id.to_owned(),
            secret,
            session_token: None,
        };
        Client {
            credentials,
            ..self.clone()
        }
    }

    /// The same in another Region.
    pub(crate) fn in_region(&self, region: &str) -> Client {
        Client {
            region: region.to_owned(),
            ..self.clone()
        }
    }

    /// A call of a JSON service.
    pub(crate) async fn json(&self, service: ServiceName, operation: &str, input: &Value) -> Result<Value> {
        let answer = self.post_json(service, operation, input).await?;
        serde_json::from_slice(&answer.body).with_context(|| format!("the answer to {operation} is not JSON"))
    }

    async fn post_json(&self, service: ServiceName, operation: &str, input: &Value) -> Result<Answer> {
        let target = format!(
            "{}.{operation}",
            service.target_prefixes().first().copied().unwrap_or_default()
        );
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        self.call(service, Method::POST, "/", "", &headers, serde_json::to_vec(input)?)
            .await
    }

    /// A call of CloudTrail's data plane, by its path and query.
    pub(crate) async fn rest_json(&self, path: &str, query: &str, body: String) -> Result<Value> {
        let headers = [("content-type", "application/json")];
        let answer = self
            .call(ServiceName::CloudTrailData, Method::POST, path, query, &headers, body)
            .await?;
        serde_json::from_slice(&answer.body).with_context(|| format!("the answer to {path} is not JSON"))
    }

    /// A call of a JSON service that answers with an empty body.
    pub(crate) async fn json_without_answer(&self, service: ServiceName, operation: &str, input: &Value) -> Result<()> {
        self.post_json(service, operation, input).await.map(drop)
    }

    /// A call of a Query service; the answer is XML.
    pub(crate) async fn query(&self, service: ServiceName, action: &str, input: &[(&str, &str)]) -> Result<String> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action)
            .append_pair("Version", service.api_version())
            .extend_pairs(input);
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let body = form.finish().into_bytes();
        Ok(self.call(service, Method::POST, "/", "", &headers, body).await?.text())
    }

    /// A call of S3 on a bucket, or on an object in it. The query is given as it is to be sent.
    pub(crate) async fn s3(
        &self,
        method: Method,
        bucket: &str,
        key: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let path = match key {
            "" => format!("/{bucket}"),
            key => format!("/{bucket}/{}", utf8_percent_encode(key, KEY_PATH)),
        };
        self.call(ServiceName::S3, method, &path, query, headers, body).await
    }

    /// The keys of a bucket that begin with `prefix`, in order.
    pub(crate) async fn list_objects(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        let mut query = format!("list-type=2&prefix={}", utf8_percent_encode(prefix, QUERY_VALUE));
        loop {
            let page = self.s3(Method::GET, bucket, "", &query, &[], "").await?.text();
            keys.extend(elements(&page, "Key"));
            match elements(&page, "NextContinuationToken").first() {
                Some(token) => {
                    let token = utf8_percent_encode(token, QUERY_VALUE);
                    let prefix = utf8_percent_encode(prefix, QUERY_VALUE);
                    query = format!("continuation-token={token}&list-type=2&prefix={prefix}");
                }
                None => return Ok(keys),
            }
        }
    }

    async fn call(
        &self,
        service: ServiceName,
        method: Method,
        path: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let body = body.into();
        let mut all = HeaderMap::new();
        all.insert(header::HOST, HeaderValue::from_str(&self.server.authority)?);
        for (name, value) in headers {
            all.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
        let signer = Signer::new(self.credentials.clone(), self.region.as_str(), service.signing_name());
        let now = self.server.clock.real_now();
        signer.sign_headers(&method, path, query, &mut all, now, SignPayload::Bytes(&body))?;
        let is_head = method == Method::HEAD;
        let target = if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().context("the call's path is no URI")?;
        *request.headers_mut() = all;
        let (status, answer) = self.server.send(request).await?;
        match status {
            200..=299 => Ok(answer),
            status => Err(refused(status, &answer, is_head).into()),
        }
    }
}

impl Server {
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(u16, Answer)> {
        let idle = self.idle.lock().await.take().filter(|sender| !sender.is_closed());
        let mut sender = match idle {
            Some(sender) => sender,
            None => self
                .connect()
                .await
                .with_context(|| format!("cannot reach the server at {}", self.authority))?,
        };
        sender.ready().await.context("the server closed the connection")?;
        let answer = sender
            .send_request(request)
            .await
            .context("the server did not answer")?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.context("the answer broke off")?.to_bytes();
        *self.idle.lock().await = Some(sender);
        Ok((
            parts.status.as_u16(),
            Answer {
                headers: parts.headers,
                body,
            },
        ))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return handshake(stream).await;
        };
        let host = self
            .authority
            .rsplit_once(':')
            .map_or(self.authority.as_str(), |(host, _)| host);
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
        handshake(tls.connect(name, stream).await?).await
    }
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn connector(announced: &Announced) -> Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let config = if let Some(path) = &announced.ca_bundle {
        let mut roots = RootCertStore::empty();
        for cert in certificates(path)? {
            roots.add(cert)?;
        }
        builder.with_root_certificates(roots).with_no_client_auth()
    } else if let Some(path) = &announced.certificate {
        let cert = certificates(path)?.into_iter().next();
        let cert = cert.with_context(|| format!("`{}` has no certificate in PEM form", path.display()))?;
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned { cert, provider }))
            .with_no_client_auth()
    } else {
        bail!("the server uses a certificate that this command cannot check");
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .with_context(|| format!("cannot read `{}`", path.display()))
}

/// Takes the server's own certificate and no other. Under `--tls CERT,KEY` this machine calls the server by its address,
/// which the certificate need not name, and nobody says which root it leads to; but here is the very file that it is from.
#[derive(Debug)]
struct Pinned {
    cert: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.cert {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn refused(status: u16, answer: &Answer, is_head: bool) -> Refused {
    let text = answer.text();
    let first = |name| elements(&text, name).into_iter().next();
    let (code, message) = match serde_json::from_str::<Value>(&text) {
        Ok(json) => {
            let member = |names: [&str; 2]| names.iter().find_map(|name| json[*name].as_str()).map(str::to_owned);
            (member(["__type", "code"]), member(["message", "Message"]))
        }
        Err(_) => (first("Code"), first("Message")),
    };
    let code = code.map(|code| code.rsplit('#').next().unwrap_or_default().to_owned());
    let unnamed = if is_head {
        "an answer without words"
    } else {
        "an answer without an error code"
    };
    Refused {
        status,
        code: code.unwrap_or_else(|| unnamed.to_owned()),
        message: message.unwrap_or_default(),
    }
}

/// The texts of all elements of this name, in order. Enough for answers whose shape is known; no parser of XML.
pub(crate) fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let texts = xml
        .split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split(close.as_str()).next());
    texts.map(unescaped).collect()
}

fn unescaped(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    entities
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_in_every_protocol() {
        let check = |body: &str, expected: &str| {
            let answer = Answer {
                headers: HeaderMap::new(),
                body: Bytes::copy_from_slice(body.as_bytes()),
            };
            assert_eq!(refused(400, &answer, false).to_string(), expected);
        };
        check(
            r#"{"__type":"NotFoundException","message":"m"}"#,
            "NotFoundException: m",
        );
        check(r#"{"__type":"a#B","Message":"m"}"#, "B: m");
        check(
            "<Error><Code>NoSuchKey</Code><Message>a &amp; b</Message></Error>",
            "NoSuchKey: a & b",
        );
        check("", "an answer without an error code (400)");
    }

    #[test]
    fn elements_are_found_in_order() {
        assert_eq!(elements("<a><Key>x</Key><Key>y&lt;</Key></a>", "Key"), ["x", "y<"]);
        assert!(elements("<Key", "Key").is_empty());
    }
}

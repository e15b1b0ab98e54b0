//! Signed calls of every protocol, and what came back.

use anyhow::{Context, Result, bail, ensure};
use base::Clock;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client as Connections, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use sigv4::sign::{Credentials, SignPayload, Signer};
use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// No call of a test takes longer, except moving the rehearsal clock.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(120);

/// Sends calls of one caller in one Region, over connections that are kept. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    authority: String,
    /// None: calls are not signed.
    credentials: Option<Credentials>,
    region: String,
    signers: Arc<Mutex<HashMap<String, Signer>>>,
    connections: Connections<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// For a server at `http://HOST:PORT`.
    pub fn new(endpoint: &str, credentials: Credentials, region: &str) -> Result<Client> {
        let authority = endpoint
            .strip_prefix("http://")
            .context("only http:// endpoints are known here")?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Client {
            authority: authority.trim_end_matches('/').to_owned(),
            credentials: Some(credentials),
            region: region.to_owned(),
            signers: Arc::default(),
            connections: Connections::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// `HOST:PORT`
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The Region that calls are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The same server, another caller.
    pub fn with_credentials(&self, credentials: Credentials) -> Client {
        Client {
            credentials: Some(credentials),
            signers: Arc::default(),
            ..self.clone()
        }
    }

    /// The same server, nobody.
    pub fn anonymous(&self) -> Client {
        Client {
            credentials: None,
            signers: Arc::default(),
            ..self.clone()
        }
    }

    /// The same access key with another secret: every signature is wrong.
    pub fn mis_signed(&self) -> Client {
        let id = self.credentials.as_ref().map_or("", |c| c.access_key_id.as_str());
        self.with_credentials(Credentials::new(id, "0123456789012345678901234567890123456789"))
    }

    /// An access key that nobody has.
    pub fn unknown_key(&self) -> Client {
        self.with_credentials(Credentials::new(
            "AKIAZZZZZZZZZZZZZZZZ",
            "0123456789012345678901234567890123456789",
        ))
    }

    /// The same caller in another Region.
    pub fn in_region(&self, region: &str) -> Client {
        Client {
            region: region.to_owned(),
            signers: Arc::default(),
            ..self.clone()
        }
    }

    /// A JSON 1.1 call: service `kms`, `cloudtrail` or `shoseki`, and the operation's name.
    pub async fn json(&self, service: &str, operation: &str, input: &Value) -> Result<Reply> {
        let headers = json_headers(service, operation)?;
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = Bytes::from(serde_json::to_vec(input)?);
        self.call(service, Method::POST, "/", &headers, body).await
    }

    /// A Query call: service `iam`, `sts`, `ec2` or `cloudformation`, and the operation's name.
    pub async fn query(&self, service: &str, operation: &str, parameters: &[(&str, &str)]) -> Result<Reply> {
        let version = match service {
            "iam" => "2010-05-08",
            "sts" => "2011-06-15",
            "ec2" => "2016-11-15",
            "cloudformation" => "2010-05-15",
            _ => bail!("`{service}` has no Query protocol"),
        };
        let mut form = format!("Action={operation}&Version={version}");
        for (name, value) in parameters {
            form.push('&');
            form.push_str(&form_encode(name));
            form.push('=');
            form.push_str(&form_encode(value));
        }
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        self.call(service, Method::POST, "/", &headers, Bytes::from(form)).await
    }

    /// An S3 call; path and query percent-encoded, as they are to be sent.
    pub async fn s3(
        &self,
        method: Method,
        path_and_query: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Reply> {
        self.call("s3", method, path_and_query, headers, body.into()).await
    }

    /// Any call.
    pub async fn call(
        &self,
        service: &str,
        method: Method,
        path_and_query: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Reply> {
        let mut head = self.head(service, &method, path_and_query, headers, SignPayload::Bytes(&body))?;
        if method == Method::PUT || method == Method::POST {
            // Said also when it is 0: S3 refuses a PUT that does not.
            head.insert(header::CONTENT_LENGTH, body.len().into());
        }
        self.send(method, path_and_query, head, body).await
    }

    /// The headers of a call, signed unless the client is anonymous.
    pub fn head(
        &self,
        service: &str,
        method: &Method,
        path_and_query: &str,
        headers: &[(&str, &str)],
        payload: SignPayload<'_>,
    ) -> Result<HeaderMap> {
        let mut head = HeaderMap::with_capacity(headers.len() + 6);
        head.insert(header::HOST, HeaderValue::from_str(&self.authority)?);
        for (name, value) in headers {
            head.append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
        if let Some(signer) = self.signer(service) {
            let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
            signer.sign_headers(method, path, query, &mut head, Clock::system().real_now(), payload)?;
        }
        Ok(head)
    }

    /// Sends what is signed already, or not at all.
    pub async fn send(&self, method: Method, path_and_query: &str, head: HeaderMap, body: Bytes) -> Result<Reply> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://{}{path_and_query}", self.authority).parse()?;
        *request.headers_mut() = head;
        let answer = async {
            let (parts, body) = self.connections.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Reply {
                status: parts.status,
                headers: parts.headers,
                body,
            })
        };
        tokio::time::timeout(ANSWER_WAIT_MAX, answer)
            .await
            .context("no answer")?
    }

    /// The signer for a service; none when calls are not to be signed.
    pub fn signer(&self, service: &str) -> Option<Signer> {
        let credentials = self.credentials.as_ref()?;
        let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Signer::new(credentials.clone(), &self.region, service);
        Some(signers.entry(service.to_owned()).or_insert_with(new).clone())
    }
}

/// The headers of a JSON 1.1 call.
pub(crate) fn json_headers(service: &str, operation: &str) -> Result<[(&'static str, String); 2]> {
    let target = match service {
        "kms" => "TrentService",
        "cloudtrail" => "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
        "logs" => "Logs_20140328",
        "shoseki" => "Shoseki_20261101",
        _ => bail!("`{service}` has no JSON protocol"),
    };
    Ok([
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("x-amz-target", format!("{target}.{operation}")),
    ])
}

fn form_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// Itself, when the call succeeded.
    pub fn ok(self) -> Result<Reply> {
        ensure!(self.status.is_success(), "the call failed: {}", self.describe());
        Ok(self)
    }

    /// Itself, when the call was refused with this code.
    pub fn refused(self, code: &str) -> Result<Reply> {
        ensure!(
            self.code().as_deref() == Some(code),
            "expected {code}, got {}",
            self.describe()
        );
        Ok(self)
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {}", self.describe()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The code of an error, whichever protocol told it.
    pub fn code(&self) -> Option<String> {
        error_code(&self.body)
    }

    /// The id that the call's event carries.
    pub fn request_id(&self) -> Option<&str> {
        self.header("x-amz-request-id")
            .or_else(|| self.header("x-amzn-requestid"))
    }

    /// The contents of every element of this name in an XML body, unescaped.
    pub fn elements(&self, name: &str) -> Vec<String> {
        elements(&self.text(), name)
    }

    /// Status and the start of the body, for messages.
    pub fn describe(&self) -> String {
        format!("{} {}", self.status, self.text().chars().take(600).collect::<String>())
    }
}

/// The code of an error in a body of JSON or XML.
pub(crate) fn error_code(body: &[u8]) -> Option<String> {
    if body.trim_ascii_start().first() == Some(&b'{') {
        let value: Value = serde_json::from_slice(body).ok()?;
        let name = value.get("__type")?.as_str()?;
        return Some(name.rsplit('#').next().unwrap_or(name).to_owned());
    }
    elements(&String::from_utf8_lossy(body), "Code").into_iter().next()
}

/// Enough of XML for what a server writes itself: no attributes, no CDATA.
fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let inner = xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
    inner.map(unescape).collect()
}

fn unescape(text: &str) -> String {
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'");
    text.replace("&#34;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_protocol() {
        let check = |body: &str, code: Option<&str>| assert_eq!(error_code(body.as_bytes()).as_deref(), code, "{body}");
        check(
            r#"{"__type":"AlreadyExistsException","message":"x"}"#,
            Some("AlreadyExistsException"),
        );
        check(
            r#"{"__type":"com.amazonaws.kms#DisabledException"}"#,
            Some("DisabledException"),
        );
        check(
            "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>",
            Some("NoSuchKey"),
        );
        check("", None);
        check("{", None);
    }

    #[test]
    fn elements_are_unescaped() {
        assert_eq!(
            elements("<a><Key>x&amp;y</Key><Key>&lt;</Key></a>", "Key"),
            ["x&y", "<"]
        );
    }
}

//! Calls of AWS's protocols: JSON 1.1, Query and S3's.

use super::{
    Endpoint, Endpoints, Error, Lines, Provider, Refused, Retries, Service, Trust,
    http::{Budget, Http, PATIENT, Response, Times, UNTIL_ANSWERED},
    retry::is_throttled,
};
use base::Clock;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sigv4::sign::{Credentials, SignPayload, Signer};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use wire::ServiceName;

/// What stays as it is in the path of an S3 call.
const KEY_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');
const QUERY_VALUE: &AsciiSet = &KEY_PATH.add(b'/');

/// How a Query call's body is written.
pub(super) const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];

/// Where S3 says of which Region a bucket is.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// A caller in one Region. Cheap to clone; clones share connections and credentials.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    provider: Arc<Provider>,
    region: String,
    /// Whether a call is made once, though its answer does not come.
    once: bool,
    /// What it calls itself.
    agent: Option<HeaderValue>,
}

struct Shared {
    http: Arc<Http>,
    endpoints: Endpoints,
    retries: Retries,
    times: Times,
    clock: Clock,
}

/// An answer that says yes.
pub struct Answer {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The memory that the body takes of the budget, given back when this is dropped.
    pub held: Option<OwnedSemaphorePermit>,
}

impl Answer {
    /// A header's text, or nothing.
    pub fn header(&self, name: &str) -> &str {
        text_of(&self.headers, name)
    }

    /// The text of the body.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// What a call is, beside its service.
struct Call<'a> {
    method: Method,
    path: &'a str,
    query: &'a str,
    bucket: Option<&'a str>,
    headers: &'a [(&'a str, &'a str)],
    body: Bytes,
    budget: Option<&'a Budget>,
}

impl Client {
    /// With this access key, at these endpoints. Calls may take as long as they take.
    pub fn new(credentials: Credentials, region: &str, endpoints: Endpoints, trust: Trust, retries: Retries) -> Client {
        let shared = Shared {
            http: Arc::new(Http::new(trust)),
            endpoints,
            retries,
            times: UNTIL_ANSWERED,
            clock: Clock::system(),
        };
        Client {
            shared: Arc::new(shared),
            provider: Arc::new(Provider::fixed(credentials)),
            region: region.to_owned(),
            once: false,
            agent: None,
        }
    }

    pub(super) fn assembled(
        http: Arc<Http>,
        endpoints: Endpoints,
        retries: Retries,
        provider: Provider,
        region: String,
    ) -> Client {
        let shared = Shared {
            http,
            endpoints,
            retries,
            times: PATIENT,
            clock: Clock::system(),
        };
        Client {
            shared: Arc::new(shared),
            provider: Arc::new(provider),
            region,
            once: false,
            agent: None,
        }
    }

    /// The same with another access key.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Client {
        Client {
            provider: Arc::new(Provider::fixed(credentials)),
            ..self.clone()
        }
    }

    /// The same in another Region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Client {
        Client {
            region: region.to_owned(),
            ..self.clone()
        }
    }

    /// The same for calls that make something new: one whose answer does not come is not made again, for it may have been made; one
    /// that is throttled is.
    #[must_use]
    pub fn once(&self) -> Client {
        Client {
            once: true,
            ..self.clone()
        }
    }

    /// The same, with this name in what it sends as its User-Agent. A name that no header can have is none.
    #[must_use]
    pub fn named(&self, agent: &str) -> Client {
        Client {
            agent: HeaderValue::from_str(agent).ok(),
            ..self.clone()
        }
    }

    /// The Region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whether a service's calls go over TLS.
    pub fn uses_tls(&self, service: impl Into<Service>) -> Result<bool, Error> {
        let place = self.shared.endpoints.place(service.into(), &self.region, None)?;
        Ok(place.endpoint.is_tls())
    }

    /// A call of a JSON service.
    pub async fn json(&self, service: impl Into<Service>, operation: &str, input: &Value) -> Result<Value, Error> {
        let answer = self.post_json(service, operation, input).await?;
        read_json(operation, &answer.body)
    }

    /// The same, with its answer as a structure that has just the members that are used.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        service: impl Into<Service>,
        operation: &str,
        input: &Value,
    ) -> Result<T, Error> {
        let answer = self.post_json(service, operation, input).await?;
        read_json(operation, &answer.body)
    }

    /// A call of a JSON service that answers with an empty body.
    pub async fn json_without_answer(
        &self,
        service: impl Into<Service>,
        operation: &str,
        input: &Value,
    ) -> Result<(), Error> {
        self.post_json(service, operation, input).await.map(drop)
    }

    /// The same, of an operation that may answer with an empty body: then it is null.
    pub async fn json_or_nothing(
        &self,
        service: impl Into<Service>,
        operation: &str,
        input: &Value,
    ) -> Result<Value, Error> {
        let answer = self.post_json(service, operation, input).await?;
        match answer.body.is_empty() {
            true => Ok(Value::Null),
            false => read_json(operation, &answer.body),
        }
    }

    async fn post_json(&self, service: impl Into<Service>, operation: &str, input: &Value) -> Result<Answer, Error> {
        let service = service.into();
        let target = format!("{}.{operation}", service.target_prefix());
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        let body = input.to_string().into_bytes();
        self.post(service, ("/", ""), &headers, body.into()).await
    }

    /// A call of CloudTrail's data plane, by its path and query.
    pub async fn rest_json(&self, path: &str, query: &str, body: String) -> Result<Value, Error> {
        let headers = [("content-type", "application/json")];
        let service = ServiceName::CloudTrailData.into();
        let answer = self.post(service, (path, query), &headers, body.into()).await?;
        read_json(path, &answer.body)
    }

    /// A call of a Query service; the answer is XML.
    pub async fn query(
        &self,
        service: impl Into<Service>,
        action: &str,
        input: &[(&str, &str)],
    ) -> Result<String, Error> {
        let service = service.into();
        let body = form(service, action, input);
        Ok(self.post(service, ("/", ""), &FORM, body.into()).await?.text())
    }

    /// The same, with what its answer's `…Result` holds.
    pub async fn ask_query<T: DeserializeOwned>(
        &self,
        service: impl Into<Service>,
        action: &str,
        input: &[(&str, &str)],
    ) -> Result<T, Error> {
        let text = self.query(service, action, input).await?;
        result_of(action, &text)
    }

    async fn post(
        &self,
        service: Service,
        (path, query): (&str, &str),
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer, Error> {
        let call = Call {
            method: Method::POST,
            path,
            query,
            bucket: None,
            headers,
            body,
            budget: None,
        };
        self.call(service, &call).await
    }

    /// A call of S3 on a bucket, or on an object in it. The query is given as it is to be sent.
    pub async fn s3(
        &self,
        method: Method,
        bucket: &str,
        key: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Error> {
        let call = Call {
            method,
            path: key,
            query,
            bucket: Some(bucket).filter(|bucket| !bucket.is_empty()),
            headers,
            body: body.into(),
            budget: None,
        };
        self.call(ServiceName::S3.into(), &call).await
    }

    /// An object, whose bytes are read when the budget has room for them. The room is taken until the answer's `held` is
    /// dropped.
    pub async fn object(&self, bucket: &str, key: &str, budget: &Budget) -> Result<Answer, Error> {
        let call = Call {
            method: Method::GET,
            path: key,
            query: "",
            bucket: Some(bucket),
            headers: &[],
            body: Bytes::new(),
            budget: Some(budget),
        };
        self.call(ServiceName::S3.into(), &call).await
    }

    /// A configuration of a bucket, by its name in the query, as a structure with just the elements that are used.
    pub async fn bucket_setting<T: DeserializeOwned>(&self, bucket: &str, name: &str) -> Result<T, Error> {
        let answer = self.s3(Method::GET, bucket, "", &format!("{name}="), &[], "").await?;
        wire::xml::parse(&answer.body).map_err(|fault| Error::Unreadable {
            operation: format!("GET ?{name}"),
            reason: fault.to_string(),
        })
    }

    /// The keys of a bucket that begin with `prefix`, in order.
    pub async fn list_objects(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Error> {
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

    /// Makes a call, and makes it again when its failure may pass or the bucket is of another Region.
    async fn call(&self, service: Service, call: &Call<'_>) -> Result<Answer, Error> {
        let mut region = self.region.clone();
        let mut attempt = 1;
        loop {
            self.shared.retries.turn().await;
            // Boxed: what a request needs is large, and callers join many of them in one task's stack.
            let error = match Box::pin(self.attempt(service, &region, call)).await {
                Ok(response) if (200..300).contains(&response.status) => {
                    return Ok(Answer {
                        headers: response.headers,
                        body: response.body,
                        held: response.held,
                    });
                }
                Ok(response) => {
                    let elsewhere = text_of(&response.headers, BUCKET_REGION);
                    if matches!(response.status, 301 | 307 | 400) && !elsewhere.is_empty() && elsewhere != region {
                        region = elsewhere.to_owned();
                        continue;
                    }
                    Error::Refused(refused(&response, call.method == Method::HEAD))
                }
                Err(error) => error,
            };
            let may_be_made = self.once && !error.refused().is_some_and(is_throttled);
            if may_be_made || !self.shared.retries.again(attempt, &error).await {
                return Err(error);
            }
            attempt += 1;
        }
    }

    /// A call of a JSON service whose answer is lines that come as they happen. It is made once: whoever reads on decides when
    /// to call again.
    pub async fn stream(&self, service: impl Into<Service>, operation: &str, input: &Value) -> Result<Lines, Error> {
        let service = service.into();
        let target = format!("{}.{operation}", service.target_prefix());
        let call = Call {
            method: Method::POST,
            path: "/",
            query: "",
            bucket: None,
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", target.as_str()),
            ],
            body: input.to_string().into_bytes().into(),
            budget: None,
        };
        self.shared.retries.turn().await;
        let (endpoint, request) = self.request(service, &self.region, &call).await?;
        let answer = self.shared.http.open(&endpoint, request, self.shared.times).await?;
        let (parts, body) = answer.into_parts();
        let mut lines = Lines::new(body, endpoint, operation);
        if parts.status.is_success() {
            return Ok(lines);
        }
        let response = Response {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: lines.rest().await?,
            held: None,
        };
        Err(Error::Refused(refused(&response, false)))
    }

    async fn attempt(&self, service: Service, region: &str, call: &Call<'_>) -> Result<Response, Error> {
        let (endpoint, request) = self.request(service, region, call).await?;
        let (http, times) = (&self.shared.http, self.shared.times);
        http.send(&endpoint, request, times, call.budget).await
    }

    /// The request of a call, signed, and where it goes.
    async fn request(
        &self,
        service: Service,
        region: &str,
        call: &Call<'_>,
    ) -> Result<(Endpoint, Request<Full<Bytes>>), Error> {
        let place = self.shared.endpoints.place(service, region, call.bucket)?;
        let path = match call.bucket {
            None if call.path.starts_with('/') => call.path.to_owned(),
            None => "/".to_owned(),
            Some(bucket) => s3_path(bucket, call.path, place.bucket_in_host),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, header_value(&place.endpoint.authority())?);
        for (name, value) in call.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(unsendable)?;
            headers.insert(name, header_value(value)?);
        }
        let credentials = self.provider.credentials(self.shared.clock.real_now()).await?;
        Signer::new(credentials, place.region.as_str(), service.signing_name())
            .sign_headers(
                &call.method,
                &path,
                call.query,
                &mut headers,
                self.shared.clock.real_now(),
                SignPayload::Bytes(&call.body),
            )
            .map_err(unsendable)?;
        // Not signed, as AWS's clients do not: proxies may change it.
        if let Some(agent) = &self.agent {
            headers.insert(header::USER_AGENT, agent.clone());
        }
        let target = match call.query {
            "" => path,
            query => format!("{path}?{query}"),
        };
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = target.parse().map_err(unsendable)?;
        *request.headers_mut() = headers;
        Ok((place.endpoint, request))
    }
}

fn s3_path(bucket: &str, key: &str, bucket_in_host: bool) -> String {
    let key = utf8_percent_encode(key, KEY_PATH);
    match (bucket_in_host, key.to_string().as_str()) {
        (true, key) => format!("/{key}"),
        (false, "") => format!("/{bucket}"),
        (false, key) => format!("/{bucket}/{key}"),
    }
}

fn unsendable(fault: impl std::fmt::Display) -> Error {
    Error::Unsendable(fault.to_string())
}

fn header_value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(unsendable)
}

fn read_json<T: DeserializeOwned>(operation: &str, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|fault| Error::Unreadable {
        operation: operation.to_owned(),
        reason: fault.to_string(),
    })
}

/// The body of a Query call.
pub(super) fn form(service: Service, action: &str, input: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", action)
        .append_pair("Version", service.api_version())
        .extend_pairs(input)
        .finish()
}

/// The `…Result` of an answer.
pub(super) fn result_of<T: DeserializeOwned>(action: &str, xml: &str) -> Result<T, Error> {
    let unreadable = |reason: String| Error::Unreadable {
        operation: action.to_owned(),
        reason,
    };
    let (open, close) = (format!("<{action}Result>"), format!("</{action}Result>"));
    let inside = xml
        .split_once(open.as_str())
        .and_then(|(_, rest)| rest.split_once(close.as_str()));
    let Some((inside, _)) = inside else {
        return Err(unreadable("it has no result".to_owned()));
    };
    let value = wire::xml::parse(format!("{open}{inside}{close}").as_bytes());
    value.map_err(|fault| unreadable(fault.to_string()))
}

fn refused(response: &Response, is_head: bool) -> Refused {
    let text = String::from_utf8_lossy(&response.body);
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
    let header = |name| Some(text_of(&response.headers, name)).filter(|id| !id.is_empty());
    let request_id = header("x-amzn-requestid")
        .or_else(|| header("x-amz-request-id"))
        .map(str::to_owned);
    Refused {
        status: response.status,
        code: code.unwrap_or_else(|| unnamed.to_owned()),
        message: message.unwrap_or_default(),
        request_id: request_id.or_else(|| first("RequestId")).unwrap_or_default(),
    }
}

/// The texts of all elements of this name, in order. Enough for answers whose shape is known; no parser of XML.
pub fn elements(xml: &str, name: &str) -> Vec<String> {
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
        let check = |body: &str, expected: &str, id: &str| {
            let response = Response {
                status: 400,
                headers: HeaderMap::new(),
                body: Bytes::copy_from_slice(body.as_bytes()),
                held: None,
            };
            let refused = refused(&response, false);
            assert_eq!(
                (refused.to_string().as_str(), refused.request_id.as_str()),
                (expected, id)
            );
        };
        check(
            r#"{"__type":"NotFoundException","message":"m"}"#,
            "NotFoundException: m",
            "",
        );
        check(r#"{"__type":"a#B","Message":"m"}"#, "B: m", "");
        check(
            "<Error><Code>NoSuchKey</Code><Message>a &amp; b</Message><RequestId>I</RequestId></Error>",
            "NoSuchKey: a & b",
            "I",
        );
        check("", "an answer without an error code (400)", "");
    }

    #[test]
    fn elements_are_found_in_order() {
        assert_eq!(elements("<a><Key>x</Key><Key>y&lt;</Key></a>", "Key"), ["x", "y<"]);
        assert!(elements("<Key", "Key").is_empty());
    }

    #[test]
    fn paths_name_the_bucket_where_the_host_does_not() {
        assert_eq!(s3_path("b", "", false), "/b");
        assert_eq!(s3_path("b", "a/ü", false), "/b/a/%C3%BC");
        assert_eq!(s3_path("b", "k", true), "/k");
        assert_eq!(s3_path("b", "", true), "/");
    }
}

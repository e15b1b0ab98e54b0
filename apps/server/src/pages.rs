//! Pages for browsers, which stand beside the APIs on the same address. This crate knows nothing of what is in them.

use bytes::{Bytes, BytesMut};
use gateway::body::RawBody;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use std::{future::Future, io, net::IpAddr, pin::Pin, sync::Arc};
use wire::{Head, S3Host, s3_host};

/// The body of a page.
pub type PageBody = UnsyncBoxBody<Bytes, io::Error>;

/// What a browser asks.
pub struct PageRequest {
    /// The method.
    pub method: Method,
    /// The path, as it was sent.
    pub path: String,
    /// The query, as it was sent; empty when there is none.
    pub query: String,
    /// The headers. That of the host is there under HTTP/2 too.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
    /// Who asks.
    pub peer: IpAddr,
    /// Whether the connection is encrypted.
    pub https: bool,
}

/// Pages, as they are given to a running server by [`crate::Running::show`].
pub trait Pages: Send + Sync {
    /// Whether this path is theirs. They have it before S3's anonymous calls on a bucket of that name, and never before signed ones.
    /// `/` is theirs too, when a browser asks for it: nobody may list buckets without a name.
    fn are_at(&self, path: &str) -> bool;

    /// The most bytes of a body.
    fn body_bytes_max(&self) -> usize;

    /// The page. A panic in it is answered as an internal error.
    fn answer(&self, request: PageRequest) -> Pin<Box<dyn Future<Output = Response<PageBody>> + Send + '_>>;
}

/// Whether a request is for pages: it is not signed in any way, and names no bucket by its host.
pub(crate) fn are_asked(pages: &dyn Pages, head: &Head, domain: &str) -> bool {
    let aws_header = |name: &http::HeaderName| name == "authorization" || name.as_str().starts_with("x-amz-");
    let signed_query = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        name.starts_with("X-Amz-") || name == "AWSAccessKeyId"
    };
    (pages.are_at(&head.path) || is_browser_at_root(head))
        && !head.headers.keys().any(aws_header)
        && !head.query.split('&').any(signed_query)
        && s3_host(&head.authority, domain) == S3Host::Path
}

fn is_browser_at_root(head: &Head) -> bool {
    let accepted = head.headers.get(http::header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default();
    head.path == "/" && head.query.is_empty() && head.method == Method::GET && accepted.contains("text/html")
}

/// Reads the body and asks for the page.
pub(crate) fn answer(
    pages: Arc<dyn Pages>,
    head: Head,
    body: RawBody,
) -> Pin<Box<dyn Future<Output = Response<PageBody>> + Send>> {
    Box::pin(async move { read_and_answer(&*pages, head, body).await })
}

async fn read_and_answer(pages: &dyn Pages, head: Head, body: RawBody) -> Response<PageBody> {
    let body = match read(body, pages.body_bytes_max()).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let mut headers = head.headers;
    if !headers.contains_key(http::header::HOST)
        && let Ok(host) = http::HeaderValue::from_str(&head.authority)
    {
        headers.insert(http::header::HOST, host);
    }
    let request = PageRequest {
        method: head.method,
        path: head.path,
        query: head.query,
        headers,
        body,
        peer: head.peer,
        https: head.https,
    };
    pages.answer(request).await
}

async fn read(mut body: RawBody, most: usize) -> Result<Bytes, Response<PageBody>> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            let says = "The form did not come to its end.\n";
            return Err(plain(StatusCode::BAD_REQUEST, says));
        };
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > most - whole.len() {
            return Err(plain(StatusCode::PAYLOAD_TOO_LARGE, "The form is too long.\n"));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// A page of one line.
pub(crate) fn plain(status: StatusCode, says: &'static str) -> Response<PageBody> {
    let body = Full::new(Bytes::from_static(says.as_bytes())).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    let text = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, text);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    struct AtConsole;

    impl Pages for AtConsole {
        fn are_at(&self, path: &str) -> bool {
            path.starts_with("/console/")
        }

        fn body_bytes_max(&self) -> usize {
            10
        }

        fn answer(&self, _: PageRequest) -> Pin<Box<dyn Future<Output = Response<PageBody>> + Send + '_>> {
            Box::pin(async { plain(StatusCode::OK, "a page") })
        }
    }

    fn head(path: &str, query: &str, authority: &str, headers: &[(&'static str, &'static str)]) -> Head {
        let pairs = headers.iter().map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        });
        Head {
            authority: authority.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            method: Method::GET,
            headers: pairs.collect(),
            https: false,
            peer: "127.0.0.1".parse().unwrap(),
            tls: None,
        }
    }

    #[test]
    fn what_is_signed_or_names_a_bucket_by_its_host_is_no_page() {
        let check = |head: Head, expected: bool| {
            assert_eq!(are_asked(&AtConsole, &head, "localhost"), expected, "{}", head.path)
        };
        let at = |path: &str| head(path, "", "localhost:4566", &[]);
        check(at("/console/trails"), true);
        check(at("/bucket/key"), false);
        check(head("/", "", "127.0.0.1", &[("accept", "text/html,*/*;q=0.8")]), true);
        check(head("/", "", "127.0.0.1", &[("accept", "*/*")]), false);
        check(head("/", "", "bucket.localhost", &[("accept", "text/html")]), false);
        check(head("/bucket", "", "127.0.0.1", &[("accept", "text/html")]), false);
        check(head("/console/a", "versions=1", "127.0.0.1", &[]), true);
        check(head("/console/a", "", "bucket.localhost:4566", &[]), false);
        check(head("/console/a", "X-Amz-Signature=0", "127.0.0.1", &[]), false);
        check(head("/console/a", "a=1&AWSAccessKeyId=0", "127.0.0.1", &[]), false);
        check(
            head(
                "/console/a",
                "",
                "127.0.0.1",
                &[("authorization", "AWS4-HMAC-SHA256 Credential=AKIA")],
            ),
            false,
        );
        check(
            head("/console/a", "", "127.0.0.1", &[("x-amz-date", "20261101T000000Z")]),
            false,
        );
    }

    #[tokio::test]
    async fn a_form_that_is_too_long_is_refused() {
        let ask = |bytes: &'static [u8]| async move {
            let body: RawBody = Full::new(Bytes::from_static(bytes))
                .map_err(|never| match never {})
                .boxed_unsync();
            answer(Arc::new(AtConsole), head("/console/", "", "127.0.0.1", &[]), body)
                .await
                .status()
        };
        assert_eq!(ask(b"0123456789").await, StatusCode::OK);
        assert_eq!(ask(b"0123456789a").await, StatusCode::PAYLOAD_TOO_LARGE);
    }
}

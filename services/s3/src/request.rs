//! Reading requests: what all operations of S3 have in common, and what is refused by name.

use crate::{
    S3Error,
    model::{
        acl::{AclRefusal, CannedAcl},
        bucket_name, key,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use gateway::{Call, Signature};
use http::{HeaderMap, HeaderValue};
use record::Params;
use sigv4::checksum::{ChecksumAlgorithm, Md5};
use std::borrow::Cow;
use wire::Head;

/// What of a request matters to every operation.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The bucket; empty when none is addressed.
    pub bucket: String,
    /// The object's key; empty when none is addressed.
    pub key: String,
    /// As the client named it; empty for services.
    pub host: String,
    /// What its signature proved; `None` for anonymous callers and for services.
    pub signature: Option<Signature>,
    /// `x-amz-expected-bucket-owner`
    pub expected_owner: Option<String>,
    /// Bytes of the body, as far as the head tells.
    pub bytes_in: u64,
    /// Those of [`SHOWN`] that the client sent.
    pub asked: Vec<(&'static str, String)>,
}

/// Headers, and parameters of the query, that every record shows as they were sent, whichever operation reads them. What an
/// operation shows by itself is not here, for a name stands in a record once; nor is what is a secret or proves one.
const SHOWN: [&str; 14] = [
    "continuation-token",
    "fetch-owner",
    "id",
    "max-buckets",
    "max-parts",
    "part-number-marker",
    "x-amz-checksum-mode",
    "x-amz-expected-bucket-owner",
    "x-amz-max-parts",
    "x-amz-object-attributes",
    "x-amz-object-ownership",
    "x-amz-part-number-marker",
    "x-amz-source-expected-bucket-owner",
    "x-amz-tagging-directive",
];
/// What else is shown of a signature in the query.
const SHOWN_OF_PRESIGNED: [&str; 4] = ["X-Amz-Algorithm", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"];

fn asked(call: &Call) -> Vec<(&'static str, String)> {
    let presigned = call.signature.as_ref().is_some_and(|signature| signature.presigned);
    let of_signature = SHOWN_OF_PRESIGNED.iter().filter(|_| presigned);
    let query: Vec<_> = call.head.query_pairs().collect();
    let sent = |name: &str| {
        let header = name
            .starts_with("x-amz-")
            .then(|| call.head.headers.get(name))
            .flatten();
        let in_query = || {
            query
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, value)| value.as_ref().to_owned())
        };
        header.map(|value| text(value).into_owned()).or_else(in_query)
    };
    let names = SHOWN.iter().chain(of_signature);
    names.filter_map(|name| Some((*name, sent(name)?))).collect()
}

impl Request {
    /// Reads the head of a call that addresses no bucket.
    pub fn of(call: &Call) -> Request {
        let head = &call.head;
        let target = call.target.as_ref();
        Request {
            bucket: target.and_then(|t| t.bucket.clone()).unwrap_or_default(),
            key: target.and_then(|t| t.key.clone()).unwrap_or_default(),
            host: head.authority.clone(),
            signature: call.signature.clone(),
            expected_owner: amz(head, "x-amz-expected-bucket-owner").map(Cow::into_owned),
            bytes_in: head.content_length().unwrap_or(0),
            asked: asked(call),
        }
    }

    /// Reads the head of a call on a bucket.
    pub fn of_bucket(call: &Call) -> Result<Request, S3Error> {
        let request = Request::of(call);
        match bucket_name::is_bucket_name(&request.bucket) {
            true => Ok(request),
            false => Err(S3Error::InvalidBucketName { bucket: request.bucket }),
        }
    }

    /// The same, on one object of the bucket.
    pub fn on_key(&self, key: &str) -> Request {
        Request {
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// Reads the head of a call on an object.
    pub fn of_object(call: &Call) -> Result<Request, S3Error> {
        let request = Request::of_bucket(call)?;
        match key::fits(&request.key) {
            true => Ok(request),
            false => Err(S3Error::KeyTooLong {
                size: request.key.len(),
            }),
        }
    }

    /// A service's call on an object.
    pub fn internal(bucket: &str, key: &str) -> Request {
        Request {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            ..Request::default()
        }
    }

    /// The parameters of every record: bucket, host, key when there is one, and what of [`SHOWN`] was sent.
    pub fn evident(&self) -> Params {
        let params = Params::new()
            .maybe_text("bucketName", some(&self.bucket))
            .maybe_text("Host", some(&self.host))
            .maybe_text("key", some(&self.key));
        let asked = self.asked.iter();
        asked.fold(params, |params, (name, value)| params.text(name, value))
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// An `x-amz-` header, or the parameter that presigned requests carry in its place.
pub fn amz<'a>(head: &'a Head, name: &str) -> Option<Cow<'a, str>> {
    match head.headers.get(name) {
        Some(value) => Some(text(value)),
        None => head
            .query_pairs()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value),
    }
}

/// A header's value as text. Bytes that are not UTF-8 are taken for ISO 8859-1, as HTTP once said.
pub fn text(value: &HeaderValue) -> Cow<'_, str> {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(value.as_bytes().iter().map(|b| char::from(*b)).collect()),
    }
}

/// A standard header as text.
pub fn header(headers: &HeaderMap, name: http::HeaderName) -> Option<String> {
    headers.get(name).map(|value| text(value).into_owned())
}

/// Refuses headers that ask for what is not built. Those of SSE-C have one name in common.
pub fn refuse_headers(call: &Call, prefixes: &[&'static str]) -> Result<(), S3Error> {
    let asked = |prefix: &&&'static str| {
        call.head.headers.keys().any(|name| name.as_str().starts_with(**prefix))
            || call
                .head
                .query_pairs()
                .any(|(name, _)| name.to_ascii_lowercase().starts_with(**prefix))
    };
    match prefixes.iter().find(asked) {
        Some(prefix) => Err(S3Error::NotImplemented((*prefix).into())),
        None => Ok(()),
    }
}

/// The `x-amz-acl` header.
pub fn canned_acl(head: &Head) -> Result<Option<CannedAcl>, S3Error> {
    match amz(head, "x-amz-acl") {
        None => Ok(None),
        Some(name) => CannedAcl::parse(&name).map(Some).ok_or_else(|| unknown_acl(&name)),
    }
}

fn unknown_acl(name: &str) -> S3Error {
    S3Error::argument("", "x-amz-acl", name)
}

/// What a client is told of a refused ACL. `action` and `resource` are for the text of blocked public ones.
pub fn acl_refusal(refusal: AclRefusal, acl: CannedAcl, who: &str, action: &str, resource: &str) -> S3Error {
    match refusal {
        AclRefusal::NotSupported => S3Error::AccessControlListNotSupported,
        AclRefusal::Public => S3Error::AccessDenied(format!(
            "User: {who} is not authorized to perform: {action} on resource: \"{resource}\" because public ACLs are \
             prevented by the BlockPublicAcls setting in S3 Block Public Access."
        )),
        AclRefusal::Unbuilt => S3Error::NotImplemented(format!("x-amz-acl: {}", acl.as_str()).into()),
        AclRefusal::Unknown => unknown_acl(acl.as_str()),
    }
}

/// The digests that a request declares of its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// `Content-MD5`
    pub md5: Option<[u8; 16]>,
    /// The `x-amz-checksum-` header.
    pub checksum: Option<(ChecksumAlgorithm, String)>,
    /// The algorithm whose value follows in a trailer.
    pub trailer: Option<ChecksumAlgorithm>,
}

impl Declared {
    /// Reads the headers.
    pub fn of(head: &Head) -> Result<Declared, S3Error> {
        let md5 = match head.headers.get("content-md5") {
            None => None,
            Some(value) => Some(md5_of(&text(value))?),
        };
        let mut declared = Declared {
            md5,
            ..Declared::default()
        };
        for algorithm in ChecksumAlgorithm::ALL {
            let name = algorithm.header_name();
            // Never of the query: the JavaScript SDK presigns with the checksum of no body at all, and AWS does not look.
            let Some(value) = head.headers.get(name).map(text) else {
                continue;
            };
            if !algorithm.is_value(&value) {
                return Err(S3Error::InvalidRequest(
                    format!("Value for {name} header is invalid.").into(),
                ));
            }
            if declared.checksum.replace((algorithm, value.into_owned())).is_some() {
                return Err(S3Error::InvalidRequest(
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.".into(),
                ));
            }
        }
        declared.trailer = head
            .header("x-amz-trailer")
            .and_then(|name| ChecksumAlgorithm::from_header_name(name.trim()));
        match (&declared.checksum, declared.trailer) {
            (Some(_), Some(_)) => {
                return Err(S3Error::InvalidRequest(
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.".into(),
                ));
            }
            (None, _) => refuse_unknown_checksums(head)?,
            (Some(_), None) => {}
        }
        declared.agree_with_sdk(head)?;
        Ok(declared)
    }

    /// Reads the headers of a call whose body something must vouch for.
    pub fn needed(head: &Head) -> Result<Declared, S3Error> {
        let declared = Declared::of(head)?;
        match declared == Declared::default() {
            true => Err(S3Error::InvalidRequest(
                "Missing required header for this request: Content-MD5 OR x-amz-checksum-*".into(),
            )),
            false => Ok(declared),
        }
    }

    /// `x-amz-sdk-checksum-algorithm` announces a value; without one, something was lost on the way.
    fn agree_with_sdk(&self, head: &Head) -> Result<(), S3Error> {
        let Some(named) = head.header("x-amz-sdk-checksum-algorithm") else {
            return Ok(());
        };
        match (ChecksumAlgorithm::parse(named), self.algorithm()) {
            (Some(named), Some(found)) if named != found => Err(S3Error::InvalidRequest(
                "Value for x-amz-sdk-checksum-algorithm header is invalid.".into(),
            )),
            (Some(_), None) if self.md5.is_none() => Err(S3Error::InvalidRequest(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers \
                 were found."
                    .into(),
            )),
            _ => Ok(()),
        }
    }

    /// The algorithm of the checksum that comes with the body.
    pub fn algorithm(&self) -> Option<ChecksumAlgorithm> {
        self.checksum.as_ref().map(|(algorithm, _)| *algorithm).or(self.trailer)
    }

    /// Compares with a body that is at hand.
    pub fn check(&self, body: &[u8]) -> Result<(), S3Error> {
        if let Some(declared) = self.md5 {
            let mut md5 = Md5::new();
            md5.update(body);
            if md5.finish() != declared {
                return Err(S3Error::BadDigest("Content-MD5".to_owned()));
            }
        }
        match &self.checksum {
            Some((algorithm, value)) if algorithm.of(body) != *value => {
                Err(S3Error::BadDigest(algorithm.name().to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// Checksums that AWS knows and this server does not yet must not be taken for none.
pub fn refuse_unknown_checksums(head: &Head) -> Result<(), S3Error> {
    const UNBUILT: [&str; 5] = [
        "x-amz-checksum-md5",
        "x-amz-checksum-sha512",
        "x-amz-checksum-xxhash128",
        "x-amz-checksum-xxhash3",
        "x-amz-checksum-xxhash64",
    ];
    match UNBUILT.iter().find(|name| amz(head, name).is_some()) {
        Some(name) => Err(S3Error::NotImplemented((*name).into())),
        None => Ok(()),
    }
}

fn md5_of(value: &str) -> Result<[u8; 16], S3Error> {
    let bytes = STANDARD.decode(value.trim()).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| S3Error::InvalidDigest {
            value: value.to_owned(),
        })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use http::{HeaderName, Method};

    /// A call as the pipeline hands it to parsing.
    pub(crate) fn call(method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Call {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let head = Head {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: map,
            authority: "localhost:4566".to_owned(),
            https: false,
            peer: std::net::IpAddr::from([127, 0, 0, 1]),
            tls: None,
        };
        let target = wire::s3_operation(&head, "localhost").unwrap();
        Call {
            service: wire::ServiceName::S3,
            signature: None,
            head,
            body: bytes::Bytes::copy_from_slice(body),
            form: None,
            target: Some(target),
        }
    }

    /// A presigned URL may carry the checksum of the body that it was signed without.
    #[test]
    fn a_checksum_in_the_query_declares_nothing() {
        let query = "x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32";
        let call = call(Method::PUT, &format!("/bkt/key?{query}"), &[], b"hello world");
        assert_eq!(Declared::of(&call.head).unwrap(), Declared::default());
    }

    #[test]
    fn bodies_are_compared_with_what_was_declared() {
        let check = |headers: &[(&str, &str)], expected: Option<&str>| {
            let call = call(Method::PUT, "/bkt?policy", headers, b"hello world");
            let result = Declared::of(&call.head).and_then(|declared| declared.check(&call.body));
            let code = result.err().map(|e| wire::AwsError::code(&e).into_owned());
            assert_eq!(code.as_deref(), expected, "{headers:?}");
        };
        check(&[], None);
        check(&[("content-md5", "XrY7u+Ae7tCTyyK7j1rNww==")], None);
        check(&[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], Some("BadDigest"));
        check(&[("content-md5", "short")], Some("InvalidDigest"));
        check(&[("x-amz-checksum-crc32", "DUoRhQ==")], None);
        check(&[("x-amz-checksum-crc32", "AAAAAA==")], Some("BadDigest"));
        check(&[("x-amz-checksum-crc32", "AA==")], Some("InvalidRequest"));
        check(
            &[("x-amz-checksum-crc32", "DUoRhQ=="), ("x-amz-checksum-sha1", "AAAA")],
            Some("InvalidRequest"),
        );
        check(&[("x-amz-sdk-checksum-algorithm", "CRC32")], Some("InvalidRequest"));
        check(
            &[
                ("x-amz-sdk-checksum-algorithm", "CRC32"),
                ("x-amz-checksum-crc32", "DUoRhQ=="),
            ],
            None,
        );
        check(&[("x-amz-checksum-sha512", "x")], Some("NotImplemented"));
    }

    #[test]
    fn requests_are_read_by_shape() {
        let long = format!("/bkt/{}", "k".repeat(1025));
        let too_long = Request::of_object(&call(Method::GET, &long, &[], b""));
        assert!(matches!(too_long, Err(S3Error::KeyTooLong { size: 1025 })));
        let bad_name = Request::of_bucket(&call(Method::HEAD, "/No", &[], b""));
        assert!(matches!(bad_name, Err(S3Error::InvalidBucketName { .. })));
        // What looks like a signature is none; the pipeline alone says what was proven.
        let lying = call(
            Method::GET,
            "/bkt/a%20b?X-Amz-Signature=s&X-Amz-Date=20150817T140131Z",
            &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")],
            b"",
        );
        let request = Request::of_object(&lying).unwrap();
        assert_eq!(request.key, "a b");
        assert!(request.signature.is_none());
    }

    #[test]
    fn a_record_shows_what_was_sent_and_no_signature() {
        let path =
            "/bkt?list-type=2&fetch-owner=true&id=a%20b&X-Amz-Signature=s&X-Amz-Expires=60&X-Amz-Security-Token=t";
        let mut call = call(
            Method::GET,
            path,
            &[("x-amz-expected-bucket-owner", "000000000000")],
            b"",
        );
        let shown = |call: &Call| format!("{:?}", Request::of(call).evident());
        let plain = r#"{"bucketName":"bkt","Host":"localhost:4566","fetch-owner":"true","id":"a b","x-amz-expected-bucket-owner":"000000000000"}"#;
        assert_eq!(shown(&call), plain);
        call.signature = Some(Signature {
            content_sha256: String::new(),
            presigned: true,
            signed_at: base::Timestamp::EPOCH,
        });
        assert_eq!(shown(&call), plain.replace('}', r#","X-Amz-Expires":"60"}"#));
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let call = call(Method::GET, "/bkt/k?versionId=3", &[("x-amz-tagging", "a=b")], b"");
        assert!(refuse_headers(&call, &["x-amz-tagging"]).is_err());
        assert!(refuse_headers(&call, &["x-amz-object-lock-"]).is_ok());
    }
}

//! Making signatures: for the product's own calls, its tests and load generators.

use crate::{
    Scope, SigningKeys,
    canonical::{self, ALGORITHM, Canonical, TERMINATOR, UNSIGNED_PAYLOAD},
    chunk::Chain,
};
use aws_lc_rs::hmac;
use base::{Secret, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::sync::Arc;

/// Headers that proxies and HTTP libraries change, and that are therefore not signed.
const UNSIGNED_HEADERS: [&str; 9] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "expect",
    "te",
    "transfer-encoding",
    "user-agent",
    "x-amzn-trace-id",
];

/// An access key with its secret, and the token when it is of a session.
#[derive(Clone)]
pub struct Credentials {
    /// `AKIA…` or `ASIA…`
    pub access_key_id: String,
    /// Its secret.
    pub secret: Secret<String>,
    /// The session's token.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Long-term credentials.
    pub fn new(access_key_id: impl Into<String>, secret: impl Into<String>) -> Credentials {
        Credentials {
            access_key_id: access_key_id.into(),
            secret: Secret::new(secret.into()),
            session_token: None,
        }
    }
}

/// How the body is to be covered by the signature.
#[derive(Clone, Copy, Debug)]
pub enum SignPayload<'a> {
    /// By the hash of these bytes.
    Bytes(&'a [u8]),
    /// By this hash.
    Hash([u8; 32]),
    /// Not at all (S3).
    Unsigned,
    /// aws-chunked (S3): encode the body with the [`ChunkEncoder`] of the result.
    Chunked {
        /// Whether to sign each chunk.
        signed: bool,
        /// The checksum header to send after the chunks.
        trailer: Option<&'a str>,
        /// The bytes of the object.
        decoded_length: u64,
    },
}

/// Why a request cannot be signed: the caller's mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The headers have no `Host`.
    #[error("the request has no Host header")]
    NoHost,
    /// A credential or trailer name that no header can carry.
    #[error("a value cannot be put into a header")]
    NotAHeaderValue,
}

/// Signs many requests of one caller to one service in one Region; the signing key is derived once a day.
#[derive(Clone)]
pub struct Signer {
    credentials: Credentials,
    region: String,
    service: String,
    keys: Arc<SigningKeys>,
}

/// Signs one request in its headers: adds `x-amz-date`, `x-amz-security-token`, for S3 `x-amz-content-sha256`, and
/// `authorization`. The headers must hold `host`; of the others, all but a few that change on the way are signed.
///
/// `path` and `query` are percent-encoded, as they will be sent; `scope` is Region and service.
pub fn sign_headers(
    credentials: &Credentials,
    method: &Method,
    path: &str,
    query: &str,
    headers: &mut HeaderMap,
    scope: (&str, &str),
    now: Timestamp,
    payload: SignPayload<'_>,
) -> Result<(), SignError> {
    Signer::new(credentials.clone(), scope.0, scope.1)
        .sign_headers(method, path, query, headers, now, payload)
        .map(drop)
}

/// The query (with `query` at its front) of a presigned request that is good for `expires_s` seconds.
///
/// `headers` must hold `host` and whatever else the later request is bound to send; all of them are signed.
pub fn presign(
    credentials: &Credentials,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    scope: (&str, &str),
    now: Timestamp,
    expires_s: u32,
) -> Result<String, SignError> {
    Signer::new(credentials.clone(), scope.0, scope.1).presign(method, path, query, headers, now, expires_s)
}

impl Signer {
    /// A signer with signing keys of its own.
    pub fn new(credentials: Credentials, region: impl Into<String>, service: impl Into<String>) -> Signer {
        Signer {
            credentials,
            region: region.into(),
            service: service.into(),
            keys: Arc::new(SigningKeys::new()),
        }
    }

    /// See [`sign_headers`]. The result encodes the body, when it is chunked.
    pub fn sign_headers(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &mut HeaderMap,
        now: Timestamp,
        payload: SignPayload<'_>,
    ) -> Result<Option<ChunkEncoder>, SignError> {
        let time = now.compact();
        let scope = self.scope(&time);
        headers.insert(HeaderName::from_static("x-amz-date"), value(&time)?);
        if let Some(token) = &self.credentials.session_token {
            headers.insert(HeaderName::from_static("x-amz-security-token"), value(token)?);
        }
        let payload_text = payload_text(payload);
        if self.service == "s3" {
            insert_payload_headers(headers, &payload_text, payload)?;
        }
        let names = signed_names(headers)?;
        let signature = self.signature(method, path, query, headers, &names, &payload_text, &time, &scope);
        let authorization = format!(
            "{ALGORITHM} Credential={}/{}/{}/{}/{TERMINATOR}, SignedHeaders={names}, Signature={signature}",
            self.credentials.access_key_id, scope.date, scope.region, scope.service
        );
        headers.insert(header::AUTHORIZATION, value(&authorization)?);
        Ok(self.encoder(payload, signature, time, scope))
    }

    /// See [`presign`].
    pub fn presign(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        now: Timestamp,
        expires_s: u32,
    ) -> Result<String, SignError> {
        let time = now.compact();
        let scope = self.scope(&time);
        let names = signed_names(headers)?;
        let credential = format!(
            "{}/{}/{}/{}/{TERMINATOR}",
            self.credentials.access_key_id, scope.date, scope.region, scope.service
        );
        let mut full = String::with_capacity(query.len() + 320);
        full.push_str(query);
        if !query.is_empty() {
            full.push('&');
        }
        full.push_str(&format!(
            "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={}&X-Amz-Date={time}&X-Amz-Expires={expires_s}\
             &X-Amz-SignedHeaders={}",
            canonical::encode(&credential),
            canonical::encode(&names)
        ));
        if let Some(token) = &self.credentials.session_token {
            full.push_str("&X-Amz-Security-Token=");
            full.push_str(&canonical::encode(token));
        }
        let payload = match self.service.as_str() {
            "s3" => UNSIGNED_PAYLOAD,
            _ => canonical::EMPTY_SHA256,
        };
        let signature = self.signature(method, path, &full, headers, &names, payload, &time, &scope);
        full.push_str("&X-Amz-Signature=");
        full.push_str(&signature);
        Ok(full)
    }

    fn scope(&self, time: &str) -> Scope {
        Scope {
            date: time.get(..8).unwrap_or_default().to_owned(),
            region: self.region.clone(),
            service: self.service.clone(),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a request and of a signature, each once"
    )]
    fn signature(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        signed_headers: &str,
        payload: &str,
        time: &str,
        scope: &Scope,
    ) -> String {
        let canonical = Canonical {
            method: method.as_str(),
            path,
            query,
            headers,
            host: headers.get(header::HOST).map(HeaderValue::as_bytes),
            signed_headers,
            payload,
            is_s3: self.service == "s3",
        };
        let string_to_sign = canonical::string_to_sign(time, scope, &canonical.build());
        let key = self
            .keys
            .signing_key(&self.credentials.access_key_id, &self.credentials.secret, scope);
        hex::encode(hmac::sign(&key, string_to_sign.as_bytes()).as_ref())
    }

    fn encoder(&self, payload: SignPayload<'_>, signature: String, time: String, scope: Scope) -> Option<ChunkEncoder> {
        let SignPayload::Chunked { signed, trailer, .. } = payload else {
            return None;
        };
        let key = self
            .keys
            .signing_key(&self.credentials.access_key_id, &self.credentials.secret, &scope);
        Some(ChunkEncoder {
            chain: signed.then(|| Chain {
                access_key_id: self.credentials.access_key_id.clone(),
                signing_key: key,
                time,
                scope,
                previous: signature,
            }),
            trailer: trailer.map(str::to_owned),
        })
    }
}

/// Writes a body in aws-chunked encoding. Chunks other than the last must have [`crate::CHUNK_BYTES_MIN`] bytes.
pub struct ChunkEncoder {
    chain: Option<Chain>,
    trailer: Option<String>,
}

impl ChunkEncoder {
    /// Appends one chunk; an empty one would end the body and is not written.
    pub fn chunk(&mut self, data: &[u8], out: &mut Vec<u8>) {
        if !data.is_empty() {
            self.head(data, out);
            out.extend_from_slice(data);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Appends the last chunk and the trailer with this value, when one was declared.
    pub fn finish(mut self, checksum: &str, out: &mut Vec<u8>) {
        self.head(&[], out);
        if let Some(name) = self.trailer.take() {
            out.extend_from_slice(format!("{name}:{checksum}\r\n").as_bytes());
            if let Some(chain) = &mut self.chain {
                let string_to_sign = chain.trailer_string(&name, checksum);
                let signature = chain.sign(&string_to_sign);
                out.extend_from_slice(format!("x-amz-trailer-signature:{signature}\r\n").as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    fn head(&mut self, data: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{:x}", data.len()).as_bytes());
        if let Some(chain) = &mut self.chain {
            let string_to_sign = chain.chunk_string(&canonical::sha256(data));
            out.extend_from_slice(b";chunk-signature=");
            out.extend_from_slice(chain.sign(&string_to_sign).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn value(text: &str) -> Result<HeaderValue, SignError> {
    HeaderValue::from_str(text).map_err(|_| SignError::NotAHeaderValue)
}

fn payload_text(payload: SignPayload<'_>) -> String {
    match payload {
        SignPayload::Bytes(bytes) => hex::encode(canonical::sha256(bytes)),
        SignPayload::Hash(hash) => hex::encode(hash),
        SignPayload::Unsigned => UNSIGNED_PAYLOAD.to_owned(),
        SignPayload::Chunked { signed, trailer, .. } => match (signed, trailer) {
            (true, None) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            (true, Some(_)) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            (false, _) => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        }
        .to_owned(),
    }
}

fn insert_payload_headers(headers: &mut HeaderMap, text: &str, payload: SignPayload<'_>) -> Result<(), SignError> {
    headers.insert(HeaderName::from_static("x-amz-content-sha256"), value(text)?);
    if let SignPayload::Chunked {
        trailer,
        decoded_length,
        ..
    } = payload
    {
        headers.insert(
            HeaderName::from_static("x-amz-decoded-content-length"),
            HeaderValue::from(decoded_length),
        );
        if let Some(name) = trailer {
            headers.insert(HeaderName::from_static("x-amz-trailer"), value(name)?);
        }
    }
    Ok(())
}

/// The names to sign, sorted, joined by `;`.
fn signed_names(headers: &HeaderMap) -> Result<String, SignError> {
    if !headers.contains_key(header::HOST) {
        return Err(SignError::NoHost);
    }
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    names.retain(|name| !UNSIGNED_HEADERS.contains(name));
    names.sort_unstable();
    Ok(names.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuthFault, Authenticated, BodyHasher, ChunkDecoder, Claim, Payload, RequestHead};
    use bytes::BytesMut;
    use proptest::{prelude::*, sample::Index};

    #[derive(Clone, Debug)]
    struct Request {
        method: Method,
        path: String,
        query: String,
        headers: HeaderMap,
        body: Vec<u8>,
    }

    fn credentials(token: Option<String>) -> Credentials {
        Credentials {
            session_token: token,
            ..Credentials::new("AKIAEXAMPLE", "secret")
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_secs(1_700_000_000)
    }

    fn verify(request: &Request) -> Result<Authenticated, AuthFault> {
        let head = RequestHead {
            method: &request.method,
            path: &request.path,
            query: &request.query,
            headers: &request.headers,
            host_authority: None,
        };
        let claim = Claim::parse(&head)?.ok_or(AuthFault::Missing)?;
        if claim.access_key_id() != "AKIAEXAMPLE" {
            let access_key_id = claim.access_key_id().to_owned();
            return Err(AuthFault::UnknownKey { access_key_id });
        }
        let hash = canonical::sha256(&request.body);
        let is_s3 = claim.scope().service == "s3";
        let hash = (!is_s3).then_some(&hash);
        let proof = claim.verify(&Secret::new("secret".to_owned()), &SigningKeys::new(), now(), hash)?;
        if let Payload::Hash(claimed) = proof.payload() {
            let mut hasher = BodyHasher::new(*claimed);
            hasher.update(&request.body);
            hasher.finish()?;
        }
        Ok(proof)
    }

    prop_compose! {
        fn unsigned()(
            method in "(GET|PUT|POST|DELETE)",
            path in "(/[a-zA-Z0-9_.~%-]{0,12}){1,4}",
            query in "([a-z0-9%+-]{1,6}(=[a-zA-Z0-9%+~]{0,8})?&?){0,5}",
            meta in "[ -~]{0,20}",
            body in prop::collection::vec(any::<u8>(), 0..64),
        ) -> Request {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("localhost:8080"));
            headers.insert("x-amz-meta-a", meta.parse().unwrap());
            headers.insert("user-agent", HeaderValue::from_static("any"));
            Request { method: method.parse().unwrap(), path, query, headers, body }
        }
    }

    prop_compose! {
        fn signed()(
            mut request in unsigned(),
            service in "(s3|kms)",
            token in prop::option::of("[a-zA-Z0-9/+=]{1,30}"),
        ) -> Request {
            let Request { method, path, query, headers, body } = &mut request;
            let payload = SignPayload::Bytes(body);
            let scope = ("eu-west-3", service.as_str());
            sign_headers(&credentials(token), method, path, query, headers, scope, now(), payload).unwrap();
            request
        }
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(mut request in signed()) {
            prop_assert!(verify(&request).is_ok());
            request.headers.insert("user-agent", HeaderValue::from_static("other"));
            prop_assert!(verify(&request).is_ok());
        }

        #[test]
        fn what_is_presigned_verifies(request in unsigned(), token in prop::option::of("[a-zA-Z0-9/+=]{1,30}")) {
            let Request { method, path, query, mut headers, .. } = request.clone();
            headers.remove("user-agent");
            let scope = ("us-east-1", "s3");
            let query = presign(&credentials(token.clone()), &method, &path, &query, &headers, scope, now(), 60).unwrap();
            let mut request = Request { query, ..request };
            let proof = verify(&request);
            prop_assert!(proof.is_ok());
            prop_assert_eq!(proof.ok().and_then(|p| p.session_token().map(str::to_owned)), token);
            request.headers.insert("x-amz-meta-a", HeaderValue::from_static("changed!"));
            prop_assert!(verify(&request).is_err());
        }

        #[test]
        fn a_changed_body_fails(mut request in signed(), at: Index, bit in 0..8u8) {
            prop_assume!(!request.body.is_empty());
            let at = at.index(request.body.len());
            request.body[at] ^= 1 << bit;
            prop_assert!(verify(&request).is_err());
        }

        #[test]
        fn a_changed_path_or_method_fails(mut request in signed(), letter in "[A-Z]") {
            let mut other = request.clone();
            other.path.push_str(&letter);
            prop_assert!(verify(&other).is_err());
            other.path = request.path.clone();
            other.query.push_str("&zz=1");
            prop_assert!(verify(&other).is_err());
            request.method = Method::PATCH;
            prop_assert!(verify(&request).is_err());
        }

        #[test]
        fn a_changed_signed_header_fails(request in signed(), which: Index, at: Index, to in "[a-zA-Z0-9]") {
            let names: Vec<HeaderName> = request.headers.keys().filter(|n| *n != "user-agent").cloned().collect();
            let name = which.get(&names);
            let mut value = request.headers[name].to_str().unwrap().to_owned();
            prop_assume!(!value.is_empty());
            let at = at.index(value.len());
            value.replace_range(at..=at, &to);
            prop_assume!(request.headers[name] != value.as_str());
            let mut other = request.clone();
            other.headers.insert(name, value.parse().unwrap());
            prop_assert!(verify(&other).is_err(), "{} {}", name, value);
            let mut other = request.clone();
            other.headers.remove(name);
            // An absent and an empty header sign alike only if it was blank.
            prop_assume!(!request.headers[name].to_str().unwrap().trim().is_empty());
            prop_assert!(verify(&other).is_err(), "without {}", name);
        }

        #[test]
        fn an_added_amz_header_fails(mut request in signed()) {
            request.headers.insert("x-amz-acl", HeaderValue::from_static("public-read"));
            let refused = matches!(verify(&request), Err(AuthFault::UnsignedHeader { .. }));
            prop_assert!(refused);
        }

        #[test]
        fn chunks_come_out_as_they_went_in_however_they_are_cut(
            sizes in prop::collection::vec(8192usize..20_000, 0..4),
            last in 0usize..9000,
            cuts in prop::collection::vec(any::<Index>(), 0..8),
            is_signed: bool,
            with_trailer: bool,
            flip in prop::option::of((any::<Index>(), 0..8u8)),
        ) {
            let (proof, mut body, object) = encoded(&sizes, last, is_signed, with_trailer);
            if let Some((at, bit)) = flip {
                let at = at.index(body.len());
                body[at] ^= 1 << bit;
            }
            let mut cuts: Vec<usize> = cuts.iter().map(|c| c.index(body.len())).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &body[w[0]..w[1]]).collect();
            let (whole, whole_out) = decode(&proof, &[&body]);
            let (cut, cut_out) = decode(&proof, &pieces);
            prop_assert_eq!(&whole, &cut);
            prop_assert_eq!(&whole_out, &cut_out);
            if flip.is_none() {
                prop_assert!(whole.is_ok());
                prop_assert_eq!(&whole_out[..], &object[..]);
            } else if is_signed {
                prop_assert!(whole.is_err() || whole_out[..] == object[..]);
                prop_assert!(object.starts_with(&whole_out), "unverified bytes came out");
            }
            let cut_short = decode(&proof, &[&body[..body.len() - 1]]).0;
            prop_assert!(cut_short.is_err() || flip.is_some());
        }

        #[test]
        fn no_chunk_stream_panics(body in r"([0-9a-f]{1,17}(;chunk-signature=[0-9a-f]{0,64})?\r?\n|[a-z:-]{0,30}\r\n|\PC{0,9}){0,8}") {
            for (is_signed, with_trailer) in [(true, true), (true, false), (false, true), (false, false)] {
                let (proof, ..) = encoded(&[], 20, is_signed, with_trailer);
                let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
                prop_assert_eq!(decode(&proof, &[body.as_bytes()]).0, decode(&proof, &bytes).0);
            }
        }
    }

    const NAME: &str = "x-amz-checksum-crc32";

    fn encoded(sizes: &[usize], last: usize, signed: bool, with_trailer: bool) -> (Authenticated, Vec<u8>, Vec<u8>) {
        let sizes: Vec<usize> = sizes.iter().copied().chain([last]).collect();
        let object: Vec<u8> = (0..sizes.iter().sum()).map(|i: usize| (i % 251) as u8).collect();
        let signer = Signer::new(credentials(None), "us-east-1", "s3");
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("h"));
        let payload = SignPayload::Chunked {
            signed,
            trailer: with_trailer.then_some(NAME),
            decoded_length: object.len() as u64,
        };
        let encoder = signer.sign_headers(&Method::PUT, "/b/k", "", &mut headers, now(), payload);
        let mut encoder = encoder.unwrap().unwrap();
        let mut body = Vec::new();
        let mut rest = object.as_slice();
        for size in sizes {
            let (data, tail) = rest.split_at(size);
            encoder.chunk(data, &mut body);
            rest = tail;
        }
        encoder.finish("AAAAAA==", &mut body);
        let request = Request {
            method: Method::PUT,
            path: "/b/k".to_owned(),
            query: String::new(),
            headers,
            body: Vec::new(),
        };
        (verify(&request).unwrap(), body, object)
    }

    fn decode(proof: &Authenticated, pieces: &[&[u8]]) -> (Result<crate::Trailers, AuthFault>, BytesMut) {
        let mut decoder = ChunkDecoder::new(proof).unwrap();
        let mut out = BytesMut::new();
        for piece in pieces {
            if decoder.push(piece, &mut out).is_err() {
                break;
            }
        }
        (decoder.finish(), out)
    }

    #[test]
    fn a_request_without_host_is_not_signed() {
        let mut headers = HeaderMap::new();
        let scope = ("us-east-1", "kms");
        let payload = SignPayload::Bytes(b"");
        let result = sign_headers(
            &credentials(None),
            &Method::GET,
            "/",
            "",
            &mut headers,
            scope,
            now(),
            payload,
        );
        assert_eq!(result, Err(SignError::NoHost));
    }
}

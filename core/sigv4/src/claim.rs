//! From a request head to [`Authenticated`]: parse what is claimed, then prove it.

use crate::{
    AuthFault, Malformed, SignatureMismatch, SigningKeys, Skew, body,
    canonical::{self, ALGORITHM, Canonical, TERMINATOR, UNSIGNED_PAYLOAD},
    keys::SigningKey,
};
use aws_lc_rs::{constant_time, hmac};
use base::{Secret, Timestamp};
use http::{HeaderMap, Method, header};
use std::{borrow::Cow, time::Duration};

/// How far the request's time may be from the server's, for S3 and the Query services.
const SKEW_MAX_S: u32 = 15 * 60;
/// How far, for the JSON services.
const JSON_SKEW_MAX_S: u32 = 5 * 60;
/// The longest life of a presigned request: a week.
const EXPIRES_MAX_S: u32 = 604_800;

/// The head of a request as it came, before anything normalised it.
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path, still percent-encoded.
    pub path: &'a str,
    /// The query without `?`, still percent-encoded; empty when there is none.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// HTTP/2's `:authority`, or that of an absolute request target.
    pub host_authority: Option<&'a str>,
}

impl<'a> RequestHead<'a> {
    /// The host that is signed; route by this and by nothing else.
    pub fn host(&self) -> Option<&'a [u8]> {
        let header = self.headers.get(header::HOST).map(http::HeaderValue::as_bytes);
        header.or_else(|| self.host_authority.map(str::as_bytes))
    }

    fn hosts_agree(&self) -> bool {
        let mut hosts = self.headers.get_all(header::HOST).iter().map(|v| v.as_bytes());
        match (hosts.next(), hosts.next(), self.host_authority) {
            (_, Some(_), _) => false,
            (Some(header), None, Some(authority)) => header.eq_ignore_ascii_case(authority.as_bytes()),
            _ => true,
        }
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim)
    }
}

/// A credential scope: the day, Region and service that a signature is good for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// `yyyymmdd`
    pub date: String,
    /// The Region, such as `us-east-1`.
    pub region: String,
    /// The signing name of the service, such as `s3`.
    pub service: String,
}

/// Where the signature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the `Authorization` header.
    Header,
    /// In the query, good for the given number of seconds.
    Presigned {
        /// `X-Amz-Expires`
        expires_s: u32,
    },
}

impl Kind {
    /// The value of `s3:authType`: `REST-HEADER` or `REST-QUERY-STRING`.
    pub const fn auth_type(self) -> &'static str {
        match self {
            Kind::Header => "REST-HEADER",
            Kind::Presigned { .. } => "REST-QUERY-STRING",
        }
    }

    /// The value of an event's `AuthenticationMethod`: `AuthHeader` or `QueryString`.
    pub const fn authentication_method(self) -> &'static str {
        match self {
            Kind::Header => "AuthHeader",
            Kind::Presigned { .. } => "QueryString",
        }
    }
}

/// How the signature covers the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// aws-chunked: read it through [`crate::ChunkDecoder`].
    Chunked {
        /// Whether each chunk is signed.
        signed: bool,
        /// The one trailer that must follow the chunks, in lower case.
        trailer: Option<String>,
        /// The bytes of the object.
        decoded_length: u64,
    },
    /// By its hash: read it through [`crate::BodyHasher`], or give its hash to [`Claim::verify`].
    Hash([u8; 32]),
    /// By its hash, which the request does not say: [`Claim::verify`] must be given it. All services but S3.
    NotDeclared,
    /// Not at all.
    Unsigned,
}

impl Payload {
    /// How the body of an anonymous request to S3 is framed; nothing covers it.
    pub fn of_anonymous(head: &RequestHead<'_>) -> Result<Payload, AuthFault> {
        let value = head.header("x-amz-content-sha256").unwrap_or(UNSIGNED_PAYLOAD);
        match parse_payload(head, true, Some(value))? {
            Payload::Chunked { signed: true, .. } => Err(AuthFault::UnsupportedPayload {
                value: value.to_owned(),
            }),
            payload => Ok(payload),
        }
    }
}

/// What a request says about who signed it. Nothing of it is proven.
pub struct Claim<'a> {
    head: RequestHead<'a>,
    kind: Kind,
    access_key_id: Cow<'a, str>,
    scope: Scope,
    signed_headers: Cow<'a, str>,
    signature: Cow<'a, str>,
    session_token: Option<Cow<'a, str>>,
    request_time: Timestamp,
    request_time_text: Cow<'a, str>,
    payload: Payload,
    /// The value of `x-amz-content-sha256`, or of the parameter that stands for it.
    payload_text: Cow<'a, str>,
}

impl<'a> Claim<'a> {
    /// Reads the claim of a request; `None` when it makes none (anonymous).
    pub fn parse(head: &RequestHead<'a>) -> Result<Option<Claim<'a>>, AuthFault> {
        let in_query = QueryAuth::read(head.query)?;
        let mut values = head.headers.get_all(header::AUTHORIZATION).iter();
        let claim = match (values.next(), values.next(), in_query) {
            (None, _, None) => return Ok(None),
            (Some(value), None, None) => Self::parse_header(head, value)?,
            (None, _, Some(query)) => Self::parse_query(head, query)?,
            _ => return Err(malformed(false, Malformed::TwoMechanisms)),
        };
        claim.check_signed_headers()?;
        Ok(Some(claim))
    }

    fn parse_header(head: &RequestHead<'a>, value: &'a http::HeaderValue) -> Result<Claim<'a>, AuthFault> {
        let text = value.to_str().unwrap_or_default().trim();
        let parts = HeaderAuth::read(text)?;
        let (access_key_id, scope) = parse_credential(parts.credential, false)?;
        let (request_time, request_time_text) = header_time(head)?;
        check_scope_date(&scope, &request_time_text, false)?;
        let declared = head.header("x-amz-content-sha256").map(Cow::Borrowed);
        let is_s3 = scope.service == "s3";
        if is_s3 && declared.is_none() {
            return Err(AuthFault::MissingContentSha256);
        }
        Ok(Claim {
            head: *head,
            kind: Kind::Header,
            access_key_id: Cow::Owned(access_key_id),
            payload: parse_payload(head, is_s3, declared.as_deref())?,
            payload_text: declared.unwrap_or_default(),
            scope,
            signed_headers: Cow::Borrowed(parts.signed_headers),
            signature: Cow::Borrowed(parts.signature),
            session_token: head.header("x-amz-security-token").map(Cow::Borrowed),
            request_time,
            request_time_text,
        })
    }

    fn parse_query(head: &RequestHead<'a>, query: QueryAuth<'a>) -> Result<Claim<'a>, AuthFault> {
        let query = query.complete()?;
        let (access_key_id, scope) = parse_credential(&query.credential, true)?;
        let request_time = Timestamp::parse_compact(&query.date).ok_or_else(|| {
            malformed(
                true,
                Malformed::Date {
                    got: query.date.to_string(),
                },
            )
        })?;
        check_scope_date(&scope, &query.date, true)?;
        // An unsigned x-amz-content-sha256 header says nothing; a signed one, or the parameter, does.
        let signed = is_listed(&query.signed_headers, "x-amz-content-sha256");
        let header = head.header("x-amz-content-sha256").filter(|_| signed);
        let declared = header
            .map(Cow::Borrowed)
            .or(query.content_sha256)
            .unwrap_or(Cow::Borrowed(UNSIGNED_PAYLOAD));
        Ok(Claim {
            head: *head,
            kind: Kind::Presigned {
                expires_s: query.expires_s,
            },
            access_key_id: Cow::Owned(access_key_id),
            payload: parse_payload(head, scope.service == "s3", Some(&declared))?,
            payload_text: declared,
            scope,
            signed_headers: query.signed_headers,
            signature: query.signature,
            session_token: query.security_token,
            request_time,
            request_time_text: query.date,
        })
    }

    /// `host` and every `x-amz-*` header must be under the signature, else they could be changed on the way.
    fn check_signed_headers(&self) -> Result<(), AuthFault> {
        if !is_listed(&self.signed_headers, "host") || !self.head.hosts_agree() {
            return Err(malformed(self.is_presigned(), Malformed::Host));
        }
        for name in self.head.headers.keys().map(http::HeaderName::as_str) {
            let must = name.starts_with("x-amz-") && !(self.is_presigned() && name == "x-amz-content-sha256");
            if must && !is_listed(&self.signed_headers, name) {
                return Err(AuthFault::UnsignedHeader { name: name.to_owned() });
            }
        }
        Ok(())
    }

    /// The access key id.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Day, Region and service.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// `x-amz-security-token`.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// How the signature covers the body.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// When it says it was signed.
    pub fn request_time(&self) -> Timestamp {
        self.request_time
    }

    /// Whether the signature is in the query.
    pub fn is_presigned(&self) -> bool {
        matches!(self.kind, Kind::Presigned { .. })
    }

    /// Refuses a signature made for another service than the endpoint's.
    pub fn expect_service(&self, expected: &str) -> Result<(), AuthFault> {
        if self.scope.service == expected {
            return Ok(());
        }
        Err(AuthFault::WrongService {
            got: self.scope.service.clone(),
            expected: expected.to_owned(),
            in_query: self.is_presigned(),
        })
    }

    /// Refuses a signature made for another Region than the endpoint's (or the bucket's).
    pub fn expect_region(&self, expected: &str) -> Result<(), AuthFault> {
        if self.scope.region == expected {
            return Ok(());
        }
        Err(AuthFault::WrongRegion {
            got: self.scope.region.clone(),
            expected: expected.to_owned(),
            in_query: self.is_presigned(),
        })
    }

    /// Proves the claim: time, payload hash (when `body_sha256` is known), signature.
    ///
    /// `secret` is that of [`Claim::access_key_id`]; `body_sha256` must be given for [`Payload::NotDeclared`]. For
    /// [`Payload::Hash`] without it, and for [`Payload::Chunked`], the body is proven later, by [`crate::BodyHasher`] or
    /// [`crate::ChunkDecoder`].
    pub fn verify(
        self,
        secret: &Secret<String>,
        keys: &SigningKeys,
        real_now: Timestamp,
        body_sha256: Option<&[u8; 32]>,
    ) -> Result<Authenticated, AuthFault> {
        self.check_time(real_now)?;
        let canonical = self.canonical_request(body_sha256)?;
        let string_to_sign = canonical::string_to_sign(&self.request_time_text, &self.scope, &canonical);
        let signing_key = keys.signing_key(&self.access_key_id, secret, &self.scope);
        let expected = canonical::into_32(hmac::sign(&signing_key, string_to_sign.as_bytes()).as_ref());
        let expected = canonical::hex32(&expected);
        if constant_time::verify_slices_are_equal(&expected, self.signature.as_bytes()).is_err() {
            return Err(AuthFault::BadSignature(Box::new(SignatureMismatch {
                access_key_id: self.access_key_id.into_owned(),
                string_to_sign,
                canonical_request: String::from_utf8_lossy(&canonical).into_owned(),
                signature_provided: self.signature.into_owned(),
            })));
        }
        if let (Payload::Hash(claimed), Some(computed)) = (&self.payload, body_sha256) {
            body::compare(claimed, computed)?;
        }
        Ok(self.into_authenticated(signing_key, real_now))
    }

    fn check_time(&self, server_time: Timestamp) -> Result<(), AuthFault> {
        let request_time = self.request_time;
        let is_json = self.head.headers.contains_key("x-amz-target");
        let skew_max_s = if is_json { JSON_SKEW_MAX_S } else { SKEW_MAX_S };
        let skew_max = Duration::from_secs(u64::from(skew_max_s));
        let early = request_time > server_time.plus(skew_max);
        match self.kind {
            Kind::Presigned { .. } if early => Err(AuthFault::NotYetValid {
                request_time,
                server_time,
            }),
            Kind::Presigned { expires_s }
                if server_time > request_time.plus(Duration::from_secs(u64::from(expires_s))) =>
            {
                Err(AuthFault::Expired {
                    request_time,
                    expires_s,
                    server_time,
                })
            }
            Kind::Header if early || request_time < server_time.minus(skew_max) => Err(AuthFault::Skewed {
                request_time,
                server_time,
                skew: if early { Skew::Early } else { Skew::Late },
                skew_max_s,
            }),
            _ => Ok(()),
        }
    }

    fn canonical_request(&self, body_sha256: Option<&[u8; 32]>) -> Result<Vec<u8>, AuthFault> {
        let mut computed = String::new();
        let payload = match (&self.payload, body_sha256) {
            (Payload::NotDeclared, None) => return Err(AuthFault::BodyNotHashed),
            (Payload::NotDeclared, Some(hash)) => {
                canonical::push_hex(&mut computed, hash);
                computed.as_str()
            }
            _ => &self.payload_text,
        };
        let canonical = Canonical {
            method: self.head.method.as_str(),
            path: self.head.path,
            query: self.head.query,
            headers: self.head.headers,
            host: self.head.host(),
            signed_headers: &self.signed_headers,
            payload,
            is_s3: self.scope.service == "s3",
        };
        Ok(canonical.build())
    }

    fn into_authenticated(self, signing_key: SigningKey, verified_at: Timestamp) -> Authenticated {
        Authenticated {
            access_key_id: self.access_key_id.into_owned(),
            scope: self.scope,
            kind: self.kind,
            signed_at: self.request_time,
            signed_at_text: self.request_time_text.into_owned(),
            verified_at,
            signature: self.signature.into_owned(),
            session_token: self.session_token.map(Cow::into_owned),
            payload: self.payload,
            payload_text: self.payload_text.into_owned(),
            signing_key,
        }
    }
}

/// Proof that the holder of an access key's secret signed this request head. Made by [`Claim::verify`] only.
///
/// It says nothing about what the key may do, nor that the body is what was signed while [`Payload`] leaves that open.
pub struct Authenticated {
    access_key_id: String,
    scope: Scope,
    kind: Kind,
    signed_at: Timestamp,
    pub(crate) signed_at_text: String,
    verified_at: Timestamp,
    signature: String,
    session_token: Option<String>,
    payload: Payload,
    payload_text: String,
    pub(crate) signing_key: SigningKey,
}

impl Authenticated {
    /// The access key that signed.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Day, Region and service.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Header or presigned.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// When it was signed, by the caller's clock.
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// When it was verified, by the server's.
    pub fn verified_at(&self) -> Timestamp {
        self.verified_at
    }

    /// `s3:signatureAge` in milliseconds.
    pub fn signature_age_ms(&self) -> u64 {
        u64::try_from(self.verified_at.since(self.signed_at).as_millis()).unwrap_or(u64::MAX)
    }

    /// The signature, in hexadecimal; the first of the chain of chunk signatures.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// The session token, not yet checked by anyone.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// How the signature covers the body.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The value of `s3:x-amz-content-sha256`; empty when there was none.
    pub fn content_sha256(&self) -> &str {
        &self.payload_text
    }
}

/// The parts of an `Authorization` header.
struct HeaderAuth<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> HeaderAuth<'a> {
    fn read(text: &'a str) -> Result<HeaderAuth<'a>, AuthFault> {
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        if scheme != ALGORITHM {
            return Err(AuthFault::UnsupportedAlgorithm {
                scheme: scheme.to_owned(),
                in_query: false,
            });
        }
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in rest.split(',').map(str::trim) {
            let (slot, value) = match part.split_once('=') {
                Some(("Credential", value)) => (&mut credential, value),
                Some(("SignedHeaders", value)) => (&mut signed_headers, value),
                Some(("Signature", value)) => (&mut signature, value),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(malformed(false, Malformed::TwoMechanisms));
            }
        }
        match (credential, signed_headers, signature) {
            (Some(credential), Some(signed_headers), Some(signature)) => Ok(HeaderAuth {
                credential,
                signed_headers,
                signature,
            }),
            (credential, signed_headers, signature) => {
                let parts = [
                    ("Credential", credential),
                    ("Signature", signature),
                    ("SignedHeaders", signed_headers),
                ];
                Err(malformed(false, missing(&parts.map(|(n, v)| (n, v.is_some())))))
            }
        }
    }
}

/// The `X-Amz-…` parameters, as far as they are there.
#[derive(Default)]
struct QueryAuth<'a> {
    algorithm: Option<Cow<'a, str>>,
    credential: Option<Cow<'a, str>>,
    signature: Option<Cow<'a, str>>,
    date: Option<Cow<'a, str>>,
    signed_headers: Option<Cow<'a, str>>,
    expires: Option<Cow<'a, str>>,
    security_token: Option<Cow<'a, str>>,
    content_sha256: Option<Cow<'a, str>>,
}

/// All that a presigned request needs.
struct CompleteQueryAuth<'a> {
    credential: Cow<'a, str>,
    signature: Cow<'a, str>,
    date: Cow<'a, str>,
    signed_headers: Cow<'a, str>,
    expires_s: u32,
    security_token: Option<Cow<'a, str>>,
    content_sha256: Option<Cow<'a, str>>,
}

impl<'a> QueryAuth<'a> {
    /// Reads the parameters; `None` when nothing in the query claims a signature.
    fn read(query: &'a str) -> Result<Option<QueryAuth<'a>>, AuthFault> {
        let mut found = QueryAuth::default();
        let (mut v2_key, mut v2_signature) = (false, false);
        for (name, value) in canonical::raw_pairs(query) {
            let name = canonical::decode_query(name).unwrap_or_default();
            let slot = match name.as_ref() {
                "X-Amz-Algorithm" => &mut found.algorithm,
                "X-Amz-Credential" => &mut found.credential,
                "X-Amz-Signature" => &mut found.signature,
                "X-Amz-Date" => &mut found.date,
                "X-Amz-SignedHeaders" => &mut found.signed_headers,
                "X-Amz-Expires" => &mut found.expires,
                "X-Amz-Security-Token" => &mut found.security_token,
                "X-Amz-Content-Sha256" => &mut found.content_sha256,
                other => {
                    v2_key |= other == "AWSAccessKeyId";
                    v2_signature |= other == "Signature";
                    continue;
                }
            };
            if slot
                .replace(canonical::decode_query(value).unwrap_or_default())
                .is_some()
            {
                return Err(malformed(true, Malformed::TwoMechanisms));
            }
        }
        if found.algorithm.is_some() || found.credential.is_some() || found.signature.is_some() {
            return Ok(Some(found));
        }
        if v2_key && v2_signature {
            return Err(AuthFault::UnsupportedAlgorithm {
                scheme: "AWS".to_owned(),
                in_query: true,
            });
        }
        Ok(None)
    }

    fn complete(self) -> Result<CompleteQueryAuth<'a>, AuthFault> {
        let there = [
            ("X-Amz-Algorithm", self.algorithm.is_some()),
            ("X-Amz-Credential", self.credential.is_some()),
            ("X-Amz-Signature", self.signature.is_some()),
            ("X-Amz-SignedHeaders", self.signed_headers.is_some()),
            ("X-Amz-Date", self.date.is_some()),
            ("X-Amz-Expires", self.expires.is_some()),
        ];
        let (Some(algorithm), Some(credential), Some(signature), Some(signed_headers), Some(date), Some(expires)) = (
            self.algorithm,
            self.credential,
            self.signature,
            self.signed_headers,
            self.date,
            self.expires,
        ) else {
            return Err(malformed(true, missing(&there)));
        };
        if algorithm != ALGORITHM {
            return Err(AuthFault::UnsupportedAlgorithm {
                scheme: algorithm.into_owned(),
                in_query: true,
            });
        }
        let parsed = expires.parse().ok().filter(|s| (1..=EXPIRES_MAX_S).contains(s));
        let expires_s = parsed.ok_or_else(|| {
            malformed(
                true,
                Malformed::Expires {
                    got: expires.into_owned(),
                },
            )
        })?;
        Ok(CompleteQueryAuth {
            credential,
            signature,
            date,
            signed_headers,
            expires_s,
            security_token: self.security_token,
            content_sha256: self.content_sha256,
        })
    }
}

fn malformed(in_query: bool, what: Malformed) -> AuthFault {
    match in_query {
        true => AuthFault::MalformedQuery { what },
        false => AuthFault::MalformedHeader { what },
    }
}

fn missing(parts: &[(&'static str, bool)]) -> Malformed {
    Malformed::Components {
        missing: parts
            .iter()
            .filter(|(_, there)| !there)
            .map(|(name, _)| *name)
            .collect(),
    }
}

fn is_listed(signed_headers: &str, name: &str) -> bool {
    signed_headers.split(';').any(|signed| signed == name)
}

/// `AKID/yyyymmdd/region/service/aws4_request`
fn parse_credential(text: &str, in_query: bool) -> Result<(String, Scope), AuthFault> {
    let mut parts = text.split('/');
    let mut next = || {
        parts
            .next()
            .filter(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_graphic()))
    };
    let (Some(id), Some(date), Some(region), Some(service), Some(end), None) =
        (next(), next(), next(), next(), next(), parts.next())
    else {
        return Err(malformed(in_query, Malformed::Credential { got: text.to_owned() }));
    };
    if end != TERMINATOR {
        return Err(malformed(in_query, Malformed::Terminator { got: end.to_owned() }));
    }
    let scope = Scope {
        date: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
    };
    Ok((id.to_owned(), scope))
}

/// The request's time, and as the string to sign writes it: `X-Amz-Date`, else `Date`.
fn header_time<'a>(head: &RequestHead<'a>) -> Result<(Timestamp, Cow<'a, str>), AuthFault> {
    let fault = |got: &str| malformed(false, Malformed::Date { got: got.to_owned() });
    if let Some(text) = head.header("x-amz-date") {
        let time = Timestamp::parse_compact(text).ok_or_else(|| fault(text))?;
        return Ok((time, Cow::Borrowed(text)));
    }
    let text = head.header("date").unwrap_or_default();
    if let Some(time) = Timestamp::parse_compact(text) {
        return Ok((time, Cow::Borrowed(text)));
    }
    let time = Timestamp::parse_http(text).ok_or_else(|| fault(text))?;
    Ok((time, Cow::Owned(time.compact())))
}

fn check_scope_date(scope: &Scope, request_time: &str, in_query: bool) -> Result<(), AuthFault> {
    let date = request_time.get(..8).unwrap_or_default();
    if scope.date == date {
        return Ok(());
    }
    Err(malformed(
        in_query,
        Malformed::DateMismatch {
            scope: scope.date.clone(),
            request: date.to_owned(),
        },
    ))
}

/// What the value of `x-amz-content-sha256` means. Services other than S3 sign the body's own hash whatever it says.
fn parse_payload(head: &RequestHead<'_>, is_s3: bool, declared: Option<&str>) -> Result<Payload, AuthFault> {
    let Some(value) = declared.filter(|_| is_s3) else {
        return Ok(Payload::NotDeclared);
    };
    match value {
        UNSIGNED_PAYLOAD => Ok(Payload::Unsigned),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => chunked(head, true, false),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => chunked(head, true, true),
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => chunked(head, false, true),
        other => {
            let mut hash = [0; 32];
            match hex::decode_to_slice(other, &mut hash) {
                Ok(()) => Ok(Payload::Hash(hash)),
                Err(_) => Err(AuthFault::UnsupportedPayload {
                    value: other.to_owned(),
                }),
            }
        }
    }
}

fn chunked(head: &RequestHead<'_>, signed: bool, with_trailer: bool) -> Result<Payload, AuthFault> {
    let length = head.header("x-amz-decoded-content-length").unwrap_or_default();
    let is_number = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    let decoded_length = length.parse().ok().filter(|_| is_number);
    let trailer = match head.headers.get("x-amz-trailer") {
        Some(value) if with_trailer => Some(parse_trailer_name(value)?),
        None if with_trailer && signed => {
            return Err(AuthFault::UnsupportedTrailer { value: String::new() });
        }
        _ => None,
    };
    Ok(Payload::Chunked {
        signed,
        trailer,
        decoded_length: decoded_length.ok_or(AuthFault::MissingDecodedLength)?,
    })
}

fn parse_trailer_name(value: &http::HeaderValue) -> Result<String, AuthFault> {
    let name = String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase();
    match name.strip_prefix("x-amz-checksum-") {
        Some(rest) if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric()) => Ok(name),
        _ => Err(AuthFault::UnsupportedTrailer { value: name }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const EMPTY: &str = canonical::EMPTY_SHA256;

    /// A request as data: method, target, headers.
    struct Request {
        method: Method,
        path: String,
        query: String,
        headers: HeaderMap,
    }

    impl Request {
        fn new(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
                map.append(name, value.parse().unwrap());
            }
            Request {
                method: method.parse().unwrap(),
                path: path.to_owned(),
                query: query.to_owned(),
                headers: map,
            }
        }

        fn head(&self) -> RequestHead<'_> {
            RequestHead {
                method: &self.method,
                path: &self.path,
                query: &self.query,
                headers: &self.headers,
                host_authority: None,
            }
        }

        fn verify(&self, secret: &str, now: Timestamp, body: Option<&[u8]>) -> Result<Authenticated, AuthFault> {
            let claim = Claim::parse(&self.head())?.ok_or(AuthFault::Missing)?;
            let body = body.map(canonical::sha256);
            claim.verify(&Secret::new(secret.to_owned()), &SigningKeys::new(), now, body.as_ref())
        }
    }

    /// An `Authorization` header as AWS's examples write it.
    fn authorization(scope: &str, names: &str, signature: &str) -> String {
        format!("AWS4-HMAC-SHA256 Credential={scope}/aws4_request,SignedHeaders={names},Signature={signature}")
    }

    fn at(time: &str) -> Timestamp {
        Timestamp::parse_compact(time).unwrap()
    }

    /// Signed at `time` with the example secret: verifies, and with another secret does not.
    fn check(label: &str, request: &Request, time: &str, body: Option<&[u8]>) {
        let shown = request.verify(SECRET, at(time), body);
        if let Err(AuthFault::BadSignature(mismatch)) = &shown {
            panic!("{label}: {}\n{}", mismatch.canonical_request, mismatch.string_to_sign);
        }
        assert!(shown.is_ok(), "{label}: {:?}", shown.err());
        let other = request.verify("other", at(time), body);
        assert!(matches!(other, Err(AuthFault::BadSignature(_))), "{label}");
    }

    /// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html> (examples)
    #[test]
    fn the_examples_of_the_s3_reference_verify() {
        const TIME: &str = "20130524T000000Z";
        const HOST: (&str, &str) = ("host", "examplebucket.s3.amazonaws.com");
        const DATE: (&str, &str) = ("x-amz-date", TIME);
        let scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3";
        let empty = ("x-amz-content-sha256", EMPTY);
        let plain = "host;x-amz-content-sha256;x-amz-date";
        let put = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
        for (label, method, target, headers, names, signature, body) in [
            (
                "get object",
                "GET",
                "/test.txt",
                vec![HOST, DATE, empty, ("range", "bytes=0-9")],
                "host;range;x-amz-content-sha256;x-amz-date",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
                "",
            ),
            (
                "put object",
                "PUT",
                "/test$file.text",
                vec![
                    HOST,
                    DATE,
                    ("x-amz-content-sha256", put),
                    ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ],
                "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
                "Welcome to Amazon S3.",
            ),
            (
                "get bucket lifecycle",
                "GET",
                "/?lifecycle",
                vec![HOST, DATE, empty],
                plain,
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
                "",
            ),
            (
                "list objects",
                "GET",
                "/?max-keys=2&prefix=J",
                vec![HOST, DATE, empty],
                plain,
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
                "",
            ),
        ] {
            let mut request = Request::new(method, target, &headers);
            let value = authorization(scope, names, signature);
            request.headers.insert("authorization", value.parse().unwrap());
            check(label, &request, TIME, Some(body.as_bytes()));
        }
    }

    const PRESIGNED: &str = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524\
                             %2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-\
                             SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751\
                             f604d404";

    /// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html> (example)
    #[test]
    fn the_presigned_example_verifies_for_its_time() {
        let request = Request::new("GET", PRESIGNED, &[("host", "examplebucket.s3.amazonaws.com")]);
        check("presigned", &request, "20130524T000000Z", None);
        for (time, ok) in [
            ("20130525T000000Z", true),
            ("20130525T000001Z", false),
            ("20130523T234500Z", true),
            ("20130523T234459Z", false),
        ] {
            assert_eq!(request.verify(SECRET, at(time), None).is_ok(), ok, "{time}");
        }
        let proof = request.verify(SECRET, at("20130524T000010Z"), None).unwrap();
        assert_eq!(proof.kind(), Kind::Presigned { expires_s: 86400 });
        assert_eq!(
            (proof.payload(), proof.signature_age_ms()),
            (&Payload::Unsigned, 10_000)
        );
    }

    /// Of AWS's general test suite for Signature Version 4.
    #[test]
    fn the_general_test_suite_verifies() {
        const TIME: &str = "20150830T123600Z";
        for (target, signature) in [
            ("/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
        ] {
            let scope = "AKIDEXAMPLE/20150830/us-east-1/service";
            let value = authorization(scope, "host;x-amz-date", signature);
            let headers = [
                ("host", "example.amazonaws.com"),
                ("x-amz-date", TIME),
                ("authorization", value.as_str()),
            ];
            let request = Request::new("GET", target, &headers);
            let proof = request.verify("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", at(TIME), Some(b""));
            assert!(proof.is_ok(), "{target}");
        }
    }

    /// Made with botocore 1.43 at 2024-02-29T23:59:58Z.
    #[test]
    fn what_botocore_signs_verifies() {
        const TIME: &str = "20240229T235958Z";
        const DATE: (&str, &str) = ("x-amz-date", TIME);
        const TOKEN: (&str, &str) = ("x-amz-security-token", "FwoGZXIvYXdzEBc//token+with/chars==");
        let long = |scope: &str| format!("AKIAIOSFODNN7EXAMPLE/20240229/{scope}");
        let session = |scope: &str| format!("ASIAIOSFODNN7EXAMPLE/20240229/{scope}");
        type Row<'a> = (
            &'a str,
            &'a str,
            Vec<(&'a str, &'a str)>,
            String,
            &'a str,
            &'a str,
            &'a [u8],
        );
        let rows: Vec<Row<'_>> = vec![
            (
                "POST",
                "/",
                vec![
                    ("host", "kms.eu-central-1.amazonaws.com"),
                    DATE,
                    ("x-amz-target", "TrentService.GenerateDataKey"),
                    ("content-type", "application/x-amz-json-1.1"),
                ],
                long("eu-central-1/kms"),
                "content-type;host;x-amz-date;x-amz-target",
                "e186dd08d8c67ca46c49b5b6d5c0c557c11882b3032298d2af92afe76471b83f",
                br#"{"KeyId":"alias/a","KeySpec":"AES_256"}"#,
            ),
            (
                "POST",
                "/",
                vec![
                    ("host", "sts.amazonaws.com"),
                    DATE,
                    TOKEN,
                    ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                ],
                session("us-east-1/sts"),
                "content-type;host;x-amz-date;x-amz-security-token",
                "ddd01fda6da521ac274ee7380181582df75ced38fbfd5cdd5446545f7dcb1dd9",
                b"Action=GetCallerIdentity&Version=2011-06-15",
            ),
            (
                "PUT",
                "/my-bucket/a%20b/%E8%A8%BC%E8%B7%A1%2B~%28x%29//y",
                vec![
                    ("host", "localhost:9000"),
                    DATE,
                    TOKEN,
                    ("x-amz-server-side-encryption", "aws:kms"),
                    ("x-amz-meta-a", "  two   words "),
                    ("content-md5", "XrY7u+Ae7tCTyyK7j1rNww=="),
                    (
                        "x-amz-content-sha256",
                        "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
                    ),
                ],
                session("ap-northeast-1/s3"),
                "content-md5;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-security-token;\
                 x-amz-server-side-encryption",
                "4e1e39b0fedb2f134ba29b0b44847b4b1e0785a0bb0c3663381fa87724fed2cf",
                b"hello world",
            ),
            (
                "GET",
                "/my-bucket?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&encoding-type=url&prefix2=",
                vec![("host", "localhost:9000"), DATE, ("x-amz-content-sha256", EMPTY)],
                long("us-east-1/s3"),
                "host;x-amz-content-sha256;x-amz-date",
                "5c4e7c73e4311aa8f3d4ddd040ae6e9c5d6d0a8a3fd0c6c018c5d3a22fee2f78",
                b"",
            ),
            (
                "GET",
                "/a%20b/../c//d%2Fe/?q=1&p=~",
                vec![("host", "x.example.com"), DATE],
                long("us-east-1/execute-api"),
                "host;x-amz-date",
                "947ecc94af9892cde7743b377ca9721f3fd9037c4a7f6b4a8031bd636850033b",
                b"",
            ),
            (
                "PUT",
                "/k",
                vec![
                    ("host", "b.s3.us-west-2.amazonaws.com"),
                    DATE,
                    ("x-amz-trailer", "x-amz-checksum-crc32"),
                    ("x-amz-decoded-content-length", "11"),
                    ("content-encoding", "aws-chunked"),
                    ("transfer-encoding", "chunked"),
                    ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
                ],
                long("us-west-2/s3"),
                "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-trailer",
                "3decc67c0b13cbde1704afaacfcb497c085d8356539b83b798430f02967648ec",
                b"",
            ),
        ];
        for (method, target, headers, scope, names, signature, body) in rows {
            let mut request = Request::new(method, target, &headers);
            let value = authorization(&scope, names, signature);
            request.headers.insert("authorization", value.parse().unwrap());
            check(target, &request, TIME, Some(body));
        }
    }

    /// Made with botocore 1.43.
    #[test]
    fn what_botocore_presigns_verifies() {
        let s3 = "/a%20b/%E8%A8%BC?response-content-type=text%2Fplain&versionId=3&X-Amz-Algorithm=AWS4-HMAC-SHA256&\
                  X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20240229%2Fus-east-1%2Fs3%2Faws4_request&\
                  X-Amz-Date=20240229T235958Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&\
                  X-Amz-Security-Token=FwoGZXIvYXdzEBc%2F%2Ftoken%2Bwith%2Fchars%3D%3D&\
                  X-Amz-Signature=8cc89eeb0218125e8fccb2dc7bebb85d464809445c44d052725f20e4385f6914";
        let sts = "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&\
                   X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20240229%2Fus-east-1%2Fsts%2Faws4_request&\
                   X-Amz-Date=20240229T235958Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&\
                   X-Amz-Signature=0dc6a893e625f387334a3787ad04ad2aa3ffffba7bbbaf34b7a2aaaebaf2c1f0";
        let request = Request::new("GET", s3, &[("host", "my-bucket.s3.amazonaws.com")]);
        check("s3", &request, "20240301T000158Z", None);
        let proof = request.verify(SECRET, at("20240301T000158Z"), None).unwrap();
        assert_eq!(proof.session_token(), Some("FwoGZXIvYXdzEBc//token+with/chars=="));
        let headers = [("host", "sts.us-east-1.amazonaws.com"), ("x-k8s-aws-id", "c1")];
        check(
            "sts",
            &Request::new("GET", sts, &headers),
            "20240301T000010Z",
            Some(b""),
        );
    }

    fn good_header() -> String {
        authorization("AKIA/20240101/us-east-1/kms", "host;x-amz-date", &"0".repeat(64))
    }

    fn fault_of(headers: &[(&str, &str)], target: &str) -> AuthFault {
        let request = Request::new("GET", target, headers);
        match Claim::parse(&request.head()) {
            Ok(claim) => panic!("{target} {headers:?}: parsed, {}", claim.is_some()),
            Err(fault) => fault,
        }
    }

    #[test]
    fn malformed_headers_are_told_apart() {
        let good = good_header();
        let rows: Vec<(String, AuthFault)> = vec![
            (
                good.replace("Signature=", "Sig="),
                malformed(
                    false,
                    Malformed::Components {
                        missing: vec!["Signature"],
                    },
                ),
            ),
            (
                good.replace("/kms/", "/kms/x/"),
                malformed(
                    false,
                    Malformed::Credential {
                        got: "AKIA/20240101/us-east-1/kms/x/aws4_request".to_owned(),
                    },
                ),
            ),
            (
                good.replace("aws4_request", "aws5_request"),
                malformed(
                    false,
                    Malformed::Terminator {
                        got: "aws5_request".to_owned(),
                    },
                ),
            ),
            (
                good.replace("/20240101/", "/20240102/"),
                malformed(
                    false,
                    Malformed::DateMismatch {
                        scope: "20240102".to_owned(),
                        request: "20240101".to_owned(),
                    },
                ),
            ),
            (good.replace("host;", ""), malformed(false, Malformed::Host)),
            (
                good.replace("x-amz-date", "date"),
                AuthFault::UnsignedHeader {
                    name: "x-amz-date".to_owned(),
                },
            ),
            (good.replace("/kms/", "/s3/"), AuthFault::MissingContentSha256),
            (
                "AWS AKIA:abc=".to_owned(),
                AuthFault::UnsupportedAlgorithm {
                    scheme: "AWS".to_owned(),
                    in_query: false,
                },
            ),
            (
                good.replace("HMAC-SHA256", "ECDSA-P256-SHA256"),
                AuthFault::UnsupportedAlgorithm {
                    scheme: "AWS4-ECDSA-P256-SHA256".to_owned(),
                    in_query: false,
                },
            ),
        ];
        for (value, want) in rows {
            let headers = [
                ("host", "h"),
                ("x-amz-date", "20240101T000000Z"),
                ("authorization", &value),
            ];
            assert_eq!(fault_of(&headers, "/"), want, "{value}");
        }
        let no_date = [("host", "h"), ("authorization", good.as_str())];
        assert_eq!(
            fault_of(&no_date, "/"),
            malformed(false, Malformed::Date { got: String::new() })
        );
        let both = [("host", "h"), ("authorization", good.as_str())];
        assert_eq!(fault_of(&both, PRESIGNED), malformed(false, Malformed::TwoMechanisms));
    }

    #[test]
    fn malformed_queries_are_told_apart() {
        let expires = |got: &str| malformed(true, Malformed::Expires { got: got.to_owned() });
        for (from, to, want) in [
            ("=86400", "=0", expires("0")),
            ("=86400", "=604801", expires("604801")),
            ("=86400", "=-1", expires("-1")),
            ("=86400", "=x", expires("x")),
            (
                "&X-Amz-Expires=86400",
                "",
                malformed(
                    true,
                    Malformed::Components {
                        missing: vec!["X-Amz-Expires"],
                    },
                ),
            ),
            (
                "T000000Z",
                "",
                malformed(
                    true,
                    Malformed::Date {
                        got: "20130524".to_owned(),
                    },
                ),
            ),
            ("=host", "=range", malformed(true, Malformed::Host)),
            (
                "AWS4-HMAC-SHA256",
                "x",
                AuthFault::UnsupportedAlgorithm {
                    scheme: "x".to_owned(),
                    in_query: true,
                },
            ),
            ("=host", "=host&X-Amz-Date=x", malformed(true, Malformed::TwoMechanisms)),
        ] {
            assert_eq!(fault_of(&[("host", "h")], &PRESIGNED.replace(from, to)), want, "{to}");
        }
        assert_eq!(
            fault_of(&[("host", "h"), ("x-amz-acl", "public-read")], PRESIGNED),
            AuthFault::UnsignedHeader {
                name: "x-amz-acl".to_owned()
            }
        );
    }

    #[test]
    fn unsigned_requests_claim_nothing() {
        for target in ["/", "/b/k?versionId=3", "/?Signature=x", "/?a=X-Amz-Signature"] {
            let request = Request::new("GET", target, &[("host", "h")]);
            assert!(Claim::parse(&request.head()).unwrap().is_none(), "{target}");
        }
    }

    #[test]
    fn the_skew_is_five_minutes_for_json_services_and_fifteen_for_others() {
        let verify = |target: Option<&str>, seconds: i64| {
            let mut headers = vec![("host", "h"), ("x-amz-date", "20240101T001500Z")];
            headers.extend(target.map(|t| ("x-amz-target", t)));
            let mut value = good_header();
            if target.is_some() {
                value = value.replace("x-amz-date", "x-amz-date;x-amz-target");
            }
            headers.push(("authorization", &value));
            let now = Timestamp::from_secs(at("20240101T001500Z").as_secs() + seconds);
            Request::new("POST", "/", &headers).verify(SECRET, now, Some(b"")).err()
        };
        for (target, seconds, skewed) in [
            (None, 900, false),
            (None, 901, true),
            (None, -900, false),
            (None, -901, true),
            (Some("T.X"), 300, false),
            (Some("T.X"), 301, true),
            (Some("T.X"), -301, true),
        ] {
            let fault = verify(target, seconds);
            assert_eq!(
                matches!(fault, Some(AuthFault::Skewed { .. })),
                skewed,
                "{target:?} {seconds}"
            );
            assert_eq!(
                matches!(fault, Some(AuthFault::BadSignature(_))),
                !skewed,
                "{target:?} {seconds}"
            );
        }
    }

    #[test]
    fn http2_signs_the_authority_and_two_hosts_must_agree() {
        let request = Request::new("GET", PRESIGNED, &[]);
        let mut head = request.head();
        head.host_authority = Some("examplebucket.s3.amazonaws.com");
        let claim = Claim::parse(&head).unwrap().unwrap();
        let secret = Secret::new(SECRET.to_owned());
        assert!(
            claim
                .verify(&secret, &SigningKeys::new(), at("20130524T000000Z"), None)
                .is_ok()
        );
        let request = Request::new("GET", PRESIGNED, &[("host", "other")]);
        let head = RequestHead {
            headers: &request.headers,
            ..head
        };
        assert!(Claim::parse(&head).is_err());
    }

    #[test]
    fn what_waits_for_a_body_can_change_threads() {
        fn is_send<T: Send>() {}
        is_send::<Claim<'_>>();
        is_send::<Authenticated>();
        is_send::<crate::ChunkDecoder>();
        is_send::<crate::BodyHasher>();
        is_send::<crate::checksum::Checksum>();
        fn is_sync<T: Sync>() {}
        is_sync::<Authenticated>();
        is_sync::<SigningKeys>();
    }

    #[test]
    fn a_json_body_must_be_hashed() {
        let headers = [
            ("host", "h"),
            ("x-amz-date", "20240101T000000Z"),
            ("authorization", &good_header()),
        ];
        let request = Request::new("POST", "/", &headers);
        let fault = request.verify(SECRET, at("20240101T000000Z"), None).err();
        assert_eq!(fault, Some(AuthFault::BodyNotHashed));
    }

    proptest! {
        #[test]
        fn no_input_panics(
            path in ".{0,40}",
            query in "(X-Amz-(Algorithm|Credential|Signature|Date|Expires|SignedHeaders)=[ -~]{0,20}&|[%a-zA-Z0-9=&+/]{0,20}&?){0,9}",
            authorization in "(AWS4-HMAC-SHA256 )?((Credential|SignedHeaders|Signature)=[ -~]{0,30},? ?){0,4}",
            date in "([0-9]{8}T[0-9]{6}Z|[ -~]{0,20})",
            payload in "(STREAMING-[A-Z0-9-]{0,30}|[0-9a-f]{60,68}|UNSIGNED-PAYLOAD)",
            in_header: bool,
        ) {
            let mut headers = vec![("host", "h"), ("x-amz-date", date.as_str()), ("x-amz-content-sha256", &payload)];
            if in_header {
                headers.push(("authorization", &authorization));
            }
            let mut request = Request::new("GET", "/", &headers);
            (request.path, request.query) = (path, query);
            if let Ok(Some(claim)) = Claim::parse(&request.head()) {
                let now = claim.request_time();
                let proof = claim.verify(&Secret::new("s".to_owned()), &SigningKeys::new(), now, Some(&[0; 32]));
                prop_assert!(proof.is_err());
            }
        }

        #[test]
        fn a_changed_example_does_not_verify(at_byte in 0usize..PRESIGNED.len(), to in "[!-~]") {
            let mut target = PRESIGNED.to_owned();
            target.replace_range(at_byte..=at_byte, &to);
            prop_assume!(target != PRESIGNED && target.starts_with('/'));
            let request = Request::new("GET", &target, &[("host", "examplebucket.s3.amazonaws.com")]);
            let same = |t: &str| t.replace("%2f", "%2F");
            let proof = request.verify(SECRET, at("20130524T000000Z"), None);
            prop_assert!(proof.is_err() || same(&target) == PRESIGNED);
        }
    }
}

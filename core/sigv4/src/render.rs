//! AWS's answers to failed authentication: code, text, status and XML elements, per protocol family.

use crate::{AuthFault, Malformed, SignatureMismatch, Skew};
use base::Timestamp;
use http::StatusCode;
use std::{borrow::Cow, time::Duration};

/// Which AWS dialect answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// S3: XML, with elements for the details.
    S3,
    /// The JSON services (KMS, CloudTrail, Logs): 400 for everything.
    Json,
    /// The Query services (IAM, STS, SNS, EC2, CloudFormation): mostly 403.
    Query,
}

/// An AWS error: what the client sees of an [`AuthFault`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthError {
    /// The error code.
    pub code: &'static str,
    /// The text.
    pub message: Cow<'static, str>,
    /// The HTTP status.
    pub status: StatusCode,
    /// Further elements of S3's XML, in order; empty for the others.
    pub elements: Vec<(&'static str, String)>,
}

impl AuthError {
    fn new(code: &'static str, message: impl Into<Cow<'static, str>>, status: StatusCode) -> AuthError {
        AuthError {
            code,
            message: message.into(),
            status,
            elements: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> AuthError {
        self.elements.push((name, value.into()));
        self
    }
}

/// What the service answers to `fault`.
pub fn render(fault: &AuthFault, family: Family) -> AuthError {
    match family {
        Family::S3 => s3(fault),
        Family::Json | Family::Query => service(fault, family),
    }
}

const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;

const S3_SIGNATURE: &str = "The request signature we calculated does not match the signature you provided. Check your \
                            key and signing method.";
const SIGNATURE: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                         Secret Access Key and signing method. Consult the service documentation for details.";
const S3_CONTENT_SHA256: &str = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                                 STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, \
                                 STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, \
                                 STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.";
const S3_QUERY_PARAMETERS: &str = "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                                   X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and \
                                   X-Amz-Expires parameters.";
const CREDENTIAL_FORM: &str = "the Credential is mal-formed; expecting \
                               \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
const TOKEN_INVALID: &str = "The security token included in the request is invalid.";

fn s3(fault: &AuthFault) -> AuthError {
    use AuthFault as F;
    match fault {
        F::BadSignature(mismatch) => s3_bad_signature(mismatch),
        F::BodyNotHashed => internal(),
        F::ChunkTooSmall { .. }
        | F::ChunkTooLarge { .. }
        | F::IncompleteBody
        | F::MalformedChunk
        | F::MalformedTrailer
        | F::MissingContentSha256
        | F::MissingDecodedLength
        | F::PayloadHashMismatch { .. }
        | F::UnsupportedPayload { .. }
        | F::UnsupportedTrailer { .. } => s3_body(fault),
        F::Expired { .. } | F::NotYetValid { .. } | F::Skewed { .. } => s3_time(fault),
        F::ExpiredToken => AuthError::new("ExpiredToken", "The provided token has expired.", BAD_REQUEST),
        F::InvalidToken => AuthError::new(
            "InvalidToken",
            "The provided token is malformed or otherwise invalid.",
            BAD_REQUEST,
        ),
        F::MalformedHeader { what } => s3_header(what),
        F::MalformedQuery { what } => s3_query(what),
        F::Missing => AuthError::new("AccessDenied", "Access Denied", FORBIDDEN),
        F::UnknownKey { access_key_id } => AuthError::new(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            FORBIDDEN,
        )
        .with("AWSAccessKeyId", access_key_id),
        F::UnsignedHeader { name } => not_signed(name),
        F::UnsupportedAlgorithm { scheme, in_query } => s3_algorithm(scheme, *in_query),
        F::WrongRegion { .. } | F::WrongService { .. } => s3_scope(fault),
    }
}

fn not_signed(name: &str) -> AuthError {
    AuthError::new(
        "AccessDenied",
        "There were headers present in the request which were not signed",
        FORBIDDEN,
    )
    .with("HeadersNotSigned", name)
}

/// What is wrong with the body or with what the head says of it.
fn s3_body(fault: &AuthFault) -> AuthError {
    use AuthFault as F;
    match fault {
        F::ChunkTooSmall { .. } => AuthError::new(
            "InvalidChunkSizeError",
            "Only the last chunk is allowed to have a size less than 8192 bytes",
            FORBIDDEN,
        ),
        F::IncompleteBody => AuthError::new(
            "IncompleteBody",
            "The request body terminated unexpectedly",
            BAD_REQUEST,
        ),
        F::MalformedTrailer => AuthError::new(
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
            BAD_REQUEST,
        ),
        F::MissingContentSha256 => AuthError::new(
            "InvalidRequest",
            "Missing required header for this request: x-amz-content-sha256",
            BAD_REQUEST,
        ),
        F::MissingDecodedLength => AuthError::new(
            "MissingContentLength",
            "You must provide the Content-Length HTTP header.",
            StatusCode::LENGTH_REQUIRED,
        ),
        F::PayloadHashMismatch { claimed, computed } => AuthError::new(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            BAD_REQUEST,
        )
        .with("ClientComputedContentSHA256", claimed)
        .with("S3ComputedContentSHA256", computed),
        F::UnsupportedPayload { value } => invalid_argument(S3_CONTENT_SHA256, "x-amz-content-sha256", value),
        F::UnsupportedTrailer { .. } => AuthError::new(
            "InvalidRequest",
            "The value specified in the x-amz-trailer header is not supported",
            BAD_REQUEST,
        ),
        _ => AuthError::new(
            "InvalidRequest",
            "The aws-chunked encoding of the request body is not well-formed.",
            BAD_REQUEST,
        ),
    }
}

fn internal() -> AuthError {
    AuthError::new(
        "InternalError",
        "We encountered an internal error. Please try again.",
        StatusCode::INTERNAL_SERVER_ERROR,
    )
}

fn invalid_argument(message: &'static str, name: &str, value: &str) -> AuthError {
    AuthError::new("InvalidArgument", message, BAD_REQUEST)
        .with("ArgumentName", name)
        .with("ArgumentValue", value)
}

fn s3_bad_signature(mismatch: &SignatureMismatch) -> AuthError {
    let error = AuthError::new("SignatureDoesNotMatch", S3_SIGNATURE, FORBIDDEN)
        .with("AWSAccessKeyId", &mismatch.access_key_id)
        .with("StringToSign", &mismatch.string_to_sign)
        .with("SignatureProvided", &mismatch.signature_provided)
        .with("StringToSignBytes", spaced_hex(&mismatch.string_to_sign));
    if mismatch.canonical_request.is_empty() {
        return error;
    }
    error
        .with("CanonicalRequest", &mismatch.canonical_request)
        .with("CanonicalRequestBytes", spaced_hex(&mismatch.canonical_request))
}

fn spaced_hex(text: &str) -> String {
    let pairs: Vec<String> = text.bytes().map(|b| format!("{b:02x}")).collect();
    pairs.join(" ")
}

fn s3_time(fault: &AuthFault) -> AuthError {
    match fault {
        AuthFault::Expired {
            request_time,
            expires_s,
            server_time,
        } => AuthError::new("AccessDenied", "Request has expired", FORBIDDEN)
            .with("X-Amz-Expires", expires_s.to_string())
            .with("Expires", later(*request_time, *expires_s).iso8601())
            .with("ServerTime", server_time.iso8601()),
        AuthFault::Skewed {
            request_time,
            server_time,
            skew_max_s,
            ..
        } => AuthError::new(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            FORBIDDEN,
        )
        .with("RequestTime", request_time.compact())
        .with("ServerTime", server_time.iso8601())
        .with(
            "MaxAllowedSkewMilliseconds",
            (u64::from(*skew_max_s) * 1000).to_string(),
        ),
        _ => AuthError::new("AccessDenied", "Request is not valid yet", FORBIDDEN),
    }
}

fn later(time: Timestamp, seconds: u32) -> Timestamp {
    time.plus(Duration::from_secs(u64::from(seconds)))
}

fn s3_algorithm(scheme: &str, in_query: bool) -> AuthError {
    match scheme {
        // SigV2 and SigV4A: schemes of AWS, but not of this endpoint.
        "AWS" | "AWS4-ECDSA-P256-SHA256" => AuthError::new(
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            BAD_REQUEST,
        ),
        _ if in_query => query_parameters("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""),
        other => invalid_argument("Unsupported Authorization Type", "Authorization", other),
    }
}

fn query_parameters(message: impl Into<Cow<'static, str>>) -> AuthError {
    AuthError::new("AuthorizationQueryParametersError", message, BAD_REQUEST)
}

fn header_malformed(detail: &str) -> AuthError {
    AuthError::new(
        "AuthorizationHeaderMalformed",
        format!("The authorization header is malformed; {detail}"),
        BAD_REQUEST,
    )
}

fn s3_scope(fault: &AuthFault) -> AuthError {
    let (detail, region, in_query) = match fault {
        AuthFault::WrongRegion {
            got,
            expected,
            in_query,
        } => (
            format!("the region '{got}' is wrong; expecting '{expected}'"),
            Some(expected),
            *in_query,
        ),
        AuthFault::WrongService {
            got,
            expected,
            in_query,
        } => (
            format!("incorrect service \"{got}\". This endpoint belongs to \"{expected}\"."),
            None,
            *in_query,
        ),
        _ => return internal(),
    };
    let error = match in_query {
        true => query_parameters(format!("Error parsing the X-Amz-Credential parameter; {detail}")),
        false => header_malformed(&detail),
    };
    match region {
        Some(region) => error.with("Region", region),
        None => error,
    }
}

fn s3_header(what: &Malformed) -> AuthError {
    match what {
        Malformed::Components { .. } => header_malformed(
            "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
        ),
        Malformed::Credential { .. } => header_malformed(CREDENTIAL_FORM),
        Malformed::Date { .. } | Malformed::Expires { .. } => AuthError::new(
            "AccessDenied",
            "AWS authentication requires a valid Date or x-amz-date header",
            FORBIDDEN,
        ),
        Malformed::DateMismatch { scope, request } => header_malformed(&format!(
            "Invalid credential date \"{scope}\". This date is not the same as X-Amz-Date: \"{request}\"."
        )),
        Malformed::Host => not_signed("host"),
        Malformed::Terminator { got } => header_malformed(&terminator(got)),
        Malformed::TwoMechanisms => AuthError::new(
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
             parameter or the Authorization header should be specified",
            BAD_REQUEST,
        )
        .with("ArgumentName", "Authorization"),
    }
}

fn terminator(got: &str) -> String {
    format!("incorrect terminator \"{got}\". This endpoint uses \"aws4_request\".")
}

fn s3_query(what: &Malformed) -> AuthError {
    match what {
        Malformed::Components { .. } => query_parameters(S3_QUERY_PARAMETERS),
        Malformed::Credential { .. } => query_parameters(format!(
            "Error parsing the X-Amz-Credential parameter; {CREDENTIAL_FORM}"
        )),
        Malformed::Date { .. } => {
            query_parameters("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
        }
        Malformed::DateMismatch { scope, request } => query_parameters(format!(
            "Error parsing the X-Amz-Credential parameter; Invalid credential date \"{scope}\". This date is not the \
             same as X-Amz-Date: \"{request}\"."
        )),
        Malformed::Expires { got } => query_parameters(expires(got)),
        Malformed::Terminator { got } => query_parameters(format!(
            "Error parsing the X-Amz-Credential parameter; {}",
            terminator(got)
        )),
        Malformed::Host | Malformed::TwoMechanisms => s3_header(what),
    }
}

fn expires(got: &str) -> &'static str {
    match got.strip_prefix('-').unwrap_or(got) {
        digits if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) => {
            "X-Amz-Expires should be a number"
        }
        digits if digits.len() < got.len() || digits.bytes().all(|b| b == b'0') => "X-Amz-Expires must be non-negative",
        _ => {
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds"
        }
    }
}

/// JSON and Query services: the same texts, other codes, 400 or 403.
fn service(fault: &AuthFault, family: Family) -> AuthError {
    use AuthFault as F;
    match fault {
        F::BodyNotHashed => AuthError::new(
            "InternalFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
            StatusCode::INTERNAL_SERVER_ERROR,
        ),
        F::Expired { .. } | F::NotYetValid { .. } | F::Skewed { .. } => bad_signature(family, time_text(fault)),
        F::ExpiredToken => match family {
            Family::Json => AuthError::new(
                "ExpiredTokenException",
                "The security token included in the request is expired",
                BAD_REQUEST,
            ),
            _ => AuthError::new(
                "ExpiredToken",
                "The security token included in the request is expired",
                FORBIDDEN,
            ),
        },
        F::InvalidToken | F::UnknownKey { .. } => AuthError::new(
            pick(family, "UnrecognizedClientException", "InvalidClientTokenId"),
            TOKEN_INVALID,
            pick(family, BAD_REQUEST, FORBIDDEN),
        ),
        F::MalformedHeader { what } | F::MalformedQuery { what } => service_malformed(what, family),
        F::Missing => match family {
            Family::Json => AuthError::new(
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
                BAD_REQUEST,
            ),
            _ => AuthError::new(
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
                FORBIDDEN,
            ),
        },
        F::UnsignedHeader { name } => bad_signature(
            family,
            format!("'{name}' must be a 'SignedHeader' in the AWS Authorization header."),
        ),
        F::UnsupportedAlgorithm { scheme, .. } => {
            incomplete(family, format!("Unsupported AWS 'algorithm': '{scheme}'."))
        }
        F::WrongRegion { got, expected, .. } => bad_signature(
            family,
            format!("Credential should be scoped to a valid region, not '{got}'. Expecting '{expected}'."),
        ),
        F::WrongService { expected, .. } => bad_signature(
            family,
            format!("Credential should be scoped to correct service: '{expected}'."),
        ),
        // These services know neither aws-chunked bodies nor declared hashes: to them it is a signature that fails.
        F::BadSignature(_)
        | F::ChunkTooSmall { .. }
        | F::ChunkTooLarge { .. }
        | F::IncompleteBody
        | F::MalformedChunk
        | F::MalformedTrailer
        | F::MissingContentSha256
        | F::MissingDecodedLength
        | F::PayloadHashMismatch { .. }
        | F::UnsupportedPayload { .. }
        | F::UnsupportedTrailer { .. } => bad_signature(family, SIGNATURE),
    }
}

fn pick<T>(family: Family, json: T, query: T) -> T {
    match family {
        Family::Json => json,
        Family::Query | Family::S3 => query,
    }
}

fn bad_signature(family: Family, message: impl Into<Cow<'static, str>>) -> AuthError {
    AuthError::new(
        pick(family, "InvalidSignatureException", "SignatureDoesNotMatch"),
        message,
        pick(family, BAD_REQUEST, FORBIDDEN),
    )
}

fn incomplete(family: Family, message: String) -> AuthError {
    AuthError::new(
        pick(family, "IncompleteSignatureException", "IncompleteSignature"),
        message,
        BAD_REQUEST,
    )
}

fn time_text(fault: &AuthFault) -> String {
    let late = |request: Timestamp, limit: Timestamp, server: Timestamp, max_s: u32| {
        format!(
            "Signature expired: {} is now earlier than {} ({} - {} min.)",
            request.compact(),
            limit.compact(),
            server.compact(),
            max_s / 60
        )
    };
    let early = |request: Timestamp, server: Timestamp, max_s: u32| {
        format!(
            "Signature not yet current: {} is still later than {} ({} + {} min.)",
            request.compact(),
            later(server, max_s).compact(),
            server.compact(),
            max_s / 60
        )
    };
    match fault {
        AuthFault::Skewed {
            request_time,
            server_time,
            skew,
            skew_max_s,
        } => {
            let limit = server_time.minus(Duration::from_secs(u64::from(*skew_max_s)));
            match skew {
                Skew::Late => late(*request_time, limit, *server_time, *skew_max_s),
                Skew::Early => early(*request_time, *server_time, *skew_max_s),
            }
        }
        AuthFault::Expired {
            request_time,
            expires_s,
            server_time,
        } => {
            let limit = server_time.minus(Duration::from_secs(u64::from(*expires_s)));
            late(*request_time, limit, *server_time, *expires_s)
        }
        AuthFault::NotYetValid {
            request_time,
            server_time,
        } => early(*request_time, *server_time, 15 * 60),
        _ => SIGNATURE.to_owned(),
    }
}

fn service_malformed(what: &Malformed, family: Family) -> AuthError {
    match what {
        Malformed::Components { missing } if missing.iter().any(|name| name.starts_with("X-Amz-")) => {
            let texts: Vec<String> = missing
                .iter()
                .map(|name| format!("AWS query-string parameters must include '{name}'. "))
                .collect();
            incomplete(
                family,
                format!("{}Re-examine the query-string parameters.", texts.concat()),
            )
        }
        Malformed::Components { missing } => {
            let texts: Vec<String> = missing
                .iter()
                .map(|name| format!("Authorization header requires '{name}' parameter."))
                .collect();
            incomplete(family, texts.join(" "))
        }
        Malformed::Credential { got } => incomplete(
            family,
            format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{got}'"
            ),
        ),
        Malformed::Date { got } if got.is_empty() => incomplete(
            family,
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned(),
        ),
        Malformed::Date { got } => incomplete(
            family,
            format!("Date must be in ISO-8601 'basic format'. Got '{got}'. See http://en.wikipedia.org/wiki/ISO_8601"),
        ),
        Malformed::DateMismatch { scope, request } => bad_signature(
            family,
            format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != \
                 '{request}'."
            ),
        ),
        Malformed::Expires { got } => incomplete(family, format!("Invalid value '{got}' for 'X-Amz-Expires'.")),
        Malformed::Host => bad_signature(
            family,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization header.",
        ),
        Malformed::Terminator { got } => bad_signature(
            family,
            format!("Credential should be scoped with a valid terminator: 'aws4_request', not '{got}'."),
        ),
        Malformed::TwoMechanisms => incomplete(
            family,
            "The request must be signed once, in the Authorization header or in the query string.".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_compact(text).unwrap()
    }

    fn skewed() -> AuthFault {
        AuthFault::Skewed {
            request_time: at("20240101T000000Z"),
            server_time: at("20240101T001500Z"),
            skew: Skew::Late,
            skew_max_s: 300,
        }
    }

    #[test]
    fn the_answers_are_awss() {
        use Family::{Json, Query, S3};
        let bad = AuthFault::BadSignature(Box::new(SignatureMismatch {
            access_key_id: "AKIA".to_owned(),
            string_to_sign: "a".to_owned(),
            canonical_request: "b".to_owned(),
            signature_provided: "c".to_owned(),
        }));
        let unknown = AuthFault::UnknownKey {
            access_key_id: "AKIA".to_owned(),
        };
        let region = AuthFault::WrongRegion {
            got: "x".to_owned(),
            expected: "y".to_owned(),
            in_query: false,
        };
        let late =
            "Signature expired: 20240101T000000Z is now earlier than 20240101T001000Z (20240101T001500Z - 5 min.)";
        let hash = AuthFault::PayloadHashMismatch {
            claimed: String::new(),
            computed: String::new(),
        };
        let unclear = "The difference between the request time and the current time is too large.";
        let region_text = "The authorization header is malformed; the region 'x' is wrong; expecting 'y'";
        let expired = "The security token included in the request is expired";
        for (fault, family, code, message, status) in [
            (&bad, S3, "SignatureDoesNotMatch", S3_SIGNATURE, 403),
            (&bad, Json, "InvalidSignatureException", SIGNATURE, 400),
            (&bad, Query, "SignatureDoesNotMatch", SIGNATURE, 403),
            (
                &unknown,
                S3,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
                403,
            ),
            (&unknown, Json, "UnrecognizedClientException", TOKEN_INVALID, 400),
            (&unknown, Query, "InvalidClientTokenId", TOKEN_INVALID, 403),
            (&skewed(), S3, "RequestTimeTooSkewed", unclear, 403),
            (&skewed(), Json, "InvalidSignatureException", late, 400),
            (&skewed(), Query, "SignatureDoesNotMatch", late, 403),
            (
                &AuthFault::ExpiredToken,
                S3,
                "ExpiredToken",
                "The provided token has expired.",
                400,
            ),
            (&AuthFault::ExpiredToken, Json, "ExpiredTokenException", expired, 400),
            (&AuthFault::ExpiredToken, Query, "ExpiredToken", expired, 403),
            (&AuthFault::Missing, S3, "AccessDenied", "Access Denied", 403),
            (
                &AuthFault::Missing,
                Json,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
                400,
            ),
            (
                &AuthFault::Missing,
                Query,
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
                403,
            ),
            (&region, S3, "AuthorizationHeaderMalformed", region_text, 400),
            (
                &hash,
                S3,
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                400,
            ),
            (&hash, Json, "InvalidSignatureException", SIGNATURE, 400),
        ] {
            let error = render(fault, family);
            assert_eq!(
                (error.code, error.message.as_ref(), error.status.as_u16()),
                (code, message, status)
            );
        }
        let names: Vec<&str> = render(&bad, S3).elements.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "AWSAccessKeyId",
                "StringToSign",
                "SignatureProvided",
                "StringToSignBytes",
                "CanonicalRequest",
                "CanonicalRequestBytes"
            ]
        );
        assert_eq!(render(&region, S3).elements, [("Region", "y".to_owned())]);
        assert_eq!(
            render(&skewed(), S3).elements,
            [
                ("RequestTime", "20240101T000000Z".to_owned()),
                ("ServerTime", "2024-01-01T00:15:00Z".to_owned()),
                ("MaxAllowedSkewMilliseconds", "300000".to_owned())
            ]
        );
    }

    #[test]
    fn expiry_texts_say_what_is_wrong() {
        for (got, want) in [
            ("", "number"),
            ("1.5", "number"),
            ("-", "number"),
            ("-5", "non-negative"),
            ("0", "non-negative"),
            ("604801", "less than a week"),
            ("99999999999999999999", "less than a week"),
        ] {
            assert!(expires(got).contains(want), "{got}");
        }
    }
}

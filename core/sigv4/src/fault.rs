//! Every way in which authentication fails, with the data AWS's answers show. The answers themselves are in `render.rs`.

use base::Timestamp;

/// Why a request is not authenticated. Always the caller's doing, except [`AuthFault::BodyNotHashed`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthFault {
    /// The signature is not the one that the secret makes.
    #[error("the signature does not match")]
    BadSignature(Box<SignatureMismatch>),
    /// The server's own mistake: a body that the payload rule needs was not hashed before [`crate::Claim::verify`].
    #[error("the body was not hashed before the signature was verified")]
    BodyNotHashed,
    /// A signed chunk other than the last is smaller than the least size.
    #[error("a chunk other than the last has {size} bytes")]
    ChunkTooSmall {
        /// Its size.
        size: u64,
    },
    /// A signed chunk is larger than the decoder holds in memory.
    #[error("a chunk has {size} bytes")]
    ChunkTooLarge {
        /// Its size.
        size: u64,
    },
    /// A presigned request after its time.
    #[error("the presigned request has expired")]
    Expired {
        /// When it was signed.
        request_time: Timestamp,
        /// For how many seconds it was good.
        expires_s: u32,
        /// Now.
        server_time: Timestamp,
    },
    /// The session's token is past its end. Made by whoever knows the sessions.
    #[error("the session token has expired")]
    ExpiredToken,
    /// The body ended early, or has more bytes than `x-amz-decoded-content-length` says.
    #[error("the body does not have the declared length")]
    IncompleteBody,
    /// The session token is missing, malformed or not of this access key. Made by whoever knows the sessions.
    #[error("the session token is invalid")]
    InvalidToken,
    /// The framing of an aws-chunked body is broken.
    #[error("the aws-chunked framing is malformed")]
    MalformedChunk,
    /// The `Authorization` header, or what must go with it.
    #[error("the Authorization header is malformed: {what:?}")]
    MalformedHeader {
        /// What is wrong with it.
        what: Malformed,
    },
    /// The `X-Amz-…` parameters of a presigned request.
    #[error("the authorization query parameters are malformed: {what:?}")]
    MalformedQuery {
        /// What is wrong with them.
        what: Malformed,
    },
    /// The trailer is not the declared one, is missing, or is one of several.
    #[error("the trailer of the aws-chunked body is malformed")]
    MalformedTrailer,
    /// No signature where one is needed. Made by the caller, who knows whether anonymous calls are allowed.
    #[error("the request is not signed")]
    Missing,
    /// S3 needs `x-amz-content-sha256`.
    #[error("x-amz-content-sha256 is missing")]
    MissingContentSha256,
    /// A chunked body needs `x-amz-decoded-content-length`.
    #[error("x-amz-decoded-content-length is missing or not a number")]
    MissingDecodedLength,
    /// A presigned request before its time.
    #[error("the presigned request is not valid yet")]
    NotYetValid {
        /// When it says it was signed.
        request_time: Timestamp,
        /// Now.
        server_time: Timestamp,
    },
    /// The body does not have the hash that was signed.
    #[error("the body does not have the signed hash")]
    PayloadHashMismatch {
        /// The hash that was signed, in hexadecimal.
        claimed: String,
        /// The hash of what came, in hexadecimal.
        computed: String,
    },
    /// The request was signed too long ago, or in the future.
    #[error("the request time is too far from the server's")]
    Skewed {
        /// When it says it was signed.
        request_time: Timestamp,
        /// Now.
        server_time: Timestamp,
        /// Which way.
        skew: Skew,
        /// How far would have been accepted.
        skew_max_s: u32,
    },
    /// An access key id that is not ours. Made by whoever knows the keys.
    #[error("the access key id is not known")]
    UnknownKey {
        /// The id.
        access_key_id: String,
    },
    /// An `x-amz-*` header that is not among the signed ones.
    #[error("the header `{name}` is not signed")]
    UnsignedHeader {
        /// Its name, in lower case.
        name: String,
    },
    /// SigV2, SigV4A, or no AWS scheme at all.
    #[error("the authorization type `{scheme}` is not supported")]
    UnsupportedAlgorithm {
        /// The scheme as sent.
        scheme: String,
        /// Whether it came in the query.
        in_query: bool,
    },
    /// A value of `x-amz-content-sha256` that is neither a hash nor one of the words.
    #[error("x-amz-content-sha256 has the value `{value}`")]
    UnsupportedPayload {
        /// The value.
        value: String,
    },
    /// `x-amz-trailer` does not name a checksum.
    #[error("x-amz-trailer has the value `{value}`")]
    UnsupportedTrailer {
        /// The value.
        value: String,
    },
    /// Signed for another Region.
    #[error("signed for the Region `{got}`, not `{expected}`")]
    WrongRegion {
        /// The scope's.
        got: String,
        /// The endpoint's.
        expected: String,
        /// Whether the signature came in the query.
        in_query: bool,
    },
    /// Signed for another service.
    #[error("signed for the service `{got}`, not `{expected}`")]
    WrongService {
        /// The scope's.
        got: String,
        /// The endpoint's.
        expected: String,
        /// Whether the signature came in the query.
        in_query: bool,
    },
}

/// What S3 shows of a signature that does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureMismatch {
    /// The claimed access key.
    pub access_key_id: String,
    /// What should have been signed.
    pub string_to_sign: String,
    /// What it was made from; empty for chunks.
    pub canonical_request: String,
    /// The signature that came.
    pub signature_provided: String,
}

/// What is wrong with an `Authorization` header or with the query parameters that stand for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Required parts are missing or there twice; their AWS names.
    Components {
        /// `Credential`, `X-Amz-Date` and so on.
        missing: Vec<&'static str>,
    },
    /// The credential has not five parts, or an empty one.
    Credential {
        /// The credential as sent.
        got: String,
    },
    /// The request's time cannot be read.
    Date {
        /// The time as sent; empty when there is none.
        got: String,
    },
    /// The scope's date is not the request's.
    DateMismatch {
        /// The scope's date.
        scope: String,
        /// The request's date.
        request: String,
    },
    /// `X-Amz-Expires` is not a number, or not in 1 to 604800.
    Expires {
        /// As sent.
        got: String,
    },
    /// `host` is not signed, or there are two that differ.
    Host,
    /// The scope does not end in `aws4_request`.
    Terminator {
        /// What it ends in.
        got: String,
    },
    /// Signed in the header and in the query, or twice in one of them.
    TwoMechanisms,
}

/// Which way a clock is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// Signed too long ago.
    Late,
    /// Signed in the future.
    Early,
}
